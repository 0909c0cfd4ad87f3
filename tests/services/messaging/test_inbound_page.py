"""docs/inbound.md says what becomes of every body that WhatsApp is known to post: each is posted, and compared."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from chalicelib.domain.messages import Identity
from chalicelib.lambdas import flush
from chalicelib.services.chat import handler
from chalicelib.store import contacts
from chalicelib.store.contact_ids import contact_ids_of
from tests.support.outbound_records import outbound_records
from tests.support.quick_queue import QuickQueue, work_off
from tests.support.steps import hold_and_confirm
from tests.support.whatsapp_samples import PAYLOADS, raw
from tests.support.world import PNG, Buyer, World, text_of
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
PAGE = Path(__file__).parents[3] / "docs" / "inbound.md"
SENT_AT = 1_790_000_000  # when the messages in the bodies were sent
PERSON = webhooks.Person(
    name="Lucía Pérez", phone="+50255501234", user_id="GT.7700112233445566"
)  # the payloads' sender
NAMES = [
    Identity(phone="50255501234"),
    Identity(user_id="GT.7700112233445566"),
    Identity(user_id="GT.9900112233445599"),
]
# With these begins what is said when nothing could be made of a message.
HELP = (
    "Sorry, I didn't get that.",
    "I did not understand that",
    "I am not sure which numbers you mean",
    "*Bicycle*",
    "Order *",
)
EFFECTS = {"handled", "answered with help", "ignored", "recorded", "alert", "dead letter"}


class Row(NamedTuple):
    """A row of the page: what happens, and what is said (quoted) or becomes of our message (as code)."""

    section: str
    payload: str
    effects: frozenset[str]
    told: frozenset[str]


def rows() -> Iterator[Row]:
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title = section.partition("\n")[0]
        for line in re.findall(r"^\| (`.*) \|$", section, re.MULTILINE):
            payloads, effect, told, _ = line.split(" | ")
            words = frozenset(re.findall(r"[“`]([^”`]+)[”`]", told))
            for payload in re.findall(r"`([^`]+)`", payloads):
                yield Row(title, payload, frozenset(effect.split(", ")), words)


@dataclass
class Start:
    """The situation in which a section's bodies are posted."""

    world: World
    lucia: Buyer
    queue: QuickQueue

    def nothing_asked_for(self, body: bytes) -> bytes:
        self.keep_files(body)
        return body

    def somebody_known(self, body: bytes) -> bytes:
        self.lucia.says("menu")
        return body

    def raffle_open(self, body: bytes) -> bytes:
        self.lucia.says("BIKE")
        return body

    def order_waits(self, body: bytes) -> bytes:
        hold_and_confirm(self.lucia, "1, 2")
        self.keep_files(body)
        return body

    def keep_files(self, body: bytes) -> None:
        """Let Meta have the files that the body names, but for that of image_media_error_131052."""
        for media_id in re.findall(rb'"id": ?"([0-9]{10,})"', body):
            self.world.graph.files[media_id.decode()] = PNG
        self.world.graph.files.pop("1780011223344559", None)

    def message_sent(self, body: bytes) -> bytes:
        """WhatsApp hands our tag, and its own id of the message, back with statuses: samples can't know these."""
        self.lucia.says("menu")
        tag = json.dumps(self.lucia.heard[-1]["biz_opaque_callback_data"]).encode()
        plain = re.sub(rb',\s*"biz_opaque_callback_data": ?"[^"]*"', b"", body)
        if b'"failed"' in plain:  # of which the id must be that of the last try
            plain = re.sub(rb'"id": ?"wamid[^"]*"', f'"id": "wamid.OUT{len(self.world.graph.sent)}"'.encode(), plain)
        return plain.replace(b'"status":', b'"biz_opaque_callback_data": %s, "status":' % tag)


