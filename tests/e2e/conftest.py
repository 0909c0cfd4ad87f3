"""`make run`, once for all tests of a worker process that want it."""

from collections.abc import Iterator

import pytest

from tests.support.running import Elsewhere, OnThePhone, Run, running


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with running(tmp_path_factory.mktemp("run") / "state") as made:
        yield made
        assert made.dead_letters() == 0


@pytest.fixture
def lucia(run: Run) -> OnThePhone:
    return OnThePhone(run, "lucia")


@pytest.fixture
def organiser(run: Run) -> OnThePhone:
    """The organiser's phone, its 24-hour window open: they have written."""
    phone = OnThePhone(run, "organiser")
    phone.says("hi")
    return phone


@pytest.fixture
def nadie(run: Run) -> Elsewhere:
    """Somebody new, whose webhooks the test delivers itself."""
    return Elsewhere(run)
