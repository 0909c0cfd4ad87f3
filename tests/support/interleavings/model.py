"""What the rules of docs/rules.md come to, in plain Python: who owns which number until when, and what is answered.

Nothing here calls the product. Where the rules leave something open, the model allows each answer and goes on from the
one that was given: whether the schedule has come by a hold that is over yet, which free numbers `random` picked, what a
new order's code is.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MAX_PROOFS = 10  # M8
RUNNING = ("DRAFT", "PENDING_PAYMENT")
SETTLED = ("IN_REVIEW", "PAID")  # these own their numbers without a time limit


@dataclass
class ModelOrder:
    id: str
    buyer: str
    raffle: str
    numbers: frozenset[int]
    amount: int
    until: datetime
    status: str = "DRAFT"
    proofs: int = 0
    # How often it came to that, so that often is the buyer told.
    confirmed: int = 0
    rejected: int = 0
    reassigned: int = 0
    last_rejection: tuple[str, datetime] | None = None  # why and when

    def is_over(self, now: datetime) -> bool:
        return self.status in RUNNING and now >= self.until  # H3

    def owns(self, now: datetime) -> bool:
        return self.status in SETTLED or (self.status in RUNNING and now < self.until)


@dataclass
class ModelRaffle:
    code: str
    last: int
    price: int
    most: int | None  # numbers for each contact
    hold: timedelta
    active: bool = True


@dataclass
class ModelBuyer:
    open: str | None = None  # the raffle whose numbers they were asked for last
    at_hand: str | None = None  # the order that they are talking about


@dataclass
class Model:
    raffles: dict[str, ModelRaffle]
    buyers: dict[str, ModelBuyer]
    orders: dict[str, ModelOrder] = field(default_factory=dict)

    def owners(self, raffle: str, now: datetime) -> dict[int, str]:
        """H2: number → the order that owns it. Never two."""
        found: dict[int, str] = {}
        for order in self.orders.values():
            if order.raffle == raffle and order.owns(now):
                for number in order.numbers:
                    assert number not in found, f"{number} has two owners"
                    found[number] = order.id
        return found

    def free(self, raffle: str, now: datetime) -> set[int]:
        return set(range(1, self.raffles[raffle].last + 1)) - set(self.owners(raffle, now))

    def sold(self, raffle: str) -> set[int]:
        of = [order for order in self.orders.values() if order.raffle == raffle and order.status == "PAID"]
        return {number for order in of for number in order.numbers}

    def has(self, buyer: str, raffle: str, now: datetime) -> int:
        """How many numbers of the raffle the buyer owns."""
        of = [order for order in self.orders.values() if order.buyer == buyer and order.raffle == raffle]
        return sum(len(order.numbers) for order in of if order.owns(now))

    # What a buyer says: which answers are right. What it changes follows from the answer.

    def opening(self, buyer: str, raffle: str, now: datetime) -> set[str]:
        if not self.raffles[raffle].active:
            return {"not on sale"}
        if not self.free(raffle, now):
            return {"too few"}
        self.buyers[buyer].open = raffle
        return {"raffle"}

    def picking(self, buyer: str, numbers: Collection[int], now: datetime) -> set[str]:
        """Answers to a wish for these numbers of the raffle that is open."""
        raffle = self.raffles[self.buyers[buyer].open or ""]
        if not raffle.active:
            return {"not on sale"}
        if any(not 1 <= number <= raffle.last for number in numbers):
            return {"unclear"}
        return self._held_unless(
            buyer, len(numbers), {"taken"} if set(numbers) - self.free(raffle.code, now) else set(), now
        )

    def drawing(self, buyer: str, quantity: int, now: datetime) -> set[str]:
        """H5: answers to `random n`."""
        raffle = self.raffles[self.buyers[buyer].open or ""]
        if not raffle.active:
            return {"not on sale"}
        too_few = {"too few"} if len(self.free(raffle.code, now)) < quantity else set()
        return self._held_unless(buyer, quantity, too_few, now)

    def _held_unless(self, buyer: str, quantity: int, refusals: set[str], now: datetime) -> set[str]:
        """H6; which of two refusals is said, the rules leave open."""
        raffle = self.raffles[self.buyers[buyer].open or ""]
        if raffle.most is not None and self.has(buyer, raffle.code, now) + quantity > raffle.most:
            refusals = refusals | {"limit"}
        return refusals or {"held"}

    def hold(self, buyer: str, order_id: str, numbers: Iterable[int], now: datetime) -> None:
        raffle = self.raffles[self.buyers[buyer].open or ""]
        held = frozenset(numbers)
        amount = raffle.price * len(held)  # H7: today's price, also if it changes
        self.orders[order_id] = ModelOrder(order_id, buyer, raffle.code, held, amount, now + raffle.hold)
        self.buyers[buyer] = ModelBuyer(at_hand=order_id)

    def confirming(self, buyer: str, now: datetime) -> set[str] | None:
        """P1. None: not about an order, so that nothing changes, whatever is said."""
        order = self.at_hand(buyer)
        if order is None:
            return None
        if order.is_over(now):
            return {"expired"}
        if order.status == "DRAFT":
            order.status = "PENDING_PAYMENT"
            return {"pay"}
        return {"PENDING_PAYMENT": {"still to pay"}, "IN_REVIEW": {"being checked"}}[order.status]

    def cancelling(self, buyer: str, now: datetime) -> set[str]:
        """P3. What is over already may be called cancelled or over: its numbers are free in any case."""
        order = self.at_hand(buyer)
        if order is None:
            return {"not cancelled", "shall I"}
        if order.status == "IN_REVIEW":
            return {"not cancelled"}
        self._end(order, "CANCELLED")
        return {"cancelled"}

    def proving(self, order: ModelOrder, now: datetime) -> set[str]:
        """P1, P5: answers to a proof for this order of the sender. Its caption names the order, so it is no album."""
        if order.proofs >= MAX_PROOFS:
            return {"enough files"}
        buyer = self.buyers[order.buyer]
        order.proofs += 1
        if order.status in ("PAID", "REFUNDED"):
            return {"file kept"}
        if order.owns(now):
            order.status, buyer.at_hand = "IN_REVIEW", order.id
            return {"in review"}
        cancelled, most = order.status == "CANCELLED", self.raffles[order.raffle].most
        within = most is None or self.has(order.buyer, order.raffle, now) + len(order.numbers) <= most  # H6
        if within and order.status in (*RUNNING, "EXPIRED") and order.numbers <= self.free(order.raffle, now):
            order.status, buyer.at_hand = "IN_REVIEW", order.id
            return {"in review"}
        order.status, buyer.at_hand = "LATE", None
        return {"kept"} if cancelled else {"late"}

    # What organisers and the clock do

    def paying(self, order: ModelOrder, now: datetime) -> bool:
        """P4: whether confirming is right. Against an expiry that has not happened yet it may win."""
        if order.status == "PAID":
            return True
        if order.status not in (*RUNNING, "IN_REVIEW"):
            return False
        assert order.numbers <= self.free(order.raffle, now) or order.owns(now), "the numbers are somebody else's"
        self._end(order, "PAID")
        order.confirmed += 1
        return True

    def withdrawing(self, order: ModelOrder) -> bool:
        """P3: whether an organiser's cancel is right."""
        if order.status not in (*RUNNING, "IN_REVIEW"):
            return order.status == "CANCELLED"
        self._end(order, "CANCELLED")
        return True

    def rejecting(self, order: ModelOrder, reason: str, now: datetime) -> str:
        """P2: "done" or the refusal's code. The hold begins anew. For the same reason at once that is the same
        request again, and no other proof is meant by it."""
        again = False
        if order.last_rejection is not None:
            why, when = order.last_rejection
            again = why == reason and now < when + timedelta(minutes=10)
        if again:
            return "proof_not_seen" if order.status == "IN_REVIEW" else "done"
        if order.status != "IN_REVIEW":
            return "order_out_of_turn"
        order.last_rejection = (reason, now)
        order.status, order.until = "PENDING_PAYMENT", now + self.raffles[order.raffle].hold
        order.rejected += 1
        self._comes_back(order)
        return "done"

    def refunding(self, order: ModelOrder) -> bool:
        """P3, P5: whether giving the money back is right."""
        if order.status == "REFUNDED":
            return True
        if order.status not in ("PAID", "LATE", "EXPIRED", "CANCELLED"):
            return False
        self._end(order, "REFUNDED")
        return True

    def reassigning(self, order: ModelOrder, wanted: Collection[int] | None, now: datetime) -> set[str]:
        """P5: answers to a wish for other numbers, None for random ones. What it changes follows from the answer."""
        raffle, free = self.raffles[order.raffle], self.free(order.raffle, now)
        if order.status not in ("LATE", "EXPIRED", "CANCELLED"):
            return {"order_out_of_turn"}
        refusals = set[str]()
        if wanted is not None:
            outside = any(not 1 <= number <= raffle.last for number in wanted)
            if outside or len(wanted) != len(order.numbers):
                refusals |= {"numbers_invalid"}
            elif not set(wanted) <= free:
                refusals |= {"numbers_taken"}
        elif len(free) < len(order.numbers):
            refusals |= {"too_few_free"}
        if raffle.most is not None and self.has(order.buyer, order.raffle, now) + len(order.numbers) > raffle.most:
            refusals |= {"too_many_for_contact"}
        return refusals or {"reassigned"}

    def reassign(self, order: ModelOrder, numbers: Iterable[int], *, paid: bool) -> None:
        order.numbers, order.status = frozenset(numbers), "PAID" if paid else "IN_REVIEW"
        order.reassigned += 1
        if not paid:
            self._comes_back(order)

    def expire(self, order: ModelOrder) -> None:
        self._end(order, "EXPIRED")

    def _comes_back(self, order: ModelOrder) -> None:
        """The buyer talks about it, unless about another."""
        buyer = self.buyers[order.buyer]
        if buyer.at_hand is None:
            buyer.at_hand = order.id

    def at_hand(self, buyer: str) -> ModelOrder | None:
        return self.orders.get(self.buyers[buyer].at_hand or "")

    def _end(self, order: ModelOrder, status: str) -> None:
        order.status = status
        buyer = self.buyers[order.buyer]
        if buyer.at_hand == order.id:
            buyer.at_hand = None
