"""Refusals: normal answers with a stable code that say why a rule does not allow something.

Each refusal is of one kind, and its kind decides the HTTP status:

    Refusal
    ├── NotFound: there is no such thing
    │   ├── RaffleNotFound
    │   ├── OrderNotFound
    │   ├── ContactNotFound
    │   ├── ProofNotFound
    │   ├── PictureNotFound
    │   ├── FileNotKept
    │   ├── MessageNotFound
    │   ├── LetterNotFound
    │   ├── ExportNotFound
    │   ├── PaymentChangeNotFound
    │   ├── TokenNotFound
    │   └── SignInLinkNotFound
    ├── Conflict: the current state does not allow it
    │   ├── RaffleOutOfTurn
    │   ├── RaffleHasSales
    │   ├── RaffleHasOrders
    │   ├── RaffleHasLateOrders
    │   ├── SecondManagerNeeded
    │   ├── TokenTooNew
    │   ├── CodeTaken
    │   ├── DeletedSince
    │   ├── OrderOutOfTurn
    │   ├── NumbersTaken
    │   ├── NumbersInvalid
    │   ├── TooFewFree
    │   ├── TooManyForContact
    │   ├── HoldLimited
    │   ├── ProofNotSeen
    │   ├── ReviewNotOver
    │   ├── ContactErased
    │   ├── ContactHasOrders
    │   ├── ContactOptedOut
    │   ├── WindowClosed
    │   ├── SendingStopped
    │   ├── MessageNotGivenUp
    │   ├── TokenKnown
    │   ├── TokenShownBefore
    │   ├── TokenNameTaken
    │   ├── LastManager
    │   ├── SignInLinkUsed
    │   ├── SignInLinkOver
    │   └── ReportTooLarge
    ├── Stale: it has changed since the client read it
    │   └── Outdated
    ├── TooLarge: there is more of it than we process
    │   └── StatementTooLarge
    ├── Invalid: a part of the request is wrong
    │   ├── KeyUsedOtherwise
    │   ├── StatementUnreadable
    │   ├── UploadNotFound
    │   ├── PictureUnusable
    │   └── CursorInvalid (in store/pages.py)
    └── Unavailable: the same request may succeed later
        └── TryAgain

The first line of each refusal's docstring is also its example in the API's description.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, NamedTuple


class Refusal(Exception):
    """Base of all refusals.

    `code` is part of the API's contract and never changes; `str()` is for people. `field` names the part of the
    request that is wrong, if one is. `changed` says what has changed in the meantime, if that is why.
    """

    code: ClassVar[str]
    field: ClassVar[str | None] = None
    changed: "Changed | None" = None


class Changed(NamedTuple):
    """Something that changed: its name in the audit log, such as "order:8WGRRPW3", and when; None: not known."""

    target: str
    at: datetime | None


class NotFound(Refusal):
    """There is no such thing. `what` is the word for it, `hint` a sentence that says why or what to do next."""

    what: ClassVar[str]
    hint: ClassVar[str] = ""

    def __init__(self, id_: str) -> None:
        super().__init__(f"There is no {self.what} {id_}. {self.hint}".rstrip())


class Conflict(Refusal):
    """The current state does not allow it."""


class Stale(Refusal):
    """It has changed since the client read it."""


class TooLarge(Refusal):
    """There is more of it than we process."""


class Invalid(Refusal):
    """A part of the request is wrong."""


class Unavailable(Refusal):
    """The same request may succeed later."""


KINDS: tuple[type[Refusal], ...] = (NotFound, Conflict, Stale, TooLarge, Invalid, Unavailable)


def all_refusals() -> Iterator[type[Refusal]]:
    """Yield every refusal that is defined, without the kinds."""
    for kind in KINDS:
        yield from kind.__subclasses__()


class RaffleNotFound(NotFound):
    """There is no such raffle."""

    code = "raffle_not_found"
    what = "raffle"


class OrderNotFound(NotFound):
    """There is no such order."""

    code = "order_not_found"
    what = "order"


class ContactNotFound(NotFound):
    """There is no such contact."""

    code = "contact_not_found"
    what = "contact"


class ProofNotFound(NotFound):
    """The order has no payment proof."""

    code = "proof_not_found"
    what = "payment proof for order"


class PictureNotFound(NotFound):
    """The raffle has no picture."""

    code = "picture_not_found"
    what = "picture of raffle"


class UploadNotFound(Invalid):
    """Nothing was uploaded under this id for this raffle, or it was more than a day ago."""

    code = "upload_not_found"
    field = "id"

    def __init__(self) -> None:
        super().__init__("Nothing was uploaded under this id for this raffle within the last day.")


class PictureUnusable(Invalid):
    """WhatsApp does not show such a picture."""

    code = "picture_unusable"
    field = "id"

    def __init__(self) -> None:
        super().__init__("expected a JPEG, or a PNG with 8 bits for each of red, green and blue, of at most 5 MB")


class FileNotKept(NotFound):
    """No file is kept with the message."""

    code = "file_not_found"
    what = "file with message"


class MessageNotFound(NotFound):
    """There is no such message."""

    code = "message_not_found"
    what = "message"


class LetterNotFound(NotFound):
    """There is no such dead letter."""

    code = "letter_not_found"
    what = "dead letter"


class ExportNotFound(NotFound):
    """There is no such export, or it was deleted after a week."""

    code = "export_not_found"
    what = "export"
    hint = "Exports are deleted after a week."


class PaymentChangeNotFound(NotFound):
    """Nobody has proposed to change how buyers of this raffle pay, or it is over a day ago."""

    code = "payment_change_not_found"
    what = "proposed payment change for raffle"
    hint = "A proposal lasts a day."


class TokenNotFound(NotFound):
    """There is no such token."""

    code = "token_not_found"
    what = "token"


class SignInLinkNotFound(NotFound):
    """There is no such sign-in link, or it has been over for a while."""

    code = "sign_in_link_not_found"
    what = "sign-in link"

    def __init__(self) -> None:
        Refusal.__init__(self, "There is no such sign-in link, or it has been over for a while. Ask for another one.")


class RaffleOutOfTurn(Conflict):
    """The raffle's status does not allow this."""

    code = "raffle_out_of_turn"

    def __init__(self, action: str, status: str, *, changed: Changed | None = None) -> None:
        self.status = status
        self.changed = changed
        super().__init__(f"A raffle that is {status} can't be {action}.")


