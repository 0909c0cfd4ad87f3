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
    ["DB", "DR", "DEB", "Debit", "Débito", "Cargo", "Salida", "OUT", "-", "Retiro bancario", "Nota de débito",
     "TRANSFERENCIA ENVIADA", "Geldausgang"],
)  # fmt: skip
def test_an_amount_that_a_column_marks_as_outgoing_went_out(heading: str, value: str) -> None:
    assert why(table(f"Importe GTQ;{heading}", f"DEVOLUCION {CODE};25,00;{value}")) == []


@pytest.mark.parametrize("heading", SIGNS)
@pytest.mark.parametrize(
    "value",
    ["CR", "Credit", "Crédito", "Abono", "Entrada", "IN", "+", "Nota de crédito", "TRANSFERENCIA RECIBIDA"],
)
def test_an_amount_that_a_column_marks_as_incoming_came_in(heading: str, value: str) -> None:
    assert why(table(f"Importe GTQ;{heading}", f"REF {CODE};25,00;{value}")) == [[]]


KNOWN = [
    ("Cargo/Abono", "A", "C"), ("Débito/Crédito", "C", "D"), ("Debit/Credit", "C", "D"), ("Debe/Haber", "H", "D"),
    ("DR/CR", "C", "D"), ("Db/Cr", "C", "D"), ("C/D", "C", "D"), ("DC", "C", "D"), ("S/H", "H", "S"),
    ("Soll/Haben", "H", "S"), ("Ingreso/Egreso", "I", "E"), ("Depósito/Retiro", "D", "R"),
]  # fmt: skip


@pytest.mark.parametrize(("heading", "credit", "debit"), KNOWN)
def test_o4_letters_mean_what_their_heading_says(heading: str, credit: str, debit: str) -> None:
    for letter, expected in ((credit, [[]]), (debit, []), ("X", [["sign_unknown"]]), ("", [["sign_unknown"]])):
        assert why(table(f"Importe GTQ;{heading}", f"REF {CODE};25,00;{letter}")) == expected


@pytest.mark.parametrize("heading", ["Direction", "Signo", "Tipo", "Type", "Sentido", "Indicador"])
@pytest.mark.parametrize("letter", ["C", "D", "H", "S", "A", "E"])
def test_o4_a_letter_alone_leaves_the_direction_open(heading: str, letter: str) -> None:
    """C may be a crédito or a cargo, D a débito or a depósito."""
    assert why(table(f"Importe GTQ;{heading}", f"REF {CODE};25,00;{letter}")) == [["sign_unknown"]]


@pytest.mark.parametrize(("credit", "debit"), [("C", "D"), ("H", "S"), ("H", "D")])
@pytest.mark.parametrize("heading", ["Tipo", " ", "Clave"])
def test_o4_letters_that_are_a_pair_are_known_whatever_the_heading(heading: str, credit: str, debit: str) -> None:
    rows = (f"REF {CODE};25,00;{credit}", f"Luz;25,00;{debit}")
    assert why(table(f"Importe GTQ;{heading}", *rows)) == [[]]
    assert why(table(f"Importe GTQ;{heading}", *rows, "Agua;25,00;A"))[0] == ["sign_unknown"]


@pytest.mark.parametrize("letter", ["S", "C", "A", "D"])
def test_o4_a_column_of_one_letter_without_a_heading_is_not_passed_over(letter: str) -> None:
    assert why(table("Importe GTQ; ", f"REF {CODE};25,00;{letter}")) == [["sign_unknown"]]


@pytest.mark.parametrize("suffix", ["C", "H"])
def test_o4_a_letter_behind_an_amount_needs_its_pair(suffix: str) -> None:
    debit = {"C": "D", "H": "S"}[suffix]
    assert why(table("Importe GTQ", f"REF {CODE};25,00 {suffix}")) == [["sign_unknown"]]
    assert why(table("Importe GTQ", f"REF {CODE};25,00 {suffix}", f"Luz;25,00 {debit}")) == [[]]


@pytest.mark.parametrize("heading", ["Umsatzart", "Clase", "Kind"])
def test_o4_words_for_both_sides_count_in_any_column(heading: str) -> None:
    rows = (f"REF {CODE};25,00;Geldeingang", f"Rest {CODE};25,00;Geldausgang")
    assert why(table(f"Betrag GTQ;{heading}", *rows)) == [["taken_back"]]
    assert why(table(f"Betrag GTQ;{heading}", rows[1].replace("Rest", "REF"))) == [["sign_unknown"]]


