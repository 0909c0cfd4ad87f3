"""O11: organisers decide about proofs in the chat, each decision once, and nobody else does."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from botocore.exceptions import EndpointConnectionError

import app as functions
from chalicelib import lambdas
from chalicelib.domain import reply_limits
from chalicelib.domain.decisions import RejectReason
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.lambdas import NotHandled
from chalicelib.services.chat import actions, handler
from chalicelib.services.messaging.texts import texts_in
from chalicelib.settings import SettingsInvalid
from chalicelib.store import orders
from local.worker import Context, sqs_event
from tests.support.order_codes import code_in
from tests.support.organisers import OLGA, OSCAR, acts, choice_of, person, set_organisers, tap
from tests.support.receipts import picture
from tests.support.request_counts import Requests
from tests.support.steps import (
    assert_board_is_exact,
    cancel,
    confirm_payment,
    hold_and_confirm,
    hold_and_prove,
    late,
    reject,
)
from tests.support.updates import update_of
from tests.support.world import PNG, Buyer, World, buttons_of, rows_of, text_of
from whatsapp_sandbox import webhooks

BY_OLGA = f"WhatsApp {OLGA}"
BY_OSCAR = f"WhatsApp {OSCAR}"


@pytest.fixture
def olga(world: World) -> Buyer:
    """The organiser, with an open window."""
    organiser = world.organiser()
    organiser.says("hi")
    return organiser


@pytest.fixture
def oscar(world: World, olga: Buyer) -> Buyer:
    """A second organiser."""
    set_organisers(world, OLGA, OSCAR)
    organiser = person(world, OSCAR, user_id="GT.OSCAR1")
    organiser.says("hi")
    return organiser


def test_o11_an_organiser_approves_a_proof_by_one_tap(world: World, lucia: Buyer, olga: Buyer) -> None:
    raffle = world.raffle()
    order_id = hold_and_prove(lucia)
    assert buttons_of(olga.heard[-1]) == ["Approve", "Reject", "Open"]
    told = text_of(olga.taps("Approve"))
    assert told == f"Order *{order_id}* is confirmed: Bicycle, 005, 012. I have told Lucía."
    assert world.order(order_id)["status"] == "PAID"
    assert f"Your payment for order *{order_id}* is confirmed" in text_of(lucia.heard[-1])
    assert acts(world, order_id) == [(BY_OLGA, "order.paid")]
    assert_board_is_exact(world, raffle)


def test_o11_tapping_twice_approves_once_and_says_so(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    choice = choice_of(olga.heard[-1], "Approve")
    olga.sends(tap(olga, choice))
    told = len(lucia.heard)
    world.clock.pass_minutes(5)
    again = text_of(olga.sends(tap(olga, choice)))
    assert again == f"Order *{order_id}* is not to be checked any more: paid.\nYou were first yourself: 14:00."
    assert acts(world, order_id) == [(BY_OLGA, "order.paid")]
    assert len(lucia.heard) == told


def test_o11_a_second_organiser_hears_who_was_first(world: World, lucia: Buyer, olga: Buyer, oscar: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    olga.taps("Approve")
    world.clock.pass_minutes(5)
    assert text_of(oscar.taps("Approve")) == (
        f"Order *{order_id}* is not to be checked any more: paid.\n{BY_OLGA} was first: 14:00."
    )
    assert acts(world, order_id) == [(BY_OLGA, "order.paid")]


@pytest.mark.parametrize("first", ["Approve", "Reject"])
def test_o11_of_two_organisers_at_once_one_is_first_and_the_other_is_told(
    world: World, lucia: Buyer, olga: Buyer, oscar: Buyer, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one decides between the other's reading and commit."""
    world.raffle()
    order_id = hold_and_prove(lucia)
    choice = choice_of(olga.heard[-1], "Approve")
    settlement, original = world.container.settlement, orders.get
    interfered: list[str] = []

    def read(wanted: str) -> object:
        found = original(wanted)
        if not interfered:
            interfered.append(wanted)
            with monkeypatch.context() as patch:
                patch.setattr(orders, "get", original)
                if first == "Approve":
                    settlement.confirm_payment(wanted, by=COMMAND_LINE)
                else:
                    settlement.reject_proof(wanted, reason="no", by=COMMAND_LINE)
        return found

    monkeypatch.setattr(orders, "get", read)
    told = text_of(olga.sends(tap(olga, choice)))
    assert interfered == [order_id]
    assert told.endswith("\ncommand line was first: 14:00.")
    assert len(acts(world, order_id)) == 1


