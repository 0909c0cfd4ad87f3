"""Find words which say that money did not come in, wherever a bank writes them (bank_words.toml)."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from chalicelib.domain.codes import ascii_words
from chalicelib.domain.statements import Why
from chalicelib.statements.bank_words import bank_words

MAX_STATE = 60  # characters of a cell that is nothing but a state


class DoubtfulWords(NamedTuple):
    """What the words of a payment raise: a reversal, and reasons to doubt that it is booked or came in."""

    reversal: bool = False
    doubts: tuple[Why, ...] = ()


def find(text: str) -> DoubtfulWords:
    """Find words that make a payment unsure wherever they stand, also in what a payer wrote."""
    words = set(ascii_words(text))
    doubts = bank_words().doubts
    return DoubtfulWords(bool(words & doubts.reversal), (Why.STATE_UNKNOWN,) if words & doubts.state else ())


def names_debit(cells: Iterable[str]) -> bool:
    """Return whether a word for a debit stands anywhere. Only for files that say no direction otherwise."""
    return any(word in _long_debits() for cell in cells for word in ascii_words(cell))


@cache
def _long_debits() -> frozenset[str]:
    return frozenset(word for word in bank_words().sides.debit if len(word) > 3)


def is_state_of_no_money(cell: str) -> bool:
    """Return whether the cell is nothing but a word such as "Memo" or "Failed"."""
    if len(cell) > MAX_STATE:
        return False
    state = " ".join(ascii_words(cell))
    states = bank_words().states
    return state in states.pending or state in states.failed or state in states.set_aside


def is_balance(cells: Sequence[str]) -> bool:
    """Return whether a row's text is nothing but a balance or a sum: "Saldo anterior", "S A L D O", "Total 30/11"."""
    heads = bank_words().balances.heads
    compact = "".join(cells).upper().replace(" ", "")
    if len(compact) > MAX_STATE or not any(head in compact for head in heads):
        return False
    words = [word for cell in cells for word in _unspaced(ascii_words(cell))]
    fillers = bank_words().balances.fillers
    return any(word in heads for word in words) and all(
        word in heads or word in fillers or word.isdecimal() for word in words
    )


def _unspaced(words: list[str]) -> list[str]:
    """Return spaced-out letters as one word."""
    return ["".join(words)] if len(words) > 1 and all(len(word) == 1 for word in words) else words
