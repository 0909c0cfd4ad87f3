"""P6: what looks alike and what does not, by drawn receipts.

`python -m tests.support.picture_study` measures more of them.
"""

import struct
import subprocess
import sys
import zlib
from functools import cache
from io import BytesIO
from itertools import combinations
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from chalicelib.adapters.image_hash import FORMATS, compute_image_hash
from chalicelib.adapters.picture_headers import MAX_PIXELS, MAX_SIDE
from chalicelib.domain.image_similarity import BANDS, HASH_BITS, NEAR, are_alike, bands, distance
from tests.support import receipts as r

ROOT = Path(__file__).parent.parent.parent
KINDS = (0, 1, 2)
LOOKS = st.binary(min_size=HASH_BITS // 8, max_size=HASH_BITS // 8)


@cache
def receipt(kind: int, number: int) -> r.Picture:
    return r.screenshot(r.payment(Random(number)), kind)


def seen(content: bytes, mime_type: str = "image/jpeg") -> bytes:
    found = compute_image_hash(content, mime_type)
    assert found is not None
    return found


# What is told apart


@pytest.mark.parametrize("kind", KINDS)
def test_p6_receipts_of_one_bank_do_not_look_alike(kind: int) -> None:
    looks = [seen(r.jpeg(receipt(kind, number))) for number in range(16)]
    assert not [pair for pair in combinations(looks, 2) if are_alike(*pair)]


@pytest.mark.parametrize("kind", KINDS)
def test_p6_receipts_of_one_person_over_one_amount_do_not_look_alike(kind: int) -> None:
    random = Random(5)
    first = r.payment(random)
    payments = [first._replace(moment=r.moment(random), reference=r.reference(random)) for _ in range(12)]
    one, *others = [seen(r.jpeg(r.screenshot(paid, kind))) for paid in (first, *payments)]
    assert not [other for other in others if are_alike(one, other)]


def test_p6_photos_of_two_slips_do_not_look_alike() -> None:
    looks = [seen(r.jpeg(r.photo(r.payment(Random(number)), Random(number)))) for number in range(6)]
    assert not [pair for pair in combinations(looks, 2) if are_alike(*pair)]


# What is known again


@pytest.mark.parametrize("quality", [40, 60, 90])
@pytest.mark.parametrize("kind", KINDS)
def test_p6_a_recompressed_receipt_looks_like_itself(kind: int, quality: int) -> None:
    for number in range(3):
        assert are_alike(seen(r.jpeg(receipt(kind, number), 85)), seen(r.jpeg(receipt(kind, number), quality)))


@pytest.mark.parametrize("factor", [0.5, 0.6, 0.75, 1.5, 2])
def test_p6_a_resized_receipt_looks_like_itself(factor: float) -> None:
    for number in range(3):
        copy = r.jpeg(r.resized(receipt(0, number), factor), 75)
        assert are_alike(seen(r.jpeg(receipt(0, number))), seen(copy))


def test_p6_a_receipt_in_another_format_looks_like_itself() -> None:
    one = seen(r.jpeg(receipt(0, 1)))
    assert are_alike(one, seen(r.png(receipt(0, 1)), "image/png"))
    assert are_alike(one, seen(r.webp(receipt(0, 1)), "image/webp"))


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_p6_a_receipt_with_an_orientation_tag_looks_like_itself(orientation: int) -> None:
    turns = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    lying, file = receipt(0, 1).transpose(turns[orientation]), BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying.save(file, "JPEG", quality=85, exif=exif)
    assert are_alike(seen(r.jpeg(receipt(0, 1), 85)), seen(file.getvalue()))
    assert not are_alike(seen(r.jpeg(receipt(0, 1), 85)), seen(r.jpeg(lying, 85)))


def test_p6_an_animation_looks_like_its_first_frame() -> None:
    for form in ("WEBP", "PNG"):
        file = BytesIO()
        receipt(0, 1).save(file, form, save_all=True, append_images=[receipt(0, 2)], quality=90)
        found = seen(file.getvalue(), f"image/{form.lower()}")
        assert are_alike(found, seen(r.jpeg(receipt(0, 1)))) and not are_alike(found, seen(r.jpeg(receipt(0, 2))))


# What has no look, and harms nobody


def test_p6_a_pdf_has_no_image_hash() -> None:
    assert compute_image_hash(b"%PDF-1.7", "application/pdf") is None


@pytest.mark.parametrize("colour", ["white", "black", "red"])
def test_p6_a_plain_picture_has_no_image_hash_since_all_of_these_look_alike(colour: str) -> None:
    assert compute_image_hash(r.jpeg(Image.new("RGB", (900, 1600), colour)), "image/jpeg") is None
    assert compute_image_hash(r.png(Image.linear_gradient("L")), "image/png") is None


@pytest.mark.parametrize("mime_type", FORMATS)
@given(content=st.binary(max_size=300))
def test_p6_no_bytes_do_harm(mime_type: str, content: bytes) -> None:
    marks = {
        "image/jpeg": b"\xff\xd8\xff",
        "image/png": b"\x89PNG\r\n\x1a\n",
        "image/webp": b"RIFF\x00\x01\x00\x00WEBP",
    }
    assert compute_image_hash(marks[mime_type] + content, mime_type) is None


@pytest.mark.parametrize("make", [r.jpeg, r.png, r.webp])
def test_p6_a_truncated_or_damaged_picture_does_no_harm(make: object) -> None:
    assert callable(make)
    whole: bytes = make(receipt(0, 1).resize((270, 480)))
    mime_type = {r.jpeg: "image/jpeg", r.png: "image/png", r.webp: "image/webp"}[make]
    random = Random(3)
    for _ in range(60):
        damaged = bytearray(whole[: random.randint(1, len(whole))])
        for _ in range(random.randint(0, 4)):
            damaged[random.randrange(len(damaged))] ^= random.randint(1, 255)
        compute_image_hash(bytes(damaged), mime_type)
    assert compute_image_hash(whole[: len(whole) // 2], mime_type) is None


def claiming(width: int, height: int) -> bytes:
    """A PNG of a hundred bytes that says it has this size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    chunks = (struct.pack(">I", len(p)) + n + p + struct.pack(">I", zlib.crc32(n + p)) for n, p in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("size", [(5_001, 5_000), (100_000, 100_000), (2**31 - 1, 2**31 - 1), (MAX_SIDE + 1, 1)])
def test_p6_a_picture_too_large_to_decode_is_not_decoded(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked = list[str]()
    monkeypatch.setattr(Image.Image, "convert", lambda self, mode: unpacked.append(mode))
    assert size[0] * size[1] > MAX_PIXELS or max(size) > MAX_SIDE
    assert compute_image_hash(claiming(*size), "image/png") is None
    assert unpacked == []


def test_p6_of_a_large_jpeg_only_a_part_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    large = r.jpeg(r.resized(receipt(0, 1), 3), 70)
    sizes, convert = list[tuple[int, int]](), Image.Image.convert

    def noted(self: Image.Image, mode: str) -> Image.Image:
        sizes.append(self.size)
        return convert(self, mode)

    monkeypatch.setattr(Image.Image, "convert", noted)
    assert are_alike(seen(large), seen(r.jpeg(receipt(0, 1))))
    assert sizes[0] == (1620, 2880)  # of 3240 × 5760


def test_only_a_proof_waits_for_the_image_library() -> None:
    code = "import sys, app; print([name for name in sys.modules if name.split('.')[0] == 'PIL'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Bands


@given(LOOKS, st.lists(st.integers(0, HASH_BITS - 1), max_size=NEAR))
def test_p6_similar_image_hashes_share_a_band(one: bytes, flipped: list[int]) -> None:
    changed = int.from_bytes(one)
    for bit in flipped:
        changed ^= 1 << bit
    other = changed.to_bytes(len(one))
    assert distance(one, other) <= NEAR and are_alike(one, other)
    assert any(a == b for a, b in zip(bands(one), bands(other), strict=True))


def test_p6_similar_image_hashes_share_a_band_even_if_each_differing_bit_is_in_another_one() -> None:
    one, other = bytes(HASH_BITS // 8), ((1 << NEAR) - 1).to_bytes(HASH_BITS // 8)
    assert are_alike(one, other)
    assert [a == b for a, b in zip(bands(one), bands(other), strict=True)].count(True) == 1


@given(LOOKS, st.integers(0, HASH_BITS - 1))
def test_p6_each_bit_is_in_one_band(one: bytes, bit: int) -> None:
    other = (int.from_bytes(one) ^ 1 << bit).to_bytes(len(one))
    assert [a == b for a, b in zip(bands(one), bands(other), strict=True)].count(False) == 1
    assert len(list(bands(one))) == BANDS


def test_p6_image_hashes_of_different_lengths_are_never_similar() -> None:
    assert not are_alike(bytes(64), bytes(HASH_BITS // 8))
