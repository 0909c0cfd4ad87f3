"""Read the ticket numbers that a person asks for. Money depends on it, so anything doubtful is asked again."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import islice, pairwise
from typing import NamedTuple

from chalicelib.domain.languages import LANGUAGES
from chalicelib.domain.orders import MAX_NUMBERS


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
    """
    line = _line(text)
    tokens = list(_tokens(line))
    kinds = "".join(token.kind for token in tokens)
    if _RANDOM.fullmatch(kinds):
        return _random(tokens, most)
    if _QUANTITY.fullmatch(kinds):
        pick = _random(tokens, most)
        return Unclear(Unclarity.QUANTITY, str(pick.quantity)) if isinstance(pick, Random) else pick
    if not (_ASKS.search(kinds) or _HAS_DIGITS.search(line)):
        return Unclear(Unclarity.NOTHING)
    doubt = _doubt(line, tokens, kinds, last)
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


def padded(number: int, last: int) -> str:
    """Format a number as it is shown (N1): "007" if the last one is 999."""
    return f"{number:0{len(str(last))}d}"


# --- The words we know. Any other word makes the whole message doubtful.

_DIGITS, _WORD, _COUNT, _SEPARATOR, _AND, _TO, _DASH, _FROM = "nwc,&t-d"
_ARTICLE, _O, _NOUN, _MARK, _NO, _RANDOMLY, _WANT, _FILLER, _COLON, _END, _UNKNOWN = "aomsxrvf:.?"

_WORDS: Mapping[str, str] = {
    _SEPARATOR: ", | ;",
    _AND: "and | y | e | &",
    _TO: "to | through | thru | up to | al | a | hasta | ao | ate",
    _FROM: "from | del | de | desde | do",
    _ARTICLE: "the | el | los | os",
    _O: "o",  # Portuguese "the", Spanish "or"
    _MARK: "# | n° | n.° | n°. | n. | nr. | nro. | num.",
    _NO: "no.",  # "number", or somebody says no
    _NOUN: """number | numbers | ticket | tickets | numero | numeros | num | nro | n | boleto | boletos | rifa | rifas
        | bilhete | bilhetes | cartela | cartelas | cota | cotas""",
    # Feminine and shortened forms count tickets; they do not name a number.
    _COUNT: "un | una | uma | duas",
    _RANDOMLY: """random | randomly | a random | any | lucky | a lucky | lucky dip | a lucky dip | surprise | a surprise
        | surprise me | surprise me with | azar | al azar | a la suerte | cualquiera | cualquier | cualesquiera
        | aleatorio | aleatorios | aleatoria | aleatorias | sorpresa | sorprendeme | sorprendeme con | ao acaso
        | a sorte | qualquer | quaisquer | qualquer um | surpresa | me surpreenda | me surpreenda com
        | surpreenda-me""",
    # With one of these, a lone number may be a quantity: "dame 3", "just 2".
    _WANT: """i want | i want to buy | i need | i take | i'll take | i will take | i'd like | i would like | i pick
        | i'd like to buy | i would like to buy | i choose | can i get | can i have | can i take | could i get
        | could i have | may i get | may i have | give me | get me | let me get | let me have | want | just | only
        | quiero | yo quiero | quisiera | queria | me gustaria | dame | deme | me das | me da | me puedes dar
        | me puede dar | llevo | me llevo | tomo | elijo | escojo | me quedo con | comprar | apartame | reservame
        | necesito | solo | solamente | quero | eu quero | gostaria de | me ve | fico com | escolho | so | apenas""",
    # "may" alone is a month, and "por" alone a price, so such words are known only in a phrase.
    _FILLER: """hi | hello | hey | please | pls | plz | thanks | thank you | thx | yes | ok | okay | good morning
        | good afternoon | good evening | also | for me | hola | buenas | buenos dias | buenas tardes | buenas noches
        | por favor | porfavor | porfa | gracias | muchas gracias | si | claro | tambien | para mi | ese mismo | oi
        | ola | bom dia | boa tarde | boa noite | obrigado | obrigada | muito obrigado | muito obrigada | sim | tambem
        | pra mim | para mim | 🙏 | 👍 | 👌 | 👋 | 🤞 | 😀 | 😃 | 😄 | 😁 | 😊 | 🙂 | 😉 | 🥳 | 🎉 | 🍀 | ✨ | ❤ | 🎟
        | 🎫 | 🏻 | 🏼 | 🏽 | 🏾 | 🏿""",
    _COLON: ":",
    _END: ". | ! | ? | ¡ | ¿",
}
_KINDS = {phrase.strip(): kind for kind, phrases in _WORDS.items() for phrase in phrases.split("|")}


