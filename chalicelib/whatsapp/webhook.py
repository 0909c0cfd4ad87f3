"""Checks the signature of what WhatsApp posts, and splits a body into single updates."""

import hashlib
import hmac
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from chalicelib.whatsapp.identities import Json, find_contact_entry, identify, make_group_id, parse_phone, sha256_hex

# WhatsApp's ids are ASCII without blanks. They become keys, so nothing else is accepted.
ID = re.compile(r"[\x21-\x7e]{1,512}", re.ASCII)
# A real update nests about ten levels. Much deeper ones could not be written as JSON again.
DEEPEST = 64
# Private chats and the address book of a business that also uses the phone app: nothing of them is kept or queued.
PRIVATE_FIELDS = ("history", "smb_app_state_sync")
# What somebody at the business wrote in the phone app.
ECHOES_FIELD = "smb_message_echoes"
# Longer integers would overflow later, and parsing them takes quadratic time. WhatsApp sends ids as strings anyway.
LONGEST_INTEGER = 24


@dataclass(frozen=True, kw_only=True)
class Update:
    """One message, one status, one echo or one notice, as it is put on the queue."""

    kind: str  # "message" | "status" | "echo" | "other"
    id: str  # the same in every delivery of this update; may contain personal data, see `deduplication_id`
    group: str  # a pseudonym of the person: updates of a group are handled one after another
    phone_number_id: str  # ours; "" for notices about the account
    value: Json  # the raw message, status or notice
    contact: Json = field(default_factory=dict)  # the person's entry of `contacts`, or {}
    field: str = "messages"
    time: str = ""  # of a notice: Meta's seconds since 1970, as sent

    @property
    def deduplication_id(self) -> str:
        """64 hex digits for SQS. Unlike `id` it has a fixed length and no phone number."""
        return sha256_hex([self.phone_number_id, self.kind, self.id])

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Update":
        """Read what `to_json` wrote. Raises ValueError for anything else."""
        try:
            return cls(**json.loads(text))
        except (TypeError, RecursionError) as error:
            raise ValueError(f"not an update: {type(error).__name__}") from None


@dataclass(frozen=True, kw_only=True)
class Unusable:
    """Signed, but not understood: it goes to the dead letters.

    `body` is what was posted, reduced to the part that can't be used. A later version that understands it can take it
    as if it had just come in.
    """

    reason: str
    body: str


@dataclass(frozen=True, kw_only=True)
class Split:
    """The parts of a body. `ignored` counts what is not for this bot: other numbers, groups, our own echo."""

    updates: tuple[Update, ...] = ()
    unusable: tuple[Unusable, ...] = ()
    ignored: int = 0


class _NotForUs(Exception):
    """Understood, but not for this bot."""


class _Incomprehensible(Exception):
    """Not understood. The text is the reason."""


def is_signed(raw: bytes, header: str | None, secrets: Sequence[str]) -> bool:
    """Tell whether `X-Hub-Signature-256` is `sha256=` and the lower-case hex HMAC of these very bytes.

    Any of the secrets may match, since two are valid while one replaces the other. An empty secret never matches.

    Source: https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads
    """
    signature = (header or "").encode("utf-8", "surrogatepass")
    matches = False
    for secret in filter(None, secrets):
        expected = b"sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest().encode()
        matches |= hmac.compare_digest(expected, signature)  # no early exit: timing must not tell which one matched
    return matches


def is_verify_token(token: str, expected: str) -> bool:
    """Tell, in constant time, whether a verify request has the expected token."""
    return bool(expected) and hmac.compare_digest(token.encode("utf-8", "surrogatepass"), expected.encode())


def split(raw: bytes, *, phone_number_id: str) -> Split:
    """Split a body into single updates. Never raises, whatever the bytes.

    An unusable update does not affect the others. A body that can't be read is one `Unusable`. An update that comes
    twice in a body is returned once.
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
    """The change that a piece of a body belongs to."""

    account: str
    time: str
    field: str
    value: Json

    @property
    def metadata(self) -> Json:
        metadata = self.value.get("metadata")
        return metadata if isinstance(metadata, dict) else {}


_Maker = Callable[[Any, _Change, str], Update]
_Piece = tuple[_Maker, Any, _Change, Callable[[], Json]]  # the last one returns a body with this piece alone


def _pieces(body: object) -> Iterator[_Piece]:
    """Yield each possible update and how to make it. Raises _Incomprehensible if it is not a body of WhatsApp's."""
    if not isinstance(body, dict) or body.get("object", "whatsapp_business_account") != "whatsapp_business_account":
        raise _Incomprehensible("not a WhatsApp body")
    if body.keys() == {"object"}:  # there is nothing in it
        return
    if not isinstance(body.get("entry"), list):
        raise _Incomprehensible("no entries")
    for entry in body["entry"]:
        nowhere = _Change(account="", time="", field="", value={})
        if isinstance(entry, dict) and entry.keys() <= {"id", "time"}:
            continue
        if not (isinstance(entry, dict) and isinstance(entry.get("changes"), list)):
            yield _make_refusal("no changes in an entry"), entry, nowhere, partial(_body, entry)
            continue
        for change in entry["changes"]:
            if isinstance(change, dict) and change.get("field") in PRIVATE_FIELDS:
                yield _ignore, None, nowhere, dict
                continue
            if isinstance(change, dict) and change.keys() <= {"field"}:
                continue
            if not (isinstance(change, dict) and isinstance(change.get("value"), dict)):
                yield (
                    _make_refusal("no value in a change"),
                    change,
                    nowhere,
                    partial(_body, {**entry, "changes": [change]}),
                )
                continue
            name = change.get("field")
            source = _Change(
                account=_short(entry.get("id")),
                time=_short(entry.get("time")),
                field=name if isinstance(name, str) else "",
                value=change["value"],
            )
            yield from _split_change(source, partial(_with_value, entry, change))


