"""Watches the files of certificates while the server runs: one that was renewed is in force without a reload.

Every minute the files are looked at, not read: their times, sizes and inodes, through links, as certbot makes them.
What has changed is read once it is the same at two looks in a row, so that nothing half-written is taken.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from twisted.logger import Logger

from xmppd.core.timers import Timer, Timers
from xmppd.net.tls.certificates import HostFiles
from xmppd.net.tls.contexts import TLSContexts

PERIOD_S: Final = 60.0
MOST_FOLDERS: Final = 1_000

_Mark = tuple[int, int, int] | None
_Seen = dict[Path, _Mark]


class CertificateWatch:
    """Looks at the files of all hosts, and at the folder that is searched for them."""

    _log = Logger()

    def __init__(
        self,
        timers: Timers,
        tls: TLSContexts,
        files: Callable[[], Iterable[HostFiles]],
        folder: Callable[[], Path | None],
    ) -> None:
        """*files* gives where each host's certificate lies now; *folder* is searched for them."""
        self._timers = timers
        self._tls = tls
        self._files = files
        self._folder = folder
        self._taken: _Seen = {}
        self._last: _Seen = {}

    def start(self) -> None:
        """Begin; what is there now is in force."""
        self.reloaded()
        self._timers.add(PERIOD_S, self._look)

    def reloaded(self) -> None:
        """All has been read just now."""
        self._taken = self._last = self._marks()

    def _look(self, now: float, timer: Timer, param: object) -> float:
        marks = self._marks()
        if marks != self._taken and marks == self._last:
            self._take()
            marks = self._marks()
            self._taken = marks
        self._last = marks
        return PERIOD_S

    def _take(self) -> None:
        before = {host: shown.fingerprint for host, shown in self._tls.store.by_host().items()}
        for finding in self._tls.reload(list(self._files())):
            self._log.warn("{finding}", finding=str(finding))
        for host, shown in self._tls.store.by_host().items():
            if before.get(host) != shown.fingerprint:
                self._log.info(
                    "The certificate of {host} was renewed; it is valid until {until}",
                    host=host,
                    until=f"{shown.expires_at:%Y-%m-%d %H:%M} UTC",
                )

    def _marks(self) -> _Seen:
        return {path: _mark(path) for path in self._watched()}

    def _watched(self) -> Iterator[Path]:
        for shown in self._tls.store.by_host().values():
            if not shown.files.is_self_made:
                yield from (shown.files.certificate, shown.files.key)
        folder = self._folder()
        if folder is None:
            return
        yield folder
        try:
            below = sorted(entry.path for entry in os.scandir(folder) if entry.is_dir())
        except OSError:
            return
        yield from map(Path, below[:MOST_FOLDERS])


def _mark(path: Path) -> _Mark:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
