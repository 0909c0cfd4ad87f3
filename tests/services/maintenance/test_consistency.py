"""The command that compares the board with tickets and orders: what it finds, mends, and leaves alone."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pynamodb.expressions.update import Action

from chalicelib.cli.commands import main
from chalicelib.domain.board import LeafKey
from chalicelib.domain.consistency import DERIVED, REMARKS, DifferenceKind
from chalicelib.domain.messages import Identity
from chalicelib.domain.orders import OrderStatus
from chalicelib.domain.raffles import Raffle
from chalicelib.services.maintenance.consistency import ConsistencyCheck
from chalicelib.store import board, contacts, orders, raffles, transaction
from chalicelib.store.consistency_reads import INDEX_KEYS
from chalicelib.store.contact_ids import contact_ids_of
from chalicelib.store.records import (
    ContactRecord,
    LeafRecord,
    OrderRecord,
    RaffleRecord,
    Record,
    TallyRecord,
    TicketRecord,
    low_level,
)
from tests.support.races.findings import differences
from tests.support.request_counts import Requests
from tests.support.steps import (
    assert_board_is_exact,
    buy,
    cancel,
    confirm_payment,
    hold,
    hold_and_confirm,
    hold_and_prove,
    late,
    reassign,
    refund,
    reject,
)
from tests.support.world import Buyer, World

Json = dict[str, Any]
PRIMARY = ("ticket", "order")


@dataclass(kw_only=True)
class Hall:
    """A raffle of 300 numbers on three pages with an order of each kind, and the check of it."""

    world: World
    capsys: pytest.CaptureFixture[str]
    raffle: Json
    held: str  # 5, 12: PENDING_PAYMENT, Lucía
    paid: str  # 20, 21, 150: PAID, Marco
    proved: str  # 30: IN_REVIEW, Lucía
    over: str  # 40: EXPIRED, Lucía

    def check(self, *options: str, status: int) -> Json:
        """What `--json` says."""
        assert main(["check", self.raffle["id"], "--json", *options]) == status
        output = self.capsys.readouterr().out
        # What the test sells meanwhile is logged to the same place, each in a line.
        return dict(json.loads(output[output.index("{\n") :]))

    def kinds(self, *options: str, status: int) -> dict[str, Json]:
        (report,) = self.check(*options, status=status)["raffles"]
        return {finding["kind"]: finding for finding in report["findings"]}

    @property
    def stored(self) -> Raffle:
        return raffles.get(self.raffle["id"])

    def is_exact(self) -> bool:
        assert_board_is_exact(self.world, self.raffle)
        return differences(self.stored) == []

    # Planting: straight into the table, past every condition

    def ticket(self, number: int) -> TicketRecord:
        return TicketRecord.get(*board.ticket_key(self.stored, number))

    def put_ticket(self, number: int, order_id: str, contact_id: str = "nobody") -> None:
        TicketRecord(*board.ticket_key(self.stored, number), order_id=order_id, contact_id=contact_id).save()

    def flip(self, which: str, *numbers: int) -> None:
        for key, words in self.stored.layout.bits(numbers).items():
            for word, bits in words.items():
                self.set_word(key, which, word, self.word(key, which, word) ^ bits)

    def word(self, key: LeafKey, which: str, word: int) -> int:
        try:
            return LeafRecord.get(*board.leaf_key(self.raffle["id"], key)).words(which).get(word, 0)
        except LeafRecord.DoesNotExist:
            return 0

    def set_word(self, key: LeafKey, which: str, word: int, bits: int) -> None:
        first = self.stored.layout.numbers(key).start
        actions: list[Action] = [LeafRecord.kind.set(LeafRecord), LeafRecord.first.set(first)]
        actions.append(LeafRecord.word(which, word).set(bits))
        LeafRecord(*board.leaf_key(self.raffle["id"], key)).update(actions)

    def set_first(self, key: LeafKey, first: int | None) -> None:
        action = LeafRecord.first.remove() if first is None else LeafRecord.first.set(first)
        LeafRecord(*board.leaf_key(self.raffle["id"], key)).update([LeafRecord.kind.set(LeafRecord), action])

    def tally(self, column: str, change: int, name: str = "TALLY#00") -> None:
        actions: list[Action] = [TallyRecord.kind.set(TallyRecord), getattr(TallyRecord, column).add(change)]
        TallyRecord(f"BOARD#{self.raffle['id']}", name).update(actions)

    def order(self, order_id: str, **values: Any) -> None:
        actions: list[Action] = [
            getattr(OrderRecord, name).remove() if value is None else getattr(OrderRecord, name).set(value)
            for name, value in values.items()
        ]
        OrderRecord(*orders.key(order_id)).update(actions)

    def set_raffle(self, **values: Any) -> None:
        actions = [getattr(RaffleRecord, name).set(value) for name, value in values.items()]
        RaffleRecord(*raffles.key(self.raffle["id"])).update(actions)

    def hold_counted(self, buyer: Buyer, count: int) -> None:
        ContactRecord(*contacts.key(contact_of(buyer))).update([ContactRecord.held.set({self.raffle["id"]: count})])

    def list_unpaid(self, buyer: Buyer, unpaid: Json) -> None:
        ContactRecord(*contacts.key(contact_of(buyer))).update([ContactRecord.unpaid.set(unpaid)])

    def tally_newcomers(self, order_id: str, change: int) -> None:
        """Change the count in the tally that an order of a newcomer names."""
        tally = orders.get(order_id).newcomer_tally
        assert tally is not None
        self.tally("newcomers", change, name=f"TALLY#{tally:02}")

    @property
    def lucia(self) -> Buyer:
        return self.world.buyer("Lucía", 1)


def contact_of(buyer: Buyer) -> str:
    person = Identity(user_id=buyer.person.user_id, phone=buyer.person.wa_id)
    return next(name for name in contact_ids_of(person) if contacts.get(name))


@pytest.fixture(autouse=True)
def _as_much_as_amazon_reads_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto still has the limit of TransactGetItems that Amazon raised from 25 to 100 in 2022."""
    monkeypatch.setattr("moto.dynamodb.responses.TRANSACTION_MAX_ITEMS", 100)


