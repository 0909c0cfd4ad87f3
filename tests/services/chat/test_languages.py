"""The language in which the bot talks to each person, and what it costs to know it."""

from functools import partial
from typing import Any

import pytest

from chalicelib.store import channel
from chalicelib.store.records import ContactRecord
from tests.support.organisers import OLGA, OSCAR, person, set_organisers
from tests.support.request_counts import Requests
from tests.support.steps import hold_and_prove
from tests.support.world import Buyer, World, buttons_of, text_of
from whatsapp_sandbox import webhooks

pytestmark = pytest.mark.usefixtures("countries")

MENUS = {
    "en": ["Browse raffles", "My orders", "Help"],
    "es": ["Ver rifas", "Mis números", "Ayuda"],
    "pt": ["Ver rifas", "Meus números", "Ajuda"],
}
GUATEMALA, BRAZIL, UNITED_STATES, GERMANY = "+50255500001", "+5511987650001", "+12025550001", "+4915112340001"


def on(world: World, phone: str | None, user_id: str | None = None) -> Buyer:
    return Buyer(world=world, person=webhooks.Person(name="Lucía", phone=phone, user_id=user_id))


def shown(world: World, buyer: Buyer) -> dict[str, Any]:
    found = world.api("GET", f"/api/contacts?search={buyer.person.name}").body["results"]
    return next(one for one in found if one["phone"] == buyer.person.phone)


@pytest.mark.parametrize(
    ("phone", "user_id", "said", "language"),
    [
        (GUATEMALA, None, "menu", "es"),
        (BRAZIL, None, "menu", "pt"),
        (UNITED_STATES, None, "menu", "en"),
        (GERMANY, None, "menu", "en"),
        (None, "BR.770001", "menu", "pt"),
        # What they write counts more, if it is beyond doubt.
        (GUATEMALA, None, "Oi", "pt"),
        (BRAZIL, None, "hola!", "es"),
        (GUATEMALA, None, "hi", "en"),
        (UNITED_STATES, None, "buenas tardes", "es"),
        (GERMANY, None, "bom dia", "pt"),
        (BRAZIL, None, "ola", "pt"),  # Spanish in a hurry, or Portuguese
    ],
)
def test_m9_the_first_answer_is_in_the_language_of_the_message_or_else_of_the_phone(
    world: World, phone: str | None, user_id: str | None, said: str, language: str
) -> None:
    assert buttons_of(on(world, phone, user_id).says(said))[0] == MENUS[language][0]
    assert buttons_of(on(world, phone, user_id).says("menu")) == MENUS[language]


def test_m9_the_language_of_a_message_holds_until_another_is_beyond_doubt(world: World) -> None:
    lucia = on(world, GUATEMALA)
    for said in ("hello", "menu", "ola", "👍"):
        assert buttons_of(lucia.says(said)) == MENUS["en"], said
    assert "De nada" in text_of(lucia.says("obrigada"))
    assert buttons_of(lucia.says("menu")) == MENUS["pt"]
    assert "Con gusto" in text_of(lucia.says("gracias"))
    assert shown(world, lucia)["language_source"] == "written"


@pytest.mark.parametrize("word", ["idioma", "Language", "lengua"])
def test_m9_a_word_asks_for_the_language_and_a_tap_changes_it_for_good(world: World, word: str) -> None:
    lucia = on(world, GUATEMALA)
    assert buttons_of(lucia.says("menu")) == MENUS["es"]
    assert buttons_of(lucia.says(word)) == ["English", "Español", "Português"]
    assert "em português" in text_of(lucia.taps("Português"))
    assert "Não entendi" in text_of(lucia.says("asdfgh zxcvb"))
    assert buttons_of(lucia.says("hola")) == MENUS["pt"]  # chosen counts more than written
    assert shown(world, lucia)["language_source"] == "chosen"


@pytest.mark.parametrize(
    ("word", "language"),
    [
        ("english", "en"),
        ("Inglés", "en"),
        ("español", "es"),
        ("SPANISH", "es"),
        ("português", "pt"),
        ("portugues!", "pt"),
    ],
)
def test_m9_the_name_of_a_language_changes_to_it(world: World, word: str, language: str) -> None:
    lucia = on(world, {"en": GUATEMALA, "es": BRAZIL, "pt": GUATEMALA}[language])
    assert buttons_of(lucia.says(word)) == MENUS[language]
    assert shown(world, lucia)["language"] == language


def test_m9_the_help_has_a_button_for_the_language(world: World) -> None:
    lucia = on(world, BRAZIL)
    assert buttons_of(lucia.says("ajuda"))[-1] == "Idioma"
    assert buttons_of(lucia.taps("Idioma")) == ["English", "Español", "Português"]


def test_m9_asking_for_another_language_changes_nothing_else(world: World) -> None:
    raffle = world.raffle()
    lucia = on(world, GUATEMALA)
    lucia.says("BIKE")
    lucia.says("5, 12")
    lucia.says("english")
    assert world.availability(raffle) == (98, 2, 0)
    assert "Done! Your order code" in text_of(lucia.says("confirm"))


@pytest.mark.parametrize("code", ["language:xx", "language:", "language:en:es"])
def test_m9_an_unknown_language_in_a_tap_is_no_language(world: World, code: str) -> None:
    lucia = on(world, GUATEMALA)
    lucia.says("menu")
    body = webhooks.button_reply(
        lucia.person, button_id=code, title="?", message_id=world.new_id(), at=world.at, reply_to="wamid.X"
    )
    known = code == "language:"  # the same as without a colon: it asks
    assert buttons_of(lucia.sends(body))[0] == ("English" if known else MENUS["es"][0])
    assert shown(world, lucia)["language"] == "es"


