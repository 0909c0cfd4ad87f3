"""A function that runs somebody else's code makes itself a token, or forges the audit log: its role keeps it from that.

No stand-in for AWS looks at the keys of items, so the policies are read here as IAM reads them.
"""

import pytest

from tests.support.policies import allows

WITHOUT_TOKENS = (
    "ConverseRole", "ExportRole", "ExpireReservationsRole", "DeliverMessagesRole", "DeliverToPersonRole",
    "DecideOnProofRole",
)  # fmt: skip
AUDITED = ("ApiHandlerRole", "DecideOnProofRole")  # what organisers do, through the API and in the chat (O11)
EVERY_ROLE = (*WITHOUT_TOKENS, "ApiHandlerRole", "AdminTokenRole")
READING = ("BatchGetItem", "GetItem", "Query", "Scan")
WRITING = ("DeleteItem", "PutItem", "UpdateItem", "BatchWriteItem", "PartiQLDelete", "PartiQLInsert", "PartiQLUpdate")
TOKENS = ("TOKEN#0123456789abcdef", "TOKEN_NAME#0123456789abcdef", "TOKENS")
AUDIT = ("AUDIT#00", "AUDIT#00#000000000001")


@pytest.mark.parametrize("role", WITHOUT_TOKENS)
@pytest.mark.parametrize("action", [*READING, *WRITING, "ConditionCheckItem"])
def test_o9_a_function_of_the_chat_or_the_clock_has_nothing_to_do_with_tokens(role: str, action: str) -> None:
    assert not any(allows(role, f"dynamodb:{action}", key) for key in TOKENS)


@pytest.mark.parametrize("role", [role for role in EVERY_ROLE if role not in AUDITED])
@pytest.mark.parametrize("action", WRITING)
def test_o9_only_what_acts_for_organisers_writes_audit_entries(role: str, action: str) -> None:
    assert not any(allows(role, f"dynamodb:{action}", key) for key in AUDIT)


@pytest.mark.parametrize("role", AUDITED)
@pytest.mark.parametrize("action", [action for action in WRITING if action != "PutItem"])
def test_o9_nobody_updates_or_deletes_an_audit_entry(role: str, action: str) -> None:
    assert not any(allows(role, f"dynamodb:{action}", key) for key in AUDIT)


def test_o9_what_the_functions_need_is_still_allowed() -> None:
    assert all(allows("ApiHandlerRole", "dynamodb:PutItem", key) for key in (*AUDIT, *TOKENS))
    assert all(allows("DecideOnProofRole", "dynamodb:PutItem", key) for key in AUDIT)
    assert all(allows("AdminTokenRole", f"dynamodb:{action}", "TOKEN#1") for action in ("GetItem", "UpdateItem"))
    assert all(allows(role, "dynamodb:BatchGetItem", "AUDIT#00") for role in WITHOUT_TOKENS)
    assert all(allows(role, "dynamodb:DeleteItem", "TICKETS#1#000") for role in ("ConverseRole", "ApiHandlerRole"))
