"""API tokens in the table. Of each key only a hash is stored, under an id from which the key can't be derived."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from typing import Any, NamedTuple

from chalicelib.domain.organisers import Role, Token
from chalicelib.domain.refusals import TokenNotFound
from chalicelib.store.pages import Page, page_of
from chalicelib.store.records import Record, TokenRecord, stamp, update_if
from chalicelib.store.transaction import Transaction

ALL = "TOKENS"
TOKEN = "token"  # noqa: S105 - the name of the condition on a token's item


class Lock(NamedTuple):
    """What a key is checked against: its hash, and the salt it was hashed with."""

    salt: bytes
    hash: bytes


def add(transaction: Transaction, token: Token, lock: Lock) -> None:
    """Store a new token. Committing raises ConditionsFailed if it exists already."""
    values = {**vars(token), "role": token.role.value, **lock._asdict()}
    at = stamp(token.created_at, token.id)
    record = TokenRecord(*_key(token.id), time_key=ALL, time_at=at, **values)
    transaction.put(record, name=TOKEN, only_if=TokenRecord.pk.does_not_exist())


def get(token_id: str) -> tuple[Token, Lock]:
    """Return a token and its lock. One request. Raises TokenNotFound."""
    try:
        record = TokenRecord.get(*_key(token_id), consistent_read=True)
    except TokenRecord.DoesNotExist:
        raise TokenNotFound(token_id) from None
    return _as_token(record), Lock(record.salt, record.hash)


def listed(*, limit: int, after: str | None = None, backwards: bool = False) -> Page[Token]:
    """Return one page of tokens, newest first, including revoked ones. One query."""
    return page_of(Record.by_time, ALL, _all_of, limit=limit, after=after, backwards=backwards)


def revoke(transaction: Transaction, token_id: str, now: datetime) -> None:
    """Revoke a token. Committing raises ConditionsFailed if it is unknown or already revoked."""
    is_valid = TokenRecord.pk.exists() & TokenRecord.revoked_at.does_not_exist()
    transaction.update(TokenRecord(*_key(token_id)), [TokenRecord.revoked_at.set(now)], name=TOKEN, only_if=is_valid)


def record_use(token_id: str, now: datetime) -> None:
    """Record when a token was last used. Do nothing if it does not exist. One request."""
    update_if(TokenRecord(*_key(token_id)), [TokenRecord.last_used_at.set(now)], TokenRecord.pk.exists())


def _key(token_id: str) -> tuple[str, str]:
    return f"TOKEN#{token_id}", "TOKEN"


def _all_of(records: Iterable[Record]) -> list[Token]:
    return [_as_token(record) for record in records if isinstance(record, TokenRecord)]


def _as_token(record: TokenRecord) -> Token:
    values: dict[str, Any] = {field.name: getattr(record, field.name) for field in fields(Token)}
    return Token(**{**values, "role": Role(record.role)})
