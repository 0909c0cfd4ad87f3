"""Whole conversations, during which the process is stopped before or after any single call to what is outside of it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

import pytest

from chalicelib import container as composition
from chalicelib import lambdas
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.store.records import low_level
from tests.support.interleavings.scene import Kept, Scene
from tests.support.world import ORGANISER, options_of, text_of
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
T = TypeVar("T")
LUCIA = webhooks.Person(name="Lucía", phone="+50255501234", user_id="GT.7700112233445566")
MARCO = webhooks.Person(name="Marco", phone="+50255509999", user_id="GT.7700112233440000")
STEP_MINUTES = 2  # between two steps: the schedule comes by, as it does every minute
LAST_ROUNDS = 3  # of the schedule, at the end


class Crash(BaseException):
    """The process is gone. No handler of ours catches it, as none would."""


class Stops:
    """Counts the calls. `at`: which of the points, one before and one after each call, is the end of the process."""

    def __init__(self) -> None:
        self.points: list[str] = []
        self.at: int | None = None
        self.starts: set[int] = set()  # which points are the first of a call of ours from outside

    def begin(self, at: int | None) -> None:
        self.points, self.at, self.starts = [], at, set()

    def call_begins(self) -> None:
        self.starts.add(len(self.points))

    def distinct(self) -> dict[int, str]:
        """Return the points by position, without those that leave the same behind as the next one.

        Whether the process ends after a call or before the next, the outside is the same, unless all was done for
        whoever had called: then the next point belongs to another call of ours.
        """
        last = len(self.points) - 1
        return {
            at: point
            for at, point in enumerate(self.points)
            if point.startswith("before") or at == last or at + 1 in self.starts
        }

    def around(self, what: str, call: Callable[[], T]) -> T:
        self.point(f"before {what}")
        done = call()
        self.point(f"after {what}")
        return done

    def point(self, what: str) -> None:
        self.points.append(what)
        if self.at == len(self.points) - 1:
            self.at = None
            raise Crash

    # botocore's events

    def before_call(self, model: Any, **_: Any) -> None:
        self.point(f"before {model.name}")

    def after_call(self, model: Any, **_: Any) -> None:
        self.point(f"after {model.name}")


@dataclass
class Play:
    """The people, the queue, the schedule and the organiser around the functions. `tells`: WhatsApp sends statuses."""

    scene: Scene
    stops: Stops
    tells: bool = True
    ids: int = 0
    told: int = 0  # messages of ours whose status was sent

    # What happens outside; each is done until it succeeds, as whoever does it would

    def says(self, person: webhooks.Person, text: str) -> None:
        self._posts(webhooks.text_message(person, text, message_id=self._new_id(), at=self._at))

    def taps(self, person: webhooks.Person, title: str) -> None:
        shown = next(one for one in reversed(self._heard(person)) if one["type"] == "interactive")
        choice = next(one for one in options_of(shown["interactive"]) if one["title"].startswith(title))
        self._posts(
            webhooks.button_reply(
                person, button_id=choice["id"], title=choice["title"], message_id=self._new_id(), at=self._at,
                reply_to="wamid.X",
            )
        )  # fmt: skip

    def sends_proof(self, person: webhooks.Person) -> None:
        file = webhooks.File(media_id="proof", mime_type="image/png", sha256="")
        self._posts(webhooks.image(person, file, message_id=self._new_id(), at=self._at))

    def organiser_confirms(self) -> None:
        order_id = self._orders()[-1]["id"]
        self._until_done(lambda: self.scene.container.settlement.confirm_payment(order_id, by=COMMAND_LINE))

    def organiser_cancels(self) -> None:
        order_id = self._orders()[-1]["id"]
        self._until_done(lambda: self.scene.container.settlement.cancel(order_id, by=COMMAND_LINE))

    def nothing(self, minutes: float) -> None:
        self.scene.pass_time(minutes=minutes)

    def goes_on(self) -> None:
        """What comes by itself after each step: statuses, and the schedule."""
        for _ in range(STEP_MINUTES):
            self._tell()
            self.scene.pass_time(minutes=1)
            self._until_done(lambdas.expire_reservations)
            self._until_done(lambdas.deliver_messages)

    def _tell(self) -> None:
        if self.tells:
            sent = self.scene.graph.sent
            while self.told < len(sent):
                message = sent[self.told]
                self.told += 1
                tag = message["biz_opaque_callback_data"]
                person = next(one for one in (LUCIA, MARCO, ORGANISER) if one.phone == message.get("to"))
                self._posts(webhooks.status(person, f"wamid.{tag}", "sent", at=self._at, tracking=tag))

    def _posts(self, body: Json) -> None:
        """WhatsApp posts until it gets a 200; the queue hands over until the function succeeds."""
        raw = webhooks.encode(body)
        signature = webhooks.sign(raw, self.scene.container.secrets.app_secret)
        self._until_done(lambda: self.scene.container.inbox.accept(raw, signature))
        for update in self.scene.queue.emptied():
            self._until_done(partial(lambdas.handle_update, update))
        for decision in self.scene.queue.decided():
            self._until_done(partial(lambdas.decide_on_proof, decision))

    def _until_done(self, do: Callable[[], object]) -> None:
        while True:
            self.stops.call_begins()
            try:
                do()
            except Crash:
                restart(self.scene)
            else:
                return

    @property
    def _at(self) -> float:
        return self.scene.clock.now.timestamp()

    def _new_id(self) -> str:
        self.ids += 1
        return f"wamid.IN{self.ids}"

    def _heard(self, person: webhooks.Person) -> list[Json]:
        return [message for message in self.scene.graph.sent if message.get("to") == person.phone]

    def _orders(self) -> list[Json]:
        return sorted(self.scene.items("ORDER#"), key=lambda order: str(order["time_at"]))

    # What it came to

    def story(self) -> Json:
        """Orders, people, and what each was told; without what chance made, and what says how often it was tried."""
        orders, contacts = self._orders(), [item for item in self.scene.items("CONTACT#") if item["kind"] == "contact"]
        told = {
            "orders": [
                {name: order.get(name) for name in ("numbers", "status", "unit_amount", "contact_id", "raffle_id")}
                | {"proofs": len(order["proofs"])}
                for order in orders
            ],
            "contacts": sorted(
                [
                    contact["id"],
                    contact["stage"],
                    contact.get("order_id"),
                    contact.get("held"),
                    contact.get("opted_out"),
                ]
                for contact in contacts
            ),
            "was told": sorted([str(message.get("to")), text_of(message)] for message in self.scene.graph.sent),
            "waits to be sent": [item["sk"] for item in self.scene.items() if item.get("queue_key") == "OUTBOUND#DUE"],
            "differences": self.scene.container.consistency.check(self.scene.raffle.id).differences,
        }
        text = json.dumps(told, ensure_ascii=False)
        for number, order in enumerate(orders):
            text = text.replace(order["id"], f"ORDER{number}")
        found: Json = json.loads(text)
        return found


Step = Callable[[Play], object]


@dataclass(frozen=True)
class Beginning:
    """Where a step begins in the run that does not crash."""

    kept: Kept
    sent: list[Json]
    ids: int
    told: int


@dataclass
class Conversation:
    """The steps, what they come to, and where each begins; found by playing them once without a crash."""

    play: Play
    steps: list[Step]
    beginnings: list[Beginning] = field(default_factory=list)
    points: list[list[str]] = field(default_factory=list)  # of each step
    distinct: list[dict[int, str]] = field(default_factory=list)  # of each step, those that differ, by position
    stories: list[Json] = field(default_factory=list)  # after each step
    story: Json = field(default_factory=dict)  # at the end

    def rehearse(self) -> None:
        for step in self.steps:
            play = self.play
            self.beginnings.append(Beginning(play.scene.keep(), list(play.scene.graph.sent), play.ids, play.told))
            play.stops.begin(None)
            self._take(step)
            self.points.append(play.stops.points)
            self.distinct.append(play.stops.distinct())
            play.stops.begin(None)
            self.stories.append(play.story())
        self._end()
        self.story = self.play.story()

    def with_crash(self, number: int, at: int) -> Json:
        """What it comes to when the process ends at a point of a step.

        Once all is as it was after the same step without a crash, the rest is known.
        """
        play, start = self.play, self.beginnings[number]
        play.scene.put_back(start.kept)
        play.scene.graph.sent[:] = start.sent
        play.scene.queue.emptied()
        play.ids, play.told = start.ids, start.told
        for position in range(number, len(self.steps)):
            play.stops.begin(at if position == number else None)
            self._take(self.steps[position])
            play.stops.begin(None)
            if play.story() == self.stories[position]:
                return dict(self.story)
        self._end()
        return play.story()

    def _take(self, step: Step) -> None:
        step(self.play)
        self.play.goes_on()

    def _end(self) -> None:
        self.play.stops.begin(None)
        for _ in range(LAST_ROUNDS):
            self.play.goes_on()


def restart(scene: Scene) -> None:
    """A new process: nothing is remembered but what is stored."""
    made = vars(scene.container)
    kept: Json = {name: made[name] for name in ("graph", "_clients", "proofs") if name in made}
    scene.container = replace(scene.container)  # and binds anew: the key of people's ids is read again
    vars(scene.container).update(kept)
    composition.container.cache_clear()


@contextmanager
def watched(scene: Scene, stops: Stops) -> Iterator[None]:
    """Every call that the product makes to DynamoDB, SQS, S3 and Graph passes `stops`."""
    events = low_level().client.meta.events
    outside: list[tuple[Any, str]] = [
        (scene.graph, "send"), (scene.graph, "mark_read"), (scene.graph, "fetch_media"),
        (scene.bucket, "put_object"), (scene.queue, "send_message_batch"), (scene.queue, "send_message"),
        (scene.graph, "upload"), (scene.bucket, "get_object"),
    ]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for where, name in outside:
            patch.setattr(where, name, _watched(getattr(where, name), name, stops))
        patch.setattr(composition, "make", lambda _: scene.container)
        composition.container.cache_clear()
        events.register("before-call.dynamodb", stops.before_call)
        events.register("after-call.dynamodb", stops.after_call)
        try:
            yield
        finally:
            events.unregister("before-call.dynamodb", stops.before_call)
            events.unregister("after-call.dynamodb", stops.after_call)
            composition.container.cache_clear()


def _watched(call: Callable[..., T], name: str, stops: Stops) -> Callable[..., T]:
    return lambda *arguments, **named: stops.around(name, lambda: call(*arguments, **named))
