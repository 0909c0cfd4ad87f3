"""Which files Meta accepts: types, sizes, and for images also the pixel format (8-bit RGB or RGBA).

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
"""

from __future__ import annotations

MEGABYTE = 1024 * 1024
MAX_UPLOAD = 100 * MEGABYTE
MAX_IMAGE = 5 * MEGABYTE
EIGHT_BIT_RGB = {(8, 2), (8, 6)}  # bit depth and colour type in a PNG header, without and with alpha

UPLOADS = frozenset(
    {
        "image/jpeg", "image/png", "image/webp", "application/pdf", "text/plain",
        "audio/aac", "audio/mp4", "audio/mpeg",
        "audio/amr", "audio/ogg", "video/mp4", "video/3gp", "application/msword", "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint", "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
)  # fmt: skip


def image_problem(mime_type: str, content: bytes) -> str | None:
    """Return why Meta would refuse to send this file as an image, or None if it would not."""
    if mime_type not in {"image/jpeg", "image/png"}:
        return f"Unsupported Image mime type {mime_type}."
    if len(content) > MAX_IMAGE:
        return "The image is larger than 5 MB."
    if mime_type == "image/jpeg":
        return None if content.startswith(b"\xff\xd8\xff") else "The file is not a JPEG image."
    if not content.startswith(b"\x89PNG\r\n\x1a\n") or content[12:16] != b"IHDR":
        return "The file is not a PNG image."
    return None if tuple(content[24:26]) in EIGHT_BIT_RGB else "Images must be 8-bit, RGB or RGBA."
