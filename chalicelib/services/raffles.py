"""What organisers do with raffles: create, change, activate, cancel and delete them, and list their tickets."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from itertools import chain, islice
from random import Random
from typing import Any, NamedTuple

from chalicelib.domain import board as layouts
from chalicelib.domain.audit import Facts
from chalicelib.domain.board import Layout, LeafKey, TicketOwner
from chalicelib.domain.conversation import is_reserved
from chalicelib.domain.delivery import Outbound
from chalicelib.domain.filters import OrderFilter
from chalicelib.domain.messages import Identity, Reply
from chalicelib.domain.orders import CODE_ALPHABET, OrderStatus
from chalicelib.domain.organisers import Actor
from chalicelib.domain.raffles import (
    Availability,
    Board,
    PaymentChange,
    Raffle,
    RaffleEvent,
    RaffleStatus,
    TicketStatus,
)
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
    SecondManagerNeeded,
    Versions,
)
from chalicelib.services.messaging.outbox import Outbox
from chalicelib.services.messaging.texts import Texts
from chalicelib.store import audit, board, idempotency, orders, payment_changes, raffles
from chalicelib.store import channel as channels
from chalicelib.store.board import Leaf
from chalicelib.store.idempotency import IdempotencyKey
from chalicelib.store.pages import CursorInvalid, Page
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry
from chalicelib.telemetry import logger, pseudonym

# Leaves that are read at first for tickets with a status. If a page needs more, all the rest are read.
FIRST_LEAVES_BY_STATUS = 25
# Leaves that are read at first for all tickets: even the smallest, of 64 numbers, fill a page of 200 then.
FIRST_LEAVES = 5
NOT_AUDITED = ("id", "page_size", "created_at", "updated_at")
NOT_COPIED = (*NOT_AUDITED, "status")
TIMES = ("opens_at", "closes_at", "draws_at")
MAX_LATE_NAMED = 5  # late orders that a refusal to cancel names


class Ticket(NamedTuple):
    """A number, its state, and who has it. An available number has no owner."""

    number: int
    status: str
    owner: TicketOwner | None


class BoardSection(NamedTuple):
    """A part of a board: its numbers, and the stored leaves that have any of them."""

    raffle: Raffle
    numbers: range
    leaves: list[Leaf]


class TicketCursor(NamedTuple):
    """Where a page of tickets begins: a leaf and a number in it, or None for the first number."""

    leaf: LeafKey = LeafKey(0, 0)
    number: int | None = None


@dataclass(frozen=True, kw_only=True)
class Raffles:
    """The use cases of raffles. `by` is the organiser who acts.

    `expected` are the versions of the raffle that may be changed. None allows any.
    """

    clock: Callable[[], datetime]
    random: Random
    outbox: Outbox
    organisers: Sequence[Identity]

    def create(self, values: Mapping[str, Any], *, by: Actor, idempotency_key: IdempotencyKey | None = None) -> Raffle:
        """Create a raffle in DRAFT from validated `values`. It costs the same at any size (N2).

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
        page_size = layouts.page_size(values["last_number"] - values["first_number"] + 1)

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

    def duplicate(
        self,
        raffle_id: str,
        *,
        title: str | None,
        code: str | None,
        by: Actor,
        idempotency_key: IdempotencyKey | None = None,
    ) -> Raffle:
        """Create a DRAFT like another raffle, without its permit and its times.

        Raises RaffleNotFound, and as `create`.

        Args:
            title: another one; None: the same.
            code: None: a random one.
        """
        source = raffles.get(raffle_id)
        values = {field.name: getattr(source, field.name) for field in fields(source) if field.name not in NOT_COPIED}
        return self.create(
            {
                **values,
                **dict.fromkeys(TIMES),
                "permit": None,
                "title": title or source.title,
                "code": code,
            },
            by=by,
            idempotency_key=idempotency_key,
        )

    def change(
        self,
        raffle_id: str,
        merge: Callable[[Raffle], Mapping[str, Any]],
        *,
        by: Actor,
        expected: Versions = None,
        confirms: PaymentChange | None = None,
    ) -> Raffle:
        """Change a raffle. All organisers are told how buyers pay from now on, if that changes (O10).

        Raises RaffleNotFound, RaffleOutOfTurn, RaffleHasSales, RaffleHasOrders, NumbersInvalid, CodeTaken, Outdated,
        SecondManagerNeeded, TryAgain.

        Args:
            merge: returns the fields to change and their validated values, given the raffle as it is.
            confirms: what another manager has proposed. It is carried out and gone with the change.
        """

        def apply(current: Board) -> Raffle:
            old = current.raffle
            taken = sum(current.taken.values())
            if old.status in (RaffleStatus.DRAWN, RaffleStatus.CANCELLED):
                raise RaffleOutOfTurn("changed", old.status, changed=old.last_change)
            changes = dict(merge(old))
            changes["code"] = changes.get("code") or old.code
            new = replace(old, **changes)
            if (new.first_number, new.last_number) != (old.first_number, old.last_number):
                new = _resize(old, new, taken)
            if new.currency != old.currency:
                _check_never_ordered(old, taken)
            if new.payment_instructions != old.payment_instructions:
                _check_agreed(current, confirms)
            return new

        return self._replace(raffle_id, apply, "raffle.changed", by, expected, confirms)

    def move(self, raffle_id: str, event: RaffleEvent, *, by: Actor, expected: Versions = None) -> Raffle:
        """Activate, deactivate or close a raffle. It costs the same at any size (N2).

        Repeating the request has no further effect. Raises RaffleNotFound, RaffleOutOfTurn, Outdated, TryAgain.
        """

        def apply(current: Board) -> Raffle:
            return replace(current.raffle, status=current.raffle.after(event) or current.raffle.status)

        return self._replace(raffle_id, apply, f"raffle.{event.value}", by, expected)

    def cancel(self, raffle_id: str, *, by: Actor, expected: Versions = None) -> Raffle:
        """Cancel a raffle. It must have no reserved or sold numbers, and no late payment that is not settled.

        Raises RaffleNotFound, RaffleOutOfTurn, RaffleHasSales, RaffleHasLateOrders, Outdated, TryAgain.
        """

        def apply(current: Board) -> Raffle:
            status = current.raffle.after(RaffleEvent.CANCELLED) or current.raffle.status
            if taken := sum(current.taken.values()):
                raise RaffleHasSales("Cancelling a raffle", taken)
            if status is not current.raffle.status:
                _check_none_late(current.raffle)
            return replace(current.raffle, status=status)

        return self._replace(raffle_id, apply, "raffle.cancelled", by, expected)

    def _replace(
        self,
        raffle_id: str,
        apply: Callable[[Board], Raffle],
        action: str,
        by: Actor,
        expected: Versions,
        confirms: PaymentChange | None = None,
    ) -> Raffle:
        """Replace a raffle by what `apply` returns for its current state."""
        tried: Raffle | None = None
        messages = list[Outbound]()

        def attempt() -> Raffle:
            nonlocal tried, messages
            messages = []
            current = raffles.board(raffle_id)
            old = current.raffle
            if old == tried:  # stored by an earlier attempt that got no answer
                return tried
            _check_version(old, expected)
            new = apply(current)
            if new == old:
                return new
            # Always later than before, even if two changes happen at the same moment: each needs its own version.
            now = max(self.clock(), old.updated_at + timedelta(microseconds=1))
            tried = replace(new, updated_at=now)
            transaction = Transaction()
            raffles.replace(transaction, old, tried)
            self._record_audit(transaction, action, old, tried, by)
            if tried.payment_instructions != old.payment_instructions:
                change = _payment_change(old, tried, confirms, by)
                messages = self.tell_organisers(transaction, old, change)
            if confirms is not None:
                payment_changes.delete(transaction, confirms)
            try:
                raffles.commit(transaction, tried)
            except ConditionsFailed as failure:
                if failure.named(payment_changes.PROPOSAL):  # it was replaced or confirmed in the meantime
                    raise SecondManagerNeeded(raffle_id) from None
                raise
            return tried

        raffle = retry(attempt, again_on=(Busy, ConditionsFailed))
        self.outbox.send(messages)
        logger.info(action, extra={"raffle_id": raffle_id, "status": raffle.status.value, "by": pseudonym(by.name)})
        return raffle

    def tell_organisers(self, transaction: Transaction, raffle: Raffle, change: PaymentChange) -> list[Outbound]:
        """Store what all organisers are told of a change of how buyers pay. Send it after the commit. One request."""

        def notice(texts: Texts) -> Reply:
            return texts.payment_change(raffle, change)

        return self.outbox.enqueue_notices(
            transaction, self.organisers, [notice], channel=channels.read(), now=self.clock()
        )

    def delete(self, raffle_id: str, *, by: Actor, expected: Versions = None) -> None:
        """Delete a draft. Raises RaffleNotFound, RaffleOutOfTurn, Outdated, TryAgain."""
        tried = False

        def attempt() -> None:
            nonlocal tried
            try:
                old = raffles.get(raffle_id)
            except RaffleNotFound:
                if tried:  # it is gone, whichever attempt deleted it
                    return
                raise
            _check_version(old, expected)
            old.after(RaffleEvent.DELETED)
            tried = True
            transaction = Transaction()
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
        """Report that an unsold board is ready (N2). Nothing is written: without items, all numbers are available.

        Raises RaffleNotFound. Raises RaffleHasSales while a number is reserved or sold.

        Args:
            force: has no effect beyond the log. The command had this option when boards were generated.
        """
        unsold = self.unsold_board(raffle_id)
        logger.info("tickets generated", extra={"raffle_id": raffle_id, "by": pseudonym(by.name), "force": force})
        return unsold.availability

    def unsold_board(self, raffle_id: str) -> Board:
        """Return the board. Raises RaffleNotFound. Raises RaffleHasSales while a number is reserved or sold."""
        current = raffles.board(raffle_id)
        taken = sum(current.taken.values())
        if taken:
            raise RaffleHasSales("Generating tickets", taken)
        return current

    def tickets(self, raffle_id: str, *, status: TicketStatus | None, limit: int, cursor: str | None) -> Page[Ticket]:
        """Return one page of numbers in order, with their states and owners.

        Two requests for up to 99 numbers, and up to two more if few numbers have the status. Raises RaffleNotFound,
        CursorInvalid.
        """
        start = _read_cursor(cursor)
        first_leaves = FIRST_LEAVES if status is None else FIRST_LEAVES_BY_STATUS
        leaves = board.stored_leaves(raffle_id, start.leaf, first=first_leaves)
        head = list(islice(leaves, first_leaves))
        # The raffle is read together with the owners that will probably be shown: without it, the layout is not known
        # yet, but the leaves tell which numbers are taken.
        taken = () if status == "AVAILABLE" else ((leaf.key, n) for leaf in head for n in leaf.numbers_with(status))
        likely = list(islice(((key, number) for key, number in taken if number >= (start.number or 0)), limit))
        raffle, owners = board.with_owners(raffle_id, likely)
        layout = raffle.layout
        first = _first_number(start, layout)
        states = list(islice(board.ticket_states(layout, chain(head, leaves), first, status), limit + 1))
        next_cursor = ticket_cursor(layout, states.pop()[0]) if len(states) > limit else None
        looked_up = {number for _, number in likely}
        missing = [number for number, state in states if state != "AVAILABLE" and number not in looked_up]
        if missing:
            owners |= board.with_owners(raffle_id, [(layout.leaf_of(number), number) for number in missing])[1]
        return Page([Ticket(number, state, owners.get(number)) for number, state in states], next_cursor, None)

    def ticket(self, raffle_id: str, number: int) -> Ticket | None:
        """Return one number with its state and owner; None if the raffle does not have it.

        At most four requests. Raises RaffleNotFound.
        """
        raffle = raffles.get(raffle_id)
        if not raffle.first_number <= number <= raffle.last_number:
            return None
        return self.tickets(raffle_id, status=None, limit=1, cursor=ticket_cursor(raffle.layout, number)).items[0]

    def section(self, raffle_id: str, first: int | None, last: int | None) -> BoardSection:
        """Return the part of the board from `first` to `last`; None: from its begin, to its end. Two requests.

        Raises RaffleNotFound, NumbersInvalid.
        """
        raffle = raffles.get(raffle_id)
        begin = raffle.first_number if first is None else first
        end = raffle.last_number if last is None else last
        if not raffle.first_number <= begin <= end <= raffle.last_number:
            raise NumbersInvalid(f"The raffle has the numbers {raffle.first_number} to {raffle.last_number}.")
        return BoardSection(raffle, range(begin, end + 1), board.leaves_between(raffle, begin, end))

    def _random_code(self) -> str:
        while is_reserved(code := "R" + "".join(self.random.choice(CODE_ALPHABET) for _ in range(5))):
            pass
        return code


