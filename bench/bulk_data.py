"""Writes sold and held numbers in bulk, without going through the services."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any
from zlib import crc32

import boto3
from botocore.config import Config

from bench.testbed import Testbed, new_contact
from chalicelib.domain.batches import batched
from chalicelib.domain.orders import Order, OrderStatus
from chalicelib.domain.raffles import Raffle
from chalicelib.store import contacts, orders
from chalicelib.store.board import leaf_key, ticket_key
from chalicelib.store.records import TicketRecord
from local.in_process import TABLE

TICKETS_AT_THE_ENDS = 10_000
WRITERS = 4  # threads

Item = dict[str, Any]


class RaffleFiller:
    """Fills a raffle step by step with orders of forty random numbers each.

    Leaves and tallies are complete. Tickets exist only for numbers near the ends of the raffle, where the lists are
    measured, because writing a million tickets takes too long.
    """

    def __init__(self, testbed: Testbed, raffle: Raffle) -> None:
        self._testbed = testbed
        self._raffle = raffle
        self._numbers = list(range(raffle.first_number, raffle.last_number + 1))
        Random(4).shuffle(self._numbers)
        self._taken = 0

    def up_to(self, share: float, *, sold: bool = True) -> None:
        """Sell, or only reserve, more numbers until this share of them is taken."""
        goal = round(len(self._numbers) * share)
        owned = {self._numbers[at]: f"F{at // 40:07}" for at in range(self._taken, goal)}
        near_an_end = {number: order_id for number, order_id in owned.items() if self._is_near_an_end(number)}
        self._testbed.progress(f"filling {share:.1%} of {len(self._numbers):,} numbers")
        load(self._testbed, (ticket(self._raffle, number, order_id) for number, order_id in near_an_end.items()))
        count_in(self._raffle, owned, sold=sold)
        self._taken = goal

    def left(self, quantity: int) -> list[int]:
        """Return numbers that are still free, far from each other."""
        return sorted(self._numbers[self._taken : self._taken + quantity])

    def _is_near_an_end(self, number: int) -> bool:
        return min(number - self._raffle.first_number, self._raffle.last_number - number) < TICKETS_AT_THE_ENDS


def hold_all(testbed: Testbed, raffle: Raffle) -> None:
    """Hold each number by its own order and contact, until fifteen minutes from now."""
    now = testbed.clock()
    owned: dict[int, str] = {}
    items: list[Item] = []
    for number in range(raffle.first_number, raffle.last_number + 1):
        contact = replace(new_contact(7, raffle.total, number), held={raffle.id: 1}, version=1, created_at=now)
        order = Order(
            id=f"{raffle.id[:4]}{number:07}", raffle_id=raffle.id, contact_id=contact.id, numbers=(number,),
            unit_amount=100, currency=raffle.currency, status=OrderStatus.DRAFT,
            reserved_until=now + timedelta(minutes=15), created_at=now, updated_at=now,
        )  # fmt: skip
        records = (orders.as_record(order), contacts.as_record(contact))
        items += (record.serialize() for record in records)
        items.append(ticket(raffle, number, order.id, contact.id))
        owned[number] = order.id
    testbed.progress(f"holding {raffle.total:,} numbers")
    load(testbed, items)
    count_in(raffle, owned, sold=False)


def load(testbed: Testbed, items: Iterable[Item]) -> None:
    """Write items, 25 per request."""
    client = boto3.client("dynamodb", config=Config(parameter_validation=False))

    def write(batch: Sequence[Item]) -> None:
        client.batch_write_item(RequestItems={TABLE: [{"PutRequest": {"Item": item}} for item in batch]})

    _in_parallel(write, batched(items, 25))


def count_in(raffle: Raffle, owned: Mapping[int, str], *, sold: bool) -> None:
    """Add the numbers to the raffle's leaves and tallies. `owned`: the order id of each number."""
    client = boto3.client("dynamodb")
    _in_parallel(lambda update: client.update_item(TableName=TABLE, **update), _counts(raffle, owned, sold=sold))


def _in_parallel(work: Callable[[Any], object], items: Iterable[Any]) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(work, items))


def ticket(raffle: Raffle, number: int, order_id: str, contact_id: str = "f" * 24) -> Item:
    """Return the item of a ticket."""
    return TicketRecord(*ticket_key(raffle, number), order_id=order_id, contact_id=contact_id).serialize()


def _counts(raffle: Raffle, owned: Mapping[int, str], *, sold: bool) -> Iterator[Item]:
    layout = raffle.layout
    for key, words in layout.bits(owned).items():
        added = {f"{which}{word}": bits for word, bits in words.items() for which in ("ts" if sold else "t")}
        fixed = {"kind": {"S": "leaf"}, "first": {"N": str(layout.numbers(key).start)}}
        yield _adding(*leaf_key(raffle.id, key), added, fixed)
    tallies: dict[int, Counter[str]] = defaultdict(Counter)
    for number, order_id in owned.items():
        tally = tallies[crc32(order_id.encode()) % layout.tallies]
        tally[f"p{layout.place(number).page}"] += 1
        tally["sold"] += sold
    for tally_number, counts in tallies.items():
        yield _adding(f"BOARD#{raffle.id}", f"TALLY#{tally_number:02}", counts, {"kind": {"S": "tally"}})


def _adding(pk: str, sk: str, added: Mapping[str, int], fixed: Mapping[str, Item]) -> Item:
    """Return an update that adds the numbers in `added` to the item's attributes, and sets those in `fixed`."""
    names = {f"#a{at}": name for at, name in enumerate(added)} | {f"#f{at}": name for at, name in enumerate(fixed)}
    values: Item = {f":a{at}": {"N": str(value)} for at, value in enumerate(added.values())}
    values |= {f":f{at}": value for at, value in enumerate(fixed.values())}
    adds = ", ".join(f"#a{at} :a{at}" for at in range(len(added)))
    sets = ", ".join(f"#f{at} = :f{at}" for at in range(len(fixed)))
    return {
        "Key": {"pk": {"S": pk}, "sk": {"S": sk}},
        "UpdateExpression": f"SET {sets} ADD {adds}",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }
