"""The description is true: whatever it allows or forbids, each answer is one that it lists, in the form that it gives.

Schemathesis makes the requests, of the description alone. TOMBOLA_SOAK=50 makes fifty times as many at random; those
that go through each rule of the description are the same each time. TOMBOLA_SEED begins elsewhere.
"""

import json
from collections import Counter
from collections.abc import Callable
from os import environ
from typing import Any
from zlib import crc32

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case, CheckContext, Response
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup

import app as functions
from chalicelib.domain.organisers import Role
from chalicelib.http import openapi
from chalicelib.http.routes import ROUTES
from local.gateway import Gateway
from tests.support.api.scene import Kept, Scene

Json = dict[str, Any]
TIMES = int(environ.get("TOMBOLA_SOAK", "1"))
SEED = int(environ.get("TOMBOLA_SEED", "20261123"))
CONFIG: Json = {
    "seed": SEED,
    "generation": {
        "deterministic": True,
        "max-examples": 5 * TIMES,
        "database": "none",
        "with-security-parameters": False,  # which token goes with a request is for the test to say
    },
    # API Gateway takes no other methods, and says so by itself.
    "phases": {"coverage": {"unexpected-methods": ["delete", "get", "patch", "post", "put"]}},
    "checks": {
        # test_roles.py asks each route without a token and with bad ones: here it would triple the requests.
        "ignored_auth": {"enabled": False},
        # `taken`, below, is the same with what a schema can't say.
        "positive_data_acceptance": {"enabled": False},
        # 412, since If-Match may be any text and hardly ever names the version that there is; 413 for what is too long.
        "negative_data_rejection": {
            "expected-statuses": ["400", "401", "403", "404", "405", "409", "412", "413", "415", "422"]
        },
    },
}
# What the description allows and the API refuses, since no schema can say it.
BEYOND_SCHEMAS = {
    "cursor": "only we can make one",
    "last_number": "it depends on first_number",
    "closes_at": "it depends on opens_at",
    "opens_at": "a leap second fits the format, and Python has none",
    "expires_at": "likewise",
    "currency": "three letters, but those of a currency",
    "time_zone": "any text, but the name of a zone",
    "code": "no word that the bot understands as something else",
    "payment_instructions": "backticks around one line only",
    "id": "of an upload: one that was made",
    "ids": "it goes with no other parameter",
    "body": "of a statement it says that these are bytes",
    **dict.fromkeys(("date", "amount", "credit", "debit", "sign", "currency_column", "text"), "a column of the file"),
    "status": "of an export: a parameter that goes with another one only",
}
PLAIN = {"Accept-Encoding": "identity"}  # without a connection, Schemathesis does not unpack what is compressed
INTEGER = "Input should be a valid integer"  # to a schema 2.0 is one; to us, who count money and numbers, it is not
ACCEPTED = frozenset((200, 201, 202, 204, 401, 403, 404, 409, 412))

schema = schemathesis.openapi.from_dict(
    json.loads(json.dumps(openapi.whole(ROUTES))), config=SchemathesisConfig.from_dict(CONFIG)
)
LINKED = {
    name
    for methods in schema.raw_schema["paths"].values()
    for operation in methods.values()
    for answer in operation["responses"].values()
    for name in answer.get("links", ())
}
made = Counter[str]()  # requests, by operation
schema.app = Gateway(functions.app)


@schemathesis.check
def taken(context: CheckContext, response: Response, case: Case[Any]) -> None:
    """What fits the description is taken, or refused by a rule that no schema can say."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code in ACCEPTED:
        return
    errors = response.json().get("errors", ()) if response.status_code == 422 else ()
    unexpected = [error for error in errors if error["field"] not in BEYOND_SCHEMAS and error["message"] != INTEGER]
    assert errors and not unexpected, f"{response.status_code}: {response.text}"


@schema.parametrize()
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)  # it only counts
def test_each_answer_is_one_that_the_description_lists(
    case: Case[Any], furnished: tuple[Scene, Kept], record_property: Callable[[str, object], None]
) -> None:
    scene, kept = furnished
    chance = crc32(repr((case.path_parameters, case.query, case.headers, case.body)).encode(errors="replace"))
    _aim(case, scene)
    # A manager may do everything. Of the others one is refused like another, so each gets a share.
    others = (None, Role.VIEWER, Role.CASHIER)
    for role in (others[chance % 3], Role.MANAGER):
        scene.put_back(kept)
        case.call_and_validate(headers={**PLAIN, "Authorization": f"Token {scene.keys[role]}"} if role else PLAIN)
        made[case.operation.label] += 1
    record_property("described requests tried", made[case.operation.label])


def _aim(case: Case[Any], scene: Scene) -> None:
    """Most ids of the right form become those of something that there is."""
    for name, value in (case.path_parameters or {}).items():
        known, chance = scene.known.get(name, []), crc32(str(value).encode())
        if known and isinstance(value, str) and value.isalnum() and value.isascii() and chance % 4:
            case.path_parameters[name] = known[chance % len(known)]


def test_what_an_answer_links_to_is_there(
    furnished: tuple[Scene, Kept], record_property: Callable[[str, object], None]
) -> None:
    scene, kept = furnished
    tried = Counter[str]()

    class Journey(schema.as_state_machine()):  # type: ignore[misc] # made at run time
        def setup(self) -> None:
            scene.put_back(kept)

        def get_call_kwargs(self, case: Case[Any]) -> Json:
            tried[case.operation.label] += 1
            return {"headers": {**PLAIN, "Authorization": f"Token {scene.keys[Role.MANAGER]}"}}

    Journey.run(
        settings=settings(
            max_examples=15 * TIMES,
            stateful_step_count=6,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
    )
    record_property("steps along links tried", tried.total())
    assert len(tried) > len(LINKED) / 2, tried


def _without_the_status(operation: Json) -> None:
    del operation["responses"]["200"]


def _with_another_type(operation: Json) -> None:
    operation["responses"]["200"]["content"]["application/json"]["schema"] = {"type": "array"}


def _with_another_media_type(operation: Json) -> None:
    answer = operation["responses"]["200"]["content"]
    answer["text/plain"] = answer.pop("application/json")


@pytest.mark.parametrize("spoil", [_without_the_status, _with_another_type, _with_another_media_type])
def test_control_a_false_description_is_detected(scene: Scene, spoil: Callable[[Json], None]) -> None:
    document = json.loads(json.dumps(openapi.whole(ROUTES)))
    spoil(document["paths"]["/api/orders"]["get"])
    spoilt = schemathesis.openapi.from_dict(document, config=SchemathesisConfig.from_dict(CONFIG))
    spoilt.app = Gateway(functions.app)
    with pytest.raises(FailureGroup):
        spoilt["/api/orders"]["GET"].Case().call_and_validate(
            headers={"Authorization": f"Token {scene.keys[Role.VIEWER]}"}
        )
