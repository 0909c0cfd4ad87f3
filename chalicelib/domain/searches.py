"""What a search text may mean, and the words under which a contact is found."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from unicodedata import combining, normalize

from chalicelib.domain.codes import likely_codes

LONGEST = 100  # characters of a search
MOST_WORDS = 6  # of a name; further ones find nobody
WORD = 20  # letters of a word that count
PHONE_END = 6  # digits of a phone number that are the same however it is written
LONGEST_NUMBER = 7  # digits of a ticket's number

_JOINED = str.maketrans("", "", "'’‘ʼ`´")  # O'Brien is one word
_SPELT = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})
_WORDS = re.compile(r"[^\W_]+")
_NUMBER = re.compile(rf"#?\s*([0-9]{{1,{LONGEST_NUMBER}}})")


@dataclass(frozen=True, kw_only=True)
class Search:
    """All that a text may mean: codes of orders, words of a name, a phone number, a ticket's number."""

    codes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    phone: str | None = None  # as written
    number: int | None = None

    @property
    def key_word(self) -> str:
        """The longest word, which the fewest people have, as a rule."""
        return max(self.words, key=len, default="")


def read_search(text: str) -> Search:
    """With letters it is codes or a name, without it is codes or a number."""
    codes = tuple(likely_codes(text))
    if any(character.isalpha() for character in text):
        return Search(codes=codes, words=words_of(text))
    number = _NUMBER.fullmatch(normalize("NFKC", text).strip())
    phone = text if len(digits_of(text)) >= PHONE_END else None
    return Search(codes=codes, phone=phone, number=int(number[1]) if number else None)


def words_of(name: str) -> tuple[str, ...]:
    """The first words of a name, each once, without case, accents and signs, in the order of the name."""
    plain = "".join(character for character in normalize("NFKD", name.translate(_JOINED)) if not combining(character))
    words = _WORDS.findall(plain.casefold().translate(_SPELT))
    return tuple(dict.fromkeys(word[:WORD] for word in words))[:MOST_WORDS]


def fits(words: Sequence[str], wanted: Iterable[str]) -> bool:
    """Whether each wanted word is one of the name's words, or the beginning of one."""
    return all(any(word.startswith(start) for word in words) for start in wanted)


def is_first(word: str, words: Sequence[str], key_word: str) -> bool:
    """Whether a name is met by this word of it first: who has two that fit, "Ana Anaya", is to be found once."""
    return word == min(other for other in words if other.startswith(key_word))


def digits_of(text: str) -> str:
    """The decimal digits, of whichever script, as ASCII."""
    return "".join(str(int(character)) for character in text if character.isdecimal())


def phone_end(phone: str) -> str | None:
    """What is the same of a phone number with and without its country, area and trunk prefixes; None if it is short."""
    digits = digits_of(phone)
    return digits[-PHONE_END:] if len(digits) >= PHONE_END else None
