"""Read the ticket numbers that a person asks for. Money depends on it, so anything doubtful is asked again."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from itertools import islice, pairwise
from typing import NamedTuple

from chalicelib.domain.orders import MAX_NUMBERS
from chalicelib.domain.typos import closest
from chalicelib.domain.vocabulary import Vocabulary, change_phrases, vocabularies


class Unclarity(StrEnum):
    NOTHING = "nothing"  # it has no number, or none is wanted ("random 0")
    TOO_MANY = "too_many"
    OUT_OF_RANGE = "out_of_range"  # the fragment lists the offending numbers
    QUANTITY = "quantity"  # "5 tickets", "I want 5": number 5, or any five? The fragment is "5"
    DOUBTFUL = "doubtful"  # the fragment is the doubtful part


@dataclass(frozen=True)
class Specific:
    """Numbers in the order written, without duplicates. A range always counts upwards."""

    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Random:
    quantity: int


@dataclass(frozen=True)
class Unclear:
    """Nothing may be held. `fragment` is folded, has at most 60 characters, and is untrusted input."""

    reason: Unclarity
    fragment: str = ""


def read_pick(text: str, *, first: int, last: int, most: int = MAX_NUMBERS) -> Specific | Random | Unclear:
    """Read at most `most` numbers of a raffle `first..last`. Never raises.

    A comma separates, so "5,50" is 5 and 50. But "1,000" is doubtful, and so is "1,500" in a raffle with a number 1500.
    A `Random` may want more numbers than are free: only the board knows.

    A sentence is read in the language that knows most of its words. If several know as many, they must agree.
    """
    line = _line(text)
    readings = [_read(line, words, first, last, most) for words in _languages_of(line)]
    return readings[0] if all(reading == readings[0] for reading in readings) else _disagreement(line)


def _disagreement(line: str) -> Unclear:
    """Return the question to ask when the same words mean different things in two languages: "once", "um 5"."""
    return Unclear(Unclarity.DOUBTFUL, line.replace(_STRANGE, "")[:60])


def _read(line: str, words: "_Words", first: int, last: int, most: int) -> "Specific | Random | Unclear":
    tokens = list(_tokens(line, words))
    if tokens and tokens[-1].kind == _AND and tokens[-1].text in _polite_words():  # "7 and 32 then"
        tokens.pop()
    kinds = "".join(token.kind for token in tokens)
    if _RANDOM.fullmatch(kinds):
        return _random(tokens, most)
    if _QUANTITY.fullmatch(kinds):
        pick = _random(tokens, most)
        return Unclear(Unclarity.QUANTITY, str(pick.quantity)) if isinstance(pick, Random) else pick
    if not (_ASKS.search(kinds) or _HAS_DIGITS.search(line)):
        return Unclear(Unclarity.NOTHING)
    announced = _announced(tokens, kinds)
    if announced is not None:  # "3 boletos: 5, 12, 99"
        tokens = tokens[announced:]
        kinds = kinds[announced:]
    doubt = _doubt(line, tokens, kinds, last, words)
    if doubt is not None:
        return Unclear(Unclarity.DOUBTFUL, doubt.replace(_STRANGE, "")[:60])
    return _specific(tokens, kinds, first, last, most)


def fold(text: str) -> str:
    """Normalise compatibility forms, case, accents, invisible characters, whitespace, and digits (to ASCII).

    Commands are compared in this form, too. Idempotent. Lone surrogates become U+FFFD, so that the result can always be
    encoded.
    """
    # No combining mark is left by then: NFC only puts Hangul together again.
    return " ".join(unicodedata.normalize("NFC", "".join(map(_folded, text))).split())


def is_plain(text: str) -> bool:
    """Return whether people see the same numbers in a text as folding leaves of it: "5²" is not 52."""
    return _STRANGE not in _line(text)


def looks_like_phone(line: str, last: int) -> bool:
    """Return whether a folded line has what may be a phone number, in pairs or in one."""
    long = max(6, len(str(last)))
    is_in_pairs = any(not _ascends(pairs[0]) for pairs in _PAIRS.finditer(line))
    return is_in_pairs or any(len(digits) > long for digits in re.findall("[0-9]+", line))


def after_noun(text: str) -> str:
    """Return what follows the last "numbers" or the like of a sentence; "" if nothing does, or if it is their own."""
    nouns = "|".join(re.escape(noun) for noun in sorted(_nouns(), key=len, reverse=True))
    found = re.search(rf"^(.*)(?<!\w)(?:{nouns})(?!\w)[\s:]+(.*[0-9].*)$", fold(text))
    if found is None or re.search(r"(?<!\w)(?:mi|my|meu)\s*$", found[1]):
        return ""
    return found[2]


@cache
def _nouns() -> frozenset[str]:
    return frozenset(noun for words in vocabularies().values() for noun in words.numbers.get("noun", ()))


def padded(number: int, last: int) -> str:
    """Format a number as it is shown (N1): "007" if the last one is 999."""
    return f"{number:0{len(str(last))}d}"


# --- The words we know: words/*.toml. Any other word makes the whole message doubtful.

_DIGITS, _WORD, _COUNT, _SEPARATOR, _AND, _TO, _DASH, _FROM = "nwc,&t-d"
_ARTICLE, _O, _NOUN, _MARK, _NO, _RANDOMLY, _WANT, _FILLER, _COLON, _END, _UNKNOWN = "aomsxrvf:.?"

_SIGNS: Mapping[str, str] = {
    _SEPARATOR: ", ;",
    _AND: "&",
    _MARK: "# n° n.° n°. n. nr. nro. num.",
    _NO: "no.",  # "number", or somebody says no
    _NOUN: "nro n num",
    _FILLER: "🙏 👍 👌 👋 🤞 😀 😃 😄 😁 😊 🙂 😉 🥳 🎉 🍀 ✨ ❤ 🎟 🎫 🏻 🏼 🏽 🏾 🏿",
    _COLON: ":",
    _END: ". ! ? ¡ ¿",
}
# The lists of a vocabulary, and the kind of their words. With one of the words of `want`, a lone number may be a
# quantity: "dame 3". Those of `or` are known, so that they decide about the language, but no list can have them.
_LISTS = {
    "noun": _NOUN, "random": _RANDOMLY, "filler": _FILLER, "want": _WANT, "counting": _WANT,
    "from": _FROM, "to": _TO, "and": _AND, "article": _ARTICLE,
}  # fmt: skip
# Lists whose words are understood in a sentence of another language, too.
_SHARED = ("noun", "random", "filler")
_POLITE = ("greeting", "courtesy", "thanks")


class _Words(NamedTuple):
    """The words of one language around numbers.

    Attributes:
        kinds: phrase → the letter of its kind.
        values: number word → its value.
        longest: how many lexemes a phrase with this first lexeme may have. The longest one wins.
        starting: first lexeme → the phrases that begin with it, with what they mean. Languages are compared by it.
        plurals: plural articles. "los 2" are two that were spoken of, and not the number 2.
        pronouns: articles after which "one" and "two" are no numbers: "the one", "the two".
        counting: words before which a lone number is a quantity, or a price: "son 50?".
        corrected: words for which a misspelt one may stand.
        known: the words by which the language is recognised.
    """

    kinds: Mapping[str, str]
    values: Mapping[str, int]
    longest: Mapping[str, int]
    starting: Mapping[str, frozenset[tuple[str, str, int]]]
    plurals: frozenset[str]
    pronouns: frozenset[str]
    counting: frozenset[str]
    corrected: tuple[str, ...]
    known: frozenset[str]


@cache
def _words_of(language: str) -> _Words:
    own = vocabularies()[language]
    kinds: dict[str, str] = {}
    for other in vocabularies().values():
        kinds.update(_polite(other))
        kinds.update((phrase, _LISTS[name]) for name in _SHARED for phrase in other.numbers.get(name, ()))
    kinds = {phrase: kind for phrase, kind in kinds.items() if phrase not in own.words or phrase in _polite(own)}
    kinds.update(_polite(own))
    for name, kind in _LISTS.items():
        kinds.update(dict.fromkeys(own.numbers.get(name, ()), kind))
    if "o" in (*own.numbers.get("article", ()), *own.numbers.get("or", ())):
        kinds["o"] = _O  # Portuguese "the", Spanish "or"
    kinds.update(dict.fromkeys(own.numerals, _WORD))
    kinds.update(dict.fromkeys(own.counts, _COUNT))
    for kind, signs in _SIGNS.items():
        kinds.update(dict.fromkeys(signs.split(), kind))
    values = {**own.numerals, **own.counts}
    starting: dict[str, set[tuple[str, str, int]]] = {}
    for phrase, kind in kinds.items():
        starting.setdefault(_LEXEME.findall(phrase)[0], set()).add((phrase, kind, values.get(phrase, -1)))
    misspelt = [phrase for phrase, kind in kinds.items() if kind in (_FILLER, _NOUN, _WANT) and phrase.isalpha()]
    return _Words(
        kinds=kinds,
        values=values,
        longest={lexemes[0]: len(lexemes) for lexemes in sorted(map(_LEXEME.findall, kinds), key=len)},
        starting={first: frozenset(phrases) for first, phrases in starting.items()},
        plurals=frozenset(own.numbers.get("plural", ())),
        pronouns=frozenset(own.numbers.get("before_pronoun", ())),
        counting=frozenset(own.numbers.get("counting", ())),
        corrected=tuple(word for word in misspelt if len(word) >= SHORTEST_MISSPELT and word in own.words),
        known=_telling(own),
    )


SHORTEST_MISSPELT = 5


def _telling(vocabulary: Vocabulary) -> frozenset[str]:
    """Return the words that tell the language. Of phrases with several words, only those around numbers are taken.

    "me", "no" and the like are in all of them.
    """
    around = [phrase for listed in vocabulary.numbers.values() for phrase in listed]
    around += [*_polite(vocabulary), *vocabulary.numerals, *vocabulary.counts]
    single = [phrase for listed in vocabulary.intents.values() for phrase in listed if len(phrase) > 2]
    words = [word for phrase in around for word in _ALPHABETIC.findall(phrase) if len(word) > 1 or word == phrase]
    return frozenset(words).union(filter(str.isalpha, single), vocabulary.ordinary)


@cache
def _polite_words() -> frozenset[str]:
    return frozenset(phrase for vocabulary in vocabularies().values() for phrase in _polite(vocabulary))


def _polite(vocabulary: Vocabulary) -> dict[str, str]:
    return {phrase: _FILLER for name in _POLITE for phrase in vocabulary.intents.get(name, ())}


def _languages_of(line: str) -> list[_Words]:
    """Return the languages that know most of the words. Of those that mean the same by them, only one."""
    words = set(_ALPHABETIC.findall(line))
    languages = [_words_of(language) for language in vocabularies()]
    # Long words tell more: "a" is in all languages, and "hundred" in one.
    fits = [
        (-len(words - language.known), sum(len(word) > 2 for word in words & language.known)) for language in languages
    ]
    best = [language for language, fit in zip(languages, fits, strict=True) if fit == max(fits)]
    differing: list[_Words] = []
    for language in best:
        if all(any(language.starting.get(w) != other.starting.get(w) for w in words) for other in differing):
            differing.append(language)
    return differing


_ALPHABETIC = re.compile(r"[^\W\d_]+")

# "veinte y uno", "diez y seis", "hundred and five", "noventa y 9": one number or two?
_MAY_BE_ONE = {10: range(6, 10), 100: range(1, 100), **{tens: range(1, 10) for tens in range(20, 100, 10)}}

# --- The grammar, with a letter for each kind of token. Possessive quantifiers keep it linear.

_ASKS = re.compile(r"[nwr]")
_HAS_DIGITS = re.compile(r"[0-9]")  # even if they are not a number: "5k"
_LEAD = r"[ao]?[msx]*+:?"
_ITEM = rf"{_LEAD}(?:d{_LEAD}[nw]t{_LEAD}[nw]|[nw](?:(?:t{_LEAD}|-)[nw])?)"
# Without a separator only digits may follow each other, or items with an article or sign: "five twelve" may be 512.
_GAP = r"(?:[fv]*+[,&][,&fv]*+|(?<=n)(?=n)|(?=[as]))"
_SPECIFIC = re.compile(rf"[fv.,:&]*+{_ITEM}(?:{_GAP}{_ITEM})*+[fv.,]*+")
# "lucky number 7" is not seven lucky numbers, so no noun may stand in between.
_RANDOM = re.compile(r"[fv.,]*+(?:[nwc][fvm]*+r[rfvm]*+|m*+r[rfv]*+:?[nwc]m*+|m*+r[rfvm]*+)[fv.,]*+")
_QUANTITY = re.compile(r"[fv.,]*+(?:[nwc]m|c)[fv.,]*+")


class _Token(NamedTuple):
    kind: str
    text: str
    value: int = -1
    start: int = 0

    @property
    def is_number(self) -> bool:
        return self.kind in (_DIGITS, _WORD)

    @property
    def is_quantity(self) -> bool:
        return self.is_number or self.kind == _COUNT

    @property
    def shows_padding(self) -> bool:
        return self.kind == _DIGITS and self.text.startswith("0")


# --- From a valid sentence to its meaning


def _random(tokens: Sequence[_Token], most: int) -> Random | Unclear:
    quantity = next((token for token in tokens if token.is_quantity), _Token(_COUNT, "", 1))
    if quantity.value == 0:
        return Unclear(Unclarity.NOTHING, quantity.text[:60])
    if quantity.shows_padding:  # nobody counts "007" tickets
        return Unclear(Unclarity.DOUBTFUL, quantity.text[:60])
    return Random(quantity.value) if quantity.value <= most else Unclear(Unclarity.TOO_MANY)


def _specific(tokens: Sequence[_Token], kinds: str, first: int, last: int, most: int) -> Specific | Unclear:
    outside = [token.text[:20] for token in tokens if token.is_number and not first <= token.value <= last]
    if outside:
        return Unclear(Unclarity.OUT_OF_RANGE, _listed(outside, 60))
    spans = _spans(tokens)
    if _may_be_quantity(tokens, kinds, most):
        return Unclear(Unclarity.QUANTITY, str(spans[0][0]))
    numbers: dict[int, None] = {}
    for low, high in spans:
        if high - low >= most:  # before expanding, since a range may be a million wide
            return Unclear(Unclarity.TOO_MANY)
        numbers.update(dict.fromkeys(range(low, high + 1)))
        if len(numbers) > most:
            return Unclear(Unclarity.TOO_MANY)
    return Specific(tuple(numbers))


def _spans(tokens: Iterable[_Token]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    open_range = False
    for token in tokens:
        if token.is_number and open_range and spans:
            start = spans.pop()[0]
            spans.append((min(start, token.value), max(start, token.value)))
        elif token.is_number:
            spans.append((token.value, token.value))
        open_range = token.kind in (_TO, _DASH) or (open_range and not token.is_number)
    return spans


def _may_be_quantity(tokens: Sequence[_Token], kinds: str, most: int) -> bool:
    """ "I want 5" and "5, please" may count tickets. "the 5", "#5", "005" and numbers above `most` do not."""
    numbers = [(at, token) for at, token in enumerate(tokens) if token.is_number]
    at, number = numbers[0]
    named = kinds[at - 1 : at] in tuple(_ARTICLE + _O + _NOUN + _MARK + _NO + _COLON)
    if len(numbers) > 1 or named or number.shows_padding or number.value > most:
        return False
    return _WANT in kinds or any(token.kind == _FILLER and token.text[0].isalpha() for token in tokens)


def _announced(tokens: Sequence[_Token], kinds: str) -> int | None:
    """Return where the list begins if its length is announced: "3 boletos: 5, 12, 99", "quiero dos: 5 y 12".

    None if nothing is announced, or another length than the list has: then it is doubtful.
    """
    found = _ANNOUNCED.match(kinds)
    if found is None:
        return None
    quantity = tokens[found.start(1)]
    rest = tokens[found.end() :]
    has_noun = _NOUN in found[2]
    spans = _spans(rest)
    length = sum(high - low + 1 for low, high in spans)
    return found.end() if length == quantity.value and (has_noun or length > 1) else None


_ANNOUNCED = re.compile(r"[fv.,]*+([nwc])(m++f*+[,:.]|:)")

# --- Doubts


def _doubt(line: str, tokens: Sequence[_Token], kinds: str, last: int, words: _Words) -> str | None:
    """Return the doubtful part, if there is one."""
    if _UNKNOWN in kinds:
        return _around(line, tokens[kinds.index(_UNKNOWN)])
    if not _SPECIFIC.fullmatch(kinds):
        return line
    if (those := _those_spoken_of(tokens, words)) is not None:
        return those
    return next(_misleading(line, tokens, kinds, last), None)


def _those_spoken_of(tokens: Sequence[_Token], words: _Words) -> str | None:
    """Return "los 2", "the two": those that were spoken of, whichever these are. "son 50" may also be a price."""
    numbers = [at for at, token in enumerate(tokens) if token.is_number]
    if len(numbers) != 1:
        first, *rest = (tokens[at] for at in numbers)
        is_asked = any(token.kind == _WANT for token in tokens) or (first.kind == _WORD and rest[-1].kind == _DIGITS)
        # "quiero 2, 5 y 12": three numbers, or two?
        return f"{first.text}, {rest[0].text}" if is_asked and first.value == len(rest) > 1 else None
    at = numbers[0]
    number = tokens[at]
    before = tokens[at - 1] if at else None
    if before is not None and before.kind == _ARTICLE:
        is_pronoun = number.kind == _WORD and number.value in (1, 2) and before.text in words.pronouns
        if before.text in words.plurals or is_pronoun:
            return f"{before.text} {number.text}"
    counts = any(token.text in words.counting for token in tokens)
    return f"{number.text}" if counts and number.value > MAX_NUMBERS else None


def _misleading(line: str, tokens: Sequence[_Token], kinds: str, last: int) -> Iterator[str]:
    yield from (token.text for token in tokens if token.kind == _DIGITS and _like_a_phone(token, last))
    yield from (match[0] for match in _PAIRS.finditer(line) if not _ascends(match[0]))
    yield from (match[0] for match in _THOUSANDS.finditer(line) if _is_one_number(match[0], last))
    for left, joint, right in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if left.kind == _WORD and joint.kind == _AND and right.value in _MAY_BE_ONE.get(left.value, ()):
            yield f"{left.text} {joint.text} {right.text}"
    yield from (f"{left.text} {token.text}" for left, token in _or_and_no(tokens, kinds))


# "1,500" if there is a number 1500, and "1,000" nearly always. Anything else, such as "005,120", can only be a list.
_THOUSANDS = re.compile(r"(?<![0-9,])[1-9][0-9]{0,2}(?:,[0-9]{3})++(?![0-9,])")
# "55 12 34 56 78" is how people write phone numbers. Lists of numbers that ascend are lists.
_PAIRS = re.compile(r"(?<![0-9])[0-9]{2}(?:[ .-][0-9]{2}){3,}(?![0-9])")
_LONGEST_PHONE = 15  # digits, ITU-T E.164; local ones start at seven


def _is_one_number(thousands: str, last: int) -> bool:
    padded_list = thousands.index(",") == len(str(last))  # "100,000" names 100 and 000 where numbers have three digits
    return (thousands.endswith(",000") and not padded_list) or _integer(thousands.replace(",", "")) <= last


def _ascends(pairs: str) -> bool:
    numbers = re.findall("[0-9]+", pairs)
    return all(left < right for left, right in pairwise(numbers))


def _like_a_phone(token: _Token, last: int) -> bool:
    """Return whether it may be a phone number: it is too long for one of this raffle's numbers."""
    too_long = len(token.text) > max(6, len(str(last)))
    return too_long and (len(token.text) <= _LONGEST_PHONE or token.shows_padding)


