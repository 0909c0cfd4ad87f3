"""The card of a raffle: what a buyer reads when they open it in the chat, in every language."""

from datetime import datetime
from typing import NamedTuple

from chalicelib.domain.languages import LANGUAGES, LanguageCode
from chalicelib.domain.raffles import Board, Raffle
from chalicelib.services.messaging.texts import texts_in
from chalicelib.whatsapp.messages import render
from chalicelib.whatsapp.rendered_text import extract_text


class Card(NamedTuple):
    """The text, and the titles of the buttons below it."""

    language: LanguageCode
    text: str
    choices: tuple[str, ...]


def render_cards(raffle: Raffle, now: datetime) -> list[Card]:
    """Return the card of a raffle with all numbers free, in the chat's own words. Reads nothing."""
    return [_render(raffle, now, language) for language in LANGUAGES]


def _render(raffle: Raffle, now: datetime, language: LanguageCode) -> Card:
    shown = extract_text(render(texts_in(language).raffle(Board(raffle, {}, 0), now)))
    return Card(language, shown.text, shown.choices)
