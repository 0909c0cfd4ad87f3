"""API tokens in the table: only their hashes."""

from datetime import datetime
from hashlib import sha256

from pynamodb.exceptions import PutError

from chalicelib.store.records import TokenRecord


def add(key: str, *, name: str, now: datetime) -> bool:
    """Store the token's hash. False when it is known already."""
    record = TokenRecord(*_key(key), name=name, created_at=now)
    try:
        record.save(condition=TokenRecord.pk.does_not_exist())
    except PutError as failure:
        if failure.cause_response_code != "ConditionalCheckFailedException":
            raise
        return False
    return True


def owner(key: str) -> str | None:
    """The name that the token was given, or None for a token that is unknown or revoked. One request."""
    try:
        record = TokenRecord.get(*_key(key))
    except TokenRecord.DoesNotExist:
        return None
    return None if record.revoked else record.name


def _key(key: str) -> tuple[str, str]:
    # Tokens are 256 random bits, so that a plain hash of them can't be searched; see docs/adr/0005-token-hashes.md.
    return f"TOKEN#{sha256(key.encode()).hexdigest()}", "TOKEN"
