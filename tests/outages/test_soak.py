"""M1 to M3 in bad weather: WhatsApp fails a fifth of all calls, and tells everything twice, late and out of order."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import count
from os import environ
from random import Random
from typing import Any

import pytest

from chalicelib import container as composition
from chalicelib import lambdas
from chalicelib.container import Container
from chalicelib.domain.delivery import Outbound
from chalicelib.domain.delivery import Queue as Queue_
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.services.messaging.wake_ups import WakeUps
from chalicelib.store import messages
from chalicelib.store.records import OrderRecord, OutboundRecord, Record, low_level
from local.engines import dynamodb_local
from local.in_process import READ_TIMEOUT_SECONDS, make_raffle, make_table, open_container
from tests.support.faulty_network import TROUBLE, Fault, Line
from tests.support.interleavings.scene import Bucket, Queue
from tests.support.quick_client import quicken
from tests.support.wake_ups import WishQueue, look
from tests.support.world import Clock
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
CONVERSATIONS = 2000 if environ.get("TOMBOLA_SOAK") else 100
SHARE_OF_FAULTS = 0.2
SHARE_OF_LATE_FAILURES = 0.02
SHARE_OF_LOST_STATUSES = 0.05
IN_A_ROW = 4  # by the table a message is given up after some tries: WhatsApp's bad moments end before that
A_BEGINNING = 20.0  # seconds between two conversations
STATUS_CHANCE = 60.0
LAST_HOURS = 24


@dataclass
class Weather:
    """WhatsApp, the people, the organiser and the schedule, in their own time."""

    container: Container
    clock: Clock
    queue: Queue
    random: Random
    coming: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    numbers: Any = field(default_factory=count)
    row: Counter[str] = field(default_factory=Counter)  # tag → faults in a row
    faults: Counter[str] = field(default_factory=Counter)
    received: Counter[str] = field(default_factory=Counter)  # tag → how often the person has it
    sent_in_order: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    unsure: set[str] = field(default_factory=set)  # tags whose outcome nobody could know at some time
    failed_late: set[str] = field(default_factory=set)
    told_in_time: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.line = Line(self.decide, self.take)
        self.begun = self.clock.now
        self.people = {
            str(number): webhooks.Person(name=f"P{number}", phone=f"+502{55000000 + number}", user_id=f"GT.{number}")
            for number in range(CONVERSATIONS)
        }

    @property
    def now(self) -> float:
        return (self.clock.now - self.begun).total_seconds()

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        heapq.heappush(self.coming, (self.now + seconds, next(self.numbers), do))

    # WhatsApp takes messages

    def decide(self, body: Json) -> Fault | None:
        tag = body["biz_opaque_callback_data"]
        if self.random.random() >= SHARE_OF_FAULTS or self.row[tag] == IN_A_ROW:
            self.row[tag] = 0
            return None
        self.row[tag] += 1
        fault = self.random.choice(TROUBLE)
        self.faults[fault.name] += 1
        if fault.is_unknown:
            self.unsure.add(tag)
        return fault

    def take(self, body: Json) -> str:
        tag, message_id = body["biz_opaque_callback_data"], f"wamid.OUT{next(self.numbers)}"
        self.sent_in_order[body["to"]].append(tag)
        late = 1 + self.random.expovariate(1 / 40)
        if self.random.random() < SHARE_OF_LATE_FAILURES:
            self.failed_late.add(tag)
            self.tell(body, message_id, "failed", late)
            self.tell(body, message_id, "sent", late * 2)
            return message_id
        self.received[tag] += 1
        for state in ("read", "sent", "delivered"):  # out of order
            if self.random.random() >= SHARE_OF_LOST_STATUSES:
                moment = late * self.random.uniform(0.5, 3)
                self.tell(body, message_id, state, moment)
                if moment < STATUS_CHANCE and self.received[tag] == 1:
                    self.told_in_time.add(tag)
        return message_id

    def tell(self, body: Json, message_id: str, state: Any, late: float) -> None:
        """A status, twice."""
        to, tag = body["to"], body["biz_opaque_callback_data"]
        person = webhooks.Person(name="", phone=to)
        for again in (0.0, self.random.expovariate(1 / 600)):
            self.after(
                late + again,
                lambda: self.post(
                    webhooks.status(
                        person, message_id, state, at=self.clock.now.timestamp(), tracking=tag,
                        errors=[(131000, "hiccup")] if state == "failed" else [],
                    )
                ),
            )  # fmt: skip

    # WhatsApp hands messages over

    def post(self, body: Json) -> None:
        raw = webhooks.encode(body)
        assert self.container.inbox.accept(raw, webhooks.sign(raw, self.container.secrets.app_secret))
        for update in self.queue.emptied():
            lambdas.handle_update(update)

    def writes(self, person: webhooks.Person, what: str, number: int) -> None:
        message_id, at = f"wamid.{person.user_id}.{number}", self.clock.now.timestamp()
        if what == "proof":
            file = webhooks.File(media_id="proof", mime_type="image/png", sha256="")
            body = webhooks.image(person, file, message_id=message_id, at=at)
        else:
            body = webhooks.text_message(person, what, message_id=message_id, at=at)
        for again in (0.0, self.random.expovariate(1 / 900)):
            self.after(again, lambda: self.post(body))

    # People

    def converse(self, person: webhooks.Person, begins: float) -> None:
        moment = begins
        for number, what in enumerate(("menu", "BIKE", f"random {self.random.randint(1, 3)}", "confirm", "proof")):
            self.after(moment, partial(self.writes, person, what, number))
            moment += self.random.uniform(5, 60)
        self.after(moment, self.confirms)
        self.after(moment + 60, lambda: self.writes(person, "my orders", 99))

    def confirms(self) -> None:
        """The organiser looks at what is in review."""
        for record in list(Record.by_queue.query("ORDER#IN_REVIEW")):
            assert isinstance(record, OrderRecord)
            self.container.settlement.confirm_payment(record.id, by=COMMAND_LINE)

    # Time

    def pass_(self) -> None:
        for number, person in enumerate(self.people.values()):
            self.converse(person, number * A_BEGINNING * self.random.uniform(0.5, 1))
        minute = 60.0
        while self.coming or (self.waiting and self.now < CONVERSATIONS * A_BEGINNING + LAST_HOURS * 3600):
            if self.coming and self.coming[0][0] <= minute:
                moment, _, do = heapq.heappop(self.coming)
                self.clock.now = self.begun + timedelta(seconds=max(moment, self.now))
                do()
            else:
                self.clock.now = self.begun + timedelta(seconds=minute)
                lambdas.expire_reservations()
                lambdas.deliver_messages()
                minute += 60

    @property
    def waiting(self) -> list[Outbound]:
        return [one for queue in (Queue_.DUE, Queue_.STOPPED) for one in messages.waiting(queue, limit=9)]


def outbounds() -> dict[str, OutboundRecord]:
    """Every message to anybody, by its tag."""
    found = [record for record in Record.scan() if isinstance(record, OutboundRecord)]
    return {f"{record.contact_id}/{record.sk.removeprefix('MSG#')}": record for record in found}


@pytest.fixture
def weather() -> Iterator[Weather]:
    with dynamodb_local() as endpoint, pytest.MonkeyPatch.context() as patch:
        clock, queue = Clock(), Queue()
        container = open_container(endpoint, clock=clock, seed=7)
        make_table()
        quicken(low_level().client, timeout_seconds=READ_TIMEOUT_SECONDS)
        made = Weather(container, clock, queue, Random(11))
        vars(container)["graph"] = made.line.graph()
        vars(container)["_clients"] = {"s3": Bucket(), "sqs": queue}
        wishes = WishQueue(clock, others=lambda delay, body: made.after(delay, lambda: look(body)))
        vars(container)["wake_ups"] = WakeUps(sqs=lambda: wishes, queue_url="https://queue/wake-ups", clock=clock)
        patch.setattr(composition, "make", lambda _: container)
        composition.container.cache_clear()
        yield made
        composition.container.cache_clear()
        Record._connection = None  # the next test module may speak to another


def test_m3_with_many_faults_every_order_is_right_and_every_reply_arrives_once(
    weather: Weather, record_property: Callable[[str, object], None]
) -> None:
    raffle = make_raffle(weather.container, numbers=100 + 6 * CONVERSATIONS, code="BIKE")
    weather.pass_()

    orders = [record for record in Record.scan() if isinstance(record, OrderRecord)]
    assert Counter(order.status for order in orders) == {"PAID": CONVERSATIONS}
    assert weather.container.consistency.check(raffle.id).differences == 0
    assert weather.waiting == []

    # 6 answers and the news of the payment for each; a notice of each proof for the organiser.
    said = outbounds()
    assert len(said) == 8 * CONVERSATIONS
    missing = {tag for tag in said if not weather.received[tag]}
    twice = {tag for tag in said if weather.received[tag] > 1}
    assert max(weather.received.values()) <= 2
    assert {said[tag].state for tag in missing} <= {"UNKNOWN"}
    assert missing | twice <= weather.unsure
    assert not twice & weather.told_in_time - weather.failed_late
    assert {outbound.state for tag, outbound in said.items() if tag not in missing} <= {
        "ACCEPTED", "SENT", "DELIVERED", "READ", "UNKNOWN",
    }  # fmt: skip
    for person in weather.people.values():  # replies keep their order
        sent = weather.sent_in_order[str(person.phone)]
        plain = [tag for tag in dict.fromkeys(sent) if tag not in weather.unsure | weather.failed_late]
        assert plain == sorted(plain)
    record_property("conversations in bad weather tried", CONVERSATIONS)
    record_property("bad weather: calls that WhatsApp failed, counted", weather.faults.total())
    record_property("bad weather: messages that came twice, as nobody could know, counted", len(twice))
    record_property("bad weather: messages that did not come, and are shown as unknown, counted", len(missing))
    assert weather.faults.total() > 0.15 * len(weather.line.tried)
    assert set(weather.faults) == {fault.name for fault in TROUBLE}
