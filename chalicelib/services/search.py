"""Find orders and contacts by whatever somebody remembers of them. A page takes at most three requests.

A search has two parts. First comes what the text names directly: orders by their codes, and the order that owns a
number. Then come people whose name or phone number may be meant, in the order of the index, with their orders, newest
first. Results of the first part are left out of the second. Every page derives the first part from the text again, so
the cursor need not carry it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import NoneType
from typing import NamedTuple, TypeVar

from chalicelib.adapters.phone_numbers import matches_phone
from chalicelib.domain.contacts import Contact
from chalicelib.domain.filters import OrderFilter, RaffleFilter
from chalicelib.domain.orders import Order
from chalicelib.domain.searches import SearchTerms, phone_end, read_search
from chalicelib.store import board, contact_index, contacts, orders, raffles, search_reads
from chalicelib.store.pages import Page, decode_cursor, encode_cursor
from chalicelib.store.search_reads import BATCH, ItemsRead, Key

T = TypeVar("T")
NEWEST_RAFFLES = 50  # in which a ticket's number is searched for, if the search names no raffle


class _Position(NamedTuple):
    """Where a page begins.

    Attributes:
        named: how many of the results that the text names directly come before it.
        place: the page begins after this place in the index of people; None: at the first one.
        contact_id: the page begins among the orders of this contact.
        order: it begins after this place among them; None: at the newest one.
    """

    named: int = 0
    place: str | None = None
    contact_id: str | None = None
    order: str | None = None

    @classmethod
    def from_cursor(cls, cursor: str | None) -> "_Position":
        """Raises CursorInvalid."""
        if cursor is None:
            return cls()
        text = (str, NoneType)
        return cls(*decode_cursor(cursor, int, text, text, text))

    @property
    def cursor(self) -> str:
        return encode_cursor(*self)


class _IndexedContact(NamedTuple):
    place: str
    contact: Contact


class _Matches(NamedTuple):
    """What a text may mean.

    Attributes:
        named: ids of the orders that it names directly.
        people: the contacts that it may mean.
        next_place: there may be more people after this place; None: these are all.
        items: all that was read.
    """

    named: Sequence[str]
    people: Sequence[_IndexedContact]
    next_place: str | None
    items: ItemsRead


class _Share(NamedTuple):
    """The orders of a person that are read for a page, newest first. `is_all`: the person has no others."""

    person: _IndexedContact
    order_ids: Sequence[str]
    is_all: bool


Step = tuple[_Position, T]  # a result, and the position of a page that begins with it


def find_orders(text: str, order_filter: OrderFilter, *, limit: int, after: str | None = None) -> Page[Order]:
    """Return one page of the orders that `text` may mean, forwards only.

    They are found by code, by a ticket's number, and by the buyer's name or phone number. A number is one of the newest
    raffles if the filter names none; with six or seven digits, it is one only of the raffle that the filter names.
    A page may be short or empty and still have a next one. Raises CursorInvalid.
    """
    search = read_search(text)
    position = _Position.from_cursor(after)
    if position.contact_id is not None:
        return _page_within_person(search, order_filter, position, limit)
    most = limit + 1 if order_filter == OrderFilter() else BATCH
    matches = _find_matches(search, position, most, raffle_id=order_filter.raffle_id)
    buyers = [person for person in matches.people if order_filter.contact_id in (None, person.contact.id)]
    shares = _share_room(buyers, min(most, BATCH - len(matches.items.owner_ids)))
    # The first buyer's newest orders alone would make a page that is shorter than all others.
    if not matches.named and shares and not shares[0].is_all:
        first = shares[0].person
        return _page_of_person(_Position(place=first.place, contact_id=first.contact.id), order_filter, limit)
    order_ids = [*matches.items.owner_ids, *(order_id for share in shares for order_id in share.order_ids)]
    known = matches.items.orders | search_reads.read(map(orders.key, order_ids)).orders

    start = _Position(len(matches.named), position.place)
    bought, end_of_shares = _steps_of_shares(shares, start, known)
    all_read = len(shares) == len(buyers) and all(share.is_all for share in shares)
    end = _end(matches) if all_read else end_of_shares
    named = ((_Position(index), known[order_id]) for index, order_id in enumerate(matches.named) if order_id in known)
    steps = [*named, *((begin, order) for begin, order in bought if order.id not in matches.named)]
    return _page(
        [(begin, order) for begin, order in steps if begin.named >= position.named and order_filter.matches(order)],
        end,
        limit,
    )


def find_contacts(
    text: str, *, person_wanted: bool = False, opted_out: bool = False, limit: int, after: str | None = None
) -> Page[Contact]:
    """Return one page of the contacts that `text` may mean, forwards only.

    They are found by the code of one of their orders, by name and by phone number. A page may be short or empty and
    still have a next one. Raises CursorInvalid.
    """
    search = read_search(text)
    position = _Position.from_cursor(after)
    matches = _find_matches(search, position, BATCH if person_wanted or opted_out else limit + 1)
    items = matches.items
    buyer_ids = [items.orders[code].contact_id if code in items.orders else "" for code in matches.named]
    missing = [contact_id for contact_id in buyer_ids if contact_id and contact_id not in items.contacts]
    known = items.contacts | search_reads.read(map(contacts.key, missing)).contacts

    steps = [
        (_Position(index), known[contact_id])
        for index, contact_id in enumerate(buyer_ids)
        if contact_id in known and contact_id not in buyer_ids[:index]
    ]
    place = position.place
    for person in matches.people:
        if person.contact.id not in buyer_ids:
            steps.append((_Position(len(matches.named), place), person.contact))
        place = person.place

    def is_wanted(contact: Contact) -> bool:
        return (contact.person_wanted_at is not None or not person_wanted) and (contact.opted_out or not opted_out)

    steps = [(begin, contact) for begin, contact in steps if begin.named >= position.named and is_wanted(contact)]
    return _page(steps, _end(matches), limit)


def _find_matches(search: SearchTerms, position: _Position, most: int, *, raffle_id: str | None = None) -> _Matches:
    """Find what a text may mean, and up to `most` people, in two requests.

    `owner_ids` of the items read is the order that owns the number.
    """
    keys = list(map(orders.key, search.codes))
    next_place = None
    if search.words:
        most = min(most, BATCH - len(keys))
        entries, next_place = contact_index.find_by_name(
            search.words, search.key_word, after=position.place, limit=most
        )
    else:
        first = _read_first(search, raffle_id)
        entries = [entry for entry in first.people if position.place is None or entry.place > position.place]
        keys += _ticket_keys(search, first)
    room = BATCH - len(keys)
    if len(entries) > room:
        entries = entries[:room]
        next_place = entries[-1].place
    items = search_reads.read([*keys, *(contacts.key(entry.contact_id) for entry in entries)])
    people = [
        _IndexedContact(entry.place, items.contacts[entry.contact_id])
        for entry in entries
        if entry.contact_id in items.contacts and _has_phone(search, items.contacts[entry.contact_id])
    ]
    return _Matches(list(dict.fromkeys((*search.codes, *items.owner_ids))), people, next_place, items)


def _read_first(search: SearchTerms, raffle_id: str | None) -> ItemsRead:
    """Read who may have the phone number, and the raffles that may have the ticket number. One request.

    Without a raffle, a number that is too short for a phone number is one of the newest raffles.
    """
    if search.number is not None and search.phone is None and raffle_id is None:
        return ItemsRead(raffles=raffles.listed(RaffleFilter(), limit=NEWEST_RAFFLES).items)
    return search_reads.read(_first_keys(search, raffle_id))


def _first_keys(search: SearchTerms, raffle_id: str | None) -> Iterator[Key]:
    """Yield the keys of who may have the phone number, and of the raffle that has the ticket number."""
    end = phone_end(search.phone or "")
    if end is not None:
        yield contact_index.phone_key(end)
    if search.number is not None and raffle_id is not None:
        yield raffles.key(raffle_id)


def _ticket_keys(search: SearchTerms, items: ItemsRead) -> Iterator[Key]:
    for raffle in items.raffles:
        if search.number is not None and raffle.first_number <= search.number <= raffle.last_number:
            yield board.ticket_key(raffle, search.number)


def _has_phone(search: SearchTerms, contact: Contact) -> bool:
    """Return whether the contact has the phone number searched for, or none was: many end in the same digits."""
    return search.phone is None or matches_phone(search.phone, contact.phone or "")


def _end(matches: _Matches) -> _Position | None:
    return None if matches.next_place is None else _Position(len(matches.named), matches.next_place)


def _share_room(buyers: Sequence[_IndexedContact], room: int) -> list[_Share]:
    """Share the room for orders among the buyers, newest orders first.

    Only the first buyer may have orders left over. After a buyer who has, there is no other.
    """
    shares: list[_Share] = []
    for person in buyers:
        order_ids = person.contact.newest_orders
        if len(order_ids) > room and shares:
            break
        is_all = len(order_ids) <= room and not person.contact.has_older_orders
        shares.append(_Share(person, order_ids[:room], is_all))
        room -= len(order_ids)
        if not is_all:
            break
    return shares


def _steps_of_shares(
    shares: Sequence[_Share], start: _Position, known: Mapping[str, Order]
) -> tuple[list[Step[Order]], _Position]:
    """Return the orders of these shares, and the position of the page after them."""
    steps: list[Step[Order]] = []
    position = start
    for share in shares:
        inside = start._replace(place=share.person.place, contact_id=share.person.contact.id)
        orders_read = [known[order_id] for order_id in share.order_ids if order_id in known]
        for order in orders_read:
            steps.append((position, order))
            position = inside._replace(order=orders.cursor_after_order(order))
        if share.is_all:
            position = start._replace(place=share.person.place)
        elif not orders_read:
            position = inside
    return steps, position


def _page_within_person(search: SearchTerms, order_filter: OrderFilter, position: _Position, limit: int) -> Page[Order]:
    """Return a page of one person's orders, without those that the text names directly."""
    first = search_reads.read(_first_keys(replace(search, phone=None), order_filter.raffle_id))
    owner_ids = search_reads.read(_ticket_keys(search, first)).owner_ids
    return _page_of_person(position, order_filter, limit, without=(*search.codes, *owner_ids))


def _page_of_person(
    position: _Position, order_filter: OrderFilter, limit: int, without: Collection[str] = ()
) -> Page[Order]:
    page = orders.listed(replace(order_filter, contact_id=position.contact_id), limit=limit, after=position.order)
    end = position._replace(order=page.next) if page.next else position._replace(contact_id=None, order=None)
    return Page([order for order in page.items if order.id not in without], end.cursor, None)


def _page(steps: Sequence[Step[T]], end: _Position | None, limit: int) -> Page[T]:
    position = steps[limit][0] if len(steps) > limit else end
    return Page([item for _, item in steps[:limit]], position and position.cursor, None)