def _body(entry: Any) -> Json:
    return {"object": "whatsapp_business_account", "entry": [entry]}


def _with_value(entry: Json, change: Json, value: Json) -> Json:
    """Return the body with only this value of the change in it."""
    return _body({**entry, "changes": [{**change, "value": value}]})


def _split_change(change: _Change, enclosing: Callable[[Json], Json]) -> Iterator[_Piece]:
    """Yield the pieces of a change. `enclosing` makes a body from one value of it."""
    value = change.value
    if change.field == ECHOES_FIELD:
        echoes = value.get("message_echoes")
        for echo in echoes if isinstance(echoes, list) else ():
            yield _make_echo, echo, change, dict  # what was written is in no dead letter either
        return
    if change.field != "messages" or not value.keys() & {"messages", "statuses"}:
        yield _make_other, value, change, partial(enclosing, value)
        return
    rest = {name: part for name, part in value.items() if name not in ("messages", "statuses", "errors")}
    for key, make in (("messages", _make_message), ("statuses", _make_status)):
        parts = value.get(key, [])
        if not isinstance(parts, list):
            yield _make_refusal(f"{key} is not a list"), parts, change, partial(enclosing, {**rest, key: parts})
            continue
        for part in parts:
            yield make, part, change, partial(enclosing, {**rest, key: [part]})
    if "errors" in value:
        errors = {"errors": value["errors"], "metadata": value.get("metadata")}
        yield _make_other, errors, change, partial(enclosing, errors)


def _make_message(part: Any, change: _Change, ours: str) -> Update:
    _check_number(change, ours)
    if not isinstance(part, dict):
        raise _Incomprehensible("a message is not an object")
    if "group_id" in part:
        raise _NotForUs
    identifier = _id(part.get("id"), "a message without id")
    contact = find_contact_entry(change.value.get("contacts"), part.get("from_user_id"), part.get("from"))
    sender = identify(part.get("from_user_id"), part.get("from"), contact)
    if sender is None:
        raise _Incomprehensible("a message without sender")
    if sender.phone and sender.phone == parse_phone(change.metadata.get("display_phone_number")):
        raise _NotForUs
    return Update(
        kind="message", id=identifier, group=make_group_id(sender), phone_number_id=ours, value=part, contact=contact
    )


def _make_status(part: Any, change: _Change, ours: str) -> Update:
    _check_number(change, ours)
    if not isinstance(part, dict):
        raise _Incomprehensible("a status is not an object")
    if part.get("recipient_type") == "group":
        raise _NotForUs
    identifier = _id(part.get("id"), "a status without id")
    state = _id(part.get("status"), "a status without state")
    user_id = part.get("recipient_user_id")
    phone = part.get("recipient_id")
    contact = find_contact_entry(change.value.get("contacts"), user_id, phone)
    recipient = identify(user_id, phone, contact)
    return Update(
        kind="status",
        # From the status alone, since the same status may come again in a body without `contacts`.
        id=f"{identifier}:{state}:{parse_phone(phone) or user_id or ''}",
        group=make_group_id(recipient) if recipient else sha256_hex([identifier])[:32],
        phone_number_id=ours,
        value=part,
        contact=contact,
    )


def _make_echo(part: Any, change: _Change, ours: str) -> Update:
    """Make an update of what the business wrote to a person in the phone app: to whom and when, but not what."""
    if not isinstance(part, dict):
        raise _NotForUs
    contact = find_contact_entry(change.value.get("contacts"), part.get("to_user_id"), part.get("to"))
    recipient = identify(part.get("to_user_id"), part.get("to"), contact)
    if change.metadata.get("phone_number_id") != ours or recipient is None:  # a group is no person
        raise _NotForUs
    written_at = _short(part.get("timestamp"))
    return Update(
        kind="echo",
        id=sha256_hex([str(part.get("id")), written_at]),
        group=make_group_id(recipient),
        phone_number_id=ours,
        value={"to": recipient.phone, "to_user_id": recipient.user_id, "timestamp": written_at},
        field=ECHOES_FIELD,
    )


def _ignore(_part: Any, _change: _Change, _ours: str) -> Update:
    raise _NotForUs


def _make_other(part: Any, change: _Change, ours: str) -> Update:
    """Make an update of any other notice. Only one that names another number is not for us: many name none."""
    number = change.metadata.get("phone_number_id")
    if number is not None and number != ours:
        raise _NotForUs
    content = json.dumps(part, sort_keys=True)
    return Update(
        kind="other",
        # Account, time and field count, too: the same downgrade may happen twice.
        id=sha256_hex([change.account, change.time, change.field, content]),
        group=re.sub(r"[^A-Za-z0-9_-]", "_", change.field)[:64] or "unnamed",
        phone_number_id=ours if number else "",
        value=part,
        field=change.field,
        time=change.time,
    )


def _make_refusal(reason: str) -> _Maker:
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
    """Read JSON. A field that is null counts as absent, so it is left out. Raises ValueError, RecursionError."""
    return json.loads(
        raw.decode("utf-8-sig"),
        parse_int=lambda digits: int(digits) if len(digits) <= LONGEST_INTEGER else None,
        parse_float=lambda digits: number if math.isfinite(number := float(digits)) else None,
        parse_constant=lambda _name: None,  # NaN and Infinity are not JSON, and other parsers reject them
        object_hook=lambda fields: {name: value for name, value in fields.items() if value is not None},
    )


def _is_deeper(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in inner)


def _dump(part: object) -> str:
    try:
        return json.dumps(part)
    except RecursionError:  # less stack is left than when it was parsed
        return "nested too deeply to be written"
