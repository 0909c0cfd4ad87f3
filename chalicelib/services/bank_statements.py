"""What a bank's statement says about our orders: the use case of settling money. It confirms nothing by itself."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from chalicelib.domain.orders import Order
from chalicelib.domain.refusals import StatementTooLarge
from chalicelib.domain.statements import (
    AWAITING,
    MOST_PAYMENTS,
    Buyer,
    Judged,
    Mentioned,
    Statement,
    Why,
    judged,
    mentioned_in,
    with_suggestions,
)
from chalicelib.statements.options import ParseOptions
from chalicelib.store import contacts, orders, raffles
from chalicelib.telemetry import count, logger

MOST_CODES = 20_000  # possible codes of a file that are looked up: 200 requests
MOST_AWAITING = 10_000  # orders to be paid among which mistyped codes and names are looked for, of each status
MOST_BUYERS = 2_000  # whose names are looked for


class Sums(NamedTuple):
    """Payments in one currency: how many, what they come to in minor units, and what the sure ones come to."""

    payments: int
    amount: int
    sure: int


@dataclass(frozen=True, kw_only=True)
class StatementReview:
    """A statement's payments, judged.

    Attributes:
        elsewhere: payments that are left out, since their orders are of other raffles than the one asked for.
        is_complete: whether all orders that are to be paid were compared with mistyped codes and names.
    """

    statement: Statement
    found: Sequence[Judged]
    elsewhere: int
    is_complete: bool

    @property
    def sure_ids(self) -> list[str]:
        """Ids of the orders whose payment is sure, for a bulk confirmation."""
        return [one.orders[0].id for one in self.found if one.is_sure]

    @property
    def reasons(self) -> Counter[Why]:
        return Counter(reason.why for one in self.found for reason in one.reasons)

    def sums(self) -> dict[str, Sums]:
        """By currency, of the payments that are shown."""
        found: dict[str, Sums] = {}
        for one in self.found:
            so_far, amount = found.get(one.payment.currency, Sums(0, 0, 0)), one.payment.amount
            sure = amount if one.is_sure else 0
            found[one.payment.currency] = Sums(so_far.payments + 1, so_far.amount + amount, so_far.sure + sure)
        return dict(sorted(found.items()))


@dataclass(frozen=True)
class BankStatements:
    clock: Callable[[], datetime]

    def settle(self, raw: bytes, options: ParseOptions, *, raffle_id: str | None = None) -> StatementReview:
        """Read a statement and say which payment is for which order. Nothing of it is stored or logged but counts.

        One request for each 100 codes that the texts may have; and, while some payments name no order, one for each
        thousand orders to be paid, and one for each 100 of their buyers.

        Args:
            raffle_id: leave out what is for other raffles; amounts are in this one's currency, if the file has none.

        Raises StatementUnreadable, StatementTooLarge, RaffleNotFound; Busy.
        """
        from chalicelib.statements.detect import read  # noqa: PLC0415 - parsers for which no other request waits

        if raffle_id is not None:
            raffle = raffles.get(raffle_id)
            options = options._replace(currency=options.currency or raffle.currency)
        statement = read(raw, options)
        if len(statement.payments) > MOST_PAYMENTS:
            raise StatementTooLarge(
                f"The statement has {len(statement.payments):,} payments, at most {MOST_PAYMENTS:,} fit."
            )
        mentioned = mentioned_in(statement.payments)
        known = _known(mentioned)
        awaiting, is_complete = list[Order](), True
        if any(not any(one.code in known for one in codes) for codes in mentioned):
            awaiting, is_complete = _awaiting(raffle_id)
        found = judged(statement.payments, mentioned, known, awaiting, self.clock(), statement.outgoing)
        buyers, all_buyers = _buyers(found, awaiting)
        found = with_suggestions(found, buyers)
        shown = [one for one in found if raffle_id is None or _is_of(one, raffle_id)]
        settled = StatementReview(
            statement=statement,
            found=shown,
            elsewhere=len(found) - len(shown),
            is_complete=is_complete and all_buyers,
        )
        sure = len(settled.sure_ids)
        logger.info("statement read", extra={"payments": len(shown), "sure": sure, "unsure": len(shown) - sure})
        count("StatementsRead")
        return settled


def _known(mentioned: Mentioned) -> dict[str, Order]:
    codes = list(dict.fromkeys(one.code for codes in mentioned for one in codes))
    if len(codes) > MOST_CODES:
        raise StatementTooLarge(f"The texts may hold {len(codes):,} order codes; at most {MOST_CODES:,} are looked up.")
    return orders.get_all(codes)


def _awaiting(raffle_id: str | None) -> tuple[list[Order], bool]:
    """Orders that are to be paid, and whether these are all."""
    found = [orders.in_status(status, limit=MOST_AWAITING, raffle_id=raffle_id) for status in sorted(AWAITING)]
    return [order for part in found for order in part], all(len(part) < MOST_AWAITING for part in found)


def _buyers(found: Iterable[Judged], awaiting: Iterable[Order]) -> tuple[list[Buyer], bool]:
    """Who is to pay just what came in without a code, and whether these are all."""
    amounts = {(one.payment.currency, one.payment.amount) for one in found if one.says(Why.NO_CODE)}
    wanted = [order for order in awaiting if (order.currency, order.amount) in amounts]
    people = contacts.get_all({order.contact_id for order in wanted[:MOST_BUYERS]})
    known = [(order, people[order.contact_id]) for order in wanted if order.contact_id in people]
    buyers = [Buyer(order=order, name=contact.name, phone=contact.phone) for order, contact in known]
    return buyers, len(wanted) <= MOST_BUYERS


def _is_of(one: Judged, raffle_id: str) -> bool:
    return not one.orders or any(order.raffle_id == raffle_id for order in one.orders)
