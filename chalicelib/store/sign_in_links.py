"""Sign-in links in the table (O13). Of each secret only a hash is stored, as of a token's key."""

from dataclasses import fields
from datetime import timedelta
from typing import Any

from chalicelib.domain.organisers import Role, SignInLink
from chalicelib.domain.refusals import SignInLinkNotFound
from chalicelib.store.records import SignInLinkRecord
from chalicelib.store.tokens import Lock
from chalicelib.store.transaction import Transaction

LINK = "sign-in link"  # the name of the condition on a link
KEPT_FOR = timedelta(days=1)  # after it is over, so that who is late hears why it does not work


def add(transaction: Transaction, link: SignInLink, lock: Lock) -> None:
    """Store a new link. Committing raises ConditionsFailed if it exists already."""
    values = {**vars(link), "role": link.role.value, **lock._asdict(), "vanishes_at": link.expires_at + KEPT_FOR}
    transaction.put(SignInLinkRecord(*_key(link.id), **values), name=LINK, only_if=SignInLinkRecord.pk.does_not_exist())


def get(link_id: str) -> tuple[SignInLink, Lock]:
    """Return a link and what its secret is checked against. One request. Raises SignInLinkNotFound."""
    try:
        record = SignInLinkRecord.get(*_key(link_id), consistent_read=True)
    except SignInLinkRecord.DoesNotExist:
        raise SignInLinkNotFound from None
    values: dict[str, Any] = {field.name: getattr(record, field.name) for field in fields(SignInLink)}
    return SignInLink(**{**values, "role": Role(record.role)}), Lock(record.salt, record.hash)


def use(transaction: Transaction, link: SignInLink, token_id: str) -> None:
    """Record the token that a link is exchanged for. Committing raises ConditionsFailed if it was used before."""
    is_unused = SignInLinkRecord.pk.exists() & SignInLinkRecord.token_id.does_not_exist()
    transaction.update(
        SignInLinkRecord(*_key(link.id)), [SignInLinkRecord.token_id.set(token_id)], name=LINK, only_if=is_unused
    )


def _key(link_id: str) -> tuple[str, str]:
    return f"TOKEN_LINK#{link_id}", "TOKEN_LINK"