def _payment_change(old: Raffle, new: Raffle, confirms: PaymentChange | None, by: Actor) -> PaymentChange:
    """Return what the organisers are told of a change."""
    if confirms is not None:
        return replace(confirms, confirmed_by=by.name)
    return PaymentChange(
        raffle_id=old.id,
        payment_instructions=new.payment_instructions,
        replaces=old.payment_instructions,
        proposed_by=by.name,
        token_id=by.token_id or "",
        proposed_at=new.updated_at,
        confirmed_by=by.name,
    )


def _check_version(raffle: Raffle, expected: Versions) -> None:
    if expected is not None and raffle.version not in expected:
        raise Outdated(raffle.last_change)


def _created_before(raffle_id: str) -> Raffle:
    """Return the raffle that an earlier request created. Raises DeletedSince."""
    try:
        return raffles.get(raffle_id)
    except RaffleNotFound:
        raise DeletedSince(raffle_id) from None


def _check_never_ordered(raffle: Raffle, taken: int) -> None:
    """Check that the raffle never had an order. One query of an index. Raises RaffleHasSales, RaffleHasOrders.

    Even an order that has ended may come back at its own price, through a late proof or by being reassigned.
    """
    if taken:
        raise RaffleHasSales("Changing the currency", taken)
    if orders.listed(OrderFilter(raffle_id=raffle.id), limit=1).items:
        raise RaffleHasOrders("Changing the currency")


