"""What went over a device's connections, and what a killed server has left: for who has to see why a contract broke."""

import shutil
import sqlite3
import tempfile
import time
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element, tostring

from xmppd.admin.backup.manifest import DATABASE
from xmppd.services.inbox.records import STORE

KEPT: Final = 5_000
"""So many lines are kept of a device, the newest."""
TOLD: Final = 200
"""So many of them are printed: the newest of those that matter."""
CUT: Final = 160
"""So many characters of each."""
ENVELOPE: Final = ("<a ", "<r ", "<resume", "<enable", "<fail", "<iq", "<presence", "--")
"""What matters whatever it is about, by how its line begins."""
_ROWS: Final = """
SELECT owner, id, extra FROM (
    SELECT box, seq, id, extra FROM entry UNION ALL SELECT box, seq, id, extra FROM fresh
) JOIN box USING (box) WHERE store = ? ORDER BY seq
"""


class _Line(NamedTuple):
    at: float
    direction: str
    what: bytes | Element | str
    number: int


class Wire:
    """The lines of one device, through all lives."""

    def __init__(self) -> None:
        self._lines: deque[_Line] = deque(maxlen=KEPT)

    def sent(self, data: bytes) -> None:
        """It has written *data*."""
        self._lines.append(_Line(time.monotonic(), ">", data, 0))

    def came(self, element: Element, number: int) -> None:
        """An element has come; *number* is how many stanzas have, with it."""
        self._lines.append(_Line(time.monotonic(), "<", element, number))

    def note(self, what: str) -> None:
        """Something has happened to it."""
        self._lines.append(_Line(time.monotonic(), " ", f"-- {what}", 0))

    def about(self, words: Collection[str]) -> Iterator[str]:
        """Give the lines that hold one of *words*, and those about connections and counts."""
        told = deque[str](maxlen=TOLD)
        for line in self._lines:
            text = _text(line.what)
            if text.startswith(ENVELOPE) or any(word in text for word in words):
                number = f"#{line.number}" if line.number else ""
                told.append(f"{line.at:12.3f} {line.direction} {number:>6} {text[:CUT]}")
        yield from told


def _text(what: bytes | Element | str) -> str:
    if isinstance(what, Element):
        what = tostring(what, "unicode").replace("ns0:", "").replace("ns1:", "")
    return what if isinstance(what, str) else what.decode()


class Left(NamedTuple):
    """A row of an inbox, as a killed server has left it."""

    id: str
    holders: str


def inboxes_left_in(data: Path) -> dict[str, list[Left]]:
    """Read all inboxes of a server that is dead, in a copy of its file: the next start is to mend that itself."""
    with tempfile.TemporaryDirectory(prefix="xmppd-faults-left-") as folder:
        for file in data.glob(f"{DATABASE}*"):
            shutil.copy(file, folder)
        with closing(sqlite3.connect(Path(folder) / DATABASE)) as connection:
            rows = connection.execute(_ROWS, (STORE,)).fetchall()
    left: dict[str, list[Left]] = {}
    for owner, id, extra in rows:
        left.setdefault(owner, []).append(Left(id, extra.decode()))
    return left
