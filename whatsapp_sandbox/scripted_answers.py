"""Scripted answers: what the Graph API should answer instead of its own result, e.g. an error, a delay, a cut line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

RESPONSES = Path(__file__).parent / "responses"
MAX_HANG_SECONDS = 600
OPERATIONS = ("send", "read", "upload", "lookup", "download", "any")
# The operation that a recorded response belongs to. All others belong to "send".
OPERATION_OF = {"media_404_expired": "download", "ok_media_lookup": "lookup", "ok_upload": "upload", "ok_read": "read"}


class InvalidScript(Exception):
    """A scripted answer that the sandbox does not understand."""


@dataclass(frozen=True, kw_only=True)
class RecordedResponse:
    """The content of a file in `responses/`."""

    http_status: int
    headers: dict[str, str]
    body: Any
    body_text: str | None


@dataclass(frozen=True, kw_only=True)
class ScriptedAnswer:
    """What to answer, how many more times, to which operation, and whether to perform the operation anyway."""

    times: int
    operation: str
    response: str | None = None
    hang_seconds: float = 0
    drop_connection: bool = False
    # True: the message is sent although the caller sees a failure, so the caller cannot know the outcome.
    accept: bool = False


@cache
def load_response(name: str) -> RecordedResponse:
    """Read a file of `responses/` by name, with or without `.json`. Raises InvalidScript."""
    path = RESPONSES / f"{Path(name).name.removesuffix('.json')}.json"
    if not path.is_file():
        raise InvalidScript(f"There is no response {name!r}. Choose one of {', '.join(response_names())}.")
    data = json.loads(path.read_text("utf-8"))
    return RecordedResponse(
        http_status=data["http_status"],
        headers=data.get("headers", {}),
        body=data.get("body"),
        body_text=data.get("body_text"),
    )


def response_names() -> list[str]:
    """Return the names of all recorded responses."""
    return sorted(path.stem for path in RESPONSES.glob("*.json"))


def parse_script(script: object) -> ScriptedAnswer:
    """Read a scripted answer from JSON. Raises InvalidScript."""
    if not isinstance(script, dict):
        raise InvalidScript("The body must be a JSON object.")
    allowed = {"response", "times", "operation", "hang_seconds", "drop_connection", "accept"}
    if unknown := set(script) - allowed:
        raise InvalidScript(f"Unknown: {', '.join(sorted(unknown))}. Known: {', '.join(sorted(allowed))}.")
    response = script.get("response")
    hang_seconds = script.get("hang_seconds", 0)
    drop_connection = script.get("drop_connection", False)
    if response is not None:
        load_response(str(response))
        response = Path(str(response)).name.removesuffix(".json")
    if not (isinstance(hang_seconds, (int, float)) and 0 <= hang_seconds <= MAX_HANG_SECONDS):
        raise InvalidScript(f"hang_seconds must be between 0 and {MAX_HANG_SECONDS}.")
    if response is None and not hang_seconds and not drop_connection:
        raise InvalidScript("Give at least one of response, hang_seconds and drop_connection.")
    times = script.get("times", 1)
    operation = script.get("operation", OPERATION_OF.get(response or "", "send"))
    if not isinstance(times, int) or isinstance(times, bool) or times < 1:
        raise InvalidScript("times must be a whole number, 1 or more.")
    if operation not in OPERATIONS:
        raise InvalidScript(f"operation must be one of {', '.join(OPERATIONS)}.")
    # A mere delay ends with the usual answer.
    accept = bool(script.get("accept", response is None and not drop_connection))
    return ScriptedAnswer(
        times=times,
        operation=operation,
        response=response,
        hang_seconds=hang_seconds,
        drop_connection=bool(drop_connection),
        accept=accept,
    )


class ScriptedAnswers:
    """The scripted answers that have not been used up yet, in the order in which they were added."""

    def __init__(self) -> None:
        self._answers: list[ScriptedAnswer] = []

    def add(self, answer: ScriptedAnswer) -> None:
        self._answers.append(answer)

    def clear(self) -> None:
        self._answers.clear()

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(answer) for answer in self._answers]

    def take(self, operation: str) -> ScriptedAnswer | None:
        """Return the first answer scripted for this operation, if any, and count it down."""
        for index, answer in enumerate(self._answers):
            if answer.operation in (operation, "any"):
                if answer.times > 1:
                    self._answers[index] = replace(answer, times=answer.times - 1)
                else:
                    del self._answers[index]
                return answer
        return None
