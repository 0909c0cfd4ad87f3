"""The audit log (O2): what organisers did, each entry sealed together with the one before it.

There are several chains, so that organisers who work at the same time rarely get in each other's way. Everything that
was done to one target is in the same chain.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import sha256
from json import dumps
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


def flaws(entries: Iterable[AuditEntry], head: Head) -> Iterator[str]:
    """Yield what is wrong with a chain: entries that are missing, were changed, or were inserted later.

    Args:
        entries: the chain's entries in order.
        head: the head that is stored for the chain.
    """
    last = Head()
    for entry in entries:
        if entry.number != last.number + 1:
            yield f"entries {last.number + 1} to {entry.number - 1} are missing"
        elif entry.previous != last.seal:
            yield f"entry {entry.number} does not follow from the one before it"
        if entry.compute_seal() != entry.seal:
            yield f"entry {entry.number} was changed"
        last = Head(entry.number, entry.seal)
    if last != head:
        yield f"the chain ends with entry {last.number}, and should end with entry {head.number}"
