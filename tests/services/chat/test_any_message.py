"""Whatever somebody sends, in whatever state: one answer or a silence that a rule explains, and no broken order.

Twelve conversations in an ordinary run; TOMBOLA_SOAK=50 makes it fifty times as many. TOMBOLA_SEED begins elsewhere.
"""

from collections.abc import Callable
from datetime import timedelta
from os import environ
from random import Random
from typing import Any

import pytest

from chalicelib.domain.messages import Identity
from chalicelib.domain.orders import ALBUM
from chalicelib.domain.reply_limits import MAX_REPLIES
from chalicelib.services.maintenance.consistency import ConsistencyCheck
from chalicelib.store import contacts
from tests.support.chat_corpus import lines
from tests.support.quick_moto import quicken_moto
from tests.support.steps import outbounds
from tests.support.world import PNG, Buyer, World, options_of
from whatsapp_sandbox import webhooks

SEED = int(environ.get("TOMBOLA_SEED", "20261130"))
CONVERSATIONS, MESSAGES = 12 * int(environ.get("TOMBOLA_SOAK", "1")), 40
# The answer, and what is to be copied in a message of its own.
MOST_REPLIES = 2
# Messages that lead somewhere, so that all stages are reached often.
STEPS = (
    "BIKE", "MOTO", "menu", "rifas", "1", "5", "7, 8", "random 3", "2 por favor", "los dos", "sí", "yes", "no",
    "cancel", "cancelar", "salir", "my orders", "y el 12", "quita el 5", "cambia 5 por 8", "otro", "más tiempo",
    "ya pagué", "👍", "idioma", "español", "português", "una persona", "stop", "start", "",
)  # fmt: skip
SIGNS = "aeñçß١٢5 ,.-*_~`{}%\n\t\u202e\u200d👩‍👩‍👧🎟️\U0010ffff"
SILENT = "reaction"


class Anybody:
    """Somebody who sends anything at all."""

    def __init__(self, world: World, random: Random) -> None:
        self.world = world
        self.random = random
        self.buyer: Buyer = world.buyer()
        self.texts = [line.utterance for name in ("chat.tsv", "chat_own.tsv") for line in lines(name)]
        self.said = ""

    def sends_anything(self) -> None:
        kinds: dict[Callable[[], str], int] = {
            self._steps: 8, self._says: 3, self._babbles: 1, self._taps: 6, self._sends_file: 2, self._sends_other: 1,
            self._names_an_order: 1,
        }  # fmt: skip
        (kind,) = self.random.choices(list(kinds), list(kinds.values()))
        self.said = kind()

    def _text(self, text: str) -> str:
        self.buyer.says(text)
        return f"says {text!r}"

    def _steps(self) -> str:
        return self._text(self.random.choice(STEPS))

    def _says(self) -> str:
        return self._text(self.random.choice(self.texts))

    def _babbles(self) -> str:
        return self._text("".join(self.random.choices(SIGNS, k=self.random.choice((1, 5, 40, 4096)))))

    def _names_an_order(self) -> str:
        orders = self.world.api("GET", "/api/orders").body["results"]
        code = self.random.choice(orders)["id"] if orders else "2346789B"
        return self._text(self.random.choice(("{}", "cancel {}", "confirmo {}", "{} 5", "¿{}?")).format(code))

    def _taps(self) -> str:
        """Tap on anything that was ever shown, or on what never was."""
        shown = [
            option
            for one in self.buyer.heard
            if one["type"] == "interactive"
            for option in options_of(one["interactive"])
        ]
        option = self.random.choice([*shown[-12:], *shown, {"id": "confirm:22222222", "title": "Yes"}])
        self._sends(webhooks.button_reply, button_id=option["id"], title=option["title"], reply_to="wamid.X")
        return f"taps {option['title']!r} ({option['id']})"

    def _sends_file(self) -> str:
        self.buyer.sends_proof(PNG + self.random.choice((b"", b"2", self.random.randbytes(4))))
        return "sends a picture"

    def _sends_other(self) -> str:
        kind = self.random.choice(("sticker", "audio", "location", "contacts", "reaction", "unsupported", "poll"))
        content: dict[str, Any] = {"id": "7", "mime_type": "audio/ogg"}
        if kind == "reaction":
            content = {"message_id": f"wamid.OUT{len(self.world.graph.sent)}", "emoji": self.random.choice("👍😂")}
        self._sends(webhooks.message, kind, content)
        return f"sends a {kind}"

    def _sends(self, build: Callable[..., Any], *arguments: Any, **named: Any) -> None:
        body = build(self.buyer.person, *arguments, **named, message_id=self.world.new_id(), at=self.world.at)
        self.buyer.sends(body)


def settles_something(world: World, random: Random) -> None:
    """Do as an organiser does, whether it fits or not."""
    orders = world.api("GET", "/api/orders").body["results"]
    if orders:
        action = random.choice(("confirm-payment", "reject-proof", "cancel"))
        answer = world.api("POST", f"/api/orders/{random.choice(orders)['id']}/{action}", {"reason": "x"})
        assert answer.status < 500, answer.body


@pytest.mark.parametrize("number", range(CONVERSATIONS))
def test_any_message_in_any_state_has_one_answer_or_a_silence_by_rule(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    quicken_moto(monkeypatch)
    random = Random(SEED + number)
    raffles = [
        world.raffle(last_number=20, limited=number % 2 == 0),
        world.raffle(code="MOTO", title="Motorcycle", payment_instructions="Bank:\n`12-34`", limited=number % 3 == 0),
    ]
    anybody, told = Anybody(world, random), list[str]()
    for _ in range(MESSAGES):
        before = len(anybody.buyer.heard)
        passed = timedelta(seconds=random.choice((10, 30, 60, 600)))
        world.clock.now += passed
        if random.random() < 0.1:
            settles_something(world, random)
            world.clock.now += timedelta(seconds=10)
            world.minute()
            before = len(anybody.buyer.heard)
        anybody.sends_anything()
        told.append(anybody.said)
        replies = len(answers(anybody.buyer, before))
        assert replies <= MOST_REPLIES, told
        is_album = passed < ALBUM and told[-2:] == [told[-1]] * 2 and "picture" in told[-1]  # one answer is enough (M8)
        assert replies or is_album or is_silent_by_rule(anybody), told
    for raffle in raffles:
        world.availability(raffle)
        report = ConsistencyCheck().check(raffle["id"])
        assert not report.differences, (report.differences, told)


def answers(buyer: Buyer, since: int) -> list[str]:
    """The messages that they got in answer to theirs, and not as news of a hold that has ended meanwhile."""
    news = {f"{record.contact_id}/{record.sk[4:]}" for record in outbounds(buyer) if not record.in_reply_to}
    tags = [str(message["biz_opaque_callback_data"]) for message in buyer.heard[since:]]
    return [tag for tag in tags if tag not in news]


def is_silent_by_rule(anybody: Anybody) -> bool:
    """Return whether a rule says that there is no answer: a reaction, or the same once more, or too many today (M8)."""
    person = anybody.buyer.person
    identity = Identity(phone=str(person.phone).removeprefix("+"), user_id=person.user_id)
    limits = contacts.look_up(identity, phone_number_id="", message_id="").contact.reply_limits
    return SILENT in anybody.said or limits.is_lost or limits.replies >= MAX_REPLIES
