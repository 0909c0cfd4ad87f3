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
from chalicelib.domain.refusals import StatementUnreadable
from chalicelib.domain.statements import Outgoing, Payment, Statement
from chalicelib.statements import values

MESSAGES = {"BkToCstmrStmt": "camt.053", "BkToCstmrAcctRpt": "camt.052", "BkToCstmrDbtCdtNtfctn": "camt.054"}
MAX_DEPTH = 60  # levels of nested elements; real files have about 12
# Where a payer's words may be, in the order in which they are shown.
TEXTS = ("RmtInf", "Refs/EndToEndId", "AddtlTxInf", "RltdPties/UltmtDbtr", "RltdPties/Dbtr")
PLACEHOLDERS = frozenset({"NOTPROVIDED", "NONREF"})
# Of the parties only the name is text, neither address nor identification.
TEXT_ELEMENTS = frozenset({"Ustrd", "Ref", "AddtlRmtInf", "EndToEndId", "AddtlTxInf", "AddtlNtryInf", "Nm"})

_AMOUNT = re.compile(r"\d{1,18}(?:\.\d{1,5})?", re.ASCII)


def read(raw: bytes) -> Statement:
    """Read the bookings of a file. A payment's `line` is the number of its entry. Raises StatementUnreadable."""
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
                if not _is_booked(element):
                    pending += 1
                elif _text_at(element, "CdtDbtInd") == "CRDT":
                    payments += _payments(entries, element)
                else:
                    outgoing.append(Outgoing(entries, _text(element, _parts(element))))
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
    """Yield each element when it ends. Entries, and whatever is outside of them, are dropped then to save memory."""
    around: list[Element] = []
    entry = 0  # depth of the entry that is being read
    for event, element in iterparse(BytesIO(raw), events=("start", "end"), forbid_dtd=True):
        if event == "start":
            around.append(element)
            if len(around) > MAX_DEPTH:
                raise StatementUnreadable("The XML is nested deeper than any statement.")
            entry = entry or (len(around) if _name(element) == "Ntry" else 0)
            continue
        yield element
        around.pop()
        entry = 0 if len(around) < entry else entry
        if not entry and around:
            around[-1].clear()


def _payments(entry: int, element: Element) -> list[Payment]:
    """Return a payment for each transaction of the entry if their amounts add up, else one for the whole entry."""
    whole = _money(entry, element.find("{*}Amt"))
    parts = _parts(element)
    amounts = [_part(entry, part) for part in parts]
    split = (
        len(parts) > 1
        and None not in amounts
        and not any(map(_went_out, parts))
        and sum(amount.amount for amount in amounts if amount) == whole.amount
    )
    if not split:
        return [_payment(entry, element, parts, whole)] if whole.amount else []
    singles = zip(parts, amounts, strict=True)
    return [_payment(entry, element, [part], amount) for part, amount in singles if amount and amount.amount]


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


def _payment(entry: int, element: Element, parts: Sequence[Element], money: Money) -> Payment:
    own = _text_at(parts[0], "Refs/AcctSvcrRef") if len(parts) == 1 else ""
    return Payment(
        line=entry,
        on=_day(entry, element),
        amount=money.amount,
        currency=money.currency,
        text=_text(element, parts)[: MAX_TEXT + 1],  # the one character more shows that it was cut off
        reference=own or _text_at(element, "AcctSvcrRef") or _text_at(element, "NtryRef"),
        reversal=_is_reversal(element, parts),
    )


def _is_reversal(element: Element, parts: Sequence[Element]) -> bool:
    """Return whether the bank reversed a booking, a transfer of ours came back (RtrInf), or a part went out."""
    is_marked = _text_at(element, "RvslInd") in ("true", "1")
    return is_marked or any(_went_out(part) or part.find("{*}RtrInf") is not None for part in parts)


def _went_out(part: Element) -> bool:
    return _text_at(part, "CdtDbtInd") == "DBIT"


def _text(element: Element, parts: Sequence[Element]) -> str:
    texts = [text for part in parts for place in TEXTS for text in _texts_at(part, place)]
    return " ".join([*texts, *_texts_at(element, "AddtlNtryInf")])


def _day(entry: int, element: Element) -> date:
    for place in ("BookgDt", "ValDt"):
        text = _text_at(element, place)[:10]
        try:
            return date.fromisoformat(text)
        except ValueError:
            continue
    raise StatementUnreadable(f"Entry {entry}: expected a date of booking (BookgDt) or value (ValDt).")


def _is_booked(element: Element) -> bool:
    return _text_at(element, "Sts") in ("BOOK", "")


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
