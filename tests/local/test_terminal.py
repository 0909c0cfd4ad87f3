"""Only the log lines that matter reach the terminal."""

import json

from local.terminal import Headlines

TRACEBACK = """converse menu
Traceback (most recent call last):
  File "app.py", line 3, in converse
    raise ValueError("no")
    ^^^^^^^^^^^^^^^^^^^^^^
ValueError: no
converse again"""


def headlines(log: str) -> list[str]:
    finder = Headlines()
    return [line for line in map(finder.feed, log.splitlines()) if line]


def test_only_the_last_line_of_a_traceback_is_shown() -> None:
    assert headlines(TRACEBACK) == ["ValueError: no"]


def test_the_same_error_is_not_shown_twice_in_a_row() -> None:
    assert headlines(f"{TRACEBACK}\n{TRACEBACK}") == ["ValueError: no"]


def test_a_structured_error_is_shown_with_what_was_raised() -> None:
    entry = {"level": "ERROR", "message": "not sent", "exception": 'Traceback …\n  File "x"\nOSError: gone'}

    assert headlines(json.dumps(entry)) == ["not sent - OSError: gone"]


def test_ordinary_lines_are_not_shown() -> None:
    assert not headlines('{"level": "INFO", "message": "ok"}\n{broken\n127.0.0.1 - "GET /api/health" 200 -\n[1]')


def test_a_browser_that_leaves_a_page_is_no_error() -> None:
    finder = Headlines()
    log = [
        "Traceback (most recent call last):",
        '  File "server.py", line 1',
        "BrokenPipeError: [Errno 32] Broken pipe",
    ]
    assert [finder.feed(line) for line in log] == [None, None, None]


def test_lines_of_other_requests_within_a_traceback_are_not_taken_for_its_end() -> None:
    access = '127.0.0.1 - - [30/Nov/2026 16:59:17] "GET /api/orders HTTP/1.1" 200 -'
    lines = TRACEBACK.splitlines()
    assert headlines("\n".join([*lines[:3], access, *lines[3:]])) == ["ValueError: no"]
