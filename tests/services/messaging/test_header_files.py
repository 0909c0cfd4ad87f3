"""O11: a notice shows the proof itself above its buttons; whatever goes wrong with it, the notice comes."""

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.whatsapp.graph import GraphError, NotSent, OutcomeUnknown
from tests.support.deliveries import refused
from tests.support.organisers import OLGA, OSCAR, person, set_organisers
from tests.support.receipts import picture
from tests.support.steps import hold_and_confirm, hold_and_prove
from tests.support.world import PNG, Buyer, World, buttons_of, text_of
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
PDF = b"%PDF-1.7\n" + bytes(100)


def drawn(mode: str, form: str) -> bytes:
    file = BytesIO()
    Image.new(mode, (60, 40)).save(file, form)
    return file.getvalue()


@pytest.fixture
def olga(world: World) -> Buyer:
    organiser = world.organiser()
    organiser.says("hi")
    return organiser


def header_of(message: Json) -> Json | None:
    found: Json | None = message["interactive"].get("header")
    return found


def in_another_process(world: World) -> None:
    """Have a process send the rest that has neither stored nor uploaded the file."""
    files = world.container.header_files
    files.latest, files.uploaded = ("", b""), {}


@pytest.mark.parametrize("content", [PNG, picture(), drawn("RGB", "PNG")])
def test_o11_an_organiser_sees_the_picture_above_amount_code_and_buttons(
    world: World, lucia: Buyer, olga: Buyer, content: bytes
) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    lucia.sends_proof(content)
    notice = olga.heard[-1]
    assert header_of(notice) == {"type": "image", "image": {"id": "upload-1"}}
    assert list(world.graph.uploads.values()) == [content]
    assert order_id in text_of(notice) and "GTQ 50.00" in text_of(notice)
    assert buttons_of(notice) == ["Approve", "Reject", "Open"]


def test_o11_a_pdf_is_shown_as_a_document(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    lucia.sends_proof(PDF)
    document = {"id": "upload-1", "filename": f"{order_id}.pdf"}
    assert header_of(olga.heard[-1]) == {"type": "document", "document": document}


@pytest.mark.parametrize("content", [drawn("RGB", "WEBP"), drawn("P", "PNG"), drawn("L", "PNG")])
def test_o11_a_picture_that_whatsapp_does_not_show_is_left_out(
    world: World, lucia: Buyer, olga: Buyer, content: bytes
) -> None:
    world.raffle()
    hold_and_confirm(lucia)
    lucia.sends_proof(content)
    assert (header_of(olga.heard[-1]), world.graph.uploads) == (None, {})


def test_o11_a_picture_of_more_than_five_megabytes_is_left_out(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle()
    hold_and_confirm(lucia)
    lucia.sends_proof(drawn("RGB", "JPEG") + bytes(5 * 2**20))
    assert (header_of(olga.heard[-1]), world.graph.uploads) == (None, {})


@pytest.mark.parametrize("failure", [NotSent("no connection"), OutcomeUnknown("ReadTimeout"), refused(131000)])
def test_o11_a_notice_whose_picture_cannot_be_uploaded_comes_without(
    world: World, lucia: Buyer, olga: Buyer, failure: GraphError
) -> None:
    world.raffle()
    hold_and_confirm(lucia)
    world.graph.refuses_uploads = [failure]
    told = len(olga.heard)
    lucia.sends_proof()
    [notice] = olga.heard[told:]
    assert header_of(notice) is None and buttons_of(notice) == ["Approve", "Reject", "Open"]


def test_o11_a_notice_whose_picture_whatsapp_refuses_comes_without(
    world: World, lucia: Buyer, olga: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once. What was refused was not sent, so nothing is sent twice."""
    world.raffle()
    hold_and_confirm(lucia)
    send = world.graph.send

    def picky(message: Json) -> object:
        if message["type"] == "interactive" and "header" in message["interactive"]:
            raise refused(131053)
        return send(message)

    monkeypatch.setattr(world.graph, "send", picky)
    told = len(olga.heard)
    lucia.sends_proof()
    [notice] = olga.heard[told:]
    assert header_of(notice) is None and text_of(notice).startswith("Payment proof")


def test_o11_a_notice_that_fails_later_for_its_picture_is_sent_again_without(
    world: World, lucia: Buyer, olga: Buyer
) -> None:
    world.raffle()
    hold_and_prove(lucia)
    notice = olga.heard[-1]
    failed = webhooks.status(
        olga.person, f"wamid.OUT{len(world.graph.sent)}", "failed", at=world.at,
        tracking=notice["biz_opaque_callback_data"], errors=[(131053, "media")],
    )  # fmt: skip
    told = len(olga.heard)
    world.deliver(failed)
    world.minute()
    [again] = olga.heard[told:]
    assert header_of(notice) is not None and header_of(again) is None
    assert text_of(again) == text_of(notice)
    world.deliver(failed)
    world.minute()
    assert len(olga.heard) == told + 1


def test_o11_a_notice_that_is_sent_later_has_its_picture_from_the_bucket(
    world: World, lucia: Buyer, olga: Buyer
) -> None:
    world.raffle()
    hold_and_confirm(lucia)
    world.graph.refuses = [NotSent("no connection")] * 2
    told = len(olga.heard)
    lucia.sends_proof(picture())
    in_another_process(world)
    world.clock.pass_minutes(2)
    world.minute()
    [notice] = olga.heard[told:]
    assert header_of(notice) is not None
    assert list(world.graph.uploads.values())[-1] == picture()


def test_o11_a_notice_comes_though_the_file_was_erased_or_may_not_be_read(
    world: World, lucia: Buyer, olga: Buyer
) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    world.graph.refuses = [NotSent("no connection")] * 2
    told = len(olga.heard)
    lucia.sends_proof()
    in_another_process(world)
    for proof in world.container.proofs.open(order_id, by=COMMAND_LINE)[0].proofs:
        world.container.proofs.erase(proof)
    world.clock.pass_minutes(2)
    world.minute()
    [notice] = olga.heard[told:]
    assert header_of(notice) is None


def test_o11_all_organisers_see_what_was_uploaded_once(world: World, lucia: Buyer, olga: Buyer) -> None:
    set_organisers(world, OLGA, OSCAR)
    oscar = person(world, OSCAR)
    oscar.says("hi")
    world.raffle()
    hold_and_confirm(lucia)
    lucia.sends_proof()
    assert header_of(olga.heard[-1]) == header_of(oscar.heard[-1]) is not None
    assert len(world.graph.uploads) == 1


def test_o11_a_newer_proof_is_shown_with_its_picture(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle()
    hold_and_prove(lucia)
    lucia.sends_proof(picture())
    shown = olga.taps("Approve")
    assert text_of(shown).startswith("Nothing is decided yet")
    assert header_of(shown) is not None and list(world.graph.uploads.values())[-1] == picture()
