"""What type a file says that it is, whether it begins so, and which types a browser may show on its own.

A type that is not in the table is never shown by the browser: it is offered for saving, as bytes. So is a file whose
beginning is not of the type that was declared.
"""

import re
from typing import Final, NamedTuple

BYTES: Final = "application/octet-stream"
_TYPE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")


class Mark(NamedTuple):
    """Bytes at a place near the beginning of a file."""

    place: int
    data: bytes


_ISO: Final = (Mark(4, b"ftyp"),)
_OGG: Final = (Mark(0, b"OggS"),)
_EBML: Final = (Mark(0, b"\x1a\x45\xdf\xa3"),)
_MPEG: Final = (
    Mark(0, b"ID3"),
    *(Mark(0, bytes((0xFF, second))) for second in (0xFB, 0xF3, 0xF2, 0xFA, 0xF1, 0xF9)),
)
SHOWN: Final[dict[str, tuple[Mark, ...]]] = {
    "image/png": (Mark(0, b"\x89PNG\r\n\x1a\n"),),
    "image/jpeg": (Mark(0, b"\xff\xd8\xff"),),
    "image/gif": (Mark(0, b"GIF87a"), Mark(0, b"GIF89a")),
    "image/webp": (Mark(8, b"WEBP"),),
    "image/avif": _ISO,
    "image/heic": _ISO,
    "video/mp4": _ISO,
    "video/quicktime": _ISO,
    "video/webm": _EBML,
    "video/ogg": _OGG,
    "audio/mp4": _ISO,
    "audio/x-m4a": _ISO,
    "audio/webm": _EBML,
    "audio/ogg": _OGG,
    "audio/opus": _OGG,
    "audio/flac": (Mark(0, b"fLaC"),),
    "audio/wav": (Mark(8, b"WAVE"),),
    "audio/x-wav": (Mark(8, b"WAVE"),),
    "audio/mpeg": _MPEG,
    "audio/aac": _MPEG,
    "text/plain": (),
}
"""The types that a browser may show, each with the marks of which one is at the beginning of such files."""


def media_type(text: str) -> str:
    """Give the type in a Content-Type without its parameters, in lower case; "" for what is none."""
    found = text.partition(";")[0].strip()
    return found.lower() if _TYPE.fullmatch(found) else ""


def begins_as(content_type: str, head: bytes) -> bool:
    """Whether a file that begins with *head* may be of this type; a text has no control characters but white space."""
    if content_type == "text/plain":
        return not any(byte < 0x20 and byte not in b"\t\n\f\r\x1b" for byte in head)
    marks = SHOWN.get(content_type)
    return marks is None or any(head.startswith(mark.data, mark.place) for mark in marks)
