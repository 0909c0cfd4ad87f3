"""Who comes to the hall: buyers who change their mind, send things twice, forget to pay, and organisers in a hurry."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from random import Random
from typing import NamedTuple, TypeVar

from chalicelib.domain.choices import cancel_order_choice, pick_number_choice, pick_random_choice
from chalicelib.domain.messages import Identity, IncomingMessage, Media, MessageKind
from chalicelib.domain.orders import MAX_NUMBERS, OrderStatus
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.domain.refusals import TryAgain
from chalicelib.store import contacts, orders, raffles
from chalicelib.store.contact_ids import contact_ids_of
from chalicelib.whatsapp.inbound import Message
from tests.support.expired_holds import expire_order
from tests.support.races.hall import (
    OUR_NUMBER,
    PROCESSES,
    THREADS,
    Place,
    Profile,
    Shared,
    at_once,
    let_time_pass,
    note,
)
from tests.support.races.replies import held_in, left_in
from tests.support.world import PNG

DELIVERIES = 5  # of a message by the queue
MAX_VISITS = 500  # of one thread. Only a race that makes no progress reaches it

T = TypeVar("T")


class Hold(NamedTuple):
    """What a buyer was told that they have."""

    person: Identity
    order_id: str


def sell_out(place: Place, random: Random, name: str, profile: Profile) -> None:
    """Come again until all numbers are sold."""
    visitor = Visitor(place, random, name, profile)
    visitor.buy_blocks()
    for visit in range(MAX_VISITS):
        if not visitor.visit(visit):
            return
    place.tale.wrong.append("the raffle does not sell out")


def rush(place: Place, random: Random, name: str, profile: Profile) -> None:
    """All buyers want the first number at once, then all the second, and so on; who gets it pays."""
    visitor = Visitor(place, random, name, profile)
    for number in range(profile.numbers):
        Shared.line.wait()
        for hold in visitor.ask(visitor.somebody(number), visitor.tap(pick_number_choice(place.raffle.id, number))):
            visitor.pay_cash(hold)


class Visitor:
    """One thread: now this buyer, now that one, now an organiser."""

    def __init__(self, place: Place, random: Random, name: str, profile: Profile) -> None:
        self.container, self.raffle, self.meta, self.tale = place
        self.random, self.name, self.profile = random, name, profile
        self.past: list[Message] = []
        self.left: int | None = None  # how many numbers are free, when they are fewer than were asked for
        self.picks = 0
        process, _, thread = name.partition(".")
        self.place_in_line = int(process) * THREADS + int(thread)
        # Behind the blocks is what all threads fight for.
        self.behind = self.raffle.first_number + profile.blocks * PROCESSES * THREADS * MAX_NUMBERS
        self.fought_for = self.raffle.last_number + 1 - self.behind
        self.next = self.place_in_line * self.fought_for // (PROCESSES * THREADS)

    def visit(self, visit: int) -> bool:
        """Buy, and whatever comes of it. False when there is nothing to buy any more, and they have tried enough."""
        over = self.left == 0 and self.sold_out()
        if over and self.picks * THREADS * PROCESSES >= self.profile.least:
            return False
        person = self.somebody(visit)
        in_haste = self.left is not None or self.random.random() < self.profile.haste
        taps = self.left is not None or (in_haste and self.profile.taps)
        for hold in self.tap_away(person) if taps else self.write(person):
            fate = Visitor.pay_cash if in_haste else self.draw(FATES)
            fate(self, hold)
        if self.left == 0 and not over:
            self.draw(PASTIMES)(self)
        if self.random.random() < 0.1:
            self.deliver(self.random.choice(self.past))  # long after it was answered
            self.look_at(person)
        return True

    def sold_out(self) -> bool:
        found = raffles.board(self.raffle.id).availability
        return found.sold >= found.total

    def somebody(self, visit: int) -> Identity:
        """Mostly one of this thread's own people; sometimes one whom several threads are at the same time."""
        if self.random.random() < 0.1:
            # Others after ten visits: a person gets a hundred answers a day at most (M8).
            return Identity(user_id=f"BZ.everybody{self.random.randrange(6)}x{visit // 10}")
        return Identity(user_id=f"BZ.{self.name.replace('.', 'x')}y{visit // 4}")

    def draw(self, weights: Mapping[T, int]) -> T:
        return self.random.choices(list(weights), list(weights.values()))[0]

    # Buying

    def buy_blocks(self) -> None:
        """Buy this thread's share of the board's beginning, which nobody else wants."""
        for block in range(self.profile.blocks):
            person = Identity(user_id=f"BZ.{self.name.replace('.', 'x')}b{block}")
            self.say(person, self.raffle.code)
            position = (block * PROCESSES * THREADS + self.place_in_line) * MAX_NUMBERS
            wanted = self.side_by_side(self.raffle.first_number + position, MAX_NUMBERS)
            for hold in self.ask(person, self.text(wanted)):
                self.pay_cash(hold)

    def tap_away(self, person: Identity) -> Iterator[Hold]:
        """Three orders of any numbers, or of one number, without asking for the raffle first."""
        for _ in range(3):
            if self.left or self.random.random() < 0.8:
                quantity = self.left or self.random.choice(self.profile.quantities)
                choice = pick_random_choice(self.raffle.id, quantity)
            else:
                choice = pick_number_choice(self.raffle.id, self.any_number())
            yield from self.ask(person, self.tap(choice))

    def write(self, person: Identity) -> Iterator[Hold]:
        """Open the raffle and ask up to three times: who is refused wants something else."""
        self.note_what_is_left(self.say(person, self.raffle.code))
        for attempt in range(3):
            held = None if self.left == 0 else next(self.ask(person, self.text(self.pick(attempt))), None)
            if held is not None:
                yield held
                return

    def pick(self, attempt: int) -> str:
        """Numbers side by side; who is refused rather takes any: many random ones at once often cross others' way."""
        quantity = self.random.choice(self.profile.quantities)
        if self.random.random() < (0.1, 0.5, 0.8)[attempt]:
            return f"random {quantity}"
        start = self.any_number() if self.random.random() < 0.2 else self.next_number(quantity)
        return self.side_by_side(start, quantity)

    def side_by_side(self, start: int, quantity: int) -> str:
        return f"#{start}-{min(start + quantity - 1, self.raffle.last_number)}"

    def next_number(self, quantity: int) -> int:
        """Where this thread left off, so that not all numbers of a large board are fought for."""
        start, self.next = self.next, (self.next + quantity) % self.fought_for
        return self.behind + start

    def any_number(self) -> int:
        return self.random.randint(self.behind, self.raffle.last_number)

    def text(self, text: str) -> IncomingMessage:
        return IncomingMessage(kind=MessageKind.TEXT, text=text)

    def tap(self, choice: str) -> IncomingMessage:
        return IncomingMessage(kind=MessageKind.CHOICE, choice=choice)

    def ask(self, person: Identity, pick: IncomingMessage) -> Iterator[Hold]:
        """Ask for numbers. What is held then, if anything."""
        message = self.message(person, pick)
        self.tale.picks.append(message.id)
        self.picks += 1
        texts = self.send(message)
        self.note_what_is_left(texts)
        for held in filter(None, map(held_in, texts)):
            yield Hold(person, held.order_id)

    def note_what_is_left(self, texts: Sequence[str]) -> None:
        self.left = next((left for left in map(left_in, texts) if left is not None), None)

    # What becomes of a hold

    def pay_cash(self, hold: Hold) -> None:
        self.confirm_payment(hold.order_id)

    def pay_with_proof(self, hold: Hold) -> None:
        self.say(hold.person, "confirm")
        self.prove(hold)
        at_once([lambda: self.confirm_payment(hold.order_id)] * 2)

    def leave_a_proof(self, hold: Hold) -> None:
        self.prove(hold)

    def change_their_mind(self, hold: Hold) -> None:
        self.say(hold.person, "cancel")

    def change_their_mind_too_late(self, hold: Hold) -> None:
        cancel = self.tap(cancel_order_choice(hold.order_id))
        at_once([lambda: self.say(hold.person, cancel), lambda: self.confirm_payment(hold.order_id)])

    def be_cancelled(self, hold: Hold) -> None:
        at_once([lambda: self.cancel(hold.order_id), lambda: self.prove(hold)])

    def be_rejected_and_prove_again(self, hold: Hold) -> None:
        self.prove(hold)
        at_once([lambda: self.reject_proof(hold.order_id), lambda: self.prove(hold)])
        self.confirm_payment(hold.order_id)

    def be_refunded(self, hold: Hold) -> None:
        at_once([lambda: self.confirm_payment(hold.order_id), lambda: self.refund(hold.order_id)])
        self.refund(hold.order_id)

    def be_settled_late(self, hold: Hold) -> None:
        self.cancel(hold.order_id)
        self.prove(hold)
        refunds = self.random.random() < 0.3
        with_whom: list[Callable[[], object]] = [lambda: self.refund(hold.order_id)] if refunds else []
        at_once([lambda: self.reassign(hold.order_id), *with_whom])

    def be_cancelled_and_confirmed(self, hold: Hold) -> None:
        at_once([lambda: self.cancel(hold.order_id), lambda: self.confirm_payment(hold.order_id)])

    def be_confirmed_at_the_end(self, hold: Hold) -> None:
        let_time_pass()
        at_once([lambda: self.expire(hold.order_id), lambda: self.confirm_payment(hold.order_id)])

    def prove_at_the_end(self, hold: Hold) -> None:
        let_time_pass()
        at_once([lambda: self.expire(hold.order_id), lambda: self.prove(hold)])

    def prove_too_late(self, hold: Hold) -> None:
        let_time_pass()
        self.run_the_schedule()
        self.prove(hold)
        self.confirm_payment(hold.order_id)

    def forget(self, hold: Hold) -> None:
        """The next one who wants the numbers, or the schedule, ends the hold."""

    # What there is to do while nothing is free

    def work_as_an_organiser(self) -> None:
        for order in orders.waiting([OrderStatus.IN_REVIEW], limit=10, after=None).items:
            self.confirm_payment(order.id)

    def wait_for_holds_to_end(self) -> None:
        let_time_pass()
        self.run_the_schedule()

    # Each step

    def say(self, person: Identity, what: str | IncomingMessage) -> list[str]:
        """The texts that were sent while the message was answered."""
        return self.send(self.message(person, self.text(what) if isinstance(what, str) else what))

    def message(self, person: Identity, heard: IncomingMessage) -> Message:
        self.past.append(
            Message(
                id=f"wamid.{self.name}.{len(self.past)}", phone_number_id=OUR_NUMBER, sender=person, name="",
                sent_at=None, incoming=heard, kind=heard.kind.value,
            )
        )  # fmt: skip
        return self.past[-1]

    def send(self, message: Message) -> list[str]:
        if self.random.random() < 0.93:
            return self.deliver(message)
        texts: list[str] = []
        at_once([lambda: texts.extend(self.deliver(message))] * 2)
        return texts

    def deliver(self, message: Message) -> list[str]:
        def answer() -> None:
            self.container.chat.answer(message)
            self.tale.heard.append(message.id)

        self.meta.sent_here()
        for _ in range(DELIVERIES):
            self.tale.deliveries.append(message.id)
            if self.attempt("answering", answer) is not TryAgain:  # else the queue hands it out again
                break
        return self.meta.sent_here()

    def prove(self, hold: Hold) -> None:
        media = Media(id=f"{self.name}.{len(self.past)}")
        # No two files are alike, so that each can be found again.
        content = self.meta.files[media.id] = PNG + media.id.encode()
        message = self.message(hold.person, IncomingMessage(kind=MessageKind.MEDIA, text=hold.order_id, media=media))
        self.tale.proofs.append((message.id, sha256(content).hexdigest()))
        self.send(message)

    def confirm_payment(self, order_id: str) -> None:
        def confirm() -> None:
            order = self.container.settlement.confirm_payment(order_id, by=COMMAND_LINE)
            assert order.status is OrderStatus.PAID
            self.tale.paid.append(order_id)

        self.attempt("confirming a payment", confirm)

    def reject_proof(self, order_id: str) -> None:
        settlement = self.container.settlement
        self.attempt("rejecting", lambda: settlement.reject_proof(order_id, reason="blurred", by=COMMAND_LINE))

    def refund(self, order_id: str) -> None:
        def refund() -> None:
            order = self.container.settlement.refund(order_id, reason="paid twice", by=COMMAND_LINE)
            assert order.status is OrderStatus.REFUNDED
            self.tale.refunded.append(order_id)

        self.attempt("refunding", refund)

    def reassign(self, order_id: str) -> None:
        settlement = self.container.settlement
        self.attempt("reassigning", lambda: settlement.reassign(order_id, None, paid=True, by=COMMAND_LINE))

    def cancel(self, order_id: str) -> None:
        self.attempt("cancelling", lambda: self.container.settlement.cancel(order_id, by=COMMAND_LINE))

    def expire(self, order_id: str) -> None:
        self.attempt("expiring", lambda: expire_order(self.container, order_id))

    def run_the_schedule(self) -> None:
        """As often at once as two runs may overlap."""
        at_once([lambda: self.attempt("the schedule", self.container.expiry.run)] * 2)

    def look_at(self, person: Identity) -> None:
        """H6 holds at every moment, not only in the end."""
        contact = contacts.get(contact_ids_of(person)[0])
        has = contact.held.get(self.raffle.id, 0) if contact else 0
        if self.profile.most is not None and has > self.profile.most:
            self.tale.wrong.append(f"{has} numbers for one person, where {self.profile.most} are the most")

    def attempt(self, what: str, call: Callable[[], object]) -> type[Exception] | None:
        """Call, and note whatever it raises."""
        try:
            call()
        except Exception as error:
            note(self.tale, what, error)
            return type(error)
        return None


FATES: dict[Callable[[Visitor, Hold], None], int] = {
    Visitor.pay_cash: 10,
    Visitor.pay_with_proof: 40,
    Visitor.leave_a_proof: 10,
    Visitor.change_their_mind: 10,
    Visitor.change_their_mind_too_late: 5,
    Visitor.be_cancelled: 5,
    Visitor.be_cancelled_and_confirmed: 5,
    Visitor.be_rejected_and_prove_again: 10,
    Visitor.be_refunded: 3,
    Visitor.be_settled_late: 10,
    # These let time pass for everybody: too often, and nobody comes to pay in time.
    Visitor.be_confirmed_at_the_end: 2,
    Visitor.prove_at_the_end: 2,
    Visitor.prove_too_late: 2,
    Visitor.forget: 9,
}

PASTIMES: dict[Callable[[Visitor], None], int] = {
    Visitor.work_as_an_organiser: 3,
    Visitor.wait_for_holds_to_end: 1,
}