def _check_agreed(current: Board, confirms: PaymentChange | None) -> None:
    """Check that how buyers pay may change. Raises SecondManagerNeeded.

    Reserved numbers are those of orders that wait for their payment, or for somebody to look at it. What is confirmed
    must have been proposed in place of the instructions as they are now.
    """
    raffle = current.raffle
    if confirms is None:
        is_agreed = not current.availability.reserved
    else:
        is_agreed = confirms.replaces == raffle.payment_instructions
    if not is_agreed:
        raise SecondManagerNeeded(raffle.id)


def _check_none_late(raffle: Raffle) -> None:
    """Check that the raffle has no late orders. One query of an index. Raises RaffleHasLateOrders."""
    if late := orders.listed(
        OrderFilter(raffle_id=raffle.id, statuses=(OrderStatus.LATE,)), limit=MAX_LATE_NAMED
    ).items:
        raise RaffleHasLateOrders([order.id for order in late])


def _differences(old: Raffle | None, new: Raffle | None) -> tuple[Facts, Facts]:
    """Return what the audit log says about a change: the fields that differ, before and after it."""
    before = _facts(old) if old else {}
    after = _facts(new) if new else {}
    changed = [name for name in before | after if before.get(name) != after.get(name)]
    return (
        {name: before[name] for name in changed if name in before},
        {name: after[name] for name in changed if name in after},
    )


