"""The rows of an export, read from the table in few requests: pages of tickets, batches of orders and contacts."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing

from chalicelib.domain.export_columns import Row, buyer_row, order_row, ticket_row
from chalicelib.domain.exports import ExportedOrder, ExportRequest, Of, Person
from chalicelib.domain.raffles import Board, TicketStatus
from chalicelib.services.exports.scratch_db import NOBODY, ExportScratchDb, resolve
from chalicelib.store import export_reads
from chalicelib.store.export_reads import Name, chunks

AT_ONCE = 1_000  # rows that are handed on together, and contacts that are read between two notes
NUMBERS = 10_000  # whose tickets are read before the orders and contacts behind them
STEPS = 4  # from a name to the contact, as in chalicelib/store/contacts.py

Noted = Callable[[float], None]


class TooMany(Exception):
    """More rows than were asked for at most."""


class ExportRows:
    """One raffle's rows. `read` is told of the share of the reading that is done, from 0 to 1, again and again.

    Tickets are read and handed on some pages at a time; orders and buyers are read as a whole first, which counts them.
    """

    def __init__(
        self, board: Board, wanted: ExportRequest, *, read: Noted = lambda _: None, most: int | None = None
    ) -> None:
        self._board, self._raffle, self._wanted = board, board.raffle, wanted
        self._read, self._most = read, most
        self.rows: int | None = None  # how many there will be, as soon as that is known
        if wanted.of is Of.TICKETS:
            self._count(_tickets_expected(board, wanted.status))

    def __iter__(self) -> Iterator[Sequence[Row]]:
        """The rows, some at a time. Raises TooMany."""
        with closing(ExportScratchDb()) as scratch:
            match self._wanted.of:
                case Of.TICKETS:
                    yield from self._tickets(scratch)
                case Of.ORDERS:
                    yield from self._orders(scratch)
                case Of.BUYERS:
                    yield from self._buyers(scratch)

    @property
    def _digits(self) -> int:
        return len(str(self._raffle.last_number))

    def _tickets(self, scratch: ExportScratchDb) -> Iterator[Sequence[Row]]:
        layout, wanted, digits = self._raffle.layout, self._wanted.status, self._digits
        for pages in chunks(range(layout.pages), max(1, NUMBERS // layout.page_size)):
            owned = {
                number: order_id for page in pages for number, order_id in export_reads.owners(self._raffle.id, page)
            }
            sales = _sales(scratch, owned.values())
            people = _people(scratch, (sale.contact_id for sale in sales.values()))
            start = layout.first + pages[0] * layout.page_size
            rows = []
            for number in range(start, min(start + len(pages) * layout.page_size, layout.last + 1)):
                sale = sales.get(owned[number]) if number in owned else None
                buyer = people.get(sale.contact_id, NOBODY) if sale else NOBODY
                status, row = ticket_row(f"{number:0{digits}}", sale, buyer)
                if wanted is None or status is wanted:
                    rows.append(row)
            yield rows
            self._read((pages[-1] + 1) / layout.pages)

    def _orders(self, scratch: ExportScratchDb) -> Iterator[Sequence[Row]]:
        self._load(scratch)
        self._count(scratch.count_sales())
        self._load_people(scratch)
        digits = self._digits
        rows = (order_row(sale, buyer, digits) for sale, buyer in scratch.all_sales())
        yield from chunks(rows, AT_ONCE)

    def _buyers(self, scratch: ExportScratchDb) -> Iterator[Sequence[Row]]:
        self._load(scratch)
        self._load_people(scratch)
        self._count(scratch.count_buyers())
        digits = self._digits
        yield from chunks((buyer_row(sales, buyer, digits) for buyer, sales in scratch.buyers()), AT_ONCE)

    def _load(self, scratch: ExportScratchDb) -> None:
        for sales in export_reads.sales_of(self._raffle.id):
            scratch.put_sales(sales)
            self._check(scratch.count_sales())
            self._read(0)

    def _load_people(self, scratch: ExportScratchDb) -> None:
        total, done = scratch.count_contacts(), 0
        for some in chunks(scratch.contacts(), AT_ONCE):
            _people(scratch, some)
            done += len(some)
            self._read(done / total)

    def _count(self, rows: int) -> None:
        self._check(rows)
        self.rows = rows

    def _check(self, rows: int) -> None:
        if self._most is not None and rows > self._most:
            raise TooMany


def _tickets_expected(board: Board, status: TicketStatus | None) -> int:
    counts = board.availability
    return {
        None: counts.total,
        TicketStatus.AVAILABLE: counts.available,
        TicketStatus.RESERVED: counts.reserved,
        TicketStatus.SOLD: counts.sold,
    }[status]


def _sales(scratch: ExportScratchDb, order_ids: Iterable[str]) -> dict[str, ExportedOrder]:
    """The orders, those that were read before as they were then."""
    wanted = list(dict.fromkeys(order_ids))
    known = scratch.sales(wanted)
    for some in export_reads.sales(order_id for order_id in wanted if order_id not in known):
        scratch.put_sales(some)
        known |= {sale.id: sale for sale in some}
    return known


def _people(scratch: ExportScratchDb, contact_ids: Iterable[str]) -> dict[str, Person]:
    """The people behind the contacts."""
    wanted = list(dict.fromkeys(contact_ids))
    known = scratch.people(wanted)
    missing = [contact_id for contact_id in wanted if contact_id not in known]
    names: dict[str, Name] = {}
    asked = missing
    for _ in range(STEPS):
        for some in export_reads.names(asked):
            names |= some
        asked = [name.alias_of for name in names.values() if name.alias_of is not None and name.alias_of not in names]
        if not asked:
            break
    found = list(resolve(names, missing))
    scratch.put_people(found)
    return known | {contact_id: person for contact_id, _, person in found}
