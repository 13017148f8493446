"""What an account is given that its server had in another form: bookmarks, a vCard, nodes that nobody described.

Bookmarks in private XML or in the node of XEP-0048 become items of the node of XEP-0402, and of the vCards of old and
new clients (XEP-0292) the one that is missing is made of the other, as the modules `xmppd.modules.bookmarks` and
`xmppd.modules.vcard4` do it when one is changed: what not everybody may see does not get into what all may read.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from xmppd.moving.model import Account, Item, Node, Piece, Private, Room, VCard
from xmppd.services.profile.vcard4 import NS_TEMP, to_vcard4, to_vcard_temp
from xmppd.services.pubsub.bookmarks import NODE, NS_OLD, others_in, rooms_of
from xmppd.services.pubsub.defaults import personal_defaults
from xmppd.services.pubsub.items import payload_of
from xmppd.services.pubsub.options import AccessModel
from xmppd.stanza.element import Element, parse_element

VCARD4: Final = "urn:xmpp:vcard4"
CURRENT: Final = "current"
"""The id of its only item (XEP-0292 3.2)."""
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
        self._nodes: dict[str, bool] = {}
        """Which there are, and whether everybody may see it."""
        self._rooms: set[str] = set()
        self._storages: list[Element] = []
        self._vcard = b""
        self._kept: dict[str, bytes] = {}

    def take(self, piece: Piece) -> Iterator[Piece]:
        """Look at a piece; bookmarks in private XML come at the end."""
        if isinstance(piece, Private) and (piece.name, piece.ns) == ("storage", NS_OLD):
            storage = _parsed(piece.xml)
            if storage is not None:
                self._storages.append(storage)
                return
        if isinstance(piece, Node):
            self._node(piece)
        elif isinstance(piece, VCard):
            self._vcard = piece.xml
        elif isinstance(piece, Item):
            yield from self._item(piece)
        yield piece

    def _item(self, piece: Item) -> Iterator[Piece]:
        yield from self._made(piece.node)
        if piece.node == NODE:
            self._rooms.add(piece.id)
        elif piece.node == NS_OLD:
            storage = _parsed(piece.payload)
            if storage is not None:
                self._storages.append(Element("storage", NS_OLD, None, list(_conferences(storage))))
        elif piece.node in (VCARD4, AVATAR_DATA, AVATAR_METADATA) and len(piece.payload) <= MAX_KEPT_BYTES:
            self._kept[piece.node] = piece.payload

    def _node(self, node: Node) -> Node:
        self._nodes[node.name] = node.options.access_model == AccessModel.OPEN
        return node

    def _made(self, name: str) -> Iterator[Piece]:
        """Give a node that is not there yet."""
        if name not in self._nodes:
            yield self._node(Node(name, personal_defaults(name)))

    def rest(self) -> Iterator[Piece]:
        """Give what is lacking."""
        yield from self._bookmarks()
        if self._vcard:
            yield from self._new_vcard()
        elif self._nodes.get(VCARD4):
            yield from self._old_vcard()

    def _new_vcard(self) -> Iterator[Piece]:
        old = _parsed(self._vcard) if len(self._vcard) <= MAX_KEPT_BYTES else None
        made = None if old is None or VCARD4 in self._nodes else to_vcard4(old)
        if made is not None and made.children:
            yield from self._made(VCARD4)
            yield Item(VCARD4, CURRENT, payload_of(made))

    def _old_vcard(self) -> Iterator[Piece]:
        card = _parsed(self._kept.get(VCARD4, b""))
        if card is not None:
            made = to_vcard_temp(card)
            made.children += self._picture()
            yield VCard(payload_of(made))

    def _bookmarks(self) -> Iterator[Piece]:
        others: list[Element] = []
        for storage in self._storages:
            others += others_in(storage)
            for item in rooms_of(storage, {}):
                if item.id in self._rooms:
                    continue
                yield from self._made(NODE)
                self._rooms.add(item.id)
                yield Item(NODE, item.id, item.payload)
        if others:
            yield Private("storage", NS_OLD, payload_of(Element("storage", NS_OLD, None, others)))

    def _picture(self) -> Iterator[Element]:
        """The avatar, where all may see it."""
        if self._nodes.get(AVATAR_DATA) and self._nodes.get(AVATAR_METADATA):
            data, metadata = (_parsed(self._kept.get(node, b"")) for node in (AVATAR_DATA, AVATAR_METADATA))
            info = None if metadata is None else metadata.child("info")
            if data is not None and info is not None:
                parts = (("TYPE", info.get("type") or "image/png"), ("BINVAL", data.text))
                children = [Element(name, NS_TEMP, None, [text]) for name, text in parts]
                yield Element("PHOTO", NS_TEMP, None, children)


def _conferences(storage: Element) -> Iterator[Element]:
    return (each for each in storage.elements() if (each.name, each.ns) == ("conference", NS_OLD))


def _parsed(data: bytes) -> Element | None:
    if not data:
        return None
    try:
        return parse_element(data)
    except ValueError:
        return None
