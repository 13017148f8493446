"""The body of an upload on its way to the disk: no faster than the disk takes it, and no more than was said."""

from typing import BinaryIO, Final

from twisted.internet.defer import Deferred

from xmppd.core.environment import InThread
from xmppd.services.uploads.errors import WrongSize
from xmppd.services.uploads.folder import HEAD_BYTES, write

PIECE_BYTES: Final = 256 * 1024
"""What goes to the disk at once."""


class Receiving:
    """Takes the pieces of a body (`xmppd.core.http.Sink`)."""

    def __init__(self, file: BinaryIO, size: int, in_thread: InThread):
        """*size* is what was said; the file is the caller's to close."""
        self._file = file
        self._size = size
        self._in_thread = in_thread
        self._pieces: list[bytes] = []
        self._waiting = 0
        self.received = 0
        """In bytes."""
        self.head = b""
        """How the file begins."""

    def write(self, data: bytes) -> Deferred[None] | None:
        """Take a piece; fires when there is room for more. `WrongSize` where it is too much, `DiskFull`."""
        self.received += len(data)
        if self.received > self._size:
            raise WrongSize(f"The file has more than {self._size} bytes")
        if len(self.head) < HEAD_BYTES:
            self.head += data[: HEAD_BYTES - len(self.head)]
        self._pieces.append(data)
        self._waiting += len(data)
        return self.flush() if self._waiting >= PIECE_BYTES else None

    def flush(self) -> Deferred[None]:
        """Write what has gathered."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._waiting = 0
        return self._in_thread(write, self._file, data)

    def check(self) -> None:
        """Raise `WrongSize` unless all has come."""
        if self.received != self._size:
            raise WrongSize(f"The file has {self.received} bytes and not {self._size}")
