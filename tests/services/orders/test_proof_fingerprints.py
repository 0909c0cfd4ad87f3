"""P6: a proof that came before, with whatever order in whatever raffle, is flagged for the organisers."""

from collections.abc import Callable
from functools import partial

import pytest

from chalicelib.domain.messages import Identity
from chalicelib.store.contact_ids import contact_ids_of
from chalicelib.store.records import FingerprintRecord
from chalicelib.whatsapp.graph import MediaFile
from tests.support import receipts
from tests.support.receipts import picture, receipt
from tests.support.request_counts import Requests
from tests.support.steps import assert_board_is_exact, buy, cancel, hold, hold_and_confirm
from tests.support.world import Buyer, Json, World, text_of

PDF = b"%PDF-1.7\n" + bytes(100)
FLAGS = ("same_file_as", "looks_like")


def proves(buyer: Buyer, content: bytes, numbers: str) -> str:
    """The order that the file is the proof of."""
    order_id = hold_and_confirm(buyer, numbers)
    buyer.sends_proof(content)
    return order_id


def flags(world: World, order_id: str) -> Json:
    """What the order says of its newest proof."""
    proof = world.order(order_id)["proof"]
    return {name: proof[name] for name in FLAGS if proof[name] is not None}


def test_p6_the_same_file_is_flagged_with_the_order_that_it_came_with(world: World, lucia: Buyer, marco: Buyer) -> None:
    world.raffle()
    for content in (picture(), PDF):
        first = proves(lucia, content, "1")
        second = proves(marco, content, "2")
        assert (flags(world, first), flags(world, second)) == ({}, {"same_file_as": first})
        assert text_of(world.organiser().heard[-1]).endswith(f"\nThe same file came with order {first}.")
        cancel(world, first), cancel(world, second)


def test_p6_the_buyer_hears_nothing_of_the_flag(world: World, lucia: Buyer, marco: Buyer) -> None:
    world.raffle()
    first = proves(lucia, picture(), "1")
    second = proves(marco, picture(), "2")
    assert text_of(marco.heard[-1]).replace(second, first).replace("002", "001") == text_of(lucia.heard[-1])


def test_p6_a_file_is_flagged_in_any_raffle_and_however_long_ago_it_came(
    world: World, lucia: Buyer, marco: Buyer
) -> None:
    world.raffle()
    first = proves(lucia, picture(), "1")
    world.raffle(code="CAR")
    world.clock.pass_minutes(60 * 24 * 400)
    hold(marco, "2", code="CAR")
    marco.sends_proof(picture())
    assert f"The same file came with order {first}." in text_of(world.organiser().heard[-1])


def test_p6_a_file_is_flagged_for_the_same_buyer_and_whatever_became_of_the_first_order(
    world: World, lucia: Buyer
) -> None:
    world.raffle()
    first = proves(lucia, picture(), "1")
    cancel(world, first)
    assert flags(world, proves(lucia, picture(), "2")) == {"same_file_as": first}


def test_p6_the_flag_names_the_first_order_however_often_a_file_comes(world: World, lucia: Buyer) -> None:
    world.raffle()
    first, *later = [proves(world.buyer(number=number), picture(), str(number)) for number in range(1, 5)]
    assert [flags(world, order_id) for order_id in later] == [{"same_file_as": first}] * 3


@pytest.mark.parametrize(
    "copy",
    [
        receipts.webp,
        receipts.png,
        partial(receipts.jpeg, quality=40),
        lambda picture: receipts.jpeg(receipts.resized(picture, 0.6)),
        lambda picture: receipts.jpeg(receipts.resized(picture, 1.5)),
    ],
)
def test_p6_the_same_picture_as_another_file_is_flagged(
    world: World, lucia: Buyer, marco: Buyer, copy: Callable[[receipts.Picture], bytes]
) -> None:
    world.raffle()
    first = proves(lucia, picture(), "1")
    second = proves(marco, copy(receipt()), "2")
    assert (flags(world, first), flags(world, second)) == ({}, {"looks_like": first})
    assert text_of(world.organiser().heard[-1]).endswith(f"\nIt looks like the proof of order {first}.")


def test_p6_other_receipts_of_the_same_bank_are_not_flagged(world: World) -> None:
    world.raffle()
    buyers = [world.buyer(number=number) for number in range(1, 9)]
    orders = [proves(buyer, picture(seed), str(seed)) for seed, buyer in enumerate(buyers, start=1)]
    assert [flags(world, order_id) for order_id in orders] == [{}] * 8
    assert not any("order" in text_of(said).partition("Please check it.")[2] for said in world.organiser().heard)


