"""A bank's statement over REST, from the file to the ids that can be confirmed."""

import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.statements import MAX_PAYMENTS, Why
from chalicelib.http.routes import BANK_FILES, FILE_LIMIT
from chalicelib.http.uploads import FORM
from chalicelib.services.bank_statements import MAX_RETURNED
from tests.support.statements import post
from tests.support.steps import buy, cancel, confirm_payment, hold, hold_and_confirm, hold_and_prove
from tests.support.world import Answer, Buyer, World

Json = dict[str, Any]
SAMPLES = Path(__file__).parent.parent / "statements" / "samples"


def payments(answer: Answer) -> list[Json]:
    assert answer.status == 200, answer.body
    return list(answer.body["payments"])


def reasons(payment: Json) -> list[str]:
    return [reason["code"] for reason in payment["reasons"]]


def test_p7_sure_payments_come_back_with_the_ids_to_confirm_and_nothing_is_changed(world: World) -> None:
    world.raffle()
    orders = [act(world.buyer(number=n), str(n)) for n, act in enumerate((hold, hold_and_confirm, hold_and_prove), 1)]
    before = [world.order(order) for order in orders]
    answer = post(world, *(f"REF {order};25,00" for order in orders), "SUPERMERCADO;-10,00", "INTERESES;0,10")
    assert answer.body["sure_ids"] == orders
    assert [payment["sure"] for payment in payments(answer)] == [True, True, True, False]
    assert [world.order(order) for order in orders] == before
    summary = answer.body["summary"]
    assert {name: summary[name] for name in ("lines", "credits", "debits", "sure", "unsure", "elsewhere")} == {
        "lines": 5, "credits": 4, "debits": 1, "sure": 3, "unsure": 1, "elsewhere": 0
    }  # fmt: skip
    assert summary["sums"] == {"GTQ": {"payments": 4, "amount": 7510, "sure": 7500}}
    assert summary["reasons"] == {"no_code": 1} and summary["is_complete"]
    assert summary["read_as"]["currency"] == "GTQ"
    for order in answer.body["sure_ids"]:
        assert confirm_payment(world, order).status == 200


def test_each_order_says_what_to_do(world: World) -> None:
    world.raffle()
    paid, cancelled, over = buy(world.buyer(number=1), "1"), hold(world.buyer(number=2), "2"), hold(world.buyer(), "3")
    cancel(world, cancelled)
    world.clock.pass_minutes(16)
    found = payments(post(world, f"{paid};25,00", f"{cancelled};25,00", f"{over};25,00"))
    assert [reasons(one) for one in found] == [["already_paid"], ["order_cancelled"], ["order_expired"]]
    world.minute()  # the schedule ends the hold: the answer is the same
    found = payments(post(world, f"{paid};20,00", f"{over};25,00"))
    assert [reasons(one) for one in found] == [["already_paid", "amount_differs"], ["order_expired"]]
    assert found[0]["reasons"][1]["by"] == -500 and found[0]["orders"][0]["paid_at"]
    assert all(reason["text"] for one in found for reason in one["reasons"])


def test_a_payment_without_a_code_names_the_buyers_who_may_have_sent_it(world: World) -> None:
    world.raffle()
    lucia, ana = world.buyer("Lucía Méndez"), world.buyer("Ana", number=2)
    order, other = hold_and_confirm(lucia, "1"), hold_and_confirm(ana, "2")
    by_name, by_phone, nobody = payments(post(world, "DE MENDEZ LUCIA;25,00", "DE 5550-0002;25,00", "DE LUCIA;25,00"))
    assert [(one["order"], one["buyer"], one["by"]) for one in by_name["suggestions"]] == [
        (order, "Lucía Méndez", "name")
    ]
    assert [(one["order"], one["by"]) for one in by_phone["suggestions"]] == [(other, "phone")]
    assert nobody["suggestions"] == []


