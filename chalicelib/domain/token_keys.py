"""The form of token keys: a check part tells a key of ours from garbage without asking the table.

    tombola_3q2-7wAbCdEfGhIjKlMnOpQrStUvWxYz0123456789A80c976d9
    ─┬───── ─┬───────────────────────────────────────── ─┬─────
     prefix  256 random bits, base64url                  CRC-32 of what precedes it, hex

The check part is no secret and no protection: anyone can compute it. It spares the table typos and guesses, and
scanners of leaked secrets find such a key. What keeps strangers out are the random bits.
"""

import re
from enum import Enum, auto
from zlib import crc32

PREFIX = "tombola_"
LINK_PREFIX = "link_"  # of the secret in a sign-in link, which has the same form
_KEY = re.compile(rf"({PREFIX}[A-Za-z0-9_-]{{43}})([0-9a-f]{{8}})")
_LINK = re.compile(rf"({LINK_PREFIX}[A-Za-z0-9_-]{{43}})([0-9a-f]{{8}})")


class KeyForm(Enum):
    """Whether a key has a check part, and whether it is right."""

    CHECKED = auto()  # its check part is right
    DAMAGED = auto()  # its check part is wrong: there is no such token
    UNCHECKED = auto()  # it has none: made before there were check parts, chosen by somebody, or garbage


def with_check_part(secret: str, prefix: str = PREFIX) -> str:
    """Return the key for 43 random characters of base64url, or with LINK_PREFIX the secret of a sign-in link."""
    checked = prefix + secret
    return checked + _check_part(checked)


def is_link_secret(text: str) -> bool:
    """Return whether a text may be the secret of a sign-in link, from its characters alone."""
    match = _LINK.fullmatch(text)
    return match is not None and match[2] == _check_part(match[1])


def form_of(key: str) -> KeyForm:
    """Return the form of a key, from its characters alone."""
    match = _KEY.fullmatch(key)
    if match is None:
        return KeyForm.UNCHECKED
    checked, check_part = match.groups()
    return KeyForm.CHECKED if check_part == _check_part(checked) else KeyForm.DAMAGED


def _check_part(checked: str) -> str:
    return f"{crc32(checked.encode()):08x}"
