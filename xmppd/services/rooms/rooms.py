"""All rooms of this server: made, loaded when somebody asks for them, changed, let go of, destroyed.

Rules that live here: a room in memory is the one that is stored. It is loaded whole or not at all, once, however many
ask for it at the same time. What is stored of it changes in one step with the room in memory, after the commit; where
that fails nothing has changed. What is said, and taken back by who said it, is told before the commit, and so it is in
memory before: where that fails it is taken out again. One change of a room is made at a time. A room that nobody is in
leaves memory after a while (`RoomsInMemory.sweep`), and comes back as it was; a stop deletes nothing.
"""

from base64 import b32encode
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple
from weakref import WeakValueDictionary

from twisted.internet.defer import DeferredLock
from twisted.logger import Logger

from xmppd.core.events import Traffic
from xmppd.core.ids import Ids
from xmppd.core.waiting import deferred
from xmppd.services.archive.ids import STORE as ARCHIVE
from xmppd.services.rooms import store
from xmppd.services.rooms.activity import Activity
from xmppd.services.rooms.hats import Hats
from xmppd.services.rooms.kinds import is_kept
from xmppd.services.rooms.roles import Affiliation
from xmppd.services.rooms.room import KEPT, Affiliated, Room, Said, Subject
from xmppd.services.rooms.settings import RoomSettings
from xmppd.services.rooms.store import Listed, Tombstone
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.stamps import to_milliseconds
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import MAX_PAGE, Change, Delete, KeyRange, Put, Storage, StorageError
from xmppd.storage.pages import all_owners

SECRET_BYTES: Final = 32
NAME_BYTES, NAME_CHARS = 24, 32
TOMBSTONE_S: Final = 31 * 86_400.0
"""So long the name of a destroyed room is not used again."""


class Page(NamedTuple):
    """Some of the rooms of a service."""

    rooms: list[Listed]
    last: str | None
    """The name behind (before, in reverse) which there may be more; None where this is the end."""


class RoomExists(Exception):
    """There is a room of this name."""


