"""Whether the API is up, and whether it reaches what it needs."""

from collections.abc import Callable
from time import monotonic, sleep
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from chalicelib.container import Container
from chalicelib.services.maintenance import reachability
from chalicelib.store import channel
from chalicelib.store.transaction import Busy
from chalicelib.whatsapp.graph import NotSent
from tests.support.deliveries import refused
from tests.support.tokens import a_token
from tests.support.world import TOKEN, FakeGraph, World

DEEP = "/api/health?deep=1"
PARTS = ("table", "queue", "exports_queue", "bucket", "graph")
SECRET = "EAAG-local-access-token"


@pytest.fixture(autouse=True)
def graph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeGraph, "number", lambda _: "+1 631-555-1181")


def fails_with(error: Exception) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> Any:
        raise error

    return fail


def test_without_deep_it_asks_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Container, "reachability", property(fails_with(AssertionError())))
    for path in ("/api/health", "/api/health?deep=0", "/api/health?deep=false", "/api/health?x=1&x=2&="):
        assert world.api("GET", path, token=None).body == {"status": "ok"}


@pytest.mark.parametrize("deep", ["1", "true"])
def test_with_deep_it_names_each_part(world: World, deep: str) -> None:
    answer = world.api("GET", f"/api/health?deep={deep}")
    assert (answer.status, answer.body) == (200, {"status": "ok", "reachable": dict.fromkeys(PARTS, "ok")})
    assert answer.headers["Cache-Control"] == "no-store"


def test_any_role_may_ask(world: World) -> None:
    viewer = a_token(world, "viewer")
    assert world.api("GET", DEEP, token=viewer["key"]).status == 200
    for scheme in ("Token", "bearer"):
        assert world.api("GET", DEEP, token=None, Authorization=f"{scheme} {TOKEN}").status == 200


def test_o1_deep_needs_a_token(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Container, "reachability", property(fails_with(AssertionError())))
    answers = [world.api("GET", DEEP, token=None), world.api("GET", DEEP, token=None, Authorization=" ")]
    answers += [world.api("GET", DEEP, token=token) for token in ("wrong", f"{TOKEN}x", "")]
    assert [answer.status for answer in answers] == [401, 401, 403, 403, 403]
    assert {answer.body["code"] for answer in answers} == {"not_authenticated", "not_allowed"}
    assert world.api("GET", DEEP, token=None, Authorization="Basic x").status == 403


def test_a_value_that_is_neither_yes_nor_no_is_refused(world: World) -> None:
    answer = world.api("GET", "/api/health?deep=perhaps")
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, "deep")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (refused(190), "refused: WhatsApp's code 190"),
        (NotSent("no connection to host 10.0.0.1"), "failed: NotSent"),
        (ConnectTimeoutError(endpoint_url=f"https://secret.example/{SECRET}"), "failed: ConnectTimeoutError"),
        (ClientError({"Error": {"Code": "AccessDenied", "Message": SECRET}}, "X"), "refused: AccessDenied"),
        (RuntimeError(SECRET), "failed: RuntimeError"),
    ],
)
def test_it_says_what_failed_and_no_secret(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(FakeGraph, "number", fails_with(error))
    answer = world.api("GET", DEEP)
    assert answer.status == 200
    assert answer.body == {"status": "failing", "reachable": {**dict.fromkeys(PARTS, "ok"), "graph": said}}
    [logged] = [vars(record) for record in caplog.records if record.message == "not everything is reachable"]
    assert logged["failed"] == {"graph": said}
    assert SECRET not in str([vars(record) for record in caplog.records])


def test_each_part_is_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = world.container.settings
    there = world.container.reachability
    gone = reachability.Reachability(
        graph=there.graph, sqs=there.sqs, s3=there.s3, bucket="no-such-bucket",
        inbox_queue=settings.TOMBOLA_INBOX_QUEUE + "x", exports_queue=settings.TOMBOLA_EXPORTS_QUEUE + "x",
    )  # fmt: skip
    monkeypatch.setattr(channel, "read", fails_with(Busy("no answer")))
    found = gone.check()
    assert found["bucket"] == "refused: NoSuchBucket"
    assert found["queue"].startswith("refused: ") and found["exports_queue"].startswith("refused: ")
    assert (found["table"], found["graph"]) == ("failed: Busy", "ok")


def test_it_does_not_wait_for_a_part_that_hangs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reachability.MAX_SECONDS <= 5
    monkeypatch.setattr(reachability, "MAX_SECONDS", 1.0)
    monkeypatch.setattr(FakeGraph, "number", lambda _: sleep(4))
    started = monotonic()
    answer = world.api("GET", DEEP)
    assert monotonic() - started < 3.5
    assert answer.body["reachable"]["graph"] == "no answer within 1 seconds"


def test_while_tokens_cannot_be_checked_it_says_try_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(world.container.tokens), "admit", fails_with(Busy("no answer")))
    answer = world.api("GET", DEEP)
    assert (answer.status, answer.body["code"]) == (429, "try_again")
