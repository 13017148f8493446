"""What an account is given that its server had in another form: bookmarks, a vCard, nodes that nobody described.

Bookmarks in private XML or in the node of XEP-0048 become items of the node of XEP-0402, as a client of this server
would see them (`xmppd.modules.bookmarks`); of a vCard4 a vcard-temp is made where there is none.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from xmppd.moving.model import Account, Item, Node, Piece, Private, Room, VCard
from xmppd.moving.vcards import NODE as VCARD4
from xmppd.moving.vcards import vcard_temp
from xmppd.services.pubsub.bookmarks import NODE, NS_OLD, others_in, rooms_of
from xmppd.services.pubsub.defaults import personal_defaults
from xmppd.services.pubsub.items import payload_of
from xmppd.stanza.element import Element, parse_element

AVATAR_DATA: Final = "urn:xmpp:avatar:data"
AVATAR_METADATA: Final = "urn:xmpp:avatar:metadata"
MAX_KEPT_BYTES: Final = 1024 * 1024
"""So large are what is looked at at the end of an account; what is larger is carried as it is."""


def completed(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Give the *pieces*, and at the end of each account what it lacks."""
    seen: _Seen | None = None
    for piece in pieces:
        if isinstance(piece, Account | Room):
            yield from seen.rest() if seen is not None else ()
            seen = _Seen() if isinstance(piece, Account) else None
            yield piece
        elif seen is None:
            yield piece
        else:
            yield from seen.take(piece)
    yield from seen.rest() if seen is not None else ()


class _Seen:
    """What has been seen of an account."""

    def __init__(self) -> None:
        self._nodes: set[str] = set()
        self._rooms: set[str] = set()
        self._storages: list[Element] = []
        self._has_vcard = False
        self._kept: dict[str, bytes] = {}

    def take(self, piece: Piece) -> Iterator[Piece]:
        """Look at a piece; bookmarks in private XML come at the end."""
        if isinstance(piece, Private) and (piece.name, piece.ns) == ("storage", NS_OLD):
            storage = _parsed(piece.xml)
            if storage is not None:
                self._storages.append(storage)
                return
        if isinstance(piece, Node):
            self._nodes.add(piece.name)
        elif isinstance(piece, VCard):
            self._has_vcard = True
        elif isinstance(piece, Item):
            yield from self._item(piece)
        yield piece

    def _item(self, piece: Item) -> Iterator[Piece]:
        if piece.node not in self._nodes:
            self._nodes.add(piece.node)
            yield Node(piece.node, personal_defaults(piece.node))
        if piece.node == NODE:
            self._rooms.add(piece.id)
        elif piece.node == NS_OLD:
            storage = _parsed(piece.payload)
            if storage is not None:
                self._storages.append(Element("storage", NS_OLD, None, list(_conferences(storage))))
        elif piece.node in (VCARD4, AVATAR_DATA, AVATAR_METADATA) and len(piece.payload) <= MAX_KEPT_BYTES:
            self._kept[piece.node] = piece.payload

    def rest(self) -> Iterator[Piece]:
        """Give what is lacking."""
        yield from self._bookmarks()
        card = _parsed(self._kept.get(VCARD4, b""))
        if card is not None and not self._has_vcard:
            yield VCard(payload_of(vcard_temp(card, self._picture())))

    def _bookmarks(self) -> Iterator[Piece]:
        others: list[Element] = []
        for storage in self._storages:
            others += others_in(storage)
            for item in rooms_of(storage, {}):
                if item.id in self._rooms:
                    continue
                if NODE not in self._nodes:
                    self._nodes.add(NODE)
                    yield Node(NODE, personal_defaults(NODE))
                self._rooms.add(item.id)
                yield Item(NODE, item.id, item.payload)
        if others:
            yield Private("storage", NS_OLD, payload_of(Element("storage", NS_OLD, None, others)))

    def _picture(self) -> tuple[str, str] | None:
        data, metadata = (_parsed(self._kept.get(node, b"")) for node in (AVATAR_DATA, AVATAR_METADATA))
        info = None if metadata is None else metadata.child("info")
        if data is None or info is None:
            return None
        return info.get("type") or "image/png", data.text


def _conferences(storage: Element) -> Iterator[Element]:
    return (each for each in storage.elements() if (each.name, each.ns) == ("conference", NS_OLD))


def _parsed(data: bytes) -> Element | None:
    if not data:
        return None
    try:
        return parse_element(data)
    except ValueError:
        return None
