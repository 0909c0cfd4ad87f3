"""Find the numbers that somebody may want, in a message that also has words which the bot does not know.

Nothing is held for a guess: the bot asks, and holds after a yes.
"""

import re
from functools import cache

from chalicelib.domain.intents import Intent, quantity_of, read_meaning
from chalicelib.domain.orders import MAX_NUMBERS
from chalicelib.domain.picks import fold, is_plain, looks_like_phone
from chalicelib.domain.vocabulary import change_phrases, number_words

MAX_PROPOSED = 10
MAX_TEXT = 300  # characters; whoever writes more tells a story
_NUMBER = re.compile(r"(?<![\w+.=/-])[0-9]{1,7}(?!\w)")
# Money, times, dates and shares; and "5 or 12", which is a question of theirs.
_OTHER = re.compile(r"[0-9][.:/][0-9]|[$\u20b2\u20ac][ ]?[0-9]|[0-9][ ]?[%\u20ac$]|[0-9]\s+(?:o|u|ou|or)\s+[0-9]")


def propose(text: str, *, first: int, last: int) -> tuple[int, ...]:
    """Return the numbers to ask about, in the order in which they are named. (): there are none, or it is doubtful."""
    line = fold(text)
    if number_words("of_age") & set(re.findall(r"\w+", line)):
        return ()
    if len(text) > MAX_TEXT or not is_plain(text) or _OTHER.search(line) or looks_like_phone(line, last):
        return ()
    wishes = {one.words[-1].end for one in read_meaning(text).found if one.intent is Intent.WANT}
    numbers: dict[int, None] = {}
    refused: set[int] = set()
    for found in _NUMBER.finditer(line):
        before, after = line[: found.start()], line[found.end() :]
        if _refused().search(before) or _refused_after().match(after):
            refused.add(int(found[0]))
            continue
        is_time = _of_time().search(before) is not None and len(before.rstrip()) not in wishes  # "go for 22"
        if is_time or _unit().match(after) or _quantity().match(after):
            return ()
        number = int(found[0])
        if not first <= number <= last:
            return ()
        numbers[number] = None
    wanted = tuple(number for number in numbers if number not in refused)
    return wanted if len(wanted) <= MAX_PROPOSED else ()


def names_money(text: str) -> bool:
    """Return whether a number in a text is an amount, a time or the like: "mandei 20 reais"."""
    line = fold(text)
    numbers = _NUMBER.finditer(line)
    return re.search(r"[$\u20b2\u20ac][ ]?[0-9]", line) is not None or any(
        _unit().match(line[one.end() :]) for one in numbers
    )


def refuses(text: str) -> bool:
    """Return whether a text speaks of numbers that are not wanted: "anything but 45"."""
    return bool(set(re.findall(r"\w+", fold(text))) & number_words("without"))


def named_as_numbers(text: str) -> frozenset[int]:
    """Return the numbers that a text names with an article or as numbers; none if it says no, or speaks of money."""
    line = fold(text)
    if len(text) > MAX_TEXT or _OTHER.search(line) or read_meaning(text).has(Intent.NO):
        return frozenset()
    found = [one for one in _NUMBER.finditer(line) if not _unit().match(line[one.end() :])]
    return frozenset(int(one[0]) for one in found if _named().search(line[: one.start()]))


def counted(text: str) -> int | None:
    """Return how many numbers a text asks for: "quiero 3 boletos de la bici". None if it names no quantity."""
    line = fold(text)
    found = list(re.finditer(r"(?<![\w+.=/-])[0-9]{1,2}(?![\w])", line))
    digits = re.findall("[0-9]+", line)
    if len(text) > MAX_TEXT or len(found) != 1 or len(digits) != 1 or not _quantity().match(line[found[0].end() :]):
        return None
    return int(digits[0]) if 0 < int(digits[0]) <= MAX_NUMBERS else None


def drawn(text: str) -> int | None:
    """Return how many numbers at random a text may ask for, beside words that the bot does not know.

    "pick me 3 good ones", "two please, any will do". None: it says nothing of random, or it is not clear how many.
    """
    meaning = read_meaning(text)
    counts = [quantity_of(word.text) for word in meaning.rest if word.has_digits or quantity_of(word.text) is not None]
    is_wish = meaning.has(Intent.RANDOM) and meaning.said <= {Intent.RANDOM, Intent.WANT, Intent.NOUN, Intent.YES}
    if not is_wish or len(counts) != 1 or len(text) > MAX_TEXT or "?" in text:
        return None
    return counts[0] if counts[0] is not None and 0 < counts[0] <= MAX_PROPOSED else None


@cache
def _named() -> re.Pattern[str]:
    words = {*number_words("article"), *number_words("noun"), *number_words("and")}
    return re.compile(rf"(?:#|,|(?<!\w)(?:{_either(words)}))\s*$")


@cache
def _refused() -> re.Pattern[str]:
    """A number after one of these is not wanted: "pero no el 66"."""
    articles = _either(number_words("article"))
    return re.compile(rf"(?<!\w)(?:{_either(number_words('without'))})(?:\s+(?:{articles}))?\s*$")


@cache
def _refused_after() -> re.Pattern[str]:
    """A number before a no is not wanted either: "el 5 no", "o 44, não"."""
    drawn_out = "|".join(f"{re.escape(word)}{word[-1]}*" for word in sorted(change_phrases("not")))  # "naooo"
    return re.compile(rf"[\s,]+(?:{drawn_out})(?!\w)")


@cache
def _of_time() -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{_either(number_words('before_other'))})\s*$")


@cache
def _quantity() -> re.Pattern[str]:
    """A number before one of these is how many: "3 boletos"."""
    return re.compile(rf"\s+(?:{_either(number_words('noun'))})(?!\w)")


@cache
def _unit() -> re.Pattern[str]:
    return re.compile(rf"\s*(?:{_either(number_words('unit'))})(?!\w)")


def _either(words: frozenset[str] | set[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
