"""A scratch database on disk for what an export has read: a million orders and contacts need little memory.

It is a temporary SQLite database without a name: no other process can open it, and it disappears with this one. The
SQL works with SQLite 3.7, the version on Lambda. Only constants of this file are formatted into it.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from chalicelib.domain.batches import batched
from chalicelib.domain.exports import ExportedOrder, Person
from chalicelib.domain.orders import OWNING, OrderStatus
from chalicelib.store.export_reads import ContactName

MAX_VALUES = 500  # in a query; SQLite allows 999
FETCHED_ROWS = 1_000
CACHE = 16_000  # KB of memory; the rest goes to disk
TABLES = f"""
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -{CACHE};
CREATE TABLE orders (
    position INTEGER PRIMARY KEY, id TEXT UNIQUE, contact TEXT, status TEXT, numbers TEXT, unit_amount INTEGER,
    currency TEXT, created REAL, reserved REAL, paid REAL, refunded REAL, refund_reason TEXT
);
CREATE TABLE people (contact TEXT PRIMARY KEY, owner TEXT, name TEXT, phone TEXT, age INTEGER, age_said REAL);
"""
COLUMNS = (
    "id", "contact", "status", "numbers", "unit_amount", "currency", "created", "reserved", "paid", "refunded",
    "refund_reason",
)  # fmt: skip
WIDTH = len(COLUMNS)
ORDER = ", ".join(f"o.{name}" for name in COLUMNS)
OWNS = f"o.status IN ({', '.join(repr(status.value) for status in sorted(OWNING))})"
PERSON = "p.name, p.phone, p.age, p.age_said"
ORDERS_AND_PEOPLE = "orders o JOIN people p ON p.contact = o.contact"
NOBODY = Person("", "")


class ExportScratchDb:
    """Orders, in the order in which they were first put, and the people behind their contacts."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(TABLES)
        self._db.execute("BEGIN")

    def close(self) -> None:
        self._db.close()

    # Writing

    def put_orders(self, orders: Iterable[ExportedOrder]) -> None:
        """Add orders. One that is already there stays as it is, so that all its rows say the same."""
        marks = ", ".join("?" * WIDTH)
        self._db.executemany(f"INSERT OR IGNORE INTO orders VALUES (NULL, {marks})", map(_as_values, orders))

    def put_people(self, people: Iterable[tuple[str, str, Person]]) -> None:
        """Add people: a contact's id, the id that it is an alias of (or its own), and the person."""
        self._db.executemany(
            "INSERT OR REPLACE INTO people VALUES (?, ?, ?, ?, ?, ?)",
            (
                (contact_id, owner_id, *person[:-1], _as_seconds(person.age_confirmed_at))
                for contact_id, owner_id, person in people
            ),
        )

    # Reading

    def count_orders(self) -> int:
        return self._number("SELECT COUNT(*) FROM orders")

    def count_buyers(self) -> int:
        return self._number(f"SELECT COUNT(DISTINCT p.owner) FROM {ORDERS_AND_PEOPLE} WHERE {OWNS}")

    def count_contacts(self) -> int:
        return self._number("SELECT COUNT(DISTINCT contact) FROM orders")

    def get_orders(self, order_ids: Iterable[str]) -> dict[str, ExportedOrder]:
        """Return the orders that are there, by id."""
        orders = {}
        for batch in batched(order_ids, MAX_VALUES):
            marks = ", ".join("?" * len(batch))
            for row in self._db.execute(f"SELECT {ORDER} FROM orders o WHERE o.id IN ({marks})", batch):
                orders[row[0]] = _as_order(row)
        return orders

    def get_people(self, contact_ids: Iterable[str]) -> dict[str, Person]:
        """Return the people that are there, by contact id."""
        people = {}
        for batch in batched(contact_ids, MAX_VALUES):
            marks = ", ".join("?" * len(batch))
            query = f"SELECT p.contact, {PERSON} FROM people p WHERE p.contact IN ({marks})"
            for contact_id, *person in self._db.execute(query, batch):
                people[contact_id] = _as_person(person)
        return people

    def all_contact_ids(self) -> Iterator[str]:
        """Yield the contact ids of all orders, once each."""
        for (contact_id,) in self._rows("SELECT DISTINCT contact FROM orders"):
            yield contact_id

    def all_orders(self) -> Iterator[tuple[ExportedOrder, Person]]:
        """Yield every order with its buyer."""
        query = f"""
            SELECT {ORDER}, {PERSON} FROM orders o LEFT JOIN people p ON p.contact = o.contact
            ORDER BY o.position
        """
        for row in self._rows(query):
            yield _as_order(row), _as_person(row[WIDTH:]) if row[WIDTH] is not None else NOBODY

    def all_buyers(self) -> Iterator[tuple[Person, list[ExportedOrder]]]:
        """Yield everybody who owns numbers with the orders that do, oldest first. The first to buy comes first."""
        query = f"""
            SELECT {ORDER}, {PERSON}, p.owner FROM {ORDERS_AND_PEOPLE}
            JOIN (
                SELECT p.owner AS owner, MIN(o.position) AS first FROM {ORDERS_AND_PEOPLE}
                WHERE {OWNS} GROUP BY p.owner
            ) f ON f.owner = p.owner
            WHERE {OWNS} ORDER BY f.first, o.position
        """
        for _, group in groupby(self._rows(query), key=lambda row: row[-1]):
            rows = list(group)
            yield _as_person(rows[0][WIDTH:-1]), [_as_order(row) for row in rows]

    def _number(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])

    def _rows(self, query: str) -> Iterator[Any]:
        cursor = self._db.execute(query)
        while rows := cursor.fetchmany(FETCHED_ROWS):
            yield from rows


def resolve_aliases(names: Mapping[str, ContactName], contact_ids: Iterable[str]) -> Iterator[tuple[str, str, Person]]:
    """Yield each contact id, the id that it finally leads to, and the person: NOBODY if there is none."""
    for contact_id in contact_ids:
        owner_id = contact_id
        name = names.get(contact_id)
        passed = {contact_id}
        while name is not None and name.alias_of is not None and name.alias_of not in passed:
            owner_id = name.alias_of
            passed.add(owner_id)
            name = names.get(owner_id)
        person = Person(name.name, name.phone, name.age_confirmed, name.age_confirmed_at) if name else NOBODY
        yield contact_id, owner_id, person


def _as_values(order: ExportedOrder) -> tuple[Any, ...]:
    return (
        order.id, order.contact_id, order.status.value, " ".join(map(str, order.numbers)), order.unit_amount,
        order.currency, _as_seconds(order.created_at), _as_seconds(order.reserved_until), _as_seconds(order.paid_at),
        _as_seconds(order.refunded_at), order.refund_reason,
    )  # fmt: skip


def _as_order(row: Any) -> ExportedOrder:
    return ExportedOrder(
        row[0], row[1], OrderStatus(row[2]), tuple(map(int, row[3].split())), row[4], row[5],
        datetime.fromtimestamp(row[6], UTC), _as_moment(row[7]), _as_moment(row[8]), _as_moment(row[9]), row[10],
    )  # fmt: skip


def _as_person(row: Sequence[Any]) -> Person:
    name, phone, age, said = row
    return Person(name, phone, age, _as_moment(said))


def _as_seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _as_moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
