"""Pictures of some common formats as PNG, which every client of XEP-0084 can show (4.2.1); decision 0023.

The library (Pillow, of the extra ``images``) is loaded in a process of its own alone, with limits for memory, time and
pixels: `xmppd.services.profile.picture_process`. One picture is converted at a time, and a few wait; who comes when
that many wait already, has none.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

from twisted.internet.defer import DeferredLock

from xmppd.core.environment import InThread

PROGRAM: Final = Path(__file__).with_name("picture_process.py")
LIMIT_S: Final = 10.0
"""For the process as a whole; it has its own limit for the processor's time."""
WAITING: Final = 8
PNG: Final = b"\x89PNG\r\n\x1a\n"


class Pictures:
    """Converts pictures."""

    def __init__(self, in_thread: InThread):
        self._in_thread = in_thread
        self._lock = DeferredLock()
        self._waiting = 0

    async def png_of(self, picture: bytes, most_bytes: int) -> bytes | None:
        """Give a picture as PNG of so many bytes at most, made smaller if need be; None where that cannot be. Waits."""
        if self._waiting >= WAITING:
            return None
        self._waiting += 1
        try:
            async with self._lock:
                png: bytes | None = await self._in_thread(convert, picture, most_bytes)
        finally:
            self._waiting -= 1
        return png


def convert(picture: bytes, most_bytes: int) -> bytes | None:
    """Let the process convert one; blocks for `LIMIT_S` at most."""
    command = [sys.executable, "-I", "-B", str(PROGRAM), str(most_bytes)]
    try:
        done = subprocess.run(
            command, input=picture, capture_output=True, timeout=LIMIT_S, check=False, env={}
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    is_one = done.returncode == 0 and done.stdout.startswith(PNG) and len(done.stdout) <= most_bytes
    return done.stdout if is_one else None
