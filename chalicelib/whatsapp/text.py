"""Cleans and shortens text from and for people."""

import re
import unicodedata

ZWJ = "\u200d"
VIRAMA = 9  # the combining class of signs that join the next consonant
LONGEST_EXTENSION = 10
# Letters and symbols that are invisible in spite of their category (Hangul fillers, blank Braille, Khmer vowels …).
INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
# "ESC [31m" is one control sequence. Without its escape character, the 31 would look like a ticket number.
ESCAPE_SEQUENCE = re.compile(r"(\x1b\[|\x9b)[0-?]*[ -/]*[@-~]")
LIKENESS = str.maketrans({"*": "∗", "_": "ˍ", "~": "∼", "`": "ˋ", ">": "›"})


def shorten(text: str, limit: int, *, mark: str = "…") -> str:
    """Cut to at most `limit` code points, between graphemes. A text that was cut ends in `mark`."""
    if len(text) <= limit:
        return text
    cut = limit - len(mark)
    while cut > 0 and not _may_cut(text, cut):
        cut -= 1
    return text[:cut].rstrip() + mark


def clean(text: object, limit: int = 4096) -> str:
    """Remove control characters except "\\n", and lone surrogates. Return "" for anything but a string."""
    if not isinstance(text, str):
        return ""
    text = ESCAPE_SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(map(_printable, text))[:limit]


def clean_line(text: object, limit: int) -> str:
    """Clean as one line: also without format characters (direction marks, zero widths) and repeated blanks."""
    visible = (character for character in clean(text) if unicodedata.category(character) != "Cf")
    return shorten(" ".join("".join(visible).split()), limit, mark="")


def clean_name(name: object, limit: int = 60) -> str:
    """Clean a profile name for use in a sentence, a CSV or a log. Return "" if nothing of it is visible."""
    line = clean_line(name, limit)
    return line if any(_shows(character) for character in line) else ""


def safe_filename(name: object, limit: int = 100) -> str:
    """Return the base name with letters, digits and " ._-()" only, or "". It is not hidden and keeps its extension."""
    base = re.split(r"[/\\]", clean_line(name, 1000))[-1]
    base = re.sub(r"[^\w .()-]", "_", base).strip(" .")
    stem, dot, extension = base.rpartition(".")
    if len(base) <= limit or not dot or len(extension) > LONGEST_EXTENSION:
        return base[:limit].strip(" .")
    return stem[: limit - len(extension) - 1].strip(" .") + dot + extension


def plain(text: str) -> str:
    """Make text one line that WhatsApp does not format: its marks become look-alikes."""
    return " ".join(text.split()).translate(LIKENESS)


def _printable(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cc" and character != "\n":
        return " " if character.isspace() else ""  # a tab between two numbers must keep them apart
    return "" if category == "Cs" else character


def _shows(character: str) -> bool:
    return unicodedata.category(character)[0] not in "CMZ" and character not in INVISIBLE


def _may_cut(text: str, at: int) -> bool:
    """Tell whether a grapheme ends before `at`. Covers the common cases of UAX #29: names, accents, emoji."""
    before = text[at - 1]
    after = text[at]
    if unicodedata.category(after)[0] == "M" or unicodedata.category(after) == "Cf" or _is_skin_tone(after):
        return False
    if before == ZWJ or unicodedata.combining(before) == VIRAMA:
        return False
    if "\u1160" <= after <= "\u11ff":  # conjoining Hangul vowels and finals
        return False
    return not (_is_flag_half(after) and _flag_halves_before(text, at) % 2)


def _is_skin_tone(character: str) -> bool:
    return "\U0001f3fb" <= character <= "\U0001f3ff"


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_halves_before(text: str, at: int) -> int:
    count = 0
    while count < at and _is_flag_half(text[at - 1 - count]):
        count += 1
    return count
