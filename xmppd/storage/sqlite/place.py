"""Whether the data file is still where it was opened: SQLite goes on with one that was moved away or replaced."""

import os
from pathlib import Path

from twisted.logger import Logger

from xmppd.storage.interface import StorageFailed


class Place:
    """The path of a data file, and which file it is."""

    _log = Logger()

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: tuple[int, int] | None = None
        self._is_told = False

    def opened(self) -> None:
        """Note which file it is now; raises OSError."""
        found = os.stat(self._path)
        self._file = found.st_dev, found.st_ino

    def check(self) -> None:
        """Raise `StorageFailed` where it is not that file any more: what is written to it would be lost.

        The log has it once. It is well again when the file is back.
        """
        try:
            found = os.stat(self._path)
        except OSError as error:
            self._refuse(
                f"the data file {self._path} is gone ({error.strerror}): put it back, or stop the server"
            )
        if self._file not in (None, (found.st_dev, found.st_ino)):
            why = f"another file was put in the place of the data file {self._path}"
            self._refuse(
                f"{why}: put the old one back, or stop the server first, as the manual says of backups"
            )
        self._is_told = False

    def _refuse(self, why: str) -> None:
        if not self._is_told:
            self._is_told = True
            self._log.error("Nothing can be stored: {why}", why=why)
        raise StorageFailed(why)
