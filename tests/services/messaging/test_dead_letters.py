"""Dead letters: what nothing could be made of is kept with its reason, harms no neighbour, and can be tried again."""

import json
from typing import Any

import pytest

import app
from chalicelib.cli.commands import main
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.lambdas import LAST_TRY, NotHandled
from chalicelib.services.messaging.inbox import Inbox
from chalicelib.settings import SettingsInvalid, load
from chalicelib.store import dead_letters as stored
from chalicelib.store.transaction import Busy
from chalicelib.whatsapp import webhook
from local.worker import Context, sqs_event
from tests.support.request_counts import Requests
from tests.support.updates import a_text, update_of
from tests.support.world import Buyer, World, text_of
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
PRIVATE = "my secret is 42"


def hand_over(world: World, body: str, tries: int) -> None:
    """What the queue does: the same message for the n-th time."""
    attributes = {"ApproximateReceiveCount": str(tries)}
    message = {"MessageId": "1", "ReceiptHandle": "1", "Body": body, "Attributes": attributes}
    app.converse(sqs_event(message), Context("converse"))


def queued(buyer: Buyer, text: str) -> str:
    return update_of(a_text(buyer, text)).to_json()


@pytest.fixture
def broken(world: World, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """As many of the coming messages fail as are in the list."""
    failing, real = [1], type(world.container.chat).answer

    def answer(chat: Any, message: Any) -> None:
        if failing:
            failing.pop()
            raise KeyError("profile")
        real(chat, message)

    monkeypatch.setattr(type(world.container.chat), "answer", answer)
    return failing


@pytest.mark.parametrize("raw", [b"{", b"[]", b"null", b"\xff\xfe", b'{"entry": 1}', b'{"entry": [{"changes": [1]}]}'])
def test_a_body_that_cannot_be_read_is_kept_at_once(world: World, raw: bytes) -> None:
    assert world.post_webhook(raw) == 200
    world.work()
    [letter] = world.container.dead_letters.list_all()
    assert letter.reason
    assert letter.tries == 1


def test_one_bad_update_never_harms_its_neighbours(world: World, lucia: Buyer, marco: Buyer) -> None:
    bodies = [a_text(lucia, "menu"), a_text(marco, "menu")]
    bad = json.loads(json.dumps(bodies[0]))
    del bad["entry"][0]["changes"][0]["value"]["messages"][0]["id"]
    batch = {"object": "whatsapp_business_account", "entry": [body["entry"][0] for body in (bodies[0], bad, bodies[1])]}
    assert world.deliver(batch) == 200
    assert len(lucia.heard) == len(marco.heard) == 1
    [letter] = world.container.dead_letters.list_all()
    assert letter.reason == "a message without id"


def test_an_update_that_is_still_unusable_when_replayed_is_the_same_letter(world: World, lucia: Buyer) -> None:
    body = a_text(lucia, "menu")
    message = body["entry"][0]["changes"][0]["value"]["messages"][0]
    message_id = message.pop("id")
    world.deliver(body)
    [letter] = world.container.dead_letters.list_all()
    assert main(["dead-letters", "replay", letter.id]) == 0
    world.work()
    assert world.container.dead_letters.list_all() == [letter]
    # Once it can be understood it is a message like any other.
    mended = letter.body.replace('\\"timestamp\\"', f'\\"id\\": \\"{message_id}\\", \\"timestamp\\"')
    stored.keep(letter._replace(body=mended))
    assert main(["dead-letters", "replay", letter.id]) == 0
    world.work()
    assert world.container.dead_letters.list_all() == [] and len(lucia.heard) == 1


def test_a_failing_update_is_retried_and_kept_at_the_last_try(world: World, lucia: Buyer, broken: list[int]) -> None:
    body = queued(lucia, "menu")
    broken[:] = [1] * LAST_TRY
    for tries in range(1, LAST_TRY):
        with pytest.raises(NotHandled, match=r"^KeyError$"):
            hand_over(world, body, tries)
    assert world.container.dead_letters.list_all() == []
    hand_over(world, body, LAST_TRY)
    [letter] = world.container.dead_letters.list_all()
    assert (letter.body, letter.reason, letter.tries) == (body, "KeyError", LAST_TRY)


@pytest.mark.parametrize("tries", [1, LAST_TRY])
def test_missing_settings_are_named_and_the_update_stays_in_the_queue(
    world: World,
    lucia: Buyer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tries: int,
) -> None:
    body = queued(lucia, "menu")
    with monkeypatch.context() as patch:
        patch.setattr("chalicelib.lambdas.container", lambda: load({}))
        with pytest.raises(SettingsInvalid):
            hand_over(world, body, tries)
    reasons = [vars(record)["reason"] for record in caplog.records if record.levelname == "CRITICAL"]
    assert len(reasons) == 1 and "TOMBOLA_TABLE is missing" in reasons[0]
    assert world.container.dead_letters.list_all() == []


def test_an_update_that_cannot_even_be_kept_stays_in_the_queue(
    world: World, lucia: Buyer, broken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_: object) -> None:
        raise Busy("ThrottlingException")

    monkeypatch.setattr(stored, "keep", busy)
    monkeypatch.setattr("chalicelib.store.transaction.sleep", lambda _: None)
    with pytest.raises(Exception, match="try again"):
        hand_over(world, queued(lucia, "menu"), LAST_TRY)


def test_a_replayed_letter_takes_effect_once(world: World, lucia: Buyer, broken: list[int]) -> None:
    world.raffle()
    hand_over(world, queued(lucia, "BIKE"), LAST_TRY)
    [letter] = world.container.dead_letters.list_all()
    assert lucia.heard == []
    assert main(["dead-letters", "replay", letter.id]) == 0
    world.work()
    assert "Which numbers" in text_of(lucia.heard[-1])
    assert world.container.dead_letters.list_all() == []
    stored.keep(letter)  # replayed by two people at once
    assert main(["dead-letters", "replay", "--all"]) == 0
    world.work()
    assert len(lucia.heard) == 1


def test_an_update_that_fails_again_becomes_a_letter_again(world: World, lucia: Buyer, broken: list[int]) -> None:
    body = queued(lucia, "menu")
    hand_over(world, body, LAST_TRY)
    broken.append(1)
    world.container.dead_letters.replay(world.container.dead_letters.list_all()[0].id, by=COMMAND_LINE)
    assert world.container.dead_letters.list_all() == []
    hand_over(world, body, LAST_TRY)
    assert len(world.container.dead_letters.list_all()) == 1


def test_a_body_that_can_be_read_now_is_split_again(
    world: World, lucia: Buyer, marco: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = a_text(lucia, "menu")
    batch["entry"] += a_text(marco, "menu")["entry"]
    with monkeypatch.context() as patch:  # a fault of ours
        patch.setattr(webhook, "_parse", lambda raw: [])
        world.deliver(batch)
    [letter] = world.container.dead_letters.list_all()
    assert world.container.dead_letters.replay(letter.id, by=COMMAND_LINE) == 2
    world.work()
    assert len(lucia.heard) == len(marco.heard) == 1


def test_a_body_that_is_still_unreadable_is_kept_when_replayed(world: World) -> None:
    world.post_webhook(b"{ nonsense")
    world.work()
    for _ in range(3):
        [letter] = world.container.dead_letters.list_all()
        assert "{ nonsense" in json.loads(letter.body)["body"]
        world.clock.pass_minutes(1)
        world.container.dead_letters.replay(letter.id, by=COMMAND_LINE)
        world.work()


@pytest.mark.parametrize(("length", "kept"), [(100_000, 100_000), (600_000, 20_833)])
def test_a_body_is_kept_whole_as_far_as_the_queue_takes_it(world: World, length: int, kept: int) -> None:
    world.post_webhook(b"x" * length)
    world.work()
    [letter] = world.container.dead_letters.list_all()
    assert len(json.loads(letter.body)["body"]) == kept
    assert letter.reason.endswith("(cut)") == (kept < length)


def test_a_letter_that_comes_back_while_it_is_replayed_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue hands over at once what is put into it; the letter is the same one again."""
    world.post_webhook(b"{ nonsense")
    world.work()
    [letter] = world.container.dead_letters.list_all()
    world.clock.pass_minutes(1)
    real = Inbox.replay

    def replay(inbox: Inbox, body: str, *, salt: str) -> int:
        queued = real(inbox, body, salt=salt)
        world.work()
        return queued

    monkeypatch.setattr(Inbox, "replay", replay)
    world.container.dead_letters.replay(letter.id, by=COMMAND_LINE)
    assert [found.body for found in world.container.dead_letters.list_all()] == [letter.body]


def test_messages_that_the_queue_gave_up_are_collected(world: World, lucia: Buyer) -> None:
    """A function that was stopped, by its time or its memory, could say no reason."""
    body = queued(lucia, "menu")
    name = json.loads(
        world.sqs.get_queue_attributes(QueueUrl=world.stack.queue_url, AttributeNames=["RedrivePolicy"])["Attributes"][
            "RedrivePolicy"
        ]
    )["deadLetterTargetArn"].rpartition(":")[2]
    url = world.sqs.get_queue_url(QueueName=name)["QueueUrl"]
    world.sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="a", MessageDeduplicationId="b")
    assert main(["dead-letters", "list"]) == 0
    [letter] = world.container.dead_letters.list_all()
    assert letter.body == body and "given up" in letter.reason
    assert world.container.dead_letters.collect() == 0


def test_the_list_shows_reason_and_kind_and_nothing_private(
    world: World, lucia: Buyer, broken: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dead-letters", "list"]) == 0
    assert "There are no dead letters." in capsys.readouterr().out
    hand_over(world, queued(lucia, PRIVATE), LAST_TRY)
    [letter] = world.container.dead_letters.list_all()
    capsys.readouterr()
    assert main(["dead-letters", "list"]) == 0
    shown = capsys.readouterr().out
    assert shown.split() == [letter.id, "2026-11-23", "14:00", "5", "message", "KeyError"]
    assert main(["dead-letters", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["id"] == letter.id
    assert PRIVATE not in shown and str(lucia.person.wa_id) not in shown
    assert main(["dead-letters", "show", letter.id]) == 0
    assert PRIVATE in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["show", "nothing"], 1, "There is no dead letter nothing."),
        (["replay", "nothing"], 1, "There is no dead letter nothing."),
        (["replay"], 2, "name the dead letters to replay, or use --all"),
        (["replay", "one", "--all"], 2, "name the dead letters to replay, or use --all"),
    ],
)
def test_called_wrongly_it_says_so(
    world: World, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, said: str
) -> None:
    assert main(["dead-letters", *arguments]) == status
    assert capsys.readouterr().err == f"tombola: {said}\n"


def test_an_unreadable_letter_is_only_shown_as_unreadable(world: World) -> None:
    for body in ("[]", "not JSON", json.dumps({"kind": ["x"]}), webhooks.encode({}).decode()):
        world.container.dead_letters.keep(body, "test", tries=1)
    assert main(["dead-letters", "list"]) == 0


def test_a_letter_that_is_kept_again_while_it_is_replayed_is_not_lost(
    world: World, lucia: Buyer, broken: list[int], requests: Requests
) -> None:
    hand_over(world, queued(lucia, "menu"), LAST_TRY)
    [letter] = world.container.dead_letters.list_all()
    world.clock.pass_minutes(1)
    requests.before_the_next_commit(
        lambda: world.container.dead_letters.keep(letter.body, letter.reason, tries=letter.tries)
    )
    world.container.dead_letters.replay(letter.id, by=COMMAND_LINE)
    [again] = world.container.dead_letters.list_all()
    assert again.received_at > letter.received_at
