"""A buyer, or the bank's way of writing, makes a payment sure that moved no money or moved it the other way."""

import pytest

from chalicelib.domain.refusals import StatementUnreadable
from chalicelib.domain.statements import find_all_mentions, match_payments
from chalicelib.statements.detect import read
from chalicelib.statements.options import ParseOptions
from tests.support.matching_orders import CODE, NOW, order

HEAD = "Fecha;Concepto;Importe;"
MT940 = ":20:X\n:60F:C261119GTQ1,00\n"


def rows(heading: str, *cells: str) -> str:
    return "\n".join((HEAD + heading, *(f"20.11.2026;{cell}" for cell in cells), ""))


FILES = {
    "money that left, marked by the letter of its word": rows("Cargo/Abono", f"{CODE};25,00;C"),
    "money that left, marked in a column without a name": rows(" ", f"{CODE};25,00;S", "x;1,00;H"),
    "money that left, in words in any column": rows("Art", f"{CODE};25,00;Geldausgang", "x;1,00;Geldeingang"),
    "money that is announced": rows("Info", f"{CODE};25,00;Umsatz vorgemerkt und nicht gebucht"),
    "money that is only set aside": rows("Balance Impact", f"{CODE};25,00;Memo", "x;-1,00;Debit"),
    "a transfer that failed": rows("Transaction Status", f"{CODE};25,00;Failed", "x;1,00;Completed"),
    "a transfer that was taken back": rows("Nota", f"PIX ESTORNADO {CODE};25,00;"),
    "a transfer with a cause of its return": rows("Causa devolución", f"{CODE};25,00;Cuenta cerrada"),
    "a text of the whole statement": f"{MT940}:61:261120C25,00NTRFX\n:86:Ana\n:62F:C261120GTQ1,00\n:86:{CODE}\n",
    "a booking that is expected": f"{MT940}:61:261120EC25,00NTRFX\n:86:{CODE}\n:61:261120C1,00NTRFX\n",
    "an amount of which a part is read": f"{MT940}:61:261120C25 000,00NTRFX\n:86:{CODE}\n",
    "an entry without a side": "<Document><BkToCstmrStmt><Stmt><Ntry><Amt Ccy='GTQ'>25.00</Amt><BookgDt>"
    f"<Dt>2026-11-20</Dt></BookgDt><AddtlNtryInf>{CODE}</AddtlNtryInf></Ntry></Stmt></BkToCstmrStmt></Document>",
}


@pytest.mark.parametrize("name", FILES)
def test_o4_nothing_is_sure_that_may_be_no_money(name: str) -> None:
    try:
        found = read(FILES[name].encode(), ParseOptions(currency="GTQ"))
    except StatementUnreadable:
        return
    orders = {CODE: order(numbers=(5,))}
    mentions = find_all_mentions(found.payments)
    matches = match_payments(found.payments, mentions, orders, orders.values(), NOW, found.outgoing)
    assert not [match for match in matches if match.is_sure]
