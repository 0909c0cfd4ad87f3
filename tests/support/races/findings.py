"""What must hold after a race: the table with itself, and with what people were told."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.domain.audit import CHAINS, flaws
from chalicelib.domain.board import set_numbers
from chalicelib.domain.contacts import Contact
from chalicelib.domain.orders import OWNING, TRANSITIONS, Order, OrderEvent, OrderStatus
from chalicelib.domain.raffles import Raffle
from chalicelib.domain.refusals import TryAgain
from chalicelib.store import audit, board, contacts, orders, raffles
from chalicelib.store.messages import inbound_key
from chalicelib.store.records import InboundRecord, OutboundRecord, Record, TicketRecord
from tests.support.races.hall import OUR_NUMBER, Tale
from tests.support.races.replies import NO_PROOF, NO_WISH, changed_in, held_in, outcome, reassigned_in, told_in


@dataclass(frozen=True)
class Evidence:
    """What the table says after a race, which had the table for itself."""

    raffle: Raffle
    orders: dict[str, Order]
    inbounds: set[str]  # keys
    outbounds: dict[str, str | None]  # tag → key of the inbound message that it answers, if any
    withheld: set[str]  # tags of offers whose hold was over before they could be sent: the clock jumps in a race


def evidence(raffle: Raffle) -> Evidence:
    names = ["kind", "pk", "sk", "contact_id", "in_reply_to", "state", "until"]
    outbounds = list(OutboundRecord.scan(attributes_to_get=names))
    return Evidence(
        raffle,
        {order.id: order for order in map(orders.as_order, Record.by_raffle.query(raffle.id))},
        {record.pk for record in InboundRecord.scan(attributes_to_get=["kind", "pk"])},
        {_tag(record): record.in_reply_to for record in outbounds},
        {_tag(record) for record in outbounds if record.state == "WITHHELD" and record.until is not None},
    )


def _tag(record: OutboundRecord) -> str:
    return f"{record.contact_id}/{record.sk.removeprefix('MSG#')}"


def findings(tale: Tale, found: Evidence) -> list[str]:
    """Everything that is not as it must be."""
    return [
        *tale.wrong,
        *differences(found.raffle),
        *over_the_limit(found),
        *promises_broken(tale, found),
        *changed_without_a_word(tale, found),
        *messages_lost_or_repeated(tale, found),
        *proofs_lost(tale, found),
        *not_noted(found),
    ]


def outcomes(tale: Tale, found: Evidence) -> Counter[str]:
    """How many requests for numbers were answered in which way. What the conversation took for something else is left
    out.
    """
    replies, heard = replied(tale, found), set(tale.heard)
    told = (outcome(replies.get(key(pick), "")) if pick in heard else TryAgain.code for pick in tale.picks)
    return Counter(code for code in told if code != NO_WISH)


def over_the_limit(found: Evidence) -> Iterator[str]:
    most, owned = found.raffle.max_per_contact, Counter[str]()
    for order in found.orders.values():
        owned[order.contact_id] += order.quantity if order.status in OWNING else 0
    for contact_id, count in owned.items():
        if most is not None and count > most:
            yield f"contact {contact_id} owns {count} numbers, where {most} are the most"


def promises_broken(tale: Tale, found: Evidence) -> Iterator[str]:
    """Who was told that numbers are held has an order for just these, unless they were told of others later; what is
    confirmed as paid is paid, or refunded.

    That a paid order owns its numbers follows from `differences`.
    """
    changed: dict[str, set[tuple[int, ...]]] = defaultdict(set)
    for told in filter(None, (changed_in(text) for _, text in tale.sent)):
        changed[told.order_id].add(told.numbers)
    later = {told.order_id: told for told in filter(None, (reassigned_in(text) for _, text in tale.sent))}
    for held in filter(None, (held_in(text) for _, text in tale.sent)):
        order, told = found.orders.get(held.order_id), later.get(held.order_id, held)
        stored = None if order is None else order.numbers
        if stored != told.numbers and stored not in changed[held.order_id]:
            yield f"{told} was told, but stored is {stored}: {order}"
    refunded = set(tale.refunded)
    for order_id in refunded.union(tale.paid):
        right = OrderStatus.REFUNDED if order_id in refunded else OrderStatus.PAID
        if order_id not in found.orders or found.orders[order_id].status is not right:
            yield f"the organiser was told that order {order_id} is {right}, stored is {found.orders.get(order_id)}"


def changed_without_a_word(tale: Tale, found: Evidence) -> Iterator[str]:
    """Each order is where the steps that its buyer was told of lead, and nowhere that they do not."""
    told: dict[str, list[tuple[OrderStatus, tuple[OrderEvent, ...]]]] = {order_id: [] for order_id in found.orders}
    for _, text in tale.sent:
        step = told_in(text)
        if step is not None:
            told.setdefault(step.order_id, []).append((step.status, step.events))
    for order_id, steps in told.items():
        events = {event for _, more in steps for event in more}
        order = found.orders.get(order_id)
        starts = {OrderStatus.DRAFT, *(status for status, _ in steps)}
        if order is None or not all(order.status in reachable(start, events) for start in starts):
            yield f"the buyer was told of {sorted(events)}, but stored is {order or order_id}"


def reachable(start: OrderStatus, events: set[OrderEvent]) -> set[OrderStatus]:
    """The statuses to which these events may have led from `start`."""
    statuses = {start}
    for _ in OrderStatus:
        moved = {TRANSITIONS[event].target for event in events if statuses & set(TRANSITIONS[event].sources)}
        statuses |= {status for status in moved if status is not None}
    return statuses


def messages_lost_or_repeated(tale: Tale, found: Evidence) -> Iterator[str]:
    """M1, M3: what was taken is stored, and answered once; what is stored was sent once; and nothing beside."""
    heard = {key(message) for message in tale.heard}
    if found.inbounds != heard:
        yield f"messages taken and not stored, or the other way round: {sorted(found.inbounds ^ heard)[:5]}"
    answers = Counter(answered for answered in found.outbounds.values() if answered is not None)
    files = {key(message) for message, _ in tale.proofs}  # those that come together get one answer (M8)
    several, none = answers - Counter(heard), Counter(heard) - answers
    if several or not set(none) <= files:
        yield f"messages without an answer, or with several: {[*several.items(), *none][:5]}"
    sent = Counter(tag for tag, _ in tale.sent)
    due = found.outbounds.keys() - found.withheld
    if sent != Counter(due):
        unlike = [*(due - sent.keys()), *(tag for tag, times in sent.items() if times != 1 or tag not in due)]
        yield f"messages stored and not sent, or sent several times: {unlike[:5]}"


def proofs_lost(tale: Tale, found: Evidence) -> Iterator[str]:
    """Each file that came in is on one order, or its sender knows why it is not."""
    kept = Counter(proof.sha256 for order in found.orders.values() for proof in order.proofs)
    replies = replied(tale, found)
    for message, digest in tale.proofs:
        reply = replies.get(key(message))
        if reply is not None and kept[digest] != (0 if NO_PROOF.search(reply) else 1):
            yield f"a file is on {kept[digest]} orders, and its sender was told: {reply[:80]}"


def not_noted(found: Evidence) -> Iterator[str]:
    """O2: the chains of the audit log are whole, and each payment that was settled is in them once."""
    settled = Counter[tuple[str, str]]()
    for chain in range(CHAINS):
        head = audit.head_of(chain)
        chained = list(audit.entries_of(chain, head.number))
        yield from (f"chain {chain} of the audit log: {flaw}" for flaw in flaws(chained, head))
        settled.update((entry.target, entry.after.get("status", "")) for entry in chained)
    for order in found.orders.values():
        for status, at in ((OrderStatus.PAID, order.paid_at), (OrderStatus.REFUNDED, order.refunded_at)):
            entries = settled[f"order:{order.id}", status]
            if entries != (at is not None):
                yield f"{entries} entries of the audit log say {status}, stored is {order}"


def replied(tale: Tale, found: Evidence) -> dict[str, str]:
    """Key of an inbound message → the text that answers it."""
    answered = {tag: inbound for tag, inbound in found.outbounds.items() if inbound is not None}
    return {answered[tag]: text for tag, text in tale.sent if tag in answered}


def key(message_id: str) -> str:
    return inbound_key(OUR_NUMBER, message_id)[0]


def differences(raffle: Raffle) -> list[str]:
    """What does not fit together in all that is stored about the raffle."""
    stored = [orders.as_order(record) for record in Record.by_raffle.query(raffle.id)]
    owning = [(number, order.id) for order in stored if order.status in OWNING for number in order.numbers]
    owner = dict(owning)
    sold = {number for order in stored if order.status is OrderStatus.PAID for number in order.numbers}
    taken_bits, sold_bits = bits(raffle)
    counted = raffles.board(raffle.id)
    held, of_newcomers = Counter[str](), Counter[int]()
    unpaid: dict[str, set[tuple[str, int, bool]]] = defaultdict(set)
    for order in stored:
        held[order.contact_id] += order.quantity if order.status in OWNING else 0
        if order.status in OWNING and order.status is not OrderStatus.PAID:
            unpaid[order.contact_id].add((order.id, order.quantity, order.status is OrderStatus.IN_REVIEW))
            if order.newcomer_tally is not None:
                of_newcomers[order.newcomer_tally] += order.quantity
    people = {contact_id: contacts.get(contact_id) for contact_id in held}
    checks = {
        "a number has two owners": len(owner) == len(owning),
        "tickets differ from orders": tickets(raffle) == owner,
        "taken bits differ from orders": taken_bits == set(owner),
        "sold bits differ from orders": sold_bits == sold,
        "tallies differ from orders": {p: n for p, n in counted.taken.items() if n}
        == raffle.layout.count_by_page(owner),
        "tallies differ in what is sold": counted.sold == len(sold),
        "tallies differ in what newcomers hold": {tally: n for tally, n in counted.newcomers.items() if n}
        == of_newcomers,
        "contacts count other numbers than they hold": all(
            (found := people[contact_id]) is not None and found.held.get(raffle.id, 0) == count
            for contact_id, count in held.items()
        ),
        "contacts list other unpaid orders than they have": all(
            (found := people[contact_id]) is not None and listed_unpaid(found, raffle) == unpaid[contact_id]
            for contact_id in held
        ),
    }
    return [what for what, holds in checks.items() if not holds]


def listed_unpaid(contact: Contact, raffle: Raffle) -> set[tuple[str, int, bool]]:
    listed = contact.unpaid.items()
    return {(order_id, one.quantity, one.in_review) for order_id, one in listed if one.raffle_id == raffle.id}


def tickets(raffle: Raffle) -> dict[int, str]:
    found: dict[int, str] = {}
    for page in range(raffle.layout.pages):
        hash_key, _ = board.ticket_key(raffle, raffle.first_number + page * raffle.page_size)
        found |= {int(str(record.sk)): str(record.order_id) for record in TicketRecord.query(hash_key)}
    return found


def bits(raffle: Raffle) -> tuple[set[int], set[int]]:
    """The numbers that the board's leaves show as taken, and as sold."""
    leaves = board.leaves(raffle, range(raffle.layout.pages))
    taken = {number for leaf in leaves for number in set_numbers(leaf.first, leaf.taken)}
    return taken, {number for leaf in leaves for number in set_numbers(leaf.first, leaf.sold)}
