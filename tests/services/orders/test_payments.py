"""P1, P3, P4 and P5: from a hold to money, and back."""

from collections.abc import Callable
from datetime import timedelta

import boto3
import pytest

from chalicelib.store import raffles
from chalicelib.store.records import RaffleRecord
from chalicelib.whatsapp.graph import MediaTooLarge, MediaUnavailable
from tests.support.request_counts import Requests
from tests.support.steps import (
    assert_board_is_exact,
    buy,
    cancel,
    confirm_payment,
    hold,
    hold_and_confirm,
    hold_and_prove,
)
from tests.support.world import PNG, Buyer, Json, World, buttons_of, text_of
from whatsapp_sandbox import webhooks

JPEG = b"\xff\xd8\xff\xe0" + bytes(100)
PDF = b"%PDF-1.7\n" + bytes(100)
WEBP = b"RIFF\x00\x00\x00\x00WEBP" + bytes(100)


def status(world: World, order_id: str) -> str:
    return str(world.order(order_id)["status"])


def stored(world: World) -> list[bytes]:
    s3 = boto3.client("s3", region_name="us-east-1")
    found = s3.list_objects_v2(Bucket=world.stack.bucket).get("Contents", [])
    return [s3.get_object(Bucket=world.stack.bucket, Key=each["Key"])["Body"].read() for each in found]


