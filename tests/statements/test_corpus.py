"""Files as banks and payment services really write them, with what is sure in each: corpus/expected.json.

The people and accounts in them are invented, and so are the amounts.
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from chalicelib.domain.orders import Order
from chalicelib.domain.refusals import StatementUnreadable
from chalicelib.domain.statements import find_all_mentions, match_payments
from chalicelib.http.statements import StatementQuery
from chalicelib.statements.detect import read
from tests.support.matching_orders import NOW, order

CORPUS = Path(__file__).parent / "corpus"
EXPECTED: dict[str, Any] = json.loads((CORPUS / "expected.json").read_text(encoding="utf-8"))


def orders_for(name: str) -> dict[str, Order]:
    """The orders of all files, since a file may name another one's; those of this file as it says."""
    codes = {code: money for file in EXPECTED.values() for code, money in file["codes"].items()}
    codes |= EXPECTED[name]["codes"]
    return {
        code: order(code, numbers=(5,), unit_amount=money["amount"], currency=money["currency"])
        for code, money in codes.items()
    }


@pytest.mark.parametrize("name", sorted(name for name, file in EXPECTED.items() if "sure" in file))
def test_o4_what_is_sure_in_a_banks_file_is_what_people_expect(name: str) -> None:
    expected = EXPECTED[name]
    options = StatementQuery.model_validate(dict(parse_qsl(expected.get("query", "")))).options
    found = read((CORPUS / name).read_bytes(), options)
    orders = orders_for(name)
    mentions = find_all_mentions(found.payments)
    matches = match_payments(found.payments, mentions, orders, orders.values(), NOW, found.outgoing)
    assert sorted(match.orders[0].id for match in matches if match.is_sure) == sorted(expected["sure"])
    assert len(matches) == expected.get("credits", len(matches))


@pytest.mark.parametrize("name", sorted(name for name, file in EXPECTED.items() if file.get("refused")))
def test_a_file_that_is_something_else_is_refused_with_what_it_is(name: str) -> None:
    with pytest.raises(StatementUnreadable, match=r"a web page \(HTML\), even if its name ends in .xls"):
        read((CORPUS / name).read_bytes(), StatementQuery().options)


def test_every_file_of_the_corpus_has_an_expectation() -> None:
    assert {path.name for path in CORPUS.iterdir()} - {"expected.json"} == set(EXPECTED)
