"""Read statements in camt.053, 052 and 054 (ISO 20022). All versions have the elements that are read here.

The standard library reads the XML, through defusedxml, which refuses entities and document types: a file must neither
expand without end nor pull in other files.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from chalicelib.domain.code_mentions import MAX_TEXT
from chalicelib.domain.refusals import StatementTooLarge, StatementUnreadable
from chalicelib.domain.statements import Outgoing, Payment, Statement, Why
from chalicelib.statements import doubtful_words, values

MESSAGES = {"BkToCstmrStmt": "camt.053", "BkToCstmrAcctRpt": "camt.052", "BkToCstmrDbtCdtNtfctn": "camt.054"}
MAX_BOOKINGS = 10_000  # they take a second or two
MAX_DEPTH = 60  # levels of nested elements; real files have about 12
MAX_ELEMENTS = 300_000  # 30 for each booking; they take a second or two
MAX_ATTRIBUTES = 150_000  # currencies of amounts, mostly
# Where a payer's words may be, in the order in which they are shown.
TEXTS = ("RmtInf", "Refs/EndToEndId", "AddtlTxInf", "RltdPties/UltmtDbtr", "RltdPties/Dbtr")
# Not booked yet, or only announced (INFO).
NOT_BOOKED = frozenset({"PDNG", "INFO", "FUTR"})
PLACEHOLDERS = frozenset({"NOTPROVIDED", "NONREF"})
# Of the parties only the name is text, neither address nor identification.
TEXT_ELEMENTS = frozenset({"Ustrd", "Ref", "AddtlRmtInf", "EndToEndId", "AddtlTxInf", "AddtlNtryInf", "Nm"})

_AMOUNT = re.compile(r"\d{1,18}(?:\.\d{1,5})?", re.ASCII)


def read(raw: bytes) -> Statement:
    """Read the bookings of a file. A payment's `line` is the number of its entry.

    Raises StatementUnreadable, StatementTooLarge.
    """
    if raw.count(b"=") > MAX_ATTRIBUTES:
        raise StatementTooLarge(f"The statement has more than {MAX_ATTRIBUTES:,} attributes of XML.")
    payments: list[Payment] = []
    outgoing: list[Outgoing] = []
    entries = 0
    pending = 0
    message: str | None = None
    try:
        for element in _elements(raw):
            name = _name(element)
            message = message or MESSAGES.get(name)
            if name == "Ntry":
                entries += 1
                if max(entries, len(payments)) > MAX_BOOKINGS:
                    raise StatementTooLarge(f"The statement has more than {MAX_BOOKINGS:,} bookings.")
                status = _text_at(element, "Sts")
                if status in NOT_BOOKED:
                    pending += 1
                elif _text_at(element, "CdtDbtInd") == "DBIT":
                    outgoing.append(Outgoing(entries, _text(element, _parts(element))))
                else:
                    is_booked = status == "BOOK" or (not status and message == "camt.053")
                    payments += _payments(entries, element, () if is_booked else (Why.STATE_UNKNOWN,))
    except ParseError as failure:
        raise StatementUnreadable("expected well-formed XML.", failure.position[0]) from None
    except DefusedXmlException:
        raise StatementUnreadable("The XML declares a document type or entities, which no statement does.") from None
    except (ValueError, LookupError):  # an unknown encoding
        raise StatementUnreadable("The XML names an encoding that can't be read.") from None
    if message is None:
        raise StatementUnreadable("Expected a statement as camt.053 (or camt.052, camt.054); this is another XML file.")
    read_as = {"format": "camt053", "message": message}
    return Statement(payments=payments, outgoing=outgoing, pending=pending, lines=entries, read_as=read_as)


def _elements(raw: bytes) -> Iterator[Element]:
    """Yield each message when it begins, and each element when it ends.

    Entries, and whatever is outside of them, are dropped then to save memory.
    """
    around: list[Element] = []
    entry = 0  # depth of the entry that is being read
    elements = 0
    for event, element in iterparse(BytesIO(raw), events=("start", "end"), forbid_dtd=True):
        if event == "start":
            around.append(element)
            if _name(element) in MESSAGES:
                yield element
            if len(around) > MAX_DEPTH:
                raise StatementUnreadable("The XML is nested deeper than any statement.")
            entry = entry or (len(around) if _name(element) == "Ntry" else 0)
            elements += 1
            if elements > MAX_ELEMENTS:
                raise StatementTooLarge(f"The statement has more than {MAX_ELEMENTS:,} elements of XML.")
            continue
        yield element
        around.pop()
        entry = 0 if len(around) < entry else entry
        if not entry and around:
            around[-1].clear()


class Booked(NamedTuple):
    """What an entry says of all its transactions. It is read once: an entry may have thousands of them."""

    line: int
    on: date
    reference: str
    text: str
    reversal: bool
    doubts: tuple[Why, ...]


def _payments(entry: int, element: Element, doubts: tuple[Why, ...]) -> list[Payment]:
    """Return a payment for each transaction of the entry if their amounts add up, else one for the whole entry."""
    whole = _money(entry, element.find("{*}Amt"))
    parts = _parts(element)
    if _text_at(element, "CdtDbtInd") != "CRDT":
        doubts = (*doubts, Why.SIGN_UNKNOWN)
    booked = Booked(
        line=entry,
        on=_day(entry, element),
        reference=_text_at(element, "AcctSvcrRef") or _text_at(element, "NtryRef"),
        text=" ".join(_texts_at(element, "AddtlNtryInf"))[: MAX_TEXT + 1],
        reversal=_text_at(element, "RvslInd") in ("true", "1"),
        doubts=doubts,
    )
    if len(parts) > MAX_BOOKINGS:
        raise StatementTooLarge(f"An entry has more than {MAX_BOOKINGS:,} transactions.")
    amounts = [_part(entry, part) for part in parts]
    split = (
        len(parts) > 1
        and all(amount is not None and amount.currency == whole.currency for amount in amounts)
        and not any(map(_went_out, parts))
        and sum(amount.amount for amount in amounts if amount) == whole.amount
    )
    if not split:
        return [_payment(booked, parts, whole)] if whole.amount else []
    singles = zip(parts, amounts, strict=True)
    return [_payment(booked, [part], amount) for part, amount in singles if amount and amount.amount]


def _parts(element: Element) -> list[Element]:
    return element.findall("{*}NtryDtls/{*}TxDtls")


class Money(NamedTuple):
    amount: int
    currency: str


def _part(entry: int, part: Element) -> Money | None:
    amount = part.find("{*}Amt")
    amount = part.find("{*}AmtDtls/{*}TxAmt/{*}Amt") if amount is None else amount
    return None if amount is None else _money(entry, amount)


def _money(entry: int, amount: Element | None) -> Money:
    currency = "" if amount is None else amount.get("Ccy", "")
    text = "" if amount is None else (amount.text or "").strip()
    is_amount = values.is_currency(currency) and _AMOUNT.fullmatch(text)
    units = values.minor_units(Decimal(text), currency) if is_amount else None
    if units is None:
        raise StatementUnreadable(f"Entry {entry}: expected an amount (Amt) with its currency (Ccy).")
    return Money(units, currency)


def _payment(booked: Booked, parts: Sequence[Element], money: Money) -> Payment:
    own = _text_at(parts[0], "Refs/AcctSvcrRef") if len(parts) == 1 else ""
    text = " ".join(filter(None, (*_part_texts(parts), booked.text)))
    found = doubtful_words.find(text[:MAX_TEXT])
    return Payment(
        line=booked.line,
        on=booked.on,
        amount=money.amount,
        currency=money.currency,
        text=text[: MAX_TEXT + 1],  # the one character more shows that it was cut off
        reference=own or booked.reference,
        reversal=booked.reversal or found.reversal or any(map(_came_back, parts)),
        doubts=(*booked.doubts, *(doubt for doubt in found.doubts if doubt not in booked.doubts)),
    )


def _came_back(part: Element) -> bool:
    """Return whether a transfer of ours came back (RtrInf), or this part went out."""
    return _went_out(part) or part.find("{*}RtrInf") is not None


def _went_out(part: Element) -> bool:
    return _text_at(part, "CdtDbtInd") == "DBIT"


def _text(element: Element, parts: Sequence[Element]) -> str:
    return " ".join([*_part_texts(parts), *_texts_at(element, "AddtlNtryInf")])


def _part_texts(parts: Sequence[Element]) -> list[str]:
    return [text for part in parts for place in TEXTS for text in _texts_at(part, place)]


def _day(entry: int, element: Element) -> date:
    for place in ("BookgDt", "ValDt"):
        text = _text_at(element, place)[:10]
        try:
            return date.fromisoformat(text)
        except ValueError:
            continue
    raise StatementUnreadable(f"Entry {entry}: expected a date of booking (BookgDt) or value (ValDt).")


def _texts_at(element: Element, place: str) -> list[str]:
    parts = [part for part in _all_at(element, place) for part in part.iter() if _name(part) in TEXT_ELEMENTS]
    texts = (" ".join((part.text or "").split()) for part in parts)
    return [text for text in texts if text and text not in PLACEHOLDERS]


def _text_at(element: Element, place: str) -> str:
    """Return all text in the first element there. Versions differ in how deep the text is."""
    return next(("".join(part.itertext()).strip() for part in _all_at(element, place)), "")


def _all_at(element: Element, place: str) -> list[Element]:
    return element.findall("/".join(f"{{*}}{name}" for name in place.split("/")))


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