def _or_and_no(tokens: Sequence[_Token], kinds: str) -> Iterator[tuple[_Token, _Token]]:
    """ "5, o 12" is "5, or 12" in Spanish, and "5, no. 12" takes the 5 back, unless the list began the same way."""
    first = next(at for at, token in enumerate(tokens) if token.is_number)
    for left, token in pairwise(tokens[first:]):
        listed = left.kind == _SEPARATOR and token.kind in kinds[:first]
        if token.kind in (_O, _NO) and left.kind not in (_AND, _TO, _ARTICLE, _O) and not listed:
            yield left, token


# --- From a line to tokens

_ASCII_DIGITS = "0123456789"
_LEXEME = re.compile(r"[0-9]+|[^\W\d_]+(?:'[^\W\d_]+)*|\S")
_ALIKE = str.maketrans("‐‒–—−’،、", "-----',,")
_APOSTROPHE = re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])")
_MAX_LEXEMES = 2200  # more than any list of different numbers in WhatsApp's 4096 characters
_MAX_CORRECTED = 10  # words of one message


def _tokens(line: str, words: _Words) -> Iterator[_Token]:
    lexemes = list(islice(_LEXEME.finditer(line), _MAX_LEXEMES))
    at = 0
    before = _UNKNOWN
    corrections = 0
    while at < len(lexemes):
        start = lexemes[at].start()
        for size in range(min(words.longest.get(lexemes[at][0], 1), len(lexemes) - at), 0, -1):
            end = lexemes[at + size - 1].end()
            kind = _kind(line[start:end], words)
            if kind != _UNKNOWN:
                break
        if kind == _UNKNOWN and corrections < _MAX_CORRECTED and line[start:end].isalpha():
            corrections += 1
            kind = words.kinds.get(_correct(line[start:end], words), _UNKNOWN)
        at += size
        before = _in_place(line, start, end, kind, before)
        yield _Token(before, line[start:end], _value(line[start:end], words), start)
    if at == _MAX_LEXEMES:
        yield _Token(_UNKNOWN, "", start=len(line))


