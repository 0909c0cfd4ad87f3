"""Finding orders and contacts by what somebody remembers of them. A page takes at most three requests.

What a text may mean is looked for in two parts. First what it names by itself: orders by their codes, and the order
that has a number. Then people, by name or phone number, one behind the other as they are filed, with their orders, the
newest first. What belongs to the first part is left out of the second; the text tells it on each page, so nothing must
be remembered from one to the next.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import NoneType
from typing import NamedTuple, TypeVar

from chalicelib.adapters.phone_numbers import is_phone
from chalicelib.domain.contacts import Contact
from chalicelib.domain.orders import Order, OrderStatus
from chalicelib.domain.searches import Search, phone_end, read_search
from chalicelib.store import board, contact_index, contacts, orders, raffles, search_reads
from chalicelib.store.pages import Page, packed, unpacked
from chalicelib.store.search_reads import BATCH, ItemsRead, Key

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class OrderFilter:
    """Which orders; None is any."""

    status: OrderStatus | None = None
    raffle_id: str | None = None
    contact_id: str | None = None

    def takes(self, order: Order) -> bool:
        return (
            self.status in (None, order.status)
            and self.raffle_id in (None, order.raffle_id)
            and self.contact_id in (None, order.contact_id)
        )


class _Spot(NamedTuple):
    """Where a page begins: at one of the things that the text names by itself; when these are done, behind a place
    among the people; or within the orders of a person, behind `order`, a place among these."""

    named: int = 0
    place: str | None = None
    contact_id: str | None = None
    order: str | None = None

    @classmethod
    def of(cls, cursor: str | None) -> "_Spot":
        if cursor is None:
            return cls()
        text = (str, NoneType)
        return cls(*unpacked(cursor, int, text, text, text))

    @property
    def cursor(self) -> str:
        return packed(*self)


class _Person(NamedTuple):
    place: str
    contact: Contact


class _Matches(NamedTuple):
    """What the text names by itself, in order; the people whom it may mean, and behind which place there are more."""

    named: Sequence[str]
    people: Sequence[_Person]
    further: str | None
    found: ItemsRead


class _Share(NamedTuple):
    """The orders of a person that are read for a page, the newest first. `is_all`: they have no others."""

    person: _Person
    order_ids: Sequence[str]
    is_all: bool


Step = tuple[_Spot, T]  # something that is found, and where a page begins that has it first


def find_orders(text: str, wanted: OrderFilter, *, limit: int, after: str | None = None) -> Page[Order]:
    """One page of the orders that `text` may mean, forwards only: by code, by the number of a ticket in the wanted
    raffle, by their buyer's name or phone number.

    A page may be short, or empty, and have others behind it. Raises CursorInvalid.
    """
    search, spot = read_search(text), _Spot.of(after)
    if spot.contact_id is not None:
        return _within(search, wanted, spot, limit)
    most = limit + 1 if wanted == OrderFilter() else BATCH
    matches = _find_matches(search, spot, most, raffle_id=wanted.raffle_id)
    buyers = [person for person in matches.people if wanted.contact_id in (None, person.contact.id)]
    shares = _shares(buyers, min(most, BATCH - len(matches.found.owners)))
    if (
        not matches.named and shares and not shares[0].is_all
    ):  # their newest would be a page that is shorter than all others
        of_one = _Spot(place=shares[0].person.place, contact_id=shares[0].person.contact.id)
        return _orders_of_one(of_one, wanted, limit)
    ids = [*matches.found.owners, *(order_id for share in shares for order_id in share.order_ids)]
    known = matches.found.orders | search_reads.read(map(orders.key, ids)).orders

    start = _Spot(len(matches.named), spot.place)
    theirs, behind = _bought(shares, start, known)
    all_read = len(shares) == len(buyers) and all(share.is_all for share in shares)
    end = _further(matches) if all_read else behind
    named = ((_Spot(at), known[order_id]) for at, order_id in enumerate(matches.named) if order_id in known)
    steps = [*named, *((at, order) for at, order in theirs if order.id not in matches.named)]
    return _page([(at, order) for at, order in steps if at.named >= spot.named and wanted.takes(order)], end, limit)


def find_contacts(
    text: str, *, person_wanted: bool = False, opted_out: bool = False, limit: int, after: str | None = None
) -> Page[Contact]:
    """One page of the contacts that `text` may mean, forwards only: by the code of an order of theirs, by name or phone
    number.

    A page may be short, or empty, and have others behind it. Raises CursorInvalid.
    """
    search, spot = read_search(text), _Spot.of(after)
    matches = _find_matches(search, spot, BATCH if person_wanted or opted_out else limit + 1)
    ordered = [matches.found.orders[code].contact_id if code in matches.found.orders else "" for code in matches.named]
    missing = [contact_id for contact_id in ordered if contact_id and contact_id not in matches.found.contacts]
    known = matches.found.contacts | search_reads.read(map(contacts.key, missing)).contacts

    steps = [(_Spot(at), known[one]) for at, one in enumerate(ordered) if one in known and one not in ordered[:at]]
    place = spot.place
    for person in matches.people:
        if person.contact.id not in ordered:
            steps.append((_Spot(len(matches.named), place), person.contact))
        place = person.place

    def takes(contact: Contact) -> bool:
        return (contact.person_wanted_at is not None or not person_wanted) and (contact.opted_out or not opted_out)

    steps = [(at, contact) for at, contact in steps if at.named >= spot.named and takes(contact)]
    return _page(steps, _further(matches), limit)


def _find_matches(search: Search, spot: _Spot, most: int, *, raffle_id: str | None = None) -> _Matches:
    """Two requests, for `most` people. Of what was read, `owners` has the order of the number."""
    keys, further = list(map(orders.key, search.codes)), None
    if search.words:
        most = min(most, BATCH - len(keys))
        entries, further = contact_index.find_by_name(search.words, search.key_word, after=spot.place, limit=most)
    else:
        first = search_reads.read(_keys_of(search, raffle_id))
        entries = [entry for entry in first.people if spot.place is None or entry.place > spot.place]
        keys += _tickets(search, first)
    room = BATCH - len(keys)
    if len(entries) > room:
        entries, further = entries[:room], entries[room - 1].place
    found = search_reads.read([*keys, *(contacts.key(entry.contact_id) for entry in entries)])
    people = [
        _Person(entry.place, found.contacts[entry.contact_id])
        for entry in entries
        if entry.contact_id in found.contacts and _is_meant(search, found.contacts[entry.contact_id])
    ]
    return _Matches(list(dict.fromkeys((*search.codes, *found.owners))), people, further, found)


def _keys_of(search: Search, raffle_id: str | None) -> Iterator[Key]:
    """Where it says who has the phone number, and on which page of the raffle's board the number is."""
    end = phone_end(search.phone or "")
    if end is not None:
        yield contact_index.phone_key(end)
    if search.number is not None and raffle_id is not None:
        yield raffles.key(raffle_id)


