"""An export whose maker is stopped, doubled, overtaken or misled comes to the same file, and never back to life."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ReadTimeoutError
from s3transfer.utils import ChunksizeAdjuster

from chalicelib import lambdas
from chalicelib.domain.exports import LEASE, ExportRequest, ExportStatus, Format, Of
from chalicelib.domain.refusals import ExportNotFound
from chalicelib.services.exports import service
from chalicelib.services.exports.service import Exports
from chalicelib.store.records import ExportRecord, low_level
from tests.support.exports import OLGA, fetched, objects, request_for, ticking
from tests.support.spreadsheets import csv_rows
from tests.support.steps import buy
from tests.support.world import Buyer, World

ROOT = Path(__file__).parents[3]
Json = dict[str, Any]
SMALL = 1_000  # bytes of a part, so that a small file has several
REDELIVERED = timedelta(seconds=960)  # infra/resources.json: the queue's visibility time-out


class Crash(Exception):
    """The process is gone: every later call raises this, too.

    Not a BaseException, although error handlers run now: with one, s3transfer would wait forever for its task to end.
    """


class Calls:
    """Every call to DynamoDB and S3, one after the other. From point `at` on the process is gone."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.at: int | None = None

    def point(self, model: Any, **_: Any) -> None:
        self.made.append(model.name)
        if self.at is not None and len(self.made) > self.at:
            raise Crash


@pytest.fixture
def raffle(world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch) -> Json:
    small = TransferConfig(multipart_threshold=SMALL, multipart_chunksize=SMALL, use_threads=False)
    monkeypatch.setattr(service, "TRANSFER", small)
    monkeypatch.setattr("s3transfer.upload.ChunksizeAdjuster", partial(ChunksizeAdjuster, min_size=SMALL))
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", SMALL)
    raffle = world.raffle()
    buy(lucia, "5,12")
    return raffle


@pytest.fixture
def exports(world: World) -> Exports:
    """With a clock that goes on four seconds at each look, so that progress is noted each time."""
    return replace(world.container.exports, clock=ticking(world, minutes=4 / 60))


@pytest.fixture
def calls(world: World) -> Iterator[Calls]:
    """One point before and one after each call."""
    calls = Calls()
    clients = (low_level().client, world.container._client("s3"))
    events = [client.meta.events for client in clients]
    for emitter in events:
        emitter.register("before-call", calls.point)
        emitter.register("after-call", calls.point)
    yield calls
    for emitter in events:
        emitter.unregister("before-call", calls.point)
        emitter.unregister("after-call", calls.point)


def uploads_left(world: World) -> list[Any]:
    return list(boto3.client("s3").list_multipart_uploads(Bucket=world.stack.bucket).get("Uploads", []))


@pytest.mark.parametrize("form", Format)
def test_an_export_that_is_stopped_at_any_call_is_made_again_by_the_next_delivery(
    world: World, raffle: Json, exports: Exports, calls: Calls, form: Format, record_property: Callable[..., None]
) -> None:
    def enqueue() -> str:
        return exports.enqueue(request_for(raffle, Of.TICKETS, form), by=OLGA).id

    first = enqueue()
    calls.made.clear()
    exports.make(first, last_try=False)
    points = len(calls.made)
    assert "CompleteMultipartUpload" in calls.made
    assert points >= 20
    expected = fetched(world, first)
    for at in range(points):
        export_id = enqueue()
        calls.made.clear()
        calls.at = at
        with pytest.raises(Crash):
            exports.make(export_id, last_try=False)
        calls.at = None
        world.clock.now += REDELIVERED
        exports.make(export_id, last_try=False)

        made_export = exports.get(export_id, by=OLGA).export
        assert (made_export.status, made_export.done) == (ExportStatus.READY, 100), calls.made[at]
        if form is Format.CSV:
            assert fetched(world, export_id) == expected
        assert made_export.size == len(fetched(world, export_id))
    record_property("crash points of exports tried", points)


