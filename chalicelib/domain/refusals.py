"""Refusals: a rule saying no. Each is a normal answer with a stable code, not a crash."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar


class Refusal(Exception):
    """Base of all refusals. `code` is stable and part of the outside contract; `str()` is for people."""

    code: ClassVar[str] = "refused"


class RaffleNotFound(Refusal):
    code = "raffle_not_found"

    def __init__(self, raffle_id: str) -> None:
        super().__init__(f"There is no raffle {raffle_id}.")


class OrderNotFound(Refusal):
    code = "order_not_found"

    def __init__(self, order_id: str) -> None:
        super().__init__(f"There is no order {order_id}.")


class LetterNotFound(Refusal):
    code = "letter_not_found"

    def __init__(self, letter_id: str) -> None:
        super().__init__(f"There is no dead letter {letter_id}.")


class RaffleOutOfTurn(Refusal):
    """The raffle's status does not allow this."""

    code = "raffle_out_of_turn"

    def __init__(self, wish: str, status: str) -> None:
        self.status = status
        super().__init__(f"A raffle that is {status} can't be {wish}.")


class OrderOutOfTurn(Refusal):
    """The order's status does not allow this."""

    code = "order_out_of_turn"

    def __init__(self, order_id: str, wish: str, status: str) -> None:
        self.status = status
        super().__init__(f"Order {order_id} is {status}, so it can't be {wish}.")


class CodeTaken(Refusal):
    code = "code_taken"

    def __init__(self, code: str) -> None:
        super().__init__(f"Another raffle already uses the code {code}.")


class RaffleHasSales(Refusal):
    """What was asked for is only possible while no number is reserved or sold."""

    code = "raffle_has_sales"

    def __init__(self, wish: str, taken: int) -> None:
        self.taken = taken
        super().__init__(
            f"{wish} is only possible while no number is reserved or sold; {taken} are. Cancel them first."
        )


class NumbersTaken(Refusal):
    """H1, H2: at least one of the numbers has an owner. `until`: when each held one comes free, None = not known;
    `own`: those that are the asking contact's already."""

    code = "numbers_taken"

    def __init__(self, until: Mapping[int, datetime | None], own: Iterable[int] = ()) -> None:
        self.until, self.own = dict(until), frozenset(own)
        super().__init__("Already taken: " + ", ".join(str(n) for n in sorted(self.until)) + ".")


class TooFewFree(Refusal):
    """H5: fewer numbers are free than were asked for."""

    code = "too_few_free"

    def __init__(self, wanted: int, free: int) -> None:
        self.wanted, self.free = wanted, free
        super().__init__(f"{wanted} numbers were asked for, {free} are free.")


class TooManyForContact(Refusal):
    """H6: the raffle's limit for one contact."""

    code = "too_many_for_contact"

    def __init__(self, most: int, has: int) -> None:
        self.most, self.has = most, has
        super().__init__(f"A contact may have at most {most} numbers of this raffle, and has {has}.")


class NumbersInvalid(Refusal):
    """N1, H6: numbers outside the raffle's range, or too many of them in one order."""

    code = "numbers_invalid"

    def __init__(self, reason: str, numbers: Sequence[int] = ()) -> None:
        self.numbers = tuple(numbers)
        super().__init__(reason)


class TryAgain(Refusal):
    """The store was too busy, or changed under us, more often than we try. `unsure`: it may have made the change."""

    code = "try_again"

    def __init__(self, *, unsure: bool = False) -> None:
        outcome = "It is not known whether the change was made: please look before trying again."
        super().__init__(
            "Too many others are at it just now, or the database does not answer. "
            + (outcome if unsure else "Nothing was changed; please try again.")
        )
