"""Message Retraction: XEP-0424 0.4.2, tombstones in archives.

A retraction that has entered an archive replaces the message it means, of the same sender in the same conversation,
by what says that it was there. The message is searched among the newest `SEARCHED` of the conversation, in pages, one
after the other with pauses, since a retraction is cheaply sent.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from twisted.internet.defer import Deferred

from xmppd.core.timers import Timer, Timers
from xmppd.core.waiting import spawn
from xmppd.services.archive.ids import STORE
from xmppd.stanza.element import Element, escape_attr
from xmppd.stanza.jid import JID, InvalidJID
from xmppd.stanza.kinds import NS_RETRACT
from xmppd.stanza.stamps import stamp_of
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Entry, Replace, Selection, Storage, StorageError

PAGE = 250
SEARCHED = 5_000
PAUSE_S = 0.02
"""Between two pages."""
MAX_WAITING = 1_000
MAX_WAITING_OF_ONE = 20
"""Searches that wait, and those of one sender; beyond it a retraction leaves no tombstone, but is archived like any
message."""


class Retraction(NamedTuple):
    """A retraction on its way into an archive."""

    owner: str
    """Whose archive it is."""
    with_jid: str
    archive_id: str
    at: float
    sender: str
    """The bare JID of who retracts."""
    stanza: Stanza


class Retractions:
    """Puts tombstones in the place of what was retracted."""

    def __init__(self, storage: Storage, timers: Timers, on_buried: Callable[[str, int], Deferred[None]]):
        """*on_buried(owner, seq)* is told of each entry that has lost its content."""
        self._storage = storage
        self._timers = timers
        self._on_buried = on_buried
        self._waiting: deque[Retraction] = deque()
        self._of_sender: dict[str, int] = {}

    def soon(self, retraction: Retraction) -> None:
        """Deal with *retraction* once it is in the archive."""
        sender, waiting = retraction.sender, self._waiting
        of_sender = self._of_sender.get(sender, 0)
        if retraction.stanza.id is None or len(waiting) >= MAX_WAITING or of_sender >= MAX_WAITING_OF_ONE:
            return
        self._of_sender[sender] = of_sender + 1
        waiting.append(retraction)
        if len(waiting) == 1:
            self._timers.add(0.0, self._start)

    def _start(self, now: float, timer: Timer, param: object) -> None:
        spawn("burying what was retracted", self._bury_all())

    async def _bury_all(self) -> None:
        while self._waiting:
            retraction = self._waiting[0]
            try:
                await self._search(retraction)
            except (StorageError, ValueError):
                pass  # the retraction is not there, or nothing can be read: the original stays as it is
            finally:
                self._done(self._waiting.popleft().sender)

    def _done(self, sender: str) -> None:
        self._of_sender[sender] -= 1
        if not self._of_sender[sender]:
            del self._of_sender[sender]

    async def _search(self, retraction: Retraction) -> None:
        wanted = _retracted_id(retraction.stanza)
        if not wanted:
            return
        own = await self._storage.read_ids(STORE, retraction.owner, (retraction.archive_id,), is_fresh=True)
        if not own:
            return
        before = own[0].seq
        mark = escape_attr(wanted).encode()
        for _ in range(SEARCHED // PAGE):
            selection = Selection(before=before, with_jid=retraction.with_jid)
            entries = await self._storage.read(STORE, retraction.owner, selection, limit=PAGE, reverse=True)
            for entry in entries:
                if mark in entry.stanza and _is_meant(entry, wanted, retraction.sender):
                    await self._storage.commit(
                        Replace(STORE, retraction.owner, entry.id, _tombstone(entry, retraction), entry.extra)
                    )
                    await self._on_buried(retraction.owner, entry.seq)
                    return
            if len(entries) < PAGE:
                return
            before = entries[-1].seq
            await self._timers.wait(PAUSE_S)


def _retracted_id(stanza: Stanza) -> str | None:
    retract = stanza.child("retract", NS_RETRACT)
    return None if retract is None else retract.get("id")


def _is_meant(entry: Entry, wanted: str, sender: str) -> bool:
    """XEP-0424 5: the original has that id, and came from the same bare JID; retractions themselves have to stay."""
    try:
        original = Stanza.parse(entry.stanza)
        is_same = original.id == wanted and JID.parse(original.from_ or "").bare == sender
        is_final = original.has("retracted", NS_RETRACT) or original.has("retract", NS_RETRACT)
        return is_same and not is_final
    except (ValueError, InvalidJID):
        return False


def _tombstone(entry: Entry, retraction: Retraction) -> bytes:
    """XEP-0424 4: addresses, type and id stay, the content goes."""
    original = Stanza.parse(entry.stanza)
    attrs = {"stamp": stamp_of(retraction.at), "id": retraction.stanza.id or ""}
    buried = Stanza.make(
        original.name,
        Element("retracted", NS_RETRACT, attrs),
        to=original.to,
        from_=original.from_,
        id=original.id,
        type=original.type,
        lang=original.lang,
    )
    return buried.to_bytes()
