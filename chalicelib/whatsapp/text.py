"""Cleans and shortens text from and for people."""

import re
import unicodedata

ZWJ = "\u200d"
VIRAMA = 9  # the combining class of signs that join the next consonant
LONGEST_EXTENSION = 10
MAX_GRAPHEME = 64  # code points; a family of emoji has about a dozen
# What belongs to the character before it, or after it, in spite of its category. Source: GraphemeBreakProperty.txt
SPACING_MARKS = frozenset("\u0e33\u0eb3\uff9e\uff9f")
PREPENDED = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\U000110bd\U000110cd\U000111c2\U000111c3"
    "\U0001193f\U00011941\U00011a3a\U00011a84\U00011a85\U00011a86\U00011a87\U00011a88\U00011a89\U00011d46\U00011f02"
)
HANGUL_LEADING = re.compile("[\u1100-\u115f\ua960-\ua97c]")
HANGUL_INSIDE = re.compile("[\u1160-\u11ff\ud7b0-\ud7fb]")
# Letters and symbols that are invisible in spite of their category (Hangul fillers, blank Braille, Khmer vowels …).
INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
# "ESC [31m" is one control sequence. Without its escape character, the 31 would look like a ticket number.
ESCAPE_SEQUENCE = re.compile(r"(\x1b\[|\x9b)[0-?]*[ -/]*[@-~]")
LIKENESS = str.maketrans({"*": "∗", "_": "ˍ", "~": "∼", "`": "ˋ", ">": "›"})


def shorten(text: str, limit: int, *, mark: str = "…") -> str:
    """Cut to at most `limit` code points, between graphemes. A text that was cut ends in `mark`.

    Only a grapheme longer than MAX_GRAPHEME, which nobody can read, is cut itself.
    """
    if len(text) <= limit:
        return text
    most = max(limit - len(mark), 0)
    cut = next((at for at in range(most, max(most - MAX_GRAPHEME, 0), -1) if _may_cut(text, at)), 0)
    if not cut and most > MAX_GRAPHEME:
        cut = most
    return text[:cut].rstrip() + mark


def clean(text: object, limit: int = 4096) -> str:
    """Remove control characters except "\\n", and lone surrogates. Return "" for anything but a string."""
    if not isinstance(text, str):
        return ""
    text = ESCAPE_SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return shorten("".join(map(_printable, text)), limit, mark="")


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
        return shorten(base, limit, mark="").strip(" .")
    return shorten(stem, limit - len(extension) - 1, mark="").strip(" .") + dot + extension


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
    """Tell whether a grapheme ends before `at`.

    Where Unicode's rule (UAX #29) sees no end, it says no. In rare scripts it also says no where the rule sees one.
    """
    before = text[at - 1]
    after = text[at]
    is_joined = unicodedata.category(after)[0] == "M" or unicodedata.category(after) == "Cf" or _is_skin_tone(after)
    if is_joined and after not in PREPENDED:
        return False
    if before == ZWJ or unicodedata.combining(before) == VIRAMA:
        return False
    if after in SPACING_MARKS or before in PREPENDED:
        return False
    if HANGUL_INSIDE.match(after) or HANGUL_LEADING.match(before):
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
