"""Lists, filters and searches of orders and contacts: what they find, and that a page takes at most three requests."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chalicelib.cli.commands import main
from chalicelib.domain.contacts import MAX_NEWEST_ORDERS, Contact
from chalicelib.domain.filters import OrderFilter
from chalicelib.domain.orders import Order, OrderStatus
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.services.search import find_contacts, find_orders
from chalicelib.store import contact_index, contacts, orders, pages
from chalicelib.store.pages import Page
from chalicelib.store.records import ContactRecord, ListedRecord, NameRecord
from chalicelib.store.transaction import Transaction
from tests.support.identities import NEW_PHONE, NEW_USER_ID, PHONE, USER_ID, contact_of, moves, person, writes
from tests.support.moto_state import empty
from tests.support.request_counts import Requests
from tests.support.steps import SPREAD, buy, hold
from tests.support.stored_contacts import RAFFLE, Shelf
from tests.support.world import Buyer, World, text_of

S = OrderStatus
T = TypeVar("T", Order, Contact)
ANY = OrderFilter()
OLD, NEW = person(PHONE, USER_ID), person(NEW_PHONE, NEW_USER_ID)


@pytest.fixture
def shelf(world: World) -> Shelf:
    return Shelf(world)


def all_of(read: Callable[[str | None], Page[T]]) -> list[T]:
    """A list, page by page, forwards."""
    items: list[T] = []
    page = read(None)
    items += page.items
    while page.next:
        page = read(page.next)
        items += page.items
    return items


def reading(find: Callable[..., Page[T]], *what: object, **how: object) -> Callable[[str | None], Page[T]]:
    """What brings a page of a list from its cursor."""
    return lambda after: find(*what, **how, after=after)


def found_orders(text: str, order_filter: OrderFilter = ANY, limit: int = 50) -> list[str]:
    return [order.id for order in all_of(reading(find_orders, text, order_filter, limit=limit))]


def found_names(text: str, limit: int = 50, **flags: bool) -> list[str]:
    return [contact.name for contact in all_of(reading(find_contacts, text, limit=limit, **flags))]


# By name


def test_contacts_are_found_by_the_beginning_of_any_word_of_their_name(shelf: Shelf) -> None:
    for name in ("María López", "Mariano Gómez", "Lopecia Díaz", "Ana Anaya", "Łukasz O'Brien"):
        shelf.person(name)
    assert found_names("mari") == ["María López", "Mariano Gómez"]
    assert found_names("LÓPE") == ["Lopecia Díaz", "María López"]
    assert found_names("lopez mar") == ["María López"]
    assert found_names("ana") == ["Ana Anaya"]
    assert found_names("o'b") == ["Łukasz O'Brien"]
    assert found_names("ria") == []
    assert found_names("maria diaz") == []


def test_a_new_name_is_found_and_the_old_one_is_not(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    assert found_names("luc") == ["Lucía"]
    lucia.person = replace(lucia.person, name="Lucero Paz")
    lucia.says("menu")
    assert found_names("lucia") == []
    assert found_names("luc") == found_names("paz") == ["Lucero Paz"]


def test_orders_are_found_by_the_name_of_their_buyer(shelf: Shelf) -> None:
    ana = shelf.person("Ana Gómez")
    marco = shelf.person("Marco Gómez")
    first = shelf.order(ana)
    second = shelf.order(marco)
    third = shelf.order(ana, S.PAID)
    assert found_orders("ana") == [third.id, first.id]
    assert sorted(found_orders("gomez")) == sorted([first.id, second.id, third.id])
    assert found_orders("gomez", OrderFilter(statuses=(S.PAID,))) == [third.id]
    assert found_orders("gomez", OrderFilter(contact_id=marco.id)) == [second.id]
    assert found_orders("gomez", OrderFilter(raffle_id="other")) == []


@pytest.mark.parametrize("limit", [1, 3, 20, 50, 200])
@pytest.mark.parametrize(
    "has", [MAX_NEWEST_ORDERS - 1, MAX_NEWEST_ORDERS, MAX_NEWEST_ORDERS + 1, 3 * MAX_NEWEST_ORDERS]
)
def test_orders_of_a_buyer_with_very_many_are_found_by_name(shelf: Shelf, has: int, limit: int) -> None:
    ana = shelf.person("Ana")
    anna = shelf.person("Anna")
    order_ids = [shelf.order(ana).id for _ in range(has)]
    other = shelf.order(anna).id
    assert found_orders("an", limit=limit) == [*order_ids[::-1], other]


# By phone number


def test_a_phone_number_in_any_form_finds_its_contact_and_their_orders(shelf: Shelf) -> None:
    ana = shelf.person("Ana", "50255501234")
    shelf.person("Another", "50366601234")  # ends in the same digits
    order = shelf.order(ana)
    for written in ("+502 5550-1234", "00502 55501234", "(502) 5550 1234", "5550 1234", "50255501234"):
        assert found_names(written) == ["Ana"]
        assert found_orders(written) == [order.id]
    assert found_names("01234") == []


def test_a_number_that_moved_is_found_with_its_new_owner(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    (before,) = find_contacts("+502 5550 0001", limit=5).items
    shelf = Shelf(world)
    shelf.save(replace(before, phone="50277701111"))
    assert found_names("5550 0001") == []
    assert found_names("7770 1111") == ["Lucía"]


def test_a_merged_contact_is_found_once(world: World) -> None:
    """A person writes under new names before WhatsApp tells that they are theirs."""
    writes(world, OLD).says("menu")
    writes(world, NEW).says("menu")
    assert found_names("lucia") == ["Lucía", "Lucía"]
    world.deliver(moves(world, OLD, NEW_PHONE))
    assert found_names("lucia") == found_names("4444 3333") == ["Lucía"]
    assert found_names(str(OLD.phone)) == []
    assert len(listed_contacts()) == 1
    kept = {record.contact_id for kind in (ListedRecord, NameRecord) for record in kind.scan()}
    assert kept == {contact_of(OLD).id}


# By code


def test_a_code_with_a_mistake_finds_the_order_and_its_buyer(shelf: Shelf) -> None:
    ana = shelf.person("Ana")
    order = shelf.order(ana)
    code = order.id
    for written in (
        code.lower(),
        f"{code[:4]} {code[4:]}",
        code[:3] + "0" + code[4:],
        code[:-1],
        f"{code}x",
        f"#{code}",
    ):
        assert found_orders(written) == [code], written
        assert found_names(written) == ["Ana"], written
    assert found_orders(code, OrderFilter(statuses=(S.PAID,))) == []


# By the number of a ticket


@pytest.mark.parametrize("written", ["5", "005", "#5", " # 05 "])
def test_in_a_raffle_a_number_finds_its_buyer(world: World, lucia: Buyer, written: str) -> None:
    raffle = world.raffle()
    order_id = hold(lucia, "5,12")
    assert found_orders(written, OrderFilter(raffle_id=raffle["id"])) == [order_id]
    assert found_orders("6", OrderFilter(raffle_id=raffle["id"])) == []
    assert found_orders("101", OrderFilter(raffle_id=raffle["id"])) == []
    assert found_orders("5", OrderFilter(raffle_id="nosuch")) == []


@pytest.mark.parametrize("written", ["5", "005", "#5"])
def test_without_a_raffle_a_number_finds_its_buyers_in_the_newest_ones(
    world: World, lucia: Buyer, marco: Buyer, written: str
) -> None:
    world.raffle()
    older = world.raffle(code="OVER")
    mine, theirs = hold(lucia, "5,12"), hold(marco, "5,6", "OVER")
    world.api("POST", f"/api/raffles/{older['id']}/close")
    assert sorted(found_orders(written)) == sorted((mine, theirs))
    assert found_orders("12") == [mine]
    assert found_orders("99") == []
    assert found_orders(written, OrderFilter(statuses=(S.PAID,))) == []


def test_a_number_that_may_be_the_end_of_a_phone_number_needs_a_raffle(world: World, lucia: Buyer) -> None:
    """Both would take a request too many."""
    raffle = world.raffle(last_number=1_000_000)
    order_id = hold(lucia, "#123456")
    assert found_orders("123456") == []
    assert found_orders("123456", OrderFilter(raffle_id=raffle["id"])) == [order_id]


# What a text may mean all at once


def test_exact_matches_come_first_and_nothing_comes_twice(world: World, shelf: Shelf) -> None:
    raffle = world.raffle(last_number=1_000_000)
    buyer = world.buyer("Ana", number=1)  # +502 5550 0001
    bought = buy(buyer, "#500001")
    (ana,) = find_contacts("ana", limit=5).items
    others = [shelf.order(ana, raffle_id=raffle["id"]).id for _ in range(30)]
    for limit in (1, 2, 7, 50):
        assert found_orders("500001", OrderFilter(raffle_id=raffle["id"]), limit) == [bought, *others[::-1]]
        assert found_orders(f"ana {bought}", limit=limit) == [bought]
    renamed = shelf.save(replace(shelf.read(ana), name=f"Ana {bought}"))
    for limit in (1, 2, 7, 50):
        assert found_orders(bought, limit=limit) == [bought, *others[::-1]]
        assert found_names(bought, limit) == [renamed.name]


# Requests


RAFFLES = (None, RAFFLE, "with numbers")
TEXTS = ("ana", "ana pers", "+502 5550 1234", "501234", "7", "CODE", "CODE with a mistake", "ana CODE", "nobody", "!")


@pytest.mark.parametrize("raffle_id", RAFFLES)
@pytest.mark.parametrize("status", [None, S.PAID])
@pytest.mark.parametrize("of_one", [False, True])
def test_every_page_of_orders_takes_at_most_three_requests(
    shelf: Shelf, requests: Requests, raffle_id: str | None, status: S | None, of_one: bool
) -> None:
    heavy = crowd(shelf)
    if raffle_id == "with numbers":
        raffle_id = shelf.world.raffle(last_number=1_000_000)["id"]
    contact_id = heavy.id if of_one else None
    order_filter = OrderFilter(statuses=(status,) if status else (), raffle_id=raffle_id, contact_id=contact_id)
    assert_few_requests(requests, reading(orders.listed, order_filter, limit=5))
    for text in texts(heavy):
        assert_few_requests(requests, reading(find_orders, text, order_filter, limit=5))


@pytest.mark.parametrize("raffle_id", [None, RAFFLE])
def test_every_page_of_orders_that_wait_for_money_takes_at_most_three_requests(
    shelf: Shelf, requests: Requests, raffle_id: str | None
) -> None:
    crowd(shelf)
    waits = (S.IN_REVIEW, S.PENDING_PAYMENT)
    assert_few_requests(requests, reading(orders.waiting, waits, raffle_id=raffle_id, limit=5))


@pytest.mark.parametrize("person_wanted", [False, True])
@pytest.mark.parametrize("opted_out", [False, True])
def test_every_page_of_contacts_takes_at_most_three_requests(
    shelf: Shelf, requests: Requests, person_wanted: bool, opted_out: bool
) -> None:
    heavy = crowd(shelf)
    flags = {"person_wanted": person_wanted, "opted_out": opted_out}
    for limit in (5, 200):
        assert_few_requests(requests, reading(contacts.listed, limit=limit, **flags))
    for text in texts(heavy):
        assert_few_requests(requests, reading(find_contacts, text, limit=5, **flags))


def crowd(shelf: Shelf) -> Contact:
    """Some people with an order each, half of whom have opted out, and one who has very many."""
    heavy = shelf.person("Ana Heavy", "50255501234", person_wanted_at=shelf.now, opted_out=True, opted_at=shelf.now)
    for number in range(12):
        shelf.order(shelf.person(f"Ana Person{number}", f"5025{number:03}501234", opted_out=number % 2 == 0))
    for number in range(3 * MAX_NEWEST_ORDERS):
        shelf.order(heavy, (S.DRAFT, S.PAID, S.IN_REVIEW)[number % 3])
    return shelf.read(heavy)


def texts(heavy: Contact) -> list[str]:
    code = heavy.newest_orders[0]
    return [text.replace("CODE with a mistake", code[:-1]).replace("CODE", code) for text in TEXTS]


def assert_few_requests(requests: Requests, read: Callable[[str | None], Page[Any]]) -> None:
    def count(after: str | None) -> Page[Any]:
        pages_read: list[Page[Any]] = []
        taken = requests.during(lambda: pages_read.append(read(after)))
        assert 0 < len(taken) <= 3 or not pages_read[0].items, taken
        assert len(taken) <= 3, taken
        return pages_read[0]

    all_of(count)
    assert "Scan" not in requests.counts()


# The lists


def listed_contacts(limit: int = 50, **flags: bool) -> list[str]:
    return [contact.name for contact in all_of(reading(contacts.listed, limit=limit, **flags))]


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_contacts_are_listed_by_when_they_came_and_by_what_they_wait_for(shelf: Shelf, limit: int) -> None:
    now = shelf.world.clock.now
    shelf.person("Ana", person_wanted_at=now)
    shelf.person("Bea", opted_out=True, opted_at=now, person_wanted_at=now - timedelta(hours=1))
    cleo = shelf.person("Cleo", opted_out=True, opted_at=now - timedelta(days=1))
    shelf.person()
    assert listed_contacts(limit) == ["", "Cleo", "Bea", "Ana"]
    assert listed_contacts(limit, person_wanted=True) == ["Bea", "Ana"]
    assert listed_contacts(limit, opted_out=True) == ["Bea", "Cleo"]
    assert listed_contacts(limit, opted_out=True, person_wanted=True) == ["Bea"]
    shelf.save(replace(cleo, opted_out=False, opted_at=now))
    assert listed_contacts(limit, opted_out=True) == ["Bea"]
    assert_goes_back(contacts.listed, limit=limit)
    assert_goes_back(contacts.listed, limit=limit, person_wanted=True)
    assert_goes_back(contacts.listed, limit=limit, opted_out=True)


def test_a_person_who_asks_again_has_waited_since_the_first_time(world: World, lucia: Buyer, marco: Buyer) -> None:
    for buyer in (lucia, marco, lucia):
        buyer.says("human")
        world.clock.pass_minutes(61)
    assert listed_contacts(person_wanted=True) == ["Lucía", "Marco"]
    notices = [message for message in world.organiser().heard if "Lucía" in text_of(message)]
    assert len(notices) == 2


def test_an_erased_person_is_no_longer_found(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    (contact,) = find_contacts("lucia", limit=5).items
    world.container.privacy.erase(contact.id, by=COMMAND_LINE)
    assert found_names("lucia") == found_names("5550 0001") == []
    assert list(NameRecord.scan()) == []
    assert listed_contacts() == [""]


def test_a_person_who_opts_out_in_whatsapp_is_listed_too(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    (contact,) = contacts.listed(limit=5).items
    contacts.opt_out(contact.id, world.clock.now)
    assert listed_contacts(opted_out=True) == ["Lucía"]
    assert [contact for contact, is_indexed in contacts.scan() if not is_indexed] == []


def assert_goes_back(find: Callable[..., Page[Any]], **how: object) -> None:
    """The page before the next one is this one."""
    page = find(**how)
    while page.next:
        further = find(**how, after=page.next)
        assert find(**how, after=further.previous, backwards=True).items == page.items
        page = further


@pytest.mark.parametrize("looked_at", [1, 2, 7, 1000])
@pytest.mark.parametrize("limit", [1, 3, 50])
def test_pages_of_a_contact_with_very_many_orders_are_bounded_and_skip_none(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, looked_at: int, limit: int
) -> None:
    monkeypatch.setattr(pages, "FILTERED", looked_at)
    ana = shelf.person("Ana")
    stored = [shelf.order(ana, S.PAID if number % 4 == 1 else S.DRAFT) for number in range(14)]
    paid = [order.id for order in stored[::-1] if order.status is S.PAID]
    wanted = OrderFilter(contact_id=ana.id, statuses=(S.PAID,))

    def read(after: str | None, backwards: bool = False) -> Page[Order]:
        return orders.listed(wanted, limit=limit, after=after, backwards=backwards)

    assert [order.id for order in all_of(read)] == paid
    passed = [read(None)]
    while passed[-1].next:
        passed.append(read(passed[-1].next))
    page = next(page for page in reversed(passed) if page.items)
    back = [order.id for order in page.items]
    while page.previous:
        page = read(page.previous, backwards=True)
        back = [*(order.id for order in page.items), *back]
    assert back == paid


def test_orders_of_a_raffle_are_listed_by_status(shelf: Shelf) -> None:
    ana = shelf.person("Ana")
    first = shelf.order(ana)
    second = shelf.order(ana)
    other = shelf.order(ana, raffle_id="other")
    third = shelf.order(ana, S.PENDING_PAYMENT)
    for raffle_id, status, expected in (
        (RAFFLE, S.DRAFT, [second, first]),
        ("other", S.DRAFT, [other]),
        (RAFFLE, S.PAID, []),
    ):
        assert orders.listed(OrderFilter(raffle_id=raffle_id, statuses=(status,)), limit=5).items == expected
    shelf.move(first, S.PENDING_PAYMENT)
    drafts = orders.listed(OrderFilter(raffle_id=RAFFLE, statuses=(S.DRAFT,)), limit=5)
    assert [order.id for order in drafts.items] == [second.id]
    waiting = orders.waiting([S.PENDING_PAYMENT], raffle_id=RAFFLE, limit=5, after=None).items
    waiting_ids = [order.id for order in waiting]
    assert waiting_ids in ([first.id, third.id], [third.id, first.id])


# Bringing up to date what was stored before


def test_a_contact_stored_before_there_were_lists_is_found_after_a_repair(shelf: Shelf) -> None:
    ana = shelf.person("Ana", "50255501234")
    bea = shelf.person("Bea", person_wanted_at=shelf.now)
    order_ids = [shelf.order(ana).id for _ in range(MAX_NEWEST_ORDERS + 3)]
    for contact in (ana, bea):
        forget(contact)
    assert listed_contacts() == found_names("ana") == found_names("5550 1234") == []
    contact_index = shelf.world.container.contact_index
    assert vars(contact_index.check()) == {"contacts": 2, "unfiled": 2, "repaired": 0}
    assert vars(contact_index.check(repair=True)) == {"contacts": 2, "unfiled": 2, "repaired": 2}
    assert vars(contact_index.check()) == {"contacts": 2, "unfiled": 0, "repaired": 0}
    assert listed_contacts() == ["Bea", "Ana"]
    assert listed_contacts(person_wanted=True) == ["Bea"]
    assert found_names("ana") == found_names("5550 1234") == ["Ana"]
    assert found_orders("ana", limit=7) == order_ids[::-1]
    assert shelf.read(ana).newest_orders == tuple(order_ids[: -MAX_NEWEST_ORDERS - 1 : -1])


def test_a_contact_who_writes_again_is_indexed_by_that(world: World, lucia: Buyer, shelf: Shelf) -> None:
    lucia.says("menu")
    (contact,) = contacts.listed(limit=5).items
    old = shelf.order(contact).id
    forget(contact)
    lucia.says("menu")
    assert found_names("lucia") == listed_contacts() == ["Lucía"]
    assert found_orders("lucia") == [old]
    new = shelf.order(contact).id
    assert found_orders("lucia") == [new, old]


def forget(contact: Contact) -> None:
    """Store a contact as it was before there were lists and searches of contacts."""
    transaction = Transaction()
    contact_index.unindex(transaction, contact)
    transaction.commit()
    gone = ("indexed_terms", "newest_orders", "queue_key", "queue_at", "time_key", "time_at")
    ContactRecord(*contacts.key(contact.id)).update([getattr(ContactRecord, name).remove() for name in gone])


def test_the_command_prints_its_findings(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    forget(shelf.person("Ana"))
    assert main(["check", "--contacts"]) == 1
    assert capsys.readouterr().out == "1 contact checked: 1 missing from lists or searches, 0 repaired.\n"
    assert main(["check", "--contacts", "--repair", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"contacts": 1, "unfiled": 1, "repaired": 1}


# Filing leaves room


def test_a_new_name_is_indexed_later_if_a_message_changes_very_much(
    world: World, lucia: Buyer, requests: Requests
) -> None:
    world.raffle(last_number=1_000_000)
    lucia.says("BIKE")
    lucia.person = replace(lucia.person, name="One Two Three Four Five Six")
    lucia.says(SPREAD)
    assert requests.largest_transaction <= 100
    assert found_names("one") == []
    lucia.says("confirm")
    assert found_names("one") == ["One Two Three Four Five Six"]


# While others write


Change = tuple[str, int, str]
NAMES = ("Ana", "Ana Bea", "Bea Ana", "Anabel", "Bea", "An An")
PHONE_OF_ALL = "50255501234"
_people = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 4)), min_size=1, max_size=6)
_changes = st.lists(
    st.tuples(st.sampled_from(["rename", "order", "move", "person"]), st.integers(0, 20), st.sampled_from(NAMES)),
    max_size=8,
)
_unshrunk = (Phase.explicit, Phase.reuse, Phase.generate)
LISTS: dict[str, tuple[Callable[..., Page[Any]], tuple[object, ...]]] = {
    "orders by name": (find_orders, ("an", ANY)),
    "drafts by name": (find_orders, ("an", OrderFilter(statuses=(S.DRAFT,)))),
    "orders by phone": (find_orders, ("5550 1234", ANY)),
    "contacts by name": (find_contacts, ("an",)),
    "contacts by phone": (find_contacts, ("5550 1234",)),
    "contacts": (contacts.listed, ()),
    "orders": (orders.listed, (ANY,)),
    "drafts": (orders.listed, (OrderFilter(statuses=(S.DRAFT,)),)),
    "of a raffle": (orders.listed, (OrderFilter(raffle_id=RAFFLE),)),
    "drafts of a raffle": (orders.listed, (OrderFilter(raffle_id=RAFFLE, statuses=(S.DRAFT,)),)),
}


@settings(max_examples=60, phases=_unshrunk, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(list(LISTS)), _people, _changes, st.integers(1, 3))
def test_entries_that_stay_come_once_whatever_changes_between_pages(
    shelf: Shelf, name: str, people: list[tuple[str, int]], changes: list[Change], limit: int
) -> None:
    empty(shelf.world.stack)
    known = [shelf.person(called, PHONE_OF_ALL) for called, _ in people]
    stored = [shelf.order(contact) for contact, (_, has) in zip(known, people, strict=True) for _ in range(has)]
    find, what = LISTS[name]
    read = partial(find, *what)
    always = {item.id for item in all_of(reading(read, limit=200))}
    seen = Counter[str]()
    page = read(limit=limit)
    to_come = iter(changes)
    renamed = set[str]()  # these have another place among the names, so they may be passed twice, or not at all
    seen.update(item.id for item in page.items)
    while page.next:
        for coming in islice(to_come, 1):
            renamed |= change(shelf, coming, known, stored)
        always &= {item.id for item in all_of(reading(read, limit=200)) if whose(item) not in renamed}
        page = read(limit=limit, after=page.next)
        seen.update(item.id for item in page.items)
    assert {item_id: seen[item_id] for item_id in always} == dict.fromkeys(always, 1)


def whose(item: Order | Contact) -> str:
    return item.contact_id if isinstance(item, Order) else item.id


def change(shelf: Shelf, coming: Change, known: list[Contact], stored: list[Order]) -> set[str]:
    """Ids of the contacts who have another name now."""
    what, position, name = coming
    contact = known[position % len(known)]
    if what == "rename":
        shelf.save(replace(shelf.read(contact), name=name))
        return {contact.id}
    if what == "order":
        stored.append(shelf.order(contact))
    elif what == "person":
        known.append(shelf.person(name, PHONE_OF_ALL))
    elif stored:
        order = orders.get(stored[position % len(stored)].id)
        if order.status is S.DRAFT:
            shelf.move(order, S.PENDING_PAYMENT)
    return set()
