"""The API's description and the page that shows it, as they are sent: compressed, and with an ETag.

Packaging builds them (`tools/package.py`), so that no request to a function pays for that. Where nothing is built
ahead, as under `make run`, each process builds them once.
"""

import sys
from collections.abc import Callable, Sequence
from functools import cache
from gzip import compress
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import NamedTuple

from chalicelib.http.dispatch import Route

FOLDER = Path(__file__).with_name("pages")
EXPLORER = Path(__file__).with_name("explorer")
PAGE = "docs.html"
# What precedes /api in the addresses of a deployment → the file of its description. The first is for a domain of its
# own, the second for API Gateway's address, which begins with the stage (`api_gateway_stage` in .chalice/config.json).
DESCRIPTIONS = {"": "openapi.json", "/api": "openapi-of-stage.json"}


class Compressed(NamedTuple):
    """A file in gzip format. `tag` changes with its content."""

    content: bytes
    tag: str


@cache
def page() -> Compressed:
    """Return the web page that shows the description. It is the same for every address."""
    return _ready(PAGE, _page)


@cache
def description(routes: Sequence[Route], mount: str) -> Compressed:
    """Return the OpenAPI document as JSON. `mount` is what precedes /api in addresses, such as a stage."""
    return _ready(DESCRIPTIONS.get(mount), lambda: _description(routes, mount))


def build(folder: Path) -> None:
    """Write all files to the folder, which must exist. Reproducible."""
    from chalicelib.http.routes import ROUTES  # noqa: PLC0415 - the routes import this module's view

    (folder / f"{PAGE}.gz").write_bytes(_gzip(_page()))
    for mount, name in DESCRIPTIONS.items():
        (folder / f"{name}.gz").write_bytes(_gzip(_description(ROUTES, mount)))


def _ready(name: str | None, make: Callable[[], str]) -> Compressed:
    """Return the file that was built ahead, or else build it now."""
    file = FOLDER / f"{name}.gz"
    content = file.read_bytes() if file.is_file() else _gzip(make())
    return Compressed(content, sha256(content).hexdigest()[:16])


def _page() -> str:
    explorer = (EXPLORER / "openapi-explorer.min.js").read_text("utf-8")
    return (EXPLORER / "page.html").read_text("utf-8").replace("/* openapi-explorer.min.js */", explorer)


def _description(routes: Sequence[Route], mount: str) -> str:
    from chalicelib.http.openapi import whole  # noqa: PLC0415 - it imports the views of all routes

    return dumps(whole(routes, mount), ensure_ascii=False, separators=(",", ":"))


def _gzip(text: str) -> bytes:
    return compress(text.encode(), compresslevel=9, mtime=0)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