class Rooms:
    """The rooms of all services in this process, by bare JID."""

    _log = Logger()

    def __init__(self, storage: Storage, now: Callable[[], float], random_text: Callable[[int], str]):
        """*now* is wall time in seconds since 1970; *random_text* gives so many unguessable bytes as text."""
        self._storage = storage
        self._now = now
        self._random_text = random_text
        self._ids = Ids(random_text)
        self.loaded: dict[str, Room] = {}
        """Those in memory; read on the way of every message, written here alone."""
        self._made: dict[str, Counter[str]] = {}
        """How many rooms somebody has made, by service; counted when that is asked for first."""
        self._locks: WeakValueDictionary[str, DeferredLock] = WeakValueDictionary()

    # -- which there are ----------------------------------------------------------------------------------------------

    @deferred
    async def open(self, address: JID) -> Room | None:
        """Give the room at a bare JID; None where there is none. Waits for the storage; `StorageError`."""
        room = self.loaded.get(address.bare)
        if room is not None and not room.is_closing:
            return room
        async with self._lock(address):
            return await self._open(address)

    @deferred
    async def create(
        self,
        address: JID,
        owner: str,
        settings: RoomSettings,
        *,
        is_locked: bool,
        over_tombstone: bool = False,
    ) -> Room:
        """Make a room that *owner* (a bare JID) owns. Waits for the commit; `StorageError`, and then there is none.

        `RoomExists` where another was quicker; `StanzaError` gone where it was destroyed, unless *over_tombstone*.
        """
        async with self._lock(address):
            if await self._open(address) is not None:
                raise RoomExists
            if not over_tombstone:
                await self._check_tombstone(address)
            secret = self._random_text(SECRET_BYTES).encode()
            room = Room(address, settings, secret, to_milliseconds(self._now()), owner)
            room.is_locked = is_locked
            owned = Affiliated(Affiliation.OWNER)
            changes = store.settings_changes(room, settings, is_locked)
            await self._storage.commit(*changes, store.affiliation_change(address, owner, owned))
            room.set_affiliated(owner, owned)
            room.idle_since = self._now()
            self.loaded[address.bare] = room
            self._count(room, 1)
            return room

    @deferred
    async def listed(
        self,
        service: str,
        after: str | None = None,
        before: str | None = None,
        *,
        limit: int,
        reverse: bool = False,
    ) -> Page:
        """Give a page of the rooms of a service, hidden ones too, by name. Waits; `StorageError`."""
        found = await self._storage.get_range(
            store.ROOMS, service, KeyRange(after=after, before=before), limit=limit, reverse=reverse
        )
        rooms = [store.read_listed(name, data) for name, data in found.items()]
        names = list(found)
        last = None if len(names) < limit else names[0 if reverse else -1]
        return Page([each for each in rooms if isinstance(each, Listed)], last)

    @deferred
    async def made_by(self, service: str, creator: str) -> int:
        """Give how many rooms of a service somebody has made that are still there. Waits at the first call."""
        counts = self._made.get(service)
        if counts is None:
            counts = Counter[str]()
            last: str | None = None
            while True:
                page = await self.listed(service, last, limit=MAX_PAGE)
                counts.update(each.creator for each in page.rooms)
                if page.last is None:
                    break
                last = page.last
            counts = self._made.setdefault(service, counts)
        return counts[creator]

    def _count(self, room: Room, by: int) -> None:
        counts = self._made.get(room.address.domainpart)
        if counts is not None:
            counts[room.creator] += by
            if counts[room.creator] <= 0:
                del counts[room.creator]

    def of_service(self, service: str) -> Iterator[Room]:
        """Give the rooms of a service that are in memory."""
        return (room for room in list(self.loaded.values()) if room.address.domainpart == service)

    async def _open(self, address: JID) -> Room | None:
        room = self.loaded.get(address.bare)
        if room is not None:
            return room
        stored = await self._storage.load(address.bare, store.STORES)
        if "" not in stored[store.ROOM]:
            return None
        said = await self._storage.read(ARCHIVE, address.bare, limit=KEPT, reverse=True, is_fresh=True)
        try:
            room = store.read_room(address, stored, reversed(said))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            self._log.error("The room {room} cannot be read: {error}", room=address.bare, error=repr(error))
            raise StanzaError("internal-server-error", "The room cannot be read") from error
        if room is not None:
            room.idle_since = self._now()
            room.activity = Activity(room.idle_since)
            self.loaded[address.bare] = room
        return room

    async def _check_tombstone(self, address: JID) -> None:
        data = await self._storage.get(store.ROOMS, address.domainpart, address.localpart or "")
        left = store.read_listed("", data) if data is not None else None
        if isinstance(left, Tombstone) and self._now() < left.at + TOMBSTONE_S:
            venue = f"xmpp:{left.venue}?join" if left.venue else None
            raise StanzaError("gone", left.reason or "The room was destroyed", uri=venue)

    def _lock(self, address: JID) -> DeferredLock:
        lock = self._locks.get(address.bare)
        if lock is None:
            self._locks[address.bare] = lock = DeferredLock()
        return lock

    # -- what changes -------------------------------------------------------------------------------------------------
    # All of these wait for the commit and raise `StorageError` where it fails; whoever calls them holds `Room.lock`.

    @deferred
    async def configure(
        self, room: Room, settings: RoomSettings, affiliations: Sequence[tuple[str, Affiliated]] = ()
    ) -> None:
        """Give a room other settings, and others their *affiliations*; it is locked no more."""
        changes = store.settings_changes(room, settings, False)
        changes += (store.affiliation_change(room.address, jid, each) for jid, each in affiliations)
        await self._storage.commit(*changes)
        room.settings, room.is_locked = settings, False
        for jid, each in affiliations:
            room.set_affiliated(jid, each)

    @deferred
    async def affiliate(self, room: Room, affiliations: Sequence[tuple[str, Affiliated | None]]) -> None:
        """Give several bare JIDs other affiliations, all or none; None takes away what they have."""
        await self._storage.commit(
            *(store.affiliation_change(room.address, jid, each) for jid, each in affiliations)
        )
        for jid, each in affiliations:
            room.set_affiliated(jid, each)

    @deferred
    async def set_subject(self, room: Room, said: Said) -> None:
        """Give a room the subject that the message *said* has."""
        subject = Subject(said.stanza, said.at)
        changes: list[Change] = [store.subject_change(room.address, subject)]
        if room.settings.is_archived:
            changes.append(store.archive_change(room.address, said))
        await self._storage.commit(*changes)
        room.subject = subject

    @deferred
    async def set_avatar(self, room: Room, vcard: bytes, hashes: tuple[str, ...]) -> None:
        """Give a room another vCard with pictures of these *hashes* (XEP-0486); an empty one takes it away."""
        await self._storage.commit(*store.vcard_changes(room.address, vcard, hashes))
        room.avatar, room.avatar_hashes = vcard, hashes

    @deferred
    async def set_hats(self, room: Room, hats: Hats) -> None:
        """Give a room other hats, or others who wear them (XEP-0317)."""
        await self._storage.commit(store.hats_change(room.address, hats))
        room.hats = hats

    @deferred
    async def moderate(self, room: Room, id: str, tombstone: Stanza, said: Said) -> None:
        """Put *tombstone* in the place of a message, and *said*, which tells of it, behind all others (XEP-0425)."""
        await self._storage.commit(*store.moderation_changes(room.address, id, tombstone, said))
        room.replace_said(id, tombstone)
        room.history.append(said)

    def retract(self, room: Room, id: str, tombstone: Stanza, retraction: Traffic) -> None:
        """Put *tombstone* in the place of a message, by the changes of the *retraction* (XEP-0424)."""
        retraction.changes += store.moderation_changes(room.address, id, tombstone, None)
        before = room.replace_said(id, tombstone)
        if before is not None:
            retraction.undo_with(lambda: room.replace_said(id, before))

    @deferred
    async def archived(self, room: Room, id: str) -> Said | None:
        """Give a message of the archive; None where there is none with this id. Waits; `StorageError`."""
        entries = await self._storage.read_ids(ARCHIVE, room.address.bare, (id,), is_fresh=True)
        try:
            return store.said_in(entries[0]) if entries else None
        except ValueError:
            return None

    @deferred
    async def destroy(self, room: Room, tombstone: Tombstone | None) -> None:
        """Destroy a room; *tombstone* is what is left of it, None lets the name be used again at once."""
        room.is_closing = True
        try:
            await self._storage.commit(*store.destroying_changes(room.address, tombstone))
        except BaseException:
            room.is_closing = False
            raise
        room.is_gone = True
        self.let_go(room)
        self._count(room, -1)

    # -- what is said -------------------------------------------------------------------------------------------------

    def keep(self, room: Room, said: Said, message: Traffic) -> None:
        """Keep what was said for who enters, and in the archive, as far as it is worth it, by the changes of *message*.

        It is acknowledged when they are committed; where they cannot be it is as if nothing had been said.
        """
        if is_kept(said.stanza.child_names):
            room.history.append(said)
            message.undo_with(lambda: room.unsay(said))
            if room.settings.is_archived:
                message.changes.append(store.archive_change(room.address, said))

    # -- occupants of other servers -----------------------------------------------------------------------------------

    def remote_entered(self, room: Room, full_jid: str, changes: list[Change]) -> None:
        """Remember by *changes* that somebody of another server is there, for the time after a crash."""
        occupant = room.by_jid[full_jid]
        changes.append(Put(store.REMOTE, room.address.bare, full_jid, occupant.nick.encode()))

    def remote_left(self, room: Room, full_jid: str) -> None:
        """Remember it no more."""
        self._storage.submit((Delete(store.REMOTE, room.address.bare, full_jid),), _whatever)

    @deferred
    async def left_behind(self, service: str) -> list[tuple[str, str, str]]:
        """Give who was in a room of the service when the server ended, and is not there: room, full JID, nick.

        They are forgotten by that. Waits; `StorageError`.
        """
        found: list[tuple[str, str, str]] = []
        for owner in await all_owners(self._storage, store.REMOTE):
            if owner.rpartition("@")[2] != service:
                continue
            for full_jid, nick in (await self._storage.get_all(store.REMOTE, owner)).items():
                room = self.loaded.get(owner)
                if room is None or full_jid not in room.by_jid:
                    found.append((owner, full_jid, nick.decode()))
        await self._storage.commit(*(Delete(store.REMOTE, owner, jid) for owner, jid, _ in found))
        return found

    # -- the rest -----------------------------------------------------------------------------------------------------

    def next_id(self) -> str:
        """Give an id for a message."""
        return self._ids.next()

    def unique_name(self) -> str:
        """Give a name that no room has (XEP-0307): nobody can guess it."""
        return b32encode(self._random_text(NAME_BYTES).encode())[:NAME_CHARS].decode().lower()

    def let_go(self, room: Room) -> None:
        """Keep a room in memory no more: nobody is in it. What is stored of it stays."""
        if self.loaded.get(room.address.bare) is room:
            del self.loaded[room.address.bare]

    def now(self) -> float:
        """Give wall time, in milliseconds at the finest, as stamps show it."""
        return to_milliseconds(self._now())


def _whatever(error: StorageError | None) -> None:
    """Who is told once too often that the server ended enters once more."""
