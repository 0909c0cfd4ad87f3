"""Boards: all numbers of a raffle and their states, as small as a screen can draw them from."""

from hashlib import sha256
from typing import Annotated

from pydantic import Field

from chalicelib.domain.board import count_blocks, count_taken, letters_of
from chalicelib.http.dispatch import Call
from chalicelib.http.schemas import Query, View
from chalicelib.services.raffles import BoardSection

MAX_LETTERS = 10_000  # numbers whose states are told one by one
MAX_RANGES = 100


class RangeView(View):
    """Count the numbers from `first` to `last` in each state."""

    first: int
    last: int
    available: int
    reserved: int
    sold: int


class BoardView(View):
    """The states of some numbers of a raffle, and how many of them are in each state."""

    raffle: str
    first: Annotated[int, Field(examples=[1])]
    last: Annotated[int, Field(examples=[12])]
    numbers: Annotated[
        str | None,
        Field(
            description="A letter for each number, in order: A is available, R reserved, S sold. null for more than "
            f"{MAX_LETTERS:,} numbers: ask for one of the ranges then.",
            examples=["AAAARRAASSSA"],
        ),
    ]
    ranges: Annotated[
        list[RangeView],
        Field(description=f"The same in up to {MAX_RANGES} ranges of one size: 100 numbers, or 1,000, and so on."),
    ]


class BoardQuery(Query):
    first: Annotated[
        int | None, Field(ge=0, le=9_999_999, description="The first number; that of the raffle if absent.")
    ] = None
    last: Annotated[
        int | None, Field(ge=0, le=9_999_999, description="The last number; that of the raffle if absent.")
    ] = None


def read_board(call: Call, raffle_id: str, query: BoardQuery) -> BoardView:
    """Get the states of a raffle's numbers.

    All of them, or those from `first` to `last`: one by one for up to 10,000 numbers, and counted in ranges for any.
    Who has a number: GET /api/raffles/{id}/tickets?number=.
    """
    view = present(call.container.raffles.section(raffle_id, query.first, query.last))
    call.tag(sha256(view.model_dump_json().encode()).hexdigest()[:16])
    return view


def present(section: BoardSection) -> BoardView:
    """Return a part of a board as the API shows it."""
    numbers = section.numbers
    blocks = count_blocks(numbers, MAX_RANGES)
    taken = count_taken(((leaf.first, leaf.taken) for leaf in section.leaves), blocks)
    sold = count_taken(((leaf.first, leaf.sold) for leaf in section.leaves), blocks)
    letters = ((leaf.first, leaf.taken, leaf.sold) for leaf in section.leaves)
    return BoardView(
        raffle=section.raffle.id,
        first=numbers[0],
        last=numbers[-1],
        numbers=letters_of(numbers, letters) if len(numbers) <= MAX_LETTERS else None,
        ranges=[
            RangeView(
                first=block[0],
                last=block[-1],
                available=len(block) - taken[at],
                reserved=taken[at] - sold[at],
                sold=sold[at],
            )
            for at, block in enumerate(blocks)
        ],
    )
