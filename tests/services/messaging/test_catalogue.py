"""The catalogue holds every text of the bot, and the bot says nothing that is not in it."""

from io import BytesIO
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

CHALICELIB = Path(__file__).parents[3] / "chalicelib"
KEYWORDS = {"_": None, "n_": (1, 2)}


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
