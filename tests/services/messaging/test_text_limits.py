"""Every text of the bot, in every language, with the longest that may stand in it, keeps WhatsApp's limits."""

import inspect
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from chalicelib.domain.audit import AuditEntry
from chalicelib.domain.choices import confirm_age_choice
from chalicelib.domain.contacts import Contact
from chalicelib.domain.decisions import MAX_REASON, Act, Choosing
from chalicelib.domain.languages import LANGUAGES, TEMPLATE_CODES, LanguageCode
from chalicelib.domain.messages import Reply
from chalicelib.domain.orders import Order, OrderStatus, Proof
from chalicelib.domain.organisers import Role
from chalicelib.domain.picks import Unclarity, Unclear
from chalicelib.domain.raffles import Board, PaymentChange, Permit, Raffle, RaffleOrganiser, RaffleStatus
from chalicelib.domain.refusals import HoldLimit, HoldLimited, NumbersTaken, TooFewFree, TooManyForContact
from chalicelib.services.messaging.texts import RAFFLES_A_PAGE, Texts, texts_in
from chalicelib.whatsapp import limits
from chalicelib.whatsapp.messages import render
from chalicelib.whatsapp.templates import DEFINITIONS

NOW = datetime(2026, 9, 30, 22, 50, tzinfo=UTC)
FAMILY = "👨‍👩‍👧‍👦"  # seven code points that are one character for those who read it
PIECES = set(FAMILY)
NUMBERS = tuple(range(9_999_900, 9_999_940))
RAFFLE = Raffle(
    id="k3x9m2p7qd", title="Gran " + FAMILY * 13 + "rifa", description=FAMILY * 285, prize=FAMILY * 28,
    unit_amount=1_000_000_000_000, currency="PYG", first_number=9_000_000, last_number=9_999_999, hold_minutes=43_200,
    max_per_contact=1_000_000, payment_instructions="W" * 2000, code="W" * 16, status=RaffleStatus.ACTIVE,
    opens_at=None, closes_at=None, time_zone="Asia/Kathmandu", page_size=9900, created_at=NOW, updated_at=NOW,
    max_unpaid_numbers=1_000_000, draws_at=NOW + timedelta(days=60), draw_method="W" * 300, minimum_age=120,
    organiser=RaffleOrganiser(name="W" * 100, contact="W" * 200), permit=Permit(authority="W" * 100, number="W" * 60),
    rules_url="https://" + "w" * 490,
)  # fmt: skip
PLAIN = replace(RAFFLE, draws_at=None, draw_method="", organiser=None, permit=None, rules_url=None, minimum_age=None)
PROOF = Proof(key="k", mime_type="image/png", sha256="0" * 64, size=1, received_at=NOW, same_file_as="WWWWWWWW")
ORDER = Order(
    id="WWWWWWWW", contact_id="c1", raffle_id=RAFFLE.id, numbers=NUMBERS, unit_amount=RAFFLE.unit_amount,
    currency="PYG", status=OrderStatus.DRAFT, reserved_until=NOW + timedelta(days=30), created_at=NOW, updated_at=NOW,
    rejected_reason="W" * 300, refund_reason="W" * 300, proofs=(PROOF,) * 10,
)  # fmt: skip
BOARD = Board(RAFFLE, {0: 1}, 0)
BOARDS = [Board(replace(RAFFLE, id=f"{RAFFLE.id[:-1]}{place}"), {0: place}, 0) for place in range(RAFFLES_A_PAGE)]
BOARDS[3] = BOARDS[3]._replace(taken={0: RAFFLE.total}, sold=RAFFLE.total)
CHANGE = PaymentChange(
    raffle_id=RAFFLE.id, payment_instructions="W" * 2000, replaces="M" * 2000, proposed_by="W" * 60, token_id="t",
    proposed_at=NOW, confirmed_by="M" * 60,
)  # fmt: skip
LATER = NOW + timedelta(days=1)
ENTRY = AuditEntry(
    chain=0, number=1, action="order.paid", target="order:WWWWWWWW", name="W" * 60, role=Role.CASHIER, token_id=None,
    at=NOW - timedelta(days=1), before={}, after={}, previous="",
)  # fmt: skip
REFUSALS: dict[str, list[Exception]] = {
    "taken": [
        NumbersTaken(dict.fromkeys(NUMBERS, LATER), own=NUMBERS[:20]),
        NumbersTaken(dict.fromkeys(NUMBERS, LATER), own=NUMBERS),
        NumbersTaken(dict.fromkeys(NUMBERS[:1])),
    ],
    "too_few_free": [TooFewFree(40, 39), TooFewFree(40, 1), TooFewFree(1, 0)],
    "too_many_for_contact": [TooManyForContact(1_000_000, 1_000_000)],
    "hold_limited": [
        HoldLimited(limit, most=1_000_000, has=has, until=until)
        for limit in HoldLimit
        for has in (0, 1, 1_000_000)
        for until in (None, LATER)
    ],
}
# What each argument may be, by its name.
ARGUMENTS: dict[str, list[Any]] = {
    "again": [False, True],
    "age": [120],
    "asks": [False, True],
    "answer": ["W" * 500],
    "noticed": [
        [Choosing(act=act, order_id="WWWWWWWW", seen="0" * 16) for act in (Act.APPROVE, Act.REJECT, Act.OPEN)],
    ],
    "place": [10],
    "board": [BOARD, Board(PLAIN, {0: 1}, 0)],
    "boards": [BOARDS, []],
    "choosing": [Choosing(act=Act.REJECT, order_id="WWWWWWWW", seen="0" * 8)],
    "entry": [ENTRY, None],
    "free": [NUMBERS, NUMBERS[:1]],
    "on_sale": [[RAFFLE] * RAFFLES_A_PAGE, [PLAIN] * RAFFLES_A_PAGE, [PLAIN], []],
    "some": [NUMBERS[:12], NUMBERS[:1], ()],
    "taken": [NUMBERS, NUMBERS[:1], ()],
    "available": [1, 12, 1_000_000],
    "buyer": [Contact(id="c1", phone="9" * 15, name="W" * 60), Contact(id="c1", user_id="XX.1")],
    "by": ["W" * 60, "W"],
    "by_organiser": [False, True],
    "choice": [confirm_age_choice(RAFFLE.id, 120, "#9999999," * 23)],
    "example": [range(900_000, 1_000_000), None],
    "numbers": [range(1, 1_000_001), range(900_000, 1_000_000)],
    "code": ["W" * 8],
    "comes": [1_000_000],
    "change": [CHANGE, replace(CHANGE, confirmed_by=None), replace(CHANGE, replaces="", payment_instructions="W")],
    "goes": [[999_998], [999_997, 999_998, 999_999]],
    "gone": [NUMBERS, ()],
    "has_order": [False, True],
    "is_named": [False, True],
    "missing": [NUMBERS, NUMBERS[:1]],
    "more": [False, True],
    "most": [1_000_000],
    "name": ["W" * 60, ""],
    "named": [[1_000_000], NUMBERS[:5], [99]],
    "nearest": [NUMBERS[:6]],
    "not_understood": [False, True],
    "number": [1_000_000],
    "now": [NOW, ORDER.reserved_until],
    "opted_out": [False, True],
    "order": [
        replace(ORDER, status=status, reserved_until=until, numbers=numbers)
        for status in OrderStatus
        for until in (None, NOW + timedelta(minutes=1), LATER)
        for numbers in (NUMBERS, NUMBERS[:1])
    ],
    "order_id": ["WWWWWWWW"],
    "orders": [[(RAFFLE, replace(ORDER, status=status))] * 5 for status in OrderStatus] + [[]],
    "page": [9999],
    "quantity": [None, 1, 40],
    "phone": ["9" * 15, None],
    "raffle": [RAFFLE, PLAIN],
    "until": [LATER],
    "question": ["", "w" * 4096],
    "words": ["", "w" * 4096],
    "own_words": ["w" * MAX_REASON],
    "held": [None, ORDER],
    "url": ["https://" + "w" * 2500],
    "unclear": [Unclear(reason, "W" * 60) for reason in Unclarity if reason is not Unclarity.QUANTITY]
    + [Unclear(Unclarity.QUANTITY, "40"), Unclear(Unclarity.QUANTITY, "1")],
}  # fmt: skip
METHODS: dict[str, Callable[..., Reply]] = {
    name: method
    for name, method in vars(Texts).items()
    if not name.startswith("_")
    and name not in ("offering_person", "with_more_waiting", "not_understood_before")
    and inspect.isfunction(method)
    and inspect.signature(method).return_annotation is Reply
}
READERS = [
    pytest.param(language, country, id=f"{language}-{country}")
    for language in LANGUAGES
    for country in (None, "PY", "BR", "AO", "US")
]


