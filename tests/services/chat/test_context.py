"""What a message is about: what it quotes, and what existed when it was written (M7)."""

from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib.store import messages
from chalicelib.store.records import OutboundRecord
from chalicelib.whatsapp.message_ids import unique_part
from tests.support.contact_chat import known
from tests.support.steps import confirm_payment, hold, hold_and_confirm, hold_and_prove, refund, reject
from tests.support.world import PNG, Buyer, World, buttons_of, text_of
from whatsapp_sandbox import webhooks


@pytest.fixture(autouse=True)
def _two_raffles(world: World) -> None:
    world.raffle()
    world.raffle(code="MOTO", title="Motorcycle")


def status(world: World, order_id: str) -> str:
    return str(world.order(order_id)["status"])


def numbers(world: World, order_id: str) -> list[int]:
    return list(world.order(order_id)["numbers"])


# Quotes


def test_m7_a_yes_is_about_the_order_that_it_quotes(world: World, lucia: Buyer) -> None:
    first = hold(lucia, "5")
    asked = lucia.heard[-1]
    second = hold(lucia, "6", "MOTO")
    lucia.says("sí", quoting=asked)
    assert (status(world, first), status(world, second)) == ("PENDING_PAYMENT", "DRAFT")


def test_m7_a_cancel_is_about_the_order_that_it_quotes(world: World, lucia: Buyer) -> None:
    first = hold_and_confirm(lucia, "5")
    instructions = lucia.heard[-1]
    second = hold(lucia, "6", "MOTO")
    lucia.says("cancel", quoting=instructions)
    assert (status(world, first), status(world, second)) == ("CANCELLED", "DRAFT")


def test_m7_numbers_are_for_the_raffle_that_they_quote(world: World, lucia: Buyer) -> None:
    shown = lucia.says("BIKE")
    lucia.says("MOTO")
    answer = lucia.says("5, 12", quoting=shown)
    order_id = next(word for word in text_of(answer).split() if len(word) == 9)[:8]
    assert world.order(order_id)["numbers"] == [5, 12]
    bike = next(raffle for raffle in world.api("GET", "/api/raffles").body["results"] if raffle["code"] == "BIKE")
    assert world.order(order_id)["raffle"] == bike["id"]


def test_m7_numbers_are_for_the_raffle_of_the_board_that_they_quote(world: World, lucia: Buyer) -> None:
    """The picture names no raffle in its buttons, as it has none. The question that came with it does."""
    lucia.says("MOTO")
    lucia.says("which are free?")
    board = lucia.heard[-2]
    assert board["type"] == "image"
    lucia.says("BIKE")
    lucia.says("5, 12", quoting=board)
    moto = next(raffle for raffle in world.api("GET", "/api/raffles").body["results"] if raffle["code"] == "MOTO")
    assert world.availability(moto) == (98, 2, 0)


def test_m7_a_yes_to_a_raffle_confirms_no_order_of_another_one(world: World, lucia: Buyer) -> None:
    shown = lucia.says("BIKE")
    order_id = hold(lucia, "6", "MOTO")
    lucia.says("yes", quoting=shown)
    assert status(world, order_id) == "DRAFT"


def test_m7_numbers_that_quote_an_order_join_it(world: World, lucia: Buyer) -> None:
    first = hold(lucia, "5")
    asked = lucia.heard[-1]
    second = hold(lucia, "6", "MOTO")
    lucia.says("y el 12", quoting=asked)
    assert (numbers(world, first), numbers(world, second)) == ([5, 12], [6])


def test_m7_a_picture_is_the_proof_of_the_order_that_it_quotes(world: World, lucia: Buyer) -> None:
    first = hold(lucia, "5")
    asked = lucia.heard[-1]
    second = hold_and_confirm(lucia, "6", "MOTO")
    lucia.sends_proof(quoting=asked)
    assert (status(world, first), status(world, second)) == ("IN_REVIEW", "PENDING_PAYMENT")


