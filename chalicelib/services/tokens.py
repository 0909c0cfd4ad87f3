"""API tokens (O1): create, check and revoke them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b, sha256
from hmac import compare_digest
from secrets import token_bytes, token_urlsafe
from typing import NamedTuple

from chalicelib.domain.organisers import Actor, Role, Token, is_reserved, same_name
from chalicelib.domain.refusals import (
    LastManager,
    Refusal,
    TokenKnown,
    TokenNameTaken,
    TokenNotFound,
    TokenShownBefore,
)
from chalicelib.domain.token_keys import KeyForm, form_of, with_check_part
from chalicelib.store import audit, idempotency, tokens
from chalicelib.store.idempotency import IdempotencyKey
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry
from chalicelib.telemetry import count, logger

SCHEMES = ("token", "bearer")
MAX_KEY_LENGTH = 200
USE_RECORDED_EVERY = timedelta(minutes=10)
# A key without a check part may be one of before there were any, or garbage. So a process knows the ids of all tokens,
# and reads them again for an id that is not among them, but no more often than this: a key that somebody has just
# chosen opens the API that much later, and a flood of garbage costs one query in that time.
IDS_READ_EVERY = timedelta(seconds=10)


class NewToken(NamedTuple):
    token: Token
    key: str  # never shown again


@dataclass(kw_only=True)
class Tokens:
    """The use cases of tokens. `by` is the organiser who acts."""

    clock: Callable[[], datetime]
    _ids: frozenset[str] = frozenset()
    _ids_read_at: datetime | None = None

    def admit(self, header: str) -> Actor | None:
        """Return the owner of the token in an Authorization header, or None if it is unknown, revoked or expired.

        Garbage costs no look-up, so there is no limit on wrong tokens that could keep out a right one. Raises Busy if
        the store does not answer.
        """
        scheme, _, key = header.strip().partition(" ")
        key = key.strip()
        now = self.clock()
        token = None
        if scheme.lower() in SCHEMES and 1 <= len(key) <= MAX_KEY_LENGTH and self._may_exist(key, now):
            token = self._find(key)
        if token is None or not token.is_valid(now):
            count("TokensRefused")
            return None
        if token.last_used_at is None or now - token.last_used_at >= USE_RECORDED_EVERY:
            self._record_use(token, now)
        return Actor(token.name, token.role, token.id)

    def _may_exist(self, key: str, now: datetime) -> bool:
        """Return whether a key is worth looking up. At most one query in ten seconds."""
        form = form_of(key)
        if form is not KeyForm.UNCHECKED:
            return form is KeyForm.CHECKED
        token_id = id_of(key)
        if token_id in self._ids:
            return True
        if self._ids_read_at is None or now - self._ids_read_at >= IDS_READ_EVERY:
            self._ids = tokens.all_ids()
            self._ids_read_at = now
        return token_id in self._ids

    def _find(self, key: str) -> Token | None:
        try:
            token, lock = tokens.get(id_of(key))
        except TokenNotFound:
            return None
        return token if opens(key, lock) else None

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

        Raises TokenKnown, TokenNameTaken, TokenShownBefore, KeyUsedOtherwise, TryAgain.

        Args:
            key: a key of the caller's choice, for development. By default it is random.
        """
        new_key = key or with_check_part(token_urlsafe(32))

        def attempt() -> NewToken:
            now = self.clock()
            earlier_id = idempotency.find_result(idempotency_key, by)
            if earlier_id == id_of(new_key):  # created by an earlier attempt that got no answer
                return NewToken(tokens.get(earlier_id)[0], new_key)
            if earlier_id is not None:
                raise TokenShownBefore(earlier_id)
            self.check_name(name, id_of(new_key))
            token = Token(
                id=id_of(new_key), name=name, role=role, created_at=now, created_by=by.name, expires_at=expires_at
            )
            transaction = Transaction()
            add_token(transaction, token, new_key, by=by)
            idempotency.record_result(transaction, idempotency_key, by, token.id, now)
            try:
                transaction.commit()
            except ConditionsFailed as failure:
                if not failure.named(tokens.TOKEN):
                    if failure.named(tokens.NAME):
                        raise TokenNameTaken(name) from None
                    raise
                # A random key that exists already was stored by an earlier attempt that got no answer.
                if key is not None:
                    raise TokenKnown from None
            self.forget_ids()
            logger.info("token made", extra={"token_id": token.id, "role": role.value})
            return NewToken(token, new_key)

        return retry(attempt, again_on=(Busy, ConditionsFailed))

    def forget_ids(self) -> None:
        """Read the ids of all tokens again before the next key without a check part is refused."""
        self._ids_read_at = None

    def check_name(self, name: str, token_id: str) -> None:
        """Refuse a name that is reserved, or that another token has or had. Raises TokenNameTaken.

        This is for the tokens of before names were stored. For the others, the condition of `tokens.add` decides.
        """
        known = tokens.all_tokens()
        if any(token.id == token_id for token in known):
            return  # nothing is created: an earlier attempt did, or a set-up script that is run again
        wanted = same_name(name)
        if is_reserved(name) or any(same_name(token.name) == wanted for token in known):
            raise TokenNameTaken(name)

    def revoke(self, token_id: str, *, by: Actor) -> Token:
        """Revoke a token. It stops working at once, or within a minute if API Gateway has cached it.

        Repeating the request has no further effect. Raises TokenNotFound, LastManager, TryAgain.
        """

        def attempt() -> Token:
            token, _ = tokens.get(token_id)
            if token.revoked_at is None:
                now = self.clock()
                transaction = Transaction()
                if token.role is Role.MANAGER and token.is_valid(now):
                    tokens.require_unrevoked(transaction, self._other_manager(token, by, now))
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

    def _other_manager(self, token: Token, by: Actor, now: datetime) -> str:
        """Return the id of a valid manager's token besides this one: that of whoever acts, if it is one.

        Raises LastManager.
        """
        if by.token_id and self._is_other_manager(by.token_id, token, now):
            return by.token_id
        for other in tokens.all_tokens():
            if other.role is Role.MANAGER and other.is_valid(now) and self._is_other_manager(other.id, token, now):
                return other.id
        raise LastManager

    def _is_other_manager(self, other_id: str, token: Token, now: datetime) -> bool:
        if other_id == token.id:
            return False
        try:
            other, _ = tokens.get(other_id)
        except TokenNotFound:
            return False
        return other.role is Role.MANAGER and other.is_valid(now)


