"""What the tests do again and again, each in a line."""

from collections import Counter
from typing import Any

from chalicelib.domain.messages import Identity
from chalicelib.domain.orders import Order
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.store.contact_ids import contact_ids_of
from tests.support.order_codes import code_in
from tests.support.outbound_records import outbound_records
from tests.support.world import Buyer, World, text_of

Json = dict[str, Any]
MILLION = 1_000_000
SPREAD = ", ".join(str(number) for number in range(1, MILLION, 25_000))  # forty numbers, each in a leaf of its own


def hold(buyer: Buyer, text: str = "5,12", code: str = "BIKE") -> str:
    """The id of a new order for the numbers."""
    buyer.says(code)
    return code_in(text_of(buyer.says(text)))


def hold_and_confirm(buyer: Buyer, text: str = "5,12", code: str = "BIKE") -> str:
    order_id = hold(buyer, text, code)
    buyer.says("confirm")
    return order_id


def hold_and_prove(buyer: Buyer, text: str = "5,12", code: str = "BIKE") -> str:
    order_id = hold_and_confirm(buyer, text, code)
    buyer.sends_proof()
    return order_id


def buy(buyer: Buyer, text: str = "5,12", code: str = "BIKE") -> str:
    """The id of an order that is paid."""
    order_id = hold(buyer, text, code)
    assert confirm_payment(buyer.world, order_id).status == 200
    return order_id


def confirm_payment(world: World, order_id: str) -> Any:
    return world.api("POST", f"/api/orders/{order_id}/confirm-payment")


def cancel(world: World, order_id: str) -> Any:
    return world.api("POST", f"/api/orders/{order_id}/cancel")


def reject(
    world: World, order_id: str, reason: str = "the amount cannot be read", *, proof: str | None = None
) -> Order:
    return world.container.settlement.reject_proof(order_id, reason=reason, proof=proof, by=COMMAND_LINE)


def refund(world: World, order_id: str, reason: str = "paid twice") -> Order:
    return world.container.settlement.refund(order_id, reason=reason, by=COMMAND_LINE)


def reassign(world: World, order_id: str, numbers: list[int] | None = None, *, paid: bool = True) -> Order:
    return world.container.settlement.reassign(order_id, numbers, paid=paid, by=COMMAND_LINE)


def late(buyer: Buyer, other: Buyer, text: str = "5,12", taken: str = "12") -> str:
    """An order that is LATE: the buyer's proof came when the other one had a number of theirs."""
    order_id = hold_and_confirm(buyer, text)
    buyer.world.clock.pass_minutes(15)
    buyer.world.minute()
    hold(other, taken)
    buyer.sends_proof()
    return order_id


def everything(world: World, path: str) -> list[Json]:
    """All items of a list, page by page."""
    found: list[Json] = []
    url: str | None = path
    while url:
        page = world.api("GET", url).body
        found += page["results"]
        url = page["next"]
    return found


def assert_board_is_exact(world: World, raffle: Json) -> None:
    """Availability, tickets and orders say the same: H2 and the exactness of the board."""
    tickets = everything(world, f"/api/raffles/{raffle['id']}/tickets?page_size=200")
    owned: dict[int, str] = {}
    states: dict[int, str] = {}
    for order in everything(world, f"/api/orders?raffle={raffle['id']}&page_size=200"):
        if order["status"] in ("DRAFT", "PENDING_PAYMENT", "IN_REVIEW", "PAID"):
            for number in order["numbers"]:
                assert number not in owned, f"{number} has two live owners"
                owned[number] = order["id"]
                states[number] = "SOLD" if order["status"] == "PAID" else "RESERVED"
    assert [ticket["number"] for ticket in tickets] == list(range(raffle["first_number"], raffle["last_number"] + 1))
    assert {ticket["number"]: ticket["order"] for ticket in tickets if ticket["order"]} == owned
    assert {t["number"]: t["status"] for t in tickets if t["status"] != "AVAILABLE"} == states
    count = Counter(ticket["status"] for ticket in tickets)
    assert world.availability(raffle) == (count["AVAILABLE"], count["RESERVED"], count["SOLD"])


def outbounds(buyer: Buyer) -> list[Any]:
    """What is stored of the messages to a person, oldest first."""
    person = Identity(user_id=buyer.person.user_id, phone=buyer.person.wa_id)
    found = [record for contact_id in contact_ids_of(person) for record in outbound_records(contact_id, limit=100)]
    return sorted(found, key=lambda record: str(record.sk))
