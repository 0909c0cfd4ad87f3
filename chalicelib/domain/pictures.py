"""The pictures that go with a message: what they show, with words in somebody's language, but not how it is drawn.

A picture is stored with its message until it is sent. So it shows what the text says, and sending it reads nothing.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from hashlib import sha256
from json import dumps, loads
from typing import Any

IN_A_PICTURE = 100  # numbers of a board
BLOCKS_IN_A_PICTURE = 100  # of a map


class NumberState(StrEnum):
    """The state of a number on a board, as one character."""

    FREE = "f"
    HELD = "h"
    SOLD = "s"
    OWN = "o"


@dataclass(frozen=True, kw_only=True)
class TicketPicture:
    """The ticket of a paid order.

    Attributes:
        status: such as "Paid".
        numbers: as they are shown.
        facts: pairs of a label and its value, such as the buyer's name, the draw's date, the organiser, the permit.
        code: the order's code.
        hint: what the code is for.
    """

    title: str
    status: str
    numbers: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    code: str
    hint: str


@dataclass(frozen=True, kw_only=True)
class BoardPicture:
    """Up to IN_A_PICTURE numbers, each with its state.

    Attributes:
        subtitle: such as the price and how many are free.
        legend: what each state is called.
        first: the first number.
        width: how many digits each number is shown with.
        states: the states of the numbers from `first` on, a character for each.
        caption: what stands below the picture. The text of its message, which is sent alone if the picture can't be,
            says more: what the picture shows.
    """

    title: str
    subtitle: str
    legend: Mapping[str, str]
    first: int
    width: int
    states: str
    caption: str = ""

    @property
    def numbers(self) -> list[tuple[str, NumberState]]:
        """Return each number as it is shown, with its state."""
        states = enumerate(self.states, start=self.first)
        return [(f"{number:0{self.width}}", NumberState(state)) for number, state in states]


@dataclass(frozen=True, kw_only=True)
class MapPicture:
    """A large board as up to BLOCKS_IN_A_PICTURE blocks of numbers, with how many are free in each.

    Attributes:
        first: the first number of the first block.
        last: the last number of the last block, which may be shorter than the others.
        size: how many numbers the other blocks have.
        width: how many digits each number is shown with.
        free: how many numbers of each block are free.
        some: says how many are free, with the place "{count}".
        full: says that none is.
    """

    title: str
    subtitle: str
    first: int
    last: int
    size: int
    width: int
    free: tuple[int, ...]
    some: str
    full: str


Picture = TicketPicture | BoardPicture | MapPicture
_KINDS: Mapping[str, type[Picture]] = {"ticket": TicketPicture, "board": BoardPicture, "map": MapPicture}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def is_for_all(picture: Picture) -> bool:
    """Return whether a picture shows everybody the same, so that it may be kept and sent to others."""
    return not isinstance(picture, TicketPicture) and not (
        isinstance(picture, BoardPicture) and NumberState.OWN in picture.states
    )


def as_json(picture: Picture) -> str:
    return dumps({"kind": _NAMES[type(picture)], **asdict(picture)}, ensure_ascii=False, separators=(",", ":"))


def read_picture(stored: str) -> Picture:
    """Read what `as_json` wrote. Raises ValueError, KeyError, TypeError."""
    fields: dict[str, Any] = loads(stored)
    kind = _KINDS[fields.pop("kind")]
    return kind(**{name: _as_tuple(value) for name, value in fields.items()})


def version_of(picture: Picture) -> str:
    """Return the same text for what looks the same, and another one for everything else."""
    looks = replace(picture, caption="") if isinstance(picture, BoardPicture) else picture
    return sha256(as_json(looks).encode()).hexdigest()[:32]


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value
