"""What people, organisers and the clock do: each deed with what must have happened before it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.faults.scene import Scene
from tests.support.steps import hold, hold_and_confirm, hold_and_prove

Json = dict[str, Any]
OTHER: Json = {
    "title": "Car", "unit_amount": 100, "currency": "GTQ", "first_number": 1, "last_number": 50, "code": "CAR",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Deed:
    before: Callable[[Scene], object] = lambda scene: scene.lucia.says("menu")
    do: Callable[[Scene], object]
    chance: bool = False  # which numbers it comes to is left to chance


def opened(scene: Scene) -> None:
    scene.lucia.says("BIKE")


def held(scene: Scene) -> None:
    scene.order_id = hold(scene.lucia, "5,12")


def confirmed(scene: Scene) -> None:
    scene.order_id = hold_and_confirm(scene.lucia, "5,12")


def proven(scene: Scene) -> None:
    scene.order_id = hold_and_prove(scene.lucia, "5,12")


def over(scene: Scene) -> None:
    held(scene)
    scene.world.clock.pass_minutes(16)


def wanted_by_marco(scene: Scene) -> None:
    """Marco has opened the raffle; what he wants is held by Lucía, whose time is over."""
    over(scene)
    scene.world.buyer("Marco", 2).says("BIKE")


def taken_from_marco(scene: Scene) -> None:
    held(scene)
    scene.world.buyer("Marco", 2).says("BIKE")


def ends_soon(scene: Scene) -> None:
    held(scene)
    scene.world.clock.pass_minutes(11)


def drafted(scene: Scene) -> None:
    scene.order_id = scene.world.raffle(active=False, **OTHER)["id"]
    scene.world.clock.pass_minutes(1)  # a change is told from another by its moment


def order(scene: Scene, what: str) -> None:
    scene.api("POST", f"/api/orders/{scene.order_id}/{what}")


def raffle(scene: Scene, method: str, what: str = "", body: Json | None = None) -> None:
    scene.api(method, f"/api/raffles/{scene.order_id}{what}", body, made=lambda: method == "DELETE" and gone(scene))


def gone(scene: Scene) -> bool:
    return scene.world.api("GET", f"/api/raffles/{scene.order_id}").status == 404


def make(scene: Scene, **fields: Any) -> None:
    def is_there() -> bool:
        found = scene.world.api("GET", "/api/raffles").body["results"]
        return "Car" in [raffle["title"] for raffle in found]

    scene.api("POST", "/api/raffles", {**OTHER, **fields}, made=is_there)


DEEDS = {
    "open a raffle": Deed(do=opened),
    "list the raffles": Deed(do=lambda scene: scene.lucia.says("raffles")),
    "hold numbers": Deed(before=opened, do=lambda scene: scene.lucia.says("5,12")),
    "hold random numbers": Deed(before=opened, do=lambda scene: scene.lucia.says("random 3"), chance=True),
    "ask for taken numbers": Deed(before=taken_from_marco, do=lambda s: s.world.buyer("Marco", 2).says("5,12")),
    "ask for numbers whose hold is over": Deed(
        before=wanted_by_marco, do=lambda scene: scene.world.buyer("Marco", 2).says("5,12")
    ),
    "confirm": Deed(before=held, do=lambda scene: scene.lucia.says("confirm")),
    "send a proof": Deed(before=confirmed, do=lambda scene: scene.lucia.sends_proof()),
    "cancel": Deed(before=confirmed, do=lambda scene: scene.lucia.says("cancel")),
    "my orders": Deed(before=held, do=lambda scene: scene.lucia.says("my orders")),
    "confirm a payment": Deed(before=proven, do=lambda scene: order(scene, "confirm-payment")),
    "cancel as an organiser": Deed(before=confirmed, do=lambda scene: order(scene, "cancel")),
    "end the holds that are over": Deed(before=over, do=Scene.minute),
    "remind": Deed(before=ends_soon, do=Scene.minute),
    "make a raffle": Deed(do=make),
    "make a raffle without a code": Deed(do=lambda scene: make(scene, code=None)),
    "activate a raffle": Deed(before=drafted, do=lambda scene: raffle(scene, "POST", "/activate")),
    "change a raffle": Deed(
        before=drafted, do=lambda scene: raffle(scene, "PATCH", body={"prize": "A car", "code": "VROOM"})
    ),
    "delete a raffle": Deed(before=drafted, do=lambda scene: raffle(scene, "DELETE")),
    "list raffles over HTTP": Deed(do=lambda scene: scene.api("GET", "/api/raffles")),
    "list tickets over HTTP": Deed(
        before=held, do=lambda scene: scene.api("GET", f"/api/raffles/{scene.bike['id']}/tickets")
    ),
    "list orders over HTTP": Deed(before=held, do=lambda scene: scene.api("GET", "/api/orders?status=DRAFT")),
    "export over HTTP": Deed(
        before=held, do=lambda scene: scene.api("GET", f"/api/raffles/{scene.bike['id']}/export?of=buyers")
    ),
    "ask for an export": Deed(
        before=held, do=lambda scene: scene.api("POST", f"/api/raffles/{scene.bike['id']}/exports", {})
    ),
    "availability": Deed(
        before=held, do=lambda scene: scene.api("GET", f"/api/raffles/{scene.bike['id']}/availability")
    ),
}
