"""Counts of requests, capacity units and messages. They are the same on every machine."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from bench.bulk_data import RaffleFiller
from bench.dynamodb_meter import Request
from bench.figures import Figure
from bench.testbed import Buyer, Testbed, new_contact, reserve
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.domain.raffles import Raffle
from chalicelib.store import raffles
from chalicelib.whatsapp.inbound import Status
from local.in_process import make_raffle

MILLION = 1_000_000


def requests(testbed: Testbed) -> Iterator[Figure]:
    """Count the requests of each operation in a raffle of a million numbers."""
    raffle = make_raffle(testbed.container, numbers=MILLION)
    during = testbed.meter.during
    buyer = Buyer(testbed)
    buyer.says("hello")
    silent = [len(during(partial(buyer.says, text))) for text in ("menu", "help", "what?", "cancel", raffle.code)]
    holding = [len(during(lambda: buyer.says("#5, #12, #99")))]
    silent.append(len(during(lambda: buyer.says("confirm"))))
    proof = during(buyer.sends_proof)
    order_id = buyer.order_id()
    confirming = during(lambda: testbed.container.settlement.confirm_payment(order_id, by=COMMAND_LINE))
    buyer.says(raffle.code)
    holding.append(len(during(lambda: buyer.says("random 3"))))
    board = raffles.board(raffle.id)
    drawing = during(lambda: reserve(testbed.container, board, new_contact(1)))
    availability = during(lambda: raffles.board(raffle.id).availability)
    yield Figure("requests: a message that holds nothing, at most", max(silent), "requests", "<= 4")
    yield Figure("requests: a message that holds numbers, at most", max(holding), "requests", "<= 5")
    yield Figure("requests: confirm a payment", len(confirming), "requests", "<= 4")
    yield Figure("requests: availability", len(availability), "requests", "<= 1")
    yield Figure("requests: random 3 of 1,000,000, the reservation itself", len(drawing), "requests", "<= 2")
    yield Figure(
        "requests: a proof, one organiser told",
        len(proof),
        "requests",
        note="4, 1 to see whether it came before, and 1 for each organiser",
    )


def units(testbed: Testbed) -> Iterator[Figure]:
    """Count the write units of a message that holds three numbers on three leaves, including indexes and its reply."""
    for numbers, goal in ((10_000, "<= 30"), (MILLION, "<= 38")):
        raffle = make_raffle(testbed.container, numbers=numbers)
        filler = RaffleFiller(testbed, raffle)
        unit_counts: list[float] = []
        for share in (0, 0.99):
            filler.up_to(share)
            unit_counts.append(written(_hold(testbed, raffle, _far_apart(raffle, filler.left(100)))))
            yield Figure(
                f"write units: hold 3 of {numbers:,} at {share:.0%} sold", unit_counts[-1], "write units", goal
            )
        yield Figure(
            f"write units: 99 % sold against 0 %, of {numbers:,}",
            unit_counts[1] - unit_counts[0],
            "write units",
            "<= 0",
        )


def writing(testbed: Testbed) -> Iterator[Figure]:
    """Count messages and write units of a whole sale of three numbers, from the list of raffles to the confirmation."""
    sale = _sale(testbed)
    yield Figure("messages: in before the hold, the hold's included", sale.messages_before_hold, "messages", "<= 3")
    yield Figure("messages: out to the buyer in a whole purchase", sale.messages_to_buyer, "messages", "<= 6")
    yield Figure("a whole sale: webhooks, with three statuses for each message", sale.webhooks, "requests")
    yield Figure("a whole sale: requests to DynamoDB", len(sale.requests), "requests")
    yield Figure("a whole sale: write units", written(sale.requests), "write units")


def reading(testbed: Testbed) -> Iterator[Figure]:
    """Count the read units of the same sale."""
    read_units = sum(request.read_units for request in _sale(testbed).requests)
    yield Figure("a whole sale: read units", read_units, "read units")


class Sale(NamedTuple):
    requests: list[Request]
    messages_before_hold: int
    messages_to_buyer: int
    webhooks: int


def _sale(testbed: Testbed) -> Sale:
    """Sell to a new buyer. One organiser is notified. WhatsApp reports each message as sent, delivered and read."""
    raffle = make_raffle(testbed.container, numbers=10_000)
    during = testbed.meter.during
    buyer = Buyer(testbed)
    sent = testbed.graph.sent
    sent.clear()
    sale_requests: list[Request] = []
    for text in ("raffles", raffle.code, "5, 12, 99"):
        sale_requests += during(partial(buyer.says, text))
    messages_before_hold = buyer.messages
    sale_requests += during(partial(buyer.says, "confirm"))
    sale_requests += during(buyer.sends_proof)
    order_id = buyer.order_id()
    sale_requests += during(lambda: testbed.container.settlement.confirm_payment(order_id, by=COMMAND_LINE))
    statuses = [_status(message, state) for message in sent for state in ("sent", "delivered", "read")]
    for status in statuses:
        sale_requests += during(partial(testbed.container.outbox.update_status, status))
    return Sale(sale_requests, messages_before_hold, len(sent) - 1, buyer.messages + len(statuses))


def _status(message: Mapping[str, Any], state: str) -> Status:
    return Status(message_id="wamid.X", state=state, at=None, tag=message["biz_opaque_callback_data"], recipient=None)


def written(requests: Sequence[Request]) -> float:
    """Return the write units of the requests."""
    return sum(request.write_units for request in requests)


def _hold(testbed: Testbed, raffle: Raffle, numbers: Sequence[int]) -> list[Request]:
    buyer = Buyer(testbed)
    buyer.says(raffle.code)
    hold_requests = testbed.meter.during(lambda: buyer.says(", ".join(f"#{number}" for number in numbers)))
    buyer.order_id()  # fails unless they are held
    return hold_requests


def _far_apart(raffle: Raffle, free: Sequence[int]) -> list[int]:
    """Return three numbers on three leaves."""
    by_leaf = {raffle.layout.leaf_of(number): number for number in free}
    return list(by_leaf.values())[:3]
