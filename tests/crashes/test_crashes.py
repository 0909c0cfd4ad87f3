"""M3: wherever the process ends, once everything was tried again all is as if it had not.

The process is stopped before every single call to DynamoDB, SQS, S3 and Graph in turn, and after the last call that it
made for somebody; WhatsApp, the queue and the schedule then do what they do.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

import pytest

from tests.support.crashes.play import LUCIA, MARCO, Conversation, Play, Step, Stops, watched
from tests.support.interleavings.scene import Scene, scene
from tests.support.world import ORGANISER

BUYING: list[Step] = [
    lambda play: play.says(LUCIA, "menu"),
    lambda play: play.taps(LUCIA, "Browse"),
    lambda play: play.says(LUCIA, "BIKE"),
    lambda play: play.says(LUCIA, "5, 12"),
    lambda play: play.taps(LUCIA, "Confirm"),
    lambda play: play.sends_proof(LUCIA),
    lambda play: play.organiser_confirms(),
    lambda play: play.says(LUCIA, "my orders"),
]
CHANGING_ONES_MIND: list[Step] = [
    lambda play: play.says(MARCO, "BIKE"),
    lambda play: play.says(MARCO, "7"),
    lambda play: play.says(LUCIA, "BIKE"),
    lambda play: play.says(LUCIA, "6, 7"),
    lambda play: play.says(LUCIA, "6"),
    lambda play: play.says(LUCIA, "stop"),
    lambda play: play.organiser_cancels(),
    lambda play: play.says(LUCIA, "start"),
    lambda play: play.taps(MARCO, "Cancel"),
]
BEING_LATE: list[Step] = [
    lambda play: play.says(LUCIA, "BIKE"),
    lambda play: play.says(LUCIA, "3"),
    lambda play: play.taps(LUCIA, "Confirm"),
    lambda play: play.nothing(8),
    lambda play: play.nothing(8),
    lambda play: play.says(MARCO, "BIKE"),
    lambda play: play.says(MARCO, "4"),
    lambda play: play.sends_proof(LUCIA),
    lambda play: play.organiser_confirms(),
]
DECIDING: list[Step] = [
    lambda play: play.says(ORGANISER, "help"),
    lambda play: play.says(LUCIA, "BIKE"),
    lambda play: play.says(LUCIA, "3"),
    lambda play: play.taps(LUCIA, "Confirm"),
    lambda play: play.sends_proof(LUCIA),
    lambda play: play.taps(ORGANISER, "Reject"),
    lambda play: play.taps(ORGANISER, "It is no payment"),
    lambda play: play.sends_proof(LUCIA),
    lambda play: play.taps(ORGANISER, "Approve"),
    lambda play: play.taps(ORGANISER, "Approve"),
]
CONVERSATIONS = {
    "buying": BUYING, "changing one's mind": CHANGING_ONES_MIND, "being late": BEING_LATE, "deciding": DECIDING,
}  # fmt: skip


@pytest.fixture
def made() -> Iterator[Scene]:
    with scene(Random(7)) as made:
        made.open(max_per_contact=5)
        yield made


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_m3_wherever_the_process_ends_the_result_is_the_same(
    made: Scene, name: str, record_property: Callable[[str, object], None]
) -> None:
    stops, tried = Stops(), Counter[str]()
    with watched(made, stops):
        conversation = Conversation(Play(made, stops), CONVERSATIONS[name])
        conversation.rehearse()
        assert conversation.story["waits to be sent"] == []
        assert conversation.story["differences"] == 0
        for number, points in enumerate(conversation.distinct):
            for at, point in points.items():
                assert conversation.with_crash(number, at) == conversation.story, (number, at, point)
                tried[point] += 1
    record_property("crash points tried", tried.total())
    assert tried.total() > 150
    assert {what.partition(" ")[2] for what in tried} >= {"TransactWriteItems", "send_message_batch", "send"}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_m3_without_a_status_a_message_is_sent_twice_at_most_and_only_if_the_first_outcome_is_unknown(
    made: Scene, name: str, record_property: Callable[[str, object], None]
) -> None:
    """WhatsApp took the message, the process ended before that was noted, and no status ever came."""
    stops, twice = Stops(), 0
    with watched(made, stops):
        conversation = Conversation(Play(made, stops, tells=False), CONVERSATIONS[name])
        conversation.rehearse()
        for number, points in enumerate(conversation.points):
            for at, point in enumerate(points):
                sent = at > 0 and point == "before UpdateItem" and points[at - 1] == "after send"
                if point != "after send" and not sent:
                    continue
                found = conversation.with_crash(number, at)
                more = Counter(map(tuple, found.pop("was told"))) - Counter(map(tuple, conversation.story["was told"]))
                assert more.total() <= 1, (number, at)
                assert found == {what: told for what, told in conversation.story.items() if what != "was told"}
                twice += more.total()
    record_property("messages told twice", twice)
    assert twice > 0