@pytest.fixture
def hall(world: World, lucia: Buyer, marco: Buyer, capsys: pytest.CaptureFixture[str]) -> Hall:
    vars(world.container)["consistency"] = ConsistencyCheck(pause=lambda _: None)
    raffle = world.raffle(last_number=300)
    over = hold_and_confirm(lucia, "#40")
    world.clock.pass_minutes(16)
    world.minute()
    hall = Hall(
        world=world,
        capsys=capsys,
        raffle=raffle,
        over=over,
        held=hold_and_confirm(lucia, "5,12"),
        paid=buy(marco, "20, 21, 150"),
        proved=hold_and_prove(lucia, "#30"),
    )
    capsys.readouterr()
    return hall


def everything(*kinds: str) -> dict[tuple[str, str], Json]:
    """All items (of these kinds) as they are stored."""
    pages = low_level().client.get_paginator("scan").paginate(TableName=Record.Meta.table_name)
    items = (item for page in pages for item in page["Items"])
    return {(item["pk"]["S"], item["sk"]["S"]): item for item in items if not kinds or item["kind"]["S"] in kinds}


def restore(saved: dict[tuple[str, str], Json]) -> None:
    """Have the table hold just these items: quicker than selling all of it again."""
    client = low_level().client
    now = everything()
    for key in now.keys() - saved.keys():
        name = dict(zip(("pk", "sk"), ({"S": part} for part in key), strict=True))
        client.delete_item(TableName=Record.Meta.table_name, Key=name)
    for key, item in saved.items():
        if now.get(key) != item:
            client.put_item(TableName=Record.Meta.table_name, Item=item)


def primary() -> dict[tuple[str, str], Json]:
    """Tickets and orders, without what follows from them."""
    items = everything(*PRIMARY)
    return {key: {name: at for name, at in item.items() if name not in INDEX_KEYS} for key, item in items.items()}


@contextmanager
def before_requests(do: Callable[[str, int], object]) -> Iterator[None]:
    """Call `do` with the operation and its position before each request that is not made by itself."""
    events = low_level().client.meta.events
    inside = False
    position = 0

    def note(model: Any, **_: Any) -> None:
        nonlocal inside, position
        if not inside:
            inside = True
            do(model.name, position)
            inside = False
            position = position + 1

    events.register("before-call.dynamodb", note)
    try:
        yield
    finally:
        events.unregister("before-call.dynamodb", note)


# What it says


def test_sold_and_freed_numbers_show_no_differences(hall: Hall) -> None:
    raffle_id = hall.raffle["id"]
    assert main(["check", raffle_id]) == 0
    said = hall.capsys.readouterr()
    assert said.out == f"Raffle {raffle_id} (300 numbers, 6 tickets, 4 orders): no differences.\n"
    assert said.err == f"Checking raffle {raffle_id} ...\n"


def test_findings_fit_a_terminal_and_the_last_line_says_what_to_do(hall: Hall) -> None:
    hall.flip("t", 7, 8)
    TicketRecord.delete(hall.ticket(5))
    assert main(["check", hall.raffle["id"]]) == 1
    output = hall.capsys.readouterr().out.splitlines()
    assert output[:3] == [
        "  taken_bit: 2 found",
        "      numbers whose taken mark on the board contradicts the tickets",
        "      7, 8",
    ]
    assert (output[3], output[5]) == ("  ticket_missing: 1 found", f"      5 ({hall.held})")
    assert max(map(len, output[:-1])) <= 80
    last = output[-1]
    assert last.endswith("5 tickets, 4 orders): 3 differences; --repair can fix 2, 1 to settle by hand.")
    assert main(["check", hall.raffle["id"], "--repair"]) == 1
    assert hall.capsys.readouterr().out.endswith("3 differences, 2 repaired, 1 to settle by hand.\n")


