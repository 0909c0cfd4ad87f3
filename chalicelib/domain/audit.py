"""The audit log (O2): what organisers did, each entry sealed together with the one before it.

There are several chains, so that organisers who work at the same time rarely get in each other's way. Everything that
was done to one target is in the same chain.
"""

import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import sha256
from json import dumps
from types import MappingProxyType
from typing import Any, NamedTuple
from zlib import crc32

from chalicelib.domain.organisers import Actor, Role

Facts = dict[str, Any]  # JSON values; never personal data

CHAINS = 16


class Head(NamedTuple):
    """The number and seal of a chain's newest entry. The number is 0 while the chain is empty."""

    number: int = 0
    seal: str = ""


def chain_of(target: str) -> int:
    """Return the number of the chain that holds the target's entries."""
    return crc32(target.encode()) % CHAINS


@dataclass(frozen=True, kw_only=True)
class AuditEvent:
    """One action of an organiser, such as `action` "order.cancelled" on `target` "order:8WGRRPW3".

    `before` and `after` hold only what changed.
    """

    action: str
    target: str
    by: Actor
    at: datetime
    before: Facts
    after: Facts


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """An event at its place in a chain.

    `seal` is the SHA-256, in hex, of everything else in the entry. `previous` is the seal of the entry before.
    """

    chain: int
    number: int
    action: str
    target: str
    name: str
    role: Role
    token_id: str | None
    at: datetime
    before: Facts
    after: Facts
    previous: str
    seal: str = ""

    def compute_seal(self) -> str:
        """Return the seal that the entry must have."""
        facts = asdict(self) | {"at": self.at.isoformat()}
        facts.pop("seal")
        return sha256(dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class KeptHeads:
    """The heads of all chains at one moment, by number of the chain, as they are kept outside of the table.

    `signature` is the HMAC-SHA-256, in hex, of everything else.
    """

    at: datetime
    heads: tuple[Head, ...]
    signature: str = ""

    def signed(self, key: bytes) -> "KeptHeads":
        return replace(self, signature=self._sign(key))

    def is_signed(self, key: bytes) -> bool:
        return hmac.compare_digest(self.signature.encode(), self._sign(key).encode())

    def as_json(self) -> dict[str, Any]:
        heads = [[head.number, head.seal] for head in self.heads]
        return {"at": self.at.isoformat(), "heads": heads, "signature": self.signature}

    @classmethod
    def from_json(cls, stored: Any) -> "KeptHeads":
        """Read what `as_json` wrote. Raises ValueError for anything else."""
        try:
            heads = tuple(Head(int(number), str(seal)) for number, seal in stored["heads"])
            return cls(at=datetime.fromisoformat(stored["at"]), heads=heads, signature=str(stored["signature"]))
        except (KeyError, TypeError, ValueError):
            raise ValueError("not heads of the audit log") from None

    def _sign(self, key: bytes) -> str:
        content = {name: value for name, value in self.as_json().items() if name != "signature"}
        return hmac.new(key, dumps(content, sort_keys=True, separators=(",", ":")).encode(), "sha256").hexdigest()


def next_entry(head: Head, event: AuditEvent) -> AuditEntry:
    """Build the entry for the event, to follow `head` in its chain."""
    by = event.by
    unsealed = AuditEntry(
        chain=chain_of(event.target),
        number=head.number + 1,
        action=event.action,
        target=event.target,
        name=by.name,
        role=by.role,
        token_id=by.token_id,
        at=event.at,
        before=event.before,
        after=event.after,
        previous=head.seal,
    )
    return replace(unsealed, seal=unsealed.compute_seal())


def flaws(
    entries: Iterable[AuditEntry], head: Head, kept: Mapping[Head, datetime] = MappingProxyType({})
) -> Iterator[str]:
    """Yield what is wrong with a chain: entries that are missing, were changed, or were inserted later.

    Args:
        entries: the chain's entries in order.
        head: the head that is stored for the chain.
        kept: heads of the chain that were kept elsewhere, and when.
    """
    last = Head()
    left = dict(kept)
    left.pop(last, None)  # the chain was empty then
    for entry in entries:
        left.pop(Head(entry.number, entry.seal), None)
        if entry.number != last.number + 1:
            yield f"entries {last.number + 1} to {entry.number - 1} are missing"
        elif entry.previous != last.seal:
            yield f"entry {entry.number} does not follow from the one before it"
        if entry.compute_seal() != entry.seal:
            yield f"entry {entry.number} was changed"
        last = Head(entry.number, entry.seal)
    if last != head:
        yield f"the chain ends with entry {last.number}, and should end with entry {head.number}"
    for number, at in sorted((missing.number, at) for missing, at in left.items()):
        yield f"entry {number} is not the one that was there at {at:%Y-%m-%d %H:%M} UTC"
