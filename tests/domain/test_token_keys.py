"""The form of token keys."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.token_keys import PREFIX, KeyForm, form_of, with_check_part

ALPHABET = string.ascii_letters + string.digits + "-_"
SECRETS = st.text(ALPHABET, min_size=43, max_size=43)
KEY = with_check_part("3q2-7wAbCdEfGhIjKlMnOpQrStUvWxYz0123456789A")


def test_a_key_has_a_prefix_and_a_check_part() -> None:
    assert KEY == "tombola_3q2-7wAbCdEfGhIjKlMnOpQrStUvWxYz0123456789A80c976d9"


@given(SECRETS)
def test_o5_a_key_of_ours_is_known_by_its_check_part(secret: str) -> None:
    assert form_of(with_check_part(secret)) is KeyForm.CHECKED


@given(SECRETS, st.integers(0, 50), st.sampled_from(ALPHABET))
def test_o5_no_single_wrong_character_goes_unnoticed(secret: str, place: int, other: str) -> None:
    key = with_check_part(secret)
    at = len(PREFIX) + place
    mistyped = key[:at] + other + key[at + 1 :]
    assert (form_of(mistyped) is KeyForm.CHECKED) == (mistyped == key)


@given(st.text(min_size=8, max_size=8, alphabet="0123456789abcdef"))
def test_o5_a_wrong_check_part_is_damage(check_part: str) -> None:
    assert (form_of(KEY[:-8] + check_part) is KeyForm.DAMAGED) == (KEY[-8:] != check_part)


@pytest.mark.parametrize(
    "key", ["local-token", "", "x" * 43, KEY[8:], KEY[:-1], KEY + "0", KEY + "\n", "é" * 59, "tombola_"]
)
def test_anything_else_has_no_check_part(key: str) -> None:
    assert form_of(key) is KeyForm.UNCHECKED
