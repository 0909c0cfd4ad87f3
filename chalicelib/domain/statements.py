"""Match the payments of a bank statement with orders, and say what makes a match doubtful."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from chalicelib.domain.code_mentions import MAX_MENTIONS, MAX_TEXT, Mention, TypoFinder, find_codes, find_mentions
from chalicelib.domain.codes import ascii_words
from chalicelib.domain.orders import Order, OrderStatus

# In a file. The longest answer has 2.3 KB for each payment, and Lambda may answer 6 MB.
MAX_PAYMENTS = 2_500
MAX_SUGGESTED = 3
MAX_LINES = 5  # other lines that a reason names
SHORT_NAME = 4  # letters that a name must have if it is the only one
PHONE_DIGITS = 8  # at the end of a phone number, as people write it within their country

_S = OrderStatus
PAYABLE = frozenset({_S.DRAFT, _S.PENDING_PAYMENT, _S.IN_REVIEW})  # a payment can be confirmed for these


class Why(StrEnum):
    """Why a payment may not be for an order. The values are part of the API."""

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
    Why.AMOUNT_DIFFERS: "The amount is not the order's price: ask the buyer for the rest, or refund the difference.",
    Why.CURRENCY_DIFFERS: "The payment and the order are in different currencies.",
    Why.ALREADY_PAID: "The order is already paid. If it was paid by this very payment, there is nothing to do. If "
    "not, it was paid twice: refund one of the payments.",
    Why.ORDER_EXPIRED: "The order has expired, so its numbers may be gone: reassign it, to its own numbers if they "
    "are free, or refund it.",
    Why.ORDER_CANCELLED: "The order was cancelled: reassign or refund it.",
    Why.ORDER_LATE: "The order was paid too late: reassign it to other numbers, or refund it.",
    Why.ORDER_REFUNDED: "The order was refunded: it may have been paid a second time.",
    Why.SEVERAL_ORDERS: "The text names several orders: if the payment is for all of them, confirm each by hand.",
    Why.WITHIN_A_REFERENCE: "The code is part of a longer number, so it may be a coincidence.",
    Why.TYPO: "The code is mistyped: compare name and amount, then confirm by hand.",
    Why.NO_CODE: "The text names no order.",
    Why.DUPLICATE_LINE: "Another line of this file is the same or is for the same order.",
    Why.REVERSAL: "The bank has reversed a booking: this is not a payment by a buyer.",
    Why.TAKEN_BACK: "An outgoing payment names the same order: the bank may have taken this payment back.",
    Why.SIGN_UNKNOWN: "The file does not clearly say that this money came in: check that it did not go out.",
    Why.STATE_UNKNOWN: "The file does not clearly say that this is booked: check that the money has arrived.",
    Why.CURRENCY_UNCLEAR: "The line and its heading name different currencies.",
    Why.CUT_OFF: "The text is too long or has too many possible codes, so only part of it was checked.",
}
REASON_FOR_STATUS = {
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
        line: where it begins in the file, counted from 1; in XML, the number of the entry.
        reference: the bank's own id of it, "" if the file has none.
        reversal: the bank has reversed an earlier booking.
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
    """Money that went out. Its text may name an order whose payment was taken back."""

    line: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Statement:
    """The content of a file. `read_as` tells how it was read: format, encoding, columns …

    `outgoing` and `pending` (a count) have not come in. `ignored` are lines that are not bookings.
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
    """One reason why a payment is doubtful.

    Attributes:
        difference: what came in minus the price of the order, in minor units.
        lines: some other lines of the file.
        total: the sum of the payments, or of the orders.
    """

    code: Why
    difference: int | None = None
    lines: tuple[int, ...] = ()
    total: int | None = None


@dataclass(frozen=True, kw_only=True)
class Buyer:
    """The buyer of an unpaid order. A bank may name them by name or phone."""

    order: Order
    name: str
    phone: str | None


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A buyer whom the text names: by phone, or by that many words of their name."""

    buyer: Buyer
    by_phone: bool
    names: int


@dataclass(frozen=True, kw_only=True)
class MatchedPayment:
    """A payment, the orders that it may be for, and the reasons to doubt that."""

    payment: Payment
    orders: tuple[Order, ...] = ()
    reasons: tuple[DoubtReason, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()

    @property
    def is_sure(self) -> bool:
        return not self.reasons

    def has_reason(self, code: Why) -> bool:
        return any(reason.code is code for reason in self.reasons)


@dataclass(frozen=True, kw_only=True)
class ReturnedPayment:
    """Money that went out and names a PAID order: the bank may have taken its payment back."""

    line: int
    text: str
    orders: tuple[Order, ...]


class DuplicateGroup:
    """Payments of a file that are for the same order or, if they name none, that are identical."""

    def __init__(self) -> None:
        self.lines: list[int] = []
        self.total = 0

    def add(self, payment: Payment) -> None:
        self.lines.append(payment.line)
        self.total += payment.amount


Mentions = Sequence[Sequence[Mention]]  # for each payment, the codes that its text may have


def find_all_mentions(bookings: Iterable[Payment | Outgoing]) -> list[list[Mention]]:
    """Return the codes that each booking's text may have."""
    return [find_mentions(booking.text) for booking in bookings]


