"""Exports of a raffle with a million numbers, a tenth of them sold: requests to DynamoDB, and memory."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from random import Random
from tempfile import TemporaryFile
from typing import NamedTuple

from bench.bulk_data import Item, count_in, load, ticket
from bench.dynamodb_meter import RequestMeter, timed
from bench.figures import Figure
from bench.testbed import Clock, Testbed, new_contact
from chalicelib.domain.batches import batched
from chalicelib.domain.exports import ExportRequest, Format, Of
from chalicelib.domain.orders import Order, OrderStatus
from chalicelib.domain.raffles import Raffle
from chalicelib.services.exports.service import write
from chalicelib.store import contacts, orders, raffles
from local.in_process import make_raffle, open_container

MILLION = 1_000_000
SOLD = 100_000
NUMBERS_PER_ORDER = 4  # random numbers, bought by a contact with no other order
MEGABYTE = 1_000_000
KINDS = (
    (Of.TICKETS, Format.CSV, "<= 2"),
    (Of.TICKETS, Format.XLSX, "<= 2"),
    (Of.ORDERS, Format.CSV, "<= 15"),
    (Of.BUYERS, Format.CSV, "<= 15"),
)


class ExportRun(NamedTuple):
    """What one export took. `peak` is in megabytes."""

    requests: int
    rows: int
    size: int
    seconds: float
    peak: float


def exports(testbed: Testbed, numbers: int = MILLION, sold: int = SOLD) -> Iterator[Figure]:
    raffle = make_raffle(testbed.container, numbers=numbers)
    sell(testbed, raffle, sold)
    for of, form, goal in KINDS:
        testbed.progress(f"exporting {of} as {form}")
        yield from _export(testbed, ExportRequest(raffle.id, of, form), goal)


def _export(testbed: Testbed, request: ExportRequest, goal: str) -> Iterator[Figure]:
    # In its own process, as on Lambda, so that its memory is that of the export.
    with get_context("spawn").Pool(1) as pool:
        run = pool.apply(run_export, (testbed.endpoint, request))
    name = f"export of {run.rows:,} {request.of} as {request.format}"
    note = f"{run.requests:,} requests, {run.seconds:.0f} s, {run.size / MEGABYTE:.1f} MB"
    yield Figure(f"{name}: for 1,000 rows", round(1000 * run.requests / run.rows, 2), "requests", goal, note)
    yield Figure(f"{name}: peak memory", round(run.peak), "MB", "<= 200", "of the whole process")


def run_export(endpoint: str, request: ExportRequest) -> ExportRun:
    """Export in this process."""
    open_container(endpoint, clock=Clock(), seed=1)
    meter = RequestMeter()
    rows: list[int] = []
    with TemporaryFile() as file:  # as the function writes it; the figures do not include S3

        def export() -> None:
            rows.append(write(raffles.board(request.raffle_id), request, file))

        seconds = timed(lambda: meter.during(export))
        return ExportRun(len(meter.requests), rows[0], file.tell(), seconds, peak_memory())


def sell(testbed: Testbed, raffle: Raffle, sold: int) -> None:
    """Write paid orders with their contacts, tickets, leaves and tallies."""
    numbers = Random(11).sample(range(raffle.first_number, raffle.last_number + 1), sold)
    numbers_by_order = list(batched(numbers, NUMBERS_PER_ORDER))
    testbed.progress(f"selling {sold:,} numbers to {len(numbers_by_order):,} buyers")
    sales = enumerate(numbers_by_order)
    load(testbed, (item for index, own in sales for item in _sale(testbed, raffle, index, own)))
    owned = {number: _id(index) for index, own in enumerate(numbers_by_order) for number in own}
    count_in(raffle, owned, sold=True)


def _sale(testbed: Testbed, raffle: Raffle, index: int, numbers: Iterable[int]) -> Iterator[Item]:
    now = testbed.clock()
    buyer = replace(new_contact(11, index, 0), name=f"María José {index}", version=1, created_at=now)
    order = Order(
        id=_id(index), raffle_id=raffle.id, contact_id=buyer.id, numbers=tuple(sorted(numbers)), unit_amount=2500,
        currency=raffle.currency, status=OrderStatus.PAID, reserved_until=None, created_at=now, updated_at=now,
        paid_at=now,
    )  # fmt: skip
    yield orders.as_record(order).serialize()
    yield contacts.as_record(buyer).serialize()
    for number in order.numbers:
        yield ticket(raffle, number, order.id, buyer.id)


def _id(index: int) -> str:
    return f"E{index:07}"


def peak_memory() -> float:
    """Return this process's peak memory in megabytes: VmHWM of proc(5). getrusage would include the parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    kilobytes = next(line for line in lines if line.startswith("VmHWM:")).split()[1]
    return int(kilobytes) * 1024 / MEGABYTE
