"""How rooms are stored: one owner each, its bare JID, so that all of a room goes with `DeleteOwner`.

=====================  ==========================  =======================================================
store                  owner, key                  value
=====================  ==========================  =======================================================
``rooms``              service, name of the room   what a list of rooms shows; or what is left of one that
                                                   was destroyed
``room``               room, ``""``                JSON: settings, secret, whether it is locked, when it began
``room``               room, ``subject``           the message that set the subject, behind the time and a blank
``room``               room, ``vcard``             the vCard (XEP-0486) as it was sent
``room``               room, ``hashes``            the SHA-1 of each picture in it
``room``               room, ``hats``              JSON: the hats that there are, and who wears them
``room_affiliations``  room, bare JID or domain    JSON: affiliation, reserved nick, reason
``room_remote``        room, full JID              the nick of an occupant of another server
``archive``            room                        what was said (XEP-0313); with whom: the sender's real JID
=====================  ==========================  =======================================================

``rooms`` is keyed by name, so that it is at home with the room (`xmppd.storage.homes`).
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from twisted.logger import Logger

from xmppd.services.archive.ids import STORE as ARCHIVE
from xmppd.services.rooms.hats import Hats
from xmppd.services.rooms.hats import from_mapping as from_json
from xmppd.services.rooms.hats import to_mapping as to_json
from xmppd.services.rooms.kinds import is_subject
from xmppd.services.rooms.roles import AFFILIATIONS
from xmppd.services.rooms.room import Affiliated, Room, Said, Subject
from xmppd.services.rooms.settings import RoomSettings, decode, encode, from_mapping, to_mapping
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Append, Change, Delete, DeleteOwner, Entry, NewEntry, Put, Replace

ROOMS: Final = "rooms"
ROOM: Final = "room"
AFFILIATED: Final = "room_affiliations"
REMOTE: Final = "room_remote"
STORES: Final = (ROOM, AFFILIATED)
_log = Logger()
SUBJECT, VCARD, HASHES, HATS = "subject", "vcard", "hashes", "hats"


class Listed(NamedTuple):
    """What a list of rooms shows of one."""

    name: str
    title: str = ""
    is_public: bool = True
    is_persistent: bool = False
    creator: str = ""
    description: str = ""
    language: str = ""
    is_open: bool = False
    """Whether one may enter without a password or being a member."""
    is_anonymous: bool = True


class Tombstone(NamedTuple):
    """What is left of a room that was destroyed (10.9)."""

    at: float
    reason: str = ""
    venue: str = ""
    """Where to go instead: the bare JID of another room, or nothing."""
    password: str = ""


# -- what is written --------------------------------------------------------------------------------------------------


def settings_changes(room: Room, settings: RoomSettings, is_locked: bool) -> list[Change]:
    """Give what stores a room with these settings, and lists it."""
    value = {
        "settings": to_mapping(settings),
        "secret": b64encode(room.secret).decode(),
        "created_at": room.created_at,
        "creator": room.creator,
        **({"is_locked": True} if is_locked else {}),
    }
    listed = {
        "title": settings.name,
        "is_public": settings.is_public and not is_locked,
        "is_persistent": settings.is_persistent and not is_locked,
        "creator": room.creator,
        "description": settings.description,
        "language": settings.language,
        "is_open": settings.is_open,
        "is_anonymous": settings.is_anonymous,
    }
    address = room.address
    return [
        Put(ROOM, address.bare, "", encode(value)),
        Put(ROOMS, address.domainpart, address.localpart or "", encode(listed)),
    ]


def affiliation_change(room: JID, bare_jid: str, affiliated: Affiliated | None) -> Change:
    """Give what stores somebody's affiliation; None for who has none any more."""
    if affiliated is None:
        return Delete(AFFILIATED, room.bare, bare_jid)
    value = {"affiliation": affiliated.affiliation.word}
    if affiliated.nick:
        value["nick"] = affiliated.nick
    if affiliated.reason:
        value["reason"] = affiliated.reason
    return Put(AFFILIATED, room.bare, bare_jid, encode(value))


def subject_change(room: JID, subject: Subject) -> Change:
    """Give what stores the subject."""
    return Put(ROOM, room.bare, SUBJECT, b"%r %b" % (subject.at, subject.stanza.to_bytes()))


