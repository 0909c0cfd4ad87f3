"""Until when a token is valid."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chalicelib.domain.organisers import Role, Token

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
TOKEN = Token(id="t", name="Olga", role=Role.CASHIER, created_at=NOW, created_by="Marta")


def test_o1_a_token_is_valid_until_the_moment_in_which_it_expires() -> None:
    expiring = replace(TOKEN, expires_at=NOW)
    assert expiring.is_valid(NOW - timedelta(seconds=1))
    assert not expiring.is_valid(NOW)


def test_o1_a_revoked_token_is_not_valid_whenever_it_would_expire() -> None:
    assert TOKEN.is_valid(NOW)
    assert not replace(TOKEN, revoked_at=NOW).is_valid(NOW)
    assert not replace(TOKEN, revoked_at=NOW, expires_at=NOW + timedelta(days=1)).is_valid(NOW)