def test_p1_draft_then_pending_then_in_review_then_paid(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order_id = hold(lucia)
    seen = [status(world, order_id)]
    for step in (lambda: lucia.says("confirm"), lucia.sends_proof, lambda: confirm_payment(world, order_id)):
        step()
        seen.append(status(world, order_id))
        assert_board_is_exact(world, raffle)
    assert seen == ["DRAFT", "PENDING_PAYMENT", "IN_REVIEW", "PAID"]
    assert world.order(order_id)["paid_at"] == "2026-11-23T14:00:00Z"


def test_p1_a_proof_stops_the_clock(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order_id = hold_and_prove(lucia)
    assert "Your numbers are safe" in text_of(lucia.heard[-1])
    assert world.order(order_id)["reserved_until"] is None
    world.clock.now += timedelta(days=30)
    world.minute()
    assert status(world, order_id) == "IN_REVIEW"
    assert world.availability(raffle) == (98, 2, 0)


def test_p1_a_proof_without_a_confirmation_counts_as_one(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold(lucia)
    lucia.sends_proof()
    assert status(world, order_id) == "IN_REVIEW"


def test_p1_confirming_does_not_restart_the_clock(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold(lucia)
    world.clock.pass_minutes(14)
    lucia.says("confirm")
    assert world.order(order_id)["reserved_until"] == "2026-11-23T14:15:00Z"
    world.clock.pass_minutes(1)
    world.minute()
    assert status(world, order_id) == "EXPIRED"


@pytest.mark.parametrize("content", [PNG, JPEG, PDF, WEBP])
def test_p6_a_picture_or_a_pdf_is_kept_as_it_is(world: World, lucia: Buyer, content: bytes) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    lucia.sends_proof(content)
    assert stored(world) == [content]
    assert world.order(order_id)["proof"]["size"] == len(content)


@pytest.mark.parametrize("content", [b"GIF89a" + bytes(50), b"<svg/>", b"", b"MZ\x90", b"RIFF0000AVI "])
def test_p6_any_other_file_is_refused_and_the_clock_runs_on(world: World, lucia: Buyer, content: bytes) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    assert "photo (JPEG, PNG, WebP) or a PDF" in text_of(lucia.sends_proof(content))
    assert status(world, order_id) == "PENDING_PAYMENT"
    assert stored(world) == []
    lucia.sends_proof(PNG)
    assert status(world, order_id) == "IN_REVIEW"


@pytest.mark.parametrize(
    ("failure", "answer"),
    [(MediaTooLarge(16 * 2**20), "up to 16 MB"), (MediaUnavailable("gone"), "could not fetch"),
     (MediaUnavailable("later", temporary=True), "could not fetch")],
)  # fmt: skip
def test_p6_a_file_too_large_or_out_of_reach_is_asked_for_again(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch, failure: Exception, answer: str
) -> None:
    def fails(media_id: str, *, limit_bytes: int) -> None:
        assert limit_bytes == 16 * 2**20
        raise failure

    world.raffle()
    order_id = hold_and_confirm(lucia)
    with monkeypatch.context() as patch:
        patch.setattr(world.graph, "fetch_media", fails)
        assert answer in text_of(lucia.sends_proof())
    assert status(world, order_id) == "PENDING_PAYMENT"
    lucia.sends_proof()
    assert status(world, order_id) == "IN_REVIEW"


@pytest.mark.parametrize("reach", [hold_and_confirm, lambda buyer: None])
def test_p6_a_file_that_whatsapp_lost_is_asked_for_again_at_once(
    world: World, lucia: Buyer, requests: Requests, monkeypatch: pytest.MonkeyPatch, reach: Callable[[Buyer], object]
) -> None:
    """Also where no order waits: whatever it was, it did not arrive."""
    fetched = list[str]()
    monkeypatch.setattr(world.graph, "fetch_media", lambda media_id, **_: fetched.append(media_id))
    world.raffle()
    reach(lucia)
    file = webhooks.File(media_id="1", mime_type="image/jpeg", sha256="")
    lost = webhooks.image(lucia.person, file, message_id=world.new_id(), at=world.at)
    lost["entry"][0]["changes"][0]["value"]["messages"][0]["errors"] = [
        {"code": 131052, "title": "Media download error"}
    ]
    operations = requests.during(lambda: lucia.sends(lost))
    assert "Please send it again" in text_of(lucia.heard[-1])
    assert (fetched, world.organiser().heard) == ([], [])
    assert len(operations) <= 3


def test_a_second_proof_is_kept_with_the_first_and_shown_to_the_organisers(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order_id = hold_and_prove(lucia)
    lucia.sends_proof(PDF)
    assert status(world, order_id) == "IN_REVIEW"
    assert sorted(stored(world)) == sorted([PNG, PDF])
    assert world.order(order_id)["proof"]["mime_type"] == "application/pdf"
    assert len(world.organiser().heard) == 1  # nobody has looked since (M8)
    assert_board_is_exact(world, raffle)


def test_a_proof_without_an_order_is_kept_for_the_organisers(world: World, lucia: Buyer) -> None:
    world.raffle()
    assert "can't see an order of yours" in text_of(lucia.sends_proof())
    assert buttons_of(lucia.heard[-1]) == ["Browse raffles", "Talk to a person"]
    assert "belongs to no order" in text_of(world.organiser().heard[-1])
    assert len(stored(world)) == 1


def test_a_proof_finds_its_order_after_looking_around(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    for said in ("menu", "help", "raffles", "1"):
        lucia.says(said)
    lucia.sends_proof()
    assert status(world, order_id) == "IN_REVIEW"


# P3


@pytest.mark.parametrize("reach", [hold, hold_and_confirm, hold_and_prove])
def test_p3_an_organiser_cancels_what_is_not_paid_and_the_buyer_is_told(
    world: World, lucia: Buyer, reach: object
) -> None:
    assert callable(reach)
    raffle = world.raffle()
    order_id = reach(lucia)
    for _ in range(2):  # idempotent
        assert cancel(world, order_id).body["status"] == "CANCELLED"
    assert world.availability(raffle) == (100, 0, 0)
    assert [text_of(said) for said in lucia.heard].count(text_of(lucia.heard[-1])) == 1
    assert "An organiser has cancelled" in text_of(lucia.heard[-1])
    assert_board_is_exact(world, raffle)


def test_p3_a_paid_order_is_not_cancelled_by_anybody(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order_id = buy(lucia)
    refused = cancel(world, order_id)
    assert (refused.status, refused.body["code"]) == (409, "order_out_of_turn")
    tap = {"button_id": f"cancel:{order_id}", "title": "Cancel", "reply_to": "wamid.X"}
    lucia.sends(webhooks.button_reply(lucia.person, message_id=world.new_id(), at=world.at, **tap))  # type: ignore[arg-type] # all are texts
    assert "is paid" in text_of(lucia.heard[-1])
    assert world.availability(raffle) == (98, 0, 2)


@pytest.mark.parametrize("reach", [hold, hold_and_confirm])
def test_p3_a_buyer_cancels_before_a_proof_is_in(world: World, lucia: Buyer, reach: object) -> None:
    assert callable(reach)
    raffle = world.raffle()
    order_id = reach(lucia)
    assert "is cancelled" in text_of(lucia.says("cancel"))
    assert status(world, order_id) == "CANCELLED"
    assert world.availability(raffle) == (100, 0, 0)
    assert "no order to cancel" in text_of(lucia.says("cancel"))


def test_p3_a_buyer_does_not_cancel_after_a_proof_is_in(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    assert "only an organiser" in text_of(lucia.says("cancel"))
    assert status(world, order_id) == "IN_REVIEW"


# P4


def test_p4_confirming_a_payment_twice_has_no_further_effect(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order_id = hold_and_prove(lucia)
    first = confirm_payment(world, order_id)
    world.clock.pass_minutes(5)
    again = confirm_payment(world, order_id)
    assert (first.status, again.status) == (200, 200)
    assert again.body == first.body
    assert sum("is confirmed" in text_of(said) for said in lucia.heard) == 1
    assert world.availability(raffle) == (98, 0, 2)
    assert_board_is_exact(world, raffle)


@pytest.mark.parametrize("reach", [hold, hold_and_confirm])
def test_p4_cash_needs_no_proof(world: World, lucia: Buyer, reach: object) -> None:
    assert callable(reach)
    raffle = world.raffle()
    paid = confirm_payment(world, reach(lucia)).body
    assert (paid["status"], paid["proof"], paid["reserved_until"]) == ("PAID", None, None)
    world.clock.now += timedelta(days=1)
    world.minute()
    assert world.availability(raffle) == (98, 0, 2)


def test_p4_expiry_before_the_confirmation_wins(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order_id = hold_and_confirm(lucia)
    world.clock.pass_minutes(15)
    world.minute()
    assert confirm_payment(world, order_id).body["code"] == "order_out_of_turn"
    assert status(world, order_id) == "EXPIRED"
    assert world.availability(raffle) == (100, 0, 0)


def test_p4_expiry_between_reading_and_confirming_wins(world: World, lucia: Buyer, requests: Requests) -> None:
    raffle = world.raffle()
    order_id = hold_and_confirm(lucia)
    world.clock.pass_minutes(15)
    requests.before_the_next_commit(world.minute)
    assert confirm_payment(world, order_id).status == 409
    assert status(world, order_id) == "EXPIRED"
    assert not any("is confirmed" in text_of(said) for said in lucia.heard)
    assert_board_is_exact(world, raffle)


def test_p4_a_confirmation_between_reading_and_expiring_wins(world: World, lucia: Buyer, requests: Requests) -> None:
    raffle = world.raffle()
    order_id = hold_and_confirm(lucia)
    world.clock.pass_minutes(15)
    requests.before_the_next_commit(lambda: confirm_payment(world, order_id))
    world.minute()
    assert status(world, order_id) == "PAID"
    assert world.availability(raffle) == (98, 0, 2)
    assert not any("is over" in text_of(said) for said in lucia.heard)
    assert_board_is_exact(world, raffle)


def test_p4_a_cancellation_between_reading_and_confirming_wins(world: World, lucia: Buyer, requests: Requests) -> None:
    raffle = world.raffle()
    order_id = hold_and_confirm(lucia)
    requests.before_the_next_commit(lambda: cancel(world, order_id))
    assert confirm_payment(world, order_id).status == 409
    assert status(world, order_id) == "CANCELLED"
    assert_board_is_exact(world, raffle)


@pytest.mark.parametrize("order_id", ["22222222", "nothing", "LATE"])
def test_p4_an_unknown_order_is_not_found(world: World, order_id: str) -> None:
    assert confirm_payment(world, order_id).status == 404


# P5


def expired(world: World, buyer: Buyer, text: str = "5,12") -> str:
    order_id = hold_and_confirm(buyer, text)
    world.clock.pass_minutes(15)
    world.minute()
    assert status(world, order_id) == "EXPIRED"
    return order_id


def test_p5_a_proof_after_expiry_holds_the_numbers_again_if_all_are_free(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order_id = expired(world, lucia)
    assert "Your numbers are safe" in text_of(lucia.sends_proof())
    assert status(world, order_id) == "IN_REVIEW"
    assert order_id in text_of(world.organiser().heard[-1])
    assert_board_is_exact(world, raffle)
    assert confirm_payment(world, order_id).body["status"] == "PAID"
    assert_board_is_exact(world, raffle)


def test_p5_a_late_proof_holds_its_numbers_in_one_transaction(world: World, lucia: Buyer, requests: Requests) -> None:
    world.raffle()
    expired(world, lucia)
    assert requests.during(lucia.sends_proof).count("TransactWriteItems") == 1


def test_p5_if_a_number_is_gone_the_order_is_late_and_the_proof_is_kept(
    world: World, lucia: Buyer, marco: Buyer
) -> None:
    raffle = world.raffle()
    order_id = expired(world, lucia, "5,12")
    hold(marco, "12")
    answer = text_of(lucia.sends_proof())
    assert "012" in answer and "005" not in answer
    assert status(world, order_id) == "LATE"
    assert world.order(order_id)["proof"]["mime_type"] == "image/png"
    assert stored(world) == [PNG]
    assert "reassign or refund" in text_of(world.organiser().heard[-1])
    assert world.availability(raffle) == (99, 1, 0)
    assert_board_is_exact(world, raffle)


def test_p5_numbers_that_are_taken_while_the_proof_is_handled_make_it_late_too(
    world: World, lucia: Buyer, marco: Buyer, requests: Requests
) -> None:
    raffle = world.raffle()
    order_id = expired(world, lucia)
    marco.says("BIKE")
    requests.before_the_next_commit(lambda: marco.says("12"))
    lucia.sends_proof()
    assert status(world, order_id) == "LATE"
    assert_board_is_exact(world, raffle)


def test_p5_numbers_of_an_ended_hold_are_not_gone(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle()
    order_id = expired(world, lucia)
    hold(marco, "12")
    world.clock.pass_minutes(15)
    lucia.sends_proof()
    assert status(world, order_id) == "IN_REVIEW"
    assert_board_is_exact(world, raffle)


def test_p5_a_proof_that_comes_before_the_schedule_does_is_in_time(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    world.clock.pass_minutes(20)
    lucia.sends_proof()
    assert status(world, order_id) == "IN_REVIEW"


def test_p5_a_second_proof_of_a_late_order_is_not_lost(world: World, lucia: Buyer, marco: Buyer) -> None:
    world.raffle()
    order_id = expired(world, lucia, "5,12")
    hold(marco, "12")
    lucia.sends_proof()
    lucia.sends_proof(PDF)
    assert status(world, order_id) == "LATE"
    assert sorted(stored(world)) == sorted([PNG, PDF])


@pytest.mark.parametrize("decided", ["CANCELLED", "DRAWN"])
def test_p5_a_late_proof_holds_nothing_in_a_drawn_or_cancelled_raffle(world: World, lucia: Buyer, decided: str) -> None:
    raffle = world.raffle()
    order_id = expired(world, lucia)
    RaffleRecord(*raffles.key(raffle["id"])).update([RaffleRecord.status.set(decided)])
    assert "return your money" in text_of(lucia.sends_proof())
    assert (status(world, order_id), world.availability(raffle)) == ("LATE", (100, 0, 0))
    assert "reassign or refund" in text_of(world.organiser().heard[-1])
    assert_board_is_exact(world, raffle)


@pytest.mark.parametrize("stopped", ["deactivate", "close"])
def test_p5_a_late_proof_holds_numbers_in_a_raffle_that_only_stopped_selling(
    world: World, lucia: Buyer, stopped: str
) -> None:
    raffle = world.raffle()
    order_id = expired(world, lucia)
    world.api("POST", f"/api/raffles/{raffle['id']}/{stopped}")
    lucia.sends_proof()
    assert status(world, order_id) == "IN_REVIEW"


def test_p5_a_proof_for_a_cancelled_order_counts_as_late(world: World, lucia: Buyer, marco: Buyer) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    lucia.says("cancel")
    hold(marco, "5")
    lucia.sends_proof()
    assert status(world, order_id) == "LATE"


def test_p5_a_picture_from_a_buyer_who_has_paid_revives_nothing(world: World, lucia: Buyer) -> None:
    """They lost one order, bought another and paid it: what comes now is about the paid one."""
    raffle = world.raffle()
    lost = expired(world, lucia, "5")
    world.clock.pass_minutes(5)
    buy(lucia, "7")
    lucia.sends_proof()
    assert status(world, lost) == "EXPIRED"
    assert world.availability(raffle) == (99, 0, 1)


def test_pending_payment_lists_proofs_in_review_first(world: World, lucia: Buyer, marco: Buyer) -> None:
    world.raffle()
    pending = hold_and_confirm(lucia, "1")
    reviewed = []
    for number, buyer in enumerate((marco, world.buyer(number=3)), start=2):
        world.clock.pass_minutes(1)
        reviewed.append(hold_and_prove(buyer, str(number)))
    buy(world.buyer(number=4), "9")
    listed: list[Json] = world.api("GET", "/api/orders/pending-payment").body["results"]
    assert [order["id"] for order in listed] == [*reviewed, pending]
