"""Read how somebody wants to change the numbers of their order. Money depends on it, so any doubt is asked."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from chalicelib.domain.intents import CHANGE, POLITE, Found, Intent, Meaning, Word, read_meaning
from chalicelib.domain.orders import MAX_NUMBERS
from chalicelib.domain.picks import Specific, Unclarity, Unclear, read_pick
from chalicelib.domain.vocabulary import change_phrases


@dataclass(frozen=True)
class Edit:
    """Numbers that an order gets and gives back."""

    add: tuple[int, ...] = ()
    remove: tuple[int, ...] = ()


class EditKind(StrEnum):
    """Changes that the buttons below a question can make. Each is made with the numbers in the button's id."""

    ADD = "add"
    REMOVE = "remove"
    ONLY = "only"  # the order has these numbers, and no others
    SWAP = "swap"  # the first goes, the second comes

    def edit(self, owned: Sequence[int], numbers: Sequence[int]) -> Edit:
        added = tuple(number for number in numbers if number not in owned)
        match self:
            case EditKind.ADD:
                return Edit(add=added)
            case EditKind.REMOVE:
                return Edit(remove=tuple(number for number in numbers if number in owned))
            case EditKind.SWAP:
                return Edit(add=tuple(numbers[1:]), remove=tuple(numbers[:1]))
            case EditKind.ONLY:
                return Edit(add=added, remove=tuple(number for number in owned if number not in numbers))


# Said around a change, these change nothing about it: "quiero quitar el 7", "add number 60, please".
HARMLESS = POLITE | {Intent.WANT, Intent.NOUN}
# These may lead to a change: "no, espera: quita el 7". A yes may confirm the order: "yes, but swap 5 for 8".
LEADING = frozenset((Intent.WAIT, Intent.NO))
# A no leads to a change only if it ends there: "não tira o 7" keeps the 7.
NO_ENDS = re.compile(r"\s*[,;:.!…]")
MAX_COUNTED = 10  # "add 8" may mean any eight; nobody adds 34 others
MAX_ASKED = 5  # numbers about which buttons ask


@cache
def _pattern(kind: str, after: str = r"(?!\w)") -> re.Pattern[str]:
    """Return the pattern of the phrases of a kind (`[changes]` in `words/*.toml`), in all languages."""
    phrases = sorted(change_phrases(kind), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, phrases))}){after}")


_ARTICLE = r"(?:\s+(?:el|o|the))?(?:\s+(?:number|numero))?[\s#]*$"  # up to the number that follows


def names_number(line: str) -> bool:
    """Return whether a folded line names a number as one: "the 5", "number 5", "#5"."""
    return "#" in line or _pattern("before_number", r"\s+[0-9]").search(line) is not None


def names_cancelling(meaning: Meaning) -> bool:
    """Return whether they say to cancel, and not only to forget something."""
    words = (word.text for one in meaning.found if one.intent is Intent.CANCEL for word in one.words)
    return any(word.startswith(tuple(change_phrases("cancelling"))) for word in words)


def read_edit(text: str, owned: Sequence[int], *, first: int, last: int, is_confirmed: bool) -> Edit | None:
    """Read a change of an order with the numbers `owned`. None: it is doubtful, or no change.

    Numbers without a word join an order, unless it `is_confirmed`: then a number may be an amount or a reference.
    """
    text = _for_whom().sub("", text) or text
    meaning = _without_leading(read_meaning(text))
    said = meaning.intents - HARMLESS
    numbers = [word for word in meaning.rest if _is_digits(word.text)]
    others = [word.text for word in meaning.rest if word not in numbers]
    may_negate = change_phrases("not") if said == {Intent.SWAP} else frozenset()
    # Folding turns "5²" into 52, which nobody wrote.
    as_typed = [word.text for word in numbers] == re.findall("[0-9]+", text)
    if not numbers or not as_typed or not may_negate.issuperset(others):
        return None
    # Words that only look like ours change nothing: "Sara" is not "saca".
    if any(one.misspelt and one.intent in CHANGE | {Intent.CANCEL} for one in meaning.found):
        return None
    if Intent.CANCEL in said and "?" in text:
        return None
    if not said:
        pick = read_pick(text, first=first, last=last)
        return Edit(add=pick.numbers) if isinstance(pick, Specific) and not is_confirmed else None
    if said == {Intent.NO}:
        edit = _refuse(meaning, numbers, owned)
    elif said <= {Intent.SWAP, Intent.NO}:
        edit = _exchange(meaning, numbers, owned)
    elif said in ({Intent.ADD}, {Intent.REMOVE}, {Intent.CANCEL}) and not _keeps(meaning):
        edit = _one_way(meaning, next(iter(said)), numbers, owned, first, last)
    elif said <= {Intent.ADD, Intent.REMOVE}:
        edit = _by_phrase(meaning, numbers, owned)
    else:
        return None
    if edit is None or not all(first <= number <= last for number in edit.add):
        return None
    return edit


