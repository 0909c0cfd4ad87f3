"""Secrets: from the environment or the Parameter Store, never in anybody's sight, and changed while all runs."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from moto import mock_aws

from chalicelib.adapters.parameter_store import FRESH_SECONDS, PAUSE_SECONDS, ParameterStore
from chalicelib.container import make
from chalicelib.domain.refusals import TryAgain
from chalicelib.settings import SettingsInvalid, load, load_secrets
from local.environment import Ports, local_environment
from local.stack import Stack

PATH = "/tombola-test/"
GIVEN = {"WHATSAPP_ACCESS_TOKEN": "first-token", "WHATSAPP_APP_SECRET": "s3cret", "WHATSAPP_VERIFY_TOKEN": "word"}
STACK = Stack(table="a-table", bucket="a-bucket", queue_url="http://x/inbox", exports_url="http://x/exports")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ssm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        client = boto3.client("ssm", region_name="us-east-1")
        for name, value in GIVEN.items():
            client.put_parameter(Name=PATH + name, Value=value, Type="SecureString")
        yield client


@pytest.fixture
def parameter_store(ssm: Any, clock: Clock) -> ParameterStore:
    return ParameterStore(PATH, "us-east-1", clock)


def put(ssm: Any, name: str, value: str) -> None:
    ssm.put_parameter(Name=PATH + name, Value=value, Type="SecureString", Overwrite=True)


def environment(**more: str) -> dict[str, str]:
    return {**local_environment({}, Ports(), STACK), **more}


def without_secrets(**more: str) -> dict[str, str]:
    return {name: value for name, value in environment(**more).items() if name not in GIVEN}


def test_the_environment_has_the_secrets_unless_it_says_that_they_are_elsewhere() -> None:
    assert make(environment()).secrets.access_token == "local-access-token"
    assert load(without_secrets(TOMBOLA_SECRETS=PATH))[1] is None
    with pytest.raises(SettingsInvalid) as refused:
        load({**without_secrets(), "TOMBOLA_TABLE": "!"})
    assert all(name in str(refused.value) for name in [*GIVEN, "TOMBOLA_TABLE"])


def test_a_function_that_needs_no_secret_reads_none(ssm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    container = make(without_secrets(TOMBOLA_SECRETS=PATH))
    monkeypatch.setattr(ParameterStore, "_provider", lambda _: pytest.fail("the secrets were read"))
    for part in ("tokens", "graph", "inbox", "expiry", "outbox", "sender", "exports"):
        getattr(container, part)


@pytest.mark.parametrize("token", ["a b", "ñ", "a\nb", "a\x00"])
def test_a_secret_that_no_header_can_carry_is_refused_but_not_shown(token: str) -> None:
    with pytest.raises(SettingsInvalid, match="WHATSAPP_ACCESS_TOKEN is malformed") as refused:
        load_secrets({**GIVEN, "WHATSAPP_ACCESS_TOKEN": token})
    assert token not in str(refused.value)


def test_spaces_around_a_secret_are_stripped() -> None:
    assert load_secrets({**GIVEN, "WHATSAPP_APP_SECRET": " s3cret\n"}).app_secrets == ("s3cret",)


def test_secrets_are_shown_nowhere(parameter_store: ParameterStore) -> None:
    read = [parameter_store.access_token, parameter_store.app_secret]
    assert set(read) < set(GIVEN.values())
    assert not any(secret in f"{parameter_store!r} {load_secrets(GIVEN)!r}" for secret in read)


def test_each_secret_is_read_once_until_it_is_stale(parameter_store: ParameterStore, ssm: Any, clock: Clock) -> None:
    assert (parameter_store.access_token, parameter_store.app_secrets) == ("first-token", ("s3cret",))
    put(ssm, "WHATSAPP_ACCESS_TOKEN", "second-token")
    put(ssm, "WHATSAPP_APP_SECRET", "new")
    put(ssm, "WHATSAPP_APP_SECRET_PREVIOUS", "s3cret")

    clock.now = FRESH_SECONDS - 1
    assert (parameter_store.access_token, parameter_store.app_secrets) == ("first-token", ("s3cret",))
    clock.now = FRESH_SECONDS
    assert (parameter_store.access_token, parameter_store.app_secrets) == ("second-token", ("new", "s3cret"))


def test_while_a_secret_cannot_be_read_again_the_known_one_is_used(
    parameter_store: ParameterStore, ssm: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    class Provider:
        def get(self, *_: Any, **__: Any) -> Any:
            asked.append(clock.now)
            raise GetParameterError("ThrottlingException")

    known = parameter_store.app_secret
    with monkeypatch.context() as patch:
        patch.setattr(ParameterStore, "_provider", lambda _: Provider())
        for now in (FRESH_SECONDS, FRESH_SECONDS + 1, FRESH_SECONDS + PAUSE_SECONDS):
            clock.now = now
            assert parameter_store.app_secret == known
    assert asked == [FRESH_SECONDS, FRESH_SECONDS + PAUSE_SECONDS]

    clock.now = FRESH_SECONDS + 2 * PAUSE_SECONDS
    ssm.delete_parameter(Name=PATH + "WHATSAPP_APP_SECRET")  # by mistake: what is known is still right
    assert parameter_store.app_secret == known


def test_a_secret_that_was_never_read_is_tried_again_later(
    parameter_store: ParameterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Provider:
        def get(self, *_: Any, **__: Any) -> Any:
            raise GetParameterError("ThrottlingException")

    monkeypatch.setattr(ParameterStore, "_provider", lambda _: Provider())
    with pytest.raises(TryAgain):
        _ = parameter_store.access_token


def test_a_missing_secret_is_named_with_its_path(parameter_store: ParameterStore, ssm: Any) -> None:
    ssm.delete_parameter(Name=PATH + "WHATSAPP_VERIFY_TOKEN")
    with pytest.raises(SettingsInvalid, match=f"WHATSAPP_VERIFY_TOKEN is missing.*{PATH}WHATSAPP_VERIFY_TOKEN"):
        _ = parameter_store.verify_token


def test_a_malformed_secret_is_named_but_not_shown(parameter_store: ParameterStore, ssm: Any) -> None:
    put(ssm, "WHATSAPP_ACCESS_TOKEN", "a b")
    with pytest.raises(SettingsInvalid, match="WHATSAPP_ACCESS_TOKEN is malformed") as refused:
        _ = parameter_store.access_token
    assert "a b" not in str(refused.value)
