"""Read lists page by page. Cursors neither skip nor repeat items while others are added and removed."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from datetime import datetime
from json import dumps, loads
from typing import Any, Generic, NamedTuple, TypeVar

from pynamodb.expressions.condition import Condition
from pynamodb.indexes import GlobalSecondaryIndex

from chalicelib.domain.refusals import Invalid
from chalicelib.store.records import Record, Stored, low_level, stamp

T = TypeVar("T")
FILTERED = 1000  # entries to read at most for a page with a filter; it may be short, or empty


class CursorInvalid(Invalid):
    """The cursor does not belong to this list and its filters."""

    code = "cursor_invalid"
    field = "cursor"

    def __init__(self) -> None:
        super().__init__("cursor: expected the one of a `next` or `previous` link, with the same filters.")


class Page(NamedTuple, Generic[T]):
    """A page of a list. `next` and `previous`: cursors for the pages after and before it; None if there is none."""

    items: list[T]
    next: str | None
    previous: str | None


class Bounds(NamedTuple):
    """The first and the last range key that a list may have, both included. None: there is no bound."""

    first: str | None = None
    last: str | None = None

    @classmethod
    def of_time(cls, start: datetime | None, end: datetime | None) -> "Bounds":
        """Return the bounds of range keys that begin with a time (`stamp`): from `start` on, and before `end`."""
        # "!" sorts before any id that follows a time.
        return cls(None if start is None else stamp(start, "!"), None if end is None else stamp(end, "!"))

    def after(self, place: str, *, ascending: bool) -> "Bounds":
        """Return the bounds of what is left after a place, in the direction of reading."""
        if ascending:
            return self._replace(first=place if self.first is None else max(self.first, place))
        return self._replace(last=place if self.last is None else min(self.last, place))

    @property
    def are_empty(self) -> bool:
        return self.first is not None and self.last is not None and self.first > self.last

    def condition(self, key: Any) -> Condition | None:
        """Return the condition on the range key. DynamoDB takes one only."""
        condition: Condition | None
        if self.first is not None and self.last is not None:
            condition = key.between(self.first, self.last)
        elif self.first is not None:
            condition = key >= self.first
        else:
            condition = None if self.last is None else key <= self.last
        return condition


UNBOUNDED = Bounds()


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
    within: Bounds = UNBOUNDED,
) -> Page[T]:
    """Read one page of an index partition: the one after the cursor `after`, or with `backwards` the one before it.

    `read` turns records into items. It may leave some out: the page is shorter then, and its cursors stay the same.
    With the filter `only`, at most FILTERED entries are read, so a page may be short or even empty and still have a
    next one. Entries outside the bounds `within` cost nothing. An empty last page has no previous one. Raises
    CursorInvalid.
    """
    start = _start_key(after, index, hash_key) if after else None
    # The page before a cursor is read in the opposite direction and then reversed.
    ascending = newest_first if backwards else not newest_first
    entries, end = _query(index, hash_key, only, within, ascending=ascending, limit=limit + 1, start=start)
    has_more = len(entries) > limit
    entries = entries[:limit]
    places = [_place(index, entry) for entry in entries]
    read_until = _place(index, end) if end else None
    last = places[-1] if has_more else read_until
    first = places[0] if places else last
    if backwards:
        entries.reverse()
    items = read([Record.from_raw_data(entry) for entry in entries])
    back = first if after is not None else None
    if first is None:
        return Page(items, None, None)
    return Page(items, _cursor(back), _cursor(last)) if backwards else Page(items, _cursor(last), _cursor(back))


def _query(
    index: GlobalSecondaryIndex[Any],
    hash_key: str,
    only: Condition | None,
    within: Bounds,
    *,
    ascending: bool,
    limit: int,
    start: Stored | None,
) -> tuple[list[Stored], Stored | None]:
    """Read up to `limit` entries, and the key where they end if there may be more.

    One request, unless DynamoDB returns less than that.
    """
    entries: list[Stored] = []
    entries_read = 0
    most = limit if only is None else FILTERED
    _, _, _, name = _key_names(index)
    if start is not None:
        # The bound repeats the start key. Without it, DynamoDB's stand-in in tests reads all entries before that key.
        within = within.after(start[name]["S"], ascending=ascending)
        if within.are_empty:
            return [], None
    place = within.condition(getattr(Record, name))
    while len(entries) < limit and entries_read < most:
        answer = low_level().query(
            Record.Meta.table_name,
            hash_key,
            place,
            filter_condition=only,
            index_name=index.Meta.index_name,
            scan_index_forward=ascending,
            limit=most - entries_read,
            exclusive_start_key=start,
        )
        entries += answer["Items"]
        entries_read += answer["ScannedCount"]
        start = answer.get("LastEvaluatedKey")
        if start is None:
            break
    return entries, start


def encode_cursor(*values: object) -> str:
    """Encode values as a cursor that is printable and safe in a URL."""
    return urlsafe_b64encode(dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *types: type | tuple[type, ...]) -> list[Any]:
    """Return the values of a cursor. Raises CursorInvalid if they have other types, or a text is empty."""
    try:
        values = loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode())
        dumps(values, ensure_ascii=False).encode()  # fails on half of a surrogate pair
    except (ValueError, RecursionError):  # not base64, not UTF-8, not JSON
        raise CursorInvalid from None
    if not isinstance(values, list) or len(values) != len(types):
        raise CursorInvalid
    if not all(isinstance(value, kind) and value != "" for value, kind in zip(values, types, strict=True)):
        raise CursorInvalid
    return values


def cursor_after(index: GlobalSecondaryIndex[Any], record: Record) -> str:
    """Return the cursor for the page that begins after a record."""
    return encode_cursor(*(getattr(record, name) for name in _key_names(index)))


def _key_names(index: GlobalSecondaryIndex[Any]) -> tuple[str, str, str, str]:
    keys = index.Meta.attributes
    (hash_key,) = (name for name, attribute in keys.items() if attribute.is_hash_key)
    (range_key,) = (name for name, attribute in keys.items() if attribute.is_range_key)
    return "pk", "sk", hash_key, range_key


def _place(index: GlobalSecondaryIndex[Any], item: Stored) -> list[str]:
    return [item[name]["S"] for name in _key_names(index)]


def _cursor(place: list[str] | None) -> str | None:
    return encode_cursor(*place) if place else None


def _start_key(cursor: str, index: GlobalSecondaryIndex[Any], hash_key: str) -> Stored:
    names = _key_names(index)
    values = decode_cursor(cursor, *[str] * len(names))
    if values[2] != hash_key:  # a cursor of another list
        raise CursorInvalid
    return {name: {"S": value} for name, value in zip(names, values, strict=True)}