def _kind(text: str, words: _Words) -> str:
    if text[0] in _ASCII_DIGITS:
        return _DIGITS
    return words.kinds.get(text, text if text in "+-" else _UNKNOWN)


def _correct(word: str, words: _Words) -> str:
    """Return the polite word, noun or wish that a misspelt word stands for; "" if there is none. Never a number."""
    if any(word in vocabulary.words for vocabulary in vocabularies().values()):
        return ""
    return closest(word, words.corrected, most=1) or ""


# More than any raffle has. int() of a very long string is slow, and it refuses more than 4,300 digits.
_MAX_DIGITS = 18
_HUGE = 10**_MAX_DIGITS


def _value(text: str, words: _Words) -> int:
    return _integer(text) if text[0] in _ASCII_DIGITS else words.values.get(text, -1)


def _integer(digits: str) -> int:
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) <= _MAX_DIGITS else _HUGE


def _in_place(line: str, start: int, end: int, kind: str, before: str) -> str:
    """Return the kind, or unknown if its neighbours change its meaning: "Q25", "5th", "5.12", "5:30", "-5", "+502"."""
    left = line[start - 1 : start]
    right = line[end : end + 1]
    if kind in ("-", "+"):
        even = (left == " ") == (right == " ")
        fits = before == _DIGITS and line[end : end + 2].strip()[:1].isdigit() if kind == "-" else before in "nw"
        return (_DASH if kind == "-" else _AND) if fits and even else _UNKNOWN
    if kind == _DIGITS:
        misplaced = right.isalpha()
    elif kind == _COLON:
        misplaced = left.isdigit()
    elif right.isdigit():
        misplaced = kind == _END or (line[end - 1].isalpha() and kind not in (_AND, _NOUN, _RANDOMLY))
    else:
        misplaced = False
    return _UNKNOWN if misplaced else kind


