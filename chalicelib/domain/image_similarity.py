"""Tell by their hashes whether two pictures look alike. `chalicelib/adapters/image_hash.py` makes the hashes.

The figures behind these numbers are in docs/adr/0008-pictures-that-came-before.md.
"""

from collections.abc import Iterator

COLUMNS = 80
ROWS = 64
HASH_BITS = COLUMNS * ROWS
# Nearly all copies of a receipt, compressed or resized, differ from it in 8 bits or fewer. Two receipts from the same
# bank's app differ in 10 bits or more, even with the same payer and amount.
NEAR = 8
# Two hashes that differ in eight bits differ in at most eight of nine bands, so at least one band is the same.
BANDS = NEAR + 1


def distance(first: bytes, second: bytes) -> int:
    """Count the bits in which two hashes differ."""
    return (int.from_bytes(first) ^ int.from_bytes(second)).bit_count()


def are_alike(first: bytes, second: bytes) -> bool:
    return len(first) == len(second) and distance(first, second) <= NEAR


def bands(image_hash: bytes) -> Iterator[bytes]:
    """Split a hash into nine bands.

    Each band has bits from all over the picture. A band from one place, such as the bank's letterhead, would be the
    same on all receipts.
    """
    bits = f"{int.from_bytes(image_hash):0{len(image_hash) * 8}b}"
    for start in range(BANDS):
        yield int(bits[start::BANDS], 2).to_bytes(HASH_BITS // BANDS // 8 + 1)
