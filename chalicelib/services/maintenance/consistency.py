"""Checking: whether the board, the indexes and the contacts say what the tickets and orders say, and mending them.

Buyers may be buying meanwhile. So a survey only finds suspects; each is read again, with all that must fit together
read at one moment, and reported if it is wrong twice. A repair is conditioned on what was read.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from time import sleep
from typing import NamedTuple, TypeVar

from chalicelib.domain.board import LeafKey
from chalicelib.domain.consistency import (
    DERIVED,
    ConsistencyReport,
    DifferenceKind,
    Fault,
    Verdict,
    Word,
    WordKey,
    judge,
    lost_deadline,
    ones,
    order_faults,
    over_limit,
    owns,
    summed,
)
from chalicelib.domain.orders import Order
from chalicelib.domain.refusals import TryAgain
from chalicelib.services.maintenance.scan import STEP, UNCLAIMED, Misplaced, Progress, survey, tally_names
from chalicelib.store import consistency_reads
from chalicelib.store.consistency_reads import Indexed, RaffleResized
from chalicelib.store.transaction import retry

PAUSE = 2.0  # seconds before a suspect is looked at for the last time; indexes are hardly ever that far behind
STARTS = 3  # a check begins anew when the raffle grows meanwhile

S = TypeVar("S", bound=Hashable)
T = TypeVar("T")


def _nothing() -> None: ...


class Look(NamedTuple):
    """What differs about a suspect, how it is mended, and what to bear in mind when it is not."""

    faults: Sequence[Fault]
    mend: Callable[[], None] = _nothing
    leave: Callable[[], None] = _nothing


def _silently(what: str, done: int, total: int | None) -> None: ...


@dataclass(frozen=True, kw_only=True)
class ConsistencyCheck:
    """The use case. `pause` takes seconds."""

    pause: Callable[[float], None] = sleep

    def raffle_ids(self) -> list[str]:
        """All raffles, the oldest first."""
        return consistency_reads.raffle_ids()

    def check(self, raffle_id: str, *, repair: bool = False, progress: Progress = _silently) -> ConsistencyReport:
        """Compare all that is stored about a raffle, and with `repair` make anew what follows from tickets and orders.

        Tickets, and what an order is about, are never changed. Raises RaffleNotFound; TryAgain when the raffle was
        resized again and again.
        """

        def attempt() -> ConsistencyReport:
            return _Check(raffle_id, repair=repair, progress=progress, pause=self.pause).run()

        for _ in range(STARTS - 1):
            try:
                return attempt()
            except RaffleResized:
                continue
        try:
            return attempt()
        except RaffleResized:
            raise TryAgain from None


class _Check:
    """One raffle's check, from the survey to the report."""

    def __init__(self, raffle_id: str, *, repair: bool, progress: Progress, pause: Callable[[float], None]) -> None:
        self.repair, self.progress, self.pause = repair, progress, pause
        self.found = survey(raffle_id, progress)
        self.raffle = self.found.raffle
        self.report = ConsistencyReport(self.raffle, tickets=self.found.taken.total(), orders=self.found.orders)
        self.unlisted: dict[str, Order] = {}  # orders met through their tickets only
        # Page → tickets less the numbers that the leaves show as taken, as far as that was not mended; so for sold.
        self.unshown: Counter[int] = Counter()
        self.unshown_sold = 0
        self.tallies = sorted({*tally_names(self.raffle), *self.found.tallies})

    def run(self) -> ConsistencyReport:
        found = self.found
        words = self._examine("board", list(found.odd_words()), self._word)
        for order in self.unlisted.values():
            found.held[order.contact_id] += order.quantity
        self._examine("odd orders", list(dict.fromkeys([*found.odd_orders, *self.unlisted])), self._order)
        self._examine("odd tickets", found.misplaced, self._misplaced)
        self._examine("odd leaves", found.stray_leaves(), self._stray_leaf)
        self._examine("first numbers", found.odd_firsts(), self._first)
        self._examine("odd tallies", found.stray_tallies(), self._stray_tally)
        # What of a page could not be read can't be compared with its count either.
        unread = {word.leaf.page for word in words}
        self._examine("counts", [page for page in found.odd_pages() if page not in unread], self._page)
        if not unread:
            self._examine("sold", ["numbers sold"] if found.miscounts_sold() else [], self._sold)
        self._examine("paid", ["what was paid"] if found.miscounts_paid() else [], self._paid)
        self._examine("contacts", list(self._odd_contacts()), self._contact)
        self._examine("raffle", ["raffle"] if found.filed.wrong else [], self._raffle)
        return self.report

    def _examine(self, what: str, suspects: Sequence[S], look: Callable[[S], Look]) -> list[S]:
        """Look at suspects twice, report those that are wrong both times, and mend them if asked to.

        Returns those that could not be looked at, since they changed again and again.
        """
        unread: list[S] = []

        def settled(suspect: S, attempt: Callable[[], T]) -> T | None:
            try:
                return retry(attempt)
            except TryAgain:
                unread.append(suspect)
                self.report.not_compared.append(f"{what}: {suspect}")
                return None

        def first(suspect: S) -> bool:
            seen = settled(suspect, partial(look, suspect))
            return seen is not None and bool(seen.faults)

        def last(suspect: S) -> Look:
            seen = look(suspect)
            if self.repair and any(fault.kind in DERIVED for fault in seen.faults):
                seen.mend()
            return seen

        still = [suspect for suspect in self._counted(what, suspects) if first(suspect)]
        if still:
            self.pause(PAUSE)
        for suspect in self._counted(f"{what} again", still):
            seen = settled(suspect, partial(last, suspect))
            if seen is not None:
                self._note(seen)
        return unread

    def _note(self, seen: Look) -> None:
        for fault in seen.faults:
            self.report.add(fault, repaired=self.repair and fault.kind in DERIVED)
        if not self.repair:
            seen.leave()

    def _counted(self, what: str, suspects: Sequence[S]) -> Iterator[S]:
        for done, suspect in enumerate(suspects, start=1):
            yield suspect
            if done % STEP == 0 or done == len(suspects):
                self.progress(what, done, len(suspects))

    # One look at each kind of suspect

    def _word(self, key: WordKey) -> Look:
        claims = {number: self.found.claims.get(number, ()) for number in key.numbers(self.raffle.layout)}
        word = consistency_reads.word(self.raffle, key, claims)
        verdict = judge(self.raffle, key, word)
        self._meet(word)

        def mend() -> None:
            consistency_reads.set_word(self.raffle, key, word, taken=verdict.taken, sold=verdict.sold)

        return Look(verdict.faults, mend, lambda: self._bear_in_mind(key, word, verdict))

    def _meet(self, word: Word) -> None:
        """Note the orders that are new since the index was read, or that it does not show."""
        claims = self.found.claims
        for number, ticket in word.tickets.items():
            order = word.orders.get(ticket.order_id)
            met = self.found.said[self.found.position(number)] != UNCLAIMED
            if order and owns(self.raffle, order, number) and not met and order.id not in claims.get(number, ()):
                self.unlisted[order.id] = order

    def _bear_in_mind(self, key: WordKey, word: Word, verdict: Verdict) -> None:
        numbers = key.numbers(self.raffle.layout)
        self.unshown[key.leaf.page] += verdict.taken.bit_count() - ones(word.taken, numbers)
        self.unshown_sold += verdict.sold.bit_count() - ones(word.sold, numbers)

    def _order(self, order_id: str) -> Look:
        found = consistency_reads.orders_now(self.raffle, [order_id])
        if order_id not in found:
            return Look([])
        filed = found[order_id]
        if filed is None:
            return Look([Fault(DifferenceKind.ORDER_UNREADABLE, order_id)])
        faults = order_faults(self.raffle, filed.item, had_deadline=filed.had_deadline)
        filed = self._without_lost_deadline(filed)
        if filed.wrong:
            faults.append(Fault(DifferenceKind.ORDER_KEYS, order_id))
        elif order_id in self.unlisted and not consistency_reads.is_listed(self.raffle, filed.item):
            faults.append(Fault(DifferenceKind.ORDER_UNLISTED, order_id))
        return Look(faults, lambda: consistency_reads.set_order_keys(filed))

    def _without_lost_deadline(self, filed: Indexed[Order]) -> Indexed[Order]:
        """The place in the queue is then the only trace of the deadline: it stays for the person who decides."""
        if not lost_deadline(self.raffle, filed.item, had_deadline=filed.had_deadline):
            return filed
        return filed._replace(wrong={name: right for name, right in filed.wrong.items() if name != "queue_at"})

    def _misplaced(self, ticket: Misplaced) -> Look:
        there = consistency_reads.ticket_is_there(self.raffle, ticket.page, ticket.number)
        return Look([Fault(DifferenceKind.TICKET_MISPLACED, str(ticket))] if there else [])

    def _stray_leaf(self, key: LeafKey) -> Look:
        leaf = consistency_reads.leaf(self.raffle, key)
        faults = [Fault(DifferenceKind.STRAY_LEAF, f"{key.page:03}#{key.leaf}")] if leaf.shows_any else []
        return Look(faults, lambda: consistency_reads.remove_leaf(self.raffle, key, leaf))

    def _first(self, key: LeafKey) -> Look:
        leaf = consistency_reads.leaf(self.raffle, key)
        faults = [Fault(DifferenceKind.LEAF_FIRST, f"{key.page:03}#{key.leaf}")]
        right = leaf.first == self.raffle.layout.numbers(key).start or not leaf.is_stored
        return Look([] if right else faults, lambda: consistency_reads.set_first(self.raffle, key))

    def _stray_tally(self, name: str) -> Look:
        counts = consistency_reads.tally(self.raffle, name)
        faults = [Fault(DifferenceKind.STRAY_TALLY, name)] if any(counts.values()) else []
        return Look(faults, lambda: consistency_reads.fold_tally(self.raffle, name, counts))

    def _page(self, page: int) -> Look:
        tallies, shown = consistency_reads.page(self.raffle, page, self.tallies)
        counted, right = summed(tallies.values()).get(f"p{page}", 0), shown + self.unshown[page]
        if counted == right:
            return Look([])
        fault = Fault(DifferenceKind.TALLY_PAGE, f"page {page}: {counted} counted, {right} taken")
        return Look([fault], lambda: consistency_reads.add_to_tally(self.raffle, f"p{page}", right - counted, tallies))

    def _sold(self, _: str) -> Look:
        tallies, shown = consistency_reads.sold(self.raffle)
        counted, right = summed(tallies.values()).get("sold", 0), shown + self.unshown_sold
        if counted == right:
            return Look([])
        fault = Fault(DifferenceKind.TALLY_SOLD, f"{counted} counted, {right} sold")
        return Look([fault], lambda: consistency_reads.add_to_tally(self.raffle, "sold", right - counted, tallies))

    def _paid(self, _: str) -> Look:
        tallies, right = consistency_reads.paid(self.raffle, self.unlisted)
        counted = summed(tallies.values()).get("paid", 0)
        if counted == right:
            return Look([])
        fault = Fault(DifferenceKind.TALLY_PAID, f"{counted} counted, {right} paid")
        return Look([fault], lambda: consistency_reads.add_to_tally(self.raffle, "paid", right - counted, tallies))

    def _odd_contacts(self) -> Iterator[str]:
        """Contacts with wrong counts, or none; then their orders are collected, for a closer look."""
        odd: list[str] = []
        for ids in _in_parts(self.found.held, consistency_reads.BATCH):
            counted = consistency_reads.contacts_held(self.raffle, ids)
            odd += self.found.odd_contacts(counted)
            odd += (contact_id for contact_id in ids if contact_id not in counted)
        self.orders_of: dict[str, set[str]] = {contact_id: set() for contact_id in odd}
        if odd:
            listed = (filed.item for _, filed in consistency_reads.orders_listed(self.raffle) if filed)
            for order in (*listed, *self.unlisted.values()):
                if order.contact_id in self.orders_of:
                    self.orders_of[order.contact_id].add(order.id)
        yield from odd

    def _contact(self, contact_id: str) -> Look:
        contact, right = consistency_reads.held(self.raffle, contact_id, self.orders_of[contact_id])
        if contact is None:
            return Look([Fault(DifferenceKind.CONTACT_MISSING, contact_id)])
        counted, faults = contact.held.get(self.raffle.id, 0), []
        if counted != right:
            faults.append(Fault(DifferenceKind.HELD, f"{contact_id}: {counted} counted, {right} held"))
        if over_limit(self.raffle, right):
            faults.append(Fault(DifferenceKind.OVER_LIMIT, f"{contact_id}: {right}"))
        return Look(faults, lambda: consistency_reads.set_held(self.raffle, contact, right))

    def _raffle(self, _: str) -> Look:
        filed = consistency_reads.raffle_now(self.raffle)
        faults = [Fault(DifferenceKind.RAFFLE_KEYS, self.raffle.id)] if filed.wrong else []
        return Look(faults, lambda: consistency_reads.set_raffle_keys(filed))


def _in_parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