def test_after_a_repair_nothing_is_left(hall: Hall) -> None:
    hall.flip("t", 7)
    assert main(["check", "--repair"]) == 0
    assert hall.capsys.readouterr().out.endswith("1 difference, all repaired.\n")
    assert main(["check"]) == 0


def test_only_the_first_few_examples_are_shown(hall: Hall) -> None:
    hall.flip("t", *range(100, 120))
    finding = hall.kinds(status=1)["taken_bit"]
    assert (finding["count"], finding["examples"]) == (20, ["100", "101", "102", "103", "104"])
    main(["check"])
    assert "100, 101, 102, 103, 104, ...\n" in hall.capsys.readouterr().out


def test_findings_name_no_person(hall: Hall) -> None:
    for plant in (fault.plant for fault in FAULTS):
        plant(hall)
    main(["check"])
    main(["check", "--json"])
    output = "".join(hall.capsys.readouterr())
    for secret in (hall.lucia.person.phone, hall.lucia.person.wa_id, hall.lucia.person.user_id, "Lucía", "Marco"):
        assert secret
        assert secret not in output


def test_without_a_raffle_all_are_checked(hall: Hall) -> None:
    other = hall.world.raffle(code="MOTO", last_number=100)
    hall.flip("t", 7)
    assert main(["check"]) == 1
    lines = [line for line in hall.capsys.readouterr().out.splitlines() if line.startswith("Raffle ")]
    assert [line.split()[1] for line in lines] == [hall.raffle["id"], other["id"]]
    assert main(["check", other["id"]]) == 0


def test_a_raffle_that_one_list_does_not_show_is_checked_too(hall: Hall) -> None:
    for name in ("time_key", "queue_key"):
        hall.set_raffle(**{name: "NEVER"})
        assert main(["check", "--repair"]) == 0
        assert "raffle_keys" in hall.capsys.readouterr().out


def test_without_raffles_it_says_so(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    assert capsys.readouterr().out == "There are no raffles.\n"


def test_an_unknown_raffle_is_a_usage_error(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "nothing"]) == 2
    output = capsys.readouterr()
    assert (output.out, output.err.splitlines()[-1]) == ("", "tombola: There is no raffle nothing.")


# What it finds and what it mends


@dataclass(frozen=True)
class Planted:
    """A fault: how to plant it, the kinds of finding that it leads to, and an example of one."""

    plant: Callable[[Hall], object]
    kinds: set[DifferenceKind]
    example: str = ""

    @property
    def mended(self) -> bool:
        return self.kinds <= DERIVED


def _two_orders(hall: Hall) -> None:
    hall.order(hall.over, status="IN_REVIEW", reserved_until=None, numbers=[20], newcomer_tally=None)
    right = orders.as_record(orders.get(hall.over))
    hall.order(hall.over, queue_key=right.queue_key, queue_at=right.queue_at, status_key=right.status_key)
    hall.hold_counted(hall.lucia, 4)
    unpaid = ContactRecord.get(*contacts.key(contact_of(hall.lucia))).unpaid
    hall.list_unpaid(hall.lucia, {**unpaid, hall.over: [hall.raffle["id"], 1, 1]})


def _other_contact(hall: Hall) -> None:
    ticket = hall.ticket(20)
    hall.put_ticket(20, ticket.order_id)


def _without_contact(hall: Hall) -> None:
    ContactRecord(*contacts.key(contact_of(hall.world.buyer("Marco", 2)))).delete()


def _refunded_without_a_time(hall: Hall) -> None:
    refunded = OrderStatus.REFUNDED
    keys = {"queue_key": orders.queue(refunded), "status_key": orders.queue(refunded, hall.raffle["id"])}
    hall.order(hall.over, status=refunded.value, **keys)


def _lost_deadline(hall: Hall) -> None:
    hall.order(hall.held, reserved_until=None)


def _misplaced(hall: Hall) -> None:
    TicketRecord(f"TICKETS#{hall.raffle['id']}#002", "0000007", order_id=hall.held, contact_id="nobody").save()


