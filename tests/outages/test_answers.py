"""Each answer that WhatsApp is known to give, at each message of a purchase: what its row of the table says."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from chalicelib import container as composition
from chalicelib import lambdas
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.services.messaging.sender import PICTURE_CODES
from chalicelib.store import channel as channels
from chalicelib.whatsapp.error_codes import Action, remedy
from tests.support.faulty_network import UNREADABLE, Fault, Line
from tests.support.interleavings.scene import Kept, Scene, scene
from tests.support.whatsapp_samples import ANSWERS, answer
from tests.support.world import ORGANISER, text_of
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
LUCIA = webhooks.Person(name="Lucía", phone="+50255501234", user_id="GT.7700112233445566")
# The first words of each message to her and to the organiser, in the order in which they are sent.
SAID = ["*Bicycle*", "I", "Done!", "Thank", "Payment", "Your"]
NOTICE = 4
OFFERS = (1, 2)  # places in it of what is said about the hold
TICKET = 5  # the place of what has a picture
WAITS = ("OUTBOUND#DUE", "OUTBOUND#STOPPED")
NO_ANSWERS_TO_A_SEND = {"media_404_expired", "ok_media_lookup", "ok_upload", "ok_read"}
EACH = [name for name in ANSWERS if name not in NO_ANSWERS_TO_A_SEND]


class Purchase:
    """A buyer and an organiser, one of whose messages meets the answer."""

    def __init__(self, made: Scene, name: str, at: int) -> None:
        self.made, self.name, self.at, self.got = made, name, at, list[Json]()
        self.line = Line(self._weather, self._took)
        vars(made.container)["graph"] = self.line.graph()
        for part in (
            "pictures",
            "sender",
            "header_files",
            "outbox",
            "order_changes",
            "settlement",
            "holds",
            "chat",
            "proofs",
            "expiry",
        ):
            vars(made.container).pop(part, None)

    def _weather(self, body: Json) -> Fault | None:
        return Fault(name=self.name, answer=self.name) if len(self.line.tried) == self.at + 1 else None

    def _took(self, body: Json) -> str:
        self.got.append(body)
        return f"wamid.{len(self.got)}"

    def play(self) -> None:
        ids = iter(range(100))
        for step in ("BIKE", "5", "confirm", None):
            if step is None:
                file = webhooks.File(media_id="proof", mime_type="image/png", sha256="")
                body = webhooks.image(LUCIA, file, message_id=f"wamid.IN{next(ids)}", at=self._now)
            else:
                body = webhooks.text_message(LUCIA, step, message_id=f"wamid.IN{next(ids)}", at=self._now)
            self._post(body)
            self._minutes(1)
        [order] = self.made.items("ORDER#")
        self.made.container.settlement.confirm_payment(order["id"], by=COMMAND_LINE)
        self._minutes(1)

    def wait(self) -> None:
        """As long as something waits to be sent, and not for ever."""
        for _ in range(24 if channels.read().stopped is None else 3):
            if not any(item.get("queue_key") in WAITS for item in self.made.items("CONTACT#")):
                return
            self._minutes(5)

    def _post(self, body: Json) -> None:
        raw = webhooks.encode(body)
        self.made.container.inbox.accept(raw, webhooks.sign(raw, self.made.container.secrets.app_secret))
        for update in self.made.queue.emptied():
            lambdas.handle_update(update)

    def _minutes(self, minutes: float) -> None:
        self.made.pass_time(minutes=minutes)
        lambdas.expire_reservations()
        lambdas.deliver_messages()

    @property
    def _now(self) -> float:
        return self.made.clock.now.timestamp()

    @property
    def said(self) -> list[str]:
        """The first word of each message that WhatsApp took, in the order in which they would be sent."""
        return [text_of(body).split()[0] for body in sorted(self.got, key=_turn)]

    @property
    def states(self) -> list[str]:
        outbounds = [item for item in self.made.items("CONTACT#") if item["kind"] == "outbound"]
        return [item["state"] for item in sorted(outbounds, key=lambda item: _turn(tagged(item)))]


def tagged(item: Json) -> Json:
    """The request of a stored message, with the tag that is its key."""
    tag = f"{item['contact_id']}/{item['sk'].removeprefix('MSG#')}"
    return {**json.loads(item["body"]), "biz_opaque_callback_data": tag}


def _turn(body: Json) -> tuple[str, bool]:
    """When it was made, a buyer's message before the notice to the organiser."""
    made_at = str(body["biz_opaque_callback_data"]).partition("/")[2].partition("#")[0]
    return made_at, body["to"] == ORGANISER.phone


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Scene, Kept]]:
    with scene(Random(7)) as made, pytest.MonkeyPatch.context() as patch:
        made.open()
        patch.setattr(composition, "make", lambda _: made.container)
        composition.container.cache_clear()
        yield made, made.keep()
        composition.container.cache_clear()


def code_of(name: str) -> int | None:
    body = answer(name).get("body")
    error = body.get("error") if isinstance(body, dict) else None
    return error["code"] if error else None


@pytest.mark.parametrize("at", range(len(SAID)))
@pytest.mark.parametrize("name", EACH)
def test_m3_each_answer_has_the_effect_of_its_row(shared: tuple[Scene, Kept], name: str, at: int) -> None:
    made, before = shared
    made.put_back(before)
    purchase = Purchase(made, name, at)
    purchase.play()
    purchase.wait()
    [order] = made.items("ORDER#")
    assert order["status"] == "PAID"  # whatever WhatsApp says, what was done is done
    without = [*SAID[:at], *SAID[at + 1 :]]
    code = code_of(name)
    if code is None:
        # Taken; or, where nobody can know, sent once more when its status had its chance.
        assert purchase.said == (SAID if name in UNREADABLE else without)
        assert set(purchase.states) == {"ACCEPTED"}
        return
    # Where the hold is over before anything can be sent again, so is what was said about it.
    without_offers = [said for place, said in enumerate(SAID) if place < at or place not in OFFERS]
    match remedy(code).action:
        case Action.STOP_ALL:
            assert len(purchase.line.tried) == at + 1
            channels.resume(made.clock.now)
            purchase.wait()
            assert purchase.said == without_offers
        case Action.STOP_BUSINESS_INITIATED:
            assert channels.read().stopped is not None
            channels.resume(made.clock.now)
            purchase.wait()
            assert purchase.said == SAID
        case Action.RETRY | Action.WAIT_PERSON | Action.WAIT_NUMBER | Action.WAIT_ALL:
            # With it WhatsApp names a time to wait that is as long as a hold.
            is_long = name == "err_80007_waba_limit" and at > 0
            assert purchase.said == (without_offers if is_long else SAID)
        case _ if at == TICKET and code in PICTURE_CODES:  # its text follows (M10)
            assert purchase.said == SAID
            assert set(purchase.states) == {"ACCEPTED"}
        case Action.DEAD_LETTER if at == NOTICE:  # it is sent without its picture, which may be to blame
            assert purchase.said == SAID
        case _:
            assert purchase.said == without
            assert purchase.states[at] == "FAILED"
