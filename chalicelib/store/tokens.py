"""API tokens in the table: of their keys only a hash, under an id that says nothing of them."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from typing import Any, NamedTuple

from pynamodb.exceptions import UpdateError

from chalicelib.domain.organisers import Role, Token
from chalicelib.domain.refusals import TokenNotFound
from chalicelib.store.pages import Page, page_of
from chalicelib.store.records import Record, TokenRecord, stamp
from chalicelib.store.transaction import Transaction

ALL = "TOKENS"
TOKEN = "token"  # noqa: S105 - the name of the condition on a token's item


class Lock(NamedTuple):
    """What a key is compared with: its hash, keyed with the salt."""

    salt: bytes
    hash: bytes


def add(transaction: Transaction, token: Token, lock: Lock) -> None:
    """Store a new token. ConditionsFailed when it is known already."""
    values = {**vars(token), "role": token.role.value, **lock._asdict()}
    at = stamp(token.created_at, token.id)
    record = TokenRecord(*_key(token.id), time_key=ALL, time_at=at, **values)
    transaction.put(record, name=TOKEN, only_if=TokenRecord.pk.does_not_exist())


def get(token_id: str) -> tuple[Token, Lock]:
    """One request. Raises TokenNotFound."""
    try:
        record = TokenRecord.get(*_key(token_id), consistent_read=True)
    except TokenRecord.DoesNotExist:
        raise TokenNotFound(token_id) from None
    return _as_token(record), Lock(record.salt, record.hash)


def listed(*, limit: int, after: str | None = None, backwards: bool = False) -> Page[Token]:
    """One page of all tokens, those revoked included, newest first. One query."""
    return page_of(Record.by_time, ALL, _all_of, limit=limit, after=after, backwards=backwards)


def revoke(transaction: Transaction, token_id: str, now: datetime) -> None:
    """ConditionsFailed when it is revoked already, or unknown."""
    good = TokenRecord.pk.exists() & TokenRecord.revoked_at.does_not_exist()
    transaction.update(TokenRecord(*_key(token_id)), [TokenRecord.revoked_at.set(now)], name=TOKEN, only_if=good)


def record_use(token_id: str, now: datetime) -> None:
    try:
        TokenRecord(*_key(token_id)).update(
            actions=[TokenRecord.last_used_at.set(now)], condition=TokenRecord.pk.exists()
        )
    except UpdateError as failure:
        if failure.cause_response_code != "ConditionalCheckFailedException":
            raise


def _key(token_id: str) -> tuple[str, str]:
    return f"TOKEN#{token_id}", "TOKEN"


def _all_of(records: Iterable[Record]) -> list[Token]:
    return [_as_token(record) for record in records if isinstance(record, TokenRecord)]


def _as_token(record: TokenRecord) -> Token:
    found: dict[str, Any] = {one.name: record.attribute_values.get(one.name) for one in fields(Token)}
    return Token(**{**found, "role": Role(record.role)})
