"""The words in bank_words.toml are written as they are compared, so that each of them can match."""

from itertools import chain

from chalicelib.domain.codes import ascii_words
from chalicelib.statements.bank_words import bank_words
from chalicelib.statements.options import ParseOptions
from chalicelib.statements.values import is_currency


def test_words_are_in_capitals_without_accents_and_signs() -> None:
    words = bank_words()
    listed = chain(
        *words.columns.values(), words.headings.no_text, words.headings.no_sign, words.headings.loose_sign,
        words.headings.exact, words.sides.credit, words.sides.debit, words.sides.neutral, words.sides.suffixes,
        *words.sides.letters, words.sides.initials, words.states.booked, words.states.pending, words.states.failed,
        words.states.set_aside, words.doubts.state, words.doubts.reversal, words.balances.heads,
        words.balances.fillers, *words.months.values(),
    )  # fmt: skip
    assert [word for word in listed if " ".join(ascii_words(word)) != word] == []


def test_columns_are_those_that_may_be_named() -> None:
    assert set(bank_words().columns) <= set(ParseOptions._fields)


def test_no_word_means_two_things() -> None:
    words = bank_words()
    assert not words.sides.credit & words.sides.debit
    assert not words.sides.neutral & (words.sides.credit | words.sides.debit)
    letters = set(chain(*words.sides.letters))
    assert set(words.sides.suffixes) <= words.sides.credit | words.sides.debit | letters
    assert not words.states.booked & (words.states.pending | words.states.failed | words.states.set_aside)
    assert not words.states.booked & (words.doubts.state | words.doubts.reversal)
    assert not words.balances.heads & words.balances.fillers


def test_single_letters_count_only_in_pairs() -> None:
    words = bank_words()
    assert not [word for word in words.sides.credit | words.sides.debit if len(word) == 1]
    assert set(chain(*words.sides.letters)) <= words.sides.initials
    assert all(len(letter) == 1 for letter in words.sides.initials)


def test_words_that_raise_doubts_are_single_words() -> None:
    words = bank_words()
    single = chain(words.doubts.state, words.doubts.reversal, words.balances.heads, words.balances.fillers)
    assert [word for word in single if " " in word] == []


def test_signs_mean_currencies_and_keep_their_first_meaning() -> None:
    currencies = bank_words().currencies
    assert all(map(is_currency, chain(currencies.symbols.values(), *currencies.signs.values())))
    assert all(code in currencies.signs.get(sign, (code,)) for sign, code in currencies.symbols.items())


def test_there_are_twelve_months() -> None:
    assert list(bank_words().months) == list(range(1, 13))
    assert all(len(name) == 3 for names in bank_words().months.values() for name in names)
