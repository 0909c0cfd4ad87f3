"""A Tombola whose table can be put back to where it was, so that one deed is seen under many faults."""

import copy
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from moto.backends import get_backend

from chalicelib import lambdas
from chalicelib.domain.board import set_numbers
from chalicelib.domain.orders import OWNING, OrderStatus
from chalicelib.domain.refusals import TryAgain
from chalicelib.store import orders, raffles
from chalicelib.store.records import (
    ContactRecord,
    LeafRecord,
    OrderRecord,
    RaffleRecord,
    Record,
    TallyRecord,
    TicketRecord,
)
from chalicelib.store.transaction import Busy
from chalicelib.whatsapp.inbound import Status
from chalicelib.whatsapp.webhook import split
from tests.support.faults.wire import Wire
from tests.support.world import Answer, Buyer, World, text_of
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
DELIVERIES = 5  # of one message by the queue


@dataclass(eq=False)
class Scene:
    """The world, one raffle in it, one buyer, and how those outside react when something does not work at once."""

    world: World
    wire: Wire
    lucia: Buyer = field(init=False)
    bike: Json = field(init=False)
    order_id: str = ""
    sent_before: int = 0  # messages, when the deed began
    again: int = 0  # how often somebody outside had to come again
    answers: list[Answer] = field(default_factory=list)
    nothing: "Moment" = field(init=False)  # an organiser's token, and no raffle
    beginning: "Moment" = field(init=False)

    def __post_init__(self) -> None:
        self.lucia = self.world.buyer()
        vars(self.world)["deliver"] = self.hear
        self.nothing = self.remember()
        self.bike = self.world.raffle()
        self.beginning = self.remember()

    def hear(self, body: Json) -> int:
        """What the webhook and the queue do with a message: it comes again until its function succeeds."""
        number = self.world.container.settings.WHATSAPP_PHONE_NUMBER_ID
        for update in split(webhooks.encode(body), phone_number_id=number).updates:
            self._until_done(lambda: lambdas.handle_update(update.to_json()))  # noqa: B023 - called at once
        return 200

    def api(self, method: str, path: str, body: Any = None, *, made: Callable[[], bool] = lambda: False) -> Answer:
        """What an organiser does: when told to try again, they do; when told to look first, they do that.

        `made`: what they look for.
        """
        answer: Answer | None = None

        def ask() -> None:
            nonlocal answer
            before = self.items()
            answer = self.world.api(method, path, body)
            self.answers.append(answer)
            if answer.status == 429:
                assert answer.body["code"] == "try_again"
                assert answer.headers["Retry-After"]
                unsure = "not known" in answer.body["detail"]
                assert unsure or self.items() == before, "refused, but something changed"
                self.wire.rests()
                if not (unsure and made()):
                    raise TryAgain

        self._until_done(ask)
        assert answer is not None and answer.status in (200, 201, 202, 204, 429), answer
        return answer

    def minute(self) -> None:
        """The schedule's run, and the next one: what the first could not do is done by the second."""
        try:
            lambdas.expire_reservations()
        except Busy:
            self.again += 1
        self.wire.rests()
        lambdas.expire_reservations()

    def _until_done(self, do: Callable[[], object]) -> None:
        for _ in range(DELIVERIES):
            try:
                do()
            except Exception:  # by then the fault is over
                self.again += 1
                self.wire.rests()
            else:
                return
        raise AssertionError("it never succeeded")

    def aftermath(self, *, statuses: bool) -> None:
        """The fault is over; WhatsApp reports what it has delivered, if it does so in time; what is due is sent."""
        self.wire.rests()
        sent_since = list(enumerate(self.world.graph.sent))[self.sent_before :]
        for number, sent in sent_since if statuses else ():
            self.world.container.sender.update_status(
                Status(
                    message_id=f"wamid.OUT{number + 1}",
                    state="sent",
                    at=None,
                    tag=sent["biz_opaque_callback_data"],
                    recipient=None,
                )
            )
        self.world.clock.pass_minutes(2)
        if self.due():
            lambdas.deliver_messages()

    # Going back

    def remember(self) -> "Moment":
        """Where everything stands now."""
        graph = self.world.graph
        return Moment(
            items=copy.deepcopy(self.table.items),
            sent=list(graph.sent),
            files=dict(graph.files),
            now=self.world.clock.now,
            random=self.world.container.random.getstate(),
            ids=self.world.ids,
            order_id=self.order_id,
        )

    def go_back(self, moment: "Moment") -> None:
        self.wire.rests()
        self.wire.minds_tokens = True
        self.table.items = copy.deepcopy(moment.items)
        self.world.graph.sent[:] = moment.sent
        self.sent_before = len(moment.sent)
        self.world.graph.files = dict(moment.files)
        self.world.clock.now = moment.now
        self.world.container.random.setstate(moment.random)
        self.world.ids = moment.ids
        self.order_id = moment.order_id
        self.again = 0
        self.answers = []

    @property
    def table(self) -> Any:
        (table,) = get_backend("dynamodb")["123456789012"]["us-east-1"].tables.values()
        return table

    # What there is

    def items(self) -> list[Json]:
        """Every item as it is stored, past the wire."""
        partitions = self.table.items.values()
        return [item.to_json()["Attributes"] for partition in partitions for item in partition.values()]

    def due(self) -> list[Json]:
        return [item["body"] for item in self.items() if item.get("queue_key") == {"S": "OUTBOUND#DUE"}]

    def story(self, *, numbers: bool = True) -> Json:
        """What it has all come to: the same, whether or not something went wrong on the way.

        Ids are left out, and the numbers too where chance picked them. So is what says how often something was tried.
        """
        kept: dict[str, list[Json]] = {}
        items = self.items()
        for item in items:
            kind = item["kind"]["S"]
            wanted = TOLD.get(kind)
            if wanted is not None:
                kept.setdefault(kind, []).append({name: item.get(name) for name in wanted})
        kept["waits to be sent"] = self.due()
        sent = self.world.graph.sent
        kept["was heard"] = [{"to": said.get("to", said.get("recipient")), "text": text_of(said)} for said in sent]
        text = json.dumps({kind: sorted(map(json.dumps, of_kind)) for kind, of_kind in kept.items()}, indent=1)
        for item in items:
            if item["kind"]["S"] in ("order", "raffle"):
                text = text.replace(item["id"]["S"], item["kind"]["S"].upper())
        text = re.sub(r"\bR[2346789BCDFGHJKMPQRTVWXY]{5}\b", "WORD", text)
        found: Json = json.loads(text if numbers else re.sub(r"\d+", "#", text))
        return found

    def faults_of_the_board(self) -> list[str]:
        """H2 and the exactness of the board, from all that is stored; asking for it would take longer than the deed."""
        records = [Record.from_raw_data(item) for item in self.items()]
        stored = [orders.as_order(record) for record in records if isinstance(record, OrderRecord)]
        layout = raffles.as_raffle(
            next(record for record in records if isinstance(record, RaffleRecord) and record.code == "BIKE")
        ).layout
        owners = [(number, order.id) for order in stored if order.status in OWNING for number in order.numbers]
        sold = {number for order in stored if order.status is OrderStatus.PAID for number in order.numbers}
        bits = {which: set[int]() for which in "ts"}
        counts = Counter[str]()
        held, tickets = Counter[str](), dict[int, str]()
        for record in records:
            match record:
                case LeafRecord():
                    bits = {which: set(set_numbers(layout.first, record.words(which))) for which in "ts"}
                case TallyRecord():
                    counts += Counter(sold=int(record.sold or 0), taken=int(record.attribute_values.get("p0", 0)))
                case TicketRecord():
                    tickets[int(record.sk)] = record.order_id
                case ContactRecord():
                    held[record.id] = sum((record.held or {}).values())
        for order in stored:
            held[order.contact_id] -= order.quantity if order.status in OWNING else 0
        checks = {
            "a number has two owners": len(dict(owners)) == len(owners),
            "tickets differ from orders": tickets == dict(owners),
            "bits differ from orders": (bits["t"], bits["s"]) == (set(dict(owners)), sold),
            "tallies differ from orders": (counts["taken"], counts["sold"]) == (len(owners), len(sold)),
            "contacts count other numbers than they hold": not any(held.values()),
        }
        return [what for what, holds in checks.items() if not holds]


TOLD = {
    "raffle": ("title", "prize", "status", "code", "last_number"),
    "code": ("pk",),
    "order": ("numbers", "status", "contact_id", "reserved_until", "reminded_at", "paid_at"),
    "ticket": ("sk", "order_id", "contact_id"),
    "contact": ("id", "stage", "held", "order_id", "raffle_id"),
    "inbound": ("text", "contact_id"),
    "outbound": ("contact_id", "in_reply_to"),
    "token": ("name",),
    "export": ("of", "status"),
}


@dataclass(frozen=True, kw_only=True)
class Moment:
    items: Any
    sent: list[Json]
    files: dict[str, bytes]
    now: Any
    random: Any
    ids: int
    order_id: str