class RaffleHasSales(Conflict):
    """This is only possible while no number is reserved or sold."""

    code = "raffle_has_sales"

    def __init__(self, action: str, taken: int) -> None:
        super().__init__(
            f"{action} is only possible while no number is reserved or sold, and {taken} are. "
            "Cancel or refund their orders first."
        )


class RaffleHasOrders(Conflict):
    """This is only possible before the first order.

    Orders that have ended count, too: a late payment may revive them.
    """

    code = "raffle_has_orders"

    def __init__(self, action: str) -> None:
        super().__init__(f"{action} is only possible before the first order. Cancelled and expired orders count, too.")


class RaffleHasLateOrders(Conflict):
    """Late payments for this raffle are not settled yet.

    `order_ids` names some of them.
    """

    code = "raffle_has_late_orders"

    def __init__(self, order_ids: Sequence[str]) -> None:
        super().__init__(
            f"Late payments for this raffle are not settled yet: {', '.join(order_ids)}, and there may be more. "
            "Refund or reassign these orders first."
        )


class SecondManagerNeeded(Conflict):
    """While orders wait for payment, two managers must agree on how buyers pay."""

    code = "second_manager_needed"

    def __init__(self, raffle_id: str) -> None:
        super().__init__(
            "Orders of this raffle wait for payment, so changing payment_instructions needs two managers. Nothing was "
            f"changed. Propose it with POST /api/raffles/{raffle_id}/payment-change; another manager confirms it by "
            "sending the same."
        )


class TokenTooNew(Conflict):
    """A manager's token that was made through the API within the last day can't decide on how buyers pay."""

    code = "token_too_new"

    def __init__(self) -> None:
        super().__init__(
            "This token was made through the API less than a day ago, so it can't propose or confirm how buyers pay."
        )


class CodeTaken(Conflict):
    """Another raffle already uses this code."""

    code = "code_taken"
    field = "code"

    def __init__(self, code: str) -> None:
        super().__init__(f"Another raffle already uses the code {code}. Choose a different one.")


class DeletedSince(Conflict):
    """This request created a raffle before, and the raffle has been deleted since."""

    code = "deleted_since"

    def __init__(self, raffle_id: str) -> None:
        super().__init__(
            f"This request created raffle {raffle_id} before, and it has been deleted since. "
            "Send a new Idempotency-Key to create another raffle."
        )


class OrderOutOfTurn(Conflict):
    """The order's status does not allow this.

    `instead` is a sentence that says what to do next.
    """

    code = "order_out_of_turn"

    def __init__(
        self, order_id: str, action: str, status: str, *, instead: str = "", changed_at: datetime | None = None
    ) -> None:
        self.status = status
        self.changed = None if changed_at is None else Changed(f"order:{order_id}", changed_at)
        super().__init__(f"Order {order_id} is {status}, so it can't be {action}. {instead}".rstrip())


