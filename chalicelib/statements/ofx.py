"""Read statements in OFX, as SGML (1.x) and XML (2.x), with the package bankfile, which reads its headers and tags."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from xml.sax.saxutils import escape

from bankfile.ofx.header import read_header
from bankfile.ofx.sgml import Node, parse_tags

from chalicelib.domain.code_mentions import MAX_TEXT
from chalicelib.domain.refusals import StatementTooLarge, StatementUnreadable
from chalicelib.domain.statements import Outgoing, Payment, Statement, Why
from chalicelib.statements import doubtful_words, values
from chalicelib.statements.options import DateOrder, ParseOptions

MAX_BOOKINGS = 20_000  # they take the package a second or two
MAX_ACCOUNTS = 1_000
MAX_HEADER = 4_096  # bytes before the tag OFX
MAX_TAGS = 100  # of a booking; the package takes time in the square of them
TEXTS = ("NAME", "EXTDNAME", "MEMO", "CHECKNUM", "REFNUM")
# Types of money that comes in. With any other type, or where no amount is negative, only these are clear.
INCOMING = frozenset({"CREDIT", "DEP", "DIRECTDEP"})
EITHER = frozenset({"XFER", "OTHER", "INT", "DIV"})  # the sign of the amount tells

_START = re.compile(rb"<OFX\b", re.IGNORECASE)
_STATEMENT = re.compile(r"<(CC|INV)?STMTRS\b", re.IGNORECASE)
_BOOKING = re.compile(r"<STMTTRN\b", re.IGNORECASE)
_END = re.compile(r"</(?:STMTTRN|BANKTRANLIST)\b", re.IGNORECASE)
_PENDING = re.compile(r"<STMTTRNP\b", re.IGNORECASE)
_LIST = re.compile(r"<(?:BANKTRANLIST|STMTTRNP?)\b", re.IGNORECASE)
_AMOUNT = re.compile(r"[+-]?\d{1,15}(?:[.,]\d{1,5})?", re.ASCII)


class Account(NamedTuple):
    """The part of a file that is about one account. `is_bank`: a credit there is money that came in."""

    text: str
    line: int
    is_bank: bool
    currency: str


class Booking(NamedTuple):
    node: Node
    line: int
    account: Account


def read(raw: bytes, options: ParseOptions) -> Statement:
    """Read the bookings of a file. Raises StatementUnreadable, StatementTooLarge."""
    body, encoding = _decode(raw, options.encoding)
    body = _without_literals(body)
    count = sum(1 for _ in _BOOKING.finditer(body))
    if count > MAX_BOOKINGS or body.count("<") > 25 * MAX_BOOKINGS:
        raise StatementTooLarge(f"The statement has more than {MAX_BOOKINGS:,} bookings.")
    above = max(0, raw.count(b"\n") - body.count("\n"))
    bookings = [booking for account in _accounts(body, 1 + above, options) for booking in _bookings(account)]
    if len(bookings) != count:  # a payment must not get lost
        raise StatementUnreadable("Expected all bookings (STMTTRN) of OFX within a statement (STMTRS).")
    pending = sum(1 for _ in _PENDING.finditer(body))
    if not bookings and not pending:
        raise StatementUnreadable("Expected OFX: a statement (STMTRS) with bookings (STMTTRN).")
    amounts = [_amount(booking) for booking in bookings]
    is_signed = any(amount < 0 for amount in amounts)
    payments: list[Payment] = []
    outgoing: list[Outgoing] = []
    for booking, amount in zip(bookings, amounts, strict=True):
        if amount > 0:
            payments.append(_payment(booking, amount, is_signed=is_signed))
        elif amount < 0:
            outgoing.append(Outgoing(booking.line, _text(booking.node)))
    read_as = {"format": "ofx", "encoding": encoding}
    lines = len(bookings) + pending
    return Statement(payments=payments, outgoing=outgoing, pending=pending, lines=lines, read_as=read_as)


def _decode(raw: bytes, option: str | None) -> tuple[str, str]:
    """Return the text from the tag OFX on, and the encoding that the header names.

    The package gets the header only: it takes time in the square of a file that has many of them.
    """
    start = _START.search(raw[:MAX_HEADER])
    if start is None:
        raise StatementUnreadable("Expected OFX: a header, and below it <OFX>.")
    declared = option or read_header(raw[: start.end()]).encoding
    for encoding in (declared, "cp1252", "latin-1"):  # the last has a character for each byte
        try:
            return raw[start.start() :].decode(encoding), encoding
        except UnicodeDecodeError:
            if option:
                raise StatementUnreadable(f"The file is not in {option}, the encoding that was given.") from None
    raise AssertionError("latin-1 decodes everything")


def _without_literals(body: str) -> str:
    """Return the body with escaped CDATA sections and without comments: no text in them may count as a tag."""
    parts: list[str] = []
    at = 0
    while (start := body.find("<!", at)) >= 0:
        opening, closing = ("<![CDATA[", "]]>") if body.startswith("<![CDATA[", start) else ("<!--", "-->")
        if not body.startswith(opening, start):
            raise StatementUnreadable("Expected no declarations in OFX.")
        end = body.find(closing, start + len(opening))
        if end < 0:
            raise StatementUnreadable("Expected CDATA sections and comments of OFX to end.")
        literal = body[start + len(opening) : end]
        parts += [body[at:start], escape(literal) if closing == "]]>" else "\n" * literal.count("\n")]
        at = end + len(closing)
    return "".join([*parts, body[at:]])


def _accounts(body: str, line: int, options: ParseOptions) -> Iterator[Account]:
    matches = list(_STATEMENT.finditer(body))
    if len(matches) > MAX_ACCOUNTS:
        raise StatementTooLarge(f"The file has more than {MAX_ACCOUNTS:,} statements.")
    reached = 0
    for match, after in zip(matches, [*matches[1:], None], strict=False):
        line += body.count("\n", reached, match.start())
        reached = match.start()
        text = body[match.start() : len(body) if after is None else after.start()]
        above = _LIST.search(text)
        head = _tags(text[: above.start() if above else len(text)], line)
        yield Account(text, line, not match[1], _currency(head.text("CURDEF"), options, line))


def _currency(named: str | None, options: ParseOptions, line: int) -> str:
    currency = (named or options.currency or "").upper()
    if not currency:
        raise StatementUnreadable("expected the currency (CURDEF). Or name it (currency).", line, option="currency")
    if not values.is_currency(currency):
        raise StatementUnreadable("expected a currency code (CURDEF), such as EUR or BRL.", line)
    return currency


def _bookings(account: Account) -> Iterator[Booking]:
    text = account.text
    line = account.line
    matches = list(_BOOKING.finditer(text))
    reached = 0
    for match, after in zip(matches, [*matches[1:], None], strict=False):
        line += text.count("\n", reached, match.start())
        reached = match.start()
        limit = len(text) if after is None else after.start()
        end = _END.search(text, match.start(), limit)
        yield Booking(_tags(text[match.start() : end.start() if end else limit], line), line, account)


def _tags(text: str, line: int) -> Node:
    if text.count("<") > MAX_TAGS:
        raise StatementUnreadable(f"expected at most {MAX_TAGS} tags in a part of OFX.", line)
    return parse_tags(text)[0]


def _amount(booking: Booking) -> int:
    """Return minor units, negative for money that went out."""
    currency = booking.account.currency
    found = [node.value or "" for node in booking.node.find_all("TRNAMT")]
    text = found[0] if len(found) == 1 else ""
    decimals = len(text) - 1 - max(text.rfind("."), text.rfind(",")) if re.search("[.,]", text) else 0
    units = None
    # A mark before three digits may separate thousands, unless the currency has three decimals.
    if _AMOUNT.fullmatch(text) and (decimals != 3 or values.exponent(currency) == 3):
        units = values.minor_units(Decimal(text.replace(",", ".")), currency)
    if units is None:
        raise StatementUnreadable(f"expected one amount (TRNAMT) in {currency}.", booking.line)
    return units


def _payment(booking: Booking, amount: int, *, is_signed: bool) -> Payment:
    node = booking.node
    text = _text(node)[: MAX_TEXT + 1]  # the one character more shows that it was cut off
    found = doubtful_words.find(text)
    kind = (node.text("TRNTYPE") or "").upper()
    doubts = list(found.doubts)
    if not booking.account.is_bank or not (kind in INCOMING or (kind in EITHER and is_signed)):
        doubts.append(Why.SIGN_UNKNOWN)
    if kind == "HOLD" and Why.STATE_UNKNOWN not in doubts:
        doubts.append(Why.STATE_UNKNOWN)
    currency = booking.account.currency
    if any((symbol.value or "").upper() != currency for symbol in node.find_all("CURSYM")):
        doubts.append(Why.CURRENCY_UNCLEAR)
    return Payment(
        line=booking.line,
        on=_day(booking),
        amount=amount,
        currency=currency,
        text=text,
        reference=node.text("FITID") or "",
        reversal=found.reversal or bool(node.find("CORRECTFITID") or node.find("REVERSALFITID")),
        doubts=tuple(doubts),
    )


def _day(booking: Booking) -> date:
    day = values.parse_date((booking.node.text("DTPOSTED") or "")[:8], DateOrder.YEAR_FIRST)
    if day is None:
        raise StatementUnreadable("expected a date (DTPOSTED), such as 20261123.", booking.line)
    return day


def _text(node: Node) -> str:
    found = (found.value for tag in TEXTS for found in node.find_all(tag))
    return " ".join(" ".join(text.split()) for text in found if text)
