"""API tokens in the table. Of each key only a hash is stored, under an id from which the key can't be derived."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from chalicelib.domain.organisers import Role, Token, same_name
from chalicelib.domain.refusals import TokenNotFound
from chalicelib.store.pages import Page, page_of
from chalicelib.store.records import Record, TokenNameRecord, TokenRecord, low_level, stamp, update_if
from chalicelib.store.transaction import Transaction

ALL = "TOKENS"
# Names of conditions:
TOKEN = "token"  # noqa: S105 - that on a token's item
NAME = "token name"
OTHER = "another token"


class Lock(NamedTuple):
    """What a key is checked against: its hash, and the salt it was hashed with."""

    salt: bytes
    hash: bytes


def add(transaction: Transaction, token: Token, lock: Lock) -> None:
    """Store a new token and its name.

    Committing raises ConditionsFailed if the token exists already, or if another one has, or had, its name. Tokens of
    before names were stored are not among those: look for them with `all_tokens`.
    """
    values = {**vars(token), "role": token.role.value, **lock._asdict()}
    at = stamp(token.created_at, token.id)
    record = TokenRecord(*_key(token.id), time_key=ALL, time_at=at, **values)
    transaction.put(record, name=TOKEN, only_if=TokenRecord.pk.does_not_exist())
    named = TokenNameRecord(*_name_key(token.name), token_id=token.id)
    transaction.put(named, name=NAME, only_if=TokenNameRecord.pk.does_not_exist())


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


def all_tokens() -> list[Token]:
    """Return every token, oldest first, including revoked ones. One query for each megabyte.

    What was created within the last moments may be missing: it is read from an index.
    """
    return _all_of(Record.by_time.query(ALL))


def all_ids() -> frozenset[str]:
    """Return the ids of all tokens, read as `all_tokens` reads them.

    Nothing else of a token is looked at, so that one which can't be read, such as one of a later version, keeps out
    nobody else.
    """
    ids = set[str]()
    start = None
    while True:
        answer = low_level().query(
            Record.Meta.table_name,
            ALL,
            index_name=Record.by_time.Meta.index_name,
            attributes_to_get=["id"],
            exclusive_start_key=start,
        )
        ids.update(item["id"]["S"] for item in answer["Items"])
        start = answer.get("LastEvaluatedKey")
        if start is None:
            return frozenset(ids)


def revoke(transaction: Transaction, token_id: str, now: datetime) -> None:
    """Revoke a token. Committing raises ConditionsFailed if it is unknown or already revoked."""
    is_valid = TokenRecord.pk.exists() & TokenRecord.revoked_at.does_not_exist()
    transaction.update(TokenRecord(*_key(token_id)), [TokenRecord.revoked_at.set(now)], name=TOKEN, only_if=is_valid)


def require_unrevoked(transaction: Transaction, token_id: str) -> None:
    """Commit only if this token is not revoked. Otherwise committing raises ConditionsFailed."""
    transaction.require(TokenRecord(*_key(token_id)), name=OTHER, only_if=TokenRecord.revoked_at.does_not_exist())


def record_use(token_id: str, now: datetime) -> None:
    """Record when a token was last used. Do nothing if it does not exist. One request."""
    update_if(TokenRecord(*_key(token_id)), [TokenRecord.last_used_at.set(now)], TokenRecord.pk.exists())


def _key(token_id: str) -> tuple[str, str]:
    return f"TOKEN#{token_id}", "TOKEN"


def _name_key(name: str) -> tuple[str, str]:
    """Return a key that does not reveal the name, since keys appear in the logs of AWS."""
    return f"TOKEN_NAME#{sha256(same_name(name).encode()).hexdigest()[:32]}", "TOKEN_NAME"


def _all_of(records: Iterable[Record]) -> list[Token]:
    return [_as_token(record) for record in records if isinstance(record, TokenRecord)]


def _as_token(record: TokenRecord) -> Token:
    values: dict[str, Any] = {field.name: getattr(record, field.name) for field in fields(Token)}
    return Token(**{**values, "role": Role(record.role)})
