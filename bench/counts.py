"""Requests, capacity units and messages: the same on every machine."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from bench.bulk import Filling
from bench.figure import Figure
from bench.meter import Request
from bench.stage import Stage, Visitor, reserve, stranger
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.domain.raffles import Raffle
from chalicelib.store import raffles
from chalicelib.whatsapp.inbound import Status
from local.lab import make_raffle

MILLION = 1_000_000


def requests(stage: Stage) -> Iterator[Figure]:
    """What each thing asks of DynamoDB, in a raffle of a million numbers."""
    raffle, during = make_raffle(stage.container, numbers=MILLION), stage.meter.during
    visitor = Visitor(stage)
    visitor.says("hello")
    silent = [len(during(partial(visitor.says, text))) for text in ("menu", "help", "what?", "cancel", raffle.code)]
    holding = [len(during(lambda: visitor.says("#5, #12, #99")))]
    silent.append(len(during(lambda: visitor.says("confirm"))))
    proof = during(visitor.sends_proof)
    order_id = visitor.order_id()
    confirming = during(lambda: stage.container.settlement.confirm_payment(order_id, by=COMMAND_LINE))
    visitor.says(raffle.code)
    holding.append(len(during(lambda: visitor.says("random 3"))))
    found = raffles.board(raffle.id)
    drawing = during(lambda: reserve(stage.container, found, stranger(1)))
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


def units(stage: Stage) -> Iterator[Figure]:
    """Write units of the message that holds three numbers on three leaves: index entries and its reply included."""
    for numbers, goal in ((10_000, "<= 30"), (MILLION, "<= 38")):
        raffle = make_raffle(stage.container, numbers=numbers)
        filling = Filling(stage, raffle)
        taken = []
        for share in (0, 0.99):
            filling.up_to(share)
            taken.append(written(_hold(stage, raffle, _far_apart(raffle, filling.left(100)))))
            yield Figure(f"write units: hold 3 of {numbers:,} at {share:.0%} sold", taken[-1], "write units", goal)
        yield Figure(f"write units: 99 % sold against 0 %, of {numbers:,}", taken[1] - taken[0], "write units", "<= 0")


def writing(stage: Stage) -> Iterator[Figure]:
    """A whole sale of three numbers, from the list of raffles to the confirmation: messages and what is written."""
    sale = _sale(stage)
    yield Figure("messages: in before the hold, the hold's included", sale.said_before, "messages", "<= 3")
    yield Figure("messages: out to the buyer in a whole purchase", sale.told, "messages", "<= 6")
    yield Figure("a whole sale: webhooks, with three statuses for each message", sale.webhooks, "requests")
    yield Figure("a whole sale: requests to DynamoDB", len(sale.requests), "requests")
    yield Figure("a whole sale: write units", written(sale.requests), "write units")


def reading(stage: Stage) -> Iterator[Figure]:
    """The same sale: what is read."""
    yield Figure("a whole sale: read units", sum(one.read_units for one in _sale(stage).requests), "read units")


class Sale(NamedTuple):
    requests: list[Request]
    said_before: int
    told: int
    webhooks: int


def _sale(stage: Stage) -> Sale:
    """A new buyer; one organiser who is told of the proof; WhatsApp reports each message sent, delivered and read."""
    raffle, during = make_raffle(stage.container, numbers=10_000), stage.meter.during
    visitor, sent = Visitor(stage), stage.graph.sent
    sent.clear()
    made = []
    for text in ("raffles", raffle.code, "5, 12, 99"):
        made += during(partial(visitor.says, text))
    said_before = visitor.messages
    made += during(partial(visitor.says, "confirm"))
    made += during(visitor.sends_proof)
    order_id = visitor.order_id()
    made += during(lambda: stage.container.settlement.confirm_payment(order_id, by=COMMAND_LINE))
    news = [_status(message, state) for message in sent for state in ("sent", "delivered", "read")]
    for status in news:
        made += during(partial(stage.container.sender.update_status, status))
    return Sale(made, said_before, len(sent) - 1, visitor.messages + len(news))


def _status(message: Mapping[str, Any], state: str) -> Status:
    return Status(message_id="wamid.X", state=state, at=None, tag=message["biz_opaque_callback_data"], recipient=None)


def written(made: Sequence[Request]) -> float:
    return sum(one.write_units for one in made)


def _hold(stage: Stage, raffle: Raffle, numbers: Sequence[int]) -> list[Request]:
    visitor = Visitor(stage)
    visitor.says(raffle.code)
    made = stage.meter.during(lambda: visitor.says(", ".join(f"#{number}" for number in numbers)))
    visitor.order_id()  # it holds them
    return made


def _far_apart(raffle: Raffle, free: Sequence[int]) -> list[int]:
    """Three numbers on three leaves."""
    by_leaf = {raffle.layout.leaf_of(number): number for number in free}
    return list(by_leaf.values())[:3]