class NumbersTaken(Conflict):
    """Some of the numbers are already taken.

    Rules H1 and H2. `until` says when each held number becomes free, or None if that is not known. `own` are those
    that already belong to the contact who asks. `nearest` are free numbers close by, if they were looked up (H8).
    """

    code = "numbers_taken"

    def __init__(
        self, until: Mapping[int, datetime | None], own: Iterable[int] = (), nearest: Sequence[int] = ()
    ) -> None:
        self.until = dict(until)
        self.own = frozenset(own)
        nearby = f" Free nearby: {_listed(nearest)}." if nearest else ""
        super().__init__(f"Already taken: {_listed(sorted(self.until))}.{nearby}")


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


class NumbersInvalid(Conflict):
    """The numbers do not fit the raffle or the order.

    Rules N1, N3 and H6.
    """

    code = "numbers_invalid"

    def __init__(self, reason: str, numbers: Sequence[int] = ()) -> None:
        self.numbers = tuple(numbers)
        super().__init__(reason)


class TooFewFree(Conflict):
    """There are fewer free numbers than requested.

    Rule H5.
    """

    code = "too_few_free"

    def __init__(self, wanted: int, free: int) -> None:
        self.wanted = wanted
        self.free = free
        super().__init__(f"Free numbers: {free}; requested: {wanted}.")


class TooManyForContact(Conflict):
    """The contact would have more numbers than the raffle allows.

    Rule H6.
    """

    code = "too_many_for_contact"

    def __init__(self, most: int, has: int) -> None:
        self.most = most
        self.has = has
        super().__init__(f"A contact may have at most {most} numbers of this raffle; this one already has {has}.")


class HoldLimit(StrEnum):
    """Why somebody may not hold more without having paid."""

    ORDERS = "too many unpaid orders"
    NUMBERS = "too many unpaid numbers"
    WAIT = "too many holds that ended unpaid"
    NEWCOMERS = "newcomers hold too much of the raffle"
    BLOCKED = "blocked"


class HoldLimited(Conflict):
    """The person may not hold more without having paid.

    Rules H9 to H12. `most` and `has` are orders or numbers. `until` says when the wait is over, if it is known.
    """

    code = "hold_limited"

    def __init__(self, limit: HoldLimit, *, most: int = 0, has: int = 0, until: datetime | None = None) -> None:
        self.limit = limit
        self.most = most
        self.has = has
        self.until = until
        super().__init__(f"Nothing more can be held for this person: {limit.value}.")


class ProofNotSeen(Conflict):
    """The order may have a newer proof than the one that was reviewed."""

    code = "proof_not_seen"

    def __init__(self, order_id: str) -> None:
        super().__init__(
            f"Order {order_id} may have a newer proof than the one you reviewed. "
            "Review the newest one and send its sha256 as `proof`."
        )


class ReviewNotOver(Conflict):
    """The review has not taken long enough to be ended."""

    code = "review_not_over"

    def __init__(self, order_id: str, hours: int) -> None:
        super().__init__(
            f"Order {order_id} has been in review for less than {hours} hours. Confirm the payment, reject the proof, "
            "or cancel the order."
        )


class ContactErased(Conflict):
    """The contact's personal data has been erased, so nothing can be sent or changed."""

    code = "contact_erased"

    def __init__(self, contact_id: str) -> None:
        super().__init__(f"Contact {contact_id} has been erased, so nothing can be sent or changed.")


class ContactHasOrders(Conflict):
    """The contact has orders that are not settled yet, so it can't be erased."""

    code = "contact_has_orders"

    def __init__(self, order_ids: Sequence[str]) -> None:
        self.order_ids = tuple(order_ids)
        super().__init__(
            f"The contact has orders that are not settled yet: {', '.join(self.order_ids)}. "
            "Confirm, cancel or refund them first."
        )


class ContactOptedOut(Conflict):
    """The contact has opted out of messages, so nothing was sent or stored.

    Rule M5.
    """

    code = "contact_opted_out"

    def __init__(self) -> None:
        super().__init__(
            "The contact has opted out of messages. Nothing was sent or stored. They can opt in again by writing START."
        )


class WindowClosed(Conflict):
    """WhatsApp takes free text only within 24 hours of the person's last message, so nothing was sent or stored.

    Rule M4. `until` says when the window closed, or None if they have never written.
    """

    code = "window_closed"

    def __init__(self, until: datetime | None) -> None:
        self.until = until
        reason = f"that window closed at {until:%Y-%m-%dT%H:%M:%SZ}" if until else "they have never written"
        super().__init__(
            f"WhatsApp takes free text only within 24 hours of the person's last message, and {reason}. "
            "Nothing was sent or stored. Call them, or answer once they write again; "
            "updates about their orders still go out as templates."
        )


