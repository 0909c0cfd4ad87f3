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


class ContactNotFound(Refusal):
    code = "contact_not_found"

    def __init__(self, contact_id: str) -> None:
        super().__init__(f"There is no contact {contact_id}.")


class ContactErased(Refusal):
    """Who the contact is was erased: there is nobody to write to, and nothing to change."""

    code = "contact_erased"

    def __init__(self, contact_id: str) -> None:
        super().__init__(f"Contact {contact_id} has been erased.")


class ContactHasOrders(Refusal):
    """Erasing someone with whom something is still to be settled."""

    code = "contact_has_orders"

    def __init__(self, order_ids: Sequence[str]) -> None:
        self.order_ids = tuple(order_ids)
        named = ", ".join(self.order_ids)
        super().__init__(f"These orders of theirs are not settled: {named}. Confirm, cancel or refund them first.")


class WindowClosed(Refusal):
    """M4: WhatsApp takes free text for 24 hours after the person's last message only. Nothing was kept or sent."""

    code = "window_closed"

    def __init__(self, until: datetime | None) -> None:
        self.until = until
        since = f"since {until:%Y-%m-%dT%H:%M:%SZ}" if until else "since they have never written"
        super().__init__(
            f"WhatsApp takes no free text to them {since}: 24 hours after their last message it takes templates only. "
            "Nothing was sent or kept. They can be called by phone, and once they write here, an answer can be sent; "
            "news of their orders goes out as templates by itself."
        )


class ContactOptedOut(Refusal):
    """M5: they want no message that they did not ask for."""

    code = "contact_opted_out"

    def __init__(self) -> None:
        super().__init__("They have asked to get no more messages. Nothing was sent or kept. START brings them back.")


class SendingStopped(Refusal):
    """WhatsApp refuses our account, or somebody has stopped sending: nothing leaves before it is resumed."""

    code = "sending_stopped"

    def __init__(self) -> None:
        super().__init__("Sending is stopped until somebody resumes it. Nothing was sent or kept.")


class LetterNotFound(Refusal):
    code = "letter_not_found"

    def __init__(self, letter_id: str) -> None:
        super().__init__(f"There is no dead letter {letter_id}.")


class ExportNotFound(Refusal):
    code = "export_not_found"

    def __init__(self, export_id: str) -> None:
        super().__init__(f"There is no export {export_id}, or it is older than a week.")


class RaffleOutOfTurn(Refusal):
    """The raffle's status does not allow this."""

    code = "raffle_out_of_turn"

    def __init__(self, wish: str, status: str) -> None:
        self.status = status
        super().__init__(f"A raffle that is {status} can't be {wish}.")


class OrderOutOfTurn(Refusal):
    """The order's status does not allow this. `instead`: a sentence that says what leads on."""

    code = "order_out_of_turn"

    def __init__(self, order_id: str, wish: str, status: str, *, instead: str = "") -> None:
        self.status = status
        super().__init__(f"Order {order_id} is {status}, so it can't be {wish}. {instead}".rstrip())


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


class RaffleHasLateOrders(Refusal):
    """A raffle is not called off while payments that came too late are unsettled. `order_ids`: some of them."""

    code = "raffle_has_late_orders"

    def __init__(self, order_ids: Sequence[str]) -> None:
        self.order_ids = tuple(order_ids)
        super().__init__(
            f"Payments for it came too late, and are not settled: {', '.join(self.order_ids)}, and perhaps others. "
            "Refund or reassign these orders first."
        )


class RaffleHasOrders(Refusal):
    """What was asked for is only possible before the first order: those that have ended may come back."""

    code = "raffle_has_orders"

    def __init__(self, wish: str) -> None:
        super().__init__(f"{wish} is only possible while nobody has ordered yet, cancelled and ended orders included.")


class DeletedSince(Refusal):
    """What was made under the same Idempotency-Key before is gone."""

    code = "deleted_since"

    def __init__(self, raffle_id: str) -> None:
        super().__init__(
            f"Raffle {raffle_id} was made by this request before, and was deleted since. "
            "For another one send a new Idempotency-Key."
        )


