"""What organisers do with raffles: make, change, open, prepare, look at."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, islice
from random import Random
from typing import Any, NamedTuple

from chalicelib.domain import board as arithmetic
from chalicelib.domain.audit import Facts
from chalicelib.domain.board import Layout, LeafKey
from chalicelib.domain.conversation import is_reserved
from chalicelib.domain.orders import CODE_ALPHABET, OrderStatus
from chalicelib.domain.organisers import Actor
from chalicelib.domain.raffles import Availability, Board, Raffle, RaffleEvent, RaffleStatus, TicketStatus
from chalicelib.domain.refusals import (
    CodeTaken,
    DeletedSince,
    NumbersInvalid,
    Outdated,
    RaffleHasLateOrders,
    RaffleHasOrders,
    RaffleHasSales,
    RaffleNotFound,
    RaffleOutOfTurn,
)
from chalicelib.store import audit, board, idempotency, orders, raffles
from chalicelib.store.idempotency import IdempotencyKey
from chalicelib.store.pages import CursorInvalid, Page
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry
from chalicelib.telemetry import logger, pseudonym

AT_FIRST = 25  # leaves of up to 2,048 numbers; where a page of some status needs more, all the rest are read
UNTOLD = ("id", "page_size", "created_at", "updated_at")  # to the audit log
LATE_NAMED = 5  # orders that stand in the way of calling a raffle off
NEARBY = 5  # leaves: even the smallest, of 64 numbers, hold a whole page of 200 then


class Ticket(NamedTuple):
    """A number and who has it; nobody has one that is available."""

    number: int
    status: str
    owner: board.Owner | None


class TicketCursor(NamedTuple):
    """Where a page of tickets begins: a leaf, and a number in it; None for the first of all."""

    leaf: LeafKey = LeafKey(0, 0)
    number: int | None = None


Versions = frozenset[str] | None


@dataclass(frozen=True, kw_only=True)
class Raffles:
    """The use cases of organisers. `by` is who acts."""

    clock: Callable[[], datetime]
    random: Random

    def create(self, values: Mapping[str, Any], *, by: Actor, idempotency_key: IdempotencyKey | None = None) -> Raffle:
        """A new raffle in DRAFT, whatever its size at the same cost (N2). `values` are checked.

        Raises CodeTaken, KeyUsedOtherwise, DeletedSince, TryAgain.
        """
        if values.get("code"):
            return self._create(values, by, idempotency_key)
        return retry(
            lambda: self._create({**values, "code": self._random_code()}, by, idempotency_key),
            again_on=(Busy, ConditionsFailed, CodeTaken),
        )

    def _create(self, values: Mapping[str, Any], by: Actor, idempotency_key: IdempotencyKey | None) -> Raffle:
        raffle_id = "".join(self.random.choice("23456789abcdefghjkmnpqrstuvwxyz") for _ in range(10))
        page_size = arithmetic.page_size(values["last_number"] - values["first_number"] + 1)

        def attempt() -> Raffle:
            if earlier_id := idempotency.find_result(idempotency_key, by):
                return _created_before(earlier_id)
            now = self.clock()
            raffle = Raffle(
                **values, id=raffle_id, status=RaffleStatus.DRAFT, page_size=page_size, created_at=now, updated_at=now
            )
            transaction = Transaction()
            raffles.add(transaction, raffle)
            idempotency.record_result(transaction, idempotency_key, by, raffle.id, now)
            self._record_audit(transaction, "raffle.created", None, raffle, by)
            raffles.commit(transaction, raffle)
            return raffle

        raffle = retry(attempt, again_on=(Busy, ConditionsFailed))
        logger.info("raffle made", extra={"raffle_id": raffle.id, "by": pseudonym(by.name)})
        return raffle

    def change(
        self,
        raffle_id: str,
        merge: Callable[[Raffle], Mapping[str, Any]],
        *,
        by: Actor,
        expected: Versions = None,
    ) -> Raffle:
        """Replace what `merge` gives anew, all of it checked.

        Args:
            expected: the versions of the raffle that may be replaced; None: any.

        Raises RaffleNotFound, RaffleOutOfTurn, RaffleHasSales, RaffleHasOrders, NumbersInvalid, CodeTaken, Outdated,
        TryAgain.
        """

        def changed(found: Board) -> Raffle:
            old, taken = found.raffle, sum(found.taken.values())
            if old.status in (RaffleStatus.DRAWN, RaffleStatus.CANCELLED):
                raise RaffleOutOfTurn("changed", old.status)
            fields = dict(merge(old))
            fields["code"] = fields.get("code") or old.code
            new = replace(old, **fields)
            if (new.first_number, new.last_number) != (old.first_number, old.last_number):
                new = _resized(old, new, taken)
            if new.currency != old.currency:
                _check_never_ordered(old, taken)
            return new

        return self._replace(raffle_id, changed, "raffle.changed", by, expected)

    def move(self, raffle_id: str, event: RaffleEvent, *, by: Actor, expected: Versions = None) -> Raffle:
        """Activate, deactivate …: costs the same at any size (N2). Idempotent.

        Raises RaffleNotFound, RaffleOutOfTurn, Outdated, TryAgain.
        """

        def moved(found: Board) -> Raffle:
            return replace(found.raffle, status=found.raffle.after(event) or found.raffle.status)

        return self._replace(raffle_id, moved, f"raffle.{event.value}", by, expected)

    def cancel(self, raffle_id: str, *, by: Actor, expected: Versions = None) -> Raffle:
        """Call it off, when nobody has a number of it any more, and no payment for it is left to settle.

        Raises RaffleNotFound, RaffleOutOfTurn, RaffleHasSales, RaffleHasLateOrders, Outdated, TryAgain.
        """

        def cancelled(found: Board) -> Raffle:
            status = found.raffle.after(RaffleEvent.CANCELLED) or found.raffle.status
            if taken := sum(found.taken.values()):
                raise RaffleHasSales("Cancelling a raffle", taken)
            if status is not found.raffle.status:
                _check_none_late(found.raffle)
            return replace(found.raffle, status=status)

        return self._replace(raffle_id, cancelled, "raffle.cancelled", by, expected)

    def _replace(
        self, raffle_id: str, change: Callable[[Board], Raffle], action: str, by: Actor, expected: Versions
    ) -> Raffle:
        tried: Raffle | None = None

        def attempt() -> Raffle:
            nonlocal tried
            found = raffles.board(raffle_id)
            if found.raffle == tried:  # by a try of ours whose answer did not come
                return tried
            _check_version(found.raffle, expected)
            new = change(found)
            if new == found.raffle:
                return new
            # Later than before, also where two changes fall on one moment: each has a version of its own.
            now = max(self.clock(), found.raffle.updated_at + timedelta(microseconds=1))
            tried = replace(new, updated_at=now)
            transaction = Transaction()
            raffles.replace(transaction, found.raffle, tried)
            self._record_audit(transaction, action, found.raffle, tried, by)
            raffles.commit(transaction, tried)
            return tried

        raffle = retry(attempt, again_on=(Busy, ConditionsFailed))
        logger.info(action, extra={"raffle_id": raffle_id, "status": raffle.status.value, "by": pseudonym(by.name)})
        return raffle

    def delete(self, raffle_id: str, *, by: Actor, expected: Versions = None) -> None:
        """Remove a draft. Raises RaffleNotFound, RaffleOutOfTurn, Outdated, TryAgain."""
        tried = False

        def attempt() -> None:
            nonlocal tried
            try:
                old = raffles.get(raffle_id)
            except RaffleNotFound:
                if tried:  # it is gone, by whichever try
                    return
                raise
            _check_version(old, expected)
            old.after(RaffleEvent.DELETED)
            tried, transaction = True, Transaction()
            raffles.delete(transaction, old)
            self._record_audit(transaction, "raffle.deleted", old, None, by)
            transaction.commit()

        retry(attempt, again_on=(Busy, ConditionsFailed))
        logger.info("raffle deleted", extra={"raffle_id": raffle_id, "by": pseudonym(by.name)})

    def _record_audit(
        self, transaction: Transaction, action: str, old: Raffle | None, new: Raffle | None, by: Actor
    ) -> None:
        raffle = new or old
        assert raffle is not None
        before, after = _differences(old, new)
        target = f"raffle:{raffle.id}"
        audit.record(transaction, action=action, target=target, by=by, at=self.clock(), before=before, after=after)

    def generate_tickets(self, raffle_id: str, *, by: Actor, force: bool = False) -> Availability:
        """Prepare an unsold board (N2): without items all numbers are available, so nothing has to be written.

        `force`, known from the system before, asked for a board to be made anew; the board is always exact, so both
        come to the same. Raises RaffleNotFound, and RaffleHasSales while a number is reserved or sold.
        """
        found = self.unsold_board(raffle_id)
        logger.info("tickets generated", extra={"raffle_id": raffle_id, "by": pseudonym(by.name), "force": force})
        return found.availability

    def unsold_board(self, raffle_id: str) -> Board:
        """Raises RaffleNotFound, and RaffleHasSales while a number is reserved or sold."""
        found = raffles.board(raffle_id)
        taken = sum(found.taken.values())
        if taken:
            raise RaffleHasSales("Generating tickets", taken)
        return found

    def tickets(self, raffle_id: str, *, status: TicketStatus | None, limit: int, cursor: str | None) -> Page[Ticket]:
        """Numbers in order, with their state and owners.

        Two requests for up to 99 numbers; where few have the status, up to two more. Raises RaffleNotFound,
        CursorInvalid.
        """
        start = _read_cursor(cursor)
        most = NEARBY if status is None else AT_FIRST
        leaves = board.stored_leaves(raffle_id, start.leaf, first=most)
        head = list(islice(leaves, most))
        # The raffle is read with the owners that will probably be shown: the leaves tell who is on which page.
        marked = () if status == "AVAILABLE" else ((leaf.key, n) for leaf in head for n in leaf.numbers_with(status))
        likely = list(islice((found for found in marked if found[1] >= (start.number or 0)), limit))
        raffle, owners = board.with_owners(raffle_id, likely)
        layout = raffle.layout
        first = _checked(start, layout)
        wanted = list(islice(board.ticket_states(layout, chain(head, leaves), first, status), limit + 1))
        further = ticket_cursor(layout, wanted.pop()[0]) if len(wanted) > limit else None
        known = {number for _, number in likely}
        missed = [n for n, state in wanted if state != "AVAILABLE" and n not in known]
        if missed:
            owners |= board.with_owners(raffle_id, [(layout.leaf_of(number), number) for number in missed])[1]
        return Page([Ticket(number, state, owners.get(number)) for number, state in wanted], further, None)

    def _random_code(self) -> str:
        while is_reserved(code := "R" + "".join(self.random.choice(CODE_ALPHABET) for _ in range(5))):
            pass
        return code


def _check_version(raffle: Raffle, expected: Versions) -> None:
    if expected is not None and raffle.version not in expected:
        raise Outdated


def _created_before(raffle_id: str) -> Raffle:
    """What the same request made before. Raises DeletedSince."""
    try:
        return raffles.get(raffle_id)
    except RaffleNotFound:
        raise DeletedSince(raffle_id) from None


def _check_never_ordered(raffle: Raffle, taken: int) -> None:
    """Whatever has ended may come back at its own price: by a late proof, or reassigned. One query of an index.

    Raises RaffleHasSales, RaffleHasOrders.
    """
    if taken:
        raise RaffleHasSales("Changing the currency", taken)
    if orders.listed(raffle_id=raffle.id, limit=1).items:
        raise RaffleHasOrders("Changing the currency")


def _check_none_late(raffle: Raffle) -> None:
    """One query of an index. Raises RaffleHasLateOrders."""
    if late := orders.listed(raffle_id=raffle.id, status=OrderStatus.LATE, limit=LATE_NAMED).items:
        raise RaffleHasLateOrders([order.id for order in late])


def _differences(old: Raffle | None, new: Raffle | None) -> tuple[Facts, Facts]:
    """What the audit log keeps of a change: the fields that differ, before and after it."""
    before, after = (_facts(one) if one else {} for one in (old, new))
    names = [name for name in before | after if before.get(name) != after.get(name)]
    return ({n: before[n] for n in names if n in before}, {n: after[n] for n in names if n in after})


def _facts(raffle: Raffle) -> Facts:
    found = {name: value for name, value in vars(raffle).items() if name not in UNTOLD}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in found.items()}


def _resized(old: Raffle, new: Raffle, taken: int) -> Raffle:
    """The raffle with another range (N3). While nothing is taken anything goes; afterwards it may only grow."""
    if not taken and old.status is RaffleStatus.DRAFT:
        return replace(new, page_size=arithmetic.page_size(new.total))
    if new.first_number != old.first_number:
        raise NumbersInvalid(
            "first_number can only change while the raffle is a DRAFT without reserved or sold numbers."
        )
    if new.last_number < old.last_number:
        raise NumbersInvalid("last_number can only become smaller while the raffle is a DRAFT.")
    largest = old.first_number + arithmetic.MOST_PAGES * old.page_size - 1
    if new.last_number > largest:
        raise NumbersInvalid(
            f"last_number can grow to {largest} at most in a raffle that began with {old.total} numbers."
        )
    return new


def _read_cursor(cursor: str | None) -> TicketCursor:
    if cursor is None:
        return TicketCursor()
    parts = re.fullmatch(r"([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,9})", cursor)
    if parts is None:
        raise CursorInvalid
    page, leaf, number = map(int, parts.groups())
    return TicketCursor(LeafKey(page, leaf), number)


def _checked(start: TicketCursor, layout: Layout) -> int:
    """The first number, if it is where the cursor says."""
    if start.number is None:
        return layout.first
    if not layout.first <= start.number <= layout.last or layout.leaf_of(start.number) != start.leaf:
        raise CursorInvalid
    return start.number


def ticket_cursor(layout: Layout, number: int) -> str:
    """The cursor of the page of tickets that begins with the number."""
    leaf = layout.leaf_of(number)
    return f"{leaf.page}.{leaf.leaf}.{number}"