def test_o4_a_named_column_of_signs_weakens_a_signed_amount_where_it_is_unclear() -> None:
    rows = (f"REF {CODE};25,00;Memo", "Luz;-80,00;Debit", "Ana;1,00;Credit")
    assert why(table("Importe GTQ;Balance Impact", *rows))[0] == ["sign_unknown"]
    found = why(table("Importe GTQ;Kind", *rows), GTQ._replace(sign="Kind"))
    assert found[0] == ["sign_unknown"]


@pytest.mark.parametrize("word", ["COMPRA", "Retiro", "Lastschrift", "WITHDRAWAL", "Saque", "Comisión"])
def test_o4_a_word_for_a_debit_counts_where_nothing_else_tells_the_direction(word: str) -> None:
    assert why(table("Importe GTQ", f"{word} REF {CODE};25,00")) == [["sign_unknown"]]
    assert why(table("Importe GTQ", f"{word} REF {CODE};25,00", "Luz;-1,00")) == [[]]


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


STATES = ("Info", "Transaction Status", "Anmerkung", "Resultado")


@pytest.mark.parametrize("heading", STATES)
@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("Completed", [[]]), ("Pending", []), ("Umsatz vorgemerkt und nicht gebucht", []),
        ("Failed", [["state_unknown"]]), ("Denied", [["state_unknown"]]), ("Wibble", [["state_unknown"]]),
        ("", [["state_unknown"]]), ("Estornado", [["state_unknown"]]),
    ],
)  # fmt: skip
def test_o4_a_column_of_states_counts_whatever_it_is_called(
    heading: str, state: str, expected: list[list[str]]
) -> None:
    rows = (f"REF {CODE};25,00;{state}", "Ana;1,00;Completed")
    assert why(table(f"Importe GTQ;{heading}", *rows))[:-1] == expected


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("Memo", "state_unknown"), ("General Authorization", "state_unknown"), ("FAILED", "state_unknown"),
        ("Umsatz vorgemerkt am 3.", "state_unknown"), ("PENDING - ZELLE 77", "state_unknown"),
        ("PIX ESTORNADO 12", "reversal"), ("Devolución 3", "reversal"), ("SEPA-Rücklastschrift 1", "reversal"),
        ("Chargeback 9", "reversal"),
    ],
)  # fmt: skip
def test_o4_words_that_say_that_no_money_came_count_in_any_column(cell: str, reason: str) -> None:
    rows = (f"REF {CODE};25,00;{cell}", "Luz;-1,00;x 1")
    assert why(table("Importe GTQ;Otros", *rows)) == [[reason]]


def test_o4_a_cause_of_a_return_makes_a_payment_unsure() -> None:
    headings = "Importe GTQ;Causa devolución"
    assert why(table(headings, f"REF {CODE};25,00;Cuenta inexistente")) == [["reversal"]]
    for nothing in ("", "-", "0", "No"):
        assert why(table(headings, f"REF {CODE};25,00;{nothing}")) == [[]]


# Rows that are no bookings, and rows that go on


@pytest.mark.parametrize(
    "text", ["S A L D O", "Saldo Anterior", "SALDO DO DIA", "Anfangssaldo", "Endsaldo", "Closing balance", "Total 11"]
)
def test_o4_a_row_of_a_balance_is_no_payment(text: str) -> None:
    found = read(table("Importe GTQ", f"REF {CODE};25,00", f"{text};25,00").encode(), GTQ)
    assert ([one.line for one in found.payments], found.ignored) == ([2], (3,))


@pytest.mark.parametrize("text", [f"Saldo {CODE}", "Saldo Lucía", "Total rifa"])
def test_o4_a_payment_of_a_balance_is_not_passed_over(text: str) -> None:
    assert len(settled(table("Importe GTQ", f"{text};25,00"))) == 1


def test_o4_a_row_without_a_date_and_an_amount_goes_on_with_the_row_above() -> None:
    file = table("Importe GTQ", "Pix;25,00") + f";De Ana;\n;ref {CODE};\n"
    assert why(file) == [[]]
    assert settled(file)[0].payment.text == f"Pix De Ana ref {CODE}"
    assert why(table("Importe GTQ", "Pix;25,00") + f"\n;ref {CODE};\n") == [["no_code"]]  # behind a blank row
    assert why(table("Importe GTQ", "Pix;25,00") + f";ref {CODE};1,00\n") == [["no_code"]]  # with an amount
    assert why(table("Importe GTQ", "Pix;25,00", "Luz;-1,00") + f";ref {CODE};\n") == [["no_code"]]
    doubtful = table("Importe GTQ", f"REF {CODE};25,00") + ";ESTORNADO;\n"
    assert why(doubtful) == [["reversal", "state_unknown"]]


