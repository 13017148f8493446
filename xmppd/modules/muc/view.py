"""What a room writes: presence of occupants as others see it, messages of its own (XEP-0045 7.2.2, 14.4)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from xmppd.services.rooms.occupants import Occupant
from xmppd.services.rooms.roles import Affiliation, Role
from xmppd.services.rooms.room import Room
from xmppd.stanza.element import Element, escape_attr, escape_text
from xmppd.stanza.layout import ChildName
from xmppd.stanza.stanza import Stanza
from xmppd.stanza.stanza_ids import STANZA_ID, without_ids_of

NS: Final = "http://jabber.org/protocol/muc"
NS_USER: Final = "http://jabber.org/protocol/muc#user"
NS_UPDATE: Final = "vcard-temp:x:update"
NS_HATS: Final = "urn:xmpp:hats:0"
NS_OCCUPANT_ID: Final = "urn:xmpp:occupant-id:0"
X: Final[ChildName] = (NS_USER, "x")
JOIN: Final[ChildName] = (NS, "x")
OCCUPANT_ID: Final[ChildName] = (NS_OCCUPANT_ID, "occupant-id")
HATS: Final[ChildName] = (NS_HATS, "hats")
OURS: Final = frozenset((X, JOIN, OCCUPANT_ID, HATS))
"""What a room alone says (14.4 rule 6, XEP-0421 5, XEP-0317)."""
_FORGED: Final = OURS | {STANZA_ID}

SELF, NON_ANONYMOUS, CREATED, NICK_CHANGED_BY_SERVICE = 110, 100, 201, 210
AFFILIATION_CHANGED, CONFIGURATION_CHANGED = 101, 104
LOGGED, NOT_LOGGED, NOW_NON_ANONYMOUS, NOW_ANONYMOUS = 170, 171, 172, 173
BANNED, NEW_NICK, KICKED, AFFILIATION_LOST, MEMBERS_ONLY_NOW, SHUT_DOWN, LOST = (
    301,
    303,
    307,
    321,
    322,
    332,
    333,
)


@dataclass(frozen=True, slots=True)
class Change:
    """What presence tells besides how its occupant is now."""

    type: str | None = None
    statuses: tuple[int, ...] = ()
    own_statuses: tuple[int, ...] = ()
    """Those for the occupant alone, besides 110."""
    nick: str = ""
    """The new one (7.6)."""
    actor: str = ""
    """The nick of who has done it."""
    reason: str = ""
    more: str = ""
    """What else stands beside the item."""


PLAIN: Final = Change()


def cleaned(stanza: Stanza, room: str) -> Stanza:
    """Give what an occupant sends without what only the room (a bare JID) may say."""
    if _FORGED.isdisjoint(stanza.child_names):
        return stanza
    if STANZA_ID in stanza.child_names:
        stanza = without_ids_of(stanza, room)
    return stanza.without(lambda ns, name, index: (ns, name) in OURS)


def occupant_id_xml(room: Room, bare_jid: str) -> bytes:
    """Write the id that somebody has in a room (XEP-0421)."""
    return f"<occupant-id xmlns='{NS_OCCUPANT_ID}' id='{room.occupant_id(bare_jid)}'/>".encode()


def hats_xml(room: Room, bare_jid: str) -> bytes:
    """Write the hats that somebody wears (XEP-0317)."""
    hats = ""
    for uri, hat in room.hats.of(bare_jid):
        hue = f" hue='{escape_attr(hat.hue)}'" if hat.hue else ""
        hats += f"<hat title='{escape_attr(hat.title)}' uri='{escape_attr(uri)}'{hue}/>"
    return f"<hats xmlns='{NS_HATS}'>{hats}</hats>".encode()


def item_xml(
    affiliation: Affiliation, role: Role, *, jid: str = "", nick: str = "", actor: str = "", reason: str = ""
) -> str:
    """Write an ``<item/>`` with what is known; *actor* is a nick."""
    attrs = f" affiliation='{affiliation.word}' role='{role.word}'"
    if jid:
        attrs += f" jid='{escape_attr(jid)}'"
    if nick:
        attrs += f" nick='{escape_attr(nick)}'"
    inner = f"<actor nick='{escape_attr(actor)}'/>" if actor else ""
    if reason:
        inner += f"<reason>{escape_text(reason)}</reason>"
    return f"<item{attrs}>{inner}</item>" if inner else f"<item{attrs}/>"


def user_xml(item: str = "", statuses: Iterable[int] = (), more: str = "") -> bytes:
    """Write the ``<x/>`` around an item, statuses and *more*."""
    codes = "".join(f"<status code='{code}'/>" for code in statuses)
    return f"<x xmlns='{NS_USER}'>{item}{codes}{more}</x>".encode()


def presence_of(
    room: Room,
    occupant: Occupant,
    payload: Stanza,
    change: Change = PLAIN,
    *,
    with_jid: bool,
    is_self: bool = False,
    jid: str = "",
) -> Stanza:
    """Give an occupant's presence as some see it: *with_jid* those who may know who it is, *is_self* the occupant.

    *payload* is what the occupant sent, cleaned; *jid* the session where it is not the one that is shown.
    """
    affiliation = room.affiliation(occupant.bare_jid)
    role = Role.NONE if change.type is not None and not change.nick else occupant.role
    shown_jid = (jid or occupant.full_jid) if with_jid else ""
    item = item_xml(
        affiliation, role, jid=shown_jid, nick=change.nick, actor=change.actor, reason=change.reason
    )
    statuses = (SELF, *change.own_statuses, *change.statuses) if is_self else change.statuses
    inner = b"%b%b%b" % (payload.inner, occupant.id_xml, user_xml(item, statuses, change.more))
    names = (*payload.child_names, OCCUPANT_ID, X)
    if occupant.bare_jid in room.hats.worn:
        inner, names = inner + hats_xml(room, occupant.bare_jid), (*names, HATS)
    return Stanza(
        "presence", None, occupant.occupant_jid, payload.id, change.type, payload.lang, "", inner, names
    )


def room_message(room: Room, x: bytes, *, type: str | None = "groupchat", id: str | None = None) -> Stanza:
    """Give a message of the room itself, whose one child is the ``<x/>`` that is given."""
    return Stanza("message", None, room.address.bare, id, type, None, "", x, (X,))


def update_of(room: Room) -> Stanza:
    """Give the presence of the room itself that tells the hash of its picture, as clients expect it (XEP-0486 4.2)."""
    photo = Element("photo", NS_UPDATE, None, list(room.avatar_hashes[:1]))
    return Stanza.make("presence", Element("x", NS_UPDATE, None, [photo]), from_=room.address.bare)
