"""What a search text may mean, and the words of names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.phone_numbers import matches_phone
from chalicelib.domain.searches import MAX_WORDS, fits, is_first, phone_end, read_search, words_of

NAMES = {
    "María López": ("maria", "lopez"),
    "  JOSÉ  luis ": ("jose", "luis"),
    "Ana-Sofía": ("ana", "sofia"),
    "Seán O'Brien": ("sean", "obrien"),
    "Seán O’Brien": ("sean", "obrien"),
    "Søren Łukasz": ("soren", "lukasz"),
    "Weiß": ("weiss",),
    "✨𝓛𝓾𝓬𝓲𝓪✨": ("lucia",),
    "Иван Ёлкин": ("иван", "елкин"),
    "李小龍": ("李小龍",),
    "Ana Ana": ("ana",),
    "🎉": (),
    "": (),
    "a b c d e f g h": ("a", "b", "c", "d", "e", "f"),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_words_of_names(name: str) -> None:
    assert words_of(name) == NAMES[name]


@given(st.text(max_size=80))
def test_any_name_is_found_by_itself_and_by_the_beginning_of_each_word(name: str) -> None:
    words = words_of(name)
    assert len(words) <= MAX_WORDS
    assert fits(words, words_of(name.upper().lower())) or not name.isascii()
    assert all(fits(words, [word[:cut]]) for word in words for cut in range(1, len(word) + 1))
    assert all(word.isalnum() for word in words)


@given(st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, unique=True), st.text("ab", max_size=2))
def test_exactly_one_of_the_words_that_fit_is_the_first(words: list[str], start: str) -> None:
    meeting = [word for word in words if word.startswith(start)]
    assert sum(is_first(word, words, start) for word in meeting) == bool(meeting)


def test_words_fit_in_any_order_and_all_must() -> None:
    assert fits(("maria", "lopez"), ("lop", "mar"))
    assert not fits(("maria", "lopez"), ("lop", "ana"))


TEXTS = [
    # the text, its codes, words, whether it may be a phone number, the number of a ticket
    ("7KMP-QYT4", ("7KMPQYT4",), ("7kmp", "qyt4"), False, None),
    ("lucía", (), ("lucia",), False, None),
    ("7", (), (), False, 7),
    ("007", (), (), False, 7),
    ("#7", (), (), False, 7),
    (" # 12 ", (), (), False, 12),
    ("5550 1234", (), (), True, None),
    ("999999", (), (), True, 999999),
    ("+502 5550-1234", (), (), True, None),
    ("12345678", (), (), True, None),
    ("!!", (), (), False, None),
    ("", (), (), False, None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "codes", "words", "phone", "number"), TEXTS)
def test_texts_and_what_they_may_mean(
    text: str, codes: tuple[str, ...], words: tuple[str, ...], phone: bool, number: int | None
) -> None:
    found = read_search(text)
    assert found.codes[:1] == codes
    assert (found.words, found.phone is not None, found.number) == (words, phone, number)


@given(st.text(max_size=100))
def test_any_text_may_mean_something(text: str) -> None:
    found = read_search(text)
    assert found.key_word in (*found.words, "")
    assert not (found.words and (found.phone or found.number is not None))


# As written → as WhatsApp has it. Mexico's have a 1, Argentina's a 9, and some of Brazil's lack a 9.
PHONES = [
    ("+502 5550-1234", "50255501234"),
    ("00502 5550 1234", "50255501234"),
    ("(502) 5550 1234", "50255501234"),
    ("50255501234", "50255501234"),
    ("5550-1234", "50255501234"),
    ("5550.1234", "50255501234"),
    ("50-1234", "50255501234"),
    ("011 502 5550 1234", "50255501234"),
    ("٥٥٥٠ ١٢٣٤", "50255501234"),
    ("+502 ５５５０ 1234", "50255501234"),
    ("55 1234 5678", "5215512345678"),
    ("+52 55 1234 5678", "5215512345678"),
    ("+52 1 55 1234 5678", "525512345678"),
    ("044 55 1234 5678", "5215512345678"),
    ("011 15 2345-6789", "5491123456789"),
    ("0221 15 456-7890", "5492214567890"),
    ("+54 221 456 7890", "5492214567890"),
    ("+55 11 98765-4321", "551187654321"),
    ("(011) 98765-4321", "551187654321"),
    ("11 8765-4321", "5511987654321"),
    ("07700 900123", "447700900123"),
    ("8 (912) 345-67-89", "79123456789"),
    ("06 30 123 4567", "36301234567"),
    ("1-555-123-4567", "15551234567"),
    ("001 555 123 4567", "15551234567"),
]


@pytest.mark.parametrize(("written", "phone"), PHONES)
def test_a_phone_number_in_any_form_is_known(written: str, phone: str) -> None:
    assert read_search(written).phone is not None
    assert phone_end(written) == phone_end(phone)
    assert matches_phone(written, phone)


@pytest.mark.parametrize(
    ("written", "phone"),
    [
        ("+503 5550 1234", "50255501234"),
        ("4550-1234", "50255501234"),
        ("+502 5551 1234", "50255501234"),
        ("+52 56 1234 5678", "5215512345678"),
        ("(021) 98765-4321", "551187654321"),
        ("1234", "50255501234"),
        ("", "50255501234"),
        ("+502 5550 1234", "1234"),
        ("999999999999999999999999", "50255501234"),
    ],
)
def test_another_phone_number_does_not_match(written: str, phone: str) -> None:
    assert not matches_phone(written, phone)


@given(st.text("0123456789", min_size=4, max_size=20), st.text(max_size=30))
def test_any_text_can_be_compared_with_any_phone_number(phone: str, text: str) -> None:
    matches_phone(text, phone)
    assert matches_phone(f"+{phone}", phone) or phone.lstrip("0") != phone or len(phone) < 6
