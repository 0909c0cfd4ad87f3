"""Read search texts, and split names into the words under which a contact is found."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from unicodedata import normalize

from chalicelib.domain.codes import likely_codes, without_accents

LONGEST = 100  # characters of a search
MAX_WORDS = 6  # of a name; the rest is not indexed
WORD = 20  # letters of a word that count
PHONE_END = 6  # digits of a phone number that are the same however it is written
LONGEST_NUMBER = 7  # digits of a ticket's number

_JOINED = str.maketrans("", "", "'’‘ʼ`´")  # O'Brien is one word
_SPELT = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})
_WORDS = re.compile(r"[^\W_]+")
_NUMBER = re.compile(rf"#?\s*([0-9]{{1,{LONGEST_NUMBER}}})")


@dataclass(frozen=True, kw_only=True)
class SearchTerms:
    """Everything that a text may mean: order codes, words of a name, a phone number, a ticket number."""

    codes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    phone: str | None = None  # as written
    number: int | None = None

    @property
    def key_word(self) -> str:
        """The longest word, which usually the fewest people have."""
        return max(self.words, key=len, default="")


def read_search(text: str) -> SearchTerms:
    """Read a search text. With letters it may be codes or a name; without, codes or a number."""
    codes = tuple(likely_codes(text))
    if any(character.isalpha() for character in text):
        return SearchTerms(codes=codes, words=words_of(text))
    number = _NUMBER.fullmatch(normalize("NFKC", text).strip())
    phone = text if len(digits_of(text)) >= PHONE_END else None
    return SearchTerms(codes=codes, phone=phone, number=int(number[1]) if number else None)


def words_of(name: str) -> tuple[str, ...]:
    """Return the first words of a name, in its order, without duplicates, case, accents and signs."""
    plain = without_accents(name.translate(_JOINED))
    words = _WORDS.findall(plain.casefold().translate(_SPELT))
    return tuple(dict.fromkeys(word[:WORD] for word in words))[:MAX_WORDS]


def fits(words: Sequence[str], wanted: Iterable[str]) -> bool:
    """Return whether each wanted word is a word of the name or the beginning of one."""
    return all(any(word.startswith(start) for word in words) for start in wanted)


def is_first(word: str, words: Sequence[str], key_word: str) -> bool:
    """Return whether this is the first of the name's words that fit, so that "Ana Anaya" is found only once."""
    return word == min(other for other in words if other.startswith(key_word))


def digits_of(text: str) -> str:
    """Return the decimal digits of any script as ASCII."""
    return "".join(str(int(character)) for character in text if character.isdecimal())


def phone_end(phone: str) -> str | None:
    """Return the last digits, which are the same with and without prefixes, or None if there are too few."""
    digits = digits_of(phone)
    return digits[-PHONE_END:] if len(digits) >= PHONE_END else None
