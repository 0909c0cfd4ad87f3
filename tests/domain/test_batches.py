"""Batches have all items, in order, and none is longer than asked for."""

from itertools import count, islice

from chalicelib.domain.batches import batched


def test_the_last_batch_may_be_shorter() -> None:
    assert list(batched(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(batched(range(4), 2)) == [[0, 1], [2, 3]]
    assert list(batched([], 2)) == []


def test_a_batch_is_read_only_when_it_is_needed() -> None:
    numbers = count()
    assert list(islice(batched(numbers, 3), 2)) == [[0, 1, 2], [3, 4, 5]]
    assert next(numbers) == 6
