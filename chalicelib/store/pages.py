"""Lists, a page at a time: cursors that neither skip nor repeat while items are added."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from json import dumps, loads
from typing import Any, Generic, NamedTuple, TypeVar

from pynamodb.expressions.condition import Condition
from pynamodb.indexes import GlobalSecondaryIndex

from chalicelib.domain.refusals import Refusal
from chalicelib.store.records import Record

T = TypeVar("T")
FILTERED = 1000  # items that a request reads when most of them may be left out


class CursorInvalid(Refusal):
    code = "cursor_invalid"

    def __init__(self) -> None:
        super().__init__("cursor: expected one that a list answered with.")


class Page(NamedTuple, Generic[T]):
    """Part of a list. `next` and `previous` are cursors for the parts after and before it, None where there is none."""

    items: list[T]
    next: str | None
    previous: str | None


def page_of(
    index: GlobalSecondaryIndex[Any],
    hash_key: str,
    read: Callable[[Iterable[Record]], list[T]],
    *,
    limit: int,
    after: str | None = None,
    backwards: bool = False,
    newest_first: bool = True,
    only: Condition | None = None,
) -> Page[T]:
    """One page of an index partition. `after` is a cursor; `backwards` asks for the page before it.

    What `read` leaves out of a page is missing in it: the page is shorter, and cursors stay as they are.
    """
    start = _decoded(after, index, hash_key) if after else None
    # A page before the cursor is read away from it and turned round.
    ascending = newest_first if backwards else not newest_first
    found = list(
        index.query(
            hash_key,
            filter_condition=only,
            scan_index_forward=ascending,
            limit=limit + 1,
            page_size=limit + 1 if only is None else FILTERED,
            last_evaluated_key=start,
        )
    )
    more, found = len(found) > limit, found[:limit]
    if backwards:
        found.reverse()
    if not found:
        return Page([], None, None)
    further = _encoded(index, found[-1]) if more or backwards else None
    before = _encoded(index, found[0]) if (more if backwards else after is not None) else None
    return Page(read(found), further, before)


def _attributes(index: GlobalSecondaryIndex[Any]) -> tuple[str, str]:
    name = index.Meta.index_name.removeprefix("by_")
    return f"{name}_key", f"{name}_at"


def _encoded(index: GlobalSecondaryIndex[Any], record: Record) -> str:
    values = [record.pk, record.sk, *(getattr(record, name) for name in _attributes(index))]
    return urlsafe_b64encode(dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")


def _decoded(cursor: str, index: GlobalSecondaryIndex[Any], hash_key: str) -> dict[str, dict[str, str]]:
    names = ("pk", "sk", *_attributes(index))
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        values = loads(text)
        dumps(values, ensure_ascii=False).encode()  # half a character is none
    except ValueError:  # not base64, not UTF-8, not JSON
        raise CursorInvalid from None
    if not (
        isinstance(values, list)
        and len(values) == len(names)
        and all(isinstance(value, str) and value for value in values)
    ):
        raise CursorInvalid
    if values[2] != hash_key:  # a cursor of another list
        raise CursorInvalid
    return {name: {"S": value} for name, value in zip(names, values, strict=True)}
