"""Compares WhatsApp's ids of messages."""

import re
from base64 import b64decode
from binascii import Error

PREFIX = "wamid."


def unique_part(message_id: str) -> str:
    """Return the part of an id that all ids of one message share; the id itself if it has no such part.

    WhatsApp may name a message otherwise once it is delivered. An id is the Base64 form of the person's number, some
    bytes about it, and the message's own name in hexadecimal digits, which stays.
    """
    try:
        content = b64decode(message_id.removeprefix(PREFIX), validate=True)
    except (Error, ValueError):
        return message_id
    names = re.findall(rb"[0-9A-F]{16,}", content)
    return names[-1].decode() if names else message_id
