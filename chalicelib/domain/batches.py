"""Split items into batches."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of `size`; the last one may be shorter.

    Python 3.12 has this as itertools.batched, with tuples.
    """
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
