"""P6 and P9: what a buyer hears whose file is no proof, and where a proof is stored."""

import re

import pytest

from chalicelib.store import orders
from chalicelib.whatsapp.graph import MediaTooLarge
from tests.support.contact_chat import known
from tests.support.hostile_pictures import gif, tiff, truncated
from tests.support.receipts import picture
from tests.support.steps import hold_and_confirm
from tests.support.world import Buyer, World, text_of
from whatsapp_sandbox import webhooks

PDF = b"%PDF-1.7\n" + bytes(100)


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"avif"])
def test_p9_a_photo_in_the_phones_own_format_is_answered_with_how_to_send_it(
    world: World, lucia: Buyer, brand: bytes
) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    answer = text_of(lucia.sends_proof(b"\0\0\0\x18ftyp" + brand + bytes(100)))
    assert answer == (
        "I can't open this kind of photo (HEIC).\n"
        "Please send it from your gallery as a photo, not as a document. A screenshot of it is fine, too."
    )
    assert world.order(order_id)["status"] == "PENDING_PAYMENT"
    lucia.sends_proof(picture())
    assert world.order(order_id)["status"] == "IN_REVIEW"


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\r\n", b"Content-Type: application/pdf\r\n\r\n"])
def test_p9_a_pdf_may_begin_with_something_else(world: World, lucia: Buyer, before: bytes) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    lucia.sends_proof(before + PDF)
    assert world.order(order_id)["proof"]["mime_type"] == "application/pdf"


@pytest.mark.parametrize("content", [gif(), tiff(), bytes(1024 - 4) + PDF])
def test_p6_another_kind_of_file_is_refused(world: World, lucia: Buyer, content: bytes) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    assert "I can only take a photo" in text_of(lucia.sends_proof(content))
    assert world.order(order_id)["proof"] is None


def test_p9_a_proof_whose_look_cannot_be_judged_is_taken(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    lucia.sends_proof(truncated(picture()))
    assert world.order(order_id)["status"] == "IN_REVIEW"


TOO_LARGE = (
    "That file is too large for me: I can take up to 16 MB.\n"
    "Please send a photo or a screenshot of the receipt instead."
)


def test_p9_a_file_of_more_than_16_mb_is_too_large(world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(media_id: str, *, limit_bytes: int) -> None:
        raise MediaTooLarge(limit_bytes)

    world.raffle()
    hold_and_confirm(lucia)
    monkeypatch.setattr(world.graph, "fetch_media", fails)
    assert text_of(lucia.sends_proof()) == TOO_LARGE


@pytest.mark.parametrize("kind", ["document", "unsupported"])
def test_p9_a_file_that_is_too_large_for_whatsapp_is_not_asked_for_again(world: World, lucia: Buyer, kind: str) -> None:
    world.raffle()
    hold_and_confirm(lucia)
    body = webhooks.message(lucia.person, kind, {"id": "1"}, message_id=world.new_id(), at=world.at)
    details = {"details": "Media file size too big. Max file size we currently support: 100MB."}
    body["entry"][0]["changes"][0]["value"]["messages"][0]["errors"] = [
        {"code": 131052, "title": "Media download error", "error_data": details}
    ]
    assert text_of(lucia.sends(body)) == TOO_LARGE


def test_p9_a_proof_lies_with_the_persons_other_files_under_a_name_that_tells_nothing(
    world: World, lucia: Buyer
) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    lucia.sends_proof()
    [proof] = orders.get(order_id).proofs
    assert re.fullmatch(f"proofs/{known(lucia).id}/[0-9a-f]{{32}}", proof.key)
