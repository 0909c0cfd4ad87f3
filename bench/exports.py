"""Exports of a raffle of a million numbers, a tenth of them sold: requests to DynamoDB, and memory."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from random import Random
from tempfile import TemporaryFile
from typing import NamedTuple

from bench.bulk import Item, count_in, load, ticket
from bench.figure import Figure
from bench.meter import Meter, timed
from bench.stage import Clock, Stage, stranger
from chalicelib.domain.exports import ExportRequest, Format, Of
from chalicelib.domain.orders import Order, OrderStatus
from chalicelib.domain.raffles import Raffle
from chalicelib.services.exports.service import write
from chalicelib.store import contacts, orders, raffles
from chalicelib.store.export_reads import chunks
from local.lab import make_raffle, open_container

MILLION = 1_000_000
SOLD = 100_000
AN_ORDER = 4  # numbers, wherever chance puts them, bought by somebody who buys nothing else
MEGABYTE = 1_000_000
KINDS = (
    (Of.TICKETS, Format.CSV, "<= 2"),
    (Of.TICKETS, Format.XLSX, "<= 2"),
    (Of.ORDERS, Format.CSV, "<= 15"),
    (Of.BUYERS, Format.CSV, "<= 15"),
)


class Measured(NamedTuple):
    requests: int
    rows: int
    size: int
    seconds: float
    peak: float  # megabytes


def exports(stage: Stage, numbers: int = MILLION, sold: int = SOLD) -> Iterator[Figure]:
    raffle = make_raffle(stage.container, numbers=numbers)
    sell(stage, raffle, sold)
    for of, form, goal in KINDS:
        stage.progress(f"exporting {of} as {form}")
        yield from _export(stage, ExportRequest(raffle.id, of, form), goal)


def _export(stage: Stage, request: ExportRequest, goal: str) -> Iterator[Figure]:
    # In a process that does nothing else, as a function of Lambda: its memory is that of the export.
    with get_context("spawn").Pool(1) as pool:
        result = pool.apply(measured, (stage.endpoint, request))
    name = f"export of {result.rows:,} {request.of} as {request.format}"
    note = f"{result.requests:,} requests, {result.seconds:.0f} s, {result.size / MEGABYTE:.1f} MB"
    yield Figure(f"{name}: for 1,000 rows", round(1000 * result.requests / result.rows, 2), "requests", goal, note)
    yield Figure(f"{name}: peak memory", round(result.peak), "MB", "<= 200", "of the whole process")


def measured(endpoint: str, request: ExportRequest) -> Measured:
    """One export, by this process."""
    open_container(endpoint, clock=Clock(), seed=1)
    meter = Meter()
    rows = list[int]()
    with TemporaryFile() as file:  # as the function writes it; S3 is not among the figures

        def do() -> None:
            rows.append(write(raffles.board(request.raffle_id), request, file))

        seconds = timed(lambda: meter.during(do))
        return Measured(len(meter.made), rows[0], file.tell(), seconds, peak_memory())


def sell(stage: Stage, raffle: Raffle, sold: int) -> None:
    """Orders that are paid, with their contacts and tickets, and what the board says of them."""
    numbers = Random(11).sample(range(raffle.first_number, raffle.last_number + 1), sold)
    bought = list(chunks(numbers, AN_ORDER))
    stage.progress(f"selling {sold:,} numbers to {len(bought):,} buyers")
    load(stage, (item for at, mine in enumerate(bought) for item in _sale(stage, raffle, at, mine)))
    count_in(raffle, {number: _id(at) for at, mine in enumerate(bought) for number in mine}, sold=True)


def _sale(stage: Stage, raffle: Raffle, at: int, numbers: Iterable[int]) -> Iterator[Item]:
    now = stage.clock()
    buyer = replace(stranger(11, at, 0), name=f"María José {at}", version=1, created_at=now)
    order = Order(
        id=_id(at), raffle_id=raffle.id, contact_id=buyer.id, numbers=tuple(sorted(numbers)), unit_amount=2500,
        currency=raffle.currency, status=OrderStatus.PAID, reserved_until=None, created_at=now, updated_at=now,
        paid_at=now,
    )  # fmt: skip
    yield orders.as_record(order).serialize()
    yield contacts.as_record(buyer).serialize()
    for number in order.numbers:
        yield ticket(raffle, number, order.id, buyer.id)


def _id(at: int) -> str:
    return f"E{at:07}"


def peak_memory() -> float:
    """Megabytes that this process had at most. Source: proc(5), VmHWM; getrusage's figure begins with the parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    kilobytes = next(line for line in lines if line.startswith("VmHWM:")).split()[1]
    return int(kilobytes) * 1024 / MEGABYTE
