"""Lists, filters and searches over 100,000 orders and contacts: requests per page, and last page against first."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from bench.dataset import Dataset, build_dataset
from bench.dynamodb_meter import timed
from bench.figures import Figure, ratio
from bench.testbed import Testbed
from chalicelib.domain.filters import OrderFilter
from chalicelib.domain.orders import OrderStatus
from chalicelib.services.search import find_contacts, find_orders
from chalicelib.store import contacts, orders
from chalicelib.store.pages import Page, decode_cursor, encode_cursor

SIZE = 100_000  # orders, and contacts
PAGE = 100
RUNS = 15
SAMPLED = 20  # pages at each end of a list
S = OrderStatus
Read = Callable[..., Page[Any]]


def lists(testbed: Testbed, size: int = SIZE) -> Iterator[Figure]:
    dataset = build_dataset(testbed, size)
    most = {"a list or filter": 0, "a search": 0}
    for name, read in _reads(dataset):
        testbed.progress(name)
        requests, cursor = _walk(testbed, read)
        group = "a search" if "search" in name else "a list or filter"
        most[group] = max(most[group], *requests)
        if cursor is None:  # there is only one page
            continue
        first: list[float] = []
        last: list[float] = []
        for _ in range(RUNS):
            first.append(timed(partial(read, after=None)))
            last.append(timed(partial(read, after=cursor)))
        yield ratio(f"{name}: last page to first", last, first, "<= 1.5")
    for group, requests_made in most.items():
        yield Figure(f"{group} of {size:,} orders and contacts: a page, at most", requests_made, "requests", "<= 3")


def _reads(dataset: Dataset) -> Iterator[tuple[str, Read]]:
    raffle_id = dataset.raffle.id
    heavy = dataset.heavy
    filters = {
        "orders": OrderFilter(),
        "orders in a status": OrderFilter(statuses=(S.PAID,)),
        "orders of a raffle": OrderFilter(raffle_id=raffle_id),
        **{
            f"orders of a raffle, {status}": OrderFilter(raffle_id=raffle_id, statuses=(status,))
            for status in (S.PAID, S.IN_REVIEW)
        },
        "orders of a contact": OrderFilter(contact_id=heavy.id),
        "orders of a contact, in a status": OrderFilter(contact_id=heavy.id, statuses=(S.IN_REVIEW,)),
        "orders of a contact and raffle": OrderFilter(contact_id=heavy.id, raffle_id=raffle_id),
        "orders of a contact and raffle, in a status": OrderFilter(
            contact_id=heavy.id, raffle_id=raffle_id, statuses=(S.DRAFT,)
        ),
    }
    for name, wanted in filters.items():
        yield name, partial(orders.listed, wanted, limit=PAGE)
    waiting = (S.IN_REVIEW, S.PENDING_PAYMENT)
    yield "orders that wait for money", partial(orders.waiting, waiting, limit=PAGE)
    yield "orders of a raffle that wait for money", partial(orders.waiting, waiting, raffle_id=raffle_id, limit=PAGE)
    yield "contacts", partial(contacts.listed, limit=PAGE)
    yield "contacts who want a person", partial(contacts.listed, limit=PAGE, person_wanted=True)
    yield "contacts who have opted out", partial(contacts.listed, limit=PAGE, opted_out=True)
    yield "contacts, both", partial(contacts.listed, limit=PAGE, person_wanted=True, opted_out=True)
    order_sample = dataset.orders[len(dataset.orders) // 2]
    person = next(contact for contact in dataset.contacts if contact.id == order_sample.contact_id)
    first, last = person.name.split()
    mistyped = f"{order_sample.id[:3]}Z{order_sample.id[4:]}"
    texts = {
        "code": order_sample.id, "code with a mistake": mistyped,
        "letter": first[0], "name": first, "names": f"{last} {first[:4]}",
        "phone": f"+{person.phone}", "national phone": str(person.phone)[3:], "phone of many orders": f"+{heavy.phone}",
    }  # fmt: skip
    for kind, text in texts.items():
        yield f"orders, search: {kind}", partial(find_orders, text, OrderFilter(), limit=PAGE)
        yield f"contacts, search: {kind}", partial(find_contacts, text, limit=PAGE)
    for kind, text in ({**texts, "number": str(order_sample.numbers[0])}).items():
        paid_filter = OrderFilter(raffle_id=raffle_id, statuses=(S.PAID,))
        yield f"paid orders of a raffle, search: {kind}", partial(find_orders, text, paid_filter, limit=PAGE)
    yield "contacts who want a person, search: letter", partial(find_contacts, first[0], person_wanted=True, limit=PAGE)


def _walk(testbed: Testbed, read: Read) -> tuple[list[int], str | None]:
    """Return the requests of each page, and the cursor of the last page that is about as full as the first.

    The cursor is None if that is the first page. If a list can be read backwards, only pages at both ends are read.
    """
    requests: list[int] = []

    def page_at(after: str | None, **options: Any) -> Page[Any]:
        pages: list[Page[Any]] = []
        requests.append(len(testbed.meter.during(lambda: pages.append(read(after=after, **options)))))
        return pages[0]

    page = page_at(None)
    cursor: str | None = None
    most = len(page.items)
    turned = False
    while page.next is not None:
        if len(requests) == SAMPLED and page.previous is not None and not turned:
            page = page_at(_end(page.next, page.previous), backwards=True)
            turned = True
            for _ in range(SAMPLED):
                page = page_at(page.previous, backwards=True)
            continue
        after = page.next
        page = page_at(after)
        if page.items and 2 * len(page.items) >= most:
            cursor = after
    return requests, cursor


def _end(cursor: str, earlier: str) -> str:
    """Return a cursor behind all entries of the index that the cursor belongs to."""
    text = (str,) * 4
    *key, place = decode_cursor(cursor, *text)
    ascending = place > decode_cursor(earlier, *text)[3]
    return encode_cursor(*key, "~" if ascending else "0")