def test_only_one_run_makes_an_export_at_a_time(world: World, raffle: Json, exports: Exports, calls: Calls) -> None:
    """A message that the queue hands over twice at the same time, or that was sent twice."""
    export = exports.enqueue(request_for(raffle), by=OLGA)
    interrupted = replace(exports, clock=_during(exports, lambda: exports.make(export.id, last_try=False)))
    interrupted.make(export.id, last_try=False)

    assert len(fetched(world, export.id)) == exports.get(export.id, by=OLGA).export.size
    assert calls.made.count("CompleteMultipartUpload") == 2  # before the call, and after it


def _during(exports: Exports, do: Callable[[], object], *, at: int = 4) -> Any:
    """A clock that has something happen while the export is being made."""
    looks = 0

    def tick() -> Any:
        nonlocal looks
        looks += 1
        if looks == at:
            do()
        return exports.clock()

    return tick


def test_a_run_that_was_thought_dead_changes_nothing(world: World, raffle: Json, exports: Exports) -> None:
    export = exports.enqueue(request_for(raffle), by=OLGA)

    def overtaken() -> None:
        world.clock.now += LEASE
        exports.make(export.id, last_try=False)

    slow = replace(exports, clock=_during(exports, overtaken, at=3))
    # The clock of the slow one stood still meanwhile, as that of a frozen sandbox does.
    slow.make(export.id, last_try=False)

    made_export = exports.get(export.id, by=OLGA).export
    assert made_export.status is ExportStatus.READY
    assert len(fetched(world, export.id)) == made_export.size


@pytest.mark.parametrize("at", [3, 4, 5])
def test_an_export_that_is_deleted_while_it_is_made_does_not_come_back(
    world: World, raffle: Json, exports: Exports, at: int
) -> None:
    export = exports.enqueue(request_for(raffle), by=OLGA)

    def deleted() -> None:
        ExportRecord.get(f"EXPORT#{export.id}", "EXPORT").delete()

    replace(exports, clock=_during(exports, deleted, at=at)).make(export.id, last_try=False)

    with pytest.raises(ExportNotFound):
        exports.get(export.id, by=OLGA)
    assert objects(world) == []
    assert uploads_left(world) == []


@pytest.mark.parametrize("operation", ["UploadPart", "CompleteMultipartUpload", "PutObject"])
def test_a_lost_answer_of_s3_leads_to_another_delivery(
    world: World, raffle: Json, exports: Exports, operation: str
) -> None:
    export = exports.enqueue(
        ExportRequest(raffle["id"], Of.BUYERS if operation == "PutObject" else Of.TICKETS), by=OLGA
    )
    body = json.dumps({"export": export.id})
    with _loses(world, operation), pytest.raises(lambdas.NotHandled, match="ReadTimeoutError"):
        lambdas.make_export(body)
    assert exports.get(export.id, by=OLGA).export.status is ExportStatus.WAITING
    assert uploads_left(world) == []

    lambdas.make_export(body, 2)
    made_export = exports.get(export.id, by=OLGA).export
    assert made_export.status is ExportStatus.READY
    assert len(csv_rows(fetched(world, export.id))) == made_export.rows
    assert len(objects(world)) == 1


@contextmanager
def _loses(world: World, operation: str) -> Iterator[None]:
    """S3 does what it is asked, and its answer does not come, however often it is asked."""
    client = world.container._client("s3")

    def lose(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="https://s3")

    client.meta.events.register(f"after-call.s3.{operation}", lose)
    yield
    client.meta.events.unregister(f"after-call.s3.{operation}", lose)


def test_the_queue_hides_an_export_for_longer_than_its_function_and_lease_last() -> None:
    template = json.loads((ROOT / "infra" / "resources.json").read_text(encoding="utf-8"))
    config = json.loads((ROOT / ".chalice" / "config.json").read_text(encoding="utf-8"))
    queue = template["Resources"]["Exports"]["Properties"]
    limit = config["lambda_functions"]["export"]["lambda_timeout"]

    assert timedelta(seconds=limit) < LEASE < REDELIVERED
    assert timedelta(seconds=queue["VisibilityTimeout"]) == REDELIVERED
    assert queue["RedrivePolicy"]["maxReceiveCount"] == lambdas.LAST_EXPORT_TRY