K = DifferenceKind
PAGE_0, PAGE_2, BEYOND = LeafKey(0, 0), LeafKey(2, 0), LeafKey(5, 0)
FAULTS = [
    Planted(lambda hall: hall.flip("t", 12), {K.TAKEN_BIT}, "12"),
    Planted(lambda hall: hall.flip("t", 299), {K.TAKEN_BIT}, "299"),
    Planted(lambda hall: hall.flip("s", 20), {K.SOLD_BIT}, "20"),
    Planted(lambda hall: hall.flip("s", 5), {K.SOLD_BIT}, "5"),
    Planted(lambda hall: hall.flip("s", 250), {K.SOLD_BIT}, "250"),
    Planted(lambda hall: hall.flip("t", 20, 21), {K.TAKEN_BIT}, "20"),
    Planted(lambda hall: hall.set_word(PAGE_2, "t", 0, 1 << 60), {K.STRAY_BITS}, "002#0 word 0"),
    Planted(lambda hall: hall.set_word(PAGE_2, "s", 9, 1), {K.STRAY_BITS}, "002#0 word 9"),
    Planted(lambda hall: hall.set_word(PAGE_2, "t", 0, -1), {K.STRAY_BITS, K.TAKEN_BIT}),
    Planted(lambda hall: hall.set_word(PAGE_2, "t", 0, 1 << 64), {K.STRAY_BITS}),
    Planted(lambda hall: hall.set_word(BEYOND, "t", 0, 6), {K.STRAY_LEAF}, "005#0"),
    Planted(
        lambda hall: LeafRecord(*board.leaf_key(hall.raffle["id"], PAGE_0)).delete(), {K.TAKEN_BIT, K.SOLD_BIT}, "5"
    ),
    Planted(lambda hall: hall.set_first(PAGE_0, None), {K.LEAF_FIRST}, "000#0"),
    Planted(lambda hall: hall.set_first(PAGE_2, 7), {K.LEAF_FIRST}, "002#0"),
    Planted(lambda hall: hall.tally("p1", 2), {K.TALLY_PAGE}, "page 1: 3 counted, 1 taken"),
    Planted(lambda hall: hall.tally("p0", -6), {K.TALLY_PAGE}, "page 0: -1 counted, 5 taken"),
    Planted(lambda hall: hall.tally("p77", 1), {K.TALLY_PAGE}, "page 77: 1 counted, 0 taken"),
    Planted(lambda hall: hall.tally("sold", 1), {K.TALLY_SOLD}, "4 counted, 3 sold"),
    Planted(lambda hall: hall.tally("paid", -2500), {K.TALLY_PAID}, "5000 counted, 7500 paid"),
    Planted(
        lambda hall: hall.tally("p0", 1, name="TALLY#09"), {K.STRAY_TALLY, K.TALLY_PAGE}, "page 0: 6 counted, 5 taken"
    ),
    Planted(lambda hall: hall.tally_newcomers(hall.held, 2), {K.TALLY_NEWCOMERS}, "tally 1: 4 counted, 2 held"),
    Planted(lambda hall: hall.tally_newcomers(hall.held, -4), {K.TALLY_NEWCOMERS}, "tally 1: -2 counted, 2 held"),
    Planted(lambda hall: hall.hold_counted(hall.lucia, 7), {K.HELD}),
    Planted(lambda hall: hall.list_unpaid(hall.lucia, {}), {K.UNPAID}),
    Planted(lambda hall: hall.list_unpaid(hall.lucia, {hall.over: [hall.raffle["id"], 1]}), {K.UNPAID}),
    Planted(
        lambda hall: hall.list_unpaid(hall.world.buyer("Marco", 2), {hall.paid: [hall.raffle["id"], 3]}), {K.UNPAID}
    ),
    Planted(lambda hall: hall.order(hall.held, queue_key="ORDER#DRAFT"), {K.ORDER_KEYS}),
    Planted(lambda hall: hall.order(hall.held, queue_at=None), {K.ORDER_KEYS}),
    Planted(lambda hall: hall.order(hall.over, time_key="NEVER"), {K.ORDER_KEYS}),
    Planted(lambda hall: hall.order(hall.held, status_key=None), {K.ORDER_KEYS}),  # as before there was that index
    Planted(lambda hall: hall.order(hall.proved, status_key="elsewhere#IN_REVIEW"), {K.ORDER_KEYS}),
    Planted(lambda hall: hall.order(hall.paid, contact_key=None), {K.ORDER_KEYS}),
    Planted(lambda hall: hall.order(hall.paid, raffle_key=None), {K.ORDER_KEYS}),
    Planted(lambda hall: hall.set_raffle(queue_key="RAFFLE#DRAFT"), {K.RAFFLE_KEYS}),
    Planted(lambda hall: hall.set_raffle(time_key="NEVER"), {K.RAFFLE_KEYS}),
    Planted(lambda hall: TicketRecord.delete(hall.ticket(5)), {K.TICKET_MISSING}),
    Planted(lambda hall: hall.put_ticket(77, "23467892"), {K.TICKET_STRAY}, "77 (23467892)"),
    Planted(lambda hall: hall.put_ticket(40, hall.over), {K.TICKET_STRAY}),
    Planted(lambda hall: hall.put_ticket(20, hall.proved), {K.TICKET_STRAY, K.TICKET_MISSING}),
    Planted(_two_orders, {K.TWO_ORDERS}),
    Planted(_other_contact, {K.TICKET_CONTACT}),
    Planted(_misplaced, {K.TICKET_MISPLACED}, "7 (page 2)"),
    Planted(lambda hall: hall.order(hall.over, numbers=[40, 301]), {K.ORDER_NUMBERS}),
    Planted(lambda hall: hall.order(hall.over, numbers=[40, 40]), {K.ORDER_NUMBERS}),
    Planted(_lost_deadline, {K.ORDER_TIMES}),
    Planted(lambda hall: hall.order(hall.paid, paid_at=None), {K.ORDER_TIMES}),
    Planted(lambda hall: hall.order(hall.held, paid_at=hall.world.clock.now), {K.ORDER_TIMES}),
    Planted(lambda hall: hall.order(hall.proved, reserved_until=hall.world.clock.now), {K.ORDER_TIMES}),
    Planted(lambda hall: hall.order(hall.over, refunded_at=hall.world.clock.now), {K.ORDER_TIMES}),
    Planted(_refunded_without_a_time, {K.ORDER_TIMES}),
    Planted(lambda hall: hall.order(hall.over, status="GONE"), {K.ORDER_UNREADABLE}),
    Planted(_without_contact, {K.CONTACT_MISSING}),
    Planted(lambda hall: hall.order(hall.proved, raffle_key=None), {K.ORDER_KEYS}),
    Planted(lambda hall: hall.order(hall.proved, queue_key="ORDER#DRAFT"), {K.ORDER_KEYS}),
]