def _around(line: str, token: _Token) -> str:
    """Return the text around the token up to the next spaces: "." alone would not show what is wrong."""
    before = line[max(token.start - 30, 0) : token.start].rpartition(" ")[2]
    return before + line[token.start : token.start + 60].partition(" ")[0]


def _listed(texts: Iterable[str], room: int) -> str:
    """Join as many texts as fit, none of them cut."""
    shown = ""
    for text in texts:
        longer = f"{shown}, {text}" if shown else text
        if len(longer) > room:
            break
        shown = longer
    return shown


# --- From what was typed to a line

_STRANGE = "\ufffd"  # not a word that we know
_KEYCAP = re.compile(r"([0-9])[\ufe0e\ufe0f]?\u20e3")
_KEYCAP_TEN = "🔟"
_BOLD_ZERO = ord("𝟎")
_BEFORE_FOLDING = str.maketrans(
    {
        # A line break separates ("5⏎- 12" is not a range), and NFKC would make "nº 5" the Spanish "no 5".
        **dict.fromkeys("\n\r\v\f\x85\u2028\u2029", " ; "),
        "º": "°",
        "№": "n°",
        # Soft hyphen, invisible operators, bidirectional overrides: folding would leave something else than people saw.
        **dict.fromkeys("\u00ad\u2061\u2062\u2063\u2064\u202d\u202e", _STRANGE),
    }
)


