"""Words in archives: XEP-0431 0.2.0. What is archived is indexed a little later, outside of any transaction.

A message is found if it has all words asked for, in whatever order, case and accents apart. Before a search the
account's index is brought up to date from its archive, so that a lost index is made anew by being used.
"""

import re
from collections.abc import Sequence
from typing import Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from xmppd.core.timers import Timer, Timers
from xmppd.core.waiting import deferred, spawn
from xmppd.services.archive.ids import STORE
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Entry, Selection, Storage, StorageError
from xmppd.storage.text_index import Found, Text, TextIndex

NS_FULLTEXT: Final = "urn:xmpp:fulltext:0"
FIELD: Final = f"{{{NS_FULLTEXT}}}fulltext"
PAGE = 100
"""Entries indexed in one turn of the reactor."""
INDEX_AFTER_S = 5.0
MAX_WORDS = 16
MAX_TEXT_CHARS = 65_536
"""Of one message no more is indexed."""
_WORD: Final = re.compile(r"\w+")


def words_of(text: str) -> tuple[str, ...]:
    """Give the words of a search, each once, the first `MAX_WORDS` of them."""
    return tuple(dict.fromkeys(_WORD.findall(text)))[:MAX_WORDS]


class ArchiveSearch:
    """Keeps the index of the archives that want one, and finds messages with it."""

    _log = Logger()

    def __init__(self, storage: Storage, index: TextIndex, timers: Timers):
        self._storage = storage
        self._index = index
        self._timers = timers
        self.is_used = False
        """Whether any host wants it; else it is not even opened."""
        self._waiting: dict[str, None] = {}
        self._running: dict[str, list[Deferred[None]]] = {}

    def soon(self, owner: str) -> None:
        """Something has entered an archive that wants an index."""
        if not self._waiting:
            self._timers.add(INDEX_AFTER_S, self._due)
        self._waiting[owner] = None

    def _due(self, now: float, timer: Timer, param: object) -> None:
        waiting, self._waiting = self._waiting, {}
        spawn("indexing archives", self._index_all(tuple(waiting)))

    async def _index_all(self, owners: Sequence[str]) -> None:
        for owner in owners:
            try:
                await self.bring_up(owner)
            except StorageError as error:
                self._log.error("The archive of {owner} is not indexed", owner=owner, error=str(error))

    @deferred
    async def bring_up(self, owner: str) -> None:
        """Index what is in an archive by now. Waits; `StorageError`."""
        running = self._running.get(owner)
        if running is not None:
            done: Deferred[None] = Deferred()
            running.append(done)
            await done
            return
        self._running[owner] = []
        try:
            await self._bring_up(owner)
        finally:
            for other in self._running.pop(owner):
                other.callback(None)

    async def _bring_up(self, owner: str) -> None:
        last, is_first = await self._index.last_seq(owner), True
        while True:
            entries = await self._storage.read(
                STORE, owner, Selection(after=last), limit=PAGE, is_fresh=is_first
            )
            is_first = False
            if not entries:
                return
            last = entries[-1].seq
            await self._index.add(owner, [Text(e.seq, e.id, _text_of(e)) for e in entries], last)
            if len(entries) < PAGE:
                return

    @deferred
    async def find(
        self, owner: str, words: Sequence[str], after: int, before: int | None, limit: int, reverse: bool
    ) -> list[Entry]:
        """Find at most *limit* entries with all *words*, oldest first or with *reverse* newest first; `StorageError`.

        The last found may be gone from the archive: an empty list alone means that there are no more.
        """
        while words:
            found = await self._index.search(
                owner, words, after=after, before=before, limit=limit, reverse=reverse
            )
            entries = await self._read(owner, found)
            if entries or not found:
                return entries[::-1] if reverse else entries
            after, before = (after, found[-1].seq) if reverse else (found[-1].seq, before)
        return []

    async def _read(self, owner: str, found: Sequence[Found]) -> list[Entry]:
        """Read what was found; what the archive has no more is left out, and forgotten."""
        ids = {item.id: item.seq for item in found}
        entries = await self._storage.read_ids(STORE, owner, tuple(ids))
        for entry in entries:
            del ids[entry.id]
        if ids:
            await self._index.remove(owner, seqs=tuple(ids.values()))
        return entries

    @deferred
    async def buried(self, owner: str, seq: int) -> None:
        """An entry has lost its text. Waits; `StorageError`."""
        if self.is_used:
            await self._index.remove(owner, seqs=(seq,))

    @deferred
    async def swept(self, owner: str) -> None:
        """The oldest entries of an archive are gone. Waits; `StorageError`."""
        oldest = await self._storage.read(STORE, owner, limit=1)
        if oldest:
            await self._index.remove(owner, below=oldest[0].seq)
        else:
            await self._index.forget(owner)

    def let_go(self, owner: JID) -> None:
        """Keep no words of an account: it is gone, or its home is elsewhere now. Its archive tells them anew."""
        self._waiting.pop(owner.bare, None)
        if self.is_used:
            spawn("forgetting the words of an archive", self._index.forget(owner.bare))


def _text_of(entry: Entry) -> str:
    try:
        stanza = Stanza.parse(entry.stanza).element
    except ValueError:
        return ""
    texts = [
        child.text
        for child in stanza.elements()
        if child.ns == stanza.ns and child.name in ("body", "subject")
    ]
    return "\n".join(texts)[:MAX_TEXT_CHARS]