class SendingStopped(Conflict):
    """Sending is stopped, so nothing was sent or stored."""

    code = "sending_stopped"

    def __init__(self) -> None:
        super().__init__(
            "Sending is stopped. Nothing was sent or stored. "
            "Try again after somebody resumes it: python -m chalicelib sending resume."
        )


class MessageNotGivenUp(Conflict):
    """The message is not among the undelivered ones, so it can't be sent again."""

    code = "message_not_given_up"

    def __init__(self, message_id: str) -> None:
        super().__init__(f"Message {message_id} is not, or no longer, undelivered, so it can't be sent again.")


class TokenKnown(Conflict):
    """There is already a token with this key."""

    code = "token_known"

    def __init__(self) -> None:
        super().__init__("There is already a token with this key.")


class TokenShownBefore(Conflict):
    """This request created a token before, and a token's key is shown only once."""

    code = "token_shown_before"

    def __init__(self, token_id: str) -> None:
        super().__init__(
            f"This request created token {token_id} before, and a token's key is shown only once. "
            "If the key is lost, revoke the token and create another one with a new Idempotency-Key."
        )


class TokenNameTaken(Conflict):
    """The name belongs to another token, also if that was revoked, or to Tombola itself."""

    code = "token_name_taken"
    field = "name"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The name {name} is taken, by a token that there is or was, or by Tombola itself. Choose a different one, "
            "so that the audit log always says who it was."
        )


class LastManager(Conflict):
    """This is the last valid token of a manager: without it, nobody could create tokens."""

    code = "last_manager"

    def __init__(self) -> None:
        super().__init__(
            "This is the last valid token of a manager, and without it nobody could create tokens. "
            "Create another manager's token first, then revoke this one."
        )


class SignInLinkUsed(Conflict):
    """The sign-in link was used before, and it works once."""

    code = "sign_in_link_used"

    def __init__(self) -> None:
        super().__init__(
            "This sign-in link was used before, and it works once. If that was not you, tell whoever gave it to you: "
            "they can revoke its token. Ask for another link."
        )


class SignInLinkOver(Conflict):
    """The sign-in link is over: it works for ten minutes, and as long as who made it may create tokens."""

    code = "sign_in_link_over"

    def __init__(self) -> None:
        super().__init__(
            "This sign-in link is over: it works for ten minutes, and as long as who made it may create tokens. "
            "Ask for another one."
        )


class ReportTooLarge(Conflict):
    """The raffle has too many orders to add up within one request."""

    code = "report_too_large"

    def __init__(self, raffle_id: str, seconds: int) -> None:
        super().__init__(
            f"The orders of raffle {raffle_id} could not be added up within {seconds} seconds. "
            "The command has more time: python -m chalicelib report."
        )


# The versions of a thing that may be changed, as If-Match names them; None: any.
Versions = frozenset[str] | None


class Outdated(Stale):
    """It has changed since it was read."""

    code = "outdated"

    def __init__(self, changed: Changed) -> None:
        self.changed = changed
        super().__init__("It has changed since you read it. Read it again and send the new ETag in If-Match.")


class StatementTooLarge(TooLarge):
    """The bank statement has more in it than one request can process."""

    code = "statement_too_large"

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason} Please split it, for example by days.")


class KeyUsedOtherwise(Invalid):
    """The Idempotency-Key was already used for a different request."""

    code = "idempotency_key_used"
    field = "Idempotency-Key"

    def __init__(self, key: str) -> None:
        super().__init__(f"Idempotency-Key {key} was already used for a different request: expected a new one.")


class StatementUnreadable(Invalid):
    """The bank statement can't be read.

    The text says only what was expected: what the file contains is about third parties.

    Args:
        line: the line of the file that is wrong; None if the whole file is.
        column: its number, counted from 1, if a single cell is wrong.
        option: the query parameter that is missing or wrong, if there is one.
    """

    code = "statement_unreadable"
    field = "body"

    def __init__(
        self, expected: str, line: int | None = None, *, column: int | None = None, option: str | None = None
    ) -> None:
        self.option = option
        place = f"Line {line}" if column is None else f"Line {line}, column {column}"
        super().__init__(expected if line is None else f"{place}: {expected}")


class TryAgain(Unavailable):
    """The service is busy or the database does not answer. Please try again.

    Raised after our own retries. `unsure`: the change may have been made all the same.
    """

    code = "try_again"

    def __init__(self, *, unsure: bool = False) -> None:
        outcome = (
            "It is not known whether the change was made: check before you try again."
            if unsure
            else "Nothing was changed; please try again."
        )
        super().__init__(f"The service is busy or the database does not answer. {outcome}")
