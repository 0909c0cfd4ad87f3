"""Review a bank statement: find the order that each payment is for. Nothing is confirmed here."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from chalicelib.domain.orders import Order
from chalicelib.domain.refusals import StatementTooLarge
from chalicelib.domain.statements import (
    MAX_PAYMENTS,
    PAYABLE,
    Buyer,
    MatchedPayment,
    Mentions,
    ReturnedPayment,
    Statement,
    Why,
    add_suggestions,
    find_all_mentions,
    find_returned,
    match_payments,
)
from chalicelib.statements.options import ParseOptions
from chalicelib.store import contacts, orders, raffles
from chalicelib.telemetry import count, logger

MAX_CODES = 20_000  # possible codes of a file that are looked up: 200 requests
MAX_PAYABLE = 10_000  # unpaid orders of each status that are compared with mistyped codes and names
MAX_RETURNED = 50  # lines of returned payments that are shown
MAX_BUYERS = 2_000  # orders whose buyers' names are looked for


class Sums(NamedTuple):
    """Payments in one currency: their number, their sum in minor units, and the sum of the sure ones."""

    payments: int
    amount: int
    sure: int


@dataclass(frozen=True, kw_only=True)
class StatementReview:
    """A statement with its payments, each matched with orders.

    Attributes:
        returned: outgoing money that names PAID orders.
        elsewhere: number of payments left out because their orders belong to other raffles than the one asked for.
        is_complete: whether all unpaid orders were compared with mistyped codes and names, and all outgoing money with
            codes.
    """

    statement: Statement
    matches: Sequence[MatchedPayment]
    returned: Sequence[ReturnedPayment]
    elsewhere: int
    is_complete: bool

    @property
    def sure_ids(self) -> list[str]:
        """Ids of the orders whose payment is sure, for a bulk confirmation."""
        return [match.orders[0].id for match in self.matches if match.is_sure]

    @property
    def reasons(self) -> Counter[Why]:
        return Counter(reason.code for match in self.matches for reason in match.reasons)

    def sums(self) -> dict[str, Sums]:
        """Return the sums of the matches by currency."""
        by_currency: dict[str, Sums] = {}
        for match in self.matches:
            payment = match.payment
            so_far = by_currency.get(payment.currency, Sums(0, 0, 0))
            sure = payment.amount if match.is_sure else 0
            by_currency[payment.currency] = Sums(
                so_far.payments + 1, so_far.amount + payment.amount, so_far.sure + sure
            )
        return dict(sorted(by_currency.items()))


@dataclass(frozen=True)
class BankStatements:
    clock: Callable[[], datetime]

    def review(self, raw: bytes, options: ParseOptions, *, raffle_id: str | None = None) -> StatementReview:
        """Read a statement and match its payments with orders. Only counts are logged; nothing is stored.

        Takes one request for each 100 codes that the texts may have, also those of outgoing money. If some payments
        name no order, it also takes one for each thousand unpaid orders and one for each 100 of their buyers.

        Raises StatementUnreadable, StatementTooLarge, RaffleNotFound, Busy.

        Args:
            raffle_id: leave out what is for other raffles. If the file names no currency, this raffle's is taken.
        """
        from chalicelib.statements.detect import read  # noqa: PLC0415 - no other request waits for the parsers to load

        if raffle_id is not None:
            raffle = raffles.get(raffle_id)
            options = options._replace(currency=options.currency or raffle.currency)
        statement = read(raw, options)
        if len(statement.payments) > MAX_PAYMENTS:
            raise StatementTooLarge(
                f"The statement has {len(statement.payments):,} payments; at most {MAX_PAYMENTS:,} are possible."
            )
        mentions = find_all_mentions(statement.payments)
        outgoing_mentions = find_all_mentions(statement.outgoing)
        orders_by_code, all_outgoing = _load_mentioned(mentions, outgoing_mentions)
        payable: list[Order] = []
        all_payable = True
        if any(not any(mention.code in orders_by_code for mention in codes) for codes in mentions):
            payable, all_payable = _load_payable(raffle_id)
        matches = match_payments(
            statement.payments, mentions, orders_by_code, payable, self.clock(), statement.outgoing
        )
        buyers, all_buyers = _load_buyers(matches, payable)
        matches = add_suggestions(matches, buyers)
        returned = [
            booking
            for booking in find_returned(statement.outgoing, outgoing_mentions, orders_by_code)
            if raffle_id is None or _is_of_raffle(booking.orders, raffle_id)
        ]
        shown = [match for match in matches if raffle_id is None or _may_be_of_raffle(match, raffle_id)]
        review = StatementReview(
            statement=statement,
            matches=shown,
            returned=returned[:MAX_RETURNED],
            elsewhere=len(matches) - len(shown),
            is_complete=all_payable and all_buyers and all_outgoing and len(returned) <= MAX_RETURNED,
        )
        sure = len(review.sure_ids)
        logger.info("statement read", extra={"payments": len(shown), "sure": sure, "unsure": len(shown) - sure})
        count("StatementsRead")
        return review


def _load_mentioned(mentions: Mentions, outgoing_mentions: Mentions) -> tuple[dict[str, Order], bool]:
    """Return code → order of all codes that exist, and whether those of outgoing money were all looked up.

    Raises StatementTooLarge if the payments alone have too many codes.
    """
    codes = _distinct_codes(mentions)
    if len(codes) > MAX_CODES:
        raise StatementTooLarge(
            f"The texts may have {len(codes):,} order codes; at most {MAX_CODES:,} can be looked up."
        )
    all_codes = _distinct_codes([*mentions, *outgoing_mentions])  # those of payments first
    return orders.get_all(all_codes[:MAX_CODES]), len(all_codes) <= MAX_CODES


def _distinct_codes(mentions: Mentions) -> list[str]:
    return list(dict.fromkeys(mention.code for listed in mentions for mention in listed))


def _load_payable(raffle_id: str | None) -> tuple[list[Order], bool]:
    """Return unpaid orders, and whether these are all."""
    queues = [orders.in_status(status, limit=MAX_PAYABLE, raffle_id=raffle_id) for status in sorted(PAYABLE)]
    return [order for queue in queues for order in queue], all(len(queue) < MAX_PAYABLE for queue in queues)


def _load_buyers(matches: Iterable[MatchedPayment], payable: Iterable[Order]) -> tuple[list[Buyer], bool]:
    """Return the buyers who owe just what came in without a code, and whether these are all."""
    amounts = {(match.payment.currency, match.payment.amount) for match in matches if match.has_reason(Why.NO_CODE)}
    wanted = [order for order in payable if (order.currency, order.amount) in amounts]
    people = contacts.get_all({order.contact_id for order in wanted[:MAX_BUYERS]})
    known = [(order, people[order.contact_id]) for order in wanted if order.contact_id in people]
    buyers = [Buyer(order=order, name=contact.name, phone=contact.phone) for order, contact in known]
    return buyers, len(wanted) <= MAX_BUYERS


def _may_be_of_raffle(match: MatchedPayment, raffle_id: str) -> bool:
    return not match.orders or _is_of_raffle(match.orders, raffle_id)


def _is_of_raffle(named: Iterable[Order], raffle_id: str) -> bool:
    return any(order.raffle_id == raffle_id for order in named)
