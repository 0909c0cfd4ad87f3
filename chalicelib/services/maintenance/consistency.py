"""Check that board, indexes and contacts agree with tickets and orders, and repair them.

Buyers may be buying in the meantime. So a scan only finds suspects. Each is read again, with all that must fit together
read at one moment, and is reported if it is wrong twice. A repair is conditioned on what was read.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from time import sleep
from typing import NamedTuple, TypeVar

from chalicelib.domain.batches import batched
from chalicelib.domain.board import LeafKey
from chalicelib.domain.consistency import (
    DERIVED,
    ConsistencyReport,
    DifferenceKind,
    Fault,
    Word,
    WordKey,
    WordVerdict,
    count_ones,
    find_order_faults,
    has_lost_deadline,
    has_numbers,
    is_over_limit,
    judge_word,
    owns,
    sum_tallies,
    wrongly_listed,
)
from chalicelib.domain.holding import unpaid_orders
from chalicelib.domain.orders import Order
from chalicelib.domain.refusals import TryAgain
from chalicelib.services.maintenance.scan import (
    STEP,
    UNCLAIMED,
    MisplacedTicket,
    OnProgress,
    count_order,
    ignore_progress,
    scan_raffle,
)
from chalicelib.store import consistency_reads
from chalicelib.store.consistency_reads import Indexed, RaffleResized
from chalicelib.store.transaction import retry

PAUSE = 2.0  # seconds before a suspect is examined for the last time; indexes hardly ever lag that far behind
STARTS = 3  # a check starts over if the raffle grows in the meantime

S = TypeVar("S", bound=Hashable)
T = TypeVar("T")


def _nothing() -> None: ...


class Diagnosis(NamedTuple):
    """What is wrong with a suspect, how to repair it, and what to do if it is left as it is."""

    faults: Sequence[Fault]
    repair: Callable[[], None] = _nothing
    leave: Callable[[], None] = _nothing


@dataclass(frozen=True, kw_only=True)
class ConsistencyCheck:
    """The use case. `pause` sleeps for a number of seconds."""

    pause: Callable[[float], None] = sleep

    def raffle_ids(self) -> list[str]:
        """Return the ids of all raffles, oldest first."""
        return consistency_reads.raffle_ids()

    def check(
        self, raffle_id: str, *, repair: bool = False, progress: OnProgress = ignore_progress
    ) -> ConsistencyReport:
        """Compare all that is stored about a raffle. With `repair`, restore what is derived from tickets and orders.

        Tickets and the contents of orders are never changed. Raises RaffleNotFound, or TryAgain if the raffle was
        resized again and again.
        """
        for _ in range(STARTS):
            with suppress(RaffleResized):
                return _Check(raffle_id, repair=repair, progress=progress, pause=self.pause).run()
        raise TryAgain


class _Check:
    """The check of one raffle, from the scan to the report."""

    def __init__(self, raffle_id: str, *, repair: bool, progress: OnProgress, pause: Callable[[float], None]) -> None:
        self.repair = repair
        self.progress = progress
        self.pause = pause
        self.scan = scan_raffle(raffle_id, progress)
        self.raffle = self.scan.raffle
        self.report = ConsistencyReport(self.raffle, tickets=self.scan.taken.total(), orders=self.scan.orders)
        self.unlisted: dict[str, Order] = {}  # orders that were found only through their tickets
        self.orders_of: dict[str, set[str]] = {}  # contact with a wrong count → their orders
        # Differences between what the leaves show and what they should show, as far as they are left unrepaired:
        # taken numbers by page, and sold numbers.
        self.unshown_taken: Counter[int] = Counter()
        self.unshown_sold = 0
        self.tallies = sorted({*consistency_reads.tally_names(self.raffle), *self.scan.tallies})

    def run(self) -> ConsistencyReport:
        scan = self.scan
        words = self._examine_all("board", list(scan.odd_words()), self._examine_word)
        for order in self.unlisted.values():
            count_order(scan, order)
        odd_orders = list(dict.fromkeys([*scan.odd_orders, *self.unlisted]))
        self._examine_all("odd orders", odd_orders, self._examine_order)
        self._examine_all("odd tickets", scan.misplaced, self._examine_misplaced)
        self._examine_all("odd leaves", scan.stray_leaves(), self._examine_stray_leaf)
        self._examine_all("first numbers", scan.odd_firsts(), self._examine_first)
        self._examine_all("odd tallies", scan.stray_tallies(), self._examine_stray_tally)
        # The counts of a page can't be compared if one of its words could not be read.
        unread = {word.leaf.page for word in words}
        self._examine_all("counts", [page for page in scan.odd_pages() if page not in unread], self._examine_page)
        if not unread:
            self._examine_all("sold", ["numbers sold"] if scan.miscounts_sold() else [], self._examine_sold)
        self._examine_all("paid", ["what was paid"] if scan.miscounts_paid() else [], self._examine_paid)
        self._examine_all("newcomers", scan.odd_newcomers(), self._examine_newcomers)
        self._examine_all("contacts", self._odd_contacts(), self._examine_contact)
        self._examine_all("raffle", ["raffle"] if scan.indexed.wrong_keys else [], self._examine_raffle)
        return self.report

    def _examine_all(self, label: str, suspects: Sequence[S], examine: Callable[[S], Diagnosis]) -> list[S]:
        """Examine suspects twice, and report or repair those that are wrong both times.

        Return those that could not be read, because they changed again and again.
        """
        unread: list[S] = []

        def try_to(attempt: Callable[[], T], suspect: S) -> T | None:
            try:
                return retry(attempt)
            except TryAgain:
                unread.append(suspect)
                self.report.not_compared.append(f"{label}: {suspect}")
                return None

        def is_wrong(suspect: S) -> bool:
            diagnosis = try_to(partial(examine, suspect), suspect)
            return diagnosis is not None and bool(diagnosis.faults)

        def examine_and_repair(suspect: S) -> Diagnosis:
            diagnosis = examine(suspect)
            if self.repair and any(fault.kind in DERIVED for fault in diagnosis.faults):
                diagnosis.repair()
            return diagnosis

        still_suspect = [suspect for suspect in self._with_progress(label, suspects) if is_wrong(suspect)]
        if still_suspect:
            self.pause(PAUSE)
        for suspect in self._with_progress(f"{label} again", still_suspect):
            diagnosis = try_to(partial(examine_and_repair, suspect), suspect)
            if diagnosis is not None:
                self._add_to_report(diagnosis)
        return unread

    def _add_to_report(self, diagnosis: Diagnosis) -> None:
        for fault in diagnosis.faults:
            self.report.add(fault, repaired=self.repair and fault.kind in DERIVED)
        if not self.repair:
            diagnosis.leave()

    def _with_progress(self, label: str, suspects: Sequence[S]) -> Iterator[S]:
        for done, suspect in enumerate(suspects, start=1):
            yield suspect
            if done % STEP == 0 or done == len(suspects):
                self.progress(label, done, len(suspects))

    # One method for each kind of suspect

    def _examine_word(self, key: WordKey) -> Diagnosis:
        claims = {number: self.scan.claims.get(number, ()) for number in key.numbers(self.raffle.layout)}
        word = consistency_reads.read_word(self.raffle, key, claims)
        verdict = judge_word(self.raffle, key, word)
        self._collect_unlisted(word)

        def repair() -> None:
            consistency_reads.set_word(self.raffle, key, word, taken=verdict.taken, sold=verdict.sold)

        return Diagnosis(verdict.faults, repair, lambda: self._count_unshown(key, word, verdict))

    def _collect_unlisted(self, word: Word) -> None:
        """Remember the orders that the index did not have during the scan."""
        claims = self.scan.claims
        for number, ticket in word.tickets.items():
            order = word.orders.get(ticket.order_id)
            was_seen = self.scan.claimed[self.scan.position(number)] != UNCLAIMED
            if order and owns(self.raffle, order, number) and not was_seen and order.id not in claims.get(number, ()):
                self.unlisted[order.id] = order

    def _count_unshown(self, key: WordKey, word: Word, verdict: WordVerdict) -> None:
        numbers = key.numbers(self.raffle.layout)
        self.unshown_taken[key.leaf.page] += verdict.taken.bit_count() - count_ones(word.taken, numbers)
        self.unshown_sold += verdict.sold.bit_count() - count_ones(word.sold, numbers)

    def _examine_order(self, order_id: str) -> Diagnosis:
        orders = consistency_reads.read_orders(self.raffle, [order_id])
        if order_id not in orders:
            return Diagnosis([])
        indexed = orders[order_id]
        if indexed is None:
            return Diagnosis([Fault(DifferenceKind.ORDER_UNREADABLE, order_id)])
        faults = find_order_faults(self.raffle, indexed.item, had_deadline=indexed.had_deadline)
        indexed = self._keep_trace_of_deadline(indexed)
        if indexed.wrong_keys:
            faults.append(Fault(DifferenceKind.ORDER_KEYS, order_id))
        elif order_id in self.unlisted and not consistency_reads.is_listed(self.raffle, indexed.item):
            faults.append(Fault(DifferenceKind.ORDER_UNLISTED, order_id))
        return Diagnosis(faults, lambda: consistency_reads.set_order_keys(indexed))

    def _keep_trace_of_deadline(self, indexed: Indexed[Order]) -> Indexed[Order]:
        """Don't repair the place in the queue if it is the only trace of a lost deadline: a person will need it."""
        if not has_lost_deadline(self.raffle, indexed.item, had_deadline=indexed.had_deadline):
            return indexed
        wrong_keys = {name: right for name, right in indexed.wrong_keys.items() if name != "queue_at"}
        return indexed._replace(wrong_keys=wrong_keys)

    def _examine_misplaced(self, ticket: MisplacedTicket) -> Diagnosis:
        exists = consistency_reads.has_ticket(self.raffle, ticket.page, ticket.number)
        return Diagnosis([Fault(DifferenceKind.TICKET_MISPLACED, str(ticket))] if exists else [])

    def _examine_stray_leaf(self, key: LeafKey) -> Diagnosis:
        leaf = consistency_reads.read_leaf(self.raffle, key)
        faults = [Fault(DifferenceKind.STRAY_LEAF, f"{key.page:03}#{key.leaf}")] if leaf.shows_any else []
        return Diagnosis(faults, lambda: consistency_reads.remove_leaf(self.raffle, key, leaf))

    def _examine_first(self, key: LeafKey) -> Diagnosis:
        leaf = consistency_reads.read_leaf(self.raffle, key)
        faults = [Fault(DifferenceKind.LEAF_FIRST, f"{key.page:03}#{key.leaf}")]
        is_right = leaf.first == self.raffle.layout.numbers(key).start or not leaf.is_stored
        return Diagnosis([] if is_right else faults, lambda: consistency_reads.set_first(self.raffle, key))

    def _examine_stray_tally(self, name: str) -> Diagnosis:
        counts = consistency_reads.read_tally(self.raffle, name)
        faults = [Fault(DifferenceKind.STRAY_TALLY, name)] if has_numbers(counts) else []
        return Diagnosis(faults, lambda: consistency_reads.fold_tally(self.raffle, name, counts))

    def _examine_page(self, page: int) -> Diagnosis:
        tallies, shown = consistency_reads.read_page(self.raffle, page, self.tallies)
        column = f"p{page}"
        counted = sum_tallies(tallies.values()).get(column, 0)
        taken = shown + self.unshown_taken[page]
        if counted == taken:
            return Diagnosis([])
        fault = Fault(DifferenceKind.TALLY_PAGE, f"page {page}: {counted} counted, {taken} taken")
        return Diagnosis([fault], lambda: consistency_reads.add_to_tally(self.raffle, column, taken - counted, tallies))

    def _examine_sold(self, _: str) -> Diagnosis:
        tallies, shown = consistency_reads.read_sold(self.raffle)
        counted = sum_tallies(tallies.values()).get("sold", 0)
        sold = shown + self.unshown_sold
        if counted == sold:
            return Diagnosis([])
        fault = Fault(DifferenceKind.TALLY_SOLD, f"{counted} counted, {sold} sold")
        return Diagnosis([fault], lambda: consistency_reads.add_to_tally(self.raffle, "sold", sold - counted, tallies))

    def _examine_paid(self, _: str) -> Diagnosis:
        tallies, paid = consistency_reads.read_paid(self.raffle, self.unlisted)
        counted = sum_tallies(tallies.values()).get("paid", 0)
        if counted == paid:
            return Diagnosis([])
        fault = Fault(DifferenceKind.TALLY_PAID, f"{counted} counted, {paid} paid")
        return Diagnosis([fault], lambda: consistency_reads.add_to_tally(self.raffle, "paid", paid - counted, tallies))

    def _examine_newcomers(self, tally: int) -> Diagnosis:
        counted, held = consistency_reads.read_newcomers(self.raffle, tally, self.unlisted)
        if counted == held:
            return Diagnosis([])
        fault = Fault(DifferenceKind.TALLY_NEWCOMERS, f"tally {tally}: {counted} counted, {held} held")
        return Diagnosis([fault], lambda: consistency_reads.set_newcomers(self.raffle, tally, held, read=counted))

    def _odd_contacts(self) -> list[str]:
        """Return the contacts that are missing or have wrong counts. Collect their orders for a closer look."""
        odd_contacts: list[str] = []
        for contact_ids in batched(self.scan.held, consistency_reads.BATCH):
            stored = consistency_reads.read_contacts(contact_ids)
            odd_contacts += self.scan.odd_contacts(stored)
            odd_contacts += (contact_id for contact_id in contact_ids if contact_id not in stored)
        self.orders_of = {contact_id: set() for contact_id in odd_contacts}
        if odd_contacts:
            listed = (indexed.item for _, indexed in consistency_reads.orders_listed(self.raffle) if indexed)
            for order in (*listed, *self.unlisted.values()):
                if order.contact_id in self.orders_of:
                    self.orders_of[order.contact_id].add(order.id)
        return odd_contacts

    def _examine_contact(self, contact_id: str) -> Diagnosis:
        contact, owning = consistency_reads.read_owning(self.raffle, contact_id, self.orders_of[contact_id])
        if contact is None:
            return Diagnosis([Fault(DifferenceKind.CONTACT_MISSING, contact_id)])
        held, unpaid = sum(order.quantity for order in owning), unpaid_orders(owning)
        counted = contact.held.get(self.raffle.id, 0)
        faults = []
        if counted != held:
            faults.append(Fault(DifferenceKind.HELD, f"{contact_id}: {counted} counted, {held} held"))
        if wrong := wrongly_listed(contact, self.raffle, unpaid):
            faults.append(Fault(DifferenceKind.UNPAID, f"{contact_id}: {', '.join(wrong)}"))
        if is_over_limit(self.raffle, held):
            faults.append(Fault(DifferenceKind.OVER_LIMIT, f"{contact_id}: {held}"))
        return Diagnosis(faults, lambda: consistency_reads.set_owned(self.raffle, contact, held, unpaid))

    def _examine_raffle(self, _: str) -> Diagnosis:
        indexed = consistency_reads.read_raffle(self.raffle)
        faults = [Fault(DifferenceKind.RAFFLE_KEYS, self.raffle.id)] if indexed.wrong_keys else []
        return Diagnosis(faults, lambda: consistency_reads.set_raffle_keys(indexed))
