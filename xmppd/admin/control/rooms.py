"""Control commands about rooms (XEP-0045), by the module of their service."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from xmppd.admin.control.answers import RoomAffiliation, RoomNamed, RoomOccupant, RoomRow, RoomShown
from xmppd.admin.control.names import served
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.wire import ControlError
from xmppd.admin.loaded import loaded
from xmppd.core.operations.running import does
from xmppd.core.waiting import deferred
from xmppd.modules.muc.module import Muc
from xmppd.modules.muc.operations import RoomOperations
from xmppd.services.rooms.roles import AFFILIATIONS
from xmppd.services.rooms.room import Room
from xmppd.services.rooms.rooms import RoomExists
from xmppd.services.rooms.settings import to_mapping, written
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID, InvalidJID, why_invalid

T = TypeVar("T")
PAGE = 200
_TO_SEE = "to see what is there: xmppctl room list"


@does("room.list")
@deferred
async def room_list(parts: ControlParts, service: str | None = None) -> list[RoomRow]:
    """Give all rooms, hidden ones too, of one service or of all, by service and name."""
    found: list[RoomRow] = []
    for name, rooms in _services(parts, service):
        after: str | None = None
        while True:
            page = await rooms.listed(after, PAGE)
            for each in page.rooms:
                found.append(
                    {
                        "room": f"{each.name}@{name}",
                        "title": each.title,
                        "public": each.is_public,
                        "persistent": each.is_persistent,
                        "occupants": rooms.occupants(each.name),
                        "creator": each.creator,
                    }
                )
            after = page.last
            if after is None:
                break
    return found


@does("room.show")
@deferred
async def room_show(parts: ControlParts, room: str) -> RoomShown:
    """Give all of a room but who is there and what was said."""
    address, rooms = _room(parts, room)
    return _shown(await _told(rooms.room, address))


@does("room.create")
@deferred
async def room_create(parts: ControlParts, room: str, owner: str) -> RoomNamed:
    """Make a room that stays when nobody is in it, with an owner."""
    address, rooms = _room(parts, room)
    try:
        await _told(rooms.create, address, _jid(owner))
    except RoomExists:
        raise ControlError("room-exists", f"there is a room {address.bare}; {_TO_SEE}") from None
    return {"room": address.bare}


@does("room.config")
@deferred
async def room_config(parts: ControlParts, room: str, settings: list[str]) -> RoomShown:
    """Change settings of a room, each as NAME=VALUE; gives all of it."""
    address, rooms = _room(parts, room)
    changes = dict(_pair(each) for each in settings)
    try:
        return _shown(await _told(rooms.configure, address, changes))
    except ValueError as error:
        raise ControlError("bad-arguments", str(error)) from error


@does("room.destroy")
@deferred
async def room_destroy(
    parts: ControlParts, room: str, reason: str | None = None, venue: str | None = None
) -> RoomNamed:
    """Destroy a room with its archive; who is there is told the reason, and where to go instead."""
    address, rooms = _room(parts, room)
    await _told(rooms.destroy, address, reason or "", _jid(venue) if venue else "")
    return {"room": address.bare}


@does("room.affiliation")
@deferred
async def room_affiliation(
    parts: ControlParts, room: str, jid: str, affiliation: str, reason: str | None = None
) -> RoomAffiliation:
    """Give an account, or a domain, another affiliation with a room."""
    address, rooms = _room(parts, room)
    wanted = AFFILIATIONS.get(affiliation)
    if wanted is None:
        raise ControlError("bad-usage", f"there is no affiliation {affiliation!r}: {', '.join(AFFILIATIONS)}")
    bare_jid = _jid(jid)
    await _told(rooms.affiliate, address, bare_jid, wanted, reason or "")
    return {"jid": bare_jid, "affiliation": affiliation, "nick": "", "reason": reason or ""}


@does("room.occupants")
@deferred
async def room_occupants(parts: ControlParts, room: str) -> list[RoomOccupant]:
    """Give who is in a room."""
    address, rooms = _room(parts, room)
    found = await _told(rooms.room, address)
    return [
        {
            "nick": each.nick,
            "jids": list(each.sessions),
            "affiliation": found.affiliation(each.bare_jid).word,
            "role": each.role.word,
        }
        for each in found.occupants.values()
    ]


@does("room.kick")
@deferred
async def room_kick(parts: ControlParts, room: str, nick: str, reason: str | None = None) -> RoomNamed:
    """Remove an occupant from a room."""
    address, rooms = _room(parts, room)
    await _told(rooms.kick, address, nick, reason or "")
    return {"room": address.bare}


def _services(parts: ControlParts, service: str | None) -> list[tuple[str, RoomOperations]]:
    modules = [(each.name, loaded(each, Muc)) for each in parts.hosts]
    found = [(name, module.operations) for name, module in modules if module is not None]
    if not found:
        remedy = 'write [components."rooms.NAME"] module = "muc"'
        raise ControlError("no-rooms", f"no service of rooms is configured; {remedy}")
    if service is None:
        return found
    name = served(parts.hosts, service).name
    of_service = [each for each in found if each[0] == name]
    if not of_service:
        raise ControlError("no-rooms", f"{name} has no rooms; they are at {', '.join(at for at, _ in found)}")
    return of_service


def _room(parts: ControlParts, text: str) -> tuple[JID, RoomOperations]:
    """Give the address of a room, which may be a lone name where there is one service of rooms."""
    if "@" not in text:
        services = _services(parts, None)
        if len(services) != 1:
            raise ControlError(
                "invalid-name", f"{text!r} lacks its service; write it as name@rooms.example.org"
            )
        text = f"{text}@{services[0][0]}"
    address = JID.parse(_jid(text))
    if address.localpart is None:
        raise ControlError("invalid-name", f"{text!r} is no room; write it as name@rooms.example.org")
    return address, _services(parts, address.domainpart)[0][1]


def _pair(text: object) -> tuple[str, str]:
    name, equals, value = str(text).partition("=")
    if not equals:
        raise ControlError("bad-arguments", f"{text} is no setting: write NAME=VALUE")
    return name.strip(), value.strip()


def _jid(text: str) -> str:
    try:
        return JID.parse(text).bare
    except InvalidJID as error:
        raise ControlError("invalid-name", f"{text!r} is no address: {why_invalid(error)}") from error


async def _told(method: Callable[..., Awaitable[T]], address: JID, *args: object) -> T:
    try:
        return await method(address, *args)
    except StanzaError as error:
        if error.condition == "item-not-found" and error.text != "Nobody has this nick":
            raise ControlError("no-such-room", f"there is no room {address.bare}; {_TO_SEE}") from error
        raise ControlError("room-error", (error.text or error.condition).lower()) from error


def _shown(room: Room) -> RoomShown:
    settings = room.settings
    subject = room.subject.stanza.element.child_text("subject") or "" if room.subject is not None else ""
    return {
        "room": room.address.bare,
        "title": settings.name,
        "public": settings.is_public,
        "persistent": settings.is_persistent,
        "occupants": len(room.occupants),
        "creator": room.creator,
        "created": datetime.fromtimestamp(room.created_at, UTC).isoformat(),
        "subject": subject,
        "password": bool(settings.password),
        "settings": {k: written(value) for k, value in to_mapping(settings).items() if k != "password"},
        "affiliations": [
            {"jid": jid, "affiliation": each.affiliation.word, "nick": each.nick, "reason": each.reason}
            for jid, each in sorted(room.affiliations.items())
        ],
    }
