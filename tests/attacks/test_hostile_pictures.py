"""P9: somebody sends pictures that take gigabytes or minutes to decode, in a function of 1 GB and 30 seconds."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import hostile_pictures as hostile

ROOT = Path(__file__).parents[2]
MAX_MEGABYTES = 300  # of the whole process
MAX_SECONDS = 3.0  # of the processor

# What they send, and whether its look can be judged. Of bombs beside the pixels the decoder sees nothing.
KEPT: dict[str, tuple[Callable[[], bytes], bool]] = {
    "flat PNG": (hostile.flat_png, False),
    "tall PNG": (hostile.tall_png, False),
    "PNG of texts that grow when unpacked": (hostile.png_of_texts, True),
    "PNG of a million empty chunks": (hostile.png_of_empty_chunks, False),
    "animated PNG": (hostile.animated_png, True),
    "truncated PNG": (lambda: hostile.truncated(hostile.striped_png()), False),
    "largest PNG that is decoded": (hostile.png_at_the_limits, True),
    "JPEG of 3,000 scans": (lambda: hostile.jpeg_of_scans(3000, 4000, 4000), False),
    "large JPEG of 100 scans": (lambda: hostile.jpeg_of_scans(100, 5000, 5000), False),
    "largest JPEG that is decoded": (lambda: hostile.jpeg_of_scans(12, 5000, 5000), True),
    "small JPEG of 100 scans": (lambda: hostile.jpeg_of_scans(100, 1700, 1700), True),
    "JPEG of four million segments": (hostile.jpeg_of_segments, False),
    "JPEG with a TIFF of tags that share their value": (hostile.jpeg_of_exif_tags, True),
    "JPEG in CMYK": (hostile.cmyk_jpeg, False),
    "truncated JPEG": (lambda: hostile.truncated(hostile.saved(hostile.photo(900, 900))), False),
    "WebP of 30 bytes and 268 million pixels": (hostile.large_webp, False),
    "WebP with a large canvas": (hostile.large_canvas_webp, True),
    "WebP of a hundred thousand frames": (hostile.webp_of_frames, False),
    "largest WebP that is decoded": (hostile.webp_at_the_limits, True),
}
REFUSED: dict[str, Callable[[], bytes]] = {"GIF": hostile.gif, "TIFF": hostile.tiff}


def test_p9_no_picture_takes_much_memory_or_time_and_each_is_kept(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    makers = {**{name: make for name, (make, _) in KEPT.items()}, **REFUSED}
    paths = []
    for number, make in enumerate(makers.values()):
        paths.append(tmp_path / str(number))
        paths[-1].write_bytes(make())
    command = [sys.executable, "-m", "tests.support.function_process", *map(str, paths)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    wrong = []
    for name, line in zip(makers, done.stdout.splitlines(), strict=True):
        found = json.loads(line)
        is_small = found["megabytes"] <= MAX_MEGABYTES and found["seconds"] <= MAX_SECONDS
        is_kept = found["kept"] and found["judged"] == KEPT[name][1] if name in KEPT else found["refused"]
        if not (is_small and is_kept):
            wrong.append(f"{name}: {found}")
    assert not wrong, "\n".join(["", *wrong])
    record_property("hostile pictures tried", len(makers))


@pytest.mark.parametrize("make", [hostile.tall_png, hostile.flat_png, hostile.large_webp])
def test_p9_the_attack_fits_into_a_small_file(make: Callable[[], bytes]) -> None:
    assert len(make()) < 100_000
