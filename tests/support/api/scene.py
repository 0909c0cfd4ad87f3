"""A Tombola on moto that has something of everything, behind the gateway, and can be put back to how it was."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from moto.backends import get_backend

import app as functions
from chalicelib import container as composition
from chalicelib.domain.organisers import COMMAND_LINE, Role
from chalicelib.http.routes import ROUTES
from local.gateway import Answered, Gateway
from local.stack import Stack
from tests.support.moto_state import empty
from tests.support.quick_moto import quicken_moto
from tests.support.steps import buy, hold, hold_and_confirm, hold_and_prove
from tests.support.world import TOKEN, World, make_world

Json = dict[str, Any]
CONSOLE = "https://console.example"
ID = re.compile(r"/{(\w+)}")


@dataclass(frozen=True)
class Kept:
    """All that a request may change. Items are replaced and never changed, so that they need no copies."""

    items: dict[Any, dict[Any, Any]]
    queued: int
    files: frozenset[str]
    sent: int

    def differences(self, other: "Kept") -> list[str]:
        """What is not the same, by key."""
        found = [name for name in ("queued", "files", "sent") if getattr(self, name) != getattr(other, name)]
        for partition in self.items.keys() | other.items.keys():
            before, after = self.items.get(partition, {}), other.items.get(partition, {})
            changed = (place for place in before.keys() | after.keys() if before.get(place) is not after.get(place))
            found += [f"{partition.value} {place.value}" for place in changed]
        return found


@dataclass(kw_only=True)
class Scene:
    world: World
    gateway: Gateway
    keys: dict[Role, str] = field(default_factory=dict)
    useless: dict[str, str] = field(default_factory=dict)  # why → a key that opens nothing
    known: dict[str, list[str]] = field(default_factory=dict)  # name of an id in a path → ids that there are

    def ask(
        self, method: str, target: str, *, role: Role | None = None, headers: Mapping[str, str] = {}, body: bytes = b""
    ) -> Answered:
        """One request. `role`: with the token of that role."""
        authorized = {"Authorization": f"Token {self.keys[role]}"} if role else {}
        return self.gateway.answer(method, target, {**authorized, **headers}, body)

    def get(self, target: str, role: Role = Role.MANAGER) -> Any:
        found = self.ask("GET", target, role=role)
        assert found.status == 200, (target, found)
        return json.loads(found.body)

    # The state

    def keep(self) -> Kept:
        shelves = {partition: dict(shelf) for partition, shelf in self._table.items.items() if shelf}
        return Kept(shelves, len(self._queue._messages), frozenset(self._files), len(self.world.graph.sent))

    def put_back(self, kept: Kept) -> None:
        shelves = self._table.items
        shelves.clear()
        for partition, shelf in kept.items.items():
            shelves[partition] = dict(shelf)
        del self.world.graph.sent[kept.sent :], self._queue._messages[kept.queued :]
        for name in set(self._files) - kept.files:
            self._files.pop(name)

    @property
    def _queue(self) -> Any:
        name = self.world.stack.queue_url.rpartition("/")[2]
        return get_backend("sqs")[ACCOUNT]["us-east-1"].get_queue(name)

    @property
    def _files(self) -> Any:
        return get_backend("s3")[ACCOUNT]["aws"].buckets[self.world.stack.bucket].keys

    @property
    def _table(self) -> Any:
        return get_backend("dynamodb")[ACCOUNT]["us-east-1"].tables[self.world.stack.table]


ACCOUNT = "123456789012"  # moto's


@contextmanager
def scene(stack: Stack) -> Iterator[Scene]:
    with pytest.MonkeyPatch.context() as patch:
        quicken_moto(patch)
        empty(stack)
        world = make_world(stack)
        composition.container.cache_clear()
        patch.setattr(composition, "make", lambda _: world.container)
        _let_the_console_in(world)
        made = Scene(world=world, gateway=Gateway(functions.app))
        furnish(made)
        yield made
        composition.container.cache_clear()


def _let_the_console_in(world: World) -> None:
    settings = world.container.settings.model_copy(update={"TOMBOLA_CONSOLE_ORIGIN": CONSOLE})
    world.container = replace(world.container, settings=settings)
    vars(world.container)["graph"] = world.graph


def furnish(scene: Scene) -> None:
    """A token of each role and of no use any more, raffles and orders in several states, and things that went wrong."""
    world = scene.world
    world.container.tokens.create("local", Role.MANAGER, by=COMMAND_LINE, key=TOKEN)
    for role in Role:
        scene.keys[role] = world.container.tokens.create(f"the {role}", role, by=COMMAND_LINE).key
    kept = {one["id"] for one in scene.get("/api/tokens")["results"]}
    access, soon = world.container.tokens, world.clock.now + timedelta(minutes=1)
    access.create("Somebody", Role.VIEWER, by=COMMAND_LINE)
    expired = access.create("Expired", Role.MANAGER, by=COMMAND_LINE, expires_at=soon)
    revoked = access.create("Revoked", Role.MANAGER, by=COMMAND_LINE)
    access.revoke(revoked.token.id, by=COMMAND_LINE)
    scene.useless = {"expired": expired.key, "revoked": revoked.key, "unknown": "x" * 43, "not one": "é\x00 x"}
    _sell(world)
    for role in Role:  # notes their use, which would else be a change of the first request
        scene.get("/api/raffles", role)
    scene.known = ids_by_name(scene) | {"export_id": [_export(world, form) for form in ("csv", "xlsx")]}
    world.container.exports.make(scene.known["export_id"][0], last_try=True)
    scene.known["token_id"] = [one for one in scene.known["token_id"] if one not in kept]


def _sell(world: World) -> None:
    world.raffle()
    world.raffle(code="DRAFT", active=False)
    closed = world.raffle(code="OVER", max_per_contact=3)
    world.api("POST", f"/api/raffles/{closed['id']}/deactivate")
    lucia, marco = world.buyer("Lucía", 1), world.buyer("Marco", 2)
    buy(lucia, "1,2")
    hold_and_prove(lucia, "3,4")
    hold_and_confirm(marco, "5")
    late = hold_and_confirm(marco, "6")
    world.clock.pass_minutes(20)
    world.minute()
    hold(lucia, "6,7")
    cancelled = hold(marco, "8")
    world.api("POST", f"/api/orders/{cancelled}/cancel")
    assert world.order(late)["status"] == "EXPIRED"
    marco.sends_proof()
    world.container.dead_letters.keep('{"id": "1"}', "KeyError", tries=5)


def _export(world: World, form: str) -> str:
    raffle_id = world.api("GET", "/api/raffles").body["results"][0]["id"]
    asked = world.api("POST", f"/api/raffles/{raffle_id}/exports", {"format": form})
    return str(asked.body["id"])


def ids_by_name(scene: Scene) -> dict[str, list[str]]:
    """Ids of what there is, by the names that they have in paths: of all lists whose items have a path of their own."""
    lists = {route.path for route in ROUTES if route.method == "GET"}
    found: dict[str, list[str]] = {}
    for route in ROUTES:
        place = ID.search(route.path)
        if place and (path := route.path[: place.start()]) in lists and place[1] not in found:
            found[place[1]] = [
                one["id"] for one in scene.get(f"{path}?page_size=200").get("results", ()) if "id" in one
            ]
    return found
