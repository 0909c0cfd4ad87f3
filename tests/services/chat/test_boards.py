"""What is free is shown: as pictures of the board, as a map of a large one, and by range on request."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.pictures import BoardPicture, MapPicture, Picture
from chalicelib.domain.reply_limits import MAX_PICTURES
from chalicelib.services.messaging import pictures
from chalicelib.services.messaging.pictures import Pictures
from chalicelib.whatsapp.graph import NotSent
from tests.support.request_counts import Requests
from tests.support.steps import buy, hold, hold_and_prove
from tests.support.world import Buyer, World, buttons_of, text_of

Json = dict[str, Any]
ASK = "which are free?"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Picture]:
    """What is drawn from now on."""
    noted: list[Picture] = []
    draw = Pictures._draw

    def noting(self: Pictures, picture: Picture) -> bytes:
        noted.append(picture)
        return draw(self, picture)

    monkeypatch.setattr(Pictures, "_draw", noting)
    return noted


@pytest.fixture
def marco(world: World) -> Buyer:
    return world.buyer("Marco", 2)


def looks(buyer: Buyer, text: str = ASK) -> list[Json]:
    """What they are answered who look at the raffle's board."""
    buyer.says("BIKE")
    before = len(buyer.heard)
    buyer.says(text)
    return buyer.heard[before:]


def board(picture: Picture) -> BoardPicture:
    assert isinstance(picture, BoardPicture)
    return picture


def test_who_asks_what_is_free_sees_the_board(world: World, lucia: Buyer, marco: Buyer, drawn: list[Picture]) -> None:
    world.raffle()
    buy(lucia, "1, 2")
    hold(lucia, "4")
    drawn.clear()
    answer, question = looks(marco)
    assert answer["type"] == "image" and text_of(answer) == "*Bicycle*: 97 of 100 free"
    assert text_of(question).startswith("Which numbers would you like?")
    assert buttons_of(question) == ["Random 1", "Random 3"]
    [picture] = drawn
    assert board(picture).states == "ssfh" + 96 * "f"
    assert board(picture).numbers[-1] == ("100", "f")
    assert board(picture).subtitle == "GTQ 25.00 · 97 of 100 free"


def test_the_own_numbers_are_shown_to_oneself_alone(
    world: World, lucia: Buyer, marco: Buyer, drawn: list[Picture]
) -> None:
    world.raffle()
    buy(lucia, "1, 2")
    hold_and_prove(lucia, "4")
    drawn.clear()
    for buyer in (lucia, marco):
        looks(buyer)
    assert [board(picture).states[:5] for picture in drawn] == ["oofof", "ssfhf"]


def test_numbers_that_were_given_up_are_nobodys(world: World, lucia: Buyer, drawn: list[Picture]) -> None:
    world.raffle()
    hold(lucia, "1")
    lucia.says("cancel")
    hold(lucia, "3")
    looks(lucia)
    assert board(drawn[-1]).states[:4] == "ffof"


def test_a_board_is_drawn_and_uploaded_once_a_version(world: World, lucia: Buyer, marco: Buyer) -> None:
    """However many look at it. What one person holds changes it for all others."""
    world.raffle()
    ana = world.buyer("Ana", 3)
    first, again = looks(marco)[0], looks(ana)[0]
    assert len(world.graph.uploads) == 1 and first["image"]["id"] == again["image"]["id"]
    hold(lucia, "5")
    changed, again = looks(marco)[0], looks(ana)[0]
    assert len(world.graph.uploads) == 2 and changed["image"]["id"] == again["image"]["id"] != first["image"]["id"]


def test_a_board_with_own_numbers_is_kept_for_nobody(world: World, lucia: Buyer) -> None:
    world.raffle()
    hold(lucia, "5")
    for _ in range(2):
        looks(lucia)
    assert len(world.graph.uploads) == 2


