"""Who may come in: tokens are made, checked and revoked here (O1)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b, sha256
from hmac import compare_digest
from secrets import token_bytes, token_urlsafe
from typing import NamedTuple

from chalicelib.domain.audit import AuditEvent, Facts
from chalicelib.domain.organisers import Actor, Role, Token
from chalicelib.domain.rate_limit import Pace
from chalicelib.domain.refusals import Refusal, TokenKnown, TokenNotFound, TokenShownBefore
from chalicelib.store import audit, idempotency, tokens
from chalicelib.store.idempotency import Once
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry
from chalicelib.telemetry import alert, count, logger

SCHEMES = ("token", "bearer")
LONGEST_KEY = 200
USE_NOTED = timedelta(minutes=10)  # so often at most is it written down when a token was used last
# Keys that are refused: a hundred at once, then one every three seconds. A process that has had more looks up, for a
# while, no key that it has not taken before, and says "try again": whoever guesses must not make a right one wrong.
FAILURES = Pace(interval=timedelta(seconds=3), burst=100)
MOST_REMEMBERED = 1000


class NewToken(NamedTuple):
    token: Token
    key: str  # shown this once


@dataclass(kw_only=True)
class Tokens:
    """The use cases around tokens."""

    clock: Callable[[], datetime]
    _failures_until: datetime | None = None
    _taken_before: dict[str, None] = field(default_factory=dict)  # ids, the one that was used last at the end

    def admit(self, header: str) -> Actor | None:
        """Whom an Authorization header's token belongs to. None where it is none of ours, revoked or expired.

        Raises Busy where that was not looked up.
        """
        scheme, _, key = header.strip().partition(" ")
        key, now = key.strip(), self.clock()
        if scheme.lower() not in SCHEMES or not 1 <= len(key) <= LONGEST_KEY:
            return None
        token_id = id_of(key)
        if token_id not in self._taken_before and self._too_many_failures(now):
            count("TokensNotLookedAt")
            raise Busy("many tokens are refused")
        token = self._opened(token_id, key)
        if token is None or not token.is_valid(now):
            self._note_failure(now)
            return None
        self._remember(token_id)
        if token.last_used_at is None or now - token.last_used_at >= USE_NOTED:
            self._note_use(token, now)
        return Actor(token.name, token.role, token.id)

    def _opened(self, token_id: str, key: str) -> Token | None:
        try:
            token, lock = tokens.get(token_id)
        except TokenNotFound:
            return None
        return token if compare_digest(_hash(key, lock.salt), lock.hash) else None

    def _remember(self, token_id: str) -> None:
        self._taken_before.pop(token_id, None)
        self._taken_before[token_id] = None
        if len(self._taken_before) > MOST_REMEMBERED:
            del self._taken_before[next(iter(self._taken_before))]

    def _too_many_failures(self, now: datetime) -> bool:
        return self._failures_until is not None and FAILURES.earliest(self._failures_until) > now

    def _note_failure(self, now: datetime) -> None:
        count("TokensRefused")
        self._failures_until = FAILURES.book(self._failures_until, now, 1)
        if self._too_many_failures(now):
            alert("many tokens are refused")

    def _note_use(self, token: Token, now: datetime) -> None:
        try:
            tokens.record_use(token.id, now)
        except (Refusal, Busy):  # nobody is kept out for that
            logger.warning("the use of a token could not be noted", extra={"token_id": token.id})

    def create(
        self,
        name: str,
        role: Role,
        *,
        by: Actor,
        key: str | None = None,
        expires_at: datetime | None = None,
        asked: Once | None = None,
    ) -> NewToken:
        """A new token, whose key is returned this once.

        Raises TokenKnown, TokenShownBefore, KeyUsedOtherwise, TryAgain.

        Args:
            key: one of the caller's choice, for development.
        """
        chosen = key or token_urlsafe(32)

        def attempt() -> NewToken:
            now = self.clock()
            before = idempotency.made(asked, by)
            if before == id_of(chosen):  # by a try of ours whose answer did not come
                return NewToken(tokens.get(before)[0], chosen)
            if before is not None:
                raise TokenShownBefore(before)
            token = Token(
                id=id_of(chosen), name=name, role=role, created_at=now, created_by=by.name, expires_at=expires_at
            )
            salt = token_bytes(16)
            after = {"name": name, "role": role.value, "expires_at": expires_at and expires_at.isoformat()}
            transaction = Transaction()
            tokens.add(transaction, token, tokens.Lock(salt, _hash(chosen, salt)))
            idempotency.remember(transaction, asked, by, token.id, now)
            _note(transaction, "token.created", token.id, by, now, {}, after)
            try:
                transaction.commit()
            except ConditionsFailed as failure:
                if not failure.named(tokens.TOKEN):
                    raise
                # One of our own making that is known already was stored by a try of ours whose answer did not come.
                if key is not None:
                    raise TokenKnown from None
            logger.info("token made", extra={"token_id": token.id, "role": role.value})
            return NewToken(token, chosen)

        return retry(attempt, again_on=(Busy, ConditionsFailed))

    def revoke(self, token_id: str, *, by: Actor) -> Token:
        """From now on it opens nothing; within a minute where API Gateway remembers it. Idempotent.

        Raises TokenNotFound, TryAgain.
        """

        def attempt() -> Token:
            token, _ = tokens.get(token_id)
            if token.revoked_at is None:
                now, transaction = self.clock(), Transaction()
                tokens.revoke(transaction, token_id, now)
                _note(transaction, "token.revoked", token_id, by, now, {"revoked": False}, {"revoked": True})
                transaction.commit()
                logger.info("token revoked", extra={"token_id": token_id})
                return tokens.get(token_id)[0]
            return token

        return retry(attempt, again_on=(Busy, ConditionsFailed))


def id_of(key: str) -> str:
    """A token's id: 64 bits of its key's hash, enough to find it by and of no use without the other 192."""
    return sha256(key.encode(errors="replace")).hexdigest()[:16]


def _hash(key: str, salt: bytes) -> bytes:
    return blake2b(key.encode(errors="replace"), key=salt, person=b"tombola token").digest()


def _note(
    transaction: Transaction,
    action: str,
    token_id: str,
    by: Actor,
    now: datetime,
    before: Facts,
    after: Facts,
) -> None:
    target = f"token:{token_id}"
    deed = AuditEvent(action=action, target=target, by=by, at=now, before=before, after=after)
    audit.append(transaction, audit.head(target), deed)
