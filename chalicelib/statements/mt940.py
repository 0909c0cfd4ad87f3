"""Read statements in SWIFT's MT940 with the package mt-940, whose defaults are not safe enough: see below."""

import logging
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from mt940.models import Transaction, Transactions
from mt940.options import Options

from chalicelib.domain.code_mentions import MAX_TEXT
from chalicelib.domain.refusals import StatementTooLarge, StatementUnreadable
from chalicelib.domain.statements import Outgoing, Payment, Statement
from chalicelib.statements import values
from chalicelib.statements.options import ParseOptions

# The package logs what it cannot read word for word, and that is about third parties.
logging.getLogger("mt940").setLevel(logging.CRITICAL + 1)
# Among others: details are not cut off, and RC (a credit that was reversed) is not a credit.
OPTIONS = Options.all()
MAX_BOOKINGS = 20_000  # they take the package a second or two
TEXTS = ("transaction_details", "customer_reference", "extra_details")

_STATEMENT = re.compile(r"^:20:", re.MULTILINE)
_BOOKING = re.compile(r"^:61:", re.MULTILINE)
_ENVELOPE = re.compile(r"^(?:\{[1-5]:|-\}).*$", re.MULTILINE)  # from SWIFT's network, around a statement
_MARK = re.compile(r"\?\d\d")  # starts a part of structured details; a code may continue after it
_GROUP = re.compile(r"^\d{3}(?=\?\d\d)")


class Block(NamedTuple):
    """One statement of a file, with the lines on which its bookings begin."""

    text: str
    line: int
    bookings: list[int]


def read(text: str, options: ParseOptions) -> Statement:
    """Read the bookings of a file, which may have several statements. Raises StatementUnreadable, StatementTooLarge."""
    if sum(1 for _ in _BOOKING.finditer(text)) > MAX_BOOKINGS:
        raise StatementTooLarge(f"The statement has more than {MAX_BOOKINGS:,} bookings.")
    payments: list[Payment] = []
    outgoing: list[Outgoing] = []
    for block in _blocks(_ENVELOPE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))):
        transactions = _parse(block)
        currency = transactions.currency or options.currency
        for line, booking in zip(block.bookings, transactions, strict=True):
            payment = _payment(line, booking, currency)
            if payment is None:
                outgoing.append(Outgoing(line, _text_of(booking)))
            else:
                payments.append(payment)
    if not payments and not outgoing:
        raise StatementUnreadable("Expected MT940: statements that begin with :20: and have bookings (:61:).")
    read_as = {"format": "mt940", "encoding": options.encoding or ""}
    return Statement(payments=payments, outgoing=outgoing, lines=len(payments) + len(outgoing), read_as=read_as)


def _blocks(text: str) -> Iterator[Block]:
    starts = [match.start() for match in _STATEMENT.finditer(text)] or [0]
    line = 1 + text.count("\n", 0, starts[0])
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        bookings: list[int] = []
        at = line
        reached = start
        for match in _BOOKING.finditer(text, start, end):
            at += text.count("\n", reached, match.start())
            reached = match.start()
            bookings.append(at)
        yield Block(text[start:end], line, bookings)
        line += text.count("\n", start, end)


def _parse(block: Block) -> Transactions:
    """Parse a statement. Never use `mt940.parse`: if the text happens to be a path, it reads that file."""
    as_usual = Transactions.DEFAULT_PROCESSORS["post_statement"]
    transactions = Transactions(
        processors={"post_statement": [*as_usual, _with_id], "post_transaction_details": []}, options=OPTIONS
    )
    try:
        transactions.parse(block.text)
    except Exception:  # noqa: BLE001 - the package lets through whatever its parts raise, and their texts quote the file
        line = block.bookings[len(transactions)] if len(transactions) < len(block.bookings) else block.line
        raise StatementUnreadable("expected a booking (:61:), details (:86:) or a balance of MT940.", line) from None
    if len(transactions) != len(block.bookings):  # a payment must not get lost
        raise StatementUnreadable("expected bookings (:61:) that can be told apart.", block.line)
    return transactions


def _with_id(_: Any, __: Any, ___: Any, result: dict[str, Any]) -> dict[str, Any]:
    """Give a type to a booking without one. Otherwise the next booking would overwrite it."""
    return {**result, "id": result.get("id") or "NMSC"}


def _payment(line: int, booking: Transaction, currency: str | None) -> Payment | None:
    """Return the payment, or None for money that went out. Raises StatementUnreadable."""
    data = booking.data
    if data["amount"].amount <= 0:
        return None
    if currency is None or not values.is_currency(currency):
        raise StatementUnreadable(
            "expected the currency in the opening balance (:60F:). Or name it (currency).", line, option="currency"
        )
    amount = values.minor_units(data["amount"].amount, currency)
    if amount is None:
        raise StatementUnreadable(f"expected an amount in {currency}.", line)
    return Payment(
        line=line,
        on=data["date"],
        amount=amount,
        currency=currency,
        text=_text_of(booking)[: MAX_TEXT + 1],  # the one character more shows that it was cut off
        reference=str(data.get("bank_reference") or ""),
        reversal=str(data["status"]).upper() == "RD",
    )


def _text_of(booking: Transaction) -> str:
    return _text([str(booking.data.get(name) or "") for name in TEXTS])


def _text(parts: Sequence[str]) -> str:
    details, *others = parts
    unbroken = _GROUP.sub("", details.replace("\n", "")) if _GROUP.match(details) else ""
    plain = _MARK.sub(" ", unbroken) if unbroken else details.replace("\n", " ")
    return " ".join(part.strip() for part in (plain, *others) if part.strip() and part.strip() != "NONREF")