def test_an_upload_that_whatsapp_may_have_forgotten_is_made_anew(
    world: World, marco: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.raffle()
    looks(marco)
    looks(marco)
    assert len(world.graph.uploads) == 1
    kept = world.container._client("s3", hurried=True).list_objects_v2(
        Bucket=world.container.settings.TOMBOLA_BUCKET, Prefix=pictures.FOLDER
    )["Contents"]
    world.clock.now = kept[-1]["LastModified"] + pictures.UPLOAD_LIFETIME
    looks(marco)
    assert len(world.graph.uploads) == 2


def test_an_upload_of_another_number_of_ours_is_not_used(world: World, marco: Buyer) -> None:
    """WhatsApp would refuse it."""
    world.raffle()
    looks(marco)
    world.container.pictures.phone_number_id = "another"
    looks(marco)
    assert len(world.graph.uploads) == 2


def test_m10_without_the_bucket_the_board_is_drawn_all_the_same(
    world: World, marco: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And without WhatsApp's taking it, the text says what is free."""

    def no_bucket() -> Any:
        raise OSError("no bucket")

    monkeypatch.setattr(world.container.pictures, "s3", no_bucket)
    world.raffle()
    assert looks(marco)[0]["type"] == "image"
    world.graph.refuses_uploads = [NotSent("no connection")]
    answer, question = looks(marco)
    assert answer["type"] == "text" and text_of(answer).startswith("*Bicycle*: 100 of 100 free\nSome of them: ")
    assert buttons_of(question) == ["Random 1", "Random 3"]


def test_two_hundred_numbers_are_two_pictures(world: World, lucia: Buyer, drawn: list[Picture]) -> None:
    world.raffle(first_number=0, last_number=199)
    hold(lucia, "150")
    first, second, question = looks(world.buyer("Marco", 2))
    assert text_of(first) == "*Bicycle*: 199 of 200 free"
    assert text_of(second) == "100‑199: 99 of 100 free"
    assert buttons_of(question) == ["Random 1", "Random 3"]
    assert [board(picture).first for picture in drawn] == [0, 100]
    assert board(drawn[1]).states[50] == "h" and board(drawn[0]).states == 100 * "f"


def test_more_numbers_are_a_map_of_hundreds(world: World, lucia: Buyer, drawn: list[Picture]) -> None:
    world.raffle(last_number=2050)
    hold(lucia, "1, 2, 101")
    answer, question = looks(lucia)
    assert text_of(answer).startswith("*Bicycle*: 2,047 of 2,050 free\nSome of them: "), "a map shows no numbers"
    assert "Write a range, like *0201‑0300*, and I show you which are free." in text_of(question)
    [picture] = drawn
    assert isinstance(picture, MapPicture)
    assert (picture.first, picture.last, picture.size) == (1, 2050, 100)
    assert picture.free == (98, 99, *[100] * 18, 50)


@pytest.mark.parametrize(("last", "size"), [(10_000, 100), (10_001, 1000), (1_000_000, 10_000)])
def test_a_map_has_at_most_a_hundred_blocks(
    world: World, lucia: Buyer, drawn: list[Picture], last: int, size: int
) -> None:
    world.raffle(last_number=last)
    looks(lucia)
    [picture] = drawn
    assert isinstance(picture, MapPicture) and picture.size == size and sum(picture.free) == last


@pytest.mark.parametrize("text", ["201-300", "are 201 to 300 free?", "201 - 300", "0201‑0300"])
def test_a_range_is_shown_on_request(world: World, lucia: Buyer, drawn: list[Picture], text: str) -> None:
    """More than an order can have are not wanted, but looked at. Nothing is held. Ours may be copied, too."""
    raffle = world.raffle(last_number=2000)
    answer, question = looks(lucia, text)
    assert text_of(answer) == "*Bicycle* 0201‑0300: 100 of 100 free"
    assert "One order can have at most 40 numbers." in text_of(question)
    assert (board(drawn[0]).first, len(board(drawn[0]).states)) == (201, 100)
    assert world.availability(raffle) == (2000, 0, 0)


def test_a_range_that_an_order_can_have_is_held(world: World, lucia: Buyer) -> None:
    raffle = world.raffle(last_number=2000)
    looks(lucia, "201-240")
    assert world.availability(raffle) == (1960, 40, 0)


def test_who_wants_the_whole_raffle_hears_how_many_an_order_can_have(world: World, lucia: Buyer) -> None:
    world.raffle()
    _, question = looks(lucia, "1-100")
    assert "One order can have at most 40 numbers." in text_of(question)
    assert "at most 40" not in text_of(looks(lucia)[-1])


def test_a_range_may_be_named_with_the_code_of_the_raffle(world: World, lucia: Buyer, drawn: list[Picture]) -> None:
    world.raffle(last_number=2000)
    lucia.says("BIKE 201-300")
    assert board(drawn[0]).first == 201


def test_a_large_range_is_a_map_again(world: World, lucia: Buyer, drawn: list[Picture]) -> None:
    world.raffle(last_number=100_000)
    looks(lucia, "20001-30000")
    [picture] = drawn
    assert isinstance(picture, MapPicture) and (picture.first, picture.size, len(picture.free)) == (20_001, 100, 100)


def test_several_ranges_are_too_many(world: World, lucia: Buyer) -> None:
    world.raffle(last_number=2000)
    [answer] = looks(lucia, "1-100, 201-300")
    assert answer["type"] == "interactive" and "too many" in text_of(answer)


def test_a_range_without_a_free_number_says_so(world: World, lucia: Buyer) -> None:
    world.raffle(last_number=2000)
    for at in range(1, 81, 40):
        hold(lucia, f"{at}-{at + 39}")
    [answer] = looks(lucia, "are 1 to 80 free?")
    assert text_of(answer) == "None of the numbers 0001‑0080 is free."


def test_m8_after_enough_pictures_the_text_is_sent_alone(world: World, marco: Buyer) -> None:
    world.raffle()
    for _ in range(MAX_PICTURES):
        assert looks(marco)[0]["type"] == "image"
        world.clock.pass_minutes(1)  # WhatsApp takes only so many messages to one person
    [answer] = looks(marco)
    assert text_of(answer).startswith("*Bicycle*: 100 of 100 free\nSome of them: ")
    assert buttons_of(answer) == ["Random 1", "Random 3"]
    world.clock.pass_minutes(24 * 60)
    assert looks(marco)[0]["type"] == "image"


@pytest.mark.parametrize(("before", "most"), [(lambda _: None, 6), (hold, 7)])
def test_a_board_takes_a_request_for_its_leaves_and_one_for_own_numbers(
    world: World, lucia: Buyer, requests: Requests, before: Callable[[Buyer], object], most: int
) -> None:
    world.raffle()
    before(lucia)
    lucia.says("BIKE")
    # One of them stores that WhatsApp took the question below the picture.
    assert len(requests.during(lambda: lucia.says(ASK))) == most


@pytest.mark.parametrize(
    "words",
    ["show me 20 to 40", "muéstrame del 20 al 40", "me mostra do 20 ao 40", "que números hay entre el 20 y el 40?"],
)
def test_a_range_is_shown_and_nothing_held_however_it_is_asked_for(world: World, lucia: Buyer, words: str) -> None:
    raffle = world.raffle()
    lucia.says("BIKE")
    lucia.says(words)
    assert "020‑040" in text_of(lucia.heard[-2])
    assert world.availability(raffle) == (100, 0, 0)