def _tickets(search: Search, found: ItemsRead) -> Iterator[Key]:
    for raffle in found.raffles:
        if search.number is not None and raffle.first_number <= search.number <= raffle.last_number:
            yield board.ticket_key(raffle, search.number)


def _is_meant(search: Search, contact: Contact) -> bool:
    """Whether the contact is one that was looked for: many phone numbers end in the same digits."""
    return search.phone is None or is_phone(search.phone, contact.phone or "")


def _further(matches: _Matches) -> _Spot | None:
    return None if matches.further is None else _Spot(len(matches.named), matches.further)


def _shares(buyers: Sequence[_Person], room: int) -> list[_Share]:
    """The newest orders of as many of the buyers as there is room for; of the first one perhaps not all, and behind one
    who has others nobody."""
    shares: list[_Share] = []
    for person in buyers:
        ids = person.contact.newest_orders
        if len(ids) > room and shares:
            break
        shares.append(_Share(person, ids[:room], is_all=len(ids) <= room and not person.contact.has_older_orders))
        room -= len(ids)
        if not shares[-1].is_all:
            break
    return shares


def _bought(shares: Sequence[_Share], start: _Spot, known: Mapping[str, Order]) -> tuple[list[Step[Order]], _Spot]:
    """The orders of these shares, and where a page begins behind them."""
    steps: list[Step[Order]] = []
    here = start
    for share in shares:
        inside = start._replace(place=share.person.place, contact_id=share.person.contact.id)
        orders_read = [known[order_id] for order_id in share.order_ids if order_id in known]
        for order in orders_read:
            steps.append((here, order))
            here = inside._replace(order=orders.cursor_after(order))
        if share.is_all:
            here = start._replace(place=share.person.place)
        elif not orders_read:
            here = inside
    return steps, here


def _within(search: Search, wanted: OrderFilter, spot: _Spot, limit: int) -> Page[Order]:
    """A page of the orders of one person, but for those that the text names."""
    found = search_reads.read(
        _tickets(search, search_reads.read(_keys_of(replace(search, phone=None), wanted.raffle_id)))
    )
    return _orders_of_one(spot, wanted, limit, but=(*search.codes, *found.owners))


def _orders_of_one(spot: _Spot, wanted: OrderFilter, limit: int, but: Collection[str] = ()) -> Page[Order]:
    page = orders.listed(
        status=wanted.status, raffle_id=wanted.raffle_id, contact_id=spot.contact_id, limit=limit, after=spot.order
    )
    behind = spot._replace(order=page.next) if page.next else spot._replace(contact_id=None, order=None)
    return Page([order for order in page.items if order.id not in but], behind.cursor, None)


def _page(steps: Sequence[Step[T]], end: _Spot | None, limit: int) -> Page[T]:
    spot = steps[limit][0] if len(steps) > limit else end
    return Page([item for _, item in steps[:limit]], spot and spot.cursor, None)
