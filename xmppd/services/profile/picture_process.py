"""Reads a picture, writes it as PNG: run as a program of its own, ``picture_process.py BYTES``, by `pictures`.

What comes is a stranger's file, and decoders of pictures have their bugs: this process has little memory, little time,
no files to open for writing, and no more than a moment to live. It knows a few formats, and looks at the size before it
decodes anything (a bomb is small, and has a billion pixels).
"""

import io
import resource
import sys
import warnings
from typing import Final

from PIL import Image

MEMORY_BYTES: Final = 512 * 1024 * 1024
CPU_S: Final = 5
PIXELS: Final = 4_000_000
"""As many as a photo of 2,000 by 2,000 has."""
FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP")
SIDES: Final = (512, 256, 128, 96)
"""The longest sides that are tried, one after the other, until the result is small enough (XEP-0084 4.2.1)."""


def main(most_bytes: int) -> int:
    """Give the status: 0 with a picture, 1 where it is none, is too large, or cannot be made small enough."""
    warnings.simplefilter("error")
    Image.MAX_IMAGE_PIXELS = PIXELS // 2  # twice as many are an error
    try:
        with Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=FORMATS) as opened:
            if opened.width * opened.height > PIXELS:
                return 1
            opened.load()  # of what moves, the first picture
            picture = opened.convert(
                "RGBA" if "A" in opened.getbands() or "transparency" in opened.info else "RGB"
            )
    except Exception:  # noqa: BLE001 - whatever a decoder finds wrong with it
        return 1
    for side in SIDES:
        picture.thumbnail((side, side))
        written = io.BytesIO()
        picture.save(written, "PNG", optimize=True)
        if written.tell() <= most_bytes:
            sys.stdout.buffer.write(written.getvalue())
            return 0
    return 1


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main(int(sys.argv[1])))