def test_m7_the_account_to_pay_to_belongs_to_its_order(world: World, lucia: Buyer) -> None:
    world.raffle(code="AUTO", title="Car", payment_instructions="Bank X\n`123456`")
    first = hold_and_confirm(lucia, "5", "AUTO")
    account = lucia.heard[-1]
    assert text_of(account) == "123456"
    second = hold_and_confirm(lucia, "6", "MOTO")
    lucia.sends_proof(quoting=account)
    assert (status(world, first), status(world, second)) == ("IN_REVIEW", "PENDING_PAYMENT")


def test_m7_numbers_that_quote_an_order_that_is_over_are_chosen_anew(world: World, lucia: Buyer) -> None:
    first = hold(lucia, "5")
    asked = lucia.heard[-1]
    lucia.says("cancel")
    lucia.says("MOTO")
    lucia.says("7", quoting=asked)
    assert status(world, first) == "CANCELLED"
    newest = known(lucia).conversation.order_id
    assert newest is not None
    assert world.order(newest)["raffle"] == world.order(first)["raffle"]


def test_m7_what_waits_for_nothing_is_at_hand_for_one_message(world: World, lucia: Buyer) -> None:
    first = hold_and_prove(lucia, "5")
    received = lucia.heard[-1]
    second = hold(lucia, "6", "MOTO")
    assert first in text_of(lucia.says("cancel", quoting=received))
    lucia.says("yes")
    assert (status(world, first), status(world, second)) == ("IN_REVIEW", "PENDING_PAYMENT")


def test_numbers_in_the_sentence_that_opens_a_raffle_are_held(world: World, lucia: Buyer) -> None:
    lucia.says("I would like to take part in the raffle MOTO with numbers 45 and 46 please")
    order = known(lucia).conversation.order_id
    assert order is not None and numbers(world, order) == [45, 46]


def test_m7_what_quotes_a_message_that_is_not_found_is_asked(world: World, lucia: Buyer) -> None:
    order_id = hold(lucia, "5")
    asked = lucia.heard[-1]
    for record in messages.newest_to(known(lucia).id, limit=1):
        OutboundRecord(*messages.outbound_key(record.contact_id, record.id)).delete()
    for words in ("yes", "cancel", "quita el 5"):
        assert any(title.startswith(("Confirm", "Cancel")) for title in buttons_of(lucia.says(words, quoting=asked)))
    assert (status(world, order_id), numbers(world, order_id)) == ("DRAFT", [5])


def test_m7_another_persons_message_opens_nothing(world: World, lucia: Buyer, marco: Buyer) -> None:
    theirs = hold(lucia, "5")
    asked = lucia.heard[-1]
    own = hold(marco, "6")
    marco.says("yes", quoting=asked)
    assert (status(world, theirs), status(world, own)) == ("DRAFT", "DRAFT")


def test_one_message_keeps_its_name_whatever_else_its_id_says() -> None:
    name = "3EB0C431C26A1916E07A"
    by_phone = b"\x1d\x18\x0d5215512345678\x15\x02\x00\x12\x18\x14" + name.encode() + b"\x00"
    by_user = b"\x1d\x18\x10MX.7700112233445\x15\x02\x00\x11\x18\x14" + name.encode() + b"\x00"
    ids = {f"wamid.{b64encode(content).decode()}" for content in (by_phone, by_user)}
    assert len(ids) == 2 and {unique_part(one) for one in ids} == {name}
    assert unique_part("wamid.OUT1") == "wamid.OUT1" and unique_part("x!") == "x!"


