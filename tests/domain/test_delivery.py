"""Whether a message may go out (M4, M5), and how fast."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.channel import Channel, Stop
from chalicelib.domain.contacts import Contact
from chalicelib.domain.delivery import Decision, Outbound, Permission, permission
from chalicelib.domain.messages import Template
from chalicelib.domain.rate_limit import PAIR_RATE_LIMIT, RateLimit

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
A_DAY = timedelta(hours=24)
# Messages a second of a number, in and out together. WhatsApp answers 130429 when it is exceeded.
# Source: https://developers.facebook.com/docs/whatsapp/throughput
NUMBER_THROUGHPUT = 80
NEWS = Template(name="news", values={})
OPEN, QUIET, STOPPED = Channel(), Channel(stopped=Stop.BUSINESS_INITIATED), Channel(stopped=Stop.ALL)
APPROVED = Channel(approved=frozenset({"news/en", "news/es"}))
WROTE = Contact(id="c", last_heard_at=NOW - A_DAY + timedelta(microseconds=1))
SILENT = Contact(id="c", last_heard_at=NOW - A_DAY)
UNKNOWN = Contact(id="c")
GONE = Contact(id="c", last_heard_at=NOW, opted_out=True)
SEND, STOP, GIVE_UP = Permission(Decision.SEND), Permission(Decision.AWAIT_RESUME), Permission(Decision.GIVE_UP)
WITHHOLD = Permission(Decision.WITHHOLD)


def as_template(language: str) -> Permission:
    return Permission(Decision.SEND_TEMPLATE, language)


@pytest.mark.parametrize(
    ("contact", "channel", "asked", "template", "expected"),
    [
        (WROTE, OPEN, True, None, SEND),
        (WROTE, OPEN, False, None, SEND),
        (WROTE, APPROVED, False, NEWS, SEND),
        (SILENT, OPEN, False, None, GIVE_UP),
        (SILENT, OPEN, False, NEWS, GIVE_UP),
        (SILENT, OPEN, True, None, GIVE_UP),
        (SILENT, APPROVED, False, NEWS, as_template("en")),
        (SILENT, APPROVED, True, NEWS, as_template("en")),
        (UNKNOWN, APPROVED, False, NEWS, SEND),
        (GONE, OPEN, False, None, WITHHOLD),
        (GONE, OPEN, True, None, SEND),
        (GONE, STOPPED, False, None, WITHHOLD),
        (WROTE, QUIET, True, None, SEND),
        (WROTE, QUIET, False, None, STOP),
        (WROTE, STOPPED, True, None, STOP),
        (WROTE, STOPPED, False, None, STOP),
        (SILENT, STOPPED, False, None, GIVE_UP),
    ],
)
def test_m4_m5_what_may_go_out(
    contact: Contact, channel: Channel, asked: bool, template: Template | None, expected: Permission
) -> None:
    said = Outbound(
        contact_id="c", id="1", body={}, created_at=NOW, template=template, in_reply_to="m" if asked else None
    )
    assert permission(said, contact, channel, NOW) == expected


@pytest.mark.parametrize("asked", [True, False])
def test_v2_a_contact_who_is_being_erased_gets_no_more_messages(asked: bool) -> None:
    said = Outbound(contact_id="c", id="1", body={}, created_at=NOW, in_reply_to="m" if asked else None)
    assert permission(said, replace(WROTE, erased_at=NOW), OPEN, NOW) == WITHHOLD


def test_m5_a_message_from_an_organiser_counts_as_an_answer() -> None:
    said = Outbound(contact_id="c", id="1", body={}, created_at=NOW, by="Olga")
    assert permission(said, WROTE, QUIET, NOW) == SEND


def test_a_message_is_withheld_from_the_moment_at_which_it_is_of_no_more_use() -> None:
    said = Outbound(contact_id="c", id="1", body={}, created_at=NOW, useful_until=NOW)
    assert permission(said, WROTE, OPEN, NOW) == WITHHOLD
    assert permission(said, WROTE, OPEN, NOW - timedelta(microseconds=1)) == SEND


@pytest.mark.parametrize("asked", [True, False])
def test_an_answer_is_dropped_after_a_day_but_news_is_still_sent(asked: bool) -> None:
    said = Outbound(contact_id="c", id="1", body={}, created_at=NOW - A_DAY, in_reply_to="m" if asked else None)
    assert permission(said, WROTE, OPEN, NOW) == (GIVE_UP if asked else SEND)


@pytest.mark.parametrize(
    ("approved", "language", "expected"),
    [
        (("en", "es", "pt_BR"), "pt", "pt_BR"),
        (("en", "es"), "pt", "en"),
        (("es",), "en", "es"),
        ((), "en", None),
        (("en",), "tlh", "en"),
    ],
)
def test_m4_a_template_goes_in_the_persons_language_or_in_any(
    approved: tuple[str, ...], language: str, expected: str | None
) -> None:
    channel = Channel(approved=frozenset(f"news/{one}" for one in approved))
    assert channel.language_for("news", language) == expected
    assert channel.language_for("other", language) is None


@given(
    st.lists(st.floats(0, 20), min_size=60, max_size=200),
    st.sampled_from([PAIR_RATE_LIMIT, RateLimit(interval=timedelta(seconds=0.5), burst=1)]),
)
def test_no_stretch_of_time_has_more_messages_than_the_rate_limit_allows(waits: list[float], pace: RateLimit) -> None:
    now, booked, said = NOW, None, list[datetime]()
    for wait in waits:
        now += timedelta(seconds=wait)
        booked = pace.reserve(booked, now)
        said.append(max(now, pace.earliest(booked)))
    assert said == sorted(said)
    for first in range(len(said)):
        for last in range(first + 1, len(said)):
            allowed = pace.burst + (said[last] - said[first]) / pace.interval
            assert last - first + 1 <= allowed + 1e-6 + 1


def test_after_a_silence_the_whole_burst_may_go_at_once() -> None:
    booked = PAIR_RATE_LIMIT.reserve(None, NOW, 45)
    assert PAIR_RATE_LIMIT.earliest(booked) == NOW
    assert PAIR_RATE_LIMIT.earliest(PAIR_RATE_LIMIT.reserve(booked, NOW)) == NOW + timedelta(seconds=6)


def test_the_shares_of_all_functions_stay_within_whatsapps_limit_for_a_number() -> None:
    resources = json.loads((Path(__file__).parents[2] / "infra" / "resources.json").read_text())["Resources"]
    shares = {
        name: float(one["Properties"]["Environment"]["Variables"]["WHATSAPP_SENDS_A_SECOND"])
        for name, one in resources.items()
        if "WHATSAPP_SENDS_A_SECOND" in one.get("Properties", {}).get("Environment", {}).get("Variables", {})
        and name not in ("AdminToken", "Export")  # which say nothing to anybody
    }
    assert set(shares) == {
        "APIHandler",
        "Converse",
        "ExpireReservations",
        "DeliverMessages",
        "DeliverToPerson",
        "DecideOnProof",
    }
    for name in ("Converse", "DeliverToPerson", "DecideOnProof"):
        source = resources[name]["Properties"]["Events"][f"{name}SqsEventSource"]["Properties"]
        shares[name] *= source["ScalingConfig"]["MaximumConcurrency"]
    answers = shares.pop("Converse")
    incoming = answers  # each answer belongs to a message that came in
    assert incoming + answers + sum(shares.values()) <= NUMBER_THROUGHPUT