def test_planted_faults_are_found_and_derived_data_is_repaired(hall: Hall, subtests: pytest.Subtests) -> None:
    healthy = everything()
    for place, fault in enumerate(FAULTS):
        restore(healthy)
        with subtests.test(f"{place}: {', '.join(sorted(fault.kinds))}"):
            fault.plant(hall)
            planted = primary()
            whole = everything()

            findings = hall.kinds(status=1)
            examples = [example for kind in findings.values() for example in kind["examples"]]
            assert set(findings) == fault.kinds
            assert not fault.example or fault.example in examples
            assert everything() == whole

            findings = hall.kinds("--repair", status=0 if fault.mended else 1)
            assert {kind: finding["repaired"] for kind, finding in findings.items()} == {
                kind: finding["count"] if kind in DERIVED else 0 for kind, finding in findings.items()
            }
            assert primary() == planted
            assert set(hall.kinds(status=0 if fault.mended else 1)) == fault.kinds - DERIVED
            assert not fault.mended or hall.is_exact()


def test_every_kind_is_planted_above_or_has_a_test_of_its_own() -> None:
    assert set(DifferenceKind) - {kind for fault in FAULTS for kind in fault.kinds} == {K.ORDER_UNLISTED, K.OVER_LIMIT}


def test_without_repair_nothing_is_written(hall: Hall, requests: Requests) -> None:
    for fault in FAULTS:
        fault.plant(hall)
    before = len(requests.made)
    main(["check"])
    assert {operation for operation, _ in requests.made[before:]} == {"Query", "BatchGetItem", "TransactGetItems"}


def test_counts_are_compared_with_tickets_even_while_the_bits_are_wrong(hall: Hall) -> None:
    hall.flip("t", 7, 8, 12)
    hall.flip("s", 20)
    assert set(hall.kinds(status=1)) == {"taken_bit", "sold_bit"}
    hall.tally("p0", 1)
    hall.tally("sold", -1)
    findings = hall.kinds(status=1)
    assert findings["tally_page"]["examples"] == ["page 0: 6 counted, 5 taken"]
    assert findings["tally_sold"]["examples"] == ["2 counted, 3 sold"]


def test_a_number_whose_owner_is_in_doubt_is_not_offered_to_others(hall: Hall) -> None:
    TicketRecord.delete(hall.ticket(20))
    hall.check("--repair", status=1)
    key, words = next(iter(hall.stored.layout.bits([20]).items()))
    ((word, bit),) = words.items()
    assert hall.word(key, "t", word) & bit
    assert hall.word(key, "s", word) & bit


def test_a_repair_keeps_the_trace_of_a_lost_deadline(hall: Hall) -> None:
    deadline = OrderRecord.get(*orders.key(hall.held)).queue_at
    hall.order(hall.held, reserved_until=None, time_key="NEVER")
    assert set(hall.kinds("--repair", status=1)) == {"order_times", "order_keys"}
    stored = OrderRecord.get(*orders.key(hall.held))
    assert (stored.queue_at, stored.time_key) == (deadline, "ORDERS")


def test_a_lost_deadline_is_found_by_its_trace_whenever_the_raffle_was_changed(hall: Hall) -> None:
    assert hall.world.api("PATCH", f"/api/raffles/{hall.raffle['id']}", {"prize": "A car"}).status == 200
    _lost_deadline(hall)
    assert hall.kinds(status=1)["order_times"]["examples"] == [hall.held]


