"""What is set up over REST: names of settings, never their values."""

from dataclasses import replace
from typing import Any

from chalicelib.services.messaging.templates import own_versions
from chalicelib.store import channel
from tests.support.request_counts import Requests
from tests.support.tokens import a_token
from tests.support.world import World


def missing(world: World) -> set[str]:
    found = world.api("GET", "/api/setup").body
    assert all(check["text"] for check in found["checks"])
    return {check["code"] for check in found["checks"] if not check["is_done"]}


def without(world: World, monkeypatch: Any, **settings: Any) -> None:
    changed = world.container.settings.model_copy(update=settings)
    container = replace(world.container, settings=changed)
    monkeypatch.setattr("chalicelib.http.dispatch.container", lambda: container)


def test_what_is_missing_is_named(world: World, monkeypatch: Any) -> None:
    assert "templates" in missing(world)
    channel.approve([f"{name}/{language}" for name, language in own_versions()], approved=True)
    assert "templates" not in missing(world)
    before = missing(world)
    for code, name, empty in (
        ("organisers", "WHATSAPP_ORGANISERS", ()),
        ("account_id", "WHATSAPP_ACCOUNT_ID", ""),
        ("decisions_queue", "TOMBOLA_DECISIONS_QUEUE", ""),
        ("wake_ups_queue", "TOMBOLA_WAKE_UPS_QUEUE", ""),
        ("audit_bucket", "TOMBOLA_AUDIT_BUCKET", ""),
    ):
        without(world, monkeypatch, **{name: empty})
        found = world.api("GET", "/api/setup").body
        assert missing(world) == before | {code}
        assert name in {check["setting"] for check in found["checks"] if check["code"] == code}


def test_templates_are_named_with_their_languages(world: World) -> None:
    name, language = next(iter(own_versions()))
    channel.approve([f"{name}/{language}"], approved=True)
    templates = world.api("GET", "/api/setup").body["templates"]
    assert [(one["name"], one["language"]) for one in templates] == list(own_versions())
    assert [one for one in templates if one["is_approved"]] == [
        {"name": name, "language": language, "is_approved": True}
    ]


def test_no_value_of_a_setting_is_told(world: World, requests: Requests) -> None:
    viewer = a_token(world, "viewer")["key"]
    world.api("GET", "/api/setup", token=viewer)
    found: list[Any] = []
    made = requests.during(lambda: found.append(world.api("GET", "/api/setup", token=viewer)))
    assert made == ["GetItem", "BatchGetItem"]  # the first one is for the token
    settings, secrets = world.container.settings, world.container.secrets
    told = str(found[0].body)
    for value in (
        *settings.WHATSAPP_ORGANISERS,
        settings.TOMBOLA_INBOX_QUEUE,
        secrets.app_secret,
        secrets.access_token,
    ):
        assert value and value not in told
