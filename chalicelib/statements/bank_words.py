"""Load the words by which bank files are read, from bank_words.toml."""

import tomllib
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

WORDS_FILE = Path(__file__).with_name("bank_words.toml")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Headings(_Table):
    """Headings that need care."""

    no_text: tuple[str, ...]
    no_sign: tuple[str, ...]
    loose_sign: tuple[str, ...]
    exact: frozenset[str]


class Sides(_Table):
    """Words that tell whether money came in or went out."""

    credit: frozenset[str]
    debit: frozenset[str]
    neutral: frozenset[str]
    letters: tuple[tuple[str, str], ...]
    initials: frozenset[str]
    suffixes: tuple[str, ...]


class States(_Table):
    """Words that tell whether a line is booked yet."""

    booked: frozenset[str]
    pending: frozenset[str]
    set_aside: frozenset[str]
    failed: frozenset[str]


class Doubts(_Table):
    """Words that make a payment unsure wherever they stand."""

    state: frozenset[str]
    reversal: frozenset[str]


class Balances(_Table):
    """Words of rows that hold a balance or a sum. `heads` make it one; nothing but `fillers` may stand beside them."""

    heads: frozenset[str]
    fillers: frozenset[str]


class Currencies(_Table):
    """Currency signs with the ISO 4217 codes that they may mean."""

    symbols: dict[str, str]
    signs: dict[str, tuple[str, ...]]


class BankWords(_Table):
    """The whole file. `columns` are by the names of `ParseOptions`, their words in order of preference."""

    columns: dict[str, tuple[str, ...]]
    headings: Headings
    sides: Sides
    states: States
    doubts: Doubts
    balances: Balances
    months: dict[int, tuple[str, ...]]
    currencies: Currencies


@lru_cache(maxsize=1)
def bank_words() -> BankWords:
    """Return the words; the file is read on the first call."""
    return BankWords.model_validate(tomllib.loads(WORDS_FILE.read_text(encoding="utf-8")))