@pytest.mark.parametrize(("length", "is_name"), [(15, False), (16, True), (32, True)])
def test_a_name_of_a_message_has_sixteen_digits_at_least(length: int, is_name: bool) -> None:
    """Fewer may be part of what the id says about the person."""
    digits = "3EB0C431C26A1916E07A7F5B0D2C9184"[:length]
    whole = f"wamid.{b64encode(b'x' + digits.encode() + b'x').decode()}"
    assert (unique_part(whole) == digits) is is_name and (unique_part(whole) == whole) is not is_name


# Words that come late


@pytest.mark.parametrize("words", ["yes", "cancel", "no", "quita el 5", "cambia el 5 por el 8"])
def test_m7_words_from_before_an_order_do_not_decide_about_it(world: World, lucia: Buyer, words: str) -> None:
    before = world.at
    world.clock.pass_minutes(2)
    order_id = hold(lucia, "5")
    answer = lucia.says(words, at=before)
    assert (status(world, order_id), numbers(world, order_id)) == ("DRAFT", [5])
    assert any(title.startswith(("Confirm", "Cancel")) for title in buttons_of(answer))


def test_m7_numbers_from_before_a_raffle_was_opened_are_asked_about(world: World, lucia: Buyer) -> None:
    before = world.at
    world.clock.pass_minutes(2)
    lucia.says("MOTO")
    assert "*Motorcycle*" in text_of(lucia.says("5, 12", at=before))
    assert [world.availability(raffle)[1] for raffle in world.api("GET", "/api/raffles").body["results"]] == [0, 0]


def test_m7_numbers_from_before_a_raffle_was_opened_join_no_order_of_it(world: World, lucia: Buyer) -> None:
    before = world.at
    world.clock.pass_minutes(2)
    order_id = hold(lucia, "6", "MOTO")
    lucia.says("12", at=before)
    assert numbers(world, order_id) == [6]


def test_m7_numbers_in_a_raffle_that_is_open_join_also_when_they_were_quicker_than_the_reply(
    world: World, lucia: Buyer
) -> None:
    lucia.says("MOTO")
    world.clock.pass_minutes(1)
    first, second, third = (world.at + seconds for seconds in range(3))
    world.clock.pass_minutes(1)
    for text, at in (("5", first), ("y el 12", second), ("15", third)):
        lucia.says(text, at=at)
    order = known(lucia).conversation.order_id
    assert order is not None and numbers(world, order) == [5, 12, 15]


def test_m7_a_picture_from_before_an_order_is_not_its_proof(world: World, lucia: Buyer) -> None:
    older = hold_and_confirm(lucia, "5")
    world.clock.pass_minutes(1)
    before = world.at
    world.clock.pass_minutes(1)
    newer = hold_and_confirm(lucia, "6", "MOTO")
    lucia.sends_proof(at=before)
    assert (status(world, older), status(world, newer)) == ("IN_REVIEW", "PENDING_PAYMENT")


def test_m7_a_tap_counts_whenever_it_comes(world: World, lucia: Buyer) -> None:
    order_id = hold(lucia, "5")
    lucia.taps("Confirm")
    assert status(world, order_id) == "PENDING_PAYMENT"


# Taps that come twice


def test_m7_a_second_tap_says_again_what_the_first_one_holds(world: World, lucia: Buyer) -> None:
    lucia.says("MOTO")
    lucia.taps("Random 3")
    order_id = known(lucia).conversation.order_id
    again = lucia.taps("Random 3")
    assert order_id is not None and order_id in text_of(again)
    assert len(world.api("GET", "/api/orders").body["results"]) == 1
    lucia.says("MOTO")
    lucia.taps("Random 3")  # of another message
    assert len(world.api("GET", "/api/orders").body["results"]) == 2


def test_m7_after_the_order_is_over_the_same_button_holds_again(world: World, lucia: Buyer) -> None:
    lucia.says("MOTO")
    lucia.taps("Random 3")
    lucia.says("cancel")
    lucia.taps("Random 3")
    statuses = [order["status"] for order in world.api("GET", "/api/orders").body["results"]]
    assert sorted(statuses) == ["CANCELLED", "DRAFT"]


