"""Reports of users about those whom they have blocked (XEP-0377), for the operators: store ``reports`` of each host.

Rules that live here: of one account so many reports a day are kept, of a host the newest `KEPT`. A report has copies of
the messages that it names, as the reporter's archive has them, since they are what it is about; nothing of them is
ever in the log.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

from twisted.internet.defer import Deferred

from xmppd.core.rate_limit import RateLimit
from xmppd.core.waiting import deferred
from xmppd.services.archive.ids import STORE as ARCHIVE
from xmppd.storage.interface import Append, DeleteEntries, Entry, NewEntry, Selection, Storage

STORE: Final = "reports"
KEPT: Final = 10_000
DAY_S: Final = 86_400.0
ID_BYTES: Final = 6
MESSAGES: Final = 10
"""So many messages of one report are copied."""
TEXT_CHARS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Report:
    """What a user says."""

    reporter: str
    """Bare JID."""
    reported: str
    """The JID that was blocked."""
    reason: str
    """``urn:xmpp:reporting:spam``, ``urn:xmpp:reporting:abuse``, or another."""
    text: str = ""
    messages: tuple[str, ...] = ()
    """Ids in the reporter's archive."""


@dataclass(frozen=True, slots=True)
class KeptReport:
    """A report that is kept, with the messages that it names and that were there."""

    id: str
    at: float
    """Seconds since 1970."""
    report: Report
    stanzas: tuple[str, ...]


class Reports:
    """The reports of all hosts."""

    def __init__(self, storage: Storage, now: Callable[[], float], new_id: Callable[[int], str]):
        """*now* is wall time in seconds, *new_id* gives unguessable text."""
        self._storage = storage
        self._now = now
        self._new_id = new_id
        self._made = RateLimit(now, lambda: DAY_S)
        self.counts: Counter[tuple[str, str]] = Counter()
        """Reports since the start, by host and the last word of the reason."""

    @deferred
    async def add(self, host: str, report: Report, a_day: int) -> KeptReport | None:
        """Keep a report; None where its account has made *a_day* of them already. Waits; `StorageError`."""
        if not self._made.take(report.reporter, a_day):
            return None
        self.counts[host, word_of(report.reason)] += 1
        ids = list(dict.fromkeys(report.messages))[:MESSAGES]
        named = await self._storage.read_ids(ARCHIVE, report.reporter, ids) if ids else []
        stanzas = tuple(entry.stanza.decode("utf-8", "replace") for entry in named)
        kept = KeptReport(self._new_id(ID_BYTES), self._now(), report, stanzas)
        data = json.dumps([asdict(report), stanzas]).encode()
        entry = NewEntry(kept.id, kept.at, report.reported.partition("/")[0], data)
        await self._storage.commit(Append(STORE, host, entry), DeleteEntries(STORE, host, keep=KEPT))
        return kept

    @deferred
    async def listed(self, host: str, reported: str | None = None, limit: int = 100) -> list[KeptReport]:
        """Give the newest reports of a host first, or those about a bare JID. Waits; `StorageError`."""
        selection = Selection(with_jid=reported)
        entries = await self._storage.read(STORE, host, selection, limit=limit, reverse=True)
        return [_kept(entry) for entry in entries]

    @deferred
    async def get(self, host: str, id: str) -> KeptReport | None:
        """Give a report. Waits; `StorageError`."""
        found = await self._storage.read_ids(STORE, host, [id])
        return _kept(found[0]) if found else None

    def remove(self, host: str, id: str) -> Deferred[None]:
        """Forget a report. Waits for the commit; `StorageError`."""
        return self._storage.commit(DeleteEntries(STORE, host, ids=[id]))


def word_of(reason: str) -> str:
    """Give the word for people: "spam", "abuse"; "other" for what XEP-0377 does not have."""
    word = reason.rpartition(":")[2]
    return word if word in ("spam", "abuse") else "other"


def _kept(entry: Entry) -> KeptReport:
    said, stanzas = json.loads(entry.stanza)
    return KeptReport(
        entry.id, entry.sent_at, Report(**{**said, "messages": tuple(said["messages"])}), tuple(stanzas)
    )