def _facts(raffle: Raffle) -> Facts:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(raffle).items()
        if name not in NOT_AUDITED
    }


def _resize(old: Raffle, new: Raffle, taken: int) -> Raffle:
    """Return `new`, if its range is allowed (N3), with the right page size.

    The range of a draft without taken numbers may change in any way. After that, it may only grow.
    """
    if not taken and old.status is RaffleStatus.DRAFT:
        return replace(new, page_size=layouts.page_size(new.total))
    if new.first_number != old.first_number:
        raise NumbersInvalid(
            "first_number can only change while the raffle is a DRAFT without reserved or sold numbers."
        )
    if new.last_number < old.last_number:
        raise NumbersInvalid("last_number can only become smaller while the raffle is a DRAFT.")
    largest = old.first_number + layouts.MAX_PAGES * old.page_size - 1
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


def _first_number(start: TicketCursor, layout: Layout) -> int:
    """Return the number to start from. Raises CursorInvalid if it is not in the leaf that the cursor names."""
    if start.number is None:
        return layout.first
    if not layout.first <= start.number <= layout.last or layout.leaf_of(start.number) != start.leaf:
        raise CursorInvalid
    return start.number


def ticket_cursor(layout: Layout, number: int) -> str:
    """Return the cursor of the page of tickets that begins with this number."""
    leaf = layout.leaf_of(number)
    return f"{leaf.page}.{leaf.leaf}.{number}"
