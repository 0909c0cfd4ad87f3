"""Starts an engine and the processes that race on it, once for each file of races."""

from collections.abc import Iterator

import pytest

from tests.support.races.hall import Hall, open_hall


@pytest.fixture(scope="module")
def hall(request: pytest.FixtureRequest) -> Iterator[Hall]:
    with open_hall(request.module.ENGINE) as opened:
        yield opened