def add_token(transaction: Transaction, token: Token, key: str, *, by: Actor, **facts: str) -> None:
    """Store a token, of its key only a hash, and its audit entry with these further facts. One request."""
    tokens.add(transaction, token, lock_for(key))
    expires_at = token.expires_at and token.expires_at.isoformat()
    after = {"name": token.name, "role": token.role.value, "expires_at": expires_at, **facts}
    audit.record(
        transaction,
        action="token.created",
        target=_audit_target(token.id),
        by=by,
        at=token.created_at,
        before={},
        after=after,
    )


def lock_for(key: str) -> tokens.Lock:
    """Return what a key is checked against, with a new salt."""
    salt = token_bytes(16)
    return tokens.Lock(salt, _hash(key, salt))


def opens(key: str, lock: tokens.Lock) -> bool:
    """Return whether it is the key of this lock."""
    return compare_digest(_hash(key, lock.salt), lock.hash)


def id_of(key: str) -> str:
    """Return a token's id: 64 bits of its key's hash, from which the key can't be derived."""
    return sha256(key.encode(errors="replace")).hexdigest()[:16]


def _hash(key: str, salt: bytes) -> bytes:
    return blake2b(key.encode(errors="replace"), key=salt, person=b"tombola token").digest()


def _audit_target(token_id: str) -> str:
    return f"token:{token_id}"