def test_p6_a_file_sent_again_for_the_same_order_is_not_flagged(world: World, lucia: Buyer, marco: Buyer) -> None:
    world.raffle()
    first = proves(lucia, picture(), "1")
    world.clock.pass_minutes(1)
    second = proves(marco, picture(quality=60), "2")
    world.clock.pass_minutes(1)
    for again in (picture(), picture(quality=50), picture(quality=60)):
        lucia.sends_proof(again)
        if again != picture(quality=60):
            assert flags(world, first) == {}
    # The file came with Marco's order first, and the picture with hers: both are true, and the file says more.
    assert flags(world, first) == {"same_file_as": second}
    marco.sends_proof(picture(quality=60))
    assert flags(world, second) == {"looks_like": first}


def test_p6_a_late_proof_is_flagged_and_so_is_one_that_brings_its_order_back(
    world: World, lucia: Buyer, marco: Buyer
) -> None:
    raffle = world.raffle()
    first = proves(lucia, picture(), "1")
    late, revived = hold_and_confirm(marco, "2"), hold_and_confirm(sofia := world.buyer("Sofía", 3), "3")
    world.clock.pass_minutes(15)
    world.minute()
    buy(world.buyer(number=4), "2")
    for buyer, order_id, status in ((marco, late, "LATE"), (sofia, revived, "IN_REVIEW")):
        buyer.sends_proof(picture())
        assert (world.order(order_id)["status"], flags(world, order_id)) == (status, {"same_file_as": first})
        assert f"The same file came with order {first}." in text_of(world.organiser().heard[-1])
    assert_board_is_exact(world, raffle)


@pytest.mark.parametrize("other", [picture(), picture(quality=60)])
def test_p6_one_of_two_proofs_at_the_same_moment_is_flagged(
    world: World, lucia: Buyer, marco: Buyer, requests: Requests, other: bytes
) -> None:
    world.raffle()
    hers, his = hold_and_confirm(lucia, "1"), hold_and_confirm(marco, "2")
    requests.before_the_next_commit(lambda: marco.sends_proof(other))
    lucia.sends_proof(picture())
    assert flags(world, his) == {}
    assert list(flags(world, hers).values()) == [his]
    assert len(world.organiser().heard) == 2


@pytest.mark.parametrize("at_once", [False, True])
def test_p6_a_band_belongs_to_the_latest_picture_that_has_it(
    world: World, lucia: Buyer, marco: Buyer, requests: Requests, at_once: bool
) -> None:
    """What is overwritten is the other picture that was read, and not one that has come in since."""
    world.raffle()
    proves(world.buyer("Sofía", 3), picture(), "3")
    for record in FingerprintRecord.scan():  # as if these had been other pictures, which share one band each with hers
        if record.image_hash:
            record.update([FingerprintRecord.image_hash.set(bytes(640))])
    hers, his = hold_and_confirm(lucia, "1"), hold_and_confirm(marco, "2")
    if at_once:
        requests.before_the_next_commit(lambda: marco.sends_proof(picture() + b"another file"))
    else:
        marco.sends_proof(picture() + b"another file")
    lucia.sends_proof(picture() + b"a third")
    assert flags(world, his) == {}
    assert flags(world, hers) == {"looks_like": his}


def test_p6_a_file_is_fetched_once_however_often_its_message_is_tried(
    world: World, lucia: Buyer, marco: Buyer, requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched, fetch = list[str](), world.graph.fetch_media

    def noted(media_id: str, *, limit_bytes: int) -> MediaFile:
        fetched.append(media_id)
        return fetch(media_id, limit_bytes=limit_bytes)

    monkeypatch.setattr(world.graph, "fetch_media", noted)
    world.raffle()
    hold_and_confirm(lucia, "1"), hold_and_confirm(marco, "2")
    requests.before_the_next_commit(lambda: marco.sends_proof(picture()))
    lucia.sends_proof(picture())
    assert sorted(fetched) == ["1", "2"]


@pytest.mark.parametrize("content", [picture(), PDF])
def test_p6_looking_up_fingerprints_takes_one_request(
    world: World, lucia: Buyer, requests: Requests, content: bytes
) -> None:
    world.raffle()
    hold_and_confirm(lucia)
    assert requests.during(lambda: lucia.sends_proof(content)) == [
        "BatchGetItem",  # the contact
        "BatchGetItem",  # order and raffle
        "BatchGetItem",  # the fingerprints
        "TransactWriteItems",
        "UpdateItem",  # Meta's id of the reply
        "UpdateItem",  # and of the notice
    ]


def test_p6_a_fingerprint_is_small_and_names_no_person(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = proves(lucia, picture(), "1")
    person = Identity(user_id=lucia.person.user_id, phone=lucia.person.wa_id)
    records = list(FingerprintRecord.scan())
    assert {record.order_id for record in records} == {order_id}
    assert {record.contact_id for record in records} <= set(contact_ids_of(person))
    assert sum(record.pk.startswith("FINGERPRINT#sha#") for record in records) == 1
    sizes = [
        sum(len(name) + len(next(iter(value.values()))) for name, value in record.serialize().items())
        for record in records
    ]
    assert max(sizes) < 1_024  # what is larger costs double to write