def test_a_raffle_narrows_what_is_shown(world: World) -> None:
    raffle, _ = world.raffle(), world.raffle(code="CAR")
    here, there = hold(world.buyer(), "1"), hold(world.buyer(number=2), "1", "CAR")
    rows = (f"{here};25,00", f"{there};25,00", "nothing;25,00")
    answer = post(world, *rows, query=f"?raffle={raffle['id']}")
    assert answer.body["sure_ids"] == [here]
    assert len(payments(answer)) == 2 and answer.body["summary"]["elsewhere"] == 1
    assert post(world, *rows).body["sure_ids"] == [here, there]
    assert post(world, *rows, query="?raffle=nothing").status == 404


@pytest.mark.parametrize("path", sorted(SAMPLES.iterdir()), ids=lambda path: str(path.name))
def test_each_format_is_accepted_as_bytes(world: World, path: Path) -> None:
    query = "?currency=PYG" if path.stem == "paraguay" else ""
    query = "?date=1&text=2&amount=3&currency=EUR" if path.stem == "no_headings" else query
    answer = world.api("POST", f"/api/statements{query}", path.read_bytes(), **{"Content-Type": BANK_FILES[0]})
    assert payments(answer)


@pytest.mark.parametrize("media", [media for media in BANK_FILES if media != FORM])
def test_a_statement_is_accepted_under_each_media_type(world: World, media: str) -> None:
    assert payments(post(world, "a;1,00", media=f"{media}; charset=utf-8"))


def test_other_media_types_are_refused(world: World) -> None:
    assert post(world, media="application/zip").status == 415


def test_an_unreadable_line_is_named(world: World) -> None:
    answer = post(world, "a;1,00", "b;x")
    assert (answer.status, answer.body["code"]) == (422, "statement_unreadable")
    assert answer.body["detail"] == "Line 3, column 3: expected an amount in GTQ with “,” before the decimals."


@pytest.mark.parametrize(
    "query",
    [
        "?currency=XXQ",
        "?format=pdf",
        "?decimal=x",
        "?date_order=x",
        "?raffle=a/b",
        "?x=1",
        "?credit=Nada",
        "?currency_column=Nada",
    ],
)
def test_options_that_make_no_sense_are_named(world: World, query: str) -> None:
    answer = post(world, "a;1,00", query=query)
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, query[1:].partition("=")[0])


def test_a_currency_that_is_missing_is_named_as_the_query_calls_it(world: World) -> None:
    raw = b"Fecha;Concepto;Importe\n20.11.2026;x;1,00\n"
    answer = world.api("POST", "/api/statements", raw, **{"Content-Type": "text/csv"})
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, "currency")


@pytest.mark.parametrize("number", ["²", "٣"])
def test_text_that_only_looks_like_a_columns_number_is_no_server_error(world: World, number: str) -> None:
    assert post(world, "a;1,00", query=f"?date={number}&amount=3&text=2").status == 422


@pytest.mark.parametrize("heading", ["Importe;Moneda", "Importe USD"])
def test_p7_a_raffles_currency_is_not_assumed_for_the_file(world: World, heading: str) -> None:
    raffle = world.raffle()
    order = hold_and_confirm(world.buyer(), "1")
    raw = f"Fecha;Concepto;{heading}\n20.11.2026;REF {order};25,00{';USD' if ';' in heading else ''}\n".encode()
    for query in ("", f"?raffle={raffle['id']}", "?currency=GTQ"):
        answer = world.api("POST", f"/api/statements{query}", raw, **{"Content-Type": "text/csv"})
        assert [reasons(one) for one in payments(answer)] == [["currency_differs"]] and not answer.body["sure_ids"]


def test_p7_a_payment_that_the_file_takes_back_is_not_sure(world: World) -> None:
    world.raffle()
    order = hold_and_confirm(world.buyer(), "1")
    answer = post(world, f"REF {order};25,00", f"DEVOLUCION REF {order};-25,00")
    assert answer.body["sure_ids"] == [] and payments(answer)[0]["reasons"][0]["lines"] == [3]