# WhatsApp's limit for a text. A character may fold into up to 18.
_LONGEST_LINE = 4096


def without_laughter(line: str) -> str:
    """Blank laughter out of a folded line: "el 24 jajaja". The other words keep their places."""
    return _LAUGHTER.sub(lambda laugh: " " * len(laugh[0]), line)


_LAUGHTER = re.compile(
    r"(?<!\w)(?:a?(?:ja){2,}j?|a?(?:je){2,}|(?:ji){2,}|a?(?:ha){2,}h?|(?:he){2,}|(?:hi){2,}"
    r"|k{3,}|(?:rs){2,}|lo+l|lmf?ao|xd+)(?!\w)"
)


def _without_name(line: str) -> str:
    """Leave out for whom the numbers are, at the end of a folded line: "7, 8 a nombre de Wilmer"."""
    found = _for_whom().search(line)
    named = found is not None and not any(word in _all_numerals() for word in found[1].split())
    return line[: found.start()] if found is not None and named and found.start() else line


@cache
def _for_whom() -> re.Pattern[str]:
    phrases = "|".join(re.escape(phrase) for phrase in sorted(change_phrases("for_whom"), key=len, reverse=True))
    return re.compile(rf"(?<=\s)(?:{phrases})\s+([^\W\d_]+(?:\s+[^\W\d_]+){{0,2}})[\s.!]*$")