SECTIONS: dict[str, Callable[[Start, bytes], bytes]] = {
    "From a new sender": Start.nothing_asked_for,
    "From a known contact": Start.somebody_known,
    "While a raffle is open": Start.raffle_open,
    "While an order waits for payment": Start.order_waits,
    "About a message we sent": Start.message_sent,
}
ROWS = list(rows())


@pytest.fixture
def start(world: World, monkeypatch: pytest.MonkeyPatch) -> Start:
    monkeypatch.setattr(handler, "guess_language", lambda _: None)  # the page quotes everything in English
    world.clock.now = datetime.fromtimestamp(SENT_AT - 10, UTC)
    world.raffle()
    return Start(world, Buyer(world=world, person=PERSON), QuickQueue())


def known(world: World) -> list[Any]:
    """What is stored of the person, as far as a notice may change it."""
    found = [contacts.get(contact_id) for name in NAMES for contact_id in contact_ids_of(name)]
    people = [(one.id, one.opted_out, one.bot_paused_until, one.phone, one.user_id) for one in found if one]
    arrivals = [contacts.look_up(name, phone_number_id="", message_id="").contact.id for name in NAMES]
    return [people, arrivals]


def states(buyer: Buyer) -> list[str]:
    ids = {contact_id for name in NAMES for contact_id in contact_ids_of(name)}
    found = [record for contact_id in ids for record in outbound_records(contact_id, limit=100)]
    return [str(record.state) for record in sorted(found, key=lambda record: str(record.sk))]


def observed(start: Start, row: Row, capsys: pytest.CaptureFixture[str]) -> tuple[set[str], list[str]]:
    """The effects of a payload, and what was said or became of the message of ours."""
    world = start.world
    body = SECTIONS[row.section](start, raw(row.payload))
    world.clock.now = datetime.fromtimestamp(SENT_AT + 10, UTC)
    vars(world.container)["inbox"] = replace(world.container.inbox, sqs=lambda: start.queue)
    said, letters = len(world.graph.sent), len(world.container.dead_letters.list_all())
    before, were = known(world), states(start.lucia)
    flush()
    capsys.readouterr()
    assert world.post_webhook(body) == 200
    assert work_off(start.queue)[1] == []
    counted = _metrics(capsys.readouterr().out)
    replies = [text_of(message) for message in world.graph.sent[said:]]
    now = states(start.lucia)
    news = [after for before, after in zip(were, now, strict=False) if before != after]
    news += [state for state in now[len(were) :] if state in ("WITHHELD", "FAILED")]  # replies that must not go out
    found = {"answered with help" if reply.startswith(HELP) else "handled" for reply in replies}
    found |= {"handled"} if news or (not replies and before[0] and known(world) != before) else set()
    found |= {"alert"} if "Alerts" in counted else {"recorded"} if "Notices" in counted else set()
    found |= {"dead letter"} if len(world.container.dead_letters.list_all()) > letters else set()
    return found or {"ignored"}, replies + news  # nothing of it is stored: history aside


def _metrics(out: str) -> set[str]:
    lines = [json.loads(line) for line in out.splitlines() if line.startswith('{"_aws"')]
    return {name for line in lines for name in line if name not in ("_aws", "service")}


def test_every_payload_is_on_the_page_and_no_other() -> None:
    assert {row.payload for row in ROWS} == set(PAYLOADS)
    assert {effect for row in ROWS for effect in row.effects} == EFFECTS
    assert {row.section for row in ROWS} == SECTIONS.keys()
    in_sections = [(row.section, row.payload) for row in ROWS]
    assert len(set(in_sections)) == len(in_sections)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.payload}-{row.section}")
def test_each_body_has_the_effect_that_the_page_says(
    start: Start, row: Row, capsys: pytest.CaptureFixture[str]
) -> None:
    effects, told = observed(start, row, capsys)
    assert effects == row.effects, told
    for words in told:
        assert any(words.startswith(beginning) for beginning in row.told), words
    for beginning in row.told:
        assert any(words.startswith(beginning) for words in told), beginning
