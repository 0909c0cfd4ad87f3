"""P9: somebody sends files whose messages cannot be handled, so that files pile up that no order names."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from chalicelib.cli.commands import main
from chalicelib.domain.messages import Identity, IncomingMessage, Media, MessageKind
from chalicelib.domain.organisers import Actor, Role
from chalicelib.store import fingerprints, orders
from chalicelib.whatsapp.inbound import Message
from tests.support.contact_chat import known
from tests.support.steps import cancel, hold_and_confirm, hold_and_prove
from tests.support.world import PNG, Buyer, World

MANAGER = Actor("Olga's laptop", Role.MANAGER, "t1")


class Crash(Exception):
    pass


def photo(world: World, buyer: Buyer, message_id: str = "wamid.PHOTO") -> Message:
    world.graph.files["1"] = PNG
    return Message(
        id=message_id,
        phone_number_id=world.container.settings.WHATSAPP_PHONE_NUMBER_ID,
        sender=Identity(user_id=buyer.person.user_id, phone=buyer.person.wa_id),
        name=buyer.person.name,
        sent_at=world.clock.now,
        incoming=IncomingMessage(kind=MessageKind.MEDIA, media=Media(id="1")),
        kind="image",
    )


@contextmanager
def crashing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process ends after the file is stored, before its order is."""

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(fingerprints, "compare", crash)
        try:
            yield
        except Crash:
            return
    pytest.fail("the process did not end")


def stored(world: World) -> set[str]:
    """The keys of all files, those included that were deleted and have older versions."""
    s3 = boto3.client("s3", region_name="us-east-1")
    return {version["Key"] for version in s3.list_object_versions(Bucket=world.stack.bucket).get("Versions", ())}


def current(world: World) -> set[str]:
    s3 = boto3.client("s3", region_name="us-east-1")
    return {file["Key"] for file in s3.list_objects_v2(Bucket=world.stack.bucket).get("Contents", ())}


def later(world: World, **passed: float) -> None:
    """Let time pass since the files were stored. The bucket's stand-in has a clock of its own."""
    world.clock.now = datetime.now(UTC) + timedelta(**passed)


def test_p9_each_try_at_a_file_overwrites_what_the_last_one_stored(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    for _ in range(5):
        with crashing(monkeypatch):
            world.container.chat.answer(photo(world, lucia))
        world.clock.pass_minutes(60 * 24)  # also in another month
    world.container.chat.answer(photo(world, lucia))
    [proof] = orders.get(order_id).proofs
    assert stored(world) == {proof.key}


def test_p9_two_messages_with_one_file_are_two_files(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    for message_id in ("wamid.1", "wamid.2"):
        world.container.chat.answer(photo(world, lucia, message_id))
    assert {proof.key for proof in orders.get(order_id).proofs} == stored(world)
    assert len(stored(world)) == 2


def test_v2_an_erasure_reaches_files_that_no_order_names(
    world: World, lucia: Buyer, marco: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    hold_and_prove(marco, "7")
    [of_marco] = stored(world)
    with crashing(monkeypatch):
        world.container.chat.answer(photo(world, lucia))
    assert len(stored(world)) == 2
    cancel(world, order_id)
    assert world.container.privacy.erase(known(lucia).id, by=MANAGER).finished
    assert stored(world) == {of_marco}


def test_p9_a_sweep_removes_files_that_no_order_names(
    world: World, lucia: Buyer, marco: Buyer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.raffle()
    hold_and_prove(marco, "7")
    named = current(world)
    hold_and_confirm(lucia)
    with crashing(monkeypatch):
        world.container.chat.answer(photo(world, lucia))
    later(world, hours=23)
    capsys.readouterr()  # what was logged so far
    assert main(["check", "--files", "--repair"]) == 0
    assert capsys.readouterr().out == "0 stored proofs checked: 0 named by no order, 0 removed.\n"
    later(world, hours=25)
    assert main(["check", "--files"]) == 1
    assert capsys.readouterr().out == "2 stored proofs checked: 1 named by no order, 0 removed.\n"
    assert len(current(world)) == 2
    assert main(["check", "--files", "--repair", "--json"]) == 0
    assert capsys.readouterr().out.split() == ["{", '"files":', "2,", '"unnamed":', "1,", '"removed":', "1", "}"]
    assert current(world) == named
    assert main(["check", "--files"]) == 0


def test_p9_a_file_that_is_stored_again_during_the_sweep_stays(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead letter from long ago is replayed after the table was read."""
    world.raffle()
    order_id = hold_and_confirm(lucia)
    with crashing(monkeypatch):
        world.container.chat.answer(photo(world, lucia))
    [key] = current(world)
    proofs = world.container.proofs
    boundary = datetime.now(UTC) + timedelta(seconds=1)
    assert list(proofs.stored_before(boundary)) == [key]
    # To the bucket, "now" is before the boundary. So the boundary moves instead: it was before the file came again.
    assert not proofs.remove_stored_before(boundary - timedelta(hours=1), key)
    assert current(world) == {key}
    world.container.chat.answer(photo(world, lucia))
    later(world, days=2)
    assert main(["check", "--files", "--repair"]) == 0
    assert current(world) == {key} == {proof.key for proof in orders.get(order_id).proofs}
