"""Counts what the product asks of DynamoDB, and lets a test come in between."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]


class Requests:
    """Every request to DynamoDB since the world was made: its operation and what was asked."""

    def __init__(self) -> None:
        self.made: list[tuple[str, Json]] = []
        self._interruptions: list[Callable[[], object]] = []
        self._followers: list[Callable[[], object]] = []
        self.asked: Json = {}  # the transaction that was interrupted

    def during(self, do: Callable[[], object]) -> list[str]:
        """The operations that `do` takes, in order."""
        before = len(self.made)
        do()
        return [operation for operation, _ in self.made[before:]]

    def before_the_next_commit(self, do: Callable[[], object]) -> None:
        """Have `do` happen between somebody's reading and their transaction."""
        self._interruptions.append(do)

    def after_the_next_commit(self, do: Callable[[], object]) -> None:
        """Have `do` happen between somebody's transaction and what they do next."""
        self._followers.append(do)

    @property
    def largest_transaction(self) -> int:
        return max(len(asked["TransactItems"]) for operation, asked in self.made if operation == "TransactWriteItems")

    def counts(self) -> Counter[str]:
        return Counter(operation for operation, _ in self.made)

    def note(self, model: Any, params: Json, **_: Any) -> None:
        asked = json.loads(params["body"])
        if model.name == "TransactWriteItems" and self._interruptions:
            self.asked = asked
            self._interruptions.pop()()
        self.made.append((model.name, asked))

    def note_answer(self, model: Any, **_: Any) -> None:
        if model.name == "TransactWriteItems" and self._followers:
            self._followers.pop()()


def tickets_asked_for(requests: Requests) -> list[int]:
    """The numbers that the transaction about to be sent takes."""
    puts = [item["Put"]["Item"] for item in requests.asked["TransactItems"] if "Put" in item]
    return [int(item["sk"]["S"]) for item in puts if item["kind"]["S"] == "ticket"]
