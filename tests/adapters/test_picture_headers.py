"""P9: what decoding a picture takes is judged by its headers, and the decoder sees nothing but its pixels."""

import struct
from collections.abc import Callable
from io import BytesIO
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from chalicelib.adapters.picture_headers import (
    MAX_PARTS,
    MAX_PIXELS,
    MAX_SCANS,
    MAX_SIDE,
    READERS,
    PictureUnfit,
    read_headers,
)
from tests.support import hostile_pictures as hostile
from tests.support import receipts as r

JPEG, PNG, WEBP = "image/jpeg", "image/png", "image/webp"


def reason(content: bytes, mime_type: str) -> str | None:
    """Why a picture is not decoded, or None."""
    try:
        read_headers(content, mime_type)
    except PictureUnfit as unfit:
        return str(unfit)
    return None


def png(width: int, height: int) -> bytes:
    return hostile.png(width, height, [])


def webp(width: int, height: int) -> bytes:
    return hostile.webp(hostile.plain_lossless(width, height))


def jpeg(width: int, height: int, *, scans: int = 1, marker: int = 0xC0, factors: tuple[int, ...] = (0x11,)) -> bytes:
    """A JPEG of headers alone."""
    components = b"".join(bytes((number, factor, 0)) for number, factor in enumerate(factors))
    frame = struct.pack(">BHHB", 8, height, width, len(factors)) + components
    scan = b"\xff\xda\x00\x06\x01\x00\x00\x00" + b"\x12\xff\x00\x34\xff\xd0\x56"
    return b"\xff\xd8\xff" + bytes((marker,)) + struct.pack(">H", len(frame) + 2) + frame + scan * scans + b"\xff\xd9"


SIZED: dict[str, Callable[[int, int], bytes]] = {JPEG: jpeg, PNG: png}


def test_the_limits() -> None:
    assert (MAX_SIDE, MAX_PIXELS, MAX_SCANS) == (12_000, 25_000_000, 100)


# Sizes


@pytest.mark.parametrize("mime_type", SIZED)
@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((12_000, 2_000), None),
        ((2_000, 12_000), None),
        ((5_000, 5_000), None),
        ((12_001, 1), "a side is too long"),
        ((1, 12_001), "a side is too long"),
        ((5_000, 5_001), "too many pixels"),
        ((0, 1), "it has no pixels"),
    ],
)
def test_p9_a_picture_is_judged_by_the_size_that_it_claims(
    mime_type: str, size: tuple[int, int], expected: str | None
) -> None:
    assert reason(SIZED[mime_type](*size), mime_type) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((2_000, 3_000), None),
        ((12_001, 1), "a side is too long"),
        ((3_000, 3_000), "decoding it would take too much memory"),
        ((5_000, 5_001), "too many pixels"),
    ],
)
def test_p9_a_webp_may_have_fewer_pixels_since_decoding_takes_more(size: tuple[int, int], expected: str | None) -> None:
    assert reason(webp(*size), WEBP) == expected


def test_p9_a_webp_is_judged_by_its_frame_and_not_by_its_canvas() -> None:
    small, large = (hostile.frame(side, side, hostile.plain_lossless(side, side)) for side in (100, 5_000))
    assert reason(hostile.webp(hostile.canvas(16_000, 16_000), small, large), WEBP) is None
    assert (
        reason(hostile.webp(hostile.canvas(100, 100), large, small), WEBP) == "decoding it would take too much memory"
    )


def test_p9_codes_that_a_lossless_webp_may_have_count_as_memory() -> None:
    def noise(side: int) -> bytes:
        return hostile.saved(Image.effect_noise((side, side), 100), "WEBP", lossless=True, method=0)

    assert reason(noise(100), WEBP) is None
    assert reason(noise(800), WEBP) == "decoding it would take too much memory"


# Scans


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (jpeg(100, 100, scans=100), None),
        (jpeg(100, 100, scans=101), "too many scans"),
        (jpeg(5_000, 2_500, scans=24), None),
        (jpeg(5_000, 2_500, scans=25), "too many scans for its size"),
        (jpeg(5_000, 5_000, marker=0xC2, factors=(0x22, 0x11, 0x11)), None),
        (jpeg(5_000, 5_000, marker=0xC2, factors=(0x11, 0x11, 0x11)), "decoding it would take too much memory"),
        (jpeg(5_000, 5_000, factors=(0x11,) * 4), None),
        (jpeg(5_000, 5_000, scans=2, factors=(0x11,) * 4), "decoding it would take too much memory"),
    ],
)
def test_p9_scans_are_counted_and_what_they_keep_in_memory(content: bytes, expected: str | None) -> None:
    assert reason(content, JPEG) == expected


