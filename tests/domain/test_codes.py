"""Order codes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.codes import LOOK_ALIKES, MAX_LIKELY, likely_codes
from chalicelib.domain.orders import CODE_ALPHABET, CODE_LENGTH, check_character, is_code

BODIES = st.text(CODE_ALPHABET, min_size=CODE_LENGTH - 1, max_size=CODE_LENGTH - 1)
CODES = BODIES.map(lambda body: body + check_character(body))
PLACES = st.integers(0, CODE_LENGTH - 1)
WRITTEN = st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
SIGNS = st.sampled_from(["", " ", "-", ".", "  ", "/", " - ", "\u2013", "_", "\u00a0"])
WORDS = st.lists(st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=9), max_size=3).map(" ".join)


@st.composite
def written(draw: st.DrawFn, characters: str) -> str:
    """The characters in either case, with spaces and signs between them."""
    return "".join(draw(st.sampled_from([character, character.lower()])) + draw(SIGNS) for character in characters)


@given(st.data(), CODES)
def test_a_code_in_any_case_and_with_anything_between_is_the_first_reading(data: st.DataObject, code: str) -> None:
    assert likely_codes(data.draw(written(code)))[0] == code


@given(st.data(), CODES, PLACES, WRITTEN)
def test_one_wrong_character_is_corrected(data: st.DataObject, code: str, at: int, wrong: str) -> None:
    assert code in likely_codes(data.draw(written(code[:at] + wrong + code[at + 1 :])))


@given(st.data(), CODES, st.integers(0, CODE_LENGTH - 2))
def test_two_swapped_neighbours_are_put_back(data: st.DataObject, code: str, at: int) -> None:
    swapped = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
    assert code in likely_codes(data.draw(written(swapped)))


def test_swapped_neighbours_are_put_back_even_where_the_check_character_misses_it() -> None:
    """Luhn's blind spot: the alphabet's first character beside its last."""
    body = "2Y34678"
    code, swapped = body + check_character(body), "Y2" + body[2:] + check_character(body)
    assert is_code(code)
    assert is_code(swapped)
    assert likely_codes(swapped)[0] == swapped
    assert code in likely_codes(swapped)


@given(st.data(), CODES, PLACES)
def test_one_missing_character_is_found(data: st.DataObject, code: str, at: int) -> None:
    assert code in likely_codes(data.draw(written(code[:at] + code[at + 1 :])))


@given(st.data(), CODES, st.integers(0, CODE_LENGTH), WRITTEN)
def test_one_additional_character_is_left_out(data: st.DataObject, code: str, at: int, more: str) -> None:
    assert code in likely_codes(data.draw(written(code[:at] + more + code[at:])))


@given(CODES, WORDS, WORDS, PLACES, WRITTEN)
def test_a_code_is_found_among_other_words(code: str, before: str, after: str, at: int, wrong: str) -> None:
    misread = code[:at] + wrong + code[at + 1 :]
    assert code in likely_codes(f"{before} {code} {after}")
    assert code in likely_codes(f"{before} {misread} {after}")


@given(CODES, st.text("ABCDEFGHIJ0123456789", min_size=2, max_size=30))
def test_a_code_is_found_within_a_longer_word(code: str, rest: str) -> None:
    """Banks write transfers without spaces."""
    assert code in likely_codes(code + rest)
    assert code in likely_codes(rest + code)


@given(st.text(max_size=300))
def test_any_text_has_few_readings_all_well_formed_and_none_twice(text: str) -> None:
    found = likely_codes(text)
    assert all(map(is_code, found))
    assert len(set(found)) == len(found) <= MAX_LIKELY


@given(st.lists(WRITTEN, max_size=9).map(" ".join))
def test_up_to_nine_characters_get_every_reading(text: str) -> None:
    assert len(likely_codes(text)) < MAX_LIKELY


# What was meant, and what came: copied from handwriting, heard over the phone, put right by a keyboard.
MISREADINGS = [
    "7kmp qyt4",
    "7KMP-QYT4",
    "  7kmpqyt4.  ",
    "#7KMPQYT4",
    "7KMPQYTA",
    "7kmpq yta",
    "1KMPQYT4",
    "IKMPQYTA",
    "LKMPQYT4",
    "7KNPQYT4",
    "7KMP0YT4",
    "7kmpoyta",
    "7KMPQY74",
    "7KMPQYI4",
    "7KMPQTY4",
    "7KMPQYT",
    "KMPQYT4",
    "7KMPQQYT4",
    "7KMPQYT4S",
    "7kmpqyt\u00e1",
    "\uff17\uff2b\uff2d\uff30\uff31\uff39\uff34\uff14",
    "orden 7KMPQYT4 gracias",
    "TRANSF 0004512 RIFA 7KMP QYT4",
    "PAGO7KMPQYT4BICICLETA",
]  # fmt: skip


@pytest.mark.parametrize("came", MISREADINGS)
def test_real_misreadings_of_one_code(came: str) -> None:
    assert is_code("7KMPQYT4")
    assert "7KMPQYT4" in likely_codes(came)


@pytest.mark.parametrize("pairs", ["0Q", "OD", "1T", "I7", "58", "S8", "Z2", "A4", "E3", "UV", "NM"])
def test_up_to_three_characters_that_no_code_has_are_read_as_what_they_look_like(pairs: str) -> None:
    strange, meant = pairs[0], pairs[1]
    body = f"{meant}K{meant}PQ{meant}X"
    code = body + check_character(body)
    came = code[:-1].replace(meant, strange) + code[-1]
    assert came.count(strange) >= 3
    assert code in likely_codes(came) or came.count(strange) > 3


def test_only_characters_that_no_code_has_look_like_others() -> None:
    everything = set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert set(LOOK_ALIKES) == everything - set(CODE_ALPHABET)
    assert all(set(meant) <= set(CODE_ALPHABET) for meant in LOOK_ALIKES.values())


@pytest.mark.parametrize("text", ["", " ", "-", "hola", "María López", "deposito", "martinez", "12", "\ud800", "漢字"])
def test_text_that_is_not_a_code_has_no_reading(text: str) -> None:
    assert likely_codes(text) == []