@cache
def _all_numerals() -> frozenset[str]:
    return frozenset(word for one in vocabularies().values() for word in (*one.numerals, *one.counts))


def _line(text: str) -> str:
    line = _APOSTROPHE.sub("", fold(_unhidden(text)).translate(_ALIKE))
    line = _without_name(without_laughter(line))
    return line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + _STRANGE


def _unhidden(text: str) -> str:
    """Mark the places where folding would silently make another number: "5²", "①②", "5̶"."""
    # Keycaps become digits of their own kind: 1️⃣2️⃣ is 12, but 5 beside 7️⃣ is doubtful.
    text = _KEYCAP.sub(lambda keycap: chr(_BOLD_ZERO + int(keycap[1])), text).translate(_BEFORE_FOLDING)
    return text if text.isascii() else "".join(_guarded(text))


def _guarded(text: str) -> Iterator[str]:
    before = ""
    for char in text:
        digits = _family(char)
        if _folded(char):
            if (before and digits and (before != digits or digits == _WHOLE)) or _vanishes(char):
                yield _STRANGE
            before = digits
        elif before and unicodedata.category(char)[0] == "M" and char not in "\ufe0e\ufe0f":
            yield _STRANGE
        yield char


_WHOLE = "a number by itself"


@lru_cache(4096)
def _family(char: str) -> str:
    """Return which digits it may stand beside in a number: those of one script, superscripts, subscripts."""
    decimal = unicodedata.decimal(char, None)
    if decimal is not None:
        return chr(ord(char) - decimal)
    if unicodedata.numeric(char, None) is None and char != _KEYCAP_TEN:
        return ""
    form = unicodedata.decomposition(char).partition(" ")[0]
    return form if form in ("<super>", "<sub>") else _WHOLE


def _vanishes(char: str) -> bool:
    """Return whether it folds into a space, as a stand-alone accent does ("5´")."""
    return " " in _folded(char) and not char.isspace()


@lru_cache(4096)
def _folded(char: str) -> str:
    """Fold one character. Normalising a long run of combining marks at once would take quadratic time."""
    if char.isspace():
        return " "
    if char == _KEYCAP_TEN:
        return "10"
    category = unicodedata.category(char)
    if category in ("Cc", "Cf"):
        return ""
    if category == "Cs":
        return _STRANGE
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
    return "".join(map(_digit, (part for part in plain if unicodedata.category(part)[0] != "M")))


def _digit(char: str) -> str:
    """Make a decimal digit ASCII. `isdigit` would not do: it is true for "⁵", which int() refuses."""
    return str(unicodedata.decimal(char)) if char.isdecimal() else char
