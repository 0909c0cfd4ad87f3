"""What organisers do with raffles: make, change, open, prepare, look at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from secrets import token_urlsafe
from typing import Any, NamedTuple

from chalicelib.domain import board as arithmetic
from chalicelib.domain.conversation import is_reserved
from chalicelib.domain.orders import CODE_ALPHABET
from chalicelib.domain.raffles import Availability, Raffle, RaffleEvent, RaffleStatus
from chalicelib.domain.refusals import CodeTaken, NumbersInvalid, RaffleHasSales, RaffleOutOfTurn
from chalicelib.logs import logger
from chalicelib.store import board, raffles, tokens
from chalicelib.store.pages import CursorInvalid, Page
from chalicelib.store.transaction import persistently

TICKET_STATUSES = ("AVAILABLE", "RESERVED", "SOLD")


class Ticket(NamedTuple):
    """A number and who has it; the order is None for one that is available."""

    number: int
    status: str
    order_id: str | None
    contact_id: str | None


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
        logger.info("raffle made", extra={"raffle_id": raffle.id, "by": by})
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
        logger.info("raffle changed", extra={"raffle_id": raffle_id, "by": by})
        return new

    def move(self, raffle_id: str, event: RaffleEvent, *, by: str) -> Raffle:
        """Activate, deactivate …: costs the same at any size (N2). Raises RaffleNotFound, RaffleOutOfTurn, TryAgain."""
        old = raffles.get(raffle_id)
        status = old.after(event)
        if status is None or status is old.status:
            return old
        new = replace(old, status=status, updated_at=self.clock())
        raffles.replace(old, new)
        logger.info("raffle moved", extra={"raffle_id": raffle_id, "status": status.value, "by": by})
        return new

    def delete(self, raffle_id: str, *, by: str) -> None:
        """Remove a draft. Raises RaffleNotFound, RaffleOutOfTurn, TryAgain."""
        old = raffles.get(raffle_id)
        old.after(RaffleEvent.DELETED)
        raffles.delete(old)
        logger.info("raffle deleted", extra={"raffle_id": raffle_id, "by": by})

    def generate_tickets(self, raffle_id: str, *, by: str, force: bool = False) -> Availability:
        """Prepare an unsold board (N2): without items all numbers are available, so nothing has to be written.

        `force`, known from the system before, asked for a board to be made anew; the board is always exact, so both
        come to the same. Raises RaffleNotFound, and RaffleHasSales while a number is reserved or sold.
        """
        found = raffles.board(raffle_id)
        taken = sum(found.taken.values())
        if taken:
            raise RaffleHasSales("Generating tickets", taken)
        logger.info("tickets generated", extra={"raffle_id": raffle_id, "by": by, "force": force})
        return found.availability

    def tickets(self, raffle_id: str, *, status: str | None, limit: int, cursor: str | None) -> Page[Ticket]:
        """Numbers in order, with their state and owners. Raises RaffleNotFound, CursorInvalid."""
        raffle = raffles.get(raffle_id)
        start = _ticket_cursor(cursor, raffle)
        wanted: list[tuple[int, str]] = []
        for number, state in board.states(raffle, start):
            if status in (None, state):
                wanted.append((number, state))
                if len(wanted) > limit:
                    break
        further = str(wanted.pop()[0]) if len(wanted) > limit else None
        owned = board.owners(raffle, [number for number, state in wanted if state != "AVAILABLE"])
        tickets = [Ticket(number, state, *owned.get(number, (None, None))) for number, state in wanted]
        return Page(tickets, further, None)

    def create_token(self, name: str, *, key: str | None = None) -> str | None:
        """A new API token, returned this once; None when the given one exists already."""
        key = key or token_urlsafe(32)
        return key if tokens.add(key, name=name, now=self.clock()) else None

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


def _ticket_cursor(cursor: str | None, raffle: Raffle) -> int:
    if cursor is None:
        return raffle.first_number
    if not (
        cursor.isascii()
        and cursor.isdigit()
        and len(cursor) <= 9
        and raffle.first_number <= int(cursor) <= raffle.last_number
    ):
        raise CursorInvalid
    return int(cursor)
