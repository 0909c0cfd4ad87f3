"""Until when a token is valid, and under which names one acts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.messages import Identity
from chalicelib.domain.organisers import Role, Token, actor_in_chat, find_organiser, is_reserved

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


@pytest.mark.parametrize(
    "name", ["WhatsApp +50255550000", "whatsapp  +1", "ＷhatsApp ＋502", "WhatsApp 50255550000", "WhatsApp+5"]
)
def test_o11_no_token_may_look_like_an_organiser_in_the_chat(name: str) -> None:
    assert is_reserved(name)
    assert not is_reserved("WhatsApp clerk")


def test_o11_an_organiser_is_found_in_every_spelling_and_nobody_without_a_number() -> None:
    olga = Identity(phone="5215512345678")
    assert find_organiser("525512345678", [Identity(user_id="MX.1"), olga]) == olga
    assert find_organiser("5215512345679", [olga]) is None
    assert find_organiser(None, [olga, Identity(user_id="MX.1")]) is None
    assert actor_in_chat(olga).name == "WhatsApp +5215512345678"
