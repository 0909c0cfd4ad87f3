"""Make the small fonts with which pictures are drawn: DejaVu Sans, cut down to the letters of our languages.

    python -m tools.subset_fonts FOLDER

FOLDER has DejaVuSans.ttf and DejaVuSans-Bold.ttf, as Debian's fonts-dejavu-core installs them. Run this only to add
characters; the result is committed.
"""

import argparse
import sys
from pathlib import Path

from fontTools import subset  # type: ignore[import-untyped] # no types are published

FONTS = Path(__file__).parents[1] / "chalicelib" / "pictures" / "fonts"
NAMES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
# Latin with all accents of Europe and Latin America, punctuation, currency signs, and a few marks.
RANGES = ((0x20, 0x7E), (0xA0, 0x17F), (0x2010, 0x2026), (0x2039, 0x203A), (0x20A0, 0x20BF))
OTHERS = "№™−✓✗★●○■□▲"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.subset_fonts", description=__doc__)
    parser.add_argument("folder", type=Path, help="such as /usr/share/fonts/truetype/dejavu")
    folder = parser.parse_args().folder
    wanted = [code for first, last in RANGES for code in range(first, last + 1)] + [ord(mark) for mark in OTHERS]
    for name in NAMES:
        # Without hinting and without tables of layout, which Pillow's basic layout does not use.
        options = subset.Options(
            hinting=False, layout_features=["kern"], name_IDs=[0, 1, 2, 13, 14], notdef_outline=True
        )
        font = subset.load_font(str(folder / name), options)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=wanted)
        subsetter.subset(font)
        subset.save_font(font, str(FONTS / name), options)
        sys.stdout.write(f"{name}: {(FONTS / name).stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
