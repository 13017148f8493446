"""Watches the files of certificates while the server runs: one that was renewed is in force without a reload.

Every minute the files are looked at, not read: their times, sizes and inodes, through links, as certbot makes them.
What has changed is read once it is the same at two looks in a row, so that nothing half-written is taken.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from twisted.logger import Logger

from xmppd.config.findings import Finding
from xmppd.core.timers import Timer, Timers
from xmppd.core.turns import StepsTo, Turns, in_turns, whole
from xmppd.core.waiting import spawn
from xmppd.net.tls.certificates import Certificate, HostFiles
from xmppd.net.tls.renewal import Renewal

PERIOD_S: Final = 60.0
MOST_FOLDERS: Final = 1_000
SEEN: Final = 10
"""The cost of looking at a file (`xmppd.core.turns`)."""
TOLD: Final = 100
"""Of a line of the log."""

_Mark = tuple[int, int, int] | None
_Seen = dict[Path, _Mark]


class CertificateWatch:
    """Looks at the files of all hosts, and at the folder that is searched for them: in short turns."""

    _log = Logger()

    def __init__(
        self,
        timers: Timers,
        turns: Turns,
        renewal: Renewal,
        files: Callable[[], StepsTo[list[HostFiles]]],
        folder: Callable[[], Path | None],
    ) -> None:
        """*files* says where each host's certificate lies now; *folder* is searched for them."""
        self._timers = timers
        self._turns = turns
        self._renewal = renewal
        self._files = files
        self._folder = folder
        self._taken: _Seen = {}
        self._last: _Seen = {}

    def start(self) -> None:
        """Begin; what is there now is in force."""
        self._taken = self._last = whole(self._marks())
        self._look_later()

    def _look_later(self, looked: object = None) -> None:
        self._timers.add(PERIOD_S, self._look)

    def _look(self, now: float, timer: Timer, param: object) -> None:
        spawn("the watch over certificates", self._compare()).addBoth(self._look_later)

    async def _compare(self) -> None:
        marks = await in_turns(self._turns, self._marks())
        if marks != self._taken and marks == self._last:
            before = self._renewal.by_host()
            findings = await self._renewal(self._files())
            await in_turns(self._turns, self._tell(before, findings))
            read, marks = marks, await in_turns(self._turns, self._marks())
            self._taken = {
                path: read.get(path, mark) for path, mark in marks.items()
            }  # what changed meanwhile is due
        self._last = marks

    def _tell(self, before: Mapping[str, Certificate], findings: Iterable[Finding]) -> StepsTo[None]:
        for finding in findings:
            self._log.warn("{finding}", finding=str(finding))
            yield TOLD
        for host, shown in self._renewal.by_host().items():
            old = before.get(host)
            if old is None or old.chain[0] != shown.chain[0]:
                self._log.info(
                    "The certificate of {host} was renewed; it is valid until {until}",
                    host=host,
                    until=f"{shown.expires_at:%Y-%m-%d %H:%M} UTC",
                )
                yield TOLD

    def _marks(self) -> StepsTo[_Seen]:
        seen: _Seen = {}
        for path in self._watched():
            seen[path] = _mark(path)
            yield SEEN
        return seen

    def _watched(self) -> Iterator[Path]:
        for shown in self._renewal.by_host().values():
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