def vcard_changes(room: JID, vcard: bytes, hashes: Sequence[str]) -> list[Change]:
    """Give what stores the vCard with the hashes of its pictures; nothing is kept of an empty one."""
    if not vcard:
        return [Delete(ROOM, room.bare, VCARD), Delete(ROOM, room.bare, HASHES)]
    return [Put(ROOM, room.bare, VCARD, vcard), Put(ROOM, room.bare, HASHES, " ".join(hashes).encode())]


def hats_change(room: JID, hats: Hats) -> Change:
    """Give what stores the hats."""
    return Put(ROOM, room.bare, HATS, encode(to_json(hats))) if hats.known else Delete(ROOM, room.bare, HATS)


def archive_change(room: JID, said: Said) -> Change:
    """Give what puts a message into the room's archive."""
    bare_jid, _, resource = said.by.partition("/")
    entry = NewEntry(said.id, said.at, bare_jid, said.stanza.to_bytes(), b"", resource)
    return Append(ARCHIVE, room.bare, entry)


def destroying_changes(room: JID, tombstone: Tombstone | None) -> list[Change]:
    """Give what forgets a room with all that was said in it, and remembers that it was destroyed."""
    name, service = room.localpart or "", room.domainpart
    if tombstone is None:
        return [DeleteOwner(room.bare), Delete(ROOMS, service, name)]
    left = {key: value for key, value in tombstone._asdict().items() if value or key == "at"}
    return [DeleteOwner(room.bare), Put(ROOMS, service, name, encode({"tombstone": left}))]


def moderation_changes(room: JID, id: str, tombstone: Stanza, said: Said | None) -> list[Change]:
    """Give what puts a tombstone in the place of a message, and tells of it behind all others (XEP-0424, XEP-0425)."""
    changes: list[Change] = [Replace(ARCHIVE, room.bare, id, tombstone.to_bytes())]
    if said is not None:
        changes.append(archive_change(room, said))
    return changes


# -- what is read -----------------------------------------------------------------------------------------------------


def read_room(address: JID, stored: Mapping[str, Mapping[str, bytes]], said: Iterable[Entry]) -> Room | None:
    """Give the room that is stored, whole; None where there is none. ValueError where it cannot be read.

    *said* are the newest messages of its archive, oldest first.
    """
    data = stored[ROOM].get("")
    if data is None:
        return None
    value = decode(data)
    room = Room(
        address,
        from_mapping(value["settings"]),
        b64decode(value["secret"]),
        float(value["created_at"]),
        value["creator"],
    )
    room.is_locked = bool(value.get("is_locked", False))
    for jid, affiliated in stored[AFFILIATED].items():
        room.set_affiliated(jid, _affiliated(decode(affiliated)))
    subject = stored[ROOM].get(SUBJECT)
    if subject is not None:
        at, _, stanza = subject.partition(b" ")
        room.subject = Subject(Stanza.parse(stanza), float(at))
    hats = stored[ROOM].get(HATS)
    if hats is not None:
        room.hats = from_json(decode(hats))
    room.avatar = stored[ROOM].get(VCARD, b"")
    room.avatar_hashes = tuple(stored[ROOM].get(HASHES, b"").decode().split())
    for entry in said:
        try:
            message = said_in(entry)
        except ValueError as error:
            _log.error(
                "A message of {room} cannot be read back: {error}", room=address.bare, error=str(error)
            )
            continue
        if not is_subject(message.stanza.child_names):  # 7.2.15: the subject is told otherwise
            room.history.append(message)
    return room


def said_in(entry: Entry) -> Said:
    """Give the message in an entry of a room's archive; ValueError where it cannot be read back."""
    by = f"{entry.with_jid}/{entry.with_resource}" if entry.with_resource else entry.with_jid
    return Said(entry.id, entry.sent_at, Stanza.parse(entry.stanza), by)


def read_listed(name: str, data: bytes) -> Listed | Tombstone:
    """Give what a list shows of a room, or what is left of it; ValueError."""
    value = decode(data)
    tombstone: dict[str, Any] | None = value.get("tombstone")
    if tombstone is not None:
        return Tombstone(**tombstone)
    known = {key: each for key, each in value.items() if key in Listed._fields}
    return Listed(name, **known)


def _affiliated(value: Mapping[str, Any]) -> Affiliated:
    return Affiliated(AFFILIATIONS[value["affiliation"]], value.get("nick", ""), value.get("reason", ""))
