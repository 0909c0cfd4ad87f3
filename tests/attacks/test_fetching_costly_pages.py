"""Somebody without a token fetches the pages that are open to everybody, again and again."""

import json
from gzip import decompress
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import pytest

from chalicelib.http import openapi, prebuilt
from chalicelib.http.meta import MAX_AGE
from chalicelib.http.routes import ROUTES
from tests.support.world import World

PAGES = ("/api/docs", "/api/openapi.json")
MAX_BYTES = 300_000
MAX_SECONDS = 0.005  # of the processor
BROWSER = {"Accept-Encoding": "gzip, deflate, br"}


def fetch(world: World, path: str, **headers: str) -> Any:
    return world.client.http.get(path, headers=headers)


def as_json(document: Any) -> Any:
    return json.loads(json.dumps(document))


def test_o8_what_a_view_of_the_page_transfers_is_small(world: World) -> None:
    answers = [fetch(world, path, **BROWSER) for path in PAGES]
    assert [answer.headers.get("Content-Encoding") for answer in answers] == ["gzip", "gzip"]
    assert sum(len(answer.body) for answer in answers) <= MAX_BYTES


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "gzip;q=0.0, br"])
def test_o8_it_is_small_for_whoever_says_not_to_read_gzip(world: World, path: str, accepted: str) -> None:
    answer = fetch(world, path, **({"Accept-Encoding": accepted} if accepted else {}))
    assert answer.status_code == 200
    assert len(answer.body) <= MAX_BYTES


def test_o8_a_program_that_does_not_ask_for_gzip_gets_plain_json(world: World) -> None:
    answer = fetch(world, "/api/openapi.json")
    assert "Content-Encoding" not in answer.headers
    zipped = fetch(world, "/api/openapi.json", **{"Accept-Encoding": "br;q=1, GZIP ; q=0.5"})
    assert (
        json.loads(answer.body) == json.loads(decompress(zipped.body)) == json.loads(json.dumps(openapi.whole(ROUTES)))
    )


@pytest.mark.parametrize("path", PAGES)
def test_o8_an_answer_takes_few_milliseconds(world: World, path: str) -> None:
    fetch(world, path, **BROWSER)  # nothing is built ahead here
    seconds = []
    for _ in range(20):
        before = process_time()
        fetch(world, path, **BROWSER)
        seconds.append(process_time() - before)
    assert median(seconds) <= MAX_SECONDS


@pytest.mark.parametrize("path", PAGES)
def test_o8_nothing_is_made_anew(world: World, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = fetch(world, path, **BROWSER).body
    monkeypatch.setattr(openapi, "whole", lambda *_: pytest.fail("made anew"))
    monkeypatch.setattr(prebuilt, "_page", lambda: pytest.fail("made anew"))
    assert fetch(world, path, **BROWSER).body == first


@pytest.mark.parametrize("path", PAGES)
def test_o8_who_has_a_page_does_not_get_it_again(world: World, path: str) -> None:
    first = fetch(world, path, **BROWSER)
    assert first.headers["Cache-Control"] == f"max-age={MAX_AGE}"
    assert first.headers["Vary"] == "Accept-Encoding, Origin"
    tag = first.headers["ETag"]
    for known in (tag, tag.removeprefix("W/"), f'"another", {tag}'):
        again = fetch(world, path, **BROWSER, **{"If-None-Match": known})
        assert (again.status_code, again.body, again.headers["ETag"]) == (304, b"", tag)
        assert again.headers["Cache-Control"] == f"max-age={MAX_AGE}"
    assert fetch(world, path, **BROWSER, **{"If-None-Match": '"another"'}).body == first.body


def test_o8_what_packaging_builds_is_what_is_served(world: World, tmp_path: Path) -> None:
    prebuilt.build(tmp_path)
    assert decompress((tmp_path / "docs.html.gz").read_bytes()) == decompress(fetch(world, "/api/docs").body)
    for mount, name in prebuilt.DESCRIPTIONS.items():
        served = json.loads(decompress((tmp_path / f"{name}.gz").read_bytes()))
        assert served == as_json(openapi.whole(ROUTES, mount))
        assert served["servers"][0]["url"] == (mount or "/")


def test_o8_a_page_that_was_built_ahead_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prebuilt, "FOLDER", tmp_path)
    monkeypatch.setattr(prebuilt, "_page", lambda: pytest.fail("made anew"))
    prebuilt.page.cache_clear()
    (tmp_path / "docs.html.gz").write_bytes(b"ahead")
    try:
        assert prebuilt.page().content == b"ahead"
    finally:
        prebuilt.page.cache_clear()
