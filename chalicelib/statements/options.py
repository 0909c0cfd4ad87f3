"""Options for reading a bank's file, for what the file does not show by itself."""

from enum import StrEnum
from typing import NamedTuple


class StatementFormat(StrEnum):
    CSV = "csv"
    MT940 = "mt940"
    CAMT = "camt053"  # and 052 and 054, which have the same bookings
    OFX = "ofx"


class DateOrder(StrEnum):
    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"
    YEAR_FIRST = "ymd"


class ParseOptions(NamedTuple):
    """How to read a file. Whatever is None is detected. Columns are given by heading, or by number, counted from 1.

    Attributes:
        currency: ISO 4217 code of all amounts; it counts only if the file names none.
        decimal: the mark before the decimals, "," or ".".
        amount: the column of signed amounts. Instead there may be `credit`, perhaps with `debit`, or `amount` with
            `sign`, a column that tells credits from debits.
        money: the column of currencies.
        state: the column that tells whether a line is booked.
        text: the columns that may have an order code.
    """

    format: StatementFormat | None = None
    encoding: str | None = None
    currency: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    date_order: DateOrder | None = None
    date: str | None = None
    amount: str | None = None
    credit: str | None = None
    debit: str | None = None
    sign: str | None = None
    money: str | None = None
    state: str | None = None
    text: tuple[str, ...] = ()
