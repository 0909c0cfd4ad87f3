"""Fixtures that every test may use."""

import gc
from collections import Counter, defaultdict
from collections.abc import Iterator
from heapq import nlargest
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter
from hypothesis import settings
from moto import mock_aws

from chalicelib import container as composition
from chalicelib.domain import contacts as domain_contacts
from chalicelib.domain.countries import country_of
from chalicelib.domain.messages import Identity
from chalicelib.domain.organisers import COMMAND_LINE, Role
from chalicelib.store.contact_ids import contact_ids_of
from chalicelib.store.records import Record, low_level
from chalicelib.store.retries import READ_SECONDS
from local.stack import Stack, create
from tests.support import schedule
from tests.support.log_watch import Watch, watching
from tests.support.moto_state import empty
from tests.support.quick_moto import quicken_moto
from tests.support.request_counts import Requests
from tests.support.world import TOKEN, Buyer, World, make_world

# How long an example takes says how busy the machine is.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

COUNTED = (" tried", " counted")
SLOWEST = 50  # files and tests whose times are kept


@pytest.fixture(scope="session")
def log_watch() -> Iterator[Watch]:
    """Whatever this process logs, from the first test to the last."""
    with watching() as watch:
        yield watch
    assert watch.emptied() == []


@pytest.fixture(autouse=True)
def nothing_personal_is_logged(log_watch: Watch) -> Iterator[None]:
    """Fails the very test in which a line had a phone number, a name, a text, a token or a message id."""
    yield
    leaks = log_watch.emptied()
    assert not leaks, "\n".join(leaks)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    schedule.mark_and_sort(items)


@pytest.hookimpl(optionalhook=True)
def pytest_collection_finish() -> None:
    """Keep the garbage collector from walking through all modules and tests again and again: a tenth of the time."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return schedule.scheduler(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Print what the tests recorded, such as "crash points tried", summed over all tests and workers.

    With `--junitxml`, also write beside that file how long they took.
    """
    tried = Counter[str]()
    seconds = defaultdict[str, float](float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                tried.update({name: n for name, n in report.user_properties if name.endswith(COUNTED)})
            if isinstance(report, pytest.TestReport):
                seconds[report.nodeid] += report.duration
    for name, number in sorted(tried.items()):
        terminalreporter.write_line(f"{name}: {number}")
    if xml := config.getoption("xmlpath"):
        files = defaultdict[str, float](float)
        for nodeid, took in seconds.items():
            files[nodeid.partition("::")[0]] += took
        lines = [
            f"{took:8.1f} s  {name}"
            for times in (files, seconds)
            for name, took in nlargest(SLOWEST, times.items(), itemgetter(1))
        ]
        Path(xml).with_name("durations.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """AWS as moto has it, with the stack's resources: made once a module, since that takes longer than most tests."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        # A test with an engine may have run in this process before, with an endpoint and time-outs of its own.
        patch.setattr(Record.Meta, "read_timeout_seconds", READ_SECONDS)
        patch.setattr(Record, "_connection", None)
        quicken_moto(patch)
        yield create(None)


@pytest.fixture(scope="session", autouse=True)
def phones_tell_no_country() -> Iterator[None]:
    """So tests may say in English what they are about: people whose phone tells nothing are talked to in English."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(domain_contacts, "country_of", lambda phone, user_id=None: None)
        yield


@pytest.fixture
def countries(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of languages: a phone number tells the country, as it does outside of tests."""
    monkeypatch.setattr(domain_contacts, "country_of", country_of)


@pytest.fixture
def world(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A whole Tombola with an organiser's token and no raffle."""
    empty(stack)
    made = make_world(stack)
    contact_ids_of(Identity(phone="0"))  # makes their key: what a test counts are the requests of each message
    composition.container.cache_clear()
    monkeypatch.setattr(composition, "make", lambda _: made.container)
    made.container.tokens.create("local", Role.MANAGER, by=COMMAND_LINE, key=TOKEN)
    yield made
    composition.container.cache_clear()


@pytest.fixture
def lucia(world: World) -> Buyer:
    return world.buyer("Lucía", 1)


@pytest.fixture
def marco(world: World) -> Buyer:
    return world.buyer("Marco", 2)


@pytest.fixture
def requests(world: World) -> Iterator[Requests]:
    found = Requests()
    events = low_level().client.meta.events
    events.register("before-call.dynamodb", found.note)
    events.register("after-call.dynamodb", found.note_answer)
    yield found
    events.unregister("before-call.dynamodb", found.note)
    events.unregister("after-call.dynamodb", found.note_answer)
