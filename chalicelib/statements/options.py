"""What may be said about a file of a bank where looking at it is not enough."""

from enum import StrEnum
from typing import NamedTuple


class StatementFormat(StrEnum):
    CSV = "csv"
    MT940 = "mt940"
    CAMT = "camt053"  # and 052 and 054, which have the same bookings


class DateOrder(StrEnum):
    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"
    YEAR_FIRST = "ymd"


class ParseOptions(NamedTuple):
    """What is None is found out. Columns are named by their heading, or by their number, counted from 1.

    Attributes:
        currency: of all amounts, but only where the file does not say (ISO 4217).
        decimal: "," or ".".
        amount: the column of signed amounts; or else `credit`, and perhaps `debit`, or `amount` with `sign`, a column
            that says which of both it is.
        text: the columns in which a code may be.
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
    money: str | None = None  # the column of currencies
    state: str | None = None  # the column that says whether it is booked
    text: tuple[str, ...] = ()