def test_o11_the_first_is_named_though_no_index_has_the_entry_yet(
    world: World, lucia: Buyer, olga: Buyer, oscar: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.raffle()
    hold_and_prove(lucia)
    olga.taps("Approve")
    monkeypatch.setattr("chalicelib.store.audit.page_of", lambda *_, **__: pytest.fail("an index was read"))
    assert f"{BY_OLGA} was first" in text_of(oscar.taps("Approve"))


@pytest.mark.parametrize("title", ["Approve", "Hola"])
def test_o11_a_strangers_forged_choice_is_not_understood_and_does_nothing(
    world: World, lucia: Buyer, marco: Buyer, olga: Buyer, title: str
) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    for act in ("approve", "reject", "open"):
        choice = choice_of(olga.heard[-1], "Approve").replace("approve", act)
        for who in (lucia, marco):
            who.sends(tap(who, choice, "xyzzy"))
            told = text_of(who.heard[-1])
            assert any(words in told for words in ("did not understand", "being checked", "passed it on")), told
    assert world.order(order_id)["status"] == "IN_REVIEW"
    assert acts(world, order_id) == []


def test_o11_who_is_no_organiser_any_more_decides_nothing(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    choice = choice_of(olga.heard[-1], "Approve")
    set_organisers(world, OSCAR)
    olga.sends(tap(olga, choice, "xyzzy"))
    assert "did not understand" in text_of(olga.heard[-1])
    assert (world.order(order_id)["status"], acts(world, order_id)) == ("IN_REVIEW", [])


def test_o11_who_was_removed_while_the_decision_waited_decides_nothing(
    world: World, lucia: Buyer, olga: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    choice = choice_of(olga.heard[-1], "Approve")
    with monkeypatch.context() as patch:
        patch.setattr(World, "work_on_decisions", lambda _: None)
        olga.sends(tap(olga, choice))
    set_organisers(world, OSCAR)
    told = len(olga.heard)
    world.work_on_decisions()
    assert (world.order(order_id)["status"], acts(world, order_id)) == ("IN_REVIEW", [])
    assert len(olga.heard) == told


@pytest.mark.parametrize(
    ("configured", "written"),
    [("+525512345678", "+5215512345678"), ("+5491123456789", "+541123456789"), ("+5511912345678", "+551112345678")],
)
def test_o11_an_organiser_is_known_in_every_spelling_of_their_number(
    world: World, lucia: Buyer, configured: str, written: str
) -> None:
    if configured.startswith("+5511"):
        written = "+551181234567"
        configured = "+5511981234567"
    set_organisers(world, configured)
    organiser = person(world, written, user_id="XX.1")
    organiser.says("hi")
    world.raffle()
    order_id = hold_and_prove(lucia)
    notice = next(message for message in reversed(world.graph.sent) if "Payment proof" in text_of(message))
    organiser.sends(tap(organiser, choice_of(notice, "Approve")))
    assert world.order(order_id)["status"] == "PAID"
    assert acts(world, order_id) == [(f"WhatsApp {configured}", "order.paid")]


def test_o11_an_organiser_whose_phone_whatsapp_hides_is_known_by_what_it_told_before(
    world: World, lucia: Buyer, oscar: Buyer
) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    hidden = replace(oscar.person, phone=None)
    oscar.sends(tap(replace(oscar, person=hidden), choice_of(oscar.heard[-1], "Approve")))
    assert acts(world, order_id) == [(BY_OSCAR, "order.paid")]


def test_o11_a_newer_proof_is_shown_instead_of_deciding_unseen(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    first = choice_of(olga.heard[-1], "Approve")
    told = len(olga.heard)
    lucia.sends_proof(picture())
    assert len(olga.heard) == told  # nobody has looked yet, so they are not told again (M8)
    shown = olga.sends(tap(olga, first))
    assert text_of(shown).startswith("Nothing is decided yet: another proof has come since.")
    assert world.order(order_id)["status"] == "IN_REVIEW"
    assert choice_of(shown, "Approve") != first
    olga.taps("Approve")
    assert world.order(order_id)["status"] == "PAID"


def test_o11_a_proof_that_comes_while_an_organiser_decides_is_shown(
    world: World, lucia: Buyer, olga: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    original = orders.get
    came: list[str] = []

    def read(wanted: str) -> object:
        found = original(wanted)
        if not came:
            came.append(wanted)
            with monkeypatch.context() as patch:
                patch.setattr(orders, "get", original)
                patch.setattr(World, "work_on_decisions", lambda _: None)
                lucia.sends_proof(picture())
        return found

    monkeypatch.setattr(orders, "get", read)
    assert text_of(olga.taps("Approve")).startswith("Nothing is decided yet")
    assert world.order(order_id)["status"] == "IN_REVIEW"


def expires(world: World, order_id: str) -> None:
    reject(world, order_id)
    world.clock.pass_minutes(16)
    world.minute()


@pytest.mark.parametrize("title", ["Approve", "Reject"])
@pytest.mark.parametrize(
    ("happens", "status", "first"),
    [
        (cancel, "cancelled", "local was first: 14:00."),
        (confirm_payment, "paid", "local was first: 14:00."),
        (reject, "it waits for a payment", "command line was first: 14:00."),
        (expires, "time is over", "command line was first: 14:00."),
    ],
)
def test_o11_an_order_that_is_not_in_review_any_more_stays_as_it_is(
    world: World,
    lucia: Buyer,
    olga: Buyer,
    title: str,
    happens: Callable[[World, str], object],
    status: str,
    first: str,
) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    choice = choice_of(olga.heard[-1], title)
    happens(world, order_id)
    before = world.order(order_id)
    choice += ":amount" if title == "Reject" else ""
    told = text_of(olga.sends(tap(olga, choice)))
    assert told == f"Order *{order_id}* is not to be checked any more: {status}.\n{first}"
    assert world.order(order_id) == before


def test_o11_rejecting_asks_for_the_reason_and_tells_the_buyer_in_their_language(
    world: World, olga: Buyer, countries: None
) -> None:
    buyer = person(world, "+5511912345678", name="João", user_id="BR.1")
    world.raffle(language="pt")
    buyer.says("BIKE")
    buyer.says("7")
    order_id = next(iter(order["id"] for order in world.api("GET", "/api/orders").body["results"]))
    buyer.says("sim")
    buyer.sends_proof()
    olga.says("english")
    notice = olga.heard[-2]
    asked = olga.sends(tap(olga, choice_of(notice, "Rechazar")))
    assert rows_of(asked) == [
        "The amount differs", "It can't be read", "It is no payment", "The money isn't there", "It was used before",
        "Other: I'll write it",
    ]  # fmt: skip
    assert world.order(order_id)["status"] == "IN_REVIEW"
    told = text_of(olga.taps("It can't be read"))
    assert told == f"The proof of order *{order_id}* is rejected. I have told João, who can send another one."
    assert "não dá para ler bem." in text_of(buyer.heard[-1])
    assert world.order(order_id)["status"] == "PENDING_PAYMENT"
    assert acts(world, order_id) == [(BY_OLGA, "order.rejected")]


def test_o11_the_last_rejection_ends_the_order_and_says_so(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle(max_rejections=1)
    order_id = hold_and_prove(lucia)
    olga.taps("Reject")
    told = text_of(olga.taps("It is no payment"))
    assert told == (
        f"The proof of order *{order_id}* is rejected, and its numbers are free: 005, 012. I have told Lucía."
    )
    assert world.order(order_id)["status"] == "EXPIRED"


def test_o11_a_rejection_that_is_delivered_again_rejects_no_second_proof(
    world: World, lucia: Buyer, olga: Buyer
) -> None:
    """Also if the buyer has sent the very same file again."""
    world.raffle()
    order_id = hold_and_prove(lucia)
    choice = choice_of(olga.heard[-1], "Reject") + ":no_payment"
    body = tap(olga, choice, message_id="wamid.INREJECT")
    olga.sends(body)
    lucia.sends_proof()
    assert world.order(order_id)["status"] == "IN_REVIEW"
    world.clock.pass_minutes(60)
    told = len(olga.heard)
    [again] = decisions_of(world, body)
    functions.decide_on_proof(again, Context("decide_on_proof"))
    assert world.order(order_id)["status"] == "IN_REVIEW"
    assert len(olga.heard) == told
    assert acts(world, order_id) == [(BY_OLGA, "order.rejected")]


def decisions_of(world: World, body: dict[str, object]) -> list[dict[str, object]]:
    """The events that the decision's function gets if WhatsApp delivers a tap again, hours after the first time."""
    found: list[str] = []
    queue = world.container.decision_queue
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(queue), "put", lambda _, decision: found.append(decision.to_json()))
        lambdas.handle_update(update_of(body).to_json())
    event = {"MessageId": "1", "ReceiptHandle": "1"}
    return [sqs_event(event | {"Body": one}, world.stack.decisions_url) for one in found]


def test_o11_the_organisers_own_language_reads_naturally() -> None:
    for language in ("en", "es", "pt"):
        reasons = [texts_in(language).reject_reason(reason) for reason in RejectReason]
        assert len(set(reasons)) == len(reasons)
        assert not any(reason.endswith(".") for reason in reasons)


def test_o11_opening_shows_the_order_and_a_link_which_the_log_records(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    lines = text_of(olga.taps("Open")).split("\n")
    assert lines[:-1] == [
        f"Order *{order_id}*: its payment is being checked", "Bicycle: 005, 012", "Total: *GTQ 50.00*", "From: Lucía",
        "https://wa.me/50255500001", "The proof, to be opened until: 14:05",
    ]  # fmt: skip
    assert lines[-1].startswith("https://") and "proofs/" in lines[-1]
    assert acts(world, order_id) == [(BY_OLGA, "proof.read")]
    lucia.sends_proof(picture())
    assert "Payment proof" in text_of(olga.heard[-1])  # somebody has looked, so the next one is news (M8)


def test_o11_a_proof_that_came_too_late_can_only_be_opened(
    world: World, lucia: Buyer, marco: Buyer, olga: Buyer
) -> None:
    world.raffle()
    late(lucia, marco)
    assert buttons_of(olga.heard[-1]) == ["Open"]


def test_o11_a_proof_that_stops_no_clock_can_be_approved(world: World, lucia: Buyer, olga: Buyer) -> None:
    """A newcomer has another order in review already (H10)."""
    world.raffle(limited=True, max_in_review=1)
    hold_and_prove(lucia, "1")
    order_id = hold_and_confirm(lucia, "2")
    lucia.sends_proof(picture())
    assert world.order(order_id)["status"] == "PENDING_PAYMENT"
    assert buttons_of(olga.heard[-1]) == ["Approve", "Open"]
    olga.taps("Approve")
    assert world.order(order_id)["status"] == "PAID"


def test_o11_an_organiser_who_opted_out_is_answered_what_they_tap(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    choice = choice_of(olga.heard[-1], "Approve")
    olga.says("stop")
    assert order_id in text_of(olga.sends(tap(olga, choice)))
    assert world.order(order_id)["status"] == "PAID"


def test_o11_a_tap_opens_the_window_for_its_answer(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    world.clock.pass_minutes(60 * 30)
    assert "is confirmed" in text_of(olga.taps("Approve"))
    assert world.order(order_id)["status"] == "PAID"


@pytest.mark.parametrize("word", ["pending", "Pendientes", "pendentes"])
def test_o11_an_organiser_asks_which_proofs_wait(
    world: World, lucia: Buyer, marco: Buyer, olga: Buyer, word: str
) -> None:
    assert text_of(olga.says(word)) == "No proof is waiting just now."
    world.raffle()
    first = hold_and_prove(lucia, "1")
    world.clock.pass_minutes(1)
    second = hold_and_prove(marco, "2")
    hold_and_confirm(world.buyer("Ana", 8), "3")
    told = len(olga.heard)
    olga.says(word)
    shown = olga.heard[told:]
    assert [code_in(text_of(message)) for message in shown] == [first, second]
    assert "header" in shown[0]["interactive"]
    olga.sends(tap(olga, choice_of(shown[0], "Approve")))
    assert world.order(first)["status"] == "PAID"
    told = len(lucia.heard)
    assert "Payment proof" not in text_of(lucia.says(word))


def test_o11_of_many_proofs_that_wait_the_first_three_are_shown(world: World, olga: Buyer) -> None:
    world.raffle()
    waiting = []
    for number in range(5):
        waiting.append(hold_and_prove(world.buyer(f"Buyer {number}", number + 10), f"#{number + 1}"))
        world.clock.pass_minutes(1)
    told = len(olga.heard)
    olga.says("pending")
    shown = [text_of(message) for message in olga.heard[told:]]
    assert [code_in(text) for text in shown] == waiting[:3]
    assert [text.endswith("write *pending* to see them.") for text in shown] == [False, False, True]


def test_o11_whoever_writes_after_a_day_sees_what_came_meanwhile(world: World, lucia: Buyer, olga: Buyer) -> None:
    """Templates have no buttons. Whoever missed nothing is told nothing more."""
    world.raffle()
    world.clock.pass_minutes(60 * 25)
    told = len(olga.heard)
    assert text_of(olga.says("help")).startswith("You get each")
    assert len(olga.heard) == told + 1
    world.clock.pass_minutes(60 * 25)
    order_id = hold_and_prove(lucia)
    olga.says("help")
    assert text_of(olga.heard[-2]).startswith("You get each")
    assert order_id in text_of(olga.heard[-1]) and buttons_of(olga.heard[-1]) == ["Approve", "Reject", "Open"]
    told = len(olga.heard)
    olga.says("help")
    assert len(olga.heard) == told + 1


def test_m5_an_organiser_who_opted_out_is_not_shown_what_they_did_not_ask_for(
    world: World, lucia: Buyer, olga: Buyer
) -> None:
    world.raffle()
    olga.says("stop")
    world.clock.pass_minutes(60 * 25)
    order_id = hold_and_prove(lucia)
    told = len(olga.heard)
    olga.says("help")
    assert len(olga.heard) == told + 1
    assert order_id in text_of(olga.says("pending"))


def test_o11_what_an_organiser_writes_is_a_buyers_as_before(world: World, olga: Buyer) -> None:
    world.raffle()
    assert "Bicycle" in text_of(olga.says("BIKE"))
    order_id = hold_and_prove(olga, "9")
    olga.taps("Approve")
    assert world.order(order_id)["status"] == "PAID"


def test_m8_what_organisers_tap_takes_none_of_their_replies_but_has_an_end(
    world: World, lucia: Buyer, olga: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    monkeypatch.setattr(reply_limits, "MAX_REPLIES", 3)
    monkeypatch.setattr(handler, "MAX_REPLIES", 3)
    monkeypatch.setattr(actions, "MAX_DECISIONS", 6)
    asks, approves = choice_of(olga.heard[-1], "Reject"), choice_of(olga.heard[-1], "Approve")
    for _ in range(5):
        assert text_of(olga.sends(tap(olga, asks))).startswith("Why do you reject")
    assert "is confirmed" in text_of(olga.sends(tap(olga, approves)))
    assert text_of(olga.sends(tap(olga, approves))).startswith("That is more than 6 decisions today.")
    told = len(olga.heard)
    olga.sends(tap(olga, approves))
    assert len(olga.heard) == told
    assert text_of(olga.says("help")).startswith("You get each")
    world.clock.pass_minutes(60 * 24)
    assert "not to be checked any more" in text_of(olga.sends(tap(olga, approves)))
    assert acts(world, order_id) == [(BY_OLGA, "order.paid")]


def test_o11_what_a_decision_costs(world: World, lucia: Buyer, olga: Buyer, requests: Requests) -> None:
    """The tap: two requests. Carrying it out: four, as by the API, and one more for each message that is sent."""
    world.raffle()
    hold_and_prove(lucia)
    handed_over: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(World, "work_on_decisions", lambda _: handed_over.append("once"))
        assert len(requests.during(lambda: olga.taps("Approve"))) == 2
    operations = requests.during(world.work_on_decisions)
    assert len(operations) == 4 + 2, operations
    operations = requests.during(lambda: olga.taps("Approve"))
    assert len(operations) == 2 + 7 + 1, operations  # to look up who was first, and one message


# Crashes


def test_o11_a_tap_whose_queue_fails_is_delivered_again(
    world: World, lucia: Buyer, olga: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends, or SQS fails, between the commit of the tap and its way into the queue."""
    world.raffle()
    order_id = hold_and_prove(lucia)
    body = tap(olga, choice_of(olga.heard[-1], "Approve"))
    queue = world.container.decision_queue
    world.post_webhook(webhooks.encode(body))
    [message] = world.sqs.receive_message(QueueUrl=world.stack.queue_url, AttributeNames=["All"])["Messages"]
    with monkeypatch.context() as patch:
        patch.setattr(type(queue), "put", fails)
        with pytest.raises(NotHandled):
            functions.converse(sqs_event(message), Context("converse"))
    world.work_on_decisions()
    assert world.order(order_id)["status"] == "IN_REVIEW"
    functions.converse(sqs_event(message), Context("converse"))
    world.work_on_decisions()
    assert world.order(order_id)["status"] == "PAID"
    assert acts(world, order_id) == [(BY_OLGA, "order.paid")]


def test_o11_an_answer_does_not_wait_for_what_was_missed(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle()
    world.clock.pass_minutes(60 * 25)
    hold_and_prove(lucia)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(world.container.decision_queue), "_put", fails)
        assert text_of(olga.says("help")).startswith("You get each")
    assert buttons_of(olga.says("pending")) == ["Approve", "Reject", "Open"]


def test_o11_without_a_queue_the_setting_is_named(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    body = tap(olga, choice_of(olga.heard[-1], "Approve"))
    queue = replace(world.container.decision_queue, queue_url="")
    vars(world.container)["decision_queue"] = queue
    vars(world.container).pop("chat")
    with pytest.raises(SettingsInvalid, match="TOMBOLA_DECISIONS_QUEUE is missing"):
        lambdas.handle_update(update_of(body).to_json())
    assert world.order(order_id)["status"] == "IN_REVIEW"


def fails(*_: object) -> None:
    raise EndpointConnectionError(endpoint_url="https://sqs")


def test_o11_a_decision_that_comes_twice_is_carried_out_and_answered_once(
    world: World, lucia: Buyer, olga: Buyer
) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    body = tap(olga, choice_of(olga.heard[-1], "Approve"), message_id="wamid.INAPPROVE")
    olga.sends(body)
    told = len(world.graph.sent)
    [again] = decisions_of(world, body)
    functions.decide_on_proof(again, Context("decide_on_proof"))
    assert len(world.graph.sent) == told
    assert acts(world, order_id) == [(BY_OLGA, "order.paid")]


def test_o11_a_decision_that_was_given_up_can_be_replayed(world: World, lucia: Buyer, olga: Buyer) -> None:
    """After five failures it is a dead letter, like an update."""
    world.raffle()
    order_id = hold_and_prove(lucia)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(World, "work_on_decisions", lambda _: None)
        olga.taps("Approve")
    [message] = world.sqs.receive_message(QueueUrl=world.stack.decisions_url)["Messages"]
    world.sqs.delete_message(QueueUrl=world.stack.decisions_url, ReceiptHandle=message["ReceiptHandle"])
    world.container.dead_letters.keep(message["Body"], "given up", tries=5)
    [letter] = world.api("GET", "/api/dead-letters").body["results"]
    assert world.api("POST", f"/api/dead-letters/{letter['id']}/replay").status < 300
    world.work()
    assert world.order(order_id)["status"] == "PAID"
    assert acts(world, order_id) == [(BY_OLGA, "order.paid")]


def test_o11_the_history_shows_a_tap_once_and_its_answer(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle()
    hold_and_prove(lucia)
    world.clock.pass_minutes(1)
    olga.taps("Approve")
    contact = world.api("GET", "/api/contacts?search=Olga").body["results"][0]["id"]
    lines = world.api("GET", f"/api/contacts/{contact}/messages").body["results"]
    assert [line.get("reply") or line.get("text") for line in lines[:2]] == ["decided", "Approve"]


def test_m8_a_notice_says_how_many_files_came_and_open_shows_all(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    assert "files" not in text_of(olga.heard[-1])
    told = len(olga.heard)
    for number in (2, 3):
        lucia.sends_proof(PNG + bytes([number]))
    assert len(olga.heard) == told  # one notice
    assert "3 files came: this is the last one. Tap *Open* to see all of them." in text_of(olga.says("pending"))
    told = len(olga.heard)
    olga.taps("Open")
    links = [text_of(message) for message in olga.heard[told:]]
    assert links[0].startswith(f"Order *{order_id}*: its payment is being checked")
    assert [text.split(" of ")[0] for text in links[1:]] == ["File 2", "File 1"]
    assert len({text.splitlines()[-1] for text in links}) == 3


def test_m8_files_that_were_judged_are_not_counted(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    lucia.sends_proof(PNG + b"2")
    olga.taps("Reject")
    olga.taps("It can't be read")
    assert "2 files came" in text_of(olga.heard[-1]) and world.order(order_id)["status"] == "IN_REVIEW"
    olga.taps("Reject")
    olga.taps("It can't be read")
    assert world.order(order_id)["status"] == "PENDING_PAYMENT"
    world.clock.pass_minutes(1)
    lucia.sends_proof(PNG + b"3")
    assert "files" not in text_of(olga.heard[-1])
    told = len(olga.heard)
    olga.taps("Open")
    assert len(olga.heard) == told + 1
