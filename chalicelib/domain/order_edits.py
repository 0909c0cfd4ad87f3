"""Read how somebody wants to change the numbers of their order. Money depends on it, so any doubt is asked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from chalicelib.domain.intents import CHANGE, POLITE, Intent, Meaning, Word, read_meaning
from chalicelib.domain.orders import MAX_NUMBERS
from chalicelib.domain.picks import Specific, read_pick
from chalicelib.domain.vocabulary import change_phrases


@dataclass(frozen=True)
class Edit:
    """Numbers that an order gets and gives back."""

    add: tuple[int, ...] = ()
    remove: tuple[int, ...] = ()


HARMLESS = POLITE | {Intent.WANT, Intent.NOUN}


@cache
def _pattern(kind: str, after: str = r"(?!\w)") -> re.Pattern[str]:
    """Return the pattern of the phrases of a kind (`[changes]` in `words/*.toml`), in all languages."""
    phrases = sorted(change_phrases(kind), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, phrases))}){after}")


def _names_number(line: str) -> bool:
    return "#" in line or _pattern("before_number", r"\s+[0-9]").search(line) is not None


def read_edit(text: str, owned: Sequence[int], *, first: int, last: int, is_confirmed: bool) -> Edit | None:
    """Read a change of an order with the numbers `owned`. None: it is doubtful, or no change.

    Numbers without a word join an order, unless it `is_confirmed`: then a number may be an amount or a reference.
    """
    meaning = read_meaning(text)
    said = meaning.intents - HARMLESS
    if not meaning.rest or not all(re.fullmatch("[0-9]{1,7}", word.text) for word in meaning.rest):
        return None
    if not said:
        pick = read_pick(text, first=first, last=last)
        return Edit(add=pick.numbers) if isinstance(pick, Specific) and not is_confirmed else None
    if said == {Intent.SWAP}:
        edit = _exchange(meaning)
    elif said == {Intent.ADD, Intent.REMOVE}:
        edit = _by_phrase(meaning)
    elif said in ({Intent.ADD}, {Intent.REMOVE}):
        edit = _one_way(meaning, next(iter(said)), owned, first, last)
    else:
        return None
    if edit is None or not all(first <= number <= last for number in edit.add):
        return None
    return edit


def _one_way(meaning: Meaning, intent: Intent, owned: Sequence[int], first: int, last: int) -> Edit | None:
    pick = read_pick(meaning.without(intent), first=first, last=last)
    if not isinstance(pick, Specific):
        return None
    # "agrega 2" may mean any two.
    most = MAX_NUMBERS if intent is Intent.ADD else len(owned)
    if len(pick.numbers) == 1 and pick.numbers[0] <= most and not _names_number(meaning.line):
        return None
    if intent is Intent.ADD:
        return Edit(add=pick.numbers)
    return None if _keeps(meaning) else Edit(remove=pick.numbers)


def _exchange(meaning: Meaning) -> Edit | None:
    """Read "cambia el 5 por el 8" and "el 8 en vez del 5"."""
    if len(meaning.rest) != 2:
        return None
    left, right = meaning.rest
    between = meaning.line[left.end : right.start]
    if _pattern("instead").search(between):
        return Edit(add=(int(left.text),), remove=(int(right.text),))
    if _pattern("between").search(between) and not _pattern("instead").search(meaning.line):
        return Edit(add=(int(right.text),), remove=(int(left.text),))
    return None


def _by_phrase(meaning: Meaning) -> Edit | None:
    """Read "quita el 5 y agrega el 8": each number belongs to the phrase before it."""
    phrases = [(one.words[0].start, one.intent) for one in meaning.found if one.intent in CHANGE]
    if _keeps(meaning) or len(phrases) != 2:
        return None
    named: dict[Intent, list[int]] = {Intent.ADD: [], Intent.REMOVE: []}
    for word in meaning.rest:
        before = [intent for start, intent in phrases if start < word.start]
        if not before:
            return None
        named[before[-1]].append(int(word.text))
    edit = Edit(tuple(dict.fromkeys(named[Intent.ADD])), tuple(dict.fromkeys(named[Intent.REMOVE])))
    return edit if edit.add and edit.remove and not set(edit.add) & set(edit.remove) else None


def _keeps(meaning: Meaning) -> bool:
    words: list[Word] = [word for one in meaning.found for word in one.words]
    return any(word.text in change_phrases("keeping") for word in words)