def test_m9_whose_language_nothing_tells_reads_that_of_the_raffle(world: World) -> None:
    world.raffle(language="pt")
    hans = on(world, GERMANY)
    assert buttons_of(hans.says("menu")) == MENUS["en"]
    assert "Quais números" in text_of(hans.says("BIKE"))
    assert (shown(world, hans)["language"], shown(world, hans)["language_source"]) == ("pt", "raffle")
    assert "¿Qué números" in text_of(on(world, GUATEMALA).says("BIKE"))
    assert "Which numbers" in text_of(hans.says("hello"))


def test_m9_an_organiser_may_set_the_language_and_let_go_of_it(world: World) -> None:
    lucia = on(world, GUATEMALA)
    lucia.says("menu")
    path = f"/api/contacts/{shown(world, lucia)['id']}"
    assert world.api("PATCH", path, {"language": "pt"}).body["language_source"] == "chosen"
    assert buttons_of(lucia.says("hola")) == MENUS["pt"]
    assert world.api("PATCH", path, {"language": None}).body["language"] == "es"
    assert buttons_of(lucia.says("menu")) == MENUS["es"]


def test_m9_english_can_be_chosen_although_it_was_once_everybodys_default(world: World) -> None:
    lucia = on(world, GUATEMALA)
    lucia.says("menu")
    world.api("PATCH", f"/api/contacts/{shown(world, lucia)['id']}", {"language": "en"})
    assert buttons_of(lucia.says("hola")) == MENUS["en"]


@pytest.mark.parametrize(("stored", "language", "source"), [("en", "es", "phone"), ("pt", "pt", "chosen")])
def test_m9_a_contact_of_before_is_not_kept_to_the_default_but_to_an_organisers_choice(
    world: World, stored: str, language: str, source: str
) -> None:
    lucia = on(world, GUATEMALA)
    lucia.says("menu")
    [record] = ContactRecord.scan()
    record.update([ContactRecord.language.set(stored), ContactRecord.written_language.remove()])
    assert buttons_of(lucia.says("menu")) == MENUS[language]
    assert shown(world, lucia)["language_source"] == source


def test_m9_news_comes_in_the_persons_language(world: World) -> None:
    world.raffle()
    lucia, joao = on(world, GUATEMALA), on(world, BRAZIL)
    for buyer, number in ((lucia, "1"), (joao, "2")):
        order = hold_and_prove(buyer, number)
        world.api("POST", f"/api/orders/{order}/confirm-payment")
    assert "Tu número" in text_of(lucia.heard[-1]) and "Seu número" in text_of(joao.heard[-1])


def test_m9_organisers_are_told_in_the_language_of_their_phone(world: World) -> None:
    world.raffle()
    hold_and_prove(on(world, UNITED_STATES))
    [notice] = world.organiser().heard  # whose phone is Guatemalan
    assert "Comprobante del pedido" in text_of(notice) and "Q 50.00" in text_of(notice)
    on(world, BRAZIL).says("pessoa")
    assert "quiere hablar con una persona" in text_of(world.organiser().heard[-1])


def test_m9_an_organiser_is_told_in_the_language_that_they_write_or_chose(world: World, requests: Requests) -> None:
    """Whose contact has another id than their notices, which go to the number in the settings."""
    set_organisers(world, OLGA, OSCAR)
    oscar = person(world, OSCAR, user_id="GT.OSCAR1")
    lucia = on(world, UNITED_STATES)
    world.raffle()
    oscar.says("hi")
    for words, expected in (
        ("bom dia, obrigado", "quer falar com uma pessoa"),
        ("english", "would like to talk to a person"),
        ("obrigado, tudo bem", "would like to talk to a person"),  # they chose English
        ("español", "quiere hablar con una persona"),
    ):
        assert len(requests.during(partial(oscar.says, words))) <= 4
        world.clock.pass_minutes(61)
        lucia.says("human")
        assert text_of(oscar.heard[-1]).startswith(f"Lucía {expected}.")
        assert text_of(world.organiser().heard[-1]).startswith("Lucía quiere hablar con una persona.")
    assert channel.read().languages == frozenset()  # that of their phone needs no entry


def test_m9_what_somebody_else_writes_changes_no_organisers_language(world: World, lucia: Buyer) -> None:
    lucia.says("english")
    assert channel.read().languages == frozenset()


def test_m9_amounts_are_written_as_in_the_readers_country(world: World) -> None:
    world.raffle()
    assert "Precio: Q 25.00 por número" in text_of(on(world, GUATEMALA).says("BIKE"))
    assert "Preço: GTQ 25,00 por número" in text_of(on(world, BRAZIL).says("BIKE"))
    assert "Price: GTQ 25.00 a number" in text_of(on(world, UNITED_STATES).says("BIKE"))


def test_a_long_hold_is_told_with_its_day_and_without_minutes(world: World) -> None:
    world.raffle(hold_minutes=2 * 24 * 60, time_zone="America/Guatemala")
    lucia = on(world, GUATEMALA)
    lucia.says("BIKE")
    answer = text_of(lucia.says("5, 12"))
    assert "Tienes tiempo hasta: mié 25 nov, 08:00\n" in answer


def test_m9_knowing_the_language_takes_no_request(world: World, requests: Requests) -> None:
    lucia = on(world, GUATEMALA)
    lucia.says("menu")
    same = requests.during(lambda: lucia.says("menu"))
    other = requests.during(lambda: lucia.says("good morning"))
    assert len(other) == len(same)