@pytest.mark.parametrize("marker", [0xC3, 0xC5, 0xC9, 0xCA, 0xCF])
def test_p9_a_jpeg_that_no_camera_writes_is_not_decoded(marker: int) -> None:
    assert reason(jpeg(100, 100, marker=marker), JPEG) is not None


def test_p9_a_scan_within_a_thumbnail_or_behind_the_end_is_none() -> None:
    whole, many = r.jpeg(r.receipt()), hostile.SOS * 200
    with_thumbnail = whole[:2] + b"\xff\xe1" + struct.pack(">H", len(many) + 2) + many + whole[2:]
    assert read_headers(with_thumbnail + many, JPEG) == read_headers(whole, JPEG)


# What the decoder sees


@pytest.mark.parametrize(
    ("content", "mime_type"),
    [
        (r.jpeg(r.receipt()), JPEG),
        (hostile.saved(r.receipt(), "JPEG", progressive=True), JPEG),
        (hostile.saved(r.receipt().convert("CMYK"), "JPEG"), JPEG),
        (r.png(r.receipt()), PNG),
        (r.png(r.receipt().quantize(32)), PNG),
        (r.webp(r.receipt()), WEBP),
        (hostile.saved(r.receipt(), "WEBP", lossless=True), WEBP),
    ],
)
def test_p9_the_pixels_stay_as_they_are(content: bytes, mime_type: str) -> None:
    stripped = read_headers(content, mime_type).content
    before, after = (Image.open(BytesIO(each)).convert("RGB").tobytes() for each in (content, stripped))
    assert before == after
    assert len(stripped) <= len(content)


def test_p9_everything_else_is_left_out() -> None:
    mark = b"secret of a stranger"
    texts = hostile.chunk(b"tEXt", mark) + hostile.chunk(b"iCCP", mark)
    whole = r.jpeg(r.receipt())
    files = {
        PNG: hostile.striped_png(before=texts, after=texts),
        JPEG: whole[:2] + b"\xff\xfe" + struct.pack(">H", len(mark) + 2) + mark + whole[2:] + mark,
        WEBP: r.webp(r.receipt()) + hostile.riff(b"XMP ", mark),
    }
    for mime_type, content in files.items():
        assert mark in content and mark not in read_headers(content, mime_type).content


@pytest.mark.parametrize(
    ("content", "mime_type"),
    [
        (hostile.striped_png(before=hostile.chunk(b"tEXt") * MAX_PARTS), PNG),
        (b"\xff\xd8" + b"\xff\xfe\x00\x02" * MAX_PARTS, JPEG),
        (hostile.webp(hostile.riff(b"XMP ", b"") * MAX_PARTS), WEBP),
    ],
)
def test_p9_too_many_parts_are_not_read(content: bytes, mime_type: str) -> None:
    assert reason(content, mime_type) == "too many parts"


def test_p9_two_sizes_are_refused_since_the_decoder_may_believe_the_other() -> None:
    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    assert reason(hostile.striped_png(before=hostile.chunk(b"IHDR", header)), PNG) is not None
    small, large = jpeg(100, 100), jpeg(10_000, 2_000)
    assert reason(small[:15] + large[2:], JPEG) is not None


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_p9_the_orientation_is_read(form: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "a maker", orientation
    content = hostile.saved(r.receipt(), form, exif=exif)
    assert read_headers(content, f"image/{form.lower()}").orientation == (orientation if 1 <= orientation <= 8 else 1)


@pytest.mark.parametrize(
    "tiff", [b"", b"MM", b"MM\0*\0\0\0\x08", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff\x01"]
)
def test_p9_damaged_exif_data_name_no_orientation(tiff: bytes) -> None:
    assert read_headers(hostile.striped_png(before=hostile.chunk(b"eXIf", tiff)), PNG).orientation == 1


@pytest.mark.parametrize("mime_type", READERS)
@given(content=st.binary(max_size=200))
def test_p9_no_bytes_raise_anything_else(mime_type: str, content: bytes) -> None:
    marks = {JPEG: b"\xff\xd8\xff", PNG: hostile.PNG_MARK, WEBP: b"RIFF\0\0\0\0WEBP"}
    reason(marks[mime_type] + content, mime_type)


@pytest.mark.parametrize("mime_type", READERS)
@given(data=st.data())
def test_p9_no_damage_raises_anything_else(mime_type: str, data: st.DataObject) -> None:
    whole = {JPEG: jpeg(100, 100, scans=2), PNG: hostile.png(9, 9, repeat(bytes(10), 9)), WEBP: webp(100, 100)}[
        mime_type
    ]
    damaged = bytearray(whole[: data.draw(st.integers(4, len(whole)))])
    for place in data.draw(st.lists(st.integers(0, len(damaged) - 1), max_size=4)):
        damaged[place] = data.draw(st.integers(0, 255))
    reason(bytes(damaged), mime_type)