def named_numbers(text: str, *, first: int, last: int) -> tuple[int, ...]:
    """Return the numbers that a doubtful change names, so that buttons can ask about them. (): none, or too many."""
    words = [word.text for word in read_meaning(text).rest]
    numbers = dict.fromkeys(int(word) for word in words if _is_digits(word))
    fit = all(first <= number <= last for number in numbers)
    return tuple(numbers) if fit and len(numbers) <= MAX_ASKED else ()


def which_goes(text: str, owned: Sequence[int]) -> int | None:
    """Return the number that is to be exchanged if they do not say for which one: "change the 5"."""
    meaning = _without_leading(read_meaning(text))
    number = meaning.numbers
    is_swap = meaning.intents - HARMLESS == {Intent.SWAP} and len(meaning.rest) == 1
    is_own = _is_digits(number) and int(number) in owned
    return int(number) if is_swap and is_own and not _says_rather(meaning) else None


def _says_rather(meaning: Meaning) -> bool:
    return any(_phrase(one) in change_phrases("rather") for one in meaning.found)


def _is_digits(word: str) -> bool:
    return re.fullmatch("[0-9]{1,7}", word) is not None


@cache
def _for_whom() -> re.Pattern[str]:
    """Return the pattern of whom a number is for, at the end: "add number 60 for my wife"."""
    phrases = "|".join(map(re.escape, change_phrases("for_whom")))
    return re.compile(rf"(?<=\s)(?:{phrases})\s+[^\W\d]+[\s.!]*$", re.IGNORECASE)


def _without_leading(meaning: Meaning) -> Meaning:
    """Leave out what only leads to a change: "no, espera", "ok", "actually", "pero"."""
    changing = CHANGE | {Intent.CANCEL}  # "no, mejor cancela el 12"
    changes = [one.words[0].start for one in meaning.found if one.intent in changing and not _leads(one)]
    if not changes:
        return meaning
    begin = min(changes)
    if any(word.start < begin for word in meaning.rest if _is_digits(word.text)):  # "no, el 8 y el 9"
        return meaning
    leading = [one for one in meaning.found if one.words[-1].end <= begin and (_leads(one) or one.intent in LEADING)]
    waits = [one.words[0].start for one in leading if one.intent is Intent.WAIT]
    leading = [one for one in leading if one.intent is not Intent.NO or _ends_there(meaning, one, waits)]
    refusals = [one.words[0].start for one in leading if one.intent is Intent.NO]
    # "Ese no" is no yes.
    leading += [one for one in meaning.found if one.intent is Intent.YES and _stands_before(meaning, one, refusals)]
    fillers = [word for word in meaning.rest if word.end <= begin and word.text in change_phrases("filler")]
    line = list(meaning.line)
    for word in [*(word for one in leading for word in one.words), *fillers]:
        line[word.start : word.end] = " " * (word.end - word.start)
    found = tuple(one for one in meaning.found if one not in leading)
    return Meaning("".join(line), found, tuple(word for word in meaning.rest if word not in fillers))