def test_o4_a_return_of_a_paid_order_is_shown(world: World) -> None:
    raffle, _ = world.raffle(), world.raffle(code="CAR")
    paid, held = buy(world.buyer(), "1"), hold_and_confirm(world.buyer(number=2), "2")
    there = buy(world.buyer(number=3), "1", "CAR")
    rows = (f"DEVOLUCION REF {paid};-25,00", f"{held};-25,00", f"{there};-25,00", "Luz;-1,00", "Ana;1,00")
    answer = post(world, *rows)
    assert [(one["line"], [order["id"] for order in one["orders"]]) for one in answer.body["returned"]] == [
        (2, [paid]), (4, [there])
    ]  # fmt: skip
    assert answer.body["returned"][0]["text"] == f"DEVOLUCION REF {paid}"
    assert answer.body["returned"][0]["orders"][0]["status"] == "PAID"
    narrowed = post(world, *rows, query=f"?raffle={raffle['id']}")
    assert [one["line"] for one in narrowed.body["returned"]] == [2]
    assert post(world, "Ana;1,00").body["returned"] == []


def test_so_many_returns_are_shown_and_the_rest_is_said_to_be_missing(world: World) -> None:
    world.raffle()
    paid = buy(world.buyer(), "1")
    answer = post(world, *([f"{paid};-25,00"] * (MAX_RETURNED + 1)))
    assert len(answer.body["returned"]) == MAX_RETURNED and not answer.body["summary"]["is_complete"]


def test_a_file_that_is_too_large_is_refused(world: World) -> None:
    assert world.api("POST", "/api/statements", b"x" * (FILE_LIMIT + 1), **{"Content-Type": "text/csv"}).status == 413
    answer = post(world, *(["a;1,00"] * (MAX_PAYMENTS + 1)))
    assert (answer.status, answer.body["code"]) == (413, "statement_too_large")


def test_the_most_payments_allowed_fit_into_an_answer(world: World, lucia: Buyer) -> None:
    """Lambda answers 6 MB at most, as a text within JSON."""
    text = "TRANSFERENCIA BANCA MÓVIL “GRACIAS” DE MENDEZ LOPEZ LUCIA FERNANDA " * 3
    answer = post(world, *(f"{text}{n};{n},00" for n in range(1, MAX_PAYMENTS + 1)))
    assert len(payments(answer)) == MAX_PAYMENTS
    assert len(json.dumps(json.dumps(answer.body, ensure_ascii=False), ensure_ascii=False).encode()) < 5_500_000


def size_of(answer: Answer) -> int:
    """In bytes, as Lambda has it: a text within JSON."""
    text = json.dumps(answer.body, ensure_ascii=False, separators=(",", ":"))
    return len(json.dumps(text, ensure_ascii=False).encode())


def worst(order: str, lines: int) -> bytes:
    """Each has nearly every reason, a text that is four times as long in bytes, and an order that is paid."""
    text = f"{order} {'🌸' * 200} {'. ' * 500}"
    rows = (f"20.11.2026;{text};{n + 100000000},00;GTQ;X;X" for n in range(lines))
    back = f"20.11.2026;{order};-1,00;GTQ;D;Booked"
    return "\n".join(("Fecha;Concepto;Importe USD;Moneda;Tipo;Estado", *rows, back, "")).encode()


def test_the_largest_answer_fits_lambdas_limit(world: World) -> None:
    world.raffle()
    order = buy(world.buyer(), "1")
    few, more = (
        world.api("POST", "/api/statements", worst(order, lines), **{"Content-Type": "text/csv"}) for lines in (50, 100)
    )
    assert len(reasons(payments(more)[0])) == 7
    assert (size_of(more) - size_of(few)) / 50 * MAX_PAYMENTS < 6_200_000


def test_statements_need_the_role_of_a_cashier(world: World) -> None:
    assert post(world, "a;1,00", token="nobody").status in (401, 403)


def test_every_reason_has_a_text(world: World) -> None:
    described = world.api("GET", "/api/openapi.json").body
    assert "/api/statements" in described["paths"]
    assert set(described["components"]["schemas"]["Why"]["enum"]) == {why.value for why in Why}
