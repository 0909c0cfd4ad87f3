"""A bank statement against the orders: which incoming payment is surely for which order, and what makes one unsure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from chalicelib.domain.code_mentions import MOST_MENTIONS, MOST_TEXT, Mention, Nearby, codes_in, mentions
from chalicelib.domain.codes import words_of
from chalicelib.domain.orders import Order, OrderStatus

MOST_PAYMENTS = 2_500  # of a file: so that the longest answer, 2.3 KB a payment, fits into what Lambda may answer
MOST_SUGGESTED = 3
MOST_LINES = 5  # other lines that are named beside one
SHORT_NAME = 4  # letters of a name without a family name that may count as found
PHONE_DIGITS = 8  # of the end of a phone number: how people write it at home

_S = OrderStatus
AWAITING = frozenset({_S.DRAFT, _S.PENDING_PAYMENT, _S.IN_REVIEW})  # a payment may be confirmed for these


class Why(StrEnum):
    """Why a payment is not surely an order's. The values are part of the outside contract."""

    AMOUNT_DIFFERS = "amount_differs"
    CURRENCY_DIFFERS = "currency_differs"
    ALREADY_PAID = "already_paid"
    ORDER_EXPIRED = "order_expired"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_LATE = "order_late"
    ORDER_REFUNDED = "order_refunded"
    SEVERAL_ORDERS = "several_orders"
    WITHIN_A_REFERENCE = "within_a_reference"
    TYPO = "typo"
    NO_CODE = "no_code"
    DUPLICATE_LINE = "duplicate_line"
    REVERSAL = "reversal"
    TAKEN_BACK = "taken_back"
    SIGN_UNKNOWN = "sign_unknown"
    STATE_UNKNOWN = "state_unknown"
    CURRENCY_UNCLEAR = "currency_unclear"
    CUT_OFF = "cut_off"


MEANINGS = {
    Why.AMOUNT_DIFFERS: "The payment is not what the order costs: ask the buyer for the rest, or refund what is over.",
    Why.CURRENCY_DIFFERS: "The payment is in another currency than the order.",
    Why.ALREADY_PAID: "The order is paid. If it was confirmed by this very payment, nothing is to do; if not, it was "
    "paid twice: refund one of them.",
    Why.ORDER_EXPIRED: "The order's hold is over, so its numbers may be gone: reassign it, to its own ones if they are "
    "free, or refund it.",
    Why.ORDER_CANCELLED: "The order was cancelled: reassign or refund it.",
    Why.ORDER_LATE: "The order was paid too late: reassign other numbers, or refund.",
    Why.ORDER_REFUNDED: "The order was refunded: perhaps it was paid a second time.",
    Why.SEVERAL_ORDERS: "The text names several orders: confirm each by hand if the payment is for all of them.",
    Why.WITHIN_A_REFERENCE: "The code is part of a longer number, so it may be there by chance.",
    Why.TYPO: "The code is written with a mistake: compare name and amount, then confirm by hand.",
    Why.NO_CODE: "The text names no order.",
    Why.DUPLICATE_LINE: "Another line of this file is the same, or is for the same order.",
    Why.REVERSAL: "The bank has taken a booking back: this is no payment of a buyer's.",
    Why.TAKEN_BACK: "Money that went out names the same order: perhaps the bank has taken the payment back.",
    Why.SIGN_UNKNOWN: "The file does not say plainly that this money came in: look whether it went out.",
    Why.STATE_UNKNOWN: "The file does not say plainly that this is booked: look whether the money is there.",
    Why.CURRENCY_UNCLEAR: "The line and its heading name different currencies.",
    Why.CUT_OFF: "The text is too long, or has too many possible codes, to be looked at whole.",
}
BY_STATUS = {
    _S.PAID: Why.ALREADY_PAID,
    _S.EXPIRED: Why.ORDER_EXPIRED,
    _S.CANCELLED: Why.ORDER_CANCELLED,
    _S.LATE: Why.ORDER_LATE,
    _S.REFUNDED: Why.ORDER_REFUNDED,
}


@dataclass(frozen=True, kw_only=True)
class Payment:
    """Money that came in. `amount` is in minor units and more than 0.

    Attributes:
        line: where it begins in the file, counted from 1; in XML, which entry it is.
        reference: the bank's own id of it, "" where the file has none.
        reversal: the bank has taken an earlier booking back.
        doubts: what was unclear when the file was read.
    """

    line: int
    on: date
    amount: int
    currency: str
    text: str
    reference: str = ""
    reversal: bool = False
    doubts: tuple[Why, ...] = ()


