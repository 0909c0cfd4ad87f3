"""What organisers do with raffles: make, change, open, prepare, look at."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, islice
from random import Random
from secrets import token_urlsafe
from typing import Any, NamedTuple

from chalicelib.domain import board as arithmetic
from chalicelib.domain.board import Layout, LeafKey
from chalicelib.domain.conversation import is_reserved
from chalicelib.domain.orders import CODE_ALPHABET
from chalicelib.domain.raffles import Availability, Raffle, RaffleEvent, RaffleStatus
from chalicelib.domain.refusals import CodeTaken, NumbersInvalid, RaffleHasSales, RaffleOutOfTurn
from chalicelib.logs import logger, pseudonym
from chalicelib.store import board, raffles, tokens
from chalicelib.store.pages import CursorInvalid, Page
from chalicelib.store.transaction import persistently

TICKET_STATUSES = ("AVAILABLE", "RESERVED", "SOLD")
AT_FIRST = 25  # leaves of up to 2,048 numbers; where a page of some status needs more, all the rest are read
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


@dataclass(frozen=True, kw_only=True)
class Organising:
    """The use cases of organisers. `by` is the name of the token that acts."""

    clock: Callable[[], datetime]
    random: Random

    def create(self, values: Mapping[str, Any], *, by: str) -> Raffle:
        """A new raffle in DRAFT, whatever its size at the same cost (N2). `values` are checked. Raises CodeTaken."""
        if values.get("code"):
            return self._create(values, by=by)
        return persistently(lambda: self._create({**values, "code": self._code()}, by=by), again_on=CodeTaken)

    def _create(self, values: Mapping[str, Any], *, by: str) -> Raffle:
        now = self.clock()
        total = values["last_number"] - values["first_number"] + 1
        raffle = Raffle(
            **values,
            id="".join(self.random.choice("23456789abcdefghjkmnpqrstuvwxyz") for _ in range(10)),
            status=RaffleStatus.DRAFT,
            page_size=arithmetic.page_size(total),
            created_at=now,
            updated_at=now,
        )
        raffles.add(raffle)
        logger.info("raffle made", extra={"raffle_id": raffle.id, "by": pseudonym(by)})
        return raffle

    def change(self, raffle_id: str, merge: Callable[[Raffle], Mapping[str, Any]], *, by: str) -> Raffle:
        """Replace what `merge` gives anew, all of it checked.

        Raises RaffleNotFound, RaffleOutOfTurn, RaffleHasSales, NumbersInvalid, CodeTaken, TryAgain.
        """
        found = raffles.board(raffle_id)
        old, taken = found.raffle, sum(found.taken.values())
        if old.status in (RaffleStatus.DRAWN, RaffleStatus.CANCELLED):
            raise RaffleOutOfTurn("changed", old.status)
        fields = dict(merge(old))
        fields["code"] = fields.get("code") or old.code
        new = replace(old, **fields, updated_at=self.clock())
        if (new.first_number, new.last_number) != (old.first_number, old.last_number):
            new = _resized(old, new, taken)
        if taken and new.currency != old.currency:
            raise RaffleHasSales("Changing the currency", taken)
        raffles.replace(old, new)
        logger.info("raffle changed", extra={"raffle_id": raffle_id, "by": pseudonym(by)})
        return new

    def move(self, raffle_id: str, event: RaffleEvent, *, by: str) -> Raffle:
        """Activate, deactivate …: costs the same at any size (N2). Raises RaffleNotFound, RaffleOutOfTurn, TryAgain."""
        old = raffles.get(raffle_id)
        status = old.after(event)
        if status is None or status is old.status:
            return old
        new = replace(old, status=status, updated_at=self.clock())
        raffles.replace(old, new)
        logger.info("raffle moved", extra={"raffle_id": raffle_id, "status": status.value, "by": pseudonym(by)})
        return new

    def delete(self, raffle_id: str, *, by: str) -> None:
        """Remove a draft. Raises RaffleNotFound, RaffleOutOfTurn, TryAgain."""
        old = raffles.get(raffle_id)
        old.after(RaffleEvent.DELETED)
        raffles.delete(old)
        logger.info("raffle deleted", extra={"raffle_id": raffle_id, "by": pseudonym(by)})

    def generate_tickets(self, raffle_id: str, *, by: str, force: bool = False) -> Availability:
        """Prepare an unsold board (N2): without items all numbers are available, so nothing has to be written.

        `force`, known from the system before, asked for a board to be made anew; the board is always exact, so both
        come to the same. Raises RaffleNotFound, and RaffleHasSales while a number is reserved or sold.
        """
        found = raffles.board(raffle_id)
        taken = sum(found.taken.values())
        if taken:
            raise RaffleHasSales("Generating tickets", taken)
        logger.info("tickets generated", extra={"raffle_id": raffle_id, "by": pseudonym(by), "force": force})
        return found.availability

    def tickets(self, raffle_id: str, *, status: str | None, limit: int, cursor: str | None) -> Page[Ticket]:
        """Numbers in order, with their state and owners.

        Two requests for up to 99 numbers; where few have the status, up to two more. Raises RaffleNotFound,
        CursorInvalid.
        """
        start = _read_cursor(cursor)
        most = NEARBY if status is None else AT_FIRST
        leaves = board.written(raffle_id, start.leaf, first=most)
        head = list(islice(leaves, most))
        # The raffle is read with the owners that will probably be shown: the leaves tell who is on which page.
        marked = () if status == "AVAILABLE" else ((leaf.key, n) for leaf in head for n in leaf.having(status))
        likely = list(islice((found for found in marked if found[1] >= (start.number or 0)), limit))
        raffle, owners = board.with_owners(raffle_id, likely)
        layout = raffle.layout
        first = _checked(start, layout)
        wanted = list(islice(board.states(layout, chain(head, leaves), first, status), limit + 1))
        further = ticket_cursor(layout, wanted.pop()[0]) if len(wanted) > limit else None
        known = {number for _, number in likely}
        missed = [n for n, state in wanted if state != "AVAILABLE" and n not in known]
        if missed:
            owners |= board.with_owners(raffle_id, [(layout.leaf_of(number), number) for number in missed])[1]
        return Page([Ticket(number, state, owners.get(number)) for number, state in wanted], further, None)

    def create_token(self, name: str, *, key: str | None = None) -> str | None:
        """A new API token, returned this once; None when the given one exists already."""
        if key is not None:
            return key if tokens.add(key, name=name, now=self.clock()) else None
        key = token_urlsafe(32)
        # One of our own making that is known already was stored by a try of ours whose answer did not come.
        tokens.add(key, name=name, now=self.clock())
        return key

    def _code(self) -> str:
        while is_reserved(code := "R" + "".join(self.random.choice(CODE_ALPHABET) for _ in range(5))):
            pass
        return code


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
