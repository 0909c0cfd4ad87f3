"""What buyers really write is understood, or asked back; and nothing is held or done that they did not want."""

import sys
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from moto.backends import get_backend

from chalicelib.domain.contacts import Contact
from chalicelib.store import orders
from tests.support.chat_corpus import (
    ASKED,
    UNDERSTOOD,
    WRONG_ACTION,
    WRONG_HOLD,
    Answer,
    Line,
    judge,
    lines,
    share,
    table,
)
from tests.support.contact_chat import known
from tests.support.steps import hold, outbounds
from tests.support.world import World
from whatsapp_sandbox import webhooks

# Every utterance comes from a new person, who may be of any language: nobody has told the bot theirs.
RAFFLES: dict[str, dict[str, Any]] = {
    "es": {"code": "CANASTA", "title": "Canasta navideña de la escuela", "unit_amount": 5000, "currency": "MXN"},
    "pt": {"code": "CESTA", "title": "Cesta de Natal do clube", "unit_amount": 1000, "currency": "BRL"},
    "en": {"code": "HAMPER", "title": "Christmas hamper for the rowing club", "unit_amount": 500, "currency": "USD"},
}
KINDS: dict[str, tuple[str, dict[str, object]]] = {
    "[voice]": ("audio", {"id": "7001", "mime_type": "audio/ogg", "voice": True}),
    "[sticker]": ("sticker", {"id": "7002", "mime_type": "image/webp"}),
    "[location]": ("location", {"latitude": 14.6, "longitude": -90.5}),
}


class Scene:
    """A world to which one can return: each utterance is said in the same situation, by somebody who is new in it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.buyer = world.buyer("Buyer", 100)
        self._moments: dict[tuple[str, str], Any] = {}
        for number, raffle in enumerate(RAFFLES.values()):
            world.raffle(**raffle, description="The draw is on 22 December.", last_number=100)
            hold(world.buyer("Taken", number + 1), "#10", raffle["code"])
        world.clock.pass_minutes(0.1)
        self._start = deepcopy(self._table.items)

    @property
    def _table(self) -> Any:
        """moto makes another one when a transaction fails."""
        return get_backend("dynamodb")["123456789012"]["us-east-1"].tables[self.world.stack.table]

    def answer(self, line: Line) -> Answer:
        """Say it, and return what became of it."""
        self._go_to(line)
        before = self._contact()
        told_before = len(outbounds(self.buyer))
        before_by_id = {order.id: set(order.numbers) for order in self._orders()}
        self._say(line.utterance)
        replies = [str(record.reply) for record in outbounds(self.buyer)[told_before:]]
        changed = [order for order in self._orders() if before_by_id.get(order.id) != set(order.numbers)]
        held = frozenset(number for order in changed for number in order.numbers)
        added = held.difference(*(before_by_id.get(order.id, set()) for order in changed))
        after = self._contact()
        return Answer(replies, held, added, after is not None and after.opted_out and not (before and before.opted_out))

    def _go_to(self, line: Line) -> None:
        moment = self._moments.get((line.lang, line.state))
        self.world.graph.sent.clear()
        if moment is None:
            self._table.items = deepcopy(self._start)
            for text in steps_to(line.state, RAFFLES[line.lang]["code"]):
                self.buyer.says(text)
            self.world.clock.pass_minutes(0.1)
            moment = self._moments[line.lang, line.state] = deepcopy(self._table.items)
        self._table.items = deepcopy(moment)

    def _say(self, utterance: str) -> None:
        world = self.world
        if utterance == "[image]":
            self.buyer.sends_proof()
        elif utterance in KINDS:
            kind, content = KINDS[utterance]
            body = webhooks.message(self.buyer.person, kind, content, message_id=world.new_id(), at=world.at)
            self.buyer.sends(body)
        else:
            self.buyer.says(utterance)

    def _contact(self) -> Contact | None:
        try:
            return known(self.buyer)
        except AssertionError:
            return None

    def _orders(self) -> list[Any]:
        contact = self._contact()
        return list(orders.of_contact(contact.id, limit=10)) if contact is not None else []


def steps_to(state: str, code: str) -> tuple[str, ...]:
    return {
        "idle": (),
        "browsing": ("raffles",),
        "selecting": (code,),
        "confirming": (code, "44, 45"),
        "payment": (code, "44, 45", "confirm"),
    }[state]


@pytest.fixture
def scene(world: World) -> Scene:
    return Scene(world)


@pytest.mark.parametrize("name", ["chat.tsv", "chat_own.tsv"])
def test_what_buyers_write_is_understood_or_asked_back(
    scene: Scene, record_property: Callable[[str, object], None], name: str
) -> None:
    verdicts = []
    missed = []
    for line in lines(name):
        given = scene.answer(line)
        verdict = judge(line, given)
        verdicts.append((line, verdict))
        if verdict not in (UNDERSTOOD, ASKED):
            held = "+".join(map(str, sorted(given.held)))
            missed.append(f"{verdict}: {line.lang} {line.state} {line.utterance!r} → {' '.join(given.replies)} {held}")
    report = "\n".join(["", name, *missed, *table(verdicts), ""])
    sys.stdout.write(report)
    totals = Counter(verdict for _, verdict in verdicts)
    record_property("utterances tried", len(verdicts))
    assert (totals[WRONG_HOLD], totals[WRONG_ACTION]) == (0, 0), report
    assert share(totals, UNDERSTOOD, ASKED) >= 0.97, report
    assert share(totals, UNDERSTOOD) >= 0.80, report
