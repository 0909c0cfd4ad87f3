"""One request to DynamoDB that does not succeed at once: how often it is made again, and what comes of it."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError
from pynamodb.exceptions import TransactWriteError

from chalicelib.domain.organisers import COMMAND_LINE, Actor, Role
from chalicelib.domain.refusals import TokenKnown, TryAgain
from chalicelib.lambdas import admit, deliver_messages
from chalicelib.services.tokens import id_of
from chalicelib.store import contacts, raffles, retries, tokens, transaction
from chalicelib.store.records import Record, TokenRecord, low_level
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, Unsure, retry
from chalicelib.whatsapp.graph import NotSent
from chalicelib.whatsapp.inbound import Status
from tests.support.faults import wire as w
from tests.support.faults.operations import OTHER
from tests.support.faults.pauses import Pauses
from tests.support.faults.wire import Wire
from tests.support.steps import assert_board_is_exact, hold, hold_and_confirm, outbounds
from tests.support.world import TOKEN, Buyer, World, text_of

LATER = {
    "ThrottlingException": w.answers("ThrottlingException"),
    "ProvisionedThroughputExceededException": w.answers("ProvisionedThroughputExceededException"),
    "RequestLimitExceeded": w.answers("RequestLimitExceeded"),
    "InternalServerError": w.answers("InternalServerError", 500),
    "ServiceUnavailable": w.answers("ServiceUnavailable", 503),
    "no connection": w.cannot_connect,
    "reset": w.resets_before,
    "time-out": w.times_out_after,
}


# What may come after the last moment at which something is asked again: no answer.
LONGEST = retries.READ_SECONDS + 0.001

WHEN = datetime(2026, 11, 23, 14, tzinfo=UTC)


def a_token(key: str) -> TokenRecord:
    return TokenRecord(
        f"TOKEN#{key}", "TOKEN", id=key, name=key, role="viewer", created_at=WHEN, created_by="x", salt=b"x", hash=b"x"
    )


def a_transaction(key: str = "x") -> Transaction:
    made = Transaction()
    record = a_token(key)
    made.put(record, name="token", only_if=TokenRecord.pk.does_not_exist())
    return made


# The bound


@pytest.mark.parametrize("effect", LATER.values(), ids=LATER)
def test_a_read_that_never_succeeds_is_busy_after_three_tries(wire: Wire, pauses: Pauses, effect: w.Effect) -> None:
    wire.effect = w.always(effect)
    with pytest.raises(Busy) as raised:
        raffles.get("none")
    assert not isinstance(raised.value, Unsure)
    assert wire.operations() == ["GetItem"] * retries.TRIES
    assert len(pauses) == retries.TRIES - 1


def test_botocore_does_not_retry_on_its_own(wire: Wire) -> None:
    config = low_level().client.meta.config
    assert config.retries == {"total_max_attempts": 1, "mode": "standard"}
    assert (config.connect_timeout, config.read_timeout) == (1, 2)


def test_pauses_are_random_and_grow_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "random", random.Random(1).random)
    for number in range(1, transaction.TRIES):
        drawn = [retries.jitter(number, 0.02) for _ in range(200)]
        assert max(drawn) <= 0.02 * 2**number
        assert max(drawn) > 0.9 * 0.02 * 2**number
        assert min(drawn) < 0.1 * 0.02 * 2**number


def tries_of(attempt: Callable[[], object]) -> int:
    """How often `retry` makes the attempt, which never succeeds."""
    tried = 0

    def counted() -> None:
        nonlocal tried
        tried += 1
        attempt()

    with pytest.raises(TryAgain):
        retry(counted)
    return tried


def test_a_use_case_is_tried_eight_times(wire: Wire) -> None:
    wire.effect = w.always(w.cancels("TransactionConflict"))
    assert tries_of(lambda: a_transaction().commit()) == transaction.TRIES == 8


def test_a_use_case_is_tried_for_ten_seconds_at_most(wire: Wire, pauses: Pauses) -> None:
    wire.effect = w.always(slowly(pauses))
    assert tries_of(lambda: tokens.get("any")) == 2
    assert retries.DEADLINE_SECONDS < pauses.now() < retries.DEADLINE_SECONDS + LONGEST


def test_many_slow_requests_end_after_ten_seconds_too(wire: Wire, pauses: Pauses) -> None:
    slow = slowly(pauses)
    wire.effect = lambda at, _: (slow, slow, None)[at % retries.TRIES]
    assert tries_of(lambda: [contacts.get("any") for _ in range(5)]) == 1
    assert retries.DEADLINE_SECONDS < pauses.now() < retries.DEADLINE_SECONDS + LONGEST


def test_the_rest_of_a_batch_is_not_asked_for_after_ten_seconds(world: World, wire: Wire, pauses: Pauses) -> None:
    wanted = keys(world)
    wire.rests()
    wire.effect = w.always(w.leaves_out(0))
    tries_of(lambda: list(Record.batch_get(wanted)))
    assert retries.DEADLINE_SECONDS - 0.001 <= pauses.now() <= retries.DEADLINE_SECONDS + 0.001


def slowly(pauses: Pauses) -> w.Effect:
    def effect(asked: w.Asked) -> Any:
        pauses.waited += retries.READ_SECONDS
        return w.times_out_after(asked)

    return effect


def test_try_again_says_whether_something_may_have_changed() -> None:
    def ends_with(*kinds: type[Busy]) -> str:
        left = list(kinds)

        def attempt() -> None:
            raise left.pop(0) if left else Busy

        with pytest.raises(TryAgain) as raised:
            retry(attempt)
        return str(raised.value)

    assert "Nothing was changed" in ends_with(Busy)
    assert "not known" in ends_with(Unsure)
    assert "not known" in ends_with(Busy, Unsure, Busy)


@pytest.mark.parametrize("code", ["ValidationException", "ResourceNotFoundException", "AccessDeniedException"])
def test_an_error_that_retrying_cannot_cure_is_tried_once(wire: Wire, code: str) -> None:
    wire.effect = w.always(w.answers(code))
    with pytest.raises(Exception, match=code) as raised:
        raffles.get("none")
    assert not isinstance(raised.value, Busy)
    assert wire.operations() == ["GetItem"]


def test_missing_credentials_are_tried_once(wire: Wire) -> None:
    def none(_: w.Asked) -> Any:
        raise NoCredentialsError

    wire.effect = w.always(none)
    with pytest.raises(Exception, match="credentials"):
        raffles.get("none")
    assert len(wire.asked) == 1


# Transactions: was it mine?


@pytest.mark.parametrize(
    "effect",
    [w.times_out_after, w.resets_after, w.resets_before, w.fails_after, w.answers("TransactionInProgressException")],
    ids=["time-out", "reset after", "reset before", "500", "in progress"],
)
def test_a_transaction_of_unknown_outcome_is_made_again_with_the_same_token(wire: Wire, effect: w.Effect) -> None:
    wire.effect = w.once(0, effect)
    a_transaction().commit()
    first, second = wire.asked
    assert first.body == second.body
    assert len(first.body["ClientRequestToken"]) == 36
    assert TokenRecord.get("TOKEN#x", "TOKEN").name == "x"


def test_each_commit_has_a_token_of_its_own(wire: Wire) -> None:
    a_transaction("x").commit()
    a_transaction("y").commit()
    assert len({asked.body["ClientRequestToken"] for asked in wire.asked}) == 2


@pytest.mark.parametrize("effect", [w.times_out_after, w.resets_before, w.answers("TransactionInProgressException")])
def test_a_transaction_whose_outcome_stays_unknown_is_unsure_in_time(wire: Wire, effect: w.Effect) -> None:
    wire.effect = w.always(effect)
    with pytest.raises(Unsure):
        a_transaction().commit()
    assert len({asked.body["ClientRequestToken"] for asked in wire.asked}) == 1
    assert len(wire.asked) == retries.TRIES


def test_an_unknown_outcome_stays_unknown_when_the_next_try_is_throttled(wire: Wire) -> None:
    effects = [w.times_out_after, w.answers("ThrottlingException"), w.answers("ThrottlingException")]
    wire.effect = lambda at, _: effects[at]
    with pytest.raises(Unsure):
        a_transaction().commit()


def test_a_throttled_transaction_was_not_done(wire: Wire) -> None:
    wire.effect = w.always(w.answers("ThrottlingException"))
    with pytest.raises(Busy) as raised:
        a_transaction().commit()
    assert not isinstance(raised.value, Unsure)


def test_a_token_reused_for_another_request_is_our_bug_and_not_retried(wire: Wire) -> None:
    wire.effect = w.always(w.answers("IdempotentParameterMismatchException"))
    with pytest.raises(TransactWriteError):
        a_transaction().commit()
    assert len(wire.asked) == 1


def reasons(*codes: str | None) -> w.Effect:
    found = [{"Code": code or "None", "Message": "stubbed"} for code in codes]
    return lambda _: w.error("TransactionCanceledException", CancellationReasons=found)


@pytest.mark.parametrize(
    "code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"]
)
@pytest.mark.parametrize("among", [(None, None), (None, "TransactionConflict")])
def test_a_passing_cancellation_is_busy(wire: Wire, code: str, among: tuple[str | None, ...]) -> None:
    wire.effect = w.always(reasons(*among, code))
    with pytest.raises(Busy):
        a_transaction().commit()
    assert len(wire.asked) == 1  # the same again could meet the same: who reads anew decides


def test_a_failed_condition_beside_a_conflict_is_reported(wire: Wire) -> None:
    wire.effect = w.always(reasons("ConditionalCheckFailed", "TransactionConflict"))
    both = a_transaction("x")
    both.put(a_token("y"), name="other")
    with pytest.raises(ConditionsFailed) as raised:
        both.commit()
    assert [failure.name for failure in raised.value.failures] == ["token"]


@pytest.mark.parametrize("code", ["ValidationError", "ItemCollectionSizeLimitExceeded"])
def test_a_lasting_cancellation_is_an_error(wire: Wire, code: str) -> None:
    wire.effect = w.always(reasons(code))
    with pytest.raises(TransactWriteError):
        a_transaction().commit()


# A chat turn that meets both


def test_h2_a_taken_number_beside_a_conflict_is_still_reported(
    world: World, wire: Wire, lucia: Buyer, marco: Buyer
) -> None:
    raffle = world.raffle()
    hold(lucia, "5")
    marco.says("BIKE")

    def conflict_too(asked: w.Asked) -> Any:
        response = asked.passed()
        told = w.body_of(response)
        if response.status_code == 200:
            return w.answer(told)
        told["CancellationReasons"][-1] = {"Code": "TransactionConflict"}
        return w.answer(told, 400)

    wire.rests()
    wire.effect = w.always(conflict_too, "TransactWriteItems")
    assert "005" in text_of(marco.says("5,12"))
    wire.rests()
    assert world.availability(raffle) == (99, 1, 0)
    assert_board_is_exact(world, raffle)


# Batches


def keys(world: World) -> list[tuple[str, str]]:
    made = [world.raffle(code=f"RAFFLE{number}", active=False) for number in range(4)]
    return [raffles.key(raffle["id"]) for raffle in made]


@pytest.mark.parametrize("brought", [0, 1, 3])
def test_a_partial_batch_is_completed(world: World, wire: Wire, pauses: Pauses, brought: int) -> None:
    wanted = keys(world)
    wire.rests()
    wire.effect = w.once(0, w.leaves_out(brought))
    assert {(record.pk, record.sk) for record in Record.batch_get(wanted, consistent_read=True)} == set(wanted)
    _, second = wire.asked
    (left,) = second.body["RequestItems"].values()
    assert len(left["Keys"]) == 4 - brought
    assert left["ConsistentRead"] is True
    assert len(pauses) == 1


def test_a_batch_may_come_piece_by_piece(world: World, wire: Wire, pauses: Pauses) -> None:
    wanted = keys(world)
    wire.rests()
    wire.effect = w.always(w.leaves_out(1))
    assert len(list(Record.batch_get(wanted, consistent_read=True))) == 4
    assert len(wire.asked) == 4
    assert len(pauses) == 3


def test_a_batch_that_never_completes_is_busy_in_time(world: World, wire: Wire, pauses: Pauses) -> None:
    wanted = keys(world)
    wire.rests()
    wire.effect = w.always(w.leaves_out(0))
    with pytest.raises(Busy):
        list(Record.batch_get(wanted, consistent_read=True))
    assert len(wire.asked) == retries.ROUNDS
    assert sum(pauses) <= 3.1


# Single items: done, not heard of, and done again


def test_a_new_token_is_not_lost_when_the_answer_is(world: World, wire: Wire) -> None:
    wire.rests()
    wire.effect = w.once(0, w.times_out_after)
    access = world.container.tokens
    key = access.create("Olga", Role.VIEWER, by=COMMAND_LINE).key
    assert access.admit(f"Token {key}") == Actor("Olga", Role.VIEWER, id_of(key))
    with pytest.raises(TokenKnown):
        access.create("Otto", Role.MANAGER, by=COMMAND_LINE, key=key)


def test_o1_a_token_that_cannot_be_checked_is_not_called_wrong(world: World, wire: Wire) -> None:
    wire.effect = w.always(w.answers("ThrottlingException"))
    with pytest.raises(TryAgain):
        admit(f"Token {TOKEN}")
    wire.rests()
    assert admit(f"Token {TOKEN}") == Actor("local", Role.MANAGER, id_of(TOKEN))


def test_an_unanswered_claim_lapses_after_the_grace_time(world: World, wire: Wire, lucia: Buyer) -> None:
    world.graph.refuses = [NotSent("no connection")]
    lucia.says("menu")
    world.clock.pass_minutes(1)
    wire.effect = once_an_update(w.times_out_after)
    deliver_messages()
    assert lucia.heard == []  # the second try found it claimed, and could not know by whom
    world.clock.pass_minutes(1)
    deliver_messages()
    assert len(lucia.heard) == 1
    world.clock.pass_minutes(5)
    deliver_messages()
    assert len(lucia.heard) == 1


def test_m3_a_sent_message_is_recorded_although_the_answer_is_lost(world: World, wire: Wire, lucia: Buyer) -> None:
    wire.effect = once_an_update(w.times_out_after)
    lucia.says("menu")
    (sent,) = outbounds(lucia)
    assert (sent.state, sent.message_id, sent.queue_key) == ("ACCEPTED", "wamid.OUT1", None)


def test_m3_nothing_more_is_sent_while_nothing_can_be_recorded(world: World, wire: Wire, lucia: Buyer) -> None:
    """What is sent and not noted may be sent twice, so it is one message at most."""
    world.raffle()
    hold_and_confirm(lucia, "5")
    before = len(world.graph.sent)
    wire.effect = w.always(w.answers("ThrottlingException"), "UpdateItem")
    lucia.sends_proof()
    assert len(world.graph.sent) == before + 1  # to the buyer; the organiser's notice is due
    wire.rests()
    world.container.sender.update_status(delivered(world, before))  # WhatsApp's status ends it as well
    world.clock.pass_minutes(2)
    deliver_messages()
    assert len(world.graph.sent) == before + 2


def delivered(world: World, number: int) -> Status:
    tag = world.graph.sent[number]["biz_opaque_callback_data"]
    return Status(message_id="wamid.X", state="delivered", at=None, tag=tag, recipient=None)


def test_a_status_is_recorded_although_dynamodb_is_slow(world: World, wire: Wire, lucia: Buyer) -> None:
    lucia.says("menu")
    left = [w.answers("ThrottlingException")] * (retries.TRIES + 1)
    wire.effect = lambda _, asked: left.pop() if left else None
    world.container.sender.update_status(delivered(world, 0))
    assert outbounds(lucia)[0].state == "DELIVERED"


def test_a_wait_that_is_recorded_twice_counts_once(world: World, wire: Wire, lucia: Buyer) -> None:
    world.graph.refuses = [NotSent("no connection")]
    wire.effect = lambda _, asked: w.times_out_after if waits(asked) and len(held_back) < 2 else None
    held_back: list[w.Asked] = []

    def waits(asked: w.Asked) -> bool:
        found = asked.operation == "UpdateItem" and "waits_for" in asked.body["ExpressionAttributeNames"].values()
        if found:
            held_back.append(asked)
        return found

    lucia.says("menu")
    assert len(held_back) == 2
    world.clock.pass_minutes(2)
    deliver_messages()
    assert len(lucia.heard) == 1
    lucia.says("menu")
    assert len(lucia.heard) == 2


def once_an_update(effect: w.Effect) -> Callable[[int, w.Asked], w.Effect | None]:
    left = [effect]
    return lambda _, asked: left.pop() if left and asked.operation == "UpdateItem" else None


# Raffles: theirs are transactions without a reading before each try


def test_n2_a_raffle_whose_answers_are_all_lost_is_made_once(world: World, wire: Wire) -> None:
    """Also when the token has lapsed: the raffle that stands in the way is the one that we made."""
    wire.minds_tokens = False
    left = [w.times_out_after, *[w.resets_before] * retries.TRIES]
    wire.effect = lambda _, asked: left.pop(0) if left and asked.operation == "TransactWriteItems" else None
    made = world.raffle(active=False)
    assert [raffle["id"] for raffle in world.api("GET", "/api/raffles").body["results"]] == [made["id"]]


def test_a_conflict_over_a_raffle_is_no_error(world: World, wire: Wire) -> None:
    left = [w.cancels("TransactionConflict")] * 3
    wire.effect = lambda _, asked: left.pop() if left and asked.operation == "TransactWriteItems" else None
    world.raffle()
    assert not left


def test_a_lasting_conflict_is_refused_and_leaves_nothing(world: World, wire: Wire) -> None:
    wire.effect = w.always(w.cancels("TransactionConflict"), "TransactWriteItems")
    found = world.api("POST", "/api/raffles", OTHER)
    assert (found.status, found.body["code"], found.headers["Retry-After"]) == (429, "try_again", "1")
    wire.rests()
    assert world.api("GET", "/api/raffles").body["results"] == []


def test_another_persons_change_is_not_taken_for_ours(world: World, wire: Wire) -> None:
    raffle = world.raffle(active=False)
    path = f"/api/raffles/{raffle['id']}"

    def cuts_in(asked: w.Asked) -> Any:
        wire.rests()
        assert world.api("PATCH", path, {"prize": "B" * (2 - len(left))}).status == 200
        return asked.passed()

    left = [cuts_in, cuts_in]
    wire.effect = lambda _, asked: left.pop() if left and asked.operation == "TransactWriteItems" else None
    world.clock.pass_minutes(1)
    assert world.api("PATCH", path, {"title": "A"}).status == 200
    found = world.api("GET", path)
    assert (found.body["title"], found.body["prize"]) == ("A", "B")

    wire.effect = lambda _, asked: left.pop() if left and asked.operation == "TransactWriteItems" else None
    assert world.api("PATCH", path, {"title": "C"}, **{"If-Match": found.headers["ETag"]}).status == 412
    assert world.api("GET", path).body["title"] == "A" and not left
