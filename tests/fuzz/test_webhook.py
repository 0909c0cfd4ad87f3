"""Whatever a signed body holds, it is taken, harms no neighbour in it, and stops no function.

Two thousand bodies in an ordinary run; TOMBOLA_SOAK=50 makes it fifty times as many. TOMBOLA_SEED begins elsewhere.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from os import environ
from random import Random

import pytest

import app
from local.worker import Context, sqs_event
from tests.support.quick_moto import quicken_moto
from tests.support.webhook_mutations import NEIGHBOUR_ID, NOW, carries_the_neighbour, corpus, mutated, smaller
from tests.support.world import World

TIMES = int(environ.get("TOMBOLA_SOAK", "1"))
SEED = int(environ.get("TOMBOLA_SEED", "20261123"))
ROUNDS, BODIES = 4 * TIMES, 500
QUEUE_ID = re.compile(r"[!-~]{1,128}")  # what SQS takes as a group and for deduplication
QUEUE_LIMIT = 256 * 1024


class Queue:
    """As much of SQS as the webhook needs, and as strict."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, object]:  # noqa: N803 - boto3's names
        assert 1 <= len(Entries) <= 10
        assert len({entry["Id"] for entry in Entries}) == len(Entries)
        assert sum(len(entry["MessageBody"].encode()) for entry in Entries) <= QUEUE_LIMIT
        for entry in Entries:
            assert QUEUE_ID.fullmatch(entry["MessageGroupId"]) and QUEUE_ID.fullmatch(entry["MessageDeduplicationId"])
            assert entry["MessageBody"].isascii() and entry["MessageBody"].isprintable()
            self.bodies.append(entry["MessageBody"])
        return {}


class Trial:
    """Posts bodies, hands over what they queue, and says what is wrong with one."""

    def __init__(self, world: World) -> None:
        self._world, self._queue = world, Queue()
        self._done: set[str] = set()  # what the queue would drop, since it had it before
        vars(world.container)["inbox"] = replace(world.container.inbox, sqs=lambda: self._queue)

    def wrong(self, body: bytes, *, anew: bool = False) -> str | None:
        """`anew`: hand over what was handed over before, too."""
        self._queue.bodies.clear()
        status = self._world.post_webhook(body)
        if status != 200:
            return f"answered with {status}"
        if carries_the_neighbour(body) and not any(NEIGHBOUR_ID in queued for queued in self._queue.bodies):
            return "the good neighbour is lost"
        for queued in self._queue.bodies:
            if anew or queued not in self._done:
                self._done.add(queued)
                if (failure := _failure(queued)) is not None:
                    return f"converse raised {failure}"
        return None


def _failure(queued: str) -> str | None:
    try:
        app.converse(sqs_event({"MessageId": "1", "ReceiptHandle": "1", "Body": queued}), Context("converse"))
    except Exception as failure:
        return repr(failure)
    return None


@pytest.fixture
def trial(world: World, monkeypatch: pytest.MonkeyPatch) -> Trial:
    quicken_moto(monkeypatch)
    world.clock.now = datetime.fromtimestamp(NOW, UTC)
    world.raffle()
    return Trial(world)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_no_signed_body_makes_anything_fail_or_loses_its_neighbours(
    trial: Trial, number: int, record_property: Callable[[str, object], None]
) -> None:
    random, bodies = Random(f"{SEED} {number}"), list(corpus().values())
    carried = 0
    for turn in range(BODIES):
        body = mutated(random, bodies)
        carried += carries_the_neighbour(body)
        if (wrong := trial.wrong(body)) is not None:
            least = smaller(body, lambda candidate: trial.wrong(candidate, anew=True) == wrong)
            pytest.fail(f"{wrong}: TOMBOLA_SEED={SEED}, round {number}, body {turn}; the least of it: {least!r}"[:4000])
    assert carried > BODIES * 0.7
    record_property("mutated bodies tried", BODIES)
