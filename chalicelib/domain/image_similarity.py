"""Tell whether two pictures look alike by their hashes, which `chalicelib/adapters/image_hash.py` makes.

The figures behind these numbers are in docs/adr/0008-pictures-that-came-before.md.
"""

from collections.abc import Iterator

COLUMNS, ROWS = 80, 64
HASH_BITS = COLUMNS * ROWS
# Nearly all copies of a receipt, compressed or resized anew, differ from it in 8 bits or fewer; two receipts that one
# bank's app has drawn, even of one person and over one amount, in 10 or more.
NEAR = 8
# Two looks that differ in eight bits differ in eight of nine bands at most, so one band is the same in both.
BANDS = NEAR + 1


def distance(one: bytes, other: bytes) -> int:
    """In how many bits two looks differ."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def are_alike(one: bytes, other: bytes) -> bool:
    return len(one) == len(other) and distance(one, other) <= NEAR


def bands(image_hash: bytes) -> Iterator[bytes]:
    """The look in nine parts. Each takes its bits from all over the picture: a part of it, like a bank's letterhead,
    would be the same in everybody's receipts."""
    bits = f"{int.from_bytes(image_hash):0{len(image_hash) * 8}b}"
    for start in range(BANDS):
        yield int(bits[start::BANDS], 2).to_bytes(HASH_BITS // BANDS // 8 + 1)
