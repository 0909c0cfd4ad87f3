"""The organisers' console: a page and its files, as `make console` builds them. They need no token; all data does.

The build leaves the page as a template, and each file twice: compressed with Brotli and with gzip.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from gzip import decompress
from hashlib import sha256
from pathlib import Path
from secrets import token_urlsafe
from typing import NamedTuple

from chalice.app import Chalice, Request, Response

from chalicelib.container import container
from chalicelib.http.dispatch import BinaryResponse
from chalicelib.http.problems import answers_problems, problem
from chalicelib.lambdas import observed

FOLDER = Path(__file__).with_name("console_files")
PAGE = "index.html"
PATHS = ("/console", "/console/assets/{name}")
METHODS = ("GET", "HEAD")
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# By preference. Brotli makes the scripts a sixth smaller than gzip.
ENCODINGS = {"br": ".br", "gzip": ".gz"}
NONCE = "@@nonce@@"  # the build writes it wherever the page needs the nonce
ASSETS = "./assets/"  # how the page refers to its files
YEAR = 31_536_000  # seconds
# A worker obeys the policy of its own file. It may load more of our scripts, and nothing else.
ASSET_POLICY = "default-src 'none'; script-src 'self'; frame-ancestors 'none'"
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
Headers = dict[str, str | list[str]]


class Asset(NamedTuple):
    """A file of the console. `tag` changes with its content."""

    folder: Path
    name: str
    tag: str

    def read(self, encoding: str) -> bytes:
        return (self.folder / f"{self.name}{ENCODINGS[encoding]}").read_bytes()


def expose(app: Chalice) -> None:
    """Register the page and its files with the application."""

    def console() -> Response:
        assert app.current_request is not None
        return page(app.current_request)

    def console_file(name: str) -> Response:
        assert app.current_request is not None
        return asset(app.current_request, name)

    views: tuple[Callable[..., Response], ...] = (console, console_file)
    for path, view in zip(PATHS, views, strict=True):
        app.route(path, methods=list(METHODS), name=view.__name__)(answers_problems(observed(view)))


def page(request: Request) -> Response:
    """Answer with the page. It has a new nonce for its styles each time, so no browser may show it again unasked."""
    file = FOLDER / PAGE
    if not file.is_file():
        return problem(404, "console_not_built", "The console is not built here: run `make console`.")
    nonce = token_urlsafe(16)
    mount = str(request.context["path"]).rstrip("/").removesuffix("/console")
    html = file.read_text("utf-8").replace(NONCE, nonce).replace(ASSETS, f"{mount}/console/assets/")
    headers: Headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": _policy(nonce),
        "Content-Type": "text/html; charset=utf-8",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": PERMISSIONS,
    }
    return Response("" if request.method == "HEAD" else html, headers=headers)


def asset(request: Request, name: str) -> Response:
    """Answer with a file in the best encoding that the client reads, or with 304 if it has the file.

    The name of a file changes with its content, so browsers may keep it.
    """
    found = _assets(FOLDER / PAGE).get(name)
    if found is None:
        return problem(404, "not_found", "The console has no such file. Reload the page: there may be a newer console.")
    headers: Headers = {
        "Cache-Control": f"public, max-age={YEAR}, immutable",
        "Content-Security-Policy": ASSET_POLICY,
        "Content-Type": MEDIA_TYPES[Path(name).suffix],
        # Weak: it stands for all encodings of the file.
        "ETag": f'W/"{found.tag}"',
        "Vary": "Accept-Encoding",
    }
    if found.tag in re.findall(r'"([^"]*)"', request.headers.get("if-none-match", "")):
        return Response("", headers=headers, status_code=304)
    encoding = _encoding(request.headers.get("accept-encoding", ""))
    if encoding is not None:
        headers["Content-Encoding"] = encoding
    if request.method == "HEAD":
        return Response("", headers=headers)
    return BinaryResponse(found.read(encoding) if encoding else decompress(found.read("gzip")), headers)


def _policy(nonce: str) -> str:
    """Return the page's Content-Security-Policy: our own scripts and data, and files from our bucket."""
    bucket = container().bucket_origin
    rules = (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        f"style-src 'self' 'nonce-{nonce}'",
        f"img-src 'self' data: blob: {bucket}",
        f"connect-src 'self' {bucket}",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return "; ".join(rules)


def _assets(page_file: Path) -> dict[str, Asset]:
    """Return the files by name. Whatever is not listed here is not served, however a path is spelt."""
    return _listed(page_file.parent / "assets", page_file.stat().st_mtime_ns) if page_file.is_file() else {}


@lru_cache(maxsize=1)
def _listed(folder: Path, _built: int) -> dict[str, Asset]:
    """List a folder once for each build: under `make run`, the console may be built again."""
    found = dict[str, Asset]()
    for file in sorted(folder.glob("*.gz")):
        name = file.name.removesuffix(".gz")
        found[name] = Asset(folder, name, sha256(file.read_bytes()).hexdigest()[:16])
    return found


def _encoding(accepted: str) -> str | None:
    """Return the encoding to use, or None if the client reads none of ours."""
    for encoding in ENCODINGS:
        if re.search(rf"\b{encoding}\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))", accepted.lower()):
            return encoding
    return None
