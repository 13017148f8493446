"""Pieces as changes of our storage, each in the format of the service that it belongs to."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from xmppd.moving import model
from xmppd.moving.model import Account, Room
from xmppd.services.accounts import stored as accounts
from xmppd.services.archive import preferences
from xmppd.services.archive.ids import STORE as ARCHIVE
from xmppd.services.inbox.machine import Record
from xmppd.services.inbox.records import append
from xmppd.services.presence.blocking import STORE as BLOCKING
from xmppd.services.profile import last_activity
from xmppd.services.profile.private_data import STORE as PRIVATE
from xmppd.services.profile.private_data import key_of
from xmppd.services.profile.vcards import STORE as VCARD
from xmppd.services.pubsub.node import NodeRecord
from xmppd.services.pubsub.nodes import (
    AFFILIATIONS,
    IS_SUBSCRIBED,
    ITEMS,
    PEOPLE,
    SUBSCRIPTIONS,
    node_change,
    people_key,
    subscription_data,
)
from xmppd.services.rooms import room as rooms
from xmppd.services.rooms import store as room_store
from xmppd.services.roster import items as roster
from xmppd.services.roster.roster import REQUESTS
from xmppd.services.roster.roster import STORE as ROSTER
from xmppd.stanza.jid import JID
from xmppd.stanza.stamps import to_milliseconds
from xmppd.stanza.stanza_ids import with_stanza_id
from xmppd.storage.interface import Append, Change, NewEntry, Put, part_of
from xmppd.stream.sasl.credentials import Credentials

_FIT_ID: Final = re.compile(r"[\w.~:;,+/=@!$()*#?|-]{1,200}", re.ASCII)
"""Ids of archives go into XML and keys as they are; what others have is mostly of these characters."""
SECRET_BYTES: Final = 24


class Keeping:
    """Knows the formats, the time of what comes without one, and how an id is made."""

    def __init__(self, now: Callable[[], float], random_text: Callable[[int], str]):
        """*now* is wall time in seconds since 1970; *random_text* gives so many unguessable bytes as text."""
        self._now = now
        self._random_text = random_text
        self._ways: Mapping[type, Callable[[JID, Any], list[Change]]] = {
            model.Contact: _contact,
            model.Request: _request,
            model.Blocked: lambda owner, piece: [Put(BLOCKING, owner.bare, piece.jid.full, b"")],
            model.VCard: lambda owner, piece: [Put(VCARD, owner.bare, "", piece.xml)],
            model.Private: lambda owner, piece: [
                Put(PRIVATE, owner.bare, key_of(piece.name, piece.ns), piece.xml)
            ],
            model.LastSeen: lambda owner, piece: [last_activity.leaving(owner.bare, piece.at, piece.status)],
            model.ArchiveRules: _rules,
            model.Offline: self._offline,
            model.Node: self._node,
            model.Item: self._item,
            model.Archived: self._archived,
        }

    def account(self, account: Account, credentials: Credentials) -> list[Change]:
        """Give what makes the account; it is there from then on."""
        created_at = self._now() if account.created_at is None else account.created_at
        changes = accounts.creation(account.jid, credentials, created_at)
        if account.is_disabled:
            changes.append(accounts.disabling(account.jid, self._now()))
        return changes

    def room(self, room: Room) -> list[Change]:
        """Give what makes the room; it is there from then on."""
        secret = room.secret or self._random_text(SECRET_BYTES).encode()
        created_at = to_milliseconds(self._now()) if room.created_at is None else room.created_at
        made = rooms.Room(room.address, room.settings, secret, created_at, room.creator)
        changes = room_store.settings_changes(made, room.settings, False)
        changes += (
            room_store.affiliation_change(room.address, jid, each) for jid, each in room.affiliations.items()
        )
        return changes

    def of_account(self, owner: JID, piece: object) -> list[Change]:
        """Give what keeps a piece of an account."""
        return self._ways[type(piece)](owner, piece)

    def of_room(self, address: JID, piece: object) -> list[Change]:
        """Give what keeps a piece of a room."""
        if isinstance(piece, model.RoomSubject):
            at = to_milliseconds(self._now()) if piece.at is None else piece.at
            return [room_store.subject_change(address, rooms.Subject(piece.stanza, at))]
        if isinstance(piece, model.VCard):
            return room_store.vcard_changes(address, piece.xml, ())
        return self._archived(address, piece) if isinstance(piece, model.Archived) else []

    def id(self, given: str) -> str:
        """Give an id as it was where that can be, so that clients find what they know; else another."""
        return given if _FIT_ID.fullmatch(given) else self._random_text(12)

    def _offline(self, owner: JID, piece: model.Offline) -> list[Change]:
        return [append(Record(owner.bare, self._random_text(12)), piece.stanza, piece.at)]

    def _archived(self, owner: JID, piece: model.Archived) -> list[Change]:
        at, id = to_milliseconds(piece.at), self.id(piece.id)
        stanza = piece.stanza
        if stanza.type == "groupchat":  # what a room says bears the id wherever it is shown
            stanza = (
                with_stanza_id(stanza, owner.bare, id) if id != piece.id or not _bears(stanza) else stanza
            )
        return [
            Append(
                ARCHIVE,
                owner.bare,
                NewEntry(id, at, piece.with_jid, stanza.to_bytes(), b"", piece.with_resource),
            )
        ]

    def _node(self, owner: JID, piece: model.Node) -> list[Change]:
        created_at = self._now() if piece.created_at is None else piece.created_at
        people = {*piece.affiliations, *piece.subscriptions}
        record = NodeRecord(piece.options, created_at, owner.bare, bool(people))
        part = part_of(owner.bare, piece.name)
        changes: list[Change] = [node_change(owner.bare, piece.name, record)]
        changes += (Put(AFFILIATIONS, part, jid, each.encode()) for jid, each in piece.affiliations.items())
        for jid, each in piece.subscriptions.items():
            known = each if each.subid else each._replace(subid=self._random_text(12))
            changes.append(Put(SUBSCRIPTIONS, part, jid, subscription_data(known)))
        for jid in sorted(people):
            known_by = IS_SUBSCRIBED if jid in piece.subscriptions else b""
            changes.append(Put(PEOPLE, owner.bare, people_key(jid, piece.name), known_by))
        return changes

    def _item(self, owner: JID, piece: model.Item) -> list[Change]:
        bare, _, resource = (piece.publisher or owner.bare).partition("/")
        at = self._now() if piece.at is None else piece.at
        entry = NewEntry(piece.id or self._random_text(12), at, bare, piece.payload, b"", resource)
        return [Append(ITEMS, part_of(owner.bare, piece.node), entry)]


def _bears(stanza: Any) -> bool:
    return any(name == ("urn:xmpp:sid:0", "stanza-id") for name in stanza.child_names)


def _contact(owner: JID, piece: model.Contact) -> list[Change]:
    return [Put(ROSTER, owner.bare, piece.item.jid, roster.encode(piece.item))]


def _request(owner: JID, piece: model.Request) -> list[Change]:
    return [Put(REQUESTS, owner.bare, piece.sender.bare, piece.stanza.to_bytes())]


def _rules(owner: JID, piece: model.ArchiveRules) -> list[Change]:
    wanted = preferences.Preferences(piece.default, piece.always, piece.never)
    return [Put(preferences.STORE, owner.bare, "", preferences.encode(wanted))]
