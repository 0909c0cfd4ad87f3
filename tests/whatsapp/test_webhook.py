"""What Meta posts: signatures, and bodies taken apart."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.whatsapp.inbound import read
from chalicelib.whatsapp.webhook import Split, Update, is_signed, split
from tests.support.whatsapp_samples import OURS, PAYLOADS, only_update, raw, taken_apart, vectors

# updates, unusable, ignored of each body that is not simply one update
COUNTS = {
    "array_body": (0, 1, 0),
    "batch_1000_statuses": (1000, 0, 0),
    "batch_100_messages_20_contacts": (100, 0, 0),
    "batch_one_bad_among_good": (4, 1, 0),
    "batch_two_contacts": (4, 0, 0),
    "batch_two_entries_two_changes": (4, 0, 0),
    "changes_empty": (0, 0, 0),
    "dashboard_test_button": (0, 0, 1),
    "deep_nesting": (0, 1, 0),
    "duplicate_delivery_b_rebatched": (2, 0, 0),
    "empty_body": (0, 1, 0),
    "empty_object": (0, 1, 0),
    "group_text": (0, 0, 1),
    "history": (0, 0, 1),
    "history_declined": (0, 0, 1),
    "invalid_utf8": (0, 1, 0),
    "message_from_our_own_number": (0, 0, 1),
    "message_id_missing": (0, 1, 0),
    "metadata_missing": (0, 1, 0),
    "null_body": (0, 1, 0),
    "object_page": (0, 1, 0),
    "smb_app_state_sync": (0, 0, 1),
    "status_failed_after_sent": (2, 0, 0),
    "status_group": (0, 0, 1),
    "status_out_of_order": (3, 0, 0),
    "statuses_only_two_recipients": (2, 0, 0),
    "string_body": (0, 1, 0),
    "truncated_json": (0, 1, 0),
    "two_phone_number_ids": (1, 0, 1),
}
EXTREME = 10**4000
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(EXTREME),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
SOMETHING = st.text(max_size=5) | st.none() | st.integers() | st.sampled_from(["50255501234", "GT.77", OURS, "\ud800"])
PIECE = (
    st.dictionaries(
        st.sampled_from(
            ["id", "from", "from_user_id", "type", "text", "status", "recipient_id", "errors", "timestamp"]
        ),
        SOMETHING | JSON,
    )
    | JSON
)
VALUE = st.fixed_dictionaries(
    {"metadata": st.just({"phone_number_id": OURS}) | JSON},
    optional={
        "messages": st.lists(PIECE, max_size=3) | JSON,
        "statuses": st.lists(PIECE, max_size=3) | JSON,
        "contacts": st.lists(PIECE, max_size=3) | JSON,
        "errors": JSON,
        "user_preferences": st.lists(PIECE, max_size=3),
    },
)
CHANGE = st.fixed_dictionaries({"field": st.just("messages") | SOMETHING, "value": VALUE | JSON})
BODY = st.fixed_dictionaries({"entry": st.lists(st.fixed_dictionaries({"changes": st.lists(CHANGE) | JSON}) | JSON)})


def counts(found: Split) -> tuple[int, int, int]:
    return len(found.updates), len(found.unusable), found.ignored


def body_of(*messages: Any, **value: Any) -> bytes:
    metadata = {"phone_number_id": OURS, "display_phone_number": "+502 2311-0099"}
    change = {"field": "messages", "value": {"metadata": metadata, "messages": messages, **value}}
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"changes": [change]}]}).encode()


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: str(vector["name"]))
def test_the_bytes_received_are_signed_and_nothing_else(vector: dict[str, Any]) -> None:
    secret = vector["app_secret"]
    assert is_signed(vector["raw"], vector["x_hub_signature_256"], [secret])
    assert not is_signed(vector["raw"] + b" ", vector["x_hub_signature_256"], [secret])
    if vector["raw"]:  # an empty body can't be written differently
        assert not is_signed(vector["raw"], vector["hmac_if_wrongly_reserialised"], [secret])


def test_old_and_new_secret_are_accepted_while_rotating() -> None:
    vector = vectors()[0]
    header, secret = vector["x_hub_signature_256"], vector["app_secret"]
    assert is_signed(vector["raw"], header, ["new", secret])
    assert is_signed(vector["raw"], header, [secret, ""])
    assert not is_signed(vector["raw"], header, ["new"])


@pytest.mark.parametrize(
    "header", [None, "", "sha256=", "sha256", "sha1=abc", "sha256=ñ", "sha256=\udcff", "=", "sha256=00"]
)
def test_a_bad_or_missing_signature_is_none(header: str | None) -> None:
    assert not is_signed(b"{}", header, ["secret"])


def test_the_signature_is_lower_case_hex_with_its_prefix() -> None:
    vector = vectors()[0]
    digits = vector["x_hub_signature_256"].removeprefix("sha256=")
    for header in (digits, f"sha256={digits.upper()}", f" sha256={digits}", f"SHA256={digits}"):
        assert not is_signed(vector["raw"], header, [vector["app_secret"]])


def test_an_empty_secret_never_matches() -> None:
    # HMAC-SHA256 of nothing with an empty key
    header = "sha256=b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"
    assert not is_signed(b"", header, [""])
    assert not is_signed(b"", header, [])


@pytest.mark.parametrize("name", PAYLOADS)
def test_each_body_gives_its_updates(name: str) -> None:
    found = taken_apart(name)
    assert counts(found) == COUNTS.get(name, (1, 0, 0))
    for update in found.updates:
        assert Update.from_json(update.to_json()) == update
        read(update)


def test_all_bodies_in_one_are_the_same_as_each_alone() -> None:
    entries: list[Any] = []
    alone: Counter[str] = Counter()
    bad = ignored = 0
    for name in PAYLOADS:
        try:
            entries += json.loads(raw(name).decode("utf-8-sig"))["entry"]
        except (ValueError, RecursionError, KeyError, TypeError):
            continue
        found = taken_apart(name)
        alone.update(update.deduplication_id for update in found.updates)
        bad, ignored = bad + len(found.unusable), ignored + found.ignored
    together = split(json.dumps({"entry": entries}).encode(), phone_number_id=OURS)
    assert {update.deduplication_id for update in together.updates} == set(alone)
    assert counts(together) == (len(alone), bad, ignored)


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_pass_without_harm(body: bytes) -> None:
    found = split(body, phone_number_id=OURS)
    assert found.updates == ()
    assert len(found.unusable) == 1


@given(JSON | BODY)
def test_any_json_passes_without_harm(body: Any) -> None:
    found = split(json.dumps(body).encode(), phone_number_id=OURS)
    for update in found.updates:
        assert Update.from_json(update.to_json()) == update
        assert len(update.deduplication_id) == 64
        read(update)
    assert all(isinstance(unusable.body, str) for unusable in found.unusable)


@pytest.mark.parametrize(
    "body",
    [b"[" * 200_000, b'{"entry":' * 50_000, b"9" * 100_000, b'{"entry":[' + b"9" * 5000 + b"]}", b"\xff\xfe{\x00}\x00"],
)
def test_bodies_made_to_break_parsers_are_unusable(body: bytes) -> None:
    found = split(body, phone_number_id=OURS)
    assert counts(found) == (0, 1, 0)
    assert found.unusable[0].body == body.decode("utf-8", "replace") or body.startswith(b'{"entry":[9')


def test_one_bad_update_does_not_harm_its_neighbours() -> None:
    deep: Any = "x"
    for _ in range(80):
        deep = [deep]
    good = {"id": "wamid.1", "from": "50255501234", "type": "text", "text": {"body": "5"}}
    bad = [None, 7, {"id": 3, "from": "50255501234"}, {"id": "wamid.2"}, {**good, "id": "wamid.3", "text": deep}]
    found = split(body_of(*bad, good, statuses="none", errors=[{"code": 1}]), phone_number_id=OURS)
    assert [update.id for update in found.updates][:1] == ["wamid.1"]
    assert [update.kind for update in found.updates] == ["message", "other"]
    assert [unusable.reason for unusable in found.unusable] == [
        "a message is not an object",
        "a message is not an object",
        "a message without id",
        "a message without sender",
        "nested too deeply",
        "statuses is not a list",
    ]


def test_numbers_that_json_does_not_allow_do_no_harm() -> None:
    good = {"id": "wamid.1", "from": "50255501234", "a": float("nan"), "b": float("inf"), "c": 10**40}
    [update] = split(body_of(good), phone_number_id=OURS).updates
    assert not update.value.keys() & {"a", "b", "c"}  # what has no value counts as absent


ABSENT = (
    "messages", "statuses", "errors", "contacts", "group_id", "recipient_type", "context", "referral", "user_id",
    "from_user_id", "profile", "system", "object", "id", "time",
)  # fmt: skip


def with_nulls(part: Any) -> Any:
    """The same, with null for each field that is not there."""
    if isinstance(part, dict):
        there = {name: with_nulls(value) for name, value in part.items()}
        return there | dict.fromkeys(name for name in ABSENT if name not in part)
    return [with_nulls(item) for item in part] if isinstance(part, list) else part


@pytest.mark.parametrize("name", [name for name in PAYLOADS if b"deep" not in name.encode()])
def test_a_field_that_is_null_is_a_field_that_is_absent(name: str) -> None:
    try:
        body = json.loads(raw(name).decode("utf-8-sig"))
    except ValueError:
        pytest.skip("no JSON")
    found = split(json.dumps(with_nulls(body)).encode(), phone_number_id=OURS)
    expected = taken_apart(name)
    assert (found.updates, found.ignored) == (expected.updates, expected.ignored)
    assert [one.reason for one in found.unusable] == [one.reason for one in expected.unusable]


@pytest.mark.parametrize(
    "body",
    [
        {"object": "whatsapp_business_account", "entry": None},
        {"entry": [{"id": "1", "time": 1, "changes": None}]},
        {"entry": [{"changes": [{"field": "messages", "value": None}]}]},
        {"entry": [{"changes": [{"field": None, "value": None}]}]},
    ],
)
def test_a_body_with_null_instead_of_its_content_is_empty(body: Any) -> None:
    assert split(json.dumps(body).encode(), phone_number_id=OURS) == Split()


def test_a_person_has_one_group_with_and_without_phone() -> None:
    with_both = only_update("bsuid_with_phone_and_parent")
    assert with_both.group == only_update("bsuid_without_phone").group
    assert with_both.group == only_update("status_sent").group
    # The message names the phone alone; its entry of `contacts` names the user id.
    assert with_both.group == only_update("type_missing").group
    assert with_both.group != only_update("no_bsuid_legacy").group


@pytest.mark.parametrize("name", sorted(set(PAYLOADS) - {"batch_1000_statuses"}))
def test_no_group_or_deduplication_id_shows_a_phone(name: str) -> None:
    for update in taken_apart(name).updates:
        assert "502555" not in update.group + update.deduplication_id
        assert len(update.group) <= 128


def test_contacts_are_matched_by_person_and_not_by_position() -> None:
    names = [update.contact["profile"]["name"] for update in taken_apart("batch_two_contacts").updates]
    assert names == ["Lucía Pérez", "Marco", "Lucía Pérez", "Marco"]
    assert taken_apart("status_failed_131026").updates[0].contact == {}


def test_a_duplicate_has_the_same_id_in_whatever_body_it_comes() -> None:
    assert only_update("duplicate_delivery_a").id == taken_apart("duplicate_delivery_b_rebatched").updates[1].id
    assert only_update("duplicate_inside_one_body").id == only_update("duplicate_delivery_a").id


def test_states_of_one_message_are_different_updates() -> None:
    ids = [update.id.rsplit(":", 2)[1:] for update in taken_apart("status_out_of_order").updates]
    assert ids == [["read", "50255501234"], ["sent", "50255501234"], ["delivered", "50255501234"]]


def test_the_same_notice_at_another_time_is_another_notice() -> None:
    body = json.loads(raw("account_update_violation"))
    later = json.loads(raw("account_update_violation"))
    later["entry"][0]["time"] += 1
    body["entry"] += later["entry"] + body["entry"]
    assert len(split(json.dumps(body).encode(), phone_number_id=OURS).updates) == 2


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"kind": "message"}', "[" * 100_000])
def test_a_queue_message_that_is_not_an_update_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not an update|Expecting"):
        Update.from_json(text)
