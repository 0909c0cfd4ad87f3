"""API tokens (O1): create, check and revoke them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b, sha256
from hmac import compare_digest
from secrets import token_bytes, token_urlsafe
from typing import NamedTuple

from chalicelib.domain.organisers import Actor, Role, Token
from chalicelib.domain.rate_limit import RateLimit
from chalicelib.domain.refusals import Refusal, TokenKnown, TokenNotFound, TokenShownBefore
from chalicelib.store import audit, idempotency, tokens
from chalicelib.store.idempotency import IdempotencyKey
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry
from chalicelib.telemetry import alert, count, logger

SCHEMES = ("token", "bearer")
LONGEST_KEY = 200
USE_RECORDED_EVERY = timedelta(minutes=10)
# How many wrong keys a process may receive: a hundred at once, then one every three seconds. After more, it looks up
# only keys that it has accepted before, and answers "try again" to others. So guessing stays slow, and a correct key
# is never called wrong.
FAILURES = RateLimit(interval=timedelta(seconds=3), burst=100)
MAX_REMEMBERED = 1000


class NewToken(NamedTuple):
    token: Token
    key: str  # never shown again


@dataclass(kw_only=True)
class Tokens:
    """The use cases of tokens. `by` is the organiser who acts."""

    clock: Callable[[], datetime]
    _failures_until: datetime | None = None
    _accepted_before: dict[str, None] = field(default_factory=dict)  # ids, the last used one at the end

    def admit(self, header: str) -> Actor | None:
        """Return the owner of the token in an Authorization header, or None if it is unknown, revoked or expired.

        Raises Busy if the token was not looked up.
        """
        scheme, _, key = header.strip().partition(" ")
        key = key.strip()
        now = self.clock()
        if scheme.lower() not in SCHEMES or not 1 <= len(key) <= LONGEST_KEY:
            return None
        token_id = id_of(key)
        if token_id not in self._accepted_before and self._too_many_failures(now):
            count("TokensNotLookedAt")
            raise Busy("many tokens are refused")
        token = self._find(token_id, key)
        if token is None or not token.is_valid(now):
            self._record_failure(now)
            return None
        self._remember(token_id)
        if token.last_used_at is None or now - token.last_used_at >= USE_RECORDED_EVERY:
            self._record_use(token, now)
        return Actor(token.name, token.role, token.id)

    def _find(self, token_id: str, key: str) -> Token | None:
        try:
            token, lock = tokens.get(token_id)
        except TokenNotFound:
            return None
        return token if compare_digest(_hash(key, lock.salt), lock.hash) else None

    def _remember(self, token_id: str) -> None:
        self._accepted_before.pop(token_id, None)
        self._accepted_before[token_id] = None
        if len(self._accepted_before) > MAX_REMEMBERED:
            del self._accepted_before[next(iter(self._accepted_before))]

    def _too_many_failures(self, now: datetime) -> bool:
        return self._failures_until is not None and FAILURES.earliest(self._failures_until) > now

    def _record_failure(self, now: datetime) -> None:
        count("TokensRefused")
        self._failures_until = FAILURES.reserve(self._failures_until, now, 1)
        if self._too_many_failures(now):
            alert("many tokens are refused")

    def _record_use(self, token: Token, now: datetime) -> None:
        try:
            tokens.record_use(token.id, now)
        except (Refusal, Busy):  # nobody is refused because of that
            logger.warning("the use of a token could not be noted", extra={"token_id": token.id})

    def create(
        self,
        name: str,
        role: Role,
        *,
        by: Actor,
        key: str | None = None,
        expires_at: datetime | None = None,
        idempotency_key: IdempotencyKey | None = None,
    ) -> NewToken:
        """Create a token. Return it with its key, which can't be read again later.

        Raises TokenKnown, TokenShownBefore, KeyUsedOtherwise, TryAgain.

        Args:
            key: a key of the caller's choice, for development. By default it is random.
        """
        new_key = key or token_urlsafe(32)

        def attempt() -> NewToken:
            now = self.clock()
            earlier_id = idempotency.find_result(idempotency_key, by)
            if earlier_id == id_of(new_key):  # created by an earlier attempt that got no answer
                return NewToken(tokens.get(earlier_id)[0], new_key)
            if earlier_id is not None:
                raise TokenShownBefore(earlier_id)
            token = Token(
                id=id_of(new_key), name=name, role=role, created_at=now, created_by=by.name, expires_at=expires_at
            )
            salt = token_bytes(16)
            after = {"name": name, "role": role.value, "expires_at": expires_at and expires_at.isoformat()}
            transaction = Transaction()
            tokens.add(transaction, token, tokens.Lock(salt, _hash(new_key, salt)))
            idempotency.record_result(transaction, idempotency_key, by, token.id, now)
            target = _audit_target(token.id)
            audit.record(transaction, action="token.created", target=target, by=by, at=now, before={}, after=after)
            try:
                transaction.commit()
            except ConditionsFailed as failure:
                if not failure.named(tokens.TOKEN):
                    raise
                # A random key that exists already was stored by an earlier attempt that got no answer.
                if key is not None:
                    raise TokenKnown from None
            logger.info("token made", extra={"token_id": token.id, "role": role.value})
            return NewToken(token, new_key)

        return retry(attempt, again_on=(Busy, ConditionsFailed))

    def revoke(self, token_id: str, *, by: Actor) -> Token:
        """Revoke a token. It stops working at once, or within a minute if API Gateway has cached it.

        Repeating the request has no further effect. Raises TokenNotFound, TryAgain.
        """

        def attempt() -> Token:
            token, _ = tokens.get(token_id)
            if token.revoked_at is None:
                now = self.clock()
                transaction = Transaction()
                tokens.revoke(transaction, token_id, now)
                audit.record(
                    transaction,
                    action="token.revoked",
                    target=_audit_target(token_id),
                    by=by,
                    at=now,
                    before={"revoked": False},
                    after={"revoked": True},
                )
                transaction.commit()
                logger.info("token revoked", extra={"token_id": token_id})
                return tokens.get(token_id)[0]
            return token

        return retry(attempt, again_on=(Busy, ConditionsFailed))


def id_of(key: str) -> str:
    """Return a token's id: 64 bits of its key's hash, from which the key can't be derived."""
    return sha256(key.encode(errors="replace")).hexdigest()[:16]


def _hash(key: str, salt: bytes) -> bytes:
    return blake2b(key.encode(errors="replace"), key=salt, person=b"tombola token").digest()


def _audit_target(token_id: str) -> str:
    return f"token:{token_id}"