def match_payments(
    payments: Sequence[Payment],
    mentions: Mentions,
    orders_by_code: Mapping[str, Order],
    payable: Iterable[Order],
    now: datetime,
    outgoing: Iterable[Outgoing] = (),
) -> list[MatchedPayment]:
    """Match each payment with its orders. A match without any reason for doubt is sure.

    Args:
        mentions: what `find_all_mentions` found in these payments.
        orders_by_code: the mentioned orders that exist.
        payable: unpaid orders; mistyped codes are compared with these.
        outgoing: money that went out. It may be one of these payments, taken back.
    """
    named = [_orders_named(codes, orders_by_code) for codes in mentions]
    payable_by_code = {order.id: order for order in payable}
    typos = TypoFinder(payable_by_code) if any(not orders for orders in named) else TypoFinder(())
    mistyped = [
        [payable_by_code[code] for code in sorted(typos.find(payment.text))] if not orders else []
        for payment, orders in zip(payments, named, strict=True)
    ]
    groups = _group_duplicates(payments, [exact or near for exact, near in zip(named, mistyped, strict=True)])
    matches = [
        _match(payment, exact, near, codes, duplicates, now)
        for payment, exact, near, codes, duplicates in zip(payments, named, mistyped, mentions, groups, strict=True)
    ]
    lines = _outgoing_lines(outgoing, {order.id for match in matches for order in match.orders})
    return [_with_taken_back(match, lines) for match in matches]


def find_returned(
    outgoing: Iterable[Outgoing], mentions: Mentions, orders_by_code: Mapping[str, Order]
) -> list[ReturnedPayment]:
    """Return the outgoing money that names PAID orders.

    Args:
        mentions: what `find_all_mentions` found in this money.
        orders_by_code: the mentioned orders that exist.
    """
    named = [
        (booking, [order for order in _orders_named(codes, orders_by_code) if order.status is _S.PAID])
        for booking, codes in zip(outgoing, mentions, strict=True)
    ]
    return [
        ReturnedPayment(line=booking.line, text=booking.text, orders=tuple(orders))
        for booking, orders in named
        if orders
    ]


def _outgoing_lines(outgoing: Iterable[Outgoing], codes: set[str]) -> dict[str, list[int]]:
    """Return order id → the lines of the outgoing money that names it."""
    lines: dict[str, list[int]] = defaultdict(list)
    for booking in outgoing:
        for code in codes.intersection(find_codes(booking.text)):
            lines[code].append(booking.line)
    return lines


def _with_taken_back(match: MatchedPayment, outgoing_lines: Mapping[str, list[int]]) -> MatchedPayment:
    lines = sorted({line for order in match.orders for line in outgoing_lines.get(order.id, ())})[:MAX_LINES]
    if not lines:
        return match
    return replace(match, reasons=(*match.reasons, DoubtReason(code=Why.TAKEN_BACK, lines=tuple(lines))))


def _orders_named(codes: Iterable[Mention], orders_by_code: Mapping[str, Order]) -> list[Order]:
    return [orders_by_code[mention.code] for mention in codes if mention.code in orders_by_code]


def _match(
    payment: Payment,
    named: list[Order],
    mistyped: list[Order],
    codes: Sequence[Mention],
    duplicates: Sequence[DuplicateGroup],
    now: datetime,
) -> MatchedPayment:
    orders = named or mistyped
    reasons = [DoubtReason(code=Why.REVERSAL)] if payment.reversal else []
    reasons += [DoubtReason(code=doubt) for doubt in payment.doubts]
    if len(payment.text) > MAX_TEXT or len(codes) >= MAX_MENTIONS:  # the rest may have another order's code
        reasons.append(DoubtReason(code=Why.CUT_OFF))
    if not orders:
        reasons.append(DoubtReason(code=Why.NO_CODE))
    elif not named:
        reasons.append(DoubtReason(code=Why.TYPO))
    if len(orders) > 1:
        reasons.append(DoubtReason(code=Why.SEVERAL_ORDERS, total=sum(order.amount for order in orders)))
    elif orders:
        stands_alone = not named or any(code.code == orders[0].id and code.stands_alone for code in codes)
        reasons += _compare(payment, orders[0], now, stands_alone=stands_alone)
    reasons += [_duplicate(payment, group) for group in duplicates]
    return MatchedPayment(payment=payment, orders=tuple(orders), reasons=tuple(reasons))