# Another one


def test_h15_another_asks_whether_others_or_one_more(world: World, lucia: Buyer) -> None:
    order_id = hold(lucia, "random 3")
    held = numbers(world, order_id)
    assert buttons_of(lucia.says("another one")) == ["Other numbers", "One more", "Confirm"]
    lucia.taps("Other numbers")
    others = numbers(world, order_id)
    assert len(others) == 3 and not {*held} & {*others}
    lucia.says("another")
    lucia.taps("One more")
    assert len(numbers(world, order_id)) == 4 and {*others} < {*numbers(world, order_id)}


def test_h15_numbers_that_nobody_waits_for_any_more_are_not_drawn_again(world: World, lucia: Buyer) -> None:
    order_id = hold(lucia, "random 3")
    lucia.says("another one")
    shown = lucia.heard[-1]
    before = numbers(world, order_id)
    lucia.taps("Confirm")
    assert "Other numbers" in buttons_of(shown)
    lucia.taps("Other numbers")
    assert numbers(world, order_id) == before


# Buttons on what waits


def test_what_waits_has_the_buttons_for_what_comes_next(world: World, lucia: Buyer) -> None:
    order_id = hold(lucia, "5")
    assert buttons_of(lucia.heard[-1]) == ["Confirm", "Change", "Cancel"]
    assert "Which number would you like instead of 005?" in text_of(lucia.taps("Change"))
    assert "is waiting for your OK" in text_of(lucia.says("yes"))  # a yes to what?
    lucia.says("yes")
    assert buttons_of(lucia.heard[-1]) == ["More time", "Cancel", "Talk to a person"]
    lucia.taps("More time")
    assert world.order(order_id)["extended_at"]
    assert "More time" not in buttons_of(lucia.says("how do I pay?"))


def test_p3_in_review_only_an_organiser_can_cancel_however_it_is_said(world: World, lucia: Buyer) -> None:
    order_id = hold_and_prove(lucia, "5")
    for words in ("cancelar", "cancel", "quiero cancelar mi pedido"):
        lucia.says(words)
        last = lucia.heard[-1]
        assert order_id in str(last) and ("organis" in str(last) or "organiz" in str(last)), words
    lucia.says("menu")
    lucia.says("cancelar")
    assert order_id in str(lucia.heard[-1])
    assert status(world, order_id) == "IN_REVIEW"


# Files


def files(world: World, order_id: str) -> int:
    proof = world.api("GET", f"/api/orders/{order_id}/proof").body
    return 1 + len(proof["earlier"])


def test_m8_an_album_is_one_answer_and_one_notice(world: World, lucia: Buyer) -> None:
    order_id = hold_and_prove(lucia, "5")
    said, told = len(lucia.heard), len(world.organiser().heard)
    for number in range(3):
        lucia.sends_proof(PNG + bytes([number]))
    assert (len(lucia.heard), len(world.organiser().heard), told) == (said, told, 1)
    assert files(world, order_id) == 4
    world.clock.pass_minutes(2)
    lucia.sends_proof(PNG + b"later")
    assert len(lucia.heard) == said + 1


def test_m8_a_proof_after_a_rejected_one_is_answered_however_soon_it_comes(world: World, lucia: Buyer) -> None:
    order_id = hold_and_prove(lucia, "5")
    reject(world, order_id)
    assert "Your numbers are safe" in text_of(lucia.sends_proof(PNG + b"2"))


@pytest.mark.parametrize(("settle", "said"), [(confirm_payment, "paid already"), (None, "paid back")])
def test_p6_a_receipt_for_a_settled_order_is_kept_with_it(
    world: World, lucia: Buyer, settle: Callable[[World, str], object] | None, said: str
) -> None:
    order_id = hold_and_prove(lucia, "5")
    confirm_payment(world, order_id)
    if settle is None:
        refund(world, order_id)
    world.clock.pass_minutes(5)
    told = len(world.organiser().heard)
    before = status(world, order_id)
    assert said in text_of(lucia.sends_proof(PNG + b"2"))
    assert (status(world, order_id), files(world, order_id)) == (before, 2)
    assert said in text_of(world.organiser().heard[told])


