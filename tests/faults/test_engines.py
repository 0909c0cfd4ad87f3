"""Done, but not heard of, on real engines: the token of the transaction says that it was ours, and it is there once.

DynamoDB Local 1.25.1 and ministack 1.5.33 both keep tokens as DynamoDB documents them; moto ignores them.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from chalicelib.container import Container
from chalicelib.domain.filters import RaffleFilter
from chalicelib.domain.messages import Identity, IncomingMessage, Media, MessageKind
from chalicelib.domain.orders import OrderStatus
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.domain.raffles import Raffle, RaffleEvent
from chalicelib.domain.refusals import RaffleNotFound
from chalicelib.store import contacts, orders, raffles
from chalicelib.store.records import Record
from chalicelib.whatsapp.inbound import Message
from local.engines import ENGINES
from local.in_process import QuietGraph, make_table, open_container
from tests.support.expired_holds import expire_order
from tests.support.faults import wire as w
from tests.support.faults.wire import Wire, tapped
from tests.support.races.findings import differences
from tests.support.races.hall import START

COUNT = count(1)
LUCIA = Identity(user_id="GT.1")
VALUES: dict[str, Any] = {
    "title": "Bicycle", "description": "", "prize": "", "unit_amount": 100, "currency": "GTQ", "first_number": 1,
    "last_number": 100, "hold_minutes": 15, "max_per_contact": None, "payment_instructions": "", "opens_at": None,
    "closes_at": None, "time_zone": "UTC",
}  # fmt: skip


@pytest.fixture(scope="module", params=ENGINES)
def tombola(request: pytest.FixtureRequest) -> Iterator[tuple[Container, Wire]]:
    with ENGINES[request.param]() as endpoint:
        container = open_container(endpoint, clock=lambda: START, seed=1)
        make_table()
        with tapped(moto=False) as wire:
            yield container, wire
        Record._connection = None  # the next test module may speak to another


class Sale:
    """One raffle and one buyer on the engine; `lose_the_answer` has the next transaction done and not answered."""

    def __init__(self, container: Container, wire: Wire, code: str) -> None:
        self.container, self.wire, self.code = container, wire, code
        wire.rests()
        self.raffle: Raffle = container.raffles.create({**VALUES, "code": code}, by=COMMAND_LINE)
        container.raffles.move(self.raffle.id, RaffleEvent.ACTIVATED, by=COMMAND_LINE)
        self.said = 0

    def says(self, text: str) -> None:
        self.hears(IncomingMessage(kind=MessageKind.TEXT, text=text))

    def hears(self, heard: IncomingMessage) -> None:
        self.said += 1
        message = Message(
            id=f"wamid.{self.code}.{self.said}", phone_number_id="1", sender=LUCIA, name="", sent_at=START,
            incoming=heard, kind="text",
        )  # fmt: skip
        self.container.chat.answer(message)

    def held(self) -> str:
        self.says(self.code)
        self.says("5,12")
        return self.order_id

    @property
    def order_id(self) -> str:
        found = contacts.look_up(LUCIA, phone_number_id="1", message_id="none").contact.conversation.order_id
        assert found is not None
        return found

    @property
    def sent(self) -> int:
        graph = self.container.graph
        assert isinstance(graph, QuietGraph)
        return len(graph.sent)

    def lose_the_answer(self, do: Callable[[], object], *, effect: w.Effect = w.times_out_after) -> None:
        self.wire.rests()
        left = [effect]
        self.wire.effect = lambda _, asked: left.pop() if left and asked.operation == "TransactWriteItems" else None
        do()
        assert not left
        tries = [asked.body for asked in self.wire.asked if asked.operation == "TransactWriteItems"]
        assert len(tries) == 2  # and the second was answered: it was the first
        assert tries[0] == tries[1]
        self.wire.rests()


@pytest.fixture
def sale(tombola: tuple[Container, Wire]) -> Iterator[Sale]:
    container, wire = tombola
    made = Sale(container, wire, f"RAFFLE{next(COUNT)}")
    yield made
    wire.rests()
    assert differences(made.raffle) == []


LOST = pytest.mark.parametrize("effect", [w.times_out_after, w.resets_after, w.fails_after])


@LOST
def test_m1_h1_a_hold_is_made_once_although_the_answer_is_lost(sale: Sale, effect: w.Effect) -> None:
    sale.says(sale.code)
    before = sale.sent
    sale.lose_the_answer(lambda: sale.says("5,12"), effect=effect)
    assert raffles.board(sale.raffle.id).availability.reserved == 2
    assert len(list(Record.by_raffle.query(sale.raffle.id))) == 1
    assert sale.sent == before + 1


def test_p4_a_payment_is_confirmed_once_although_the_answer_is_lost(sale: Sale) -> None:
    order_id = sale.held()
    sale.lose_the_answer(lambda: sale.container.settlement.confirm_payment(order_id, by=COMMAND_LINE))
    assert orders.get(order_id).status is OrderStatus.PAID
    assert raffles.board(sale.raffle.id).availability.sold == 2


def test_p3_an_order_is_cancelled_once_although_the_answer_is_lost(sale: Sale) -> None:
    order_id = sale.held()
    sale.lose_the_answer(lambda: sale.container.settlement.cancel(order_id, by=COMMAND_LINE))
    assert orders.get(order_id).status is OrderStatus.CANCELLED
    assert raffles.board(sale.raffle.id).availability.available == 100


def test_h4_a_hold_ends_once_although_the_answer_is_lost(sale: Sale) -> None:
    order_id = sale.held()
    late = replace(sale.container, clock=lambda: START + timedelta(hours=1))
    vars(late)["graph"] = sale.container.graph
    ended: list[bool] = []
    sale.lose_the_answer(lambda: ended.append(expire_order(late, order_id)))
    assert ended == [True]
    assert raffles.board(sale.raffle.id).availability.available == 100


def test_p1_a_proof_is_taken_once_although_the_answer_is_lost(sale: Sale) -> None:
    order_id = sale.held()
    sale.says("confirm")
    proof = IncomingMessage(kind=MessageKind.MEDIA, media=Media(id="proof"))
    sale.lose_the_answer(lambda: sale.hears(proof))
    assert len(orders.get(order_id).proofs) == 1


def test_n2_a_raffle_is_made_once_although_the_answer_is_lost(sale: Sale) -> None:
    made: list[Raffle] = []
    values = {**VALUES, "code": f"{sale.code}X"}
    sale.lose_the_answer(lambda: made.append(sale.container.raffles.create(values, by=COMMAND_LINE)))
    assert raffles.get(made[0].id) == made[0]
    assert [
        raffle.id for raffle in raffles.listed(RaffleFilter(), limit=200).items if raffle.code == values["code"]
    ] == [made[0].id]


def test_a_raffle_is_changed_and_deleted_once_although_the_answer_is_lost(sale: Sale) -> None:
    made = sale.container.raffles.create({**VALUES, "code": f"{sale.code}X"}, by=COMMAND_LINE)
    values = {**VALUES, "code": f"{sale.code}Y", "prize": "A car"}
    sale.lose_the_answer(lambda: sale.container.raffles.change(made.id, lambda _: values, by=COMMAND_LINE))
    assert raffles.get(made.id).prize == "A car"
    sale.lose_the_answer(lambda: sale.container.raffles.delete(made.id, by=COMMAND_LINE))
    with pytest.raises(RaffleNotFound):
        raffles.get(made.id)


def test_both_engines_know_a_transaction_by_its_token(sale: Sale) -> None:
    """What the other tests rely on, as DynamoDB documents it."""
    answers: list[AWSResponse] = []

    def thrice(asked: w.Asked) -> AWSResponse:
        first = asked.passed()
        answers.extend((first, asked.passed(), asked.passed(TransactItems=asked.body["TransactItems"][:1])))
        return first

    sale.wire.effect = w.always(thrice, "TransactWriteItems")
    sale.says(sale.code)
    first, second, other = answers
    assert (first.status_code, second.status_code, other.status_code) == (200, 200, 400)
    assert w.body_of(other)["__type"].endswith("IdempotentParameterMismatchException")
