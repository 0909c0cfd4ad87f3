"""O11: the ids of organisers' choices, which are untrusted, and what is handed over."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain import chat_actions as a
from chalicelib.domain import conversation as c
from chalicelib.domain.decisions import Act, Choosing, Decision, RejectReason, read_choosing, seen_of
from chalicelib.domain.messages import IncomingMessage, MessageKind
from chalicelib.domain.orders import Order, OrderStatus, Proof

CODE = "7K2M9QXD"


def chosen() -> list[Choosing]:
    about = [
        Choosing(act=act, order_id=CODE, seen="0a1b2c3d0a1b2c3d")
        for act in (Act.APPROVE, Act.REJECT, Act.OPEN, Act.OTHER)
    ]
    reasons = [
        Choosing(act=Act.REJECT, order_id=CODE, seen="0a1b2c3d0a1b2c3d", reason=reason) for reason in RejectReason
    ]
    return [
        *about,
        *reasons,
        Choosing(act=Act.REJECT, order_id=CODE, seen="0a1b2c3d0a1b2c3d", words="the money: it's “missing” 💸"),
        Choosing(act=Act.SHOW),
        Choosing(act=Act.SHOW_MISSED),
        Choosing(act=Act.SHOW, order_id=CODE),
    ]


@pytest.mark.parametrize("choosing", chosen(), ids=lambda choosing: choosing.choice)
def test_o11_a_choice_is_read_as_it_was_written(choosing: Choosing) -> None:
    assert read_choosing(choosing.choice) == choosing
    decision = Decision(choosing=choosing, contact_id="c", inbound_id="i")
    assert Decision.from_json(decision.to_json()) == decision
    assert len(choosing.choice) <= (256 if choosing.words else 200)  # of a button, or a row


@pytest.mark.parametrize(
    "choice",
    [
        "", "approve", "approve:", f"approve:{CODE}", f"approve:{CODE}:", f"approve:{CODE}:0a1b2c3",
        f"approve:{CODE}:0A1B2C3D", "approve:7K2M9QXX:0a1b2c3d0a1b2c3d", "approve:7k2m9qxd:0a1b2c3d0a1b2c3d",
        f"approve:{CODE}:0a1b2c3d0a1b2c3d:amount", f"open:{CODE}:0a1b2c3d0a1b2c3d:used",
        f"reject:{CODE}:0a1b2c3d0a1b2c3d:because",
        f"reject:{CODE}:0a1b2c3d0a1b2c3d:", f"refund:{CODE}:0a1b2c3d0a1b2c3d", f" approve:{CODE}:0a1b2c3d0a1b2c3d",
        f"approve:{CODE}:0a1b2c3d0a1b2c3d\n", "show:", "show:7K2M9QXX", f"show_missed:{CODE}", f"ask:{CODE}",
        f"ask:{CODE}:0a1b2c3d0a1b2c3d", f"propose:{CODE}:0a1b2c3d0a1b2c3d", f"reject_as:{CODE}:0a1b2c3d0a1b2c3d:",
        f"reject_as:{CODE}:0a1b2c3d0a1b2c3d:a\nb", f"reject_as:{CODE}:0a1b2c3d0a1b2c3d:{'w' * 181}",
        "reject_as:7K2M9QXX:0a1b2c3d0a1b2c3d:no money",
        f"other:{CODE}:0a1b2c3d0a1b2c3d:used", "confirm:" + CODE,
    ],
)  # fmt: skip
def test_o11_anything_else_is_no_choice_of_an_organiser(choice: str) -> None:
    assert read_choosing(choice) is None


@pytest.mark.parametrize("choosing", chosen(), ids=lambda choosing: choosing.choice)
@pytest.mark.parametrize("blocked", [False, True])
@pytest.mark.parametrize("paused", [False, True])
def test_o11_only_an_organiser_chooses_whatever_else_they_are(choosing: Choosing, blocked: bool, paused: bool) -> None:
    tapped = IncomingMessage(kind=MessageKind.CHOICE, choice=choosing.choice, text="xyzzy")
    there = c.Conversation()
    assert c.step(there, tapped, organiser=True, blocked=blocked, paused=paused) == a.Decide(choosing)
    assert not isinstance(c.step(there, tapped, blocked=blocked, paused=paused), a.Decide)


def order_with(*files: str) -> Order:
    """An order whose proofs have these SHA-256."""
    now = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
    proofs = tuple(
        Proof(key=file, mime_type="image/png", sha256=file * 64, size=1, received_at=now + timedelta(minutes=place))
        for place, file in enumerate(files)
    )
    return Order(
        id=CODE, raffle_id="r", contact_id="c", numbers=(5,), unit_amount=2500, currency="GTQ",
        status=OrderStatus.IN_REVIEW, reserved_until=None, created_at=now, updated_at=now, proofs=proofs,
    )  # fmt: skip


def test_o11_the_mark_of_what_was_seen_is_another_one_for_each_further_file() -> None:
    """Also for the same file once more, which may come after a rejection."""
    marks = [seen_of(order_with(*files)) for files in ("a", "b", "aa", "ab", "ba", "aaa")]
    assert len(set(marks)) == 5 and marks[2] == marks[4]  # the newest file, and how many there are
    assert seen_of(order_with()) == ""
    for mark in marks:
        assert re.fullmatch("[0-9a-f]{16}", mark)
        assert read_choosing(f"approve:{CODE}:{mark}") == Choosing(act=Act.APPROVE, order_id=CODE, seen=mark)
        assert read_choosing(f"approve:{CODE}:{mark[:15]}") is None and read_choosing(f"approve:{CODE}:{mark}0") is None
