"""Updates the table of routes in docs/api.md from the code: `make api-table`."""

from collections.abc import Iterable
from inspect import getdoc
from itertools import takewhile
from pathlib import Path

from chalicelib.http.dispatch import Route
from chalicelib.http.routes import ROUTES

PAGE = Path(__file__).parent.parent / "docs" / "api.md"
HEAD = ["| method | path | role | what it does |", "| --- | --- | --- | --- |"]


def lines(routes: Iterable[Route]) -> list[str]:
    """Return the table, one line per route."""
    return HEAD + [
        f"| {route.method} | `{route.path}` | {route.role.value if route.role else 'none'} | {_summary(route)} |"
        for route in routes
        if route.path.startswith("/api/")
    ]


def written(page: str) -> list[str]:
    """Return the table that the page has now."""
    page_lines = page.splitlines()
    return list(takewhile(lambda line: line.startswith("|"), page_lines[page_lines.index(HEAD[0]) :]))


def _summary(route: Route) -> str:
    return (getdoc(route.view) or "").partition("\n")[0].replace("|", "\\|")


if __name__ == "__main__":
    text = PAGE.read_text("utf-8")
    PAGE.write_text(text.replace("\n".join(written(text)), "\n".join(lines(ROUTES))), "utf-8")
