"""What our storage has, as pieces: accounts host by host, then rooms service by service, each whole.

Not carried is what only this server can use: sessions, tokens of clients, push registrations, queues to other servers.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Final, Protocol

from xmppd.moving.model import (
    Account,
    Archived,
    ArchiveRules,
    Blocked,
    Contact,
    Item,
    LastSeen,
    Node,
    NotCarried,
    Offline,
    Piece,
    Private,
    Request,
    Room,
    RoomSubject,
    VCard,
)
from xmppd.services.accounts.stored import ACCOUNTS, CREDENTIALS, DISABLED, created_at
from xmppd.services.archive import preferences
from xmppd.services.archive.ids import STORE as ARCHIVE
from xmppd.services.inbox import records
from xmppd.services.presence.blocking import STORE as BLOCKING
from xmppd.services.profile import last_activity, private_data, vcards
from xmppd.services.pubsub.items import publisher_of
from xmppd.services.pubsub.node import Affiliation
from xmppd.services.pubsub.nodes import AFFILIATIONS, ITEMS, NODES, SUBSCRIPTIONS, record_of, subscription_of
from xmppd.services.rooms import store as rooms
from xmppd.services.roster.items import decode
from xmppd.services.roster.roster import REQUESTS
from xmppd.services.roster.roster import STORE as ROSTER
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.stanza.stanza_ids import with_stanza_id
from xmppd.storage.interface import Entry, part_of
from xmppd.stream.sasl.credentials import Credentials

PAGE: Final = 500
OF_ACCOUNT: Final = (
    ROSTER,
    REQUESTS,
    BLOCKING,
    vcards.STORE,
    private_data.STORE,
    preferences.STORE,
    last_activity.STORE,
    NODES,
    CREDENTIALS,
)


class ReadingStore(Protocol):
    """An opened storage, for who waits for it. All may raise `StorageError`."""

    def get_all(self, store: str, owner: str) -> dict[str, bytes]:
        """Give the values of *owner* by key, sorted."""

    def load(self, owner: str, stores: Sequence[str]) -> dict[str, dict[str, bytes]]:
        """Give the values of several stores."""

    def owners(self, store: str) -> list[str]:
        """Give who has anything in *store*, sorted."""

    def page(self, store: str, owner: str, after: int, limit: int) -> list[Entry]:
        """Give the next entries behind a place."""

    def by_ids(self, store: str, owner: str, ids: Sequence[str]) -> list[Entry]:
        """Give the entries with these ids."""


class StoredSource:
    """A `xmppd.moving.source.Source` of what is stored here; its units are accounts and rooms."""

    def __init__(self, store: ReadingStore, domains: Collection[str] | None = None, user: JID | None = None):
        """Of these *domains* alone, and of this *user* alone, where that is said."""
        self._store = store
        self.domains = frozenset((*store.owners(ACCOUNTS), *store.owners(rooms.ROOMS)))
        """The domains that have any data."""
        self._accounts = {
            host: [name for name in store.get_all(ACCOUNTS, host) if user is None or name == user.localpart]
            for host in store.owners(ACCOUNTS)
            if (domains is None or host in domains) and (user is None or host == user.domainpart)
        }
        self._services = [
            service
            for service in store.owners(rooms.ROOMS)
            if user is None and (domains is None or service in domains)
        ]
        self.total = sum(map(len, self._accounts.values())) + len(self._services)
        self.done = 0

    def pieces(self) -> Iterator[Piece]:
        """Give all pieces."""
        for host, names in self._accounts.items():
            times, disabled = self._store.get_all(ACCOUNTS, host), self._store.get_all(DISABLED, host)
            for name in names:
                self.done += 1
                yield from self._account(JID(name, host, None), created_at(times[name]), name in disabled)
        for service in self._services:
            self.done += 1
            for name in self._store.get_all(rooms.ROOMS, service):
                yield from self._room(JID(name, service, None))

    # -- accounts -----------------------------------------------------------------------------------------------------

    def _account(self, jid: JID, created: float, is_disabled: bool) -> Iterator[Piece]:
        stored = self._store.load(jid.bare, OF_ACCOUNT)
        try:
            credentials = Credentials.from_json(stored[CREDENTIALS].get("", b"{}"))
        except ValueError as error:
            yield NotCarried("keys of passwords that cannot be read", f"{jid.bare}: {error}")
            credentials = Credentials({})
        yield Account(jid, credentials or None, None, created, is_disabled)
        for contact, data in stored[ROSTER].items():
            yield from _tried(
                "contacts", jid, lambda contact=contact, data=data: Contact(decode(contact, data))
            )
        for sender, data in stored[REQUESTS].items():
            yield from _tried("subscription requests", jid, _request, sender, data)
        yield from (Blocked(JID.of_prepared(text)) for text in stored[BLOCKING])
        yield from (VCard(xml) for xml in stored[vcards.STORE].values())
        yield from _private(stored[private_data.STORE])
        yield from self._records(jid, stored)
        yield from self._offline(jid)
        yield from self._nodes(jid, stored[NODES])
        yield from self._archive(jid)

    def _records(self, jid: JID, stored: dict[str, dict[str, bytes]]) -> Iterator[Piece]:
        rules, left = stored[preferences.STORE].get(""), stored[last_activity.STORE].get("")
        if rules is not None:
            yield from _tried("archive preferences", jid, _rules, rules)
        if left is not None:
            activity = last_activity.activity_of(left)
            yield LastSeen(activity.left_at or 0.0, activity.status)

    def _offline(self, jid: JID) -> Iterator[Piece]:
        """What is not done of the inbox, whoever held a copy: nobody can acknowledge it any more."""
        for entries in self._pages(records.STORE, jid.bare):
            waiting = [entry for entry in entries if not records.read(jid.bare, entry).is_done]
            ids = [entry.id for entry in waiting if not entry.stanza]
            archived = (
                {each.id: each.stanza for each in self._store.by_ids(ARCHIVE, jid.bare, ids)} if ids else {}
            )
            for entry in waiting:
                data, archive_id = entry.stanza, ""
                if not data:
                    data, archive_id = archived.get(entry.id, b""), entry.id
                yield from _tried("offline messages", jid, _offline, jid.bare, entry, data, archive_id)

    def _nodes(self, jid: JID, stored: dict[str, bytes]) -> Iterator[Piece]:
        for name, data in stored.items():
            yield from _tried("nodes", jid, self._node, jid, name, data)
        for name in stored:
            for entries in self._pages(ITEMS, part_of(jid.bare, name)):
                for entry in entries:
                    publisher = publisher_of(entry)
                    publisher = "" if publisher == jid.bare else publisher
                    yield Item(name, entry.id, entry.stanza, entry.sent_at, publisher)

    def _node(self, jid: JID, name: str, data: bytes) -> Node:
        record = record_of(data)
        people = (
            self._store.load(part_of(jid.bare, name), (AFFILIATIONS, SUBSCRIPTIONS))
            if record.has_people
            else {}
        )
        return Node(
            name,
            record.options,
            record.created_at,
            {who: Affiliation(word.decode()) for who, word in people.get(AFFILIATIONS, {}).items()},
            {who: subscription_of(each) for who, each in people.get(SUBSCRIPTIONS, {}).items()},
        )

    def _archive(self, owner: JID) -> Iterator[Piece]:
        for entries in self._pages(ARCHIVE, owner.bare):
            for entry in entries:
                yield from _tried("archived messages", owner, _archived, entry)

    def _pages(self, store: str, owner: str) -> Iterator[list[Entry]]:
        after = 0
        while entries := self._store.page(store, owner, after, PAGE):
            yield entries
            if len(entries) < PAGE:
                return
            after = entries[-1].seq

    # -- rooms --------------------------------------------------------------------------------------------------------

    def _room(self, address: JID) -> Iterator[Piece]:
        try:
            room = rooms.read_room(address, self._store.load(address.bare, rooms.STORES), ())
        except (ValueError, KeyError, TypeError) as error:
            yield NotCarried("rooms that cannot be read", f"{address.bare}: {error!r}")
            return
        if room is None:
            return  # it was destroyed
        yield Room(address, room.settings, room.creator, room.created_at, room.affiliations, room.secret)
        if room.subject is not None:
            yield RoomSubject(room.subject.at, room.subject.stanza)
        if room.avatar:
            yield VCard(room.avatar)
        yield from self._archive(address)


def _tried(kind: str, owner: JID, make: Callable[..., Piece], *of: Any) -> Iterator[Piece]:
    """Give what *make* makes *of* this; where that cannot be read, what it was."""
    try:
        yield make(*of)
    except (ValueError, KeyError, TypeError) as error:
        yield NotCarried(f"{kind} that cannot be read", f"{owner.bare}: {error}")


def _private(stored: dict[str, bytes]) -> Iterator[Piece]:
    for key, xml in stored.items():
        ns, _, name = key.removeprefix("{").partition("}")
        yield Private(name, ns, xml)


def _contact(jid: str, data: bytes) -> Contact:
    return Contact(decode(jid, data))


def _request(sender: str, data: bytes) -> Request:
    return Request(JID.of_prepared(sender), Stanza.parse(data))


def _rules(data: bytes) -> ArchiveRules:
    return ArchiveRules(*preferences.decode(data))


def _offline(owner: str, entry: Entry, data: bytes, archive_id: str) -> Offline:
    """With its id in the archive, if it stands there, as it would have come with it."""
    stanza = Stanza.parse(data)
    return Offline(entry.sent_at, with_stanza_id(stanza, owner, archive_id) if archive_id else stanza)


def _archived(entry: Entry) -> Archived:
    return Archived(entry.id, entry.sent_at, entry.with_jid, entry.with_resource, Stanza.parse(entry.stanza))
