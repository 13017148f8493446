"""A file on its way to a client: read in a thread, a piece at a time, no faster than it leaves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from xmppd.core.environment import InThread

PIECE_BYTES = 256 * 1024


@implementer(IPushProducer)
class FileSender:
    """Sends a part of an open file to a transport that can pause its producer."""

    _log = Logger()

    def __init__(
        self,
        file: BinaryIO,
        size: int,
        write: Callable[[bytes], None],
        in_thread: InThread,
        done: Callable[[bool], None],
    ) -> None:
        """*size* bytes from where *file* stands; *done* hears whether all were there. The file is closed."""
        self._file = file
        self._left = size
        self._write = write
        self._in_thread = in_thread
        self._done: Callable[[bool], None] | None = done
        self._is_reading = self._is_paused = False
        self.sent = 0
        """How much was given to the transport."""

    def resumeProducing(self) -> None:
        """The transport has room."""
        self._is_paused = False
        if self._done is not None and not self._is_reading:
            self._is_reading = True
            reading = self._in_thread(self._file.read, min(self._left, PIECE_BYTES))
            reading.addCallbacks(self._was_read, self._failed)

    def pauseProducing(self) -> None:
        """The transport has enough."""
        self._is_paused = True

    def stopProducing(self) -> None:
        """Nobody wants it any more."""
        self._done = None
        if not self._is_reading:
            self._file.close()

    def _was_read(self, data: bytes) -> None:
        self._is_reading = False
        if self._done is None:
            self._file.close()
            return
        self._left -= len(data)
        self.sent += len(data)
        if data:
            self._write(data)
        if not self._left or not data:
            self._end(not self._left)
        elif not self._is_paused:
            self.resumeProducing()

    def _failed(self, failure: Failure) -> None:
        self._is_reading = False
        self._log.error("A file could not be read to its end: {why}", why=str(failure.value))
        self._end(False)

    def _end(self, is_whole: bool) -> None:
        done, self._done = self._done, None
        self._file.close()
        if done is not None:
            done(is_whole)


def open_at(path: Path, place: int) -> Any:
    """Open a file for reading from *place* on; for a thread."""
    file = path.open("rb")
    file.seek(place)
    return file
