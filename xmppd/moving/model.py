"""What people have on a server, in words that belong to no server: the pieces that readers give and writers take.

A stream of pieces is in this order: an `Account` or a `Room`, then all that belongs to it, then the next one. XML is
bytes of one element that declares its own namespace; a message or presence is a `Stanza`. Times are in seconds since
1970. A `NotCarried` may stand anywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from xmppd.services.pubsub.node import Affiliation, Subscription
from xmppd.services.pubsub.options import NodeOptions
from xmppd.services.rooms.room import Affiliated
from xmppd.services.rooms.settings import RoomSettings
from xmppd.services.roster.items import RosterItem
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.stream.sasl.credentials import Credentials


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody's account, with the keys of the password or, where only that is known, the password."""

    jid: JID
    credentials: Credentials | None = None
    password: str | None = field(default=None, repr=False)
    created_at: float | None = None
    is_disabled: bool = False


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact of the roster (RFC 6121 2.1)."""

    item: RosterItem


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a subscription that waits for an answer; its sender is bare."""

    sender: JID
    stanza: Stanza


@dataclass(frozen=True, slots=True)
class Blocked:
    """Whom the account blocks (XEP-0191)."""

    jid: JID


@dataclass(frozen=True, slots=True)
class VCard:
    """The account's or the room's vCard (XEP-0054)."""

    xml: bytes


@dataclass(frozen=True, slots=True)
class Private:
    """An element of private XML (XEP-0049)."""

    name: str
    ns: str
    xml: bytes


@dataclass(frozen=True, slots=True)
class LastSeen:
    """When the account was last there (XEP-0012)."""

    at: float
    status: str = ""


@dataclass(frozen=True, slots=True)
class ArchiveRules:
    """Whose messages are archived (XEP-0441); "" where the server's default holds."""

    default: str
    always: frozenset[str]
    never: frozenset[str]


@dataclass(frozen=True, slots=True)
class Offline:
    """A message that waits for the account (XEP-0160)."""

    at: float
    stanza: Stanza


@dataclass(frozen=True, slots=True)
class Node:
    """A node of personal eventing (XEP-0163); its items follow it."""

    name: str
    options: NodeOptions
    created_at: float | None = None
    affiliations: Mapping[str, Affiliation] = field(default_factory=dict)
    """By bare JID."""
    subscriptions: Mapping[str, Subscription] = field(default_factory=dict)
    """By the JID that is subscribed."""


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a node, behind all that were published before it."""

    node: str
    id: str
    payload: bytes
    at: float | None = None
    publisher: str = ""
    """A bare or full JID; "" is the account itself."""


@dataclass(frozen=True, slots=True)
class Archived:
    """A message in the archive of the account or room (XEP-0313), behind all that are older.

    *with_jid* is the bare JID of the other side and *with_resource* the rest of it; in a room who has said it.
    """

    id: str
    at: float
    with_jid: str
    with_resource: str
    stanza: Stanza


@dataclass(frozen=True, slots=True)
class Room:
    """A room (XEP-0045). Who is in it is not carried."""

    address: JID
    settings: RoomSettings
    creator: str = ""
    created_at: float | None = None
    affiliations: Mapping[str, Affiliated] = field(default_factory=dict)
    """By bare JID, or by domain."""
    secret: bytes | None = None
    """What makes the occupants' ids (XEP-0421), where it is one of ours."""


@dataclass(frozen=True, slots=True)
class RoomSubject:
    """The subject of the room, as the message that set it; its time may not be known."""

    at: float | None
    stanza: Stanza


@dataclass(frozen=True, slots=True)
class NotCarried:
    """Something that cannot be carried: its kind in the plural, and one of them in words."""

    kind: str
    example: str


Owner = Account | Room
Piece = (
    Account
    | Contact
    | Request
    | Blocked
    | VCard
    | Private
    | LastSeen
    | ArchiveRules
    | Offline
    | Node
    | Item
    | Archived
    | Room
    | RoomSubject
    | NotCarried
)

WORDS: Final[Mapping[type, tuple[str, str]]] = {
    Account: ("account", "accounts"),
    Contact: ("contact", "contacts"),
    Request: ("subscription request", "subscription requests"),
    Blocked: ("blocked address", "blocked addresses"),
    VCard: ("vCard", "vCards"),
    Private: ("private element", "private elements"),
    LastSeen: ("last activity", "last activities"),
    ArchiveRules: ("archive preference", "archive preferences"),
    Offline: ("offline message", "offline messages"),
    Node: ("node", "nodes"),
    Item: ("item of nodes", "items of nodes"),
    Archived: ("archived message", "archived messages"),
    Room: ("room", "rooms"),
    RoomSubject: ("subject", "subjects"),
}
"""What the pieces are called: one, many."""
