"""Conversations as plain text: what a buyer writes, what the bot answers, and what happens in between.

    # Buy two numbers and pay
    scene: es
    > Hola
    < ¡Hola! Aquí puedes comprar números de rifas.
      [Ver rifas] [Mis números] [Ayuda]
    > [Ver rifas]
    = 16 minutes pass

`>` is the buyer: words, a tap on [a button or row], or (photo), (audio), (sticker), (location). `<` begins a message of
the bot, and its other lines are indented. `=` is what happens beside the chat (see EVENTS). Codes of orders are written
as ORDER1, ORDER2, and so on. Lines with # say what the reader should know. With `>>` and `<<` an organiser talks.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.support.organisers import person as organiser
from tests.support.organisers import set_organisers
from tests.support.steps import hold
from tests.support.world import Buyer, World, options_of
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
ORDER_CODE = re.compile(r"\b[2-9A-HJ-NP-Z]{8}\b")
A_MOMENT = timedelta(seconds=20)  # between two messages of the buyer
KINDS: dict[str, Json] = {
    "(audio)": {"id": "1", "mime_type": "audio/ogg; codecs=opus", "voice": True},
    "(sticker)": {"id": "1", "mime_type": "image/webp"},
    "(location)": {"latitude": 19.43, "longitude": -99.13},
}
SCENES: dict[str, Json] = {
    "es": {
        "phone": "+5215512345678",
        "name": "Lucía",
        "organiser": "+5215587654321",
        "raffle": {
            "code": "CANASTA", "title": "Canasta navideña de la escuela", "prize": "Una canasta con 30 productos",
            "unit_amount": 5000, "currency": "MXN", "time_zone": "America/Mexico_City", "language": "es",
            "draws_at": "2026-12-21T00:00:00Z", "draw_method": "Con el premio mayor de la Lotería Nacional",
            "organiser": {"name": "Escuela Benito Juárez", "contact": "55 5555 0000"},
            "payment_instructions": "Transferencia a Escuela Benito Juárez\n`012180015512345678`",
        },
    },
    "pt": {
        "phone": "+5511912345678",
        "name": "João",
        "organiser": "+5511987654321",
        "raffle": {
            "code": "CESTA", "title": "Cesta de Natal do clube", "prize": "Uma cesta com 30 produtos",
            "unit_amount": 1000, "currency": "BRL", "time_zone": "America/Sao_Paulo", "language": "pt",
            "draws_at": "2026-12-20T21:00:00Z", "draw_method": "Pela Loteria Federal",
            "organiser": {"name": "Clube de Regatas", "contact": "11 5555-0000"},
            "payment_instructions": "Pix para o Clube de Regatas\n`clube@regatas.org.br`",
        },
    },
    "en": {
        "phone": "+16505550123",
        "name": "Emma",
        "organiser": "+16505550199",
        "raffle": {
            "code": "HAMPER", "title": "Christmas hamper for the rowing club", "prize": "A hamper with 30 treats",
            "unit_amount": 500, "currency": "USD", "time_zone": "America/New_York", "language": "en",
            "draws_at": "2026-12-20T23:00:00Z", "draw_method": "Drawn at the club, live",
            "organiser": {"name": "Rowing Club", "contact": "(650) 555-0100"},
            "payment_instructions": "Zelle to Rowing Club\n`pay@rowing.example.org`",
        },
    },
}  # fmt: skip


@dataclass(kw_only=True)
class Stage:
    """A conversation while it is played."""

    world: World
    buyer: Buyer
    raffle: Json
    code: str
    organiser: Buyer | None = None
    orders: dict[str, str] = field(default_factory=dict)  # code → ORDER1, ORDER2, …
    told: dict[str, int] = field(default_factory=dict)  # mark → how many messages of the bot were written down

    def news(self) -> Iterator[str]:
        """Yield the lines of the messages that came since the last time."""
        for mark, who in (("<", self.buyer), ("<<", self.organiser)):
            heard = who.heard if who is not None else []
            for message in heard[self.told.get(mark, 0) :]:
                first, *rest = [line for text in parts_of(message) for line in text.split("\n")]
                yield self.named(f"{mark} {first}".rstrip())
                yield from (self.named(f"{' ' * len(mark)} {line}".rstrip()) for line in rest)
            self.told[mark] = len(heard)

    def named(self, line: str) -> str:
        for code in ORDER_CODE.findall(line):
            if code not in self.orders and self.world.api("GET", f"/api/orders/{code}").status == 200:
                self.orders[code] = f"ORDER{len(self.orders) + 1}"
        return ORDER_CODE.sub(lambda match: self.orders.get(match[0], match[0]), line)

    def stored(self, name: str) -> str:
        """Return the real code of ORDER1 and so on."""
        return next(code for code, known in self.orders.items() if known == name)


def parts_of(message: Json) -> Iterator[str]:
    """Yield what a person sees of a message: its text, and its buttons or rows in brackets."""
    match message["type"]:
        case "text":
            yield message["text"]["body"]
        case "interactive":
            shown = message["interactive"]
            if "header" in shown:
                yield f"({shown['header']['type']})"
            yield shown["body"]["text"]
            yield " ".join(f"[{option['title']}]" for option in options_of(shown))
        case "template":
            values = [part["text"] for part in message["template"]["components"][0]["parameters"]]
            yield f"(template {message['template']['name']}: {', '.join(values)})"
        case "image":
            yield f"(picture) {message['image']['caption']}"
        case kind:
            caption = message[kind].get("caption", "")
            yield f"({kind})" + (f" {caption}" if caption else "")


# What happens beside the chat. Each pattern is a whole line after "= ".


def _time_passes(stage: Stage, minutes: str) -> None:
    for _ in range(int(minutes)):
        stage.world.clock.pass_minutes(1)
        stage.world.minute()


def _confirms(stage: Stage, order: str) -> None:
    assert stage.world.api("POST", f"/api/orders/{stage.stored(order)}/confirm-payment").status == 200


def _rejects(stage: Stage, order: str, reason: str) -> None:
    body = {"reason": reason}
    assert stage.world.api("POST", f"/api/orders/{stage.stored(order)}/reject-proof", body).status == 200


def _cancels(stage: Stage, order: str) -> None:
    assert stage.world.api("POST", f"/api/orders/{stage.stored(order)}/cancel").status == 200


def _someone_holds(stage: Stage, numbers: str) -> None:
    hold(stage.world.buyer("Marco", 2), numbers, stage.code)


EVENTS: dict[str, Callable[..., None]] = {
    r"([0-9]+) minutes? pass(?:es)?": _time_passes,
    r"an organiser confirms (ORDER[0-9]+)": _confirms,
    r"an organiser rejects the proof of (ORDER[0-9]+): (.+)": _rejects,
    r"an organiser cancels (ORDER[0-9]+)": _cancels,
    r"somebody else holds ([0-9, ]+)": _someone_holds,
}


def play(world: World, text: str) -> str:
    """Play a conversation over the real path. Return it with what the bot says now."""
    lines = text.splitlines()
    scene = SCENES[next(line.removeprefix("scene: ") for line in lines if line.startswith("scene: "))]
    raffle = world.raffle(limited=True, **scene["raffle"])
    person = webhooks.Person(name=scene["name"], phone=scene["phone"], user_id="XX.7700112233")
    stage = Stage(world=world, buyer=Buyer(world=world, person=person), raffle=raffle, code=scene["raffle"]["code"])
    if any(line.startswith(">> ") for line in lines):
        set_organisers(world, scene["organiser"])
        stage.organiser = organiser(world, scene["organiser"], name="Olga")
    played: list[str] = []
    for line in lines:
        if not line.strip() or line.startswith(("<", "  ")):
            continue
        played.append(line)
        if line.startswith("> "):
            world.clock.now += A_MOMENT
            _say(stage, stage.buyer, line.removeprefix("> "))
        elif line.startswith(">> ") and stage.organiser is not None:
            world.clock.now += A_MOMENT
            _say(stage, stage.organiser, line.removeprefix(">> "))
        elif line.startswith("= "):
            _happen(stage, line.removeprefix("= "))
        else:
            continue
        played += stage.news()
    return "\n".join(played) + "\n"


def _say(stage: Stage, buyer: Buyer, what: str) -> None:
    if what == "(photo)":
        buyer.sends_proof()
    elif what in KINDS:
        kind = what.strip("()")
        body = webhooks.message(buyer.person, kind, KINDS[what], message_id=stage.world.new_id(), at=stage.world.at)
        buyer.sends(body)
    elif tapped := re.fullmatch(r"\[(.+)\]", what):
        buyer.taps(tapped[1])
    else:
        buyer.says(re.sub("ORDER[0-9]+", lambda match: stage.stored(match[0]), what))


def _happen(stage: Stage, what: str) -> None:
    for pattern, happens in EVENTS.items():
        if found := re.fullmatch(pattern, what):
            happens(stage, *found.groups())
            return
    raise AssertionError(f"no such event: {what}")