def _numerals() -> Iterator[tuple[str, int]]:
    for language in LANGUAGES.values():
        words = language.numbers
        small = words.small.split()
        tens = words.tens.split()
        yield from zip(small, range(30), strict=False)
        for ten, name in zip(range(100 - 10 * len(tens), 100, 10), tens, strict=True):
            yield name, ten
            yield from ((name + joint + small[unit], ten + unit) for joint in words.joints for unit in range(1, 10))
        yield from words.more.items()


_COUNTS = {"un": 1, "una": 1, "uma": 1, "duas": 2}
_VALUES = {**dict(_numerals()), **_COUNTS}
_KINDS.update((name, _WORD) for name in _VALUES if name not in _COUNTS)

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
        if token.is_number and open_range:
            start = spans.pop()[0]
            spans.append((min(start, token.value), max(start, token.value)))
        elif token.is_number:
            spans.append((token.value, token.value))
        open_range = token.kind in (_TO, _DASH) or (open_range and not token.is_number)
    return spans


def _may_be_quantity(tokens: Sequence[_Token], kinds: str, most: int) -> bool:
    """ "I want 5" and "one, please" may count tickets. "the 5", "#5", "005" and numbers above `most` do not."""
    numbers = [(at, token) for at, token in enumerate(tokens) if token.is_number]
    at, number = numbers[0]
    named = kinds[at - 1 : at] in tuple(_ARTICLE + _O + _NOUN + _MARK + _NO + _COLON)
    if len(numbers) > 1 or named or number.shows_padding or number.value > most:
        return False
    return _WANT in kinds or (_FILLER in kinds and number.kind == _WORD and number.value == 1)


# --- Doubts


def _doubt(line: str, tokens: Sequence[_Token], kinds: str, last: int) -> str | None:
    """Return the doubtful part, if there is one."""
    if _UNKNOWN in kinds:
        return _around(line, tokens[kinds.index(_UNKNOWN)])
    if not _SPECIFIC.fullmatch(kinds):
        return line
    return next(_misleading(line, tokens, kinds, last), None)


def _misleading(line: str, tokens: Sequence[_Token], kinds: str, last: int) -> Iterator[str]:
    yield from (token.text for token in tokens if token.kind == _DIGITS and _like_a_phone(token, last))
    yield from (match[0] for match in _THOUSANDS.finditer(line) if _is_one_number(match[0], last))
    for left, joint, right in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if left.kind == _WORD and joint.kind == _AND and right.value in _MAY_BE_ONE.get(left.value, ()):
            yield f"{left.text} {joint.text} {right.text}"
    yield from (f"{left.text} {token.text}" for left, token in _or_and_no(tokens, kinds))


# "1,500" if there is a number 1500, and "1,000" nearly always. Anything else, such as "005,120", can only be a list.
_THOUSANDS = re.compile(r"(?<![0-9,])[1-9][0-9]{0,2}(?:,[0-9]{3})++(?![0-9,])")
_LONGEST_PHONE = 15  # digits, ITU-T E.164; local ones start at seven


def _is_one_number(thousands: str, last: int) -> bool:
    padded_list = thousands.index(",") == len(str(last))  # "100,000" names 100 and 000 where numbers have three digits
    return (thousands.endswith(",000") and not padded_list) or _value(thousands.replace(",", "")) <= last


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
_MAX_LEXEMES = 2200  # more than any list of different numbers in WhatsApp's 4096 characters
# How many lexemes a phrase with this first lexeme may have. The longest comes last and wins.
_LONGEST = {lexemes[0]: len(lexemes) for lexemes in sorted(map(_LEXEME.findall, _KINDS), key=len)}


def _tokens(line: str) -> Iterator[_Token]:
    lexemes = list(islice(_LEXEME.finditer(line), _MAX_LEXEMES))
    at = 0
    before = _UNKNOWN
    while at < len(lexemes):
        start = lexemes[at].start()
        for size in range(min(_LONGEST.get(lexemes[at][0], 1), len(lexemes) - at), 0, -1):
            end = lexemes[at + size - 1].end()
            kind = _kind(line[start:end])
            if kind != _UNKNOWN:
                break
        at += size
        before = _in_place(line, start, end, kind, before)
        yield _Token(before, line[start:end], _value(line[start:end]), start)
    if at == _MAX_LEXEMES:
        yield _Token(_UNKNOWN, "", start=len(line))


def _kind(text: str) -> str:
    if text[0] in _ASCII_DIGITS:
        return _DIGITS
    return _KINDS.get(text, text if text in "+-" else _UNKNOWN)


# More than any raffle has. int() of a very long string is slow, and it refuses more than 4,300 digits.
_MAX_DIGITS = 18
_HUGE = 10**_MAX_DIGITS


def _value(text: str) -> int:
    if text[0] in _ASCII_DIGITS:
        significant = text.lstrip("0")
        return int(significant or "0") if len(significant) <= _MAX_DIGITS else _HUGE
    return _VALUES.get(text, -1)


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


def _line(text: str) -> str:
    line = fold(_unhidden(text)).translate(_ALIKE)
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
