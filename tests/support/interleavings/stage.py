"""People and organisers on a scene, and the search through all orders of what they do at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from json import dumps
from typing import Any

from chalicelib.domain.decisions import Act, Decision, RejectReason, choosing_about
from chalicelib.domain.messages import Identity
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.domain.refusals import Refusal
from chalicelib.services.orders.settlement import Settlement
from chalicelib.store import orders
from tests.support.expired_holds import expire_order
from tests.support.interleavings.scene import Kept, Scene, Visitor, kind_of
from tests.support.interleavings.turns import OwnRandom, Schedule, Search
from tests.support.races.findings import differences
from tests.support.world import ORGANISER

Operation = Callable[[], object]
# An organiser's decision about the money, and how its buyer is told.
DECIDED = {"CANCELLED": "cancelled by organiser", "REFUNDED": "refunded", "PENDING_PAYMENT": "rejected"}


@dataclass(frozen=True)
class Found:
    """What a search found: how many schedules it ran, in what ways they ended, and what was wrong with any."""

    begun: int
    schedules: int
    endings: frozenset[str]
    states: frozenset[str]
    faults: frozenset[str]


@dataclass(frozen=True)
class Shop:
    """The scene as the search wants it."""

    scene: Scene
    before: Kept

    def reset(self) -> None:
        self.scene.put_back(self.before)

    def keep(self) -> object:
        return self.scene.keep().items

    def put_back(self, kept: Any) -> None:
        self.scene.put_items(kept)

    def text(self) -> str:
        return self.scene.text()


class Stage:
    """A scene, its people, and the search through the orders of what they do."""

    def __init__(self, made: Scene, random: OwnRandom, record: Callable[[str, object], None]) -> None:
        self.scene, self.random, self.record = made, random, record
        self.people: dict[str, Visitor] = {}
        self.lucia, self.marco = self.visitor("lucia"), self.visitor("marco")

    def visitor(self, name: str) -> Visitor:
        made = self.scene.visitor(name)
        self.people[made.contact_id] = made
        return made

    @property
    def random_two(self) -> str:
        """What a button for two random numbers says to us."""
        return f"random:{self.scene.raffle.id}:2"

    @property
    def schedule(self) -> Callable[[], object]:
        """A run of what the clock does every minute."""
        return self.scene.container.expiry.run

    @property
    def settlement(self) -> Settlement:
        return self.scene.container.settlement

    def hold(self, person: Visitor, numbers: str = "7") -> str:
        """A new order's id."""
        person.says("BIKE")
        person.says(numbers)
        return person.last_order

    def confirms(self, order_id: str) -> Operation:
        return partial(self.settlement.confirm_payment, order_id, by=COMMAND_LINE)

    def cancels(self, order_id: str) -> Operation:
        return partial(self.settlement.cancel, order_id, by=COMMAND_LINE)

    def rejects(self, order_id: str) -> Operation:
        return partial(self.settlement.reject_proof, order_id, reason="blurred", by=COMMAND_LINE)

    def refunds(self, order_id: str) -> Operation:
        return partial(self.settlement.refund, order_id, reason="paid twice", by=COMMAND_LINE)

    def reassigns(self, order_id: str, numbers: list[int] | None = None) -> Operation:
        return partial(self.settlement.reassign, order_id, numbers, paid=True, by=COMMAND_LINE)

    def decides(self, act: Act, order_id: str, reason: RejectReason | None = None) -> Operation:
        """What comes of a tap of the organiser below the newest notice of an order, once it is handed over."""
        identity = Identity(phone=str(ORGANISER.phone).removeprefix("+"))
        olga = Visitor(scene=self.scene, name="Olga", identity=identity)
        choosing = replace(choosing_about(act, orders.get(order_id)), reason=reason)
        olga.taps(choosing.choice)
        [decision] = self.scene.queue.decided()
        return partial(self.scene.container.decisions.carry_out, Decision.from_json(decision))

    def is_late(self, person: Visitor, numbers: str = "7") -> str:
        """A new order whose proof came when it was cancelled already."""
        order_id = self.hold(person, numbers)
        self.settlement.cancel(order_id, by=COMMAND_LINE)
        person.sends_proof(order_id)
        return order_id

    def expires(self, order_id: str) -> Operation:
        return partial(expire_order, self.scene.container, order_id)

    def endings(self, *operations: Operation) -> set[str]:
        """In what ways the operations end, over all orders of their steps, none of which may do any harm."""
        found = self.search(*operations)
        assert not found.faults
        assert found.schedules > 1
        self.record("schedules", f"{found.schedules} to the end, {found.begun} begun")
        return set(found.endings)

    def search(self, *operations: Operation, pruned: bool = True) -> Found:
        kept, count = self.scene.keep(), 0
        judged: dict[str, tuple[str, frozenset[str]]] = {}
        search = Search(operations, store=Shop(self.scene, kept), random=self.random, pruned=pruned)
        for schedule in search.schedules():
            count += 1
            state = self.state(schedule)
            if state not in judged:
                judged[state] = self.ending(schedule, kept), frozenset(self.faults(kept))
        self.scene.put_back(kept)
        return Found(
            begun=search.begun,
            schedules=count,
            endings=frozenset(ending for ending, _ in judged.values()),
            states=frozenset(judged),
            faults=frozenset().union(*(faults for _, faults in judged.values())),
        )

    def state(self, schedule: Schedule) -> str:
        """All that there is after a schedule, as text."""
        return self.scene.text() + dumps([str(result) for result in schedule.results])

    def ending(self, schedule: Schedule, kept: Kept) -> str:
        """What came of it, for people: orders, what everybody was told, who was refused."""
        parts = []
        for order in self.scene.items("ORDER#"):
            proofs = f" with {len(order['proofs'])} proofs" if len(order["proofs"]) > 1 else ""
            parts.append(f"{self.people[order['contact_id']].name}'s {order['status']}{proofs}")
        for message in self.scene.graph.sent[kept.sent :]:
            heard_by = [person.name for person in self.people.values() if message in person.heard]
            parts.append(f"{(*heard_by, 'Olga')[0]}: {kind_of(message)}")
        parts += [f"refused: {result.code}" for result in schedule.results if isinstance(result, Refusal)]
        return "; ".join(sorted(parts))

    def faults(self, kept: Kept) -> Iterator[str]:
        yield from differences(self.scene.raffle)
        sent = [message["biz_opaque_callback_data"] for message in self.scene.graph.sent]
        before = {partition.value for partition in kept.items}
        replied = [item["in_reply_to"] for item in self.scene.items("CONTACT#") if "in_reply_to" in item]
        for item in self.scene.items("INBOUND#"):
            if item["pk"] not in before and replied.count(item["pk"]) != 1:
                yield f"M1: a message was answered {replied.count(item['pk'])} times"
        if len(set(sent)) != len(sent):
            yield "M3: a reply was sent twice"
        if any(item["kind"] == "outbound" and item["state"] != "ACCEPTED" for item in self.scene.items("CONTACT#")):
            yield "M3: a reply was not sent"
        yield from self.lost_money()

    def lost_money(self) -> Iterator[str]:
        found = {proof["key"]: order["status"] for order in self.scene.items("ORDER#") for proof in order["proofs"]}
        told = {kind_of(message) for message in self.scene.graph.sent}
        kept = {"IN_REVIEW", "PAID", "LATE"} | {status for status, by in DECIDED.items() if by in told}
        for key in self.scene.bucket.keys:
            if key not in found and "no order waits" not in told:
                yield "P5: a proof belongs to no order, and its sender does not know"
            if key in found and found[key] not in kept:
                yield f"P5: a proof lies with an order that is {found[key]}"
