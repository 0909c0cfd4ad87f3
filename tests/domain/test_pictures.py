"""What a picture shows is stored with its message, and comes back as it was."""

from dataclasses import replace

import pytest

from chalicelib.domain.pictures import (
    BoardPicture,
    MapPicture,
    Picture,
    TicketPicture,
    as_json,
    is_for_all,
    read_picture,
    version_of,
)

TICKET = TicketPicture(
    title="Canasta", status="Pagado", numbers=("005", "012"), facts=(("Nombre", "Lucía"),), code="K7M3Q2XW", hint="…"
)
BOARD = BoardPicture(title="Canasta", subtitle="", legend={"f": "Libre"}, first=1, width=2, states="fhs")
MAP = MapPicture(
    title="Canasta", subtitle="", first=1, last=250, size=100, width=3, free=(7, 0, 50), some="{count}", full="-"
)


@pytest.mark.parametrize("picture", [TICKET, BOARD, MAP])
def test_a_picture_is_read_as_it_was_stored(picture: Picture) -> None:
    assert read_picture(as_json(picture)) == picture


@pytest.mark.parametrize("stored", ["", "[]", "{}", '{"kind":"film"}', '{"kind":"board"}'])
def test_what_is_no_picture_is_not_read(stored: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        read_picture(stored)


def test_the_version_changes_with_whatever_is_shown() -> None:
    assert version_of(BOARD) == version_of(replace(BOARD))
    changed = [replace(BOARD, states="fhf"), replace(BOARD, title="Moto"), replace(BOARD, legend={"f": "Livre"})]
    assert len({version_of(board) for board in (BOARD, *changed)}) == 4
    assert version_of(replace(BOARD, caption="7 are free")) == version_of(BOARD), "which is not part of the picture"


def test_only_what_everybody_may_see_is_kept_for_others() -> None:
    assert is_for_all(BOARD) and is_for_all(MAP)
    assert not is_for_all(replace(BOARD, states="fho")) and not is_for_all(TICKET)
