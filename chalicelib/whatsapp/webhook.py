"""What Meta posts to us: is it signed, and which single updates does it hold?"""

import hashlib
import hmac
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from chalicelib.whatsapp.identities import Json, as_phone, digest, group_of, identify, matching

# Ids of Meta are ASCII without blanks; they become keys, so nothing else is let in.
ID = re.compile(r"[\x21-\x7e]{1,512}", re.ASCII)
# A real update nests about ten levels. Deeper ones would break whoever writes them as JSON again.
DEEPEST = 64
# Longer integers overflow what comes after us (and quadratic parsing is a known attack); Meta sends ids as strings.
LONGEST_INTEGER = 24


@dataclass(frozen=True, kw_only=True)
class Update:
    """One message, one status or one other notice, as it goes on the queue."""

    kind: str  # "message" | "status" | "other"
    id: str  # the same for every delivery of this update; may hold personal data, see `deduplication_id`
    group: str  # names the person without saying who: updates of a group take effect one after another
    phone_number_id: str  # ours; "" for notices about the account
    value: Json  # the raw message, status or notice
    contact: Json = field(default_factory=dict)  # the person's entry of `contacts`, or {}
    field: str = "messages"

    @property
    def deduplication_id(self) -> str:
        """64 hex digits, for SQS: unlike `id` of bounded length and free of phone numbers."""
        return digest([self.phone_number_id, self.kind, self.id])

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Update":
        """Raises ValueError for anything that `to_json` did not write."""
        try:
            return cls(**json.loads(text))
        except (TypeError, RecursionError) as error:
            raise ValueError(f"not an update: {type(error).__name__}") from None


@dataclass(frozen=True, kw_only=True)
class Unusable:
    """Signed, but not to be understood: for the dead letters. `body` is all that was posted, or, where only a part of
    it can't be used, a body with that part alone: what understands it one day can take it as if it had just come."""

    reason: str
    body: str


@dataclass(frozen=True, kw_only=True)
class Split:
    """`ignored` counts what is understood and not for us: other numbers of ours, groups, our own echo."""

    updates: tuple[Update, ...] = ()
    unusable: tuple[Unusable, ...] = ()
    ignored: int = 0


class _NotForUs(Exception):
    """Understood, and none of our business."""


class _Incomprehensible(Exception):
    """Its text is the reason."""


def is_signed(raw: bytes, header: str | None, secrets: Sequence[str]) -> bool:
    """Whether `X-Hub-Signature-256` is `sha256=` and the lower-case hex HMAC of these very bytes.

    Any of several secrets may have made it, while one replaces another. An empty secret never matches.
    """
    given = (header or "").encode("utf-8", "surrogatepass")
    matches = False
    for secret in filter(None, secrets):
        expected = b"sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest().encode()
        matches |= hmac.compare_digest(expected, given)  # no early exit: time must not tell which secret matched
    return matches


def is_verify_token(given: str, expected: str) -> bool:
    """Whether Meta's verify request knows the token that was agreed on; the time taken tells nothing about it."""
    return bool(expected) and hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())


def split(raw: bytes, *, phone_number_id: str) -> Split:
    """Take a body apart into single updates. Never raises, whatever the bytes.

    An update that cannot be used does not harm its neighbours; a body that cannot be read is one `Unusable`. The same
    update twice in one body is returned once.
    """
    try:
        body = _parse(raw)
        pieces = list(_pieces(body))
    except (ValueError, RecursionError, _Incomprehensible) as error:
        reason = str(error) if isinstance(error, _Incomprehensible) else f"not JSON: {type(error).__name__}"
        return Split(unusable=(Unusable(reason=reason, body=raw.decode("utf-8", "replace")),))

    updates: dict[tuple[str, str], Update] = {}
    unusable: list[Unusable] = []
    ignored = 0
    for make, part, change, alone in pieces:
        try:
            _check_depth(part)
            update = make(part, change, phone_number_id)
            updates.setdefault((update.kind, update.id), update)
        except _NotForUs:
            ignored += 1
        except _Incomprehensible as error:
            unusable.append(Unusable(reason=str(error), body=_dump(alone())))
    return Split(updates=tuple(updates.values()), unusable=tuple(unusable), ignored=ignored)


@dataclass(frozen=True, kw_only=True)
class _Change:
    """Where a piece of a body was found."""

    account: str
    time: str
    field: str
    value: Json

    @property
    def metadata(self) -> Json:
        metadata = self.value.get("metadata")
        return metadata if isinstance(metadata, dict) else {}


_Maker = Callable[[Any, _Change, str], Update]
_Piece = tuple[_Maker, Any, _Change, Callable[[], Json]]  # and a body that holds nothing else


def _pieces(body: object) -> Iterator[_Piece]:
    """Each candidate update with what is to be made of it. Raises _Incomprehensible for a body not of Meta's form."""
    if not isinstance(body, dict) or body.get("object", "whatsapp_business_account") != "whatsapp_business_account":
        raise _Incomprehensible("not a WhatsApp body")
    if not isinstance(body.get("entry"), list):
        raise _Incomprehensible("no entries")
    for entry in body["entry"]:
        nowhere = _Change(account="", time="", field="", value={})
        if not (isinstance(entry, dict) and isinstance(entry.get("changes"), list)):
            yield _refuse("no changes in an entry"), entry, nowhere, partial(_body, entry)
            continue
        for change in entry["changes"]:
            if not (isinstance(change, dict) and isinstance(change.get("value"), dict)):
                yield _refuse("no value in a change"), change, nowhere, partial(_body, {**entry, "changes": [change]})
                continue
            name = change.get("field")
            found = _Change(
                account=_short(entry.get("id")),
                time=_short(entry.get("time")),
                field=name if isinstance(name, str) else "",
                value=change["value"],
            )
            yield from _in_change(found, partial(_with_value, entry, change))


