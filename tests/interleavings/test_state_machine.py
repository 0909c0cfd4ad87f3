"""Buyers, organisers, clock and schedule do what they like, and a model of the rules knows what must come of it.

Two thousand steps in an ordinary run; TOMBOLA_SOAK=50 makes it fifty times as many.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from os import environ
from random import Random
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from chalicelib.domain.messages import IncomingMessage, Media, MessageKind
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.domain.raffles import Raffle, RaffleEvent
from chalicelib.domain.refusals import OrderOutOfTurn, Refusal
from chalicelib.store import raffles
from chalicelib.whatsapp.inbound import Message
from tests.support.interleavings.model import RUNNING, Model, ModelBuyer, ModelOrder, ModelRaffle
from tests.support.interleavings.scene import Kept, Scene, Stored, Visitor, kind_of, scene
from tests.support.world import text_of
from whatsapp_sandbox import webhooks

STEPS_AT_LEAST = 500  # in each part
RUNS, STEPS_A_RUN = 15, 50
PARTS = range(4)  # as many workers can share the work
NAMES = ("lucia", "marco", "nina")
CODES = ("BIKE", "CAKE")
MAX_RAFFLE_NUMBERS = 20

buyers = st.sampled_from(NAMES)
codes = st.sampled_from(CODES)
numbers = st.lists(st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 13]), min_size=1, max_size=4, unique=True)


class Tombola(RuleBasedStateMachine):
    """Each rule lets somebody do something, and checks the answer; what is stored is compared after each."""

    scene: ClassVar[Scene]
    empty: ClassVar[Kept]
    found: ClassVar[dict[str, Raffle]]
    steps: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.scene.put_back(self.empty)
        self.scene.container.random.seed(7)
        self.visitors: dict[str, Visitor] = {name: self.scene.visitor(name) for name in NAMES}
        self.model = Model(
            raffles={
                "BIKE": ModelRaffle("BIKE", last=12, price=2500, most=5, hold=timedelta(minutes=15)),
                "CAKE": ModelRaffle("CAKE", last=6, price=100, most=None, hold=timedelta(minutes=3)),
            },
            buyers={name: ModelBuyer() for name in NAMES},
        )
        self.heard: list[Message] = []

    @property
    def now(self) -> datetime:
        return self.scene.clock.now

    # Buyers

    @rule(buyer=buyers, code=codes)
    def opens(self, buyer: str, code: str) -> None:
        self.expect(self.says(buyer, code), self.model.opening(buyer, code, self.now))

    @rule(buyer=buyers, code=codes, wanted=numbers)
    def picks(self, buyer: str, code: str, wanted: list[int]) -> None:
        self.pick(buyer, code, wanted, ", ".join(f"#{number}" for number in wanted))

    @rule(buyer=buyers, code=codes, start=st.integers(1, 6), more=st.integers(1, 3))
    def picks_a_range(self, buyer: str, code: str, start: int, more: int) -> None:
        self.pick(buyer, code, range(start, start + more + 1), f"{start}-{start + more}")

    @rule(buyer=buyers, code=codes, text=st.sampled_from(["99", "I am 5 years old", "0", "5 or 6"]))
    def picks_badly(self, buyer: str, code: str, text: str) -> None:
        if self.chooses(buyer, code):
            on_sale = self.model.raffles[self.model.buyers[buyer].open or ""].active
            self.after_pick(buyer, self.expect(self.says(buyer, text), {"unclear"} if on_sale else {"not on sale"}))

    @rule(buyer=buyers, code=codes, quantity=st.integers(1, 4))
    def asks_for_random_ones(self, buyer: str, code: str, quantity: int) -> None:
        if self.chooses(buyer, code):
            free = self.model.free(self.model.buyers[buyer].open or "", self.now)
            right = self.model.drawing(buyer, quantity, self.now)
            held = self.after_pick(buyer, self.expect(self.says(buyer, f"random {quantity}"), right))
            assert held is None or (len(held) == quantity and held <= free), "H5: not so many free numbers"

    @rule(data=st.data())
    def confirms(self, data: st.DataObject) -> None:
        buyer = self.who_has_an_order(data)
        right = self.model.confirming(buyer, self.now)
        kind = self.says(buyer, "confirm")
        if right is not None:
            self.expect(kind, right)
        self.model.buyers[buyer].open = None

    @rule(buyer=buyers, code=codes, number=st.integers(1, 8))
    def picks_and_confirms(self, buyer: str, code: str, number: int) -> None:
        self.pick(buyer, code, [number], f"number {number}")
        self.compare()  # it may have ended the order at hand
        if (right := self.model.confirming(buyer, self.now)) is not None:
            self.expect(self.says(buyer, "confirm"), right)
            self.model.buyers[buyer].open = None

    @rule(data=st.data())
    def cancels(self, data: st.DataObject) -> None:
        buyer = self.who_has_an_order(data)
        right = self.model.cancelling(buyer, self.now)
        self.expect(self.says(buyer, "cancel"), right)
        self.model.buyers[buyer].open = None

    @rule(buyer=buyers)
    def asks_how_things_stand(self, buyer: str) -> None:
        self.expect(self.says(buyer, "my orders"), {"orders"})

    @precondition(lambda self: self.model.orders)
    @rule(data=st.data())
    def sends_a_proof(self, data: st.DataObject) -> None:
        self.prove(self.any_order(data))

    def prove(self, order: ModelOrder) -> None:
        right = self.model.proving(order, self.now)
        heard = IncomingMessage(kind=MessageKind.MEDIA, text=f"for {order.id}", media=Media(id="proof"))
        self.expect(self.sends(order.buyer, self.visitors[order.buyer].message(heard)), right)
        self.model.buyers[order.buyer].open = None

    @precondition(lambda self: self.heard)
    @rule(data=st.data())
    def is_delivered_again(self, data: st.DataObject) -> None:
        self.nothing_happens(data.draw(st.sampled_from(self.heard)))

    @rule(who=st.lists(st.tuples(buyers, codes), min_size=1, max_size=2))
    def come_in_one_body_twice(self, who: list[tuple[str, str]]) -> None:
        """M1: each message is in the body twice, and the body is delivered twice."""
        bodies = [
            webhooks.text_message(
                webhooks.Person(name=buyer, user_id=f"GT.{buyer}"),
                code,
                message_id=self.visitors[buyer].new_id(),
                at=self.now.timestamp(),
            )
            for buyer, code in who
        ]
        body = {**bodies[0], "entry": [entry for one in bodies for entry in one["entry"] * 2]}
        firsts, seconds = self.scene.receive(body), self.scene.receive(body)
        for message, (buyer, code) in zip(firsts, who, strict=True):
            self.expect(self.sends(buyer, message), self.model.opening(buyer, code, self.now))
            self.nothing_happens(message)
        for message in seconds:
            self.nothing_happens(message)

    # Organisers

    @precondition(lambda self: self.model.orders)
    @rule(data=st.data())
    def confirm_a_payment(self, data: st.DataObject) -> None:
        order = self.any_order(data)
        right = self.model.paying(order, self.now)
        assert self.accepted(self.scene.container.settlement.confirm_payment, order) is right

    @precondition(lambda self: self.model.orders)
    @rule(data=st.data())
    def cancel_an_order(self, data: st.DataObject) -> None:
        order = self.any_order(data)
        right = self.model.withdrawing(order)
        assert self.accepted(self.scene.container.settlement.cancel, order) is right

    @precondition(lambda self: self.model.orders)
    @rule(data=st.data(), comes=st.booleans(), reason=st.sampled_from(["blurred", "too little"]))
    def reject_a_proof(self, data: st.DataObject, comes: bool, reason: str) -> None:
        order = self.any_order(data, "IN_REVIEW", *RUNNING)
        if comes and order.status in RUNNING:
            self.prove(order)
            self.compare()
        right = self.model.rejecting(order, reason, self.now)
        assert self.answer(self.scene.container.settlement.reject_proof, order, reason=reason) == right

    @precondition(lambda self: self.model.orders)
    @rule(data=st.data())
    def refund_an_order(self, data: st.DataObject) -> None:
        order = self.any_order(data, "PAID", "LATE", "EXPIRED", "CANCELLED")
        right = self.model.refunding(order)
        assert self.accepted(self.scene.container.settlement.refund, order, reason="paid twice") is right

    @precondition(lambda self: self.model.orders)
    @rule(data=st.data(), paid=st.booleans())
    def reassign_an_order(self, data: st.DataObject, paid: bool) -> None:
        order = self.any_order(data, "LATE", "CANCELLED", "EXPIRED")
        if order.status in ("CANCELLED", "EXPIRED") and data.draw(st.booleans()):
            self.prove(order)
            self.compare()
        as_many = st.lists(st.integers(0, 8), min_size=len(order.numbers), max_size=len(order.numbers), unique=True)
        wanted = data.draw(st.none() | as_many | numbers)
        right, free = self.model.reassigning(order, wanted, self.now), self.model.free(order.raffle, self.now)
        if right == {"reassigned"}:
            found = self.scene.container.settlement.reassign(order.id, wanted, paid=paid, by=COMMAND_LINE)
            assert set(found.numbers) <= free if wanted is None else set(found.numbers) == set(wanted)
            assert found.amount == order.amount, "H7"
            self.model.reassign(order, found.numbers, paid=paid)
            self.steps["reassign"] += 1
        elif not self.was_reassigned(order, wanted, paid=paid):
            with pytest.raises(Refusal) as refusal:
                self.scene.container.settlement.reassign(order.id, wanted, paid=paid, by=COMMAND_LINE)
            assert refusal.value.code in right
            self.steps[refusal.value.code] += 1

    @rule(code=codes, active=st.sampled_from([True, True, True, False]))
    def stop_or_start_a_raffle(self, code: str, active: bool) -> None:
        self.model.raffles[code].active = active
        event = RaffleEvent.ACTIVATED if active else RaffleEvent.DEACTIVATED
        self.scene.container.raffles.move(self.found[code].id, event, by=COMMAND_LINE)

    @rule(code=codes, more=st.integers(1, 2))
    def add_numbers(self, code: str, more: int) -> None:
        """N3"""
        raffle = self.model.raffles[code]
        raffle.last = min(MAX_RAFFLE_NUMBERS, raffle.last + more)
        self.change(code, last_number=raffle.last)

    @rule(code=codes, price=st.sampled_from([100, 2500, 3000]))
    def change_the_price(self, code: str, price: int) -> None:
        self.model.raffles[code].price = price
        self.change(code, unit_amount=price)

    # Clock and schedule

    @rule(seconds=st.sampled_from([1, 30, 60, 150, 600]))
    def time_passes(self, seconds: int) -> None:
        self.scene.pass_time(seconds=seconds)

    @precondition(lambda self: self.deadlines)
    @rule(before=st.sampled_from([0, 1]))
    def time_passes_to_a_deadline(self, before: int) -> None:
        """H3: its very second, or the last one before."""
        self.scene.clock.now = max(self.now, min(self.deadlines) - timedelta(seconds=before))

    @rule()
    def a_minute_is_over(self) -> None:
        """What the schedules do; afterwards the counts are those of the rules, to the number."""
        over = {order.id for order in self.model.orders.values() if order.is_over(self.now)}
        assert self.scene.container.expiry.run() == (len(over), 0)
        self.scene.container.outbox.send_due()
        for code, raffle in self.found.items():
            free, sold = self.model.free(code, self.now), self.model.sold(code)
            total = self.model.raffles[code].last
            assert raffles.board(raffle.id).availability == (total, len(free), total - len(free) - len(sold), len(sold))

    # What is stored

    @invariant()
    def what_is_stored_is_what_the_rules_say(self) -> None:
        self.steps["steps"] += 1
        self.compare()

    def compare(self) -> None:
        for code, raffle in self.found.items():
            stored = self.scene.stored(raffle)
            self.orders_agree(code, stored)
            self.board_agrees(code, stored)
        self.notices_agree()

    def orders_agree(self, code: str, stored: Stored) -> None:
        expected = {order.id: order for order in self.model.orders.values() if order.raffle == code}
        assert stored.orders.keys() == expected.keys()
        for order_id, order in expected.items():
            found = stored.orders[order_id]
            if found["status"] == "EXPIRED" and order.is_over(self.now):  # swept, by the schedule or for a buyer (H4)
                self.model.expire(order)
            assert found["status"] == order.status
            assert set(found["numbers"]) == order.numbers
            assert found["unit_amount"] * len(found["numbers"]) == order.amount, "H7"
            assert len(found["proofs"]) == order.proofs, "P5"
            if order.status in ("DRAFT", "PENDING_PAYMENT"):
                assert datetime.strptime(found["reserved_until"], "%Y-%m-%dT%H:%M:%S.%f%z") == order.until, "H3"

    def board_agrees(self, code: str, stored: Stored) -> None:
        owners, orders = self.model.owners(code, self.now), self.model.orders
        lingering = {number: order for number, order in stored.tickets.items() if number not in owners}
        assert {number: order for number, order in stored.tickets.items() if number in owners} == owners
        assert all(orders[order].is_over(self.now) for order in lingering.values()), "H3: only what is over may linger"
        assert stored.taken == set(stored.tickets)
        assert stored.sold == self.model.sold(code)
        assert stored.counted == (len(stored.taken), len(stored.sold))
        held = Counter(self.visitors[orders[order].buyer].contact_id for order in stored.tickets.values())
        assert stored.held == held, "H6 counts on this"

    def notices_agree(self) -> None:
        """Who is told that an order is over or paid is told once, each time that it comes to that."""
        told = Counter[tuple[str, str]]()
        for message in self.scene.graph.sent:
            if (kind := kind_of(message)) in ("paid", "expired", "rejected", "refunded", "reassigned"):
                told.update((kind, word) for word in set(re.split(r"\W+", text_of(message))))
        for order in self.model.orders.values():
            assert told["paid", order.id] == order.confirmed
            assert told["rejected", order.id] == order.rejected
            assert told["reassigned", order.id] == order.reassigned
            assert told["refunded", order.id] == (order.status == "REFUNDED")
            assert told["expired", order.id] <= 1 + order.rejected
            assert told["expired", order.id] or order.status != "EXPIRED"

    def teardown(self) -> None:
        self.steps["runs"] += 1

    # How it is done

    @property
    def deadlines(self) -> list[datetime]:
        return [order.until for order in self.model.orders.values() if order.owns(self.now) and order.status in RUNNING]

    def chooses(self, buyer: str, code: str) -> bool:
        """Whether the buyer is asked for numbers, of this raffle if of none before."""
        if self.model.buyers[buyer].open is None:
            self.opens(buyer, code)
        return self.model.buyers[buyer].open is not None

    def who_has_an_order(self, data: st.DataObject) -> str:
        having = [name for name, buyer in self.model.buyers.items() if buyer.at_hand is not None]
        return data.draw(st.sampled_from(having or NAMES))

    def any_order(self, data: st.DataObject, *statuses: str) -> ModelOrder:
        """Mostly one in these statuses, if there is any."""
        fit = [order_id for order_id, order in self.model.orders.items() if order.status in statuses]
        return self.model.orders[data.draw(st.sampled_from(fit * 4 + list(self.model.orders)))]

    def says(self, buyer: str, text: str) -> str:
        return self.sends(buyer, self.visitors[buyer].message(IncomingMessage(kind=MessageKind.TEXT, text=text)))

    def sends(self, buyer: str, message: Message) -> str:
        """The kind of the one answer, or "silence". Before it somebody may hear that their hold is over."""
        visitor = self.visitors[buyer]
        before = len(visitor.heard)
        visitor.sends(message)
        self.heard.append(message)
        *notices, answer = [kind_of(heard) for heard in visitor.heard[before:]] or ["silence"]
        assert set(notices) <= {"expired"}, "M1: one answer"
        self.steps[answer] += 1
        return answer

    def expect(self, kind: str, right: set[str]) -> str:
        may_be_silent = right <= {"unclear", "no order waits", "enough files"}  # M8: from the third time in a row on
        assert kind in right or (kind in ("passed on", "silence") and may_be_silent)
        return kind

    def nothing_happens(self, message: Message) -> None:
        before = self.scene.text()
        self.scene.container.chat.answer(message)
        assert self.scene.text() == before, "M1: it took effect again"
        self.steps["delivered again"] += 1

    def pick(self, buyer: str, code: str, wanted: Collection[int], text: str) -> None:
        if self.chooses(buyer, code):
            right = self.model.picking(buyer, wanted, self.now)
            held = self.after_pick(buyer, self.expect(self.says(buyer, text), right))
            assert held is None or held == set(wanted), "H1: all or none"

    def after_pick(self, buyer: str, kind: str) -> set[int] | None:
        """The numbers that are held now, which the model takes over; None when it was refused."""
        if kind in ("not on sale", "menu"):
            self.model.buyers[buyer].open = None
        if kind != "held":
            return None
        (found,) = [order for order in self.scene.items("ORDER#") if order["id"] not in self.model.orders]
        assert found["contact_id"] == self.visitors[buyer].contact_id
        self.model.hold(buyer, found["id"], found["numbers"], self.now)
        return set(found["numbers"])

    def accepted(self, do: Any, order: ModelOrder, **more: str) -> bool:
        answer = self.answer(do, order, **more)
        assert answer in ("done", OrderOutOfTurn.code)
        return answer == "done"

    def answer(self, do: Any, order: ModelOrder, **more: str) -> str:
        """The refusal's code, if there is one."""
        try:
            do(order.id, by=COMMAND_LINE, **more)
        except Refusal as refusal:
            return refusal.code
        self.steps[do.__name__] += 1
        return "done"

    def was_reassigned(self, order: ModelOrder, wanted: list[int] | None, *, paid: bool) -> bool:
        """Then asking for the same is no mistake."""
        there = order.reassigned and order.status == ("PAID" if paid else "IN_REVIEW")
        return bool(there) and wanted is not None and set(wanted) == order.numbers

    def change(self, code: str, **fields: int) -> None:
        self.scene.container.raffles.change(self.found[code].id, lambda _: fields, by=COMMAND_LINE)


@pytest.fixture
def machine() -> Iterator[type[Tombola]]:
    with scene(Random(7)) as made:
        bike = made.open(numbers=12, code="BIKE", max_per_contact=5)
        cake = made.open(numbers=6, code="CAKE", hold_minutes=3, unit_amount=100)
        Tombola.scene, Tombola.empty = made, made.keep()
        Tombola.found = {"BIKE": bike, "CAKE": cake}
        Tombola.steps.clear()
        yield Tombola


@pytest.mark.parametrize("part", PARTS)
def test_the_rules_hold_whatever_happens(
    machine: type[Tombola], part: int, record_property: Callable[[str, object], None]
) -> None:
    times = int(environ.get("TOMBOLA_SOAK", "1"))
    run_state_machine_as_test(
        seed(part)(machine),
        settings=settings(
            max_examples=RUNS * times,
            stateful_step_count=STEPS_A_RUN,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    record_property("steps", dict(machine.steps))
    record_property("steps of the state machine tried", machine.steps["steps"])
    assert machine.steps["steps"] >= STEPS_AT_LEAST * times, machine.steps
