"""The audit log (O2): what organisers did, each entry sealed with the one before it.

It is kept as several chains, so that organisers who work at the same time rarely wait for each other. All that was done
to one thing is in one chain.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from json import dumps
from typing import Any, NamedTuple
from zlib import crc32

from chalicelib.domain.organisers import Actor, Role

Facts = dict[str, Any]  # what JSON can hold; never anything of a person


CHAINS = 16


class Head(NamedTuple):
    """The newest entry of a chain: its number and seal; number 0 while there is none."""

    number: int = 0
    seal: str = ""


def chain_of(target: str) -> int:
    """The chain that holds what was done to the target."""
    return crc32(target.encode()) % CHAINS


@dataclass(frozen=True, kw_only=True)
class AuditEvent:
    """One change. `action` is what was done, as "order.cancelled"; `target` what it was done to, as "order:8WGRRPW3".

    `before` and `after` hold what changed, and no more.
    """

    action: str
    target: str
    by: Actor
    at: datetime
    before: Facts
    after: Facts


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """A deed in its place. `seal` is the SHA-256, in hex, of all else in the entry; `previous` the seal before."""

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

    def sealed(self) -> str:
        """What the seal must be."""
        facts = asdict(self) | {"at": self.at.isoformat()}
        facts.pop("seal")
        return sha256(dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def following(head: Head, deed: AuditEvent) -> AuditEntry:
    """The entry for the deed, after the newest one of its chain."""
    by = deed.by
    blank = AuditEntry(
        chain=chain_of(deed.target),
        number=head.number + 1,
        action=deed.action,
        target=deed.target,
        name=by.name,
        role=by.role,
        token_id=by.token_id,
        at=deed.at,
        before=deed.before,
        after=deed.after,
        previous=head.seal,
    )
    return AuditEntry(**{**vars(blank), "seal": blank.sealed()})


def flaws(entries: Iterable[AuditEntry], head: Head) -> Iterator[str]:
    """What is wrong with a chain, whose entries come in order: missing, changed, or put in since."""
    last = Head()
    for entry in entries:
        if entry.number != last.number + 1:
            yield f"entries {last.number + 1} to {entry.number - 1} are missing"
        elif entry.previous != last.seal:
            yield f"entry {entry.number} does not follow from the one before it"
        if entry.sealed() != entry.seal:
            yield f"entry {entry.number} was changed"
        last = Head(entry.number, entry.seal)
    if last != head:
        yield f"the chain ends with entry {last.number}, and should end with entry {head.number}"
