"""What an export has read so far, on disk where it grows: a million orders and contacts need little memory.

A temporary SQLite database without a name: nobody else can open it, and it is gone with the process. The SQL is that of
SQLite 3.7, which Lambda's Python brings; all that is put into its texts are words of this file.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from chalicelib.domain.exports import ExportedOrder, Person
from chalicelib.domain.orders import OWNING, OrderStatus
from chalicelib.store.export_reads import Name, chunks

AT_ONCE = 500  # values of a query: SQLite takes 999
FETCHED = 1_000  # rows
CACHE = 16_000  # KB of memory; what is more goes to disk
TABLES = f"""
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -{CACHE};
CREATE TABLE sale (
    at INTEGER PRIMARY KEY, id TEXT UNIQUE, contact TEXT, status TEXT, numbers TEXT, unit_amount INTEGER,
    currency TEXT, created REAL, reserved REAL, paid REAL, refunded REAL, refund_reason TEXT
);
CREATE TABLE person (id TEXT PRIMARY KEY, owner TEXT, name TEXT, phone TEXT);
"""
OF_A_SALE = (
    "id", "contact", "status", "numbers", "unit_amount", "currency", "created", "reserved", "paid", "refunded",
    "refund_reason",
)  # fmt: skip
SALE, WIDTH = ", ".join(f"s.{name}" for name in OF_A_SALE), len(OF_A_SALE)
OWNS = f"s.status IN ({', '.join(repr(status.value) for status in sorted(OWNING))})"
SALES_AND_PEOPLE = "sale s JOIN person p ON p.id = s.contact"
NOBODY = Person("", "")


class ExportScratchDb:
    """Orders in the order of their first being put in, and the people behind their contacts."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(TABLES)
        self._db.execute("BEGIN")

    def close(self) -> None:
        self._db.close()

    # Putting in

    def put_sales(self, sales: Iterable[ExportedOrder]) -> None:
        """An order that is there already stays as it is, so that all its rows say the same."""
        marks = ", ".join("?" * WIDTH)
        self._db.executemany(f"INSERT OR IGNORE INTO sale VALUES (NULL, {marks})", map(_sale_values, sales))

    def put_people(self, people: Iterable[tuple[str, str, Person]]) -> None:
        """Contact id, id of the contact that it stands for (most often itself), and who that is."""
        self._db.executemany(
            "INSERT OR REPLACE INTO person VALUES (?, ?, ?, ?)", ((one, owner, *who) for one, owner, who in people)
        )

    # Asking

    def count_sales(self) -> int:
        return self._number("SELECT COUNT(*) FROM sale")

    def count_buyers(self) -> int:
        return self._number(
            f"SELECT COUNT(DISTINCT p.owner) FROM sale s JOIN person p ON p.id = s.contact WHERE {OWNS}"
        )

    def count_contacts(self) -> int:
        return self._number("SELECT COUNT(DISTINCT contact) FROM sale")

    def sales(self, order_ids: Iterable[str]) -> dict[str, ExportedOrder]:
        """Those of the orders that are there."""
        found = {}
        for some in chunks(order_ids, AT_ONCE):
            marks = ", ".join("?" * len(some))
            for row in self._db.execute(f"SELECT {SALE} FROM sale s WHERE s.id IN ({marks})", some):
                found[row[0]] = _sale(row)
        return found

    def people(self, contact_ids: Iterable[str]) -> dict[str, Person]:
        """Those of the contacts that are there."""
        found = {}
        for some in chunks(contact_ids, AT_ONCE):
            marks = ", ".join("?" * len(some))
            for one, *who in self._db.execute(f"SELECT id, name, phone FROM person WHERE id IN ({marks})", some):
                found[one] = Person(*who)
        return found

    def contacts(self) -> Iterator[str]:
        """The ids of all orders' contacts, once each."""
        for (contact_id,) in self._rows("SELECT DISTINCT contact FROM sale"):
            yield contact_id

    def all_sales(self) -> Iterator[tuple[ExportedOrder, Person]]:
        """Every order with its buyer."""
        query = f"SELECT {SALE}, p.name, p.phone FROM sale s LEFT JOIN person p ON p.id = s.contact ORDER BY s.at"
        for row in self._rows(query):
            yield _sale(row), Person(*row[WIDTH:]) if row[WIDTH] is not None else NOBODY

    def buyers(self) -> Iterator[tuple[Person, list[ExportedOrder]]]:
        """Who owns numbers, each with the orders that do, the oldest first; who bought first comes first."""
        query = f"""
            SELECT {SALE}, p.name, p.phone, p.owner FROM {SALES_AND_PEOPLE}
            JOIN (
                SELECT p.owner AS owner, MIN(s.at) AS first FROM {SALES_AND_PEOPLE}
                WHERE {OWNS} GROUP BY p.owner
            ) f ON f.owner = p.owner
            WHERE {OWNS} ORDER BY f.first, s.at
        """
        for _, rows in groupby(self._rows(query), key=lambda row: row[-1]):
            mine = list(rows)
            yield Person(*mine[0][WIDTH:-1]), [_sale(row) for row in mine]

    def _number(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])

    def _rows(self, query: str) -> Iterator[Any]:
        cursor = self._db.execute(query)
        while found := cursor.fetchmany(FETCHED):
            yield from found


def resolve(names: Mapping[str, Name], wanted: Iterable[str]) -> Iterator[tuple[str, str, Person]]:
    """For each contact id who it leads to: itself, or by way of others the contact that took it over."""
    for contact_id in wanted:
        owner, found, passed = contact_id, names.get(contact_id), {contact_id}
        while found is not None and found.alias_of is not None and found.alias_of not in passed:
            owner = found.alias_of
            passed.add(owner)
            found = names.get(owner)
        yield contact_id, owner, Person(found.name, found.phone) if found else NOBODY


def _sale_values(sale: ExportedOrder) -> tuple[Any, ...]:
    return (
        sale.id, sale.contact_id, sale.status.value, " ".join(map(str, sale.numbers)), sale.unit_amount, sale.currency,
        _seconds(sale.created_at), _seconds(sale.reserved_until), _seconds(sale.paid_at),
        _seconds(sale.refunded_at), sale.refund_reason,
    )  # fmt: skip


def _sale(row: Any) -> ExportedOrder:
    return ExportedOrder(
        row[0], row[1], OrderStatus(row[2]), tuple(map(int, row[3].split())), row[4], row[5],
        datetime.fromtimestamp(row[6], UTC), _moment(row[7]), _moment(row[8]), _moment(row[9]), row[10],
    )  # fmt: skip


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
