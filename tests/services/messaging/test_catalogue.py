"""The catalogue holds every text of the bot, and the bot says nothing that is not in it."""

import ast
import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from chalicelib.domain import chat_actions as a
from chalicelib.domain import conversation as c
from chalicelib.domain.languages import LANGUAGES, LanguageCode
from chalicelib.domain.messages import IncomingMessage, MessageKind
from chalicelib.domain.picks import Specific, Unclear, read_pick
from chalicelib.services.messaging.texts import texts_in
from tools.catalogues import BOLD

CHALICELIB = Path(__file__).parents[3] / "chalicelib"
KEYWORDS = {"_": None, "n_": (1, 2)}
# Buttons to tap, and words that are only emphasised.
NOT_TO_WRITE = ("Confirm", "Open", "Approve", "Reject", "Talk to a person", "photo or PDF", "Before:", "After:")


def in_the_code() -> set[str | tuple[str, ...]]:
    found = extract_from_dir(str(CHALICELIB), keywords=KEYWORDS)
    return {tuple(text) if isinstance(text, tuple | list) else text for _, _, text, _, _ in found}


def in_file(path: Path) -> set[str | tuple[str, ...]]:
    catalogue = read_po(BytesIO(path.read_bytes()))
    return {
        tuple(message.id) if isinstance(message.id, tuple | list) else message.id for message in catalogue if message.id
    }


def test_every_catalogue_is_up_to_date_with_the_code() -> None:
    expected = in_the_code()
    files = [CHALICELIB / "locale" / "tombola.pot", *CHALICELIB.glob("locale/*/LC_MESSAGES/tombola.po")]
    assert len(files) > 1
    for path in files:
        assert in_file(path) == expected, f"{path}: run `make catalogue`"


def test_no_text_hides_where_babel_does_not_look() -> None:
    """Such as in the braces of an f-string."""
    tree = ast.parse((CHALICELIB / "services" / "messaging" / "texts.py").read_text("utf-8"))
    said = {
        argument.value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and getattr(call.func, "attr", getattr(call.func, "id", "")) in KEYWORDS
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }
    found = {part for text in in_the_code() for part in (text if isinstance(text, tuple) else (text,))}
    assert len(said) > 100
    assert said == found


# Words in bold that a person may write: what the bot does about them, once numbers are held.
COMMANDS: dict[str, type[a.Action]] = {
    "menu": a.ShowMenu,
    "raffles": a.ListRaffles,
    "my orders": a.ShowOrders,
    "help": a.ShowHelp,
    "human": a.CallPerson,
    "START": a.OptIn,
    "pending": a.Decide,  # for organisers
}


def in_bold(text: str) -> list[str]:
    """The parts of a text in bold, without those that are filled in."""
    return [part.strip("*") for part in BOLD.findall(text) if "{" not in part]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_that_texts_tell_people_to_write_are_understood(language: LanguageCode) -> None:
    gettext = texts_in(language)._
    told = 0
    for text in in_the_code():
        if isinstance(text, tuple):
            continue
        for source, word in zip(in_bold(text), in_bold(gettext(text)), strict=True):
            if source in COMMANDS:
                written = IncomingMessage(kind=MessageKind.TEXT, text=word)
                action = c.step(c.Conversation(), written, organiser=source == "pending")
                assert isinstance(action, COMMANDS[source]), word
            elif source == "cancel":
                action = c.step(c.Conversation(), IncomingMessage(kind=MessageKind.TEXT, text=word))
                assert isinstance(action, a.CancelOrder | a.AskWhatToCancel), word
            elif re.search("[0-9]", source):
                pick = read_pick(word, first=1, last=100)
                assert not isinstance(pick, Unclear)
                assert isinstance(pick, Specific) != source.startswith("random"), word
            else:
                assert source in NOT_TO_WRITE, source
                continue
            told += 1
    assert told > 15
    confirm = gettext("Confirm")
    asked = c.Conversation(stage=c.Stage.CONFIRMING, order_id="7K2M9QXB")
    assert c.step(asked, IncomingMessage(kind=MessageKind.TEXT, text=confirm)) == a.ConfirmOrder("7K2M9QXB")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_title_of_a_button_that_is_written_instead_of_tapped_is_understood(language: LanguageCode) -> None:
    gettext = texts_in(language)._
    for title in ("Browse raffles", "My orders", "Help", "Language"):
        action = c.step(c.Conversation(), IncomingMessage(kind=MessageKind.TEXT, text=gettext(title)))
        assert not isinstance(action, a.NotUnderstood | a.TryCode), gettext(title)
