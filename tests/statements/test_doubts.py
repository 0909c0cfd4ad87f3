"""What a file leaves in doubt is never sure: what went out, was taken back, is pending or in another currency."""

from random import Random
from typing import Any

import pytest

from chalicelib.domain.code_mentions import MAX_MENTIONS, MAX_RUNS, MAX_TEXT
from chalicelib.domain.orders import new_code
from chalicelib.domain.refusals import StatementUnreadable
from chalicelib.domain.statements import MatchedPayment, Why, find_all_mentions, match_payments
from chalicelib.statements.detect import read
from chalicelib.statements.options import ParseOptions
from tests.support.matching_orders import CODE, NOW, order

GTQ = ParseOptions(currency="GTQ")  # as if a raffle were named


def settled(raw: str, options: ParseOptions = GTQ) -> list[MatchedPayment]:
    """Against the one order of 25 quetzales."""
    found = read(raw.encode(), options)
    known = {CODE: order(numbers=(5,))}
    return match_payments(found.payments, find_all_mentions(found.payments), known, known.values(), NOW, found.outgoing)


def why(raw: str, options: ParseOptions = GTQ) -> list[list[str]]:
    return [[reason.code.value for reason in one.reasons] for one in settled(raw, options)]


def table(headings: str, *rows: str) -> str:
    return "\n".join((f"Fecha;Concepto;{headings}", *(f"20.11.2026;{row}" for row in rows), ""))


# Currencies


@pytest.mark.parametrize(
    "raw",
    [
        table("Importe;Moneda", f"REF {CODE};25,00;USD"),
        table("Importe USD", f"REF {CODE};25,00"),
        table("Importe", f"REF {CODE};USD 25,00"),
        table("Importe", f"REF {CODE};€ 25,00"),
        "Cuenta en USD\n" + table("Importe", f"REF {CODE};25,00"),
    ],
)
def test_the_files_currency_overrides_the_requests(raw: str) -> None:
    assert why(raw) == [["currency_differs"]]


def test_the_requests_currency_counts_if_the_file_has_none() -> None:
    assert why(table("Importe", f"REF {CODE};25,00")) == [[]]
    with pytest.raises(StatementUnreadable) as refused:
        read(table("Importe", f"REF {CODE};25,00").encode(), ParseOptions())
    assert refused.value.option == "currency"


def test_a_line_and_its_heading_in_different_currencies_are_not_sure() -> None:
    assert why(table("Importe USD;Moneda", f"REF {CODE};25,00;GTQ")) == [["currency_unclear"]]


@pytest.mark.parametrize("amount", ["€ 25,00", "$ 25,00", "R$ 25,00", "S/ 25,00", "£25,00"])
def test_another_currencys_sign_makes_an_amount_unreadable(amount: str) -> None:
    rows = (*(f"x;Q {n},00" for n in range(1, 60)), f"REF {CODE};{amount}")
    with pytest.raises(StatementUnreadable, match="Line 61, column 3: expected an amount in GTQ"):
        settled(table("Importe GTQ", *rows))


# Which side


@pytest.mark.parametrize(
    ("debit", "credit"),
    [
        ("Monto débito GTQ", "Monto crédito GTQ"),
        ("Importe cargo", "Importe abono"), ("Valor débito", "Valor crédito"),
        ("Amount Debit", "Amount Credit"), ("Monto (cargo)", "Monto (abono)"), ("Betrag Soll", "Betrag Haben"),
        ("Withdrawal", "Deposit"), ("Amount Out", "Amount In"), ("Amount;Withdrawal", "Deposit"),
    ],
)  # fmt: skip
def test_columns_of_debits_and_credits_are_told_apart(debit: str, credit: str) -> None:
    more = ";" * debit.count(";")
    headings = table(f"{debit};{credit}", f"DEVOLUCION {CODE};{more}25,00;", f"REF {CODE};{more};25,00")
    assert why(headings) == [["taken_back"]]
    assert why(table(f"{debit};{credit}", f"REF {CODE};{more};25,00")) == [[]]
    (*_, text) = read(headings.encode(), GTQ).read_as["credit_column"].split(";")
    assert text == credit


