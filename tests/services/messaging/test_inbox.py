"""M1 to M3: a message takes effect once, in its turn, and its replies are sent, however often things go wrong."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib import lambdas
from chalicelib.domain.refusals import TryAgain
from chalicelib.store import transaction
from chalicelib.whatsapp.error_codes import REMEDIES, Action
from chalicelib.whatsapp.graph import GraphError, NotSent, OutcomeUnknown, SendRefused
from chalicelib.whatsapp.webhook import split
from tests.support.request_counts import Requests
from tests.support.steps import assert_board_is_exact, everything, hold, hold_and_confirm, outbounds
from tests.support.updates import a_text, tag_of, update_of
from tests.support.whatsapp_samples import OURS, raw
from tests.support.world import Buyer, World, text_of
from whatsapp_sandbox import webhooks

WRITTEN = datetime.fromtimestamp(1790000060, UTC)  # a minute after the messages of the payloads were written


def refused(code: int) -> SendRefused:
    return SendRefused(code, "", 400, None)


# M1


def test_m1_the_same_body_delivered_five_times_has_one_effect_and_one_reply(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    lucia.says("BIKE")
    body = webhooks.encode(a_text(lucia, "5,12"))
    assert [world.post_webhook(body) for _ in range(5)] == [200] * 5
    world.work()
    assert len(lucia.heard) == 2
    assert len(everything(world, "/api/orders")) == 1
    assert world.availability(raffle) == (98, 2, 0)


def test_m1_a_message_that_the_queue_delivers_five_times_takes_effect_once(world: World, lucia: Buyer) -> None:
    """Its deduplication ends after five minutes; a webhook is repeated for days."""
    raffle = world.raffle()
    lucia.says("BIKE")
    update = update_of(a_text(lucia, "5,12")).to_json()
    for _ in range(5):
        lambdas.handle_update(update)
        world.clock.now += timedelta(days=1)
    assert len(lucia.heard) == 2
    assert world.availability(raffle) == (98, 2, 0)
    assert_board_is_exact(world, raffle)


def test_m1_a_message_overtaken_by_its_copy_takes_effect_once(world: World, lucia: Buyer, requests: Requests) -> None:
    raffle = world.raffle()
    lucia.says("BIKE")
    update = update_of(a_text(lucia, "random 2")).to_json()
    requests.before_the_next_commit(lambda: lambdas.handle_update(update))
    lambdas.handle_update(update)
    assert len(lucia.heard) == 2
    assert world.availability(raffle) == (98, 2, 0)


@pytest.mark.parametrize("reverse", [False, True])
def test_m1_a_message_in_another_batch_takes_effect_once(world: World, reverse: bool) -> None:
    world.clock.now = WRITTEN
    names = ["duplicate_delivery_a", "duplicate_delivery_b_rebatched", "duplicate_inside_one_body"]
    for name in reversed(names) if reverse else names:
        for update in split(raw(name), phone_number_id=OURS).updates:
            lambdas.handle_update(update.to_json())
        assert world.post_webhook(raw(name)) == 200
        world.work()
    assert sorted(message["to"] for message in world.graph.sent) == ["+50241239876", "+50255501234"]


def test_m1_two_messages_with_the_same_words_are_two(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    lucia.says("menu")
    assert len(lucia.heard) == 2


# M2


def test_m2_a_persons_messages_take_effect_one_after_another(world: World, lucia: Buyer, requests: Requests) -> None:
    raffle = world.raffle()
    lucia.says("BIKE")
    requests.before_the_next_commit(lambda: lambdas.handle_update(update_of(a_text(lucia, "7")).to_json()))
    lambdas.handle_update(update_of(a_text(lucia, "5")).to_json())
    # "7" made an order, so that "5" was read by a conversation that waits for a yes.
    assert "*007*" in text_of(lucia.heard[-2])
    assert "Your order now has these numbers" in text_of(lucia.heard[-1])
    assert world.availability(raffle) == (98, 2, 0)


def test_m2_a_persons_first_messages_take_effect_one_after_another(
    world: World, lucia: Buyer, requests: Requests
) -> None:
    requests.before_the_next_commit(lambda: lambdas.handle_update(update_of(a_text(lucia, "help")).to_json()))
    lambdas.handle_update(update_of(a_text(lucia, "menu")).to_json())
    assert len(lucia.heard) == 2


def test_m2_in_one_batch_they_are_queued_in_order_under_the_persons_name(world: World, lucia: Buyer) -> None:
    world.raffle()
    first, second = a_text(lucia, "BIKE"), a_text(lucia, "5,12")
    inside = first["entry"][0]["changes"][0]["value"]["messages"]
    inside += second["entry"][0]["changes"][0]["value"]["messages"]
    world.deliver(first)
    assert [text_of(said)[:9] for said in lucia.heard] == ["*Bicycle*", "I am hold"]


# M3


def crash(*_: Any, **__: Any) -> None:
    raise SystemExit("the process ended here")


def test_m3_after_a_crash_between_commit_and_sending_every_reply_is_sent_once(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    world.graph.files["9"] = webhooks_file()
    photo = webhooks.image(
        lucia.person, webhooks.File(media_id="9", mime_type="image/png", sha256=""), message_id="wamid.P", at=world.at
    )
    update = update_of(photo).to_json()
    with monkeypatch.context() as patch:
        patch.setattr(world.graph, "send", crash)
        with pytest.raises(SystemExit):
            lambdas.handle_update(update)
    lambdas.handle_update(update)  # the queue delivers it again
    assert world.order(order_id)["status"] == "IN_REVIEW"
    assert "Your numbers are" not in text_of(lucia.heard[-1])
    assert world.organiser().heard == []
    world.clock.pass_minutes(1)
    for _ in range(3):
        world.minute()
        world.clock.pass_minutes(1)
    assert sum("Your numbers are safe" in text_of(said) for said in lucia.heard) == 1
    assert len(world.organiser().heard) == 1


def webhooks_file() -> bytes:
    return b"\x89PNG\r\n\x1a\n" + bytes(20)


def test_m3_a_crash_before_the_commit_has_changed_nothing(world: World, lucia: Buyer, requests: Requests) -> None:
    raffle = world.raffle()
    lucia.says("BIKE")
    update = update_of(a_text(lucia, "5,12")).to_json()
    requests.before_the_next_commit(crash)
    with pytest.raises(SystemExit):
        lambdas.handle_update(update)
    assert world.availability(raffle) == (100, 0, 0)
    assert len(lucia.heard) == 1
    lambdas.handle_update(update)
    assert world.availability(raffle) == (98, 2, 0)
    assert len(lucia.heard) == 2


def test_m3_a_messages_changes_and_replies_are_one_transaction(world: World, lucia: Buyer, requests: Requests) -> None:
    world.raffle()
    lucia.says("BIKE")
    for act in (
        lambda: lucia.says("5,12"),
        lambda: lucia.says("confirm"),
        lucia.sends_proof,
        lambda: lucia.says("cancel"),
    ):
        writes = [made for made in requests.during(act) if made not in ("BatchGetItem", "GetItem", "Query")]
        assert writes[0] == "TransactWriteItems"
        assert set(writes[1:]) <= {"UpdateItem"}  # Meta's ids on what was sent


def test_m3_a_store_that_stays_busy_leaves_the_message_to_the_queue(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_: object) -> None:
        raise transaction.Busy

    with monkeypatch.context() as patch:
        patch.setattr(transaction, "sleep", lambda _: None)
        patch.setattr(transaction.Transaction, "commit", busy)
        with pytest.raises(TryAgain):
            lambdas.handle_update(update_of(a_text(lucia, "menu")).to_json())
    assert lucia.heard == []


ALL_WAIT = (Action.WAIT_ALL, Action.WAIT_NUMBER)
RETRIED = [(codes[0], remedy.delays) for codes, remedy in REMEDIES if remedy.delays]
GIVEN_UP_LATER = [
    (codes[0], remedy.delays) for codes, remedy in REMEDIES if remedy.delays and remedy.action not in ALL_WAIT
]
GIVEN_UP = [
    (codes[0], remedy.action)
    for codes, remedy in REMEDIES
    if not remedy.delays and remedy.action is not Action.STOP_ALL
]
STOPPED = [codes[0] for codes, remedy in REMEDIES if remedy.action is Action.STOP_ALL]


@pytest.mark.parametrize(("code", "delays"), GIVEN_UP_LATER)
def test_m3_a_temporary_refusal_is_retried_after_each_delay_and_then_given_up(
    world: World, lucia: Buyer, code: int, delays: tuple[int, ...]
) -> None:
    world.graph.refuses = [refused(code)] * (len(delays) + 1)
    lucia.says("menu")
    for delay in delays:
        left = len(world.graph.refuses)
        assert outbounds(lucia)[-1].state == "PENDING"
        world.clock.now += timedelta(seconds=delay) - timedelta(microseconds=1)
        world.minute()
        assert len(world.graph.refuses) == left, "tried too early"
        world.clock.now += timedelta(microseconds=1)
        world.minute()
        assert len(world.graph.refuses) == left - 1, "not tried in time"
    assert outbounds(lucia)[-1].state == "FAILED"
    world.clock.now += timedelta(days=1)
    world.minute()
    assert lucia.heard == []


@pytest.mark.parametrize(("code", "delays"), RETRIED)
def test_m3_after_a_temporary_refusal_the_reply_is_sent_once(
    world: World, lucia: Buyer, code: int, delays: tuple[int, ...]
) -> None:
    world.graph.refuses = [refused(code)]
    lucia.says("menu")
    for _ in range(3):
        world.clock.now += timedelta(seconds=delays[0])
        world.minute()
    assert len(lucia.heard) == 1
    assert outbounds(lucia)[-1].state == "ACCEPTED"


@pytest.mark.parametrize(("code", "action"), [*GIVEN_UP, (999_999, Action.DEAD_LETTER)])
def test_m3_a_permanent_refusal_is_not_retried(world: World, lucia: Buyer, code: int, action: Action) -> None:
    world.graph.refuses = [refused(code)]
    lucia.says("menu")
    stored = outbounds(lucia)[-1]
    assert (stored.state, int(stored.error_code)) == ("FAILED", code)
    world.clock.now += timedelta(days=1)
    world.minute()
    assert lucia.heard == []


@pytest.mark.parametrize("code", STOPPED)
def test_m3_while_everything_is_stopped_a_message_stays_due(world: World, lucia: Buyer, code: int) -> None:
    """A token that has expired is renewed by somebody: what was to be said meanwhile is not lost."""
    world.graph.refuses = [refused(code)]
    lucia.says("menu")
    assert outbounds(lucia)[-1].state == "PENDING"


def test_m3_metas_retry_after_overrides_our_delay(world: World, lucia: Buyer) -> None:
    world.graph.refuses = [SendRefused(4, "", 429, 200.0)]
    lucia.says("menu")
    world.clock.now += timedelta(seconds=199)
    world.minute()
    assert lucia.heard == []
    world.clock.now += timedelta(seconds=1)
    world.minute()
    assert len(lucia.heard) == 1


def test_m3_a_message_that_never_reached_meta_is_retried(world: World, lucia: Buyer) -> None:
    world.graph.refuses = [NotSent("ConnectTimeout"), NotSent("ConnectTimeout")]
    lucia.says("menu")
    for seconds in (5, 30):
        assert lucia.heard == []
        world.clock.now += timedelta(seconds=seconds)
        world.minute()
    assert len(lucia.heard) == 1


def test_m3_an_unknown_outcome_waits_for_its_status_and_is_tried_once_more(world: World, lucia: Buyer) -> None:
    world.graph.refuses = [OutcomeUnknown("ReadTimeout"), OutcomeUnknown("ReadTimeout")]
    lucia.says("menu")
    world.clock.now += timedelta(minutes=1) - timedelta(seconds=1)
    world.minute()
    assert len(world.graph.refuses) == 1
    world.clock.now += timedelta(seconds=1)
    world.minute()
    assert world.graph.refuses == []
    stored = outbounds(lucia)[-1]
    assert (stored.state, stored.queue_key) == ("UNKNOWN", "OUTBOUND#UNDELIVERED")
    world.clock.now += timedelta(days=1)
    world.minute()
    assert lucia.heard == []


def test_m3_a_message_left_unknown_is_delivered_when_a_status_says_so(world: World, lucia: Buyer) -> None:
    world.graph.refuses = [OutcomeUnknown("ReadTimeout"), OutcomeUnknown("ReadTimeout")]
    lucia.says("menu")
    world.clock.now += timedelta(minutes=5)
    world.minute()
    world.deliver(webhooks.status(lucia.person, "wamid.Z", "read", at=world.at, tracking=tag_of(lucia)))
    stored = outbounds(lucia)[-1]
    assert (stored.state, stored.queue_key) == ("READ", None)


def test_m3_an_unknown_outcome_whose_status_comes_is_not_sent_again(world: World, lucia: Buyer) -> None:
    world.graph.refuses = [OutcomeUnknown("ReadTimeout")]
    lucia.says("menu")
    tag = tag_of(lucia)
    world.deliver(webhooks.status(lucia.person, "wamid.Z", "delivered", at=world.at, tracking=tag))
    world.clock.now += timedelta(minutes=6)
    world.minute()
    assert lucia.heard == []
    stored = outbounds(lucia)[-1]
    assert (stored.state, stored.message_id) == ("DELIVERED", "wamid.Z")


@pytest.mark.parametrize(
    ("news", "state"),
    [
        (("sent", "delivered", "read"), "READ"),
        (("read", "delivered", "sent"), "READ"),
        (("delivered", "sent"), "DELIVERED"),
        (("sent", "sent"), "SENT"),
        (("sent", "failed"), "FAILED"),
        (("failed", "sent", "delivered"), "FAILED"),
        (("delivered", "failed"), "DELIVERED"),
        (("read", "failed"), "READ"),
    ],
)
def test_a_state_only_moves_forwards(world: World, lucia: Buyer, news: tuple[webhooks.State, ...], state: str) -> None:
    lucia.says("menu")
    tag = tag_of(lucia)
    for one in news:
        errors = [(131026, "undeliverable")] if one == "failed" else []
        world.deliver(webhooks.status(lucia.person, "wamid.OUT1", one, at=world.at, tracking=tag, errors=errors))
    assert outbounds(lucia)[-1].state == state
    assert len(lucia.heard) == 1


@pytest.mark.parametrize("tag", [None, "", "nothing", "a/b", "/", "x" * 500, "../../etc"])
def test_a_status_of_an_unknown_message_changes_nothing(world: World, lucia: Buyer, tag: str | None) -> None:
    lucia.says("menu")
    world.deliver(webhooks.status(lucia.person, "wamid.Q", "read", at=world.at, tracking=tag))
    assert outbounds(lucia)[-1].state == "ACCEPTED"


# The order of what a person is told


def paused(world: World, failure: Callable[[], GraphError]) -> None:
    world.graph.refuses = [failure()]


def test_replies_to_a_person_keep_their_order_when_the_first_must_wait(world: World, lucia: Buyer) -> None:
    """131056: one message each six seconds for a person; what follows waits behind it."""
    world.raffle()
    world.graph.refuses = [refused(131056)]
    lucia.says("help")
    lucia.says("raffles")
    for _ in range(5):
        world.clock.pass_minutes(1)
        world.minute()
    assert [text_of(said).split()[0] for said in lucia.heard] == ["How", "Which"]


def test_replies_left_by_a_crash_are_sent_in_their_order(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.raffle()
    with monkeypatch.context() as patch:
        patch.setattr(world.graph, "send", crash)
        for said in ("help", "raffles", "menu"):
            with pytest.raises(SystemExit):
                lambdas.handle_update(update_of(a_text(lucia, said)).to_json())
            world.clock.now += timedelta(seconds=1)
    world.clock.pass_minutes(2)
    world.minute()
    assert [text_of(said).split()[0] for said in lucia.heard] == ["How", "Which", "Welcome!"]


def test_one_persons_failure_does_not_delay_another(world: World, lucia: Buyer, marco: Buyer) -> None:
    world.graph.refuses = [refused(131056)]
    lucia.says("menu")
    marco.says("menu")
    assert (len(lucia.heard), len(marco.heard)) == (0, 1)


def test_a_refused_read_receipt_does_not_affect_the_answer(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(message_id: str, typing: bool = True) -> None:
        raise OutcomeUnknown("ReadTimeout")

    monkeypatch.setattr(world.graph, "mark_read", fails)
    assert "Welcome" in text_of(lucia.says("menu"))


def test_a_failed_reply_undoes_nothing(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    lucia.says("BIKE")
    world.graph.refuses = [refused(131026)]
    lucia.says("5,12")
    assert world.availability(raffle) == (98, 2, 0)
    assert hold(world.buyer(number=3), "6")


def test_a_bucket_that_fails_leaves_the_proof_to_the_queue(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://s3.invalid")

    world.raffle()
    order_id = hold_and_confirm(lucia)
    with monkeypatch.context() as patch:
        patch.setattr(world.container._client("s3"), "put_object", fails)
        with pytest.raises(lambdas.NotHandled, match=r"^EndpointConnectionError$"):
            lucia.sends_proof()
    assert world.order(order_id)["status"] == "PENDING_PAYMENT"