def _compare(payment: Payment, order: Order, now: datetime, *, stands_alone: bool) -> list[DoubtReason]:
    reasons = [] if stands_alone else [DoubtReason(code=Why.WITHIN_A_REFERENCE)]
    if order.hold_has_ended(now):  # the scheduled expiry has not run yet
        reasons.append(DoubtReason(code=Why.ORDER_EXPIRED))
    elif order.status not in PAYABLE:
        reasons.append(DoubtReason(code=REASON_FOR_STATUS[order.status]))
    if payment.currency != order.currency:
        reasons.append(DoubtReason(code=Why.CURRENCY_DIFFERS))
    elif payment.amount != order.amount:
        reasons.append(DoubtReason(code=Why.AMOUNT_DIFFERS, difference=payment.amount - order.amount))
    return reasons


def _group_duplicates(payments: Sequence[Payment], orders: Iterable[Sequence[Order]]) -> list[list[DuplicateGroup]]:
    """Return, for each payment, the groups that it shares with other payments."""
    groups: dict[object, DuplicateGroup] = defaultdict(DuplicateGroup)
    keys: list[list[object]] = []
    for payment, matched in zip(payments, orders, strict=True):
        content = (payment.on, payment.amount, payment.currency, payment.text, payment.reference)
        keys.append([order.id for order in matched] or [content])
        for key in keys[-1]:
            groups[key].add(payment)
    return [[groups[key] for key in own_keys if len(groups[key].lines) > 1] for own_keys in keys]


def _duplicate(payment: Payment, group: DuplicateGroup) -> DoubtReason:
    lines = tuple(line for line in group.lines[: MAX_LINES + 1] if line != payment.line)[:MAX_LINES]
    return DoubtReason(code=Why.DUPLICATE_LINE, lines=lines, total=group.total)


def add_suggestions(matches: Iterable[MatchedPayment], buyers: Iterable[Buyer]) -> list[MatchedPayment]:
    """Add suggestions to the payments that name no order: up to three orders of that amount whose buyer is named."""
    by_amount: dict[tuple[str, int], BuyerIndex] = defaultdict(BuyerIndex)
    for buyer in buyers:
        by_amount[buyer.order.currency, buyer.order.amount].add(buyer)

    def suggest(payment: Payment) -> tuple[Suggestion, ...]:
        return tuple(by_amount[payment.currency, payment.amount].suggest(payment.text))

    return [
        replace(match, suggestions=suggest(match.payment)) if match.has_reason(Why.NO_CODE) else match
        for match in matches
    ]


class BuyerIndex:
    """Buyers who owe the same amount, by the words and phone numbers that a bank's text may have."""

    def __init__(self) -> None:
        self._buyers: list[Buyer] = []
        self._names: dict[str, set[int]] = defaultdict(set)
        self._phones: dict[str, set[int]] = defaultdict(set)
        self._length: list[int] = []

    def add(self, buyer: Buyer) -> None:
        position = len(self._buyers)
        names = _identifying_names(buyer.name)
        self._buyers.append(buyer)
        self._length.append(len(names))
        for name in names:
            self._names[name].add(position)
        if buyer.phone and len(buyer.phone) >= PHONE_DIGITS:
            self._phones[buyer.phone[-PHONE_DIGITS:]].add(position)

    def suggest(self, text: str) -> list[Suggestion]:
        """Return up to three buyers whom the text names, the likeliest first.

        It must have their phone number or two words of their name, or the only word if the name has just one.
        """
        words = ascii_words(text[:MAX_TEXT])
        named = Counter(position for word in set(words) for position in self._names.get(word, ()))
        digits = "".join(character for word in words for character in word if character.isdigit())
        ends = {digits[at : at + PHONE_DIGITS] for at in range(len(digits) - PHONE_DIGITS + 1)}
        phoned = {position for end in ends for position in self._phones.get(end, ())}
        likely = phoned | {position for position, count in named.items() if count >= min(2, self._length[position])}
        best = sorted(likely, key=lambda position: (position not in phoned, -named[position], position))
        return [
            Suggestion(buyer=self._buyers[position], by_phone=position in phoned, names=named[position])
            for position in best[:MAX_SUGGESTED]
        ]


def _identifying_names(name: str) -> set[str]:
    """Return the words of a name that may identify somebody: no initials, and no short name alone."""
    words = {word for word in ascii_words(name) if word.isalpha() and len(word) >= SHORT_NAME - 1}
    return words if len(words) > 1 else {word for word in words if len(word) >= SHORT_NAME}
