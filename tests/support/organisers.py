"""Organisers who decide in the chat."""

from typing import Any

from tests.support.world import Buyer, World, options_of
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
OLGA = "+50255550000"
OSCAR = "+50255550001"


def set_organisers(world: World, *phones: str) -> None:
    """Make these the organisers from now on, as a deployment does."""
    made = vars(world.container)
    made["settings"] = world.container.settings.model_copy(update={"WHATSAPP_ORGANISERS": phones})
    for part in ("chat", "decisions", "raffles"):
        made.pop(part, None)


def person(world: World, phone: str, name: str = "Oscar", user_id: str | None = None) -> Buyer:
    return Buyer(world=world, person=webhooks.Person(name=name, phone=phone, user_id=user_id))


def choice_of(message: Json, title: str) -> str:
    """The id of a button or row."""
    return next(str(one["id"]) for one in options_of(message["interactive"]) if one["title"].startswith(title))


def tap(who: Buyer, choice: str, title: str = "Approve", message_id: str | None = None) -> Json:
    """The webhook of a tap on a button with this id, which they need not have got."""
    return webhooks.button_reply(
        who.person,
        button_id=choice,
        title=title,
        message_id=message_id or who.world.new_id(),
        at=who.world.at,
        reply_to="wamid.X",
    )


def acts(world: World, order_id: str) -> list[tuple[str, str]]:
    """What the audit log says of an order: who did what, oldest first."""
    entries = world.api("GET", f"/api/audit?target=order:{order_id}").body["results"]
    return [(entry["by"], entry["action"]) for entry in reversed(entries)]