def test_p1_a_caption_that_names_a_paid_order_keeps_the_file_with_it_though_another_one_waits(
    world: World, lucia: Buyer
) -> None:
    paid = hold_and_prove(lucia, "5")
    confirm_payment(world, paid)
    waits = hold_and_confirm(lucia, "6")
    world.graph.files["1"] = PNG
    file = webhooks.File(media_id="1", mime_type="image/png", sha256="", caption=f"para el {paid.lower()}")
    lucia.sends(webhooks.image(lucia.person, file, message_id=world.new_id(), at=world.at))
    assert "paid already" in text_of(lucia.heard[-1]) and "paid already" in text_of(world.organiser().heard[-1])
    assert (status(world, paid), files(world, paid)) == ("PAID", 2)
    assert (status(world, waits), world.order(waits)["proof"]) == ("PENDING_PAYMENT", None)


def test_p6_a_file_for_nothing_is_kept_and_shown(world: World, lucia: Buyer) -> None:
    lucia.says("hi")
    assert "I have kept your file" in text_of(lucia.sends_proof())
    assert "belongs to no order" in text_of(world.organiser().heard[-1])
    contact = known(lucia)
    assert contact.person_wanted_at is not None
    path = f"/api/contacts/{contact.id}/messages"
    received = next(one for one in world.api("GET", path).body["results"] if one["has_file"])
    link = world.api("GET", f"{path}/{received['id']}/file")
    assert link.status == 200 and "attachment" in link.body["url"]
    assert (
        world.container.proofs.s3()
        .get_object(Bucket=world.container.proofs.bucket, Key=f"proofs/{contact.id}/{received['id']}")["Body"]
        .read()
        == PNG
    )
    assert "file.read" in {entry["action"] for entry in world.api("GET", "/api/audit").body["results"]}
    other = next(one for one in world.api("GET", path).body["results"] if one["direction"] == "out")
    assert world.api("GET", f"{path}/{other['id'][-12:]}/file").status == 404


def test_p6_a_proof_is_shown_in_the_chat_too(world: World, lucia: Buyer) -> None:
    order_id = hold_and_prove(lucia, "5")
    path = f"/api/contacts/{known(lucia).id}/messages"
    (sent,) = [one for one in world.api("GET", path).body["results"] if one["media"]]
    link = world.api("GET", f"{path}/{sent['id']}/file").body["url"]
    proof = world.api("GET", f"/api/orders/{order_id}/proof").body["url"]
    assert link.partition("?")[0] == proof.partition("?")[0]
    assert "response-content-type=image%2Fpng" in link
    world.container.proofs.erase_of(known(lucia).id)
    assert world.api("GET", f"{path}/{sent['id']}/file").body["code"] == "file_not_found"


def test_p6_files_for_nothing_are_one_answer_and_one_notice(world: World, lucia: Buyer) -> None:
    lucia.says("hi")
    said = len(lucia.heard)
    for number in range(4):
        lucia.sends_proof(PNG + bytes([number]))
    assert (len(lucia.heard), len(world.organiser().heard)) == (said + 1, 1)


def test_p6_a_kept_file_is_no_litter_until_the_person_is_erased(world: World, lucia: Buyer) -> None:
    lucia.sends_proof()
    world.clock.now += timedelta(days=60)  # the bucket's own clock is today's
    check = world.container.proof_files.check
    swept = check(repair=True)
    assert (swept.files, swept.unnamed, check().files) == (1, 0, 1)
    assert world.api("POST", f"/api/contacts/{known(lucia).id}/erase").status == 200
    assert check().files == 0
