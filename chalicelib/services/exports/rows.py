"""Read the rows of an export in few requests: pages of tickets, batches of orders and contacts."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing

from chalicelib.domain.batches import batched
from chalicelib.domain.export_columns import Row, buyer_row, order_row, ticket_row
from chalicelib.domain.exports import ExportedOrder, ExportRequest, Of, Person
from chalicelib.domain.raffles import Board, TicketStatus
from chalicelib.services.exports.scratch_db import NOBODY, ExportScratchDb, resolve_aliases
from chalicelib.store import export_reads
from chalicelib.store.contacts import MAX_ALIASES
from chalicelib.store.export_reads import ContactName

BATCH = 1_000  # rows that are passed on together; contacts that are read between two calls of `on_read`
NUMBERS = 10_000  # numbers whose tickets are read before their orders and contacts

OnRead = Callable[[float], None]


class RowLimitExceeded(Exception):
    """There are more rows than the caller allows."""


class ExportRows:
    """The rows of one raffle's export.

    Tickets are passed on while they are read. Orders and buyers are all read before the first row, which counts them.

    Attributes:
        total: how many rows there will be; None until they are counted.
    """

    def __init__(
        self, board: Board, request: ExportRequest, *, on_read: OnRead = lambda _: None, most: int | None = None
    ) -> None:
        """Prepare to read. Raises RowLimitExceeded if it is already clear that there are more than `most` rows.

        `on_read` is called again and again with the share of reading that is done, from 0 to 1.
        """
        self._board = board
        self._raffle = board.raffle
        self._request = request
        self._on_read = on_read
        self._most = most
        self.total: int | None = None
        if request.of is Of.TICKETS:
            self._set_total(_expected_tickets(board, request.status))

    def __iter__(self) -> Iterator[Sequence[Row]]:
        """Yield the rows in batches. Raises RowLimitExceeded."""
        with closing(ExportScratchDb()) as scratch:
            match self._request.of:
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
        layout = self._raffle.layout
        digits = self._digits
        for pages in batched(range(layout.pages), max(1, NUMBERS // layout.page_size)):
            owners = {
                number: order_id for page in pages for number, order_id in export_reads.owners(self._raffle.id, page)
            }
            orders = _read_orders(scratch, owners.values())
            people = _read_people(scratch, (order.contact_id for order in orders.values()))
            start = layout.first + pages[0] * layout.page_size
            rows = []
            for number in range(start, min(start + len(pages) * layout.page_size, layout.last + 1)):
                order = orders.get(owners[number]) if number in owners else None
                buyer = people.get(order.contact_id, NOBODY) if order else NOBODY
                status, row = ticket_row(f"{number:0{digits}}", order, buyer)
                if self._request.status in (None, status):
                    rows.append(row)
            yield rows
            self._on_read((pages[-1] + 1) / layout.pages)

    def _orders(self, scratch: ExportScratchDb) -> Iterator[Sequence[Row]]:
        self._load_orders(scratch)
        self._set_total(scratch.count_orders())
        self._load_people(scratch)
        digits = self._digits
        yield from batched((order_row(order, buyer, digits) for order, buyer in scratch.all_orders()), BATCH)

    def _buyers(self, scratch: ExportScratchDb) -> Iterator[Sequence[Row]]:
        self._load_orders(scratch)
        self._load_people(scratch)
        self._set_total(scratch.count_buyers())
        digits, asks_age = self._digits, self._raffle.minimum_age is not None
        rows = (buyer_row(orders, buyer, digits, asks_age=asks_age) for buyer, orders in scratch.all_buyers())
        yield from batched(rows, BATCH)

    def _load_orders(self, scratch: ExportScratchDb) -> None:
        for orders in export_reads.orders_of_raffle(self._raffle.id):
            scratch.put_orders(orders)
            self._check_limit(scratch.count_orders())
            self._on_read(0)

    def _load_people(self, scratch: ExportScratchDb) -> None:
        total = scratch.count_contacts()
        done = 0
        for contact_ids in batched(scratch.all_contact_ids(), BATCH):
            _read_people(scratch, contact_ids)
            done += len(contact_ids)
            self._on_read(done / total)

    def _set_total(self, rows: int) -> None:
        self._check_limit(rows)
        self.total = rows

    def _check_limit(self, rows: int) -> None:
        if self._most is not None and rows > self._most:
            raise RowLimitExceeded


def _expected_tickets(board: Board, status: TicketStatus | None) -> int:
    counts = board.availability
    return {
        None: counts.total,
        TicketStatus.AVAILABLE: counts.available,
        TicketStatus.RESERVED: counts.reserved,
        TicketStatus.SOLD: counts.sold,
    }[status]


def _read_orders(scratch: ExportScratchDb, order_ids: Iterable[str]) -> dict[str, ExportedOrder]:
    """Read orders. One that was read before stays as it was then."""
    unique_ids = list(dict.fromkeys(order_ids))
    orders = scratch.get_orders(unique_ids)
    for batch in export_reads.get_orders(order_id for order_id in unique_ids if order_id not in orders):
        scratch.put_orders(batch)
        orders |= {order.id: order for order in batch}
    return orders


def _read_people(scratch: ExportScratchDb, contact_ids: Iterable[str]) -> dict[str, Person]:
    """Read who the contacts are, following aliases."""
    unique_ids = list(dict.fromkeys(contact_ids))
    people = scratch.get_people(unique_ids)
    missing = [contact_id for contact_id in unique_ids if contact_id not in people]
    names: dict[str, ContactName] = {}
    unread = missing
    for _ in range(MAX_ALIASES):
        for batch in export_reads.get_names(unread):
            names |= batch
        unread = [name.alias_of for name in names.values() if name.alias_of is not None and name.alias_of not in names]
        if not unread:
            break
    resolved = list(resolve_aliases(names, missing))
    scratch.put_people(resolved)
    return people | {contact_id: person for contact_id, _, person in resolved}
