"""A page of another origin may use the API if it is the console, and no other (CORS)."""

import pytest

from chalicelib.domain.organisers import Role
from tests.support.api.scene import CONSOLE, Scene

ALLOWED = "Access-Control-Allow-Origin"


@pytest.mark.parametrize("path", ["/api/raffles", "/api/orders/8WGRRPW3", "/api/exports/no-such-id/"])
def test_the_console_is_told_what_it_may_do_before_it_asks(scene: Scene, path: str) -> None:
    found = scene.ask("OPTIONS", path, headers={"Origin": CONSOLE, "Access-Control-Request-Method": "POST"})
    assert (found.status, found.headers[ALLOWED], found.headers["Vary"]) == (204, CONSOLE, "Origin")
    assert "POST" in found.headers["Access-Control-Allow-Methods"]
    assert {"Authorization", "If-Match", "Idempotency-Key"} <= set(
        found.headers["Access-Control-Allow-Headers"].split(", ")
    )


def test_the_console_may_read_answers_and_their_tags(scene: Scene) -> None:
    found = scene.ask("GET", "/api/raffles", role=Role.VIEWER, headers={"Origin": CONSOLE})
    assert (found.status, found.headers[ALLOWED]) == (200, CONSOLE)
    assert "ETag" in found.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("origin", ["null", f"{CONSOLE}.evil.example", CONSOLE.replace("https", "http"), f"{CONSOLE}/"])
def test_no_other_origin_may(scene: Scene, origin: str) -> None:
    for method in ("OPTIONS", "GET"):
        found = scene.ask(method, "/api/raffles", role=Role.VIEWER, headers={"Origin": origin})
        assert not [name for name in found.headers if name.startswith("Access-Control")]
