"""The console's page and files: what a browser is sent, and what it is not."""

import re
from gzip import compress
from pathlib import Path

import pytest

from chalicelib.http import console
from tests.support.world import World

SCRIPT = b"document.title = 'Tombola';\n" * 50
BROTLI = b"stands for the same in Brotli"
PAGE = '<meta property="csp-nonce" nonce="@@nonce@@"><script src="./assets/main-a1.js" nonce="@@nonce@@"></script>'
FILE = "/console/assets/main-a1.js"


@pytest.fixture(autouse=True)
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A console of one page and one script, as the build leaves it."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(PAGE, encoding="utf-8")
    (tmp_path / "assets" / "main-a1.js.gz").write_bytes(compress(SCRIPT, mtime=0))
    (tmp_path / "assets" / "main-a1.js.br").write_bytes(BROTLI)
    monkeypatch.setattr(console, "FOLDER", tmp_path)
    return tmp_path


def get(world: World, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    found = world.client.http.request(method, path, headers=named)
    return found.status_code, found.headers, found.body


@pytest.mark.parametrize("path", ["/console", "/console/"])
def test_the_page_needs_no_token_and_no_browser_shows_an_old_one(world: World, path: str) -> None:
    status, headers, body = get(world, path)
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert headers["Cache-Control"] == "no-cache"
    assert "ETag" not in headers  # a page that is shown again would have the nonce of another answer
    assert b'src="/console/assets/main-a1.js"' in body


def test_each_page_has_a_nonce_of_its_own_which_only_its_styles_have(world: World) -> None:
    nonces = set()
    for _ in range(3):
        _, headers, body = get(world, "/console/")
        (nonce,) = set(re.findall(rb'nonce="([^"]+)"', body))
        policy = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
        assert policy["script-src"] == "'self'"
        assert policy["style-src"] == f"'self' 'nonce-{nonce.decode()}'"
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        nonces.add(nonce)
    assert len(nonces) == 3


def test_only_our_own_bucket_is_another_origin_of_pictures_and_data(world: World) -> None:
    _, headers, _ = get(world, "/console/")
    policy = headers["Content-Security-Policy"]
    bucket = world.container.bucket_origin
    assert re.findall(r"https?://[^ ;]+", policy) == [bucket, bucket]
    assert "unsafe" not in policy


def test_without_a_build_the_page_says_what_to_do(world: World, built: Path) -> None:
    (built / "index.html").unlink()
    status, _, body = get(world, "/console/")
    assert status == 404 and b"make console" in body
    assert get(world, FILE)[0] == 404


@pytest.mark.parametrize(
    ("accepted", "encoding", "content"),
    [
        ("gzip, deflate, br, zstd", "br", BROTLI),
        ("gzip", "gzip", compress(SCRIPT, mtime=0)),
        ("br;q=0, gzip;q=0.5", "gzip", compress(SCRIPT, mtime=0)),
        ("identity", None, SCRIPT),
        ("gzip;q=0, br;q=0.0", None, SCRIPT),
        ("", None, SCRIPT),
    ],
)
def test_a_file_comes_as_the_client_reads_it(world: World, accepted: str, encoding: str | None, content: bytes) -> None:
    status, headers, body = get(world, FILE, Accept_Encoding=accepted)
    assert (status, headers.get("Content-Encoding"), body) == (200, encoding, content)
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["Vary"] == "Accept-Encoding"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_who_has_a_file_gets_it_no_second_time(world: World) -> None:
    _, headers, _ = get(world, FILE)
    status, again, body = get(world, FILE, If_None_Match=f'"other", {headers["ETag"]}')
    assert (status, body, again["ETag"]) == (304, b"", headers["ETag"])
    assert get(world, FILE, If_None_Match='"other"')[0] == 200


@pytest.mark.parametrize("path", ["/console/", FILE])
def test_head_has_the_headers_and_no_body(world: World, path: str) -> None:
    status, headers, body = get(world, path, "HEAD")
    _, full, _ = get(world, path)
    assert (status, body) == (200, b"")
    varies = {"Content-Security-Policy", "Content-Encoding", "RateLimit-Policy"}
    assert {name: headers[name] for name in headers.keys() - varies} == {
        name: full[name] for name in full.keys() - varies
    }


@pytest.mark.parametrize(
    "name",
    [
        "other.js",
        "main-a1.js.gz",
        "main-a1.js.br",
        "..%2Findex.html",
        "%2e%2e%2f%2e%2e%2fconsole.py",
        "..%5Cindex.html",
        "index.html",
        "main-a1.js%00",
        "%2Fetc%2Fpasswd",
        "a" * 3000,
    ],
)
def test_nothing_but_the_built_files_is_served(world: World, name: str) -> None:
    status, headers, _ = get(world, f"/console/assets/{name}")
    assert status == 404
    assert headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_console_is_only_read(world: World, method: str) -> None:
    for path in ("/console/", FILE):
        status, headers, _ = get(world, path, method)
        assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_a_newer_build_is_served_without_a_restart(world: World, built: Path) -> None:
    assert get(world, FILE)[0] == 200
    (built / "assets" / "main-a1.js.gz").rename(built / "assets" / "main-b2.js.gz")
    (built / "assets" / "main-a1.js.br").rename(built / "assets" / "main-b2.js.br")
    (built / "index.html").unlink()
    (built / "index.html").write_text(PAGE.replace("a1", "b2"), encoding="utf-8")
    assert get(world, FILE)[0] == 404
    assert get(world, "/console/assets/main-b2.js")[0] == 200