def test_o4_a_code_in_a_column_of_signs_is_found() -> None:
    rows = (f"Pix;25,00;Pix recebido {CODE}", "Luz;-1,00;Pagamento")
    assert why(table("Importe GTQ;Tipo", *rows)) == [[]]
    assert why(table("Importe GTQ;Tipo", *rows), GTQ._replace(text=("Concepto",))) == [["no_code"]]


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


@pytest.mark.parametrize("status", ["PDNG", "INFO", "FUTR"])
def test_o4_an_entry_that_is_only_announced_has_not_come_in(status: str) -> None:
    found = read(camt(entry(more=f"<Sts><Cd>{status}</Cd></Sts>")).encode(), GTQ)
    assert (found.pending, found.payments) == (1, [])


def test_o4_an_entry_whose_side_or_state_is_unclear_is_not_sure() -> None:
    assert why(camt(entry(side=""))) == why(camt(entry(side="XXXX"))) == [["sign_unknown"]]
    assert why(camt(entry(more="<Sts>XXXX</Sts>"))) == [["state_unknown"]]
    report = camt(entry()).replace("BkToCstmrStmt", "BkToCstmrAcctRpt")  # of the day, with what is not booked yet
    assert why(report) == [["state_unknown"]]
    assert why(report.replace("<BookgDt>", "<Sts>BOOK</Sts><BookgDt>")) == [[]]


def test_o4_parts_in_another_currency_are_not_taken_for_the_entrys() -> None:
    inner = '<Amt Ccy="USD">12.50</Amt>'
    two = entry(inner=inner).replace("</TxDtls>", f"</TxDtls><TxDtls>{inner}</TxDtls>")
    assert [one.payment.amount for one in settled(camt(two))] == [2500]
    assert [one.payment.amount for one in settled(camt(two.replace("USD", "GTQ")))] == [1250, 1250]


@pytest.mark.parametrize("mark", ["EC", "ED"])
def test_o4_a_booking_that_is_expected_has_not_come_in(mark: str) -> None:
    found = read(mt940(mark, "C").encode(), GTQ)
    assert (found.pending, len(found.payments), found.outgoing) == (1, 1, [])


def test_o4_an_item_that_came_back_is_a_reversal() -> None:
    assert why(mt940("C").replace("NTRF", "NRTI")) == [["reversal"]]


@pytest.mark.parametrize("word", ["RUECKLASTSCHRIFT", "Storno", "Devolución"])
def test_o4_words_for_a_reversal_count_in_every_format(word: str) -> None:
    assert why(mt940("C").replace(CODE, f"{word} {CODE}")) == [["reversal"]]
    assert why(camt(entry()).replace(CODE, f"{word} {CODE}")) == [["reversal"]]


# MT940: which text is whose


def test_o4_details_of_the_statement_are_not_a_bookings() -> None:
    for before in (":62F:C261130GTQ0,", ":64:C261130GTQ0,", ":65:C261130GTQ0,"):
        file = mt940("C").replace(CODE, "Ana").replace(":62F:C261130GTQ0,", f"{before}\n:86:{CODE}")
        assert why(file) == [["no_code"]]
    assert why(mt940("C").replace(CODE, "Ana").replace(":61:", f":86:{CODE}\n:61:")) == [["no_code"]]


def test_o4_structured_text_in_ns_is_a_bookings() -> None:
    assert why(mt940("C").replace(f":86:{CODE}", f":NS:01{CODE}\n02Los\n15Ana")) == [[]]
    assert why(mt940("C").replace(f":86:{CODE}", ":86:Los").replace(":28C:1", f":28C:1\n:NS:01{CODE}")) == [["no_code"]]


@pytest.mark.parametrize(
    "reference", ["X" * 18, "NL47INGB9999999999", "X" * 300, "A//" + "B" * 99, f"X\n{'y' * 90}\nz"]
)
def test_o4_a_long_reference_does_not_refuse_a_file(reference: str) -> None:
    assert why(mt940("C").replace("NONREF", reference)) == [[]]


@pytest.mark.parametrize("amount", ["12.50", "1 234,50", "1'234,50", "1234567890123456,00", "1,2,3"])
def test_o4_an_amount_that_is_not_swifts_is_never_read_in_part(amount: str) -> None:
    with pytest.raises(StatementUnreadable, match="Line 5: expected a booking"):
        settled(mt940("C").replace("25,00", amount))


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