def test_a_hold_without_a_limit_is_right_in_a_raffle_that_had_none_then(hall: Hall) -> None:
    path = f"/api/raffles/{hall.raffle['id']}"
    assert hall.world.api("PATCH", path, {"hold_minutes": None}).status == 200
    hold(hall.lucia, "#90")
    hall.world.clock.pass_minutes(5)
    assert hall.world.api("PATCH", path, {"hold_minutes": 15}).status == 200
    hall.check(status=0)
    hall.world.clock.pass_minutes(5)
    lost = hold(hall.lucia, "#91")
    without = orders.as_record(orders.get(lost))
    hall.order(lost, reserved_until=None, queue_at=f"{orders.NO_DEADLINE}#{without.id}")
    assert hall.kinds(status=1)["order_times"]["examples"] == [lost]


def test_settled_orders_show_no_differences(hall: Hall) -> None:
    """What is refunded owns nothing; what was rejected owns what it did."""
    marco = hall.world.buyer("Marco", 2)
    reject(hall.world, hall.proved)
    refund(hall.world, hall.paid)
    reassign(hall.world, late(hall.lucia, marco, "#60, #61", "#61"), [150, 20])
    refund(hall.world, late(hall.lucia, marco, "#70, #71", "#71"))
    assert hall.check(status=0)["raffles"][0]["findings"] == []
    assert hall.is_exact()


def test_a_limit_that_was_lowered_is_a_remark(hall: Hall) -> None:
    assert hall.world.api("PATCH", f"/api/raffles/{hall.raffle['id']}", {"max_per_contact": 2}).status == 200
    findings = hall.kinds(status=0)
    assert {kind: finding["remark"] for kind, finding in findings.items()} == {"over_limit": True}
    assert findings["over_limit"]["count"] == 2
    assert {DifferenceKind.OVER_LIMIT} == REMARKS