def replies(texts: Texts, name: str) -> Iterator[Reply]:
    """What a method says, for each choice of its arguments."""
    parameters = list(inspect.signature(METHODS[name]).parameters)[1:]
    choices = [REFUSALS[name] if parameter == "refusal" else ARGUMENTS[parameter] for parameter in parameters]
    for values in product(*choices):
        yield METHODS[name](texts, **dict(zip(parameters, values, strict=True)))


def template_text(reply: Reply, language: LanguageCode) -> str:
    assert reply.template is not None
    definition = next(one for one in DEFINITIONS if one.name == reply.template.name)
    text = definition.texts[TEMPLATE_CODES[language]]
    for name, value in reply.template.values.items():
        text = text.replace("{{" + name + "}}", value)
    assert "{{" not in text
    return text


def test_no_text_is_left_out() -> None:
    assert len(METHODS) > 40


@pytest.mark.parametrize(("language", "country"), READERS)
def test_every_text_keeps_whatsapps_limits(
    language: LanguageCode, country: str | None, record_property: Callable[[str, object], None]
) -> None:
    texts = texts_in(language, country)
    tried = 0
    for name in METHODS:
        for plain, offers in product(replies(texts, name), (False, True)):
            tried += 1
            reply = texts.offering_person(plain) if offers else plain
            reply = texts.with_more_waiting(reply) if name == "proof_received" else reply
            render(reply)  # raises for whatever must not be cut: texts, the count of buttons and rows, ids
            assert reply.text.strip() and not re.search(r"\{\w*\}", reply.text), reply.text
            titles = [choice.title for choice in reply.buttons]
            assert all(0 < len(title) <= limits.BUTTON_TITLE for title in titles), titles
            assert len(set(titles)) == len(titles)
            assert len(reply.list_label) <= limits.LIST_LABEL and bool(reply.list_label) == bool(reply.rows)
            assert all(len(row.description) <= limits.ROW_DESCRIPTION for row in reply.rows)
            own = [row.title for row in reply.rows if RAFFLE.title not in row.title]
            assert all(len(title) <= limits.ROW_TITLE for title in own), own
            if reply.template is not None:
                assert len(template_text(reply, language)) <= limits.BODY
    record_property("texts tried", tried)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_cut_is_cut_between_whole_characters(language: LanguageCode) -> None:
    texts, cut = texts_in(language), 0
    for name in ("raffles", "raffle", "orders"):
        for reply in replies(texts, name):
            written = json.dumps(render(reply), ensure_ascii=False)
            cut += "…" in written
            assert not PIECES & set(written.replace(FAMILY, ""))
    assert cut