class NumbersTaken(Refusal):
    """H1, H2: at least one of the numbers has an owner. `until`: when each held one comes free, None = not known;
    `own`: those that are the asking contact's already; `nearest`: free ones close to them (H8), where these were
    looked for."""

    code = "numbers_taken"

    def __init__(
        self, until: Mapping[int, datetime | None], own: Iterable[int] = (), nearest: Sequence[int] = ()
    ) -> None:
        self.until, self.own, self.nearest = dict(until), frozenset(own), tuple(nearest)
        free = f" Free nearby: {_listed(nearest)}." if nearest else ""
        super().__init__(f"Already taken: {_listed(sorted(self.until))}.{free}")


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


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


class ProofNotFound(Refusal):
    code = "proof_not_found"

    def __init__(self, order_id: str) -> None:
        super().__init__(f"No proof came with order {order_id}.")


class ProofNotSeen(Refusal):
    code = "proof_not_seen"

    def __init__(self, order_id: str) -> None:
        super().__init__(
            f"Order {order_id} may have another proof by now than the one that was looked at. "
            "Look at its newest one, and name it by its sha256 in `proof`."
        )


class MessageNotFound(Refusal):
    code = "message_not_found"

    def __init__(self, message_id: str) -> None:
        super().__init__(f"There is no message {message_id}.")


class MessageNotGivenUp(Refusal):
    code = "message_not_given_up"

    def __init__(self, message_id: str) -> None:
        super().__init__(f"Message {message_id} was not given up (any more), so it can't be sent again.")


class TokenNotFound(Refusal):
    code = "token_not_found"

    def __init__(self, token_id: str) -> None:
        super().__init__(f"There is no token {token_id}.")


class TokenKnown(Refusal):
    code = "token_known"

    def __init__(self) -> None:
        super().__init__("This key is a token already.")


class TokenShownBefore(Refusal):
    """A token was made under the same Idempotency-Key before."""

    code = "token_shown_before"

    def __init__(self, token_id: str) -> None:
        super().__init__(f"Token {token_id} was made by this request before. Its key is shown once: revoke it if lost.")


class KeyUsedOtherwise(Refusal):
    code = "idempotency_key_used"

    def __init__(self, key: str) -> None:
        super().__init__(f"Idempotency-Key {key} was used for another request before: expected a new one.")


class Outdated(Refusal):
    """Somebody changed it since it was read."""

    code = "outdated"

    def __init__(self) -> None:
        super().__init__("It was changed since you read it: read it again, and send its ETag in If-Match.")


class StatementUnreadable(Refusal):
    """A bank statement that can't be read.

    The text says what was expected. It never quotes the file, which is about third parties.

    Attributes:
        line: where in the file; None if it is about all of it.
        column: its number, counted from 1, if it is about a single cell.
        option: the query parameter that is missing or wrong, if there is one.
    """

    code = "statement_unreadable"

    def __init__(
        self, expected: str, line: int | None = None, *, column: int | None = None, option: str | None = None
    ) -> None:
        self.line, self.column, self.option = line, column, option
        place = f"Line {line}" if column is None else f"Line {line}, column {column}"
        super().__init__(expected if line is None else f"{place}: {expected}")


class StatementTooLarge(Refusal):
    code = "statement_too_large"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} Please split it, for example by days.")


class ReportTooLarge(Refusal):
    code = "report_too_large"

    def __init__(self, raffle_id: str, seconds: int) -> None:
        super().__init__(
            f"The orders of raffle {raffle_id} could not be summed up in {seconds} seconds. The command has more time: "
            "python -m chalicelib report."
        )


class TryAgain(Refusal):
    """The store was too busy, or changed under us, more often than we try. `unsure`: it may have made the change."""

    code = "try_again"

    def __init__(self, *, unsure: bool = False) -> None:
        outcome = "It is not known whether the change was made: please look before trying again."
        super().__init__(
            "Too many others are at it just now, or the database does not answer. "
            + (outcome if unsure else "Nothing was changed; please try again.")
        )