def _ends_there(meaning: Meaning, no: Found, waits: Iterable[int]) -> bool:
    """Return whether a no ends, or somebody asks to wait right after it, so that it negates nothing that follows."""
    return NO_ENDS.match(meaning.line, no.words[-1].end) is not None or _stands_before(meaning, no, waits)


def _stands_before(meaning: Meaning, one: Found, starts: Iterable[int]) -> bool:
    """Return whether one of the places `starts` comes right after a phrase."""
    end = one.words[-1].end
    return any(meaning.line[end:start].isspace() for start in starts)


def _leads(one: Found) -> bool:
    """Return whether a phrase that means a swap by itself only leads to another change: "actually, add 5"."""
    return _phrase(one) in change_phrases("leading")


def _phrase(one: Found) -> str:
    return " ".join(word.text for word in one.words)


def _one_way(
    meaning: Meaning, intent: Intent, numbers: Sequence[Word], owned: Sequence[int], first: int, last: int
) -> Edit | None:
    wishes = [one for one in meaning.found if one.intent in (intent, Intent.WANT)]
    is_wish = any(one.intent is Intent.WANT and _has_number(one, wishes, numbers) for one in wishes)
    if is_wish and intent is not Intent.ADD:
        return None  # "quita el 5, quiero el 8"
    is_forgotten = intent is Intent.CANCEL and not names_cancelling(meaning)
    if is_forgotten or (len(numbers) > 1 and any(_phrase(one) in change_phrases("refusing") for one in wishes)):
        return None  # "déjalo el 5", "not the 5, the 8"
    pick = read_pick(meaning.without(intent, Intent.COURTESY, Intent.THANKS), first=first, last=last)
    named = names_number(meaning.line)
    is_own = intent is not Intent.ADD and len(owned) < int(numbers[0].text) and int(numbers[0].text) in owned
    is_plain = intent is Intent.ADD and int(numbers[0].text) > MAX_COUNTED
    if isinstance(pick, Unclear) and pick.reason is Unclarity.QUANTITY and (named or is_own or is_plain):
        pick = Specific((int(numbers[0].text),))  # "apártame también el 27"
    if not isinstance(pick, Specific):
        return None
    # "agrega 2" may mean any two.
    most = MAX_COUNTED if intent is Intent.ADD else len(owned)
    if len(pick.numbers) == 1 and pick.numbers[0] <= most and not named:
        return None
    return Edit(add=pick.numbers) if intent is Intent.ADD else Edit(remove=pick.numbers)


def _refuse(meaning: Meaning, numbers: Sequence[Word], owned: Sequence[int]) -> Edit | None:
    """Read "el 10 no": a no right after a number of the order takes it out, if others are left."""
    refused = [int(one.text) for one in numbers if _pattern("not").match(meaning.line[one.end :].lstrip(" ,"))]
    is_clear = len(refused) == len(numbers) and set(refused) < set(owned)
    return Edit(remove=tuple(refused)) if is_clear else None


def _exchange(meaning: Meaning, numbers: Sequence[Word], owned: Sequence[int]) -> Edit | None:
    """Read "cambia el 5 por el 8", "el 8 en vez del 5", "instead of 5, give me 8", "not the 5, swap it for 8".

    "Mejor el 8" says which number goes if the order has one.
    """
    is_negated = Intent.NO in meaning.intents or len(meaning.rest) > len(numbers)
    if len(numbers) == 1 and len(owned) == 1 and not is_negated and _prefers(meaning, numbers[0]):
        new = int(numbers[0].text)
        return Edit(add=(new,), remove=tuple(owned)) if new not in owned else None
    if len(numbers) != 2:
        return None
    left, right = numbers
    before, between = meaning.line[: left.start], meaning.line[left.end : right.start]
    swaps = [one for one in meaning.found if one.intent is Intent.SWAP]
    is_left_refused = _pattern("not", r"[\s,]").match(between.lstrip(" ,")) is not None
    if is_left_refused and int(left.text) in owned and int(right.text) not in owned:
        return Edit(add=(int(right.text),), remove=(int(left.text),))  # "el 12 no, mejor el 15"
    is_refused = _pattern("not", _ARTICLE).search(before) is not None  # "not the 5, swap it for the 8"
    if is_negated and not (is_refused and swaps and swaps[0].words[0].start > left.end):
        return None  # "no cambies el 5 por el 8"
    if is_negated and _pattern("instead").search(meaning.line):
        return None  # "no el 33 en vez del 5"
    if _pattern("instead").search(between):
        return Edit(add=(int(left.text),), remove=(int(right.text),))
    if _pattern("instead", _ARTICLE).search(before):
        wishes = [one for one in meaning.found if left.end <= one.words[0].start < right.start]
        is_wish = all(one.intent in HARMLESS for one in wishes)
        return Edit(add=(int(right.text),), remove=(int(left.text),)) if is_wish else None
    if _pattern("between").search(between) and not _pattern("instead").search(meaning.line):
        return Edit(add=(int(right.text),), remove=(int(left.text),))
    return None