class Outgoing(NamedTuple):
    """Money that went out; its text may name an order whose payment was taken back."""

    line: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What a file says. `read_as` names how it was read: format, encoding, columns …

    `outgoing` and `pending` (a count) are no money that has come in; `ignored` are lines that are no bookings.
    """

    payments: Sequence[Payment]
    outgoing: Sequence[Outgoing]
    read_as: Mapping[str, str]
    lines: int
    pending: int = 0
    ignored: Sequence[int] = ()

    @property
    def debits(self) -> int:
        return len(self.outgoing)


@dataclass(frozen=True, kw_only=True)
class DoubtReason:
    """`by`: how much more than the order's price came in, in minor units; `lines`: some other lines of the file;
    `together`: what the payments, or the orders, come to."""

    why: Why
    by: int | None = None
    lines: tuple[int, ...] = ()
    together: int | None = None


@dataclass(frozen=True, kw_only=True)
class Buyer:
    """Who is to pay an order, as far as the bank may name them."""

    order: Order
    name: str
    phone: str | None


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    buyer: Buyer
    by_phone: bool
    names: int  # how many words of the name the text has


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A payment, the orders that it may be for, and what makes that unsure."""

    payment: Payment
    orders: tuple[Order, ...] = ()
    reasons: tuple[DoubtReason, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()

    @property
    def is_sure(self) -> bool:
        return not self.reasons

    def says(self, why: Why) -> bool:
        return any(reason.why is why for reason in self.reasons)


class Group:
    """Payments of a file that are for the same order, or, where none is named, that say just the same."""

    def __init__(self) -> None:
        self.lines: list[int] = []
        self.together = 0

    def add(self, payment: Payment) -> None:
        self.lines.append(payment.line)
        self.together += payment.amount


Mentioned = Sequence[Sequence[Mention]]


def mentioned_in(payments: Iterable[Payment]) -> list[list[Mention]]:
    """The codes that each payment's text may have."""
    return [mentions(payment.text) for payment in payments]


def judged(
    payments: Sequence[Payment],
    mentioned: Mentioned,
    known: Mapping[str, Order],
    awaiting: Iterable[Order],
    now: datetime,
    outgoing: Iterable[Outgoing] = (),
) -> list[Judged]:
    """Each payment with its orders and what is unsure about it; a payment without any reason is sure.

    Args:
        known: those of the mentioned orders that exist.
        awaiting: orders that are to be paid, among which mistyped codes are looked for.
        outgoing: money that went out, which may be such payments that were taken back.
    """
    found = [_orders_of(codes, known) for codes in mentioned]
    to_be_paid = {order.id: order for order in awaiting}
    nearby = Nearby(to_be_paid) if any(not orders for orders in found) else Nearby(())
    near = [
        [to_be_paid[code] for code in sorted(nearby.meant_by(payment.text))] if not orders else []
        for payment, orders in zip(payments, found, strict=True)
    ]
    groups = _groups(payments, [orders or mistyped for orders, mistyped in zip(found, near, strict=True)])
    single = [
        _judged(payment, orders, mistyped, codes, doubles, now)
        for payment, orders, mistyped, codes, doubles in zip(payments, found, near, mentioned, groups, strict=True)
    ]
    back = _taken_back(outgoing, {order.id for one in single for order in one.orders})
    return [_with_taken_back(one, back) for one in single]


def _taken_back(outgoing: Iterable[Outgoing], ids: set[str]) -> dict[str, list[int]]:
    """For each order that money which went out names, the lines of it."""
    found: dict[str, list[int]] = defaultdict(list)
    for one in outgoing:
        for code in ids.intersection(codes_in(one.text)):
            found[code].append(one.line)
    return found


def _with_taken_back(one: Judged, back: Mapping[str, list[int]]) -> Judged:
    lines = sorted({line for order in one.orders for line in back.get(order.id, ())})[:MOST_LINES]
    return replace(one, reasons=(*one.reasons, DoubtReason(why=Why.TAKEN_BACK, lines=tuple(lines)))) if lines else one


def _orders_of(codes: Iterable[Mention], known: Mapping[str, Order]) -> list[Order]:
    return [known[mention.code] for mention in codes if mention.code in known]


def _judged(
    payment: Payment,
    orders: list[Order],
    mistyped: list[Order],
    codes: Sequence[Mention],
    doubles: Sequence[Group],
    now: datetime,
) -> Judged:
    meant = orders or mistyped
    reasons = [DoubtReason(why=Why.REVERSAL)] if payment.reversal else []
    reasons += [DoubtReason(why=doubt) for doubt in payment.doubts]
    if len(payment.text) > MOST_TEXT or len(codes) >= MOST_MENTIONS:  # there may be another order's code behind
        reasons.append(DoubtReason(why=Why.CUT_OFF))
    if not meant:
        reasons.append(DoubtReason(why=Why.NO_CODE))
    elif not orders:
        reasons.append(DoubtReason(why=Why.TYPO))
    if len(meant) > 1:
        reasons.append(DoubtReason(why=Why.SEVERAL_ORDERS, together=sum(order.amount for order in meant)))
    elif meant:
        alone = not orders or any(one.code == meant[0].id and one.stands_alone for one in codes)
        reasons += _differences(payment, meant[0], now, stands_alone=alone)
    reasons += [_doubled(payment, group) for group in doubles]
    return Judged(payment=payment, orders=tuple(meant), reasons=tuple(reasons))


def _differences(payment: Payment, order: Order, now: datetime, *, stands_alone: bool) -> list[DoubtReason]:
    """What speaks against the payment being this order's."""
    reasons = [] if stands_alone else [DoubtReason(why=Why.WITHIN_A_REFERENCE)]
    if order.hold_has_ended(now):  # the schedule has not come round yet
        reasons.append(DoubtReason(why=Why.ORDER_EXPIRED))
    elif order.status not in AWAITING:
        reasons.append(DoubtReason(why=BY_STATUS[order.status]))
    if payment.currency != order.currency:
        reasons.append(DoubtReason(why=Why.CURRENCY_DIFFERS))
    elif payment.amount != order.amount:
        reasons.append(DoubtReason(why=Why.AMOUNT_DIFFERS, by=payment.amount - order.amount))
    return reasons


def _groups(payments: Sequence[Payment], orders: Iterable[Sequence[Order]]) -> list[list[Group]]:
    """For each payment the groups that it is in together with others."""
    groups: dict[object, Group] = defaultdict(Group)
    keys: list[list[object]] = []
    for payment, meant in zip(payments, orders, strict=True):
        same = (payment.on, payment.amount, payment.currency, payment.text, payment.reference)
        keys.append([order.id for order in meant] or [same])
        for key in keys[-1]:
            groups[key].add(payment)
    return [[groups[key] for key in each if len(groups[key].lines) > 1] for each in keys]


def _doubled(payment: Payment, group: Group) -> DoubtReason:
    lines = tuple(line for line in group.lines[: MOST_LINES + 1] if line != payment.line)[:MOST_LINES]
    return DoubtReason(why=Why.DUPLICATE_LINE, lines=lines, together=group.together)


def with_suggestions(found: Iterable[Judged], buyers: Iterable[Buyer]) -> list[Judged]:
    """The payments; those that name no order with up to three orders of that amount whose buyer the text names."""
    by_amount: dict[tuple[str, int], Guesses] = defaultdict(Guesses)
    for buyer in buyers:
        by_amount[buyer.order.currency, buyer.order.amount].add(buyer)
    return [
        replace(one, suggestions=tuple(by_amount[one.payment.currency, one.payment.amount].of(one.payment.text)))
        if one.says(Why.NO_CODE)
        else one
        for one in found
    ]


class Guesses:
    """Buyers who are to pay the same amount, by what a bank's text may name them with."""

    def __init__(self) -> None:
        self._buyers: list[Buyer] = []
        self._names: dict[str, set[int]] = defaultdict(set)
        self._phones: dict[str, set[int]] = defaultdict(set)
        self._length: list[int] = []

    def add(self, buyer: Buyer) -> None:
        position, names = len(self._buyers), _names(buyer.name)
        self._buyers.append(buyer)
        self._length.append(len(names))
        for name in names:
            self._names[name].add(position)
        if buyer.phone and len(buyer.phone) >= PHONE_DIGITS:
            self._phones[buyer.phone[-PHONE_DIGITS:]].add(position)

    def of(self, text: str) -> list[Suggestion]:
        """Those whom the text names, by phone number or by two words of their name (or the only one), at most three."""
        words = words_of(text[:MOST_TEXT])
        named = Counter(position for word in set(words) for position in self._names.get(word, ()))
        digits = "".join(character for word in words for character in word if character.isdigit())
        ends = {digits[at : at + PHONE_DIGITS] for at in range(len(digits) - PHONE_DIGITS + 1)}
        phoned = {position for end in ends for position in self._phones.get(end, ())}
        found = phoned | {position for position, count in named.items() if count >= min(2, self._length[position])}
        best = sorted(found, key=lambda position: (position not in phoned, -named[position], position))
        return [
            Suggestion(buyer=self._buyers[position], by_phone=position in phoned, names=named[position])
            for position in best[:MOST_SUGGESTED]
        ]


def _names(name: str) -> set[str]:
    """The words of a name that may identify somebody: no initials, and no short name alone."""
    words = {word for word in words_of(name) if word.isalpha() and len(word) >= SHORT_NAME - 1}
    return words if len(words) > 1 else {word for word in words if len(word) >= SHORT_NAME}