def test_an_order_that_the_index_still_does_not_show_is_reported(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    query = type(Record.by_raffle).query
    hidden = f"ORDER#{hall.paid}"

    def behind(index: Any, *arguments: Any, **named: Any) -> Iterator[Record]:
        yield from (record for record in query(index, *arguments, **named) if record.pk != hidden)

    monkeypatch.setattr(type(Record.by_raffle), "query", behind)
    assert hall.kinds(status=1)["order_unlisted"]["examples"] == [hall.paid]


@pytest.mark.parametrize(("column", "of_order"), [("sold", "quantity"), ("paid", "amount")])
def test_a_wrong_count_does_not_hide_behind_an_order_that_the_index_lost(
    hall: Hall, column: str, of_order: str
) -> None:
    """The tallies lack just what the order comes to, so that they fit the orders that are listed."""
    lost = hall.world.order(hall.paid)[of_order]
    hall.order(hall.paid, raffle_key="wrong")
    hall.tally(column, -lost)
    assert set(hall.kinds("--repair", status=0)) == {"order_keys", f"tally_{column}"}
    hall.check(status=0)
    assert hall.is_exact()


def test_an_index_that_catches_up_is_no_fault(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    query = type(Record.by_raffle).query
    hidden = {f"ORDER#{hall.paid}"}

    def behind(index: Any, *arguments: Any, **named: Any) -> Iterator[Record]:
        yield from (record for record in query(index, *arguments, **named) if record.pk not in hidden)

    monkeypatch.setattr(type(Record.by_raffle), "query", behind)
    vars(hall.world.container)["consistency"] = ConsistencyCheck(pause=lambda _: hidden.clear())
    hall.check(status=0)


def test_more_orders_on_a_word_than_one_snapshot_holds_are_read_in_parts(
    hall: Hall, requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.store.consistency_reads.BATCH", 12)
    for number in range(3):
        hold(hall.lucia, f"#{22 + number}")
    hall.flip("t", 20, 24, 25)
    assert hall.kinds("--repair", status=0)["taken_bit"]["examples"] == ["20", "24", "25"]
    assert requests.counts()["TransactGetItems"] > 10
    assert hall.is_exact()


# While buyers buy


def test_a_sale_at_any_moment_is_no_fault(hall: Hall) -> None:
    """An order is held, paid or cancelled between any two requests of the check, and one while it reads it all."""
    marco = hall.world.buyer("Marco", 2)
    at_hand: list[str] = []

    def happens() -> None:
        if not at_hand:
            at_hand.append(hold(marco, "random 3"))
        elif len(at_hand) == 1:
            confirm_payment(hall.world, at_hand[0])
            at_hand.append(hold(marco, "random 2"))
        else:
            cancel(hall.world, at_hand[1])
            at_hand.clear()

    for moment in range(60):
        positions: list[int] = []

        def do(_: str, position: int, moment: int = moment, positions: list[int] = positions) -> None:
            positions.append(position)
            if position in (3, moment):
                happens()

        with before_requests(do):
            (report,) = hall.check(status=0)["raffles"]
        assert (report["findings"], report["not_compared"]) == ([], [])
        if moment not in positions:
            break
    assert moment > 10
    assert hall.is_exact()


def test_many_sales_at_all_moments_are_no_fault(hall: Hall) -> None:
    marco = hall.world.buyer("Marco", 2)
    sales = iter(range(20))

    def sell(operation: str, _: int) -> None:
        if next(sales, None) is not None:
            hold(marco, "random 3")

    with before_requests(sell):
        hall.check(status=0)
    assert hall.is_exact()


def test_a_repair_loses_no_sale_that_comes_in_between(hall: Hall, subtests: pytest.Subtests) -> None:
    """At the moment of the repair's first write, both buyers buy what lies around, and an order is paid."""
    healthy = everything()
    for kind, fault in {min(fault.kinds): fault for fault in FAULTS if fault.mended}.items():
        restore(healthy)
        sold: list[str] = []

        def sell(operation: str, _: int, sold: list[str] = sold) -> None:
            if operation in ("UpdateItem", "TransactWriteItems") and not sold:
                sold.append(hold(hall.lucia, "#6"))
                sold.append(buy(hall.world.buyer("Marco", 2), "22, 151, 257"))
                confirm_payment(hall.world, hall.proved)

        with subtests.test(kind.value):
            fault.plant(hall)
            with before_requests(sell):
                hall.check("--repair", status=0)
            assert [hall.world.order(order_id)["status"] for order_id in sold] == ["DRAFT", "PAID"]
            assert hall.is_exact()
            hall.check(status=0)


def repairs_while(hall: Hall, operation: str, happens: Callable[[], object]) -> None:
    """Repair; at the moment of the first such request, something happens. Afterwards all must be well."""
    happened: list[str] = []

    def do(what: str, _: int) -> None:
        if what == operation and not happened:
            happened.append(what)
            happens()

    with before_requests(do):
        hall.check("--repair", status=0)
    assert happened
    hall.check(status=0)


def test_two_repairs_at_once_add_what_is_missing_once(hall: Hall) -> None:
    hall.tally("p0", -6)
    consistency = hall.world.container.consistency
    repairs_while(hall, "UpdateItem", lambda: consistency.check(hall.raffle["id"], repair=True))
    assert hall.is_exact()


def test_a_repair_does_not_undo_a_change_of_the_raffle(hall: Hall) -> None:
    path = f"/api/raffles/{hall.raffle['id']}/deactivate"
    hall.set_raffle(queue_key="RAFFLE#DRAFT")
    repairs_while(hall, "UpdateItem", lambda: hall.world.api("POST", path))
    assert RaffleRecord.get(*raffles.key(hall.raffle["id"])).queue_key == "RAFFLE#INACTIVE"


def test_a_part_of_the_board_that_the_raffle_grows_into_is_not_removed(hall: Hall) -> None:
    hall.set_word(BEYOND, "t", 0, 6)

    def grow() -> None:
        assert hall.world.api("PATCH", f"/api/raffles/{hall.raffle['id']}", {"last_number": 700}).status == 200
        hold(hall.world.buyer("Marco", 2), "#650")

    repairs_while(hall, "TransactWriteItems", grow)
    assert differences(hall.stored) == []


def test_a_leaf_that_is_removed_during_a_repair_does_not_come_back_incomplete(hall: Hall) -> None:
    hall.set_first(PAGE_2, 7)
    leaf = LeafRecord(*board.leaf_key(hall.raffle["id"], PAGE_2))
    repairs_while(hall, "UpdateItem", leaf.delete)
    assert (leaf.pk, leaf.sk) not in everything()
    assert hall.is_exact()


def test_numbers_that_keep_changing_while_they_are_counted_are_not_compared(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "DEADLINE_SECONDS", 0)
    hall.tally("sold", 1)
    marco = hall.world.buyer("Marco", 2)

    def sell(operation: str, position: int) -> None:
        if position > 8 and operation == "Query":
            buy(marco, "random 1")

    with before_requests(sell):
        assert main(["check"]) == 0
    said = hall.capsys.readouterr().out
    assert "could not be compared because it kept changing: sold: numbers sold" in said
    assert said.endswith("no differences in what could be compared.\n")
    assert set(hall.kinds(status=1)) == {"tally_sold"}


def test_a_raffle_that_grows_during_a_check_is_checked_again(hall: Hall) -> None:
    grown: list[int] = []

    def grow(operation: str, position: int) -> None:
        if operation == "Query" and position == 1 and not grown:
            path = f"/api/raffles/{hall.raffle['id']}"
            grown.append(hall.world.api("PATCH", path, {"last_number": 700}).status)
            buy(hall.world.buyer("Marco", 2), "#650")

    with before_requests(grow):
        (report,) = hall.check(status=0)["raffles"]
    assert grown == [200]
    assert report["numbers"] == 700


# At any size


@pytest.mark.parametrize(("size", "most"), [(100, 10), (10_000, 90), (1_000_000, 115)])
def test_a_healthy_raffle_takes_a_request_for_each_page_and_few_more(
    world: World, lucia: Buyer, requests: Requests, size: int, most: int
) -> None:
    raffle = world.raffle(last_number=size)
    for pick in ("5, 12, 99", "random 40", "random 3"):
        buy(lucia, pick)
    operations = requests.during(lambda: main(["check", raffle["id"]]))
    assert len(operations) <= most, operations
    assert set(operations) == {"Query", "BatchGetItem"}


# Anything at all


def _can_be_found(key: tuple[str, str, str, str | None]) -> bool:
    """An order that has let its numbers go, and is not in its raffle's index, is only found by its id."""
    _, order, name, value = key
    return order != "over" or name not in ("raffle_key", "raffle_at") or (name, value) == ("raffle_at", "wrong")


_leaves = st.sampled_from([LeafKey(0, 0), LeafKey(1, 0), LeafKey(2, 0), LeafKey(2, 1), LeafKey(7, 0)])
_bits = st.one_of(st.integers(0, 2**64 - 1), st.sampled_from([0, 1, 2**64, -1, 2**65 - 1]))
_planted = st.one_of(
    st.tuples(st.just("word"), _leaves, st.sampled_from("ts"), st.sampled_from([0, 1, 2, 31]), _bits),
    st.tuples(
        st.just("tally"),
        st.sampled_from(["p0", "p1", "p2", "p9", "p100", "sold"]),
        st.integers(-5, 5),
        st.sampled_from(["TALLY#00", "TALLY#02", "TALLY#03", "TALLY#15"]),
    ),
    st.tuples(st.just("held"), st.sampled_from([1, 2]), st.integers(0, 50)),
    st.tuples(
        st.just("key"),
        st.sampled_from(["held", "paid", "proved", "over"]),
        st.sampled_from(INDEX_KEYS),
        st.sampled_from(["wrong", None]),
    ).filter(_can_be_found),
)


def plant(hall: Hall, planted: tuple[Any, ...]) -> None:
    match planted:
        case ("word", key, which, word, bits):
            hall.set_word(key, which, word, bits)
        case ("tally", column, change, name):
            hall.tally(column, change, name)
        case ("held", number, count):
            hall.hold_counted(hall.world.buyer("", number), count)
        case ("key", order, name, value):
            hall.order(getattr(hall, order), **{name: value})


def meaning(hall: Hall) -> Any:
    """What the stored items say, however they say it."""
    words = {
        (record.sk, which, word): bits
        for record in LeafRecord.query(f"LEAVES#{hall.raffle['id']}")
        for which in "ts"
        for word, bits in record.words(which).items()
        if bits
    }
    tallies = [record for record in Record.query(f"BOARD#{hall.raffle['id']}") if isinstance(record, TallyRecord)]
    counts = {
        name: total
        for name in TallyRecord.get_attributes()
        if (name == "sold" or name[1:].isdigit()) and (total := sum(int(getattr(t, name) or 0) for t in tallies))
    }
    # One that is not among the raffle's and counts something is wrong even where the sums are right.
    orphaned_orders = [
        t.sk for t in tallies if t.sk > "TALLY#02" and any(t.attribute_values.get(name) for name in t_columns())
    ]
    held = {key: json.loads(item.get("held", {"S": "{}"})["S"]) for key, item in everything("contact").items()}
    held = {key: {name: count for name, count in has.items() if count} for key, has in held.items()}
    return words, counts, orphaned_orders, held, everything(*PRIMARY, "raffle")


def t_columns() -> list[str]:
    return [name for name in TallyRecord.get_attributes() if name == "sold" or name[1:].isdigit()]


@pytest.fixture
def healthy_items(hall: Hall) -> dict[tuple[str, str], Json]:
    return everything()


# An example takes seconds, so that making it smaller would take many minutes; eight faults can be read as they are.
_UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(max_examples=15, deadline=None, phases=_UNSHRUNK, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(faults=st.lists(_planted, min_size=1, max_size=8))
def test_any_fault_in_derived_data_is_found_and_repaired(
    hall: Hall, healthy_items: dict[tuple[str, str], Json], faults: list[Any]
) -> None:
    restore(healthy_items)  # an example that failed leaves its faults
    healthy = meaning(hall)
    for fault in faults:
        plant(hall, fault)
    differs = meaning(hall) != healthy
    assert bool(hall.kinds(status=int(differs))) == differs
    hall.check("--repair", status=0)
    assert meaning(hall) == healthy
    hall.check(status=0)