@pytest.mark.parametrize("headings", ["Monto débito GTQ", "Importe cargo", "Amount Debit", "Débito/Crédito"])
def test_a_column_of_debits_alone_is_no_amount(headings: str) -> None:
    with pytest.raises(StatementUnreadable, match="Expected a row of headings"):
        settled(table(headings, f"REF {CODE};25,00"))


def test_an_amount_in_a_column_that_is_not_read_is_not_passed_over() -> None:
    for headings, row in (
        ("Amount;Withdrawal;Deposit", "25,00;;"),
        ("Importe;Abono", "25,00;"),
        ("Amount;Withdrawal;Deposit", "25,00;0,00;0,00"),
    ):
        with pytest.raises(StatementUnreadable, match="Line 2: expected an amount in the columns that are read"):
            settled(table(headings, f"REF {CODE};{row}"))


def test_an_amount_that_is_also_in_the_debit_column_went_out() -> None:
    assert why(table("Importe;Cargo", f"REF {CODE};25,00;25,00")) == []
    assert why(table("Importe;Cargo", f"REF {CODE};25,00;1,00")) == [["sign_unknown"]]
    assert why(table("Importe;Cargo", f"REF {CODE};25,00;")) == [[]]


SIGNS = (
    "Cargo/Abono", "Débito/Crédito", "Debit/Credit", "Debe/Haber", "DR/CR", "Db/Cr", "Direction", "Signo", "Tipo",
    "Tipo movimiento", "C/D", "Sentido", "Credit/Debit",
)  # fmt: skip


@pytest.mark.parametrize("heading", SIGNS)
@pytest.mark.parametrize(
    "value",
    ["D", "DB", "DR", "DEB", "Debit", "Débito", "Cargo", "Salida", "OUT", "-", "Retiro bancario", "Nota de débito",
     "TRANSFERENCIA ENVIADA"],
)  # fmt: skip
def test_an_amount_that_a_column_marks_as_outgoing_went_out(heading: str, value: str) -> None:
    assert why(table(f"Importe GTQ;{heading}", f"DEVOLUCION {CODE};25,00;{value}")) == []


@pytest.mark.parametrize("heading", SIGNS)
@pytest.mark.parametrize(
    "value",
    ["C", "CR", "Credit", "Crédito", "Abono", "Entrada", "IN", "+", "Nota de crédito", "TRANSFERENCIA RECIBIDA"],
)
def test_an_amount_that_a_column_marks_as_incoming_came_in(heading: str, value: str) -> None:
    assert why(table(f"Importe GTQ;{heading}", f"REF {CODE};25,00;{value}")) == [[]]


@pytest.mark.parametrize("value", ["", "X", "TRANSFERENCIA", "CREDIT CARD", "C/D", "Pago tarjeta de crédito", "25"])
def test_an_amount_whose_direction_is_unclear_is_not_sure(value: str) -> None:
    assert why(table("Importe GTQ;Tipo", f"REF {CODE};25,00;{value}")) == [["sign_unknown"]]


@pytest.mark.parametrize("state", ["REVERTED", "Rechazado", "", "NOT COMPLETED", "Anulado"])
def test_a_line_that_may_not_be_booked_is_not_sure(state: str) -> None:
    for heading in ("Estado", "State", "Status", "Situación"):
        assert why(table(f"Importe GTQ;{heading}", f"REF {CODE};25,00;{state}")) == [["state_unknown"]]


def test_a_line_that_is_pending_has_not_come_in_and_one_that_is_booked_has() -> None:
    rows = (f"REF {CODE};25,00;{state}" for state in ("Pendiente", "PENDING", "Procesado"))
    found = read(table("Importe GTQ;Estado", *rows).encode(), ParseOptions())
    assert (found.pending, [one.line for one in found.payments]) == (2, [4])
    assert why(table("Importe GTQ;Estado", f"REF {CODE};25,00;Completed")) == [[]]


# What was taken back


