"""Read statements in SWIFT's MT940 with the package mt-940, whose defaults are not safe enough: see below."""

import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

from mt940 import tags
from mt940.models import Transaction, Transactions
from mt940.options import Options

from chalicelib.domain.code_mentions import MAX_TEXT
from chalicelib.domain.refusals import StatementTooLarge, StatementUnreadable
from chalicelib.domain.statements import Outgoing, Payment, Statement
from chalicelib.statements import doubtful_words, values
from chalicelib.statements.options import ParseOptions

# The package logs what it cannot read word for word, and that is about third parties.
logging.getLogger("mt940").setLevel(logging.CRITICAL + 1)
# Among others: details are not cut off, and RC (a credit that was reversed) is not a credit.
OPTIONS = Options.all()
MAX_BOOKINGS = 20_000  # they take the package a second or two
TEXTS = ("transaction_details", "non_swift_text", "customer_reference", "extra_details")
RETURNED = "RTI"  # the type of an item that came back

_STATEMENT = re.compile(r"^:20:", re.MULTILINE)
_TAG = re.compile(r"^:\n?(?:([0-9]{2})[A-Z]?|(NS)):", re.MULTILINE)
_TAGS = frozenset({"13", "20", "21", "25", "28", "34", "60", "61", "62", "64", "65", "86", "90", "NS"})
_ENVELOPE = re.compile(r"^(?:\{[1-5]:|-\}).*$", re.MULTILINE)  # from SWIFT's network, around a statement
_MARK = re.compile(r"\?\d\d")  # starts a part of structured details; a code may continue after it
_GROUP = re.compile(r"^\d{3}(?=\?\d\d)")


class LongStatement(tags.Statement):
    """A booking (:61:) whose references may be as long as the bank likes.

    After the amount comes a letter, a slash or the end: "12.50" and "1 234,50" must not be read as 12 and 1.
    """

    pattern: ClassVar[str] = r"""^
    (?P<year>\d{2})(?P<month>\d{2})(?P<day>\d{2})
    (?P<entry_month>\d{2}|\s{2})?(?P<entry_day>\d{2}|\s{2})?
    (?P<status>[RE]?[DC])
    (?P<funds_code>[A-Z])?
    [\n ]?
    (?P<amount>[\d,]{1,15})(?=[ ]?[A-Z/\n]|$)
    (?P<id>[A-Z][A-Z0-9 ]{3})?
    (?P<customer_reference>(?:(?!//)[^\n])*)
    (?://(?P<bank_reference>[^\n]*))?
    (?:\n(?P<extra_details>[\s\S]*))?
    $"""


LONG = LongStatement()


class Block(NamedTuple):
    """One statement of a file, with the lines on which its bookings begin."""

    text: str
    line: int
    bookings: list[int]


def read(text: str, options: ParseOptions) -> Statement:
    """Read the bookings of a file, which may have several statements. Raises StatementUnreadable, StatementTooLarge."""
    text = _ENVELOPE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    counts = Counter(match[1] for match in _TAG.finditer(text))
    if counts["61"] > MAX_BOOKINGS or counts.total() > 10 * MAX_BOOKINGS:
        raise StatementTooLarge(f"The statement has more than {MAX_BOOKINGS:,} bookings.")
    payments: list[Payment] = []
    outgoing: list[Outgoing] = []
    pending = 0
    for block in _blocks(text):
        transactions = _parse(block)
        currency = transactions.currency or options.currency
        for line, booking in zip(block.bookings, transactions, strict=True):
            if str(booking.data["status"]).upper().startswith("E"):  # expected, as in MT942
                pending += 1
            elif payment := _payment(line, booking, currency):
                payments.append(payment)
            else:
                outgoing.append(Outgoing(line, _text_of(booking)))
    lines = len(payments) + len(outgoing) + pending
    if not lines:
        raise StatementUnreadable("Expected MT940: statements that begin with :20: and have bookings (:61:).")
    read_as = {"format": "mt940", "encoding": options.encoding or ""}
    return Statement(payments=payments, outgoing=outgoing, pending=pending, lines=lines, read_as=read_as)


def _blocks(text: str) -> Iterator[Block]:
    """Yield the statements that have bookings."""
    starts = [match.start() for match in _STATEMENT.finditer(text)] or [0]
    line = 1 + text.count("\n", 0, starts[0])
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        bookings: list[int] = []
        at = line
        reached = start
        for match in _TAG.finditer(text, start, end):
            if match[1] == "61":
                at += text.count("\n", reached, match.start())
                reached = match.start()
                bookings.append(at)
        if bookings:
            yield Block(_with_own_details(text[start:end]), line, bookings)
        line += text.count("\n", start, end)


def _with_own_details(text: str) -> str:
    """Return a statement in which each booking is followed by its own details: one :86: and one :NS:.

    Details before the first booking, or after a balance, are about the statement. The package would add them to the
    booking before. It also takes time in the square of the number of details of a booking.
    """
    matches = [match for match in _TAG.finditer(text) if (match[1] or match[2]) in _TAGS]
    parts: list[str] = []
    details: dict[str, list[str]] = {}
    is_booking = False
    for match, after in zip(matches, [*matches[1:], None], strict=True):
        end = len(text) if after is None else after.start()
        tag = match[1] or match[2]
        if tag in ("86", "NS"):
            if is_booking:
                details.setdefault(tag, []).append(text[match.end() : end].strip("\n"))
            continue
        parts += [f":{name}:" + "\n".join(texts) + "\n" for name, texts in details.items()]
        parts.append(text[match.start() : end])
        details = {}
        is_booking = tag == "61"
    return "".join([*parts, *(f":{name}:" + "\n".join(texts) + "\n" for name, texts in details.items())])


def _parse(block: Block) -> Transactions:
    """Parse a statement. Never use `mt940.parse`: if the text happens to be a path, it reads that file."""
    defaults = Transactions.DEFAULT_PROCESSORS
    transactions = Transactions(
        processors={
            f"pre_{LONG.slug}": defaults["pre_statement"],
            f"post_{LONG.slug}": [*defaults["post_statement"], _with_id],
            "post_transaction_details": [],
        },
        tags={LONG.id: LONG},
        options=OPTIONS,
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
    text = _text_of(booking)[: MAX_TEXT + 1]  # the one character more shows that it was cut off
    found = doubtful_words.find(text)
    came_back = str(data["status"]).upper() == "RD" or str(data["id"]).upper().endswith(RETURNED)
    return Payment(
        line=line,
        on=data["date"],
        amount=amount,
        currency=currency,
        text=text,
        reference=str(data.get("bank_reference") or ""),
        reversal=came_back or found.reversal,
        doubts=found.doubts,
    )


def _text_of(booking: Transaction) -> str:
    return _text([str(booking.data.get(name) or "") for name in TEXTS])


def _text(parts: Sequence[str]) -> str:
    details, *others = parts
    unbroken = _GROUP.sub("", details.replace("\n", "")) if _GROUP.match(details) else ""
    plain = _MARK.sub(" ", unbroken) if unbroken else details.replace("\n", " ")
    texts = (part.replace("\n", " ").strip() for part in (plain, *others))
    return " ".join(text for text in texts if text and text != "NONREF")
