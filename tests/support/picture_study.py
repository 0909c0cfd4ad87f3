"""Print the figures of docs/adr/0008-pictures-that-came-before.md.

Run it as `python -m tests.support.picture_study [receipts of each kind]`.
"""

import sys
from collections.abc import Iterable, Iterator
from itertools import combinations
from random import Random

from chalicelib.adapters.image_hash import compute_image_hash
from chalicelib.domain.image_similarity import NEAR, bands, distance
from tests.support import receipts as r


def seen(picture: r.Picture, *, quality: int = 85) -> bytes:
    found = compute_image_hash(r.jpeg(picture, quality), "image/jpeg")
    assert found is not None
    return found


def copies(picture: r.Picture) -> Iterator[tuple[str, bytes | None]]:
    for quality in (40, 50, 60, 75, 90):
        yield "compressed anew, JPEG 40-90", compute_image_hash(r.jpeg(picture, quality), "image/jpeg")
    yield "WebP, PNG", compute_image_hash(r.webp(picture), "image/webp")
    yield "WebP, PNG", compute_image_hash(r.png(picture), "image/png")
    for factor in (0.5, 0.6, 0.75, 0.9, 1.25, 1.5, 2.0):
        yield "resized 0.5-2, JPEG 60", compute_image_hash(r.jpeg(r.resized(picture, factor), 60), "image/jpeg")
    for share in (0.005, 0.01, 0.02):
        yield (
            f"cropped by {share:.1%} on each side",
            compute_image_hash(r.jpeg(r.cropped(picture, share)), "image/jpeg"),
        )


def variants(paid: r.Payment, random: Random) -> Iterator[tuple[str, r.Payment]]:
    last = str((int(paid.reference[-1]) + 1) % 10)
    yield "one digit differs", paid._replace(reference=paid.reference[:-1] + last)
    yield "only the amount differs", paid._replace(amount="Q 275.00")
    yield (
        "only time and reference differ",
        paid._replace(moment=r.moment(random), reference=r.reference(random)),
    )


def told(name: str, distances: Iterable[int], shared: Iterable[int]) -> None:
    found, same = sorted(distances), list(shared)
    near = sum(each <= NEAR for each in found)
    print(  # noqa: T201 - a command
        f"  {name:38} {len(found):6} pairs, bits: {found[0]:4} {found[len(found) // 2]:4} {found[-1]:4}; "
        f"alike {near / len(found):7.2%}; found by a band {sum(each > 0 for each in same) / len(same):7.2%}"
    )


def compared(pairs: Iterable[tuple[str, bytes, bytes]]) -> None:
    groups: dict[str, list[tuple[int, int]]] = {}
    for name, one, other in pairs:
        same = sum(a == b for a, b in zip(bands(one), bands(other), strict=True))
        groups.setdefault(name, []).append((distance(one, other), same))
    for name, found in groups.items():
        told(name, *zip(*found, strict=True))


def main(count: int) -> None:
    for kind in (0, 1, 2, "photo"):
        random = Random(8)
        paid = [r.payment(random) for _ in range(count)]

        def drawn(each: r.Payment, seed: int, kind: int | str = kind) -> r.Picture:
            return r.screenshot(each, kind) if isinstance(kind, int) else r.photo(each, Random(seed))

        pictures = [drawn(each, number) for number, each in enumerate(paid)]
        looks = [seen(picture) for picture in pictures]
        edges = sorted(int.from_bytes(each).bit_count() for each in looks)
        print(f"{kind}: {edges[0]}-{edges[-1]} bits set")  # noqa: T201 - a command
        compared(("different receipts", one, other) for one, other in combinations(looks, 2))
        compared(
            (name, looks[number], seen(drawn(other, number)))
            for number, each in enumerate(paid[: count // 4])
            for name, other in variants(each, random)
        )
        compared(
            (name, looks[number], other)
            for number, picture in enumerate(pictures[: count // 4])
            for name, other in copies(picture)
            if other is not None
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
