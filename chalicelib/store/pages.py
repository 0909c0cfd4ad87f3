"""Lists, a page at a time: cursors that neither skip nor repeat while items are added and removed."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from json import dumps, loads
from typing import Any, Generic, NamedTuple, TypeVar

from pynamodb.expressions.condition import Condition
from pynamodb.indexes import GlobalSecondaryIndex

from chalicelib.domain.refusals import Invalid
from chalicelib.store.records import Record, Stored, low_level

T = TypeVar("T")
FILTERED = 1000  # entries that are read for a page when some of them may be left out: then it may be short, or empty


class CursorInvalid(Invalid):
    """The cursor does not belong to this list and its filters."""

    code = "cursor_invalid"
    field = "cursor"

    def __init__(self) -> None:
        super().__init__("cursor: expected the one of a `next` or `previous` link, with the same filters.")


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

    What `read` leaves out of a page is missing in it: the page is shorter, and cursors stay as they are. With `only`,
    at most FILTERED entries are looked at, so a page may be short or even empty and still have others behind it.
    An empty one at the end has none before it.
    """
    start = _decoded(after, index, hash_key) if after else None
    # A page before the cursor is read away from it and turned round.
    ascending = newest_first if backwards else not newest_first
    found, end = _query(index, hash_key, only, ascending=ascending, limit=limit + 1, start=start)
    more, found = len(found) > limit, found[:limit]
    places = [_place(index, item) for item in found]
    looked_at = _place(index, end) if end else None  # up to there everything was
    last = places[-1] if more else looked_at
    first = places[0] if places else last
    if backwards:
        found.reverse()
    records = read([Record.from_raw_data(item) for item in found])
    back = first if after is not None else None
    if first is None:
        return Page(records, None, None)
    return Page(records, _cursor(back), _cursor(last)) if backwards else Page(records, _cursor(last), _cursor(back))


def _query(
    index: GlobalSecondaryIndex[Any],
    hash_key: str,
    only: Condition | None,
    *,
    ascending: bool,
    limit: int,
    start: Stored | None,
) -> tuple[list[Stored], Stored | None]:
    """Up to `limit` entries, and where they end when there may be more. One request, unless DynamoDB brings less than
    was asked for."""
    found: list[Stored] = []
    looked_at, most = 0, limit if only is None else FILTERED
    beyond = None
    if start is not None:  # says what the starting key says; a stand-in passes over all entries before that otherwise
        _, _, _, name = _names(index)
        place = getattr(Record, name)
        beyond = place >= start[name]["S"] if ascending else place <= start[name]["S"]
    while len(found) < limit and looked_at < most:
        answer = low_level().query(
            Record.Meta.table_name,
            hash_key,
            beyond,
            filter_condition=only,
            index_name=index.Meta.index_name,
            scan_index_forward=ascending,
            limit=most - looked_at,
            exclusive_start_key=start,
        )
        found += answer["Items"]
        looked_at += answer["ScannedCount"]
        start = answer.get("LastEvaluatedKey")
        if start is None:
            break
    return found, start


def packed(*values: object) -> str:
    """A cursor: printable, and safe in a link."""
    return urlsafe_b64encode(dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")


def unpacked(cursor: str, *types: type | tuple[type, ...]) -> list[Any]:
    """What was packed, if it is of these types; no text in it is empty. Raises CursorInvalid."""
    try:
        values = loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode())
        dumps(values, ensure_ascii=False).encode()  # half a character is none
    except (ValueError, RecursionError):  # not base64, not UTF-8, not JSON
        raise CursorInvalid from None
    if not isinstance(values, list) or len(values) != len(types):
        raise CursorInvalid
    if not all(isinstance(value, kind) and value != "" for value, kind in zip(values, types, strict=True)):
        raise CursorInvalid
    return values


def place_of(index: GlobalSecondaryIndex[Any], record: Record) -> str:
    """The cursor for what comes after a record."""
    return packed(*(getattr(record, name) for name in _names(index)))


def _names(index: GlobalSecondaryIndex[Any]) -> tuple[str, str, str, str]:
    keys = index.Meta.attributes
    (hashed,) = (name for name, attribute in keys.items() if attribute.is_hash_key)
    (ranged,) = (name for name, attribute in keys.items() if attribute.is_range_key)
    return "pk", "sk", hashed, ranged


def _place(index: GlobalSecondaryIndex[Any], item: Stored) -> list[str]:
    return [item[name]["S"] for name in _names(index)]


def _cursor(place: list[str] | None) -> str | None:
    return packed(*place) if place else None


def _decoded(cursor: str, index: GlobalSecondaryIndex[Any], hash_key: str) -> Stored:
    names = _names(index)
    values = unpacked(cursor, *[str] * len(names))
    if values[2] != hash_key:  # a cursor of another list
        raise CursorInvalid
    return {name: {"S": value} for name, value in zip(names, values, strict=True)}
