"""The usual message of a WebSocket read without the detour of a parser: whole texts, as clients send them.

What is anything else (a fragment, a control frame, a part of a frame, a bit of an extension, a size that is too big, no
mask) is left to `websockets`, which knows all of RFC 6455; so that is where each rule is kept.
"""

from typing import Final

try:  # a tenth of the time; not in every build of the library
    from websockets.speedups import apply_mask
except ImportError:
    from websockets.utils import apply_mask

TEXT: Final = 0x81
"""A text, its only fragment, no bit of an extension (RFC 6455 5.2)."""
MASKED: Final = 0x80
LENGTH: Final = 0x7F
TWO_BYTES, EIGHT_BYTES = 126, 127
_MASK_BYTES: Final = 4
_SHORT_HEAD, _MIDDLE_HEAD = 2, 4


def whole_texts(data: bytes, max_size: int) -> tuple[list[bytes], int]:
    """Give the messages that *data* begins with, and how many bytes of it they were."""
    messages: list[bytes] = []
    place, end = 0, len(data)
    while place + _MIDDLE_HEAD <= end and data[place] == TEXT and data[place + 1] & MASKED:
        size, head = data[place + 1] & LENGTH, place + _SHORT_HEAD
        if size == TWO_BYTES:
            size, head = int.from_bytes(data[head : head + 2], "big"), place + _MIDDLE_HEAD
            if size < TWO_BYTES:
                break  # longer than it has to be
        elif size == EIGHT_BYTES:
            break
        start = head + _MASK_BYTES
        if size > max_size or start + size > end:
            break
        messages.append(apply_mask(data[start : start + size], data[head:start]))
        place = start + size
    return messages, place
