"""The corpus of what buyers write (tests/data/chat*.tsv): its lines, and how an answer is judged."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).parent.parent / "data"
# What these replies say has changed something, so nobody may get them who did not ask for it.
ACTIONS = {"cancelled", "opted_out", "opted_in", "payment_instructions", "person_called"}
UNDERSTOOD, ASKED, UNHELPFUL, WRONG_HOLD, WRONG_ACTION = (
    "understood", "asked back", "unhelpful", "WRONG HOLD", "WRONG ACTION",
)  # fmt: skip
VERDICTS = (UNDERSTOOD, ASKED, UNHELPFUL, WRONG_HOLD, WRONG_ACTION)


class Line(NamedTuple):
    """An utterance, the state in which it is said, and what is right."""

    lang: str
    state: str
    utterance: str
    wanted: Sequence[str]
    or_ask: Sequence[str]
    kind: str


@dataclass(frozen=True)
class Answer:
    """What became of an utterance.

    Attributes:
        replies: the names of the replies.
        held: the numbers of the orders that it made or changed.
        added: those that were not held before.
        opted_out: they get no more messages.
    """

    replies: Sequence[str]
    held: frozenset[int]
    added: frozenset[int]
    opted_out: bool = False


def lines(name: str) -> list[Line]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return [
            Line(row["lang"], row["state"], row["utterance"], row["wanted"].split(), row["or_ask"].split(), row["kind"])
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]


def judge(line: Line, answer: Answer) -> str:
    right = [*line.wanted, *line.or_ask]
    if answer.held and not any(_holds(wish, answer) for wish in right):
        return WRONG_HOLD
    done = ACTIONS.intersection(answer.replies) | ({"opted_out"} if answer.opted_out else set())
    if line.utterance.casefold() in ("stop", "unsubscribe"):  # an opt-out is always honoured
        done.discard("opted_out")
    if done - set(right):
        return WRONG_ACTION
    if any(_is(wish, answer) for wish in line.wanted):
        return UNDERSTOOD
    return ASKED if any(_is(wish, answer) for wish in line.or_ask) else UNHELPFUL


def _is(wish: str, answer: Answer) -> bool:
    if wish.startswith("held"):
        return _holds(wish, answer)
    if wish == "no_hold":
        return not answer.held and "not_understood" not in answer.replies
    return wish in answer.replies


def _holds(wish: str, answer: Answer) -> bool:
    """Return whether these numbers are held: of a changed order, all that it has, or those that came to it."""
    if wish.startswith("held:"):
        return frozenset(map(int, wish.removeprefix("held:").split("+"))) in (answer.held, answer.added)
    return wish.startswith("held#") and int(wish.removeprefix("held#")) in (len(answer.held), len(answer.added))


def table(verdicts: Iterable[tuple[Line, str]]) -> Iterator[str]:
    """Yield the lines of a table: verdicts by language, and by kind."""
    counts: dict[str, Counter[str]] = {}
    for line, verdict in verdicts:
        for group in ("all", line.lang, line.kind):
            counts.setdefault(group, Counter())[verdict] += 1
    yield f"{'':12}" + "".join(f"{verdict:>14}" for verdict in VERDICTS)
    for group, found in counts.items():
        yield f"{group:12}" + "".join(f"{found[verdict]:14}" for verdict in VERDICTS)


def share(verdicts: Mapping[str, int], *counted: str) -> float:
    return sum(verdicts.get(verdict, 0) for verdict in counted) / sum(verdicts.values())
