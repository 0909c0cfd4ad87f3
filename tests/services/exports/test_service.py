"""Exports: what is in them, how they are asked for, made in the background, and had."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib import lambdas
from chalicelib.domain.exports import LONGEST, ExportRequest, ExportStatus, Format, Of, Reason
from chalicelib.domain.raffles import TicketStatus
from chalicelib.domain.refusals import ExportNotFound, RaffleNotFound, TryAgain
from chalicelib.services.exports import service
from chalicelib.services.exports.service import ExportFile, Exports
from chalicelib.store import contacts as stored_contacts
from chalicelib.store.records import AliasRecord, ContactRecord, ExportRecord
from tests.support.exports import OLGA, PIA, fetched, objects, request_for, ticking
from tests.support.request_counts import Requests
from tests.support.spreadsheets import csv_rows, xlsx_facts, xlsx_rows
from tests.support.steps import buy, cancel, hold, hold_and_confirm, hold_and_prove, refund
from tests.support.world import Buyer, World

ROOT = Path(__file__).parents[3]
Json = dict[str, Any]


@pytest.fixture
def raffle(world: World) -> Json:
    return world.raffle(time_zone="America/Guatemala")


@pytest.fixture
def exports(world: World) -> Exports:
    return world.container.exports


def at_once(exports: Exports, request: ExportRequest) -> ExportFile:
    file = exports.make_at_once(request, by=OLGA)
    assert file is not None
    return file


def rows(exports: Exports, request: ExportRequest) -> list[Json]:
    content = at_once(exports, request).content
    return csv_rows(content) if request.format is Format.CSV else xlsx_rows(content)


# What is in them


def test_tickets_are_all_numbers_with_who_has_them(
    world: World, raffle: Json, exports: Exports, lucia: Buyer, marco: Buyer
) -> None:
    paid = buy(lucia, "5,12")
    held = hold(marco, "7")
    tickets = rows(exports, request_for(raffle))

    assert [row["number"] for row in tickets] == [f"{number:03}" for number in range(1, 101)]
    assert tickets[4] == {
        "number": "005", "status": "SOLD", "order": paid, "buyer": "Lucía", "phone": "+50255500001",
        "amount": "25.00", "currency": "GTQ", "paid_at": "2026-11-23T08:00:00-06:00",
    }  # fmt: skip
    assert tickets[6] | {"order": held, "status": "RESERVED", "buyer": "Marco", "paid_at": ""} == tickets[6]
    assert tickets[0] == {**dict.fromkeys(tickets[0], ""), "number": "001", "status": "AVAILABLE"}


@pytest.mark.parametrize(
    ("status", "numbers"),
    [(TicketStatus.SOLD, {"005", "012"}), (TicketStatus.RESERVED, {"007"})],
)
def test_tickets_of_one_status(
    raffle: Json, exports: Exports, lucia: Buyer, marco: Buyer, status: TicketStatus, numbers: set[str]
) -> None:
    buy(lucia, "5,12")
    hold(marco, "7")

    assert {row["number"] for row in rows(exports, request_for(raffle, status=status))} == numbers
    free = rows(exports, request_for(raffle, status=TicketStatus.AVAILABLE))
    assert (len(free), {row["status"] for row in free}) == (97, {"AVAILABLE"})


def test_orders_are_all_orders_with_their_numbers(
    world: World, raffle: Json, exports: Exports, lucia: Buyer, marco: Buyer
) -> None:
    paid = buy(lucia, "5,12")
    world.clock.pass_minutes(1)
    gone = hold_and_confirm(marco, "7")
    cancel(world, gone)

    first, second = rows(exports, request_for(raffle, Of.ORDERS))
    assert first == {
        "order": paid, "status": "PAID", "numbers": "005, 012", "quantity": "2", "amount": "50.00", "currency": "GTQ",
        "buyer": "Lucía", "phone": "+50255500001", "created_at": "2026-11-23T08:00:00-06:00", "reserved_until": "",
        "paid_at": "2026-11-23T08:00:00-06:00", "refunded_at": "", "refund_reason": "",
    }  # fmt: skip
    assert (second["order"], second["status"], second["numbers"]) == (gone, "CANCELLED", "007")
    assert second["reserved_until"] == "", "nothing is held any more"


def test_a_refund_says_when_and_why(world: World, raffle: Json, exports: Exports, lucia: Buyer) -> None:
    order_id = buy(lucia, "5,12")
    world.clock.pass_minutes(1)
    refund(world, order_id, "=paid twice")
    (only,) = rows(exports, request_for(raffle, Of.ORDERS))
    assert (only["status"], only["refunded_at"]) == ("REFUNDED", "2026-11-23T08:01:00-06:00")
    assert only["refund_reason"] == "'=paid twice", "formula-safe"


def test_buyers_are_those_who_have_numbers_in_the_order_of_their_first_order(
    world: World, raffle: Json, exports: Exports, lucia: Buyer, marco: Buyer
) -> None:
    ana = world.buyer("Ana", 3)
    buy(marco, "7")
    world.clock.pass_minutes(1)
    buy(lucia, "5,12")
    cancel(world, hold_and_confirm(ana, "30"))
    world.clock.pass_minutes(1)
    hold_and_prove(lucia, "90")

    first, second = rows(exports, request_for(raffle, Of.BUYERS))
    assert (first["buyer"], first["numbers"], first["paid"], first["reserved"]) == ("Marco", "007", "1", "0")
    assert second == {
        "buyer": "Lucía", "phone": "+50255500001", "numbers": "005, 012, 090", "quantity": "3", "paid": "2",
        "reserved": "1", "paid_amount": "50.00", "reserved_amount": "25.00", "currency": "GTQ", "orders": "2",
        "first_order_at": "2026-11-23T08:01:00-06:00", "last_order_at": "2026-11-23T08:02:00-06:00",
        "age_confirmed": "", "age_confirmed_at": "",
    }  # fmt: skip


def says_to_be_old_enough(buyer: Buyer, words: str) -> None:
    buyer.says(words)
    buyer.taps("Yes, I am")


def test_h16_buyers_show_the_age_that_they_said_if_the_raffle_asks_for_one(
    world: World, raffle: Json, exports: Exports, lucia: Buyer
) -> None:
    """What they said for another raffle shows in that one alone."""
    wine = world.raffle(code="WINE", title="A case of wine", minimum_age=21, time_zone="America/Guatemala")
    says_to_be_old_enough(lucia, "WINE 7")
    world.clock.pass_minutes(1)
    buy(lucia, "5,12")

    (row,) = rows(exports, request_for(wine, Of.BUYERS))
    assert (row["age_confirmed"], row["age_confirmed_at"]) == ("21", "2026-11-23T08:00:00-06:00")
    (row,) = rows(exports, request_for(raffle, Of.BUYERS))
    assert (row["age_confirmed"], row["age_confirmed_at"]) == ("", "")


def test_xlsx_has_the_raffle_itself_on_a_second_sheet(world: World, exports: Exports) -> None:
    raffle = world.raffle(
        time_zone="America/Guatemala", prize="=A bicycle", draws_at="2026-12-25T02:00:00Z", minimum_age=18,
        organiser={"name": "Lincoln Primary School"}, permit={"authority": "Ministry", "number": "2026-0123"},
    )  # fmt: skip
    facts = xlsx_facts(at_once(exports, request_for(raffle, form=Format.XLSX)).content)
    draw = datetime.fromisoformat("2026-12-24T20:00")
    assert facts | {
        "title": "Bicycle", "prize": "=A bicycle", "unit_amount": 25, "last_number": 100, "minimum_age": 18,
        "draws_at (America/Guatemala)": draw, "organiser": "Lincoln Primary School",
        "permit_authority": "Ministry", "permit_number": "2026-0123",
    } == facts  # fmt: skip
    assert not {"organiser_contact", "rules_url", "draw_method"} & facts.keys(), "what is not known is left out"


@pytest.mark.parametrize("of", Of)
def test_both_formats_say_the_same(raffle: Json, exports: Exports, lucia: Buyer, of: Of) -> None:
    buy(lucia, "5,12")
    as_csv = rows(exports, request_for(raffle, of))
    as_xlsx = rows(exports, request_for(raffle, of, Format.XLSX))

    assert len(as_csv) == len(as_xlsx) > 0
    for csv_row, xlsx_row in zip(as_csv, as_xlsx, strict=True):
        assert [_same(name, text) for name, text in csv_row.items()] == list(xlsx_row.values())


def _same(name: str, text: str) -> Any:
    """What the text of a CSV cell is in XLSX."""
    if not text:
        return None
    if name.endswith("_at"):
        return datetime.fromisoformat(text).replace(tzinfo=None)
    if "amount" in name or name in ("quantity", "paid", "reserved", "orders", "age_confirmed"):
        return float(text)
    return text


def test_a_buyers_name_is_never_a_formula(raffle: Json, exports: Exports, world: World) -> None:
    buy(world.buyer('=HYPERLINK("http://x","y")', 4), "5")

    assert rows(exports, request_for(raffle, Of.BUYERS))[0]["buyer"] == '\'=HYPERLINK("http://x","y")'
    assert rows(exports, request_for(raffle, Of.BUYERS, Format.XLSX))[0]["buyer"] == '=HYPERLINK("http://x","y")'


def test_a_merged_contact_is_exported_as_the_one_it_was_merged_into(
    raffle: Json, exports: Exports, world: World, lucia: Buyer, marco: Buyer
) -> None:
    buy(lucia, "5")
    buy(marco, "7")
    alias_id, owner_id = (world.order(row["order"])["contact"] for row in rows(exports, request_for(raffle, Of.ORDERS)))
    ContactRecord.get(*stored_contacts.key(alias_id)).delete()
    AliasRecord(*stored_contacts.key(alias_id), contact_id=owner_id).save()

    (row,) = rows(exports, request_for(raffle, Of.BUYERS))
    assert (row["buyer"], row["numbers"]) == ("Marco", "005, 007")
    assert [row["buyer"] for row in rows(exports, request_for(raffle, Of.ORDERS))] == ["Marco", "Marco"]


def test_a_missing_contact_leaves_its_cells_empty(raffle: Json, exports: Exports, world: World, lucia: Buyer) -> None:
    order_id = buy(lucia, "5")
    ContactRecord.get(*stored_contacts.key(world.order(order_id)["contact"])).delete()

    for of in Of:
        (row,) = [row for row in rows(exports, request_for(raffle, of)) if row.get("order", order_id) == order_id]
        assert (row["buyer"], row["phone"]) == ("", "")


def test_the_file_is_named_after_the_raffle_and_the_moment(raffle: Json, exports: Exports) -> None:
    assert at_once(exports, request_for(raffle)).name == "bike-tickets-20261123-0800.csv"
    sold = request_for(raffle, form=Format.XLSX, status=TicketStatus.SOLD)
    assert at_once(exports, sold).name == "bike-tickets-sold-20261123-0800.xlsx"


# At once or not


def test_a_large_export_is_not_made_at_once(world: World, exports: Exports) -> None:
    largest = world.raffle(first_number=1, last_number=10_000)
    larger = world.raffle(first_number=1, last_number=10_001, code="CAR")

    assert len(rows(exports, request_for(largest))) == 10_000
    assert exports.make_at_once(request_for(larger), by=OLGA) is None
    assert exports.make_at_once(request_for(larger, status=TicketStatus.SOLD), by=OLGA) is not None


def test_many_orders_or_many_bytes_are_not_made_at_once(
    raffle: Json, exports: Exports, lucia: Buyer, marco: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    buy(lucia, "5")
    buy(marco, "7")
    monkeypatch.setattr(service, "MAX_ROWS", 1)
    assert exports.make_at_once(request_for(raffle, Of.ORDERS), by=OLGA) is None
    assert exports.make_at_once(request_for(raffle, Of.BUYERS), by=OLGA) is None
    monkeypatch.setattr(service, "MAX_ROWS", 1_000)
    monkeypatch.setattr(service, "MAX_BYTES", 100)
    assert exports.make_at_once(request_for(raffle, Of.ORDERS), by=OLGA) is None


def test_a_raffle_that_is_not_there_is_refused(exports: Exports) -> None:
    with pytest.raises(RaffleNotFound):
        exports.make_at_once(ExportRequest("none"), by=OLGA)
    with pytest.raises(RaffleNotFound):
        exports.enqueue(ExportRequest("none"), by=OLGA)


# In the background


@pytest.mark.parametrize("of", Of)
@pytest.mark.parametrize("form", Format)
def test_a_requested_export_is_made_by_its_queue(
    world: World, raffle: Json, exports: Exports, lucia: Buyer, of: Of, form: Format
) -> None:
    buy(lucia, "5,12")
    export = exports.enqueue(request_for(raffle, of, form), by=OLGA)
    assert (export.status, exports.get(export.id, by=OLGA).url) == (ExportStatus.WAITING, None)

    world.work_on_exports()

    shown = exports.get(export.id, by=OLGA)
    content = fetched(world, export.id)
    read = csv_rows if form is Format.CSV else xlsx_rows
    assert read(content) == rows(exports, request_for(raffle, of, form))
    ready = shown.export
    assert (ready.status, ready.progress, ready.size) == (ExportStatus.READY, 100, len(content))
    assert ready.rows == ready.done == len(read(content))


def test_the_link_works_five_minutes_is_new_each_time_and_names_the_file(
    world: World, raffle: Json, exports: Exports
) -> None:
    export = exports.enqueue(request_for(raffle), by=OLGA)
    world.work_on_exports()
    shown = exports.get(export.id, by=OLGA)
    world.clock.pass_minutes(10)

    query = parse_qs(urlsplit(shown.url or "").query)
    assert query["X-Amz-Expires"] == ["300"]
    assert query["response-content-disposition"] == ['attachment; filename="bike-tickets-20261123-0800.csv"']
    assert exports.get(export.id, by=OLGA).url_expires_at == world.clock.now + timedelta(minutes=5)


def test_the_same_export_is_made_once_while_it_is_under_way(world: World, raffle: Json, exports: Exports) -> None:
    first = exports.enqueue(request_for(raffle), by=OLGA)

    assert exports.enqueue(request_for(raffle), by=PIA).id == first.id
    others = [
        request_for(raffle, Of.ORDERS),
        request_for(raffle, form=Format.XLSX),
        request_for(raffle, status=TicketStatus.SOLD),
    ]
    assert len({first.id, *(exports.enqueue(other, by=OLGA).id for other in others)}) == 4
    world.work_on_exports()
    assert exports.enqueue(request_for(raffle), by=OLGA).id != first.id


def test_two_requests_at_the_same_moment_get_the_same_export(
    raffle: Json, exports: Exports, requests: Requests
) -> None:
    others = []
    requests.before_the_next_commit(lambda: others.append(exports.enqueue(request_for(raffle), by=PIA).id))

    assert exports.enqueue(request_for(raffle), by=OLGA).id == others[0]


def test_an_export_that_could_not_be_queued_is_queued_by_the_next_request(
    world: World, raffle: Json, exports: Exports
) -> None:
    broken = replace(exports, queue_url="https://queue.us-east-1.amazonaws.com/123456789012/none")
    with pytest.raises(TryAgain, match="not known"):
        broken.enqueue(request_for(raffle), by=OLGA)

    export = exports.enqueue(request_for(raffle), by=OLGA)
    world.work_on_exports()
    assert exports.get(export.id, by=OLGA).export.status is ExportStatus.READY


def test_a_repeated_delivery_does_not_make_an_export_again(
    world: World, raffle: Json, exports: Exports, requests: Requests
) -> None:
    export = exports.enqueue(request_for(raffle), by=OLGA)
    world.work_on_exports()
    before = exports.get(export.id, by=OLGA).export

    assert requests.during(lambda: exports.make(export.id, last_try=False)) == ["UpdateItem"]
    assert exports.get(export.id, by=OLGA).export == before


def test_an_export_vanishes_after_a_week(world: World, raffle: Json, exports: Exports) -> None:
    export = exports.enqueue(request_for(raffle), by=OLGA)
    world.work_on_exports()
    record = ExportRecord.get(f"EXPORT#{export.id}", "EXPORT")
    assert record.vanishes_at == world.clock.now + timedelta(days=7)

    world.clock.now += timedelta(days=7)
    with pytest.raises(ExportNotFound):
        exports.get(export.id, by=OLGA)
    # Before DynamoDB takes the item away, the same can be asked for anew.
    assert exports.enqueue(request_for(raffle), by=OLGA).id != export.id


def test_an_abandoned_export_counts_as_failed_and_can_be_requested_again(
    world: World, raffle: Json, exports: Exports
) -> None:
    export = exports.enqueue(request_for(raffle), by=OLGA)
    world.clock.pass_minutes(60)

    failed = exports.get(export.id, by=OLGA).export
    assert (failed.status, failed.reason) == (ExportStatus.FAILED, Reason.GIVEN_UP)
    assert exports.enqueue(request_for(raffle), by=OLGA).id != export.id


# What goes wrong


def test_an_export_of_a_deleted_raffle_fails_with_that_reason(world: World, exports: Exports) -> None:
    draft = world.raffle(active=False)
    export = exports.enqueue(request_for(draft), by=OLGA)
    world.api("DELETE", f"/api/raffles/{draft['id']}")
    world.work_on_exports()

    failed = exports.get(export.id, by=OLGA).export
    assert (failed.status, failed.reason) == (ExportStatus.FAILED, Reason.RAFFLE_GONE)
    assert objects(world) == []


def test_an_export_with_too_many_rows_for_xlsx_fails_with_that_reason(
    world: World, raffle: Json, exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.services.exports.spreadsheet.MAX_ROWS", 99)
    export = exports.enqueue(request_for(raffle, form=Format.XLSX), by=OLGA)
    world.work_on_exports()

    assert exports.get(export.id, by=OLGA).export.reason is Reason.TOO_MANY_ROWS


def test_an_export_that_takes_too_long_gives_up_before_its_function_is_stopped(
    world: World, raffle: Json, exports: Exports
) -> None:
    config = json.loads((ROOT / ".chalice" / "config.json").read_text(encoding="utf-8"))["lambda_functions"]["export"]
    assert timedelta(seconds=config["lambda_timeout"]) > LONGEST
    export = exports.enqueue(request_for(raffle), by=OLGA)
    slow = replace(exports, clock=ticking(world, minutes=8))
    slow.make(export.id, last_try=False)

    failed = exports.get(export.id, by=OLGA).export
    assert (failed.status, failed.reason) == (ExportStatus.FAILED, Reason.TOO_LONG)
    assert objects(world) == []


def test_an_error_is_retried_and_the_last_try_fails_with_an_alert(
    world: World, raffle: Json, exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts: list[str] = []
    monkeypatch.setattr(service, "alert", lambda what, **_: alerts.append(what))
    export = exports.enqueue(request_for(raffle), by=OLGA)
    body = json.dumps({"export": export.id})
    monkeypatch.setattr(service, "write", _raises)
    for tries in (1, 2):
        with pytest.raises(lambdas.NotHandled):
            lambdas.make_export(body, tries)
        assert exports.get(export.id, by=OLGA).export.status is ExportStatus.WAITING
    assert alerts == []
    lambdas.make_export(body, lambdas.LAST_EXPORT_TRY)

    failed = exports.get(export.id, by=OLGA).export
    assert (failed.status, failed.reason) == (ExportStatus.FAILED, Reason.INTERNAL_ERROR)
    assert len(alerts) == 1


def _raises(*_: object, **__: object) -> int:
    raise ZeroDivisionError


# How far it is


def test_progress_is_recorded_every_few_seconds_and_never_goes_back(
    world: World, exports: Exports, requests: Requests
) -> None:
    raffle = world.raffle(first_number=1, last_number=100_000)
    export = exports.enqueue(request_for(raffle), by=OLGA)
    slow = replace(exports, clock=ticking(world, minutes=1 / 60))  # a second each time
    noted: list[tuple[int, int, int]] = []
    begin = len(requests.made)
    slow.make(export.id, last_try=False)

    for operation, request in requests.made[begin:]:
        if operation == "UpdateItem" and "#" in request["UpdateExpression"]:
            noted.append(_noted(request))
    assert len(noted) >= 6
    assert noted == sorted(noted)
    assert {rows for rows, _, _ in noted[1:-1]} == {100_000}
    assert noted[-1] == (100_000, 100_000, 100)


def _noted(request: Json) -> tuple[int, int, int]:
    """rows, done and progress in an update of an export."""
    names = {name: mark for mark, name in request["ExpressionAttributeNames"].items()}
    settings = dict(
        part.split(" = ")
        for part in request["UpdateExpression"].partition("REMOVE")[0].removeprefix("SET ").split(", ")
    )

    def value(name: str) -> int:
        mark = settings.get(names.get(name, ""), "").strip()
        return int(request["ExpressionAttributeValues"][mark]["N"]) if mark else 0

    return value("rows"), value("done"), value("progress")


def test_requests_for_a_small_raffle(raffle: Json, exports: Exports, lucia: Buyer, requests: Requests) -> None:
    buy(lucia, "5,12")

    # The end of the audit log, and the entry there.
    noted = ["BatchGetItem", "TransactWriteItems"]
    # The board, the page's tickets, their orders, their contacts.
    tickets = requests.during(lambda: exports.make_at_once(request_for(raffle), by=OLGA))
    assert tickets == ["Query", "Query", "BatchGetItem", "BatchGetItem", *noted]
    # The board, all orders, their contacts.
    orders = requests.during(lambda: exports.make_at_once(request_for(raffle, Of.ORDERS), by=OLGA))
    assert orders == ["Query", "Query", "BatchGetItem", *noted]