def _body(entry: Any) -> Json:
    return {"object": "whatsapp_business_account", "entry": [entry]}


def _with_value(entry: Json, change: Json, value: Json) -> Json:
    """The body, with nothing in it but that value of the change."""
    return _body({**entry, "changes": [{**change, "value": value}]})


def _in_change(change: _Change, enclosing: Callable[[Json], Json]) -> Iterator[_Piece]:
    """The pieces of a change; `enclosing` makes a body of a value of it."""
    value = change.value
    if change.field != "messages" or not value.keys() & {"messages", "statuses"}:
        yield _other, value, change, partial(enclosing, value)
        return
    around = {name: part for name, part in value.items() if name not in ("messages", "statuses", "errors")}
    for key, make in (("messages", _message), ("statuses", _status)):
        parts = value.get(key, [])
        if not isinstance(parts, list):
            yield _refuse(f"{key} is not a list"), parts, change, partial(enclosing, {**around, key: parts})
            continue
        for part in parts:
            yield make, part, change, partial(enclosing, {**around, key: [part]})
    if "errors" in value:
        errors = {"errors": value["errors"], "metadata": value.get("metadata")}
        yield _other, errors, change, partial(enclosing, errors)


def _message(part: Any, change: _Change, ours: str) -> Update:
    _check_number(change, ours)
    if not isinstance(part, dict):
        raise _Incomprehensible("a message is not an object")
    if "group_id" in part:
        raise _NotForUs
    identifier = _id(part.get("id"), "a message without id")
    contact = matching(change.value.get("contacts"), part.get("from_user_id"), part.get("from"))
    sender = identify(part.get("from_user_id"), part.get("from"), contact)
    if sender is None:
        raise _Incomprehensible("a message without sender")
    if sender.phone and sender.phone == as_phone(change.metadata.get("display_phone_number")):
        raise _NotForUs
    return Update(
        kind="message", id=identifier, group=group_of(sender), phone_number_id=ours, value=part, contact=contact
    )


def _status(part: Any, change: _Change, ours: str) -> Update:
    _check_number(change, ours)
    if not isinstance(part, dict):
        raise _Incomprehensible("a status is not an object")
    if part.get("recipient_type") == "group":
        raise _NotForUs
    identifier = _id(part.get("id"), "a status without id")
    state = _id(part.get("status"), "a status without state")
    user_id, phone = part.get("recipient_user_id"), part.get("recipient_id")
    contact = matching(change.value.get("contacts"), user_id, phone)
    recipient = identify(user_id, phone, contact)
    return Update(
        kind="status",
        # From the status alone: a re-batched delivery may come without the `contacts` that the first one had.
        id=f"{identifier}:{state}:{as_phone(phone) or user_id or ''}",
        group=group_of(recipient) if recipient else digest([identifier])[:32],
        phone_number_id=ours,
        value=part,
        contact=contact,
    )


def _other(part: Any, change: _Change, ours: str) -> Update:
    """Anything else. Only a notice that names another number is not for us: those about the account name none."""
    number = change.metadata.get("phone_number_id")
    if number is not None and number != ours:
        raise _NotForUs
    content = json.dumps(part, sort_keys=True)
    return Update(
        kind="other",
        # Account, time and field too: the same downgrade may well happen twice.
        id=digest([change.account, change.time, change.field, content]),
        group=re.sub(r"[^A-Za-z0-9_-]", "_", change.field)[:64] or "unnamed",
        phone_number_id=ours if number else "",
        value=part,
        field=change.field,
    )


def _refuse(reason: str) -> _Maker:
    def make(_part: Any, _change: _Change, _ours: str) -> Update:
        raise _Incomprehensible(reason)

    return make


def _check_number(change: _Change, ours: str) -> None:
    number = change.metadata.get("phone_number_id")
    if number is None:
        raise _Incomprehensible("no phone_number_id")
    if number != ours:
        raise _NotForUs


def _check_depth(part: object) -> None:
    if _is_deeper(part, DEEPEST):
        raise _Incomprehensible("nested too deeply")


def _id(value: object, reason: str) -> str:
    if not (isinstance(value, str) and ID.fullmatch(value)):
        raise _Incomprehensible(reason)
    return value


def _short(value: object) -> str:
    return str(value)[:64] if isinstance(value, str | int) else ""


def _parse(raw: bytes) -> Any:
    return json.loads(
        raw.decode("utf-8-sig"),
        parse_int=lambda digits: int(digits) if len(digits) <= LONGEST_INTEGER else None,
        parse_float=lambda digits: number if math.isfinite(number := float(digits)) else None,
        parse_constant=lambda _name: None,  # NaN and Infinity are not JSON, and whoever reads ours may say so
    )


def _is_deeper(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in inner)


def _dump(part: object) -> str:
    try:
        return json.dumps(part)
    except RecursionError:  # parsed with some stack to spare, written with less
        return "nested too deeply to be written"