def entry(side: str = "CRDT", more: str = "", inner: str = "") -> str:
    return (
        f'<Ntry><Amt Ccy="GTQ">25.00</Amt><CdtDbtInd>{side}</CdtDbtInd>{more}<BookgDt><Dt>2026-11-20</Dt></BookgDt>'
        f"<NtryDtls><TxDtls>{inner}<RmtInf><Ustrd>{CODE}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )


def camt(*entries: str) -> str:
    return f"<Document><BkToCstmrStmt><Stmt>{''.join(entries)}</Stmt></BkToCstmrStmt></Document>"


def mt940(*marks: str) -> str:
    bookings = "".join(f":61:261120{mark}25,00NTRFNONREF\n:86:{CODE}\n" for mark in marks)
    return f":20:X\n:25:1\n:28C:1\n:60F:C261101GTQ0,\n{bookings}:62F:C261130GTQ0,\n"


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (table("Importe GTQ", f"REF {CODE};25,00", f"DEVOLUCION REF {CODE};-25,00"), 3),
        (camt(entry(), entry("DBIT", "<RvslInd>true</RvslInd>")), 2),
        (mt940("C", "RC"), 7),
        (mt940("C", "D"), 7),
    ],
)
def test_a_payment_that_the_file_takes_back_is_not_sure_and_names_the_line(raw: str, line: int) -> None:
    (found,) = settled(raw)
    assert [(reason.code, reason.lines) for reason in found.reasons] == [(Why.TAKEN_BACK, (line,))]


def test_money_that_went_out_for_others_takes_nothing_back() -> None:
    assert why(table("Importe GTQ", f"REF {CODE};25,00", "COMISION;-25,00")) == [[]]
    assert why(mt940("C")) == why(camt(entry())) == [[]]


@pytest.mark.parametrize(
    "raw",
    [
        camt(entry(more="<RvslInd>1</RvslInd>")),
        camt(entry(more="<RvslInd>true</RvslInd>")),
        camt(entry(inner="<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>")),
        camt(entry(inner="<CdtDbtInd>DBIT</CdtDbtInd>")),
    ],
)
def test_a_reversal_is_marked_however_it_is_written(raw: str) -> None:
    assert why(raw) == [["reversal"]]


# What was cut off


def test_a_text_that_was_cut_off_is_not_sure() -> None:
    assert why(table("Importe GTQ", f"{CODE}{' .' * MAX_TEXT};25,00")) == [["cut_off"]]
    others = " ".join(new_code(Random(n)) for n in range(MAX_MENTIONS - 1))
    assert why(table("Importe GTQ", f"{CODE} {others};25,00")) == [["cut_off"]]


def test_only_so_many_words_are_compared_with_codes() -> None:
    many = " ".join(["AB"] * (MAX_RUNS + 10))
    assert why(table("Importe GTQ", f"{many} 8WGRRPW4;25,00")) == [["no_code"]]
    assert why(table("Importe GTQ", f"8WGRRPW4 {many};25,00")) == [["typo"]]


# What was said


@pytest.mark.parametrize("field", ["credit", "date", "sign", "money"])
def test_a_missing_heading_is_named(field: str) -> None:
    named: dict[str, Any] = {field: "Nada"}
    with pytest.raises(StatementUnreadable) as refused:
        settled(table("Importe GTQ", f"REF {CODE};25,00"), GTQ._replace(**named))
    assert refused.value.option == ("currency_column" if field == "money" else field)


@pytest.mark.parametrize("number", ["²", "٣", "1²"])
def test_text_that_only_looks_like_a_number_is_not_one(number: str) -> None:
    with pytest.raises(StatementUnreadable):
        settled(table("Importe GTQ", f"REF {CODE};25,00"), GTQ._replace(date=number, amount="3", text=("2",)))


def test_a_word_without_a_direction_does_not_weaken_a_signed_amount() -> None:
    """As in files whose type is TRANSFER or CARD_PAYMENT, and what went out has a minus."""
    file = table("Importe GTQ;Tipo", f"REF {CODE};25,00;TRANSFER", "Luz;-80,00;CARD_PAYMENT")
    assert why(file) == [[]]
    for went_out in ("25,00;Cargo", "-25,00;TRANSFER"):
        assert why(table("Importe GTQ;Tipo", f"REF {CODE};{went_out}", "Luz;-80,00;CARD_PAYMENT")) == []
    assert why(table("Importe GTQ;Tipo", f"REF {CODE};25,00;TRANSFER", "Luz;80,00;CARD_PAYMENT"))[0] == ["sign_unknown"]