def _prefers(meaning: Meaning, number: Word) -> bool:
    """Return whether they would rather have a number, and name it as one: "mejor el 8", "cámbialo por el 8"."""
    before = meaning.line[: number.start]
    is_preferred = _says_rather(meaning) or _pattern("between", _ARTICLE).search(before) is not None
    is_number = int(number.text) > MAX_NUMBERS or names_number(meaning.line)
    return is_preferred and (is_number or _pattern("between", r"\s+$").search(before) is not None)


def _by_phrase(meaning: Meaning, numbers: Sequence[Word], owned: Sequence[int]) -> Edit | None:
    """Read "quita el 5 y agrega el 8", "solo el 17 y el 27, quita el 37": each number belongs to the phrase before it.

    "Only" keeps what it names: numbers of the order, and no others.
    """
    phrases = [one for one in meaning.found if one.intent in CHANGE]
    if any(not _is_keeping(one) and not _has_number(one, phrases, numbers) for one in phrases):
        return None  # "quita solo el 5"
    phrases = [one for one in phrases if not _continues(one, phrases, numbers)]
    kept: list[int] | None = None
    added: list[int] = []
    removed: list[int] = []
    for word in numbers:
        before = [one for one in phrases if one.words[0].start < word.start]
        if not before and phrases and _phrase(phrases[0]) in change_phrases("keeping"):
            before = phrases[:1]  # "18 and 27 only"
        if not before:
            return None
        number = int(word.text)
        if _is_keeping(before[-1]):
            kept = [*(kept or ()), number]
        elif before[-1].intent is Intent.ADD:
            added.append(number)
        else:
            removed.append(number)
    left = [number for number in owned if number not in removed and (kept is None or number in kept)]
    is_plain = kept is None and bool(removed) and len(phrases) == (2 if added else 1)
    is_kept = kept is not None and bool(left) and set(kept) <= {*owned} - {*removed} and not added
    if not (is_plain or is_kept) or set(added) & set(removed):
        return None
    gone = tuple(dict.fromkeys(removed)) if is_plain else tuple(number for number in owned if number not in left)
    return Edit(add=tuple(dict.fromkeys(added)), remove=gone)


def _continues(one: Found, phrases: Sequence[Found], numbers: Iterable[Word]) -> bool:
    """Return whether a phrase only continues a list: "quita el 5 *y el* 15"."""
    if _phrase(one) not in change_phrases("conjunction"):
        return False
    before = [other for other in phrases if other.words[0].start < one.words[0].start]
    return any(_has_number(other, phrases, numbers) for other in before)


def _is_keeping(one: Found) -> bool:
    return any(word.text in change_phrases("keeping") for word in one.words)


def _has_number(one: Found, phrases: Sequence[Found], numbers: Iterable[Word]) -> bool:
    """Return whether a number stands between a phrase and the next one."""
    start = one.words[0].start
    end = min((other.words[0].start for other in phrases if other.words[0].start > start), default=None)
    return any(start < word.start and (end is None or word.start < end) for word in numbers)


def _keeps(meaning: Meaning) -> bool:
    return any(map(_is_keeping, meaning.found))
