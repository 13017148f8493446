"""Pieces as XEP-0227: written as they come, each container around those that follow each other.

The pieces have to come in the order of `xmppd.moving.exporting`, so that each container is there once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, BinaryIO, Final

from xmppd.moving import model
from xmppd.moving.model import Account, NotCarried, Piece, Room
from xmppd.moving.pie import credentials, names, pubsub, rooms
from xmppd.services.roster.items import item_xml
from xmppd.stanza.delay import DELAY, delay_xml, without_delay_of
from xmppd.stanza.element import Element
from xmppd.stanza.markup import escape_attr, escape_text
from xmppd.stanza.stamps import stamp_of
from xmppd.stanza.stanza import Stanza

OPENING: Final = b"<?xml version='1.0' encoding='UTF-8'?>\n"
_OURS: Final = f" xmlns:xmppd='{names.OURS}'"
_PRIVACY_NAME: Final = "blocked"
Write = Callable[[Any], bytes]


def write(pieces: Iterable[Piece], file: BinaryIO) -> None:
    """Write a whole document; OSError."""
    writer = _Writer()
    file.write(OPENING + f"<server-data xmlns='{names.PIE}'>\n".encode())
    for piece in pieces:
        if not isinstance(piece, NotCarried):
            for part in writer.take(piece):
                file.write(part)
    for part in writer.end_host():
        file.write(part)
    file.write(b"</server-data>\n")


class _Writer:
    """What is open."""

    def __init__(self) -> None:
        self._host: str | None = None
        self._owner = b""
        """The end tag of the user or room that is open."""
        self._jid = ""
        self._open = b""
        """The end of the container that is open."""
        self._of: type | None = None
        """What it is for."""
        self._node: str | None = None
        self._blocked = 0

    def take(self, piece: Piece) -> Iterator[bytes]:
        """Give what a piece is in the file."""
        if isinstance(piece, Account | Room):
            yield from self._begin(piece)
            return
        kind = type(piece)
        if kind is not self._of:
            yield from self._close()
            self._of = kind
            if kind in _CONTAINERS:
                begin, self._open = _CONTAINERS[kind]
                yield begin
        if isinstance(piece, model.Item) and piece.node != self._node:
            if self._node is not None:
                yield b"</items>"
            self._node = piece.node
            yield f"<items node='{escape_attr(piece.node)}'>".encode()
        yield self._written(piece)

    def _written(self, piece: Piece) -> bytes:
        if isinstance(piece, model.Blocked):
            self._blocked += 1
            return (
                f"<item type='jid' value='{escape_attr(piece.jid.full)}' action='deny' order='{self._blocked}'/>"
            ).encode()
        if isinstance(piece, model.Offline):
            return _offline(piece, self._host or "")
        return _WAYS[type(piece)](piece)

    def _begin(self, owner: Account | Room) -> Iterator[bytes]:
        yield from self._end_owner()
        jid = owner.jid if isinstance(owner, Account) else owner.address
        if jid.domainpart != self._host:
            yield from self.end_host()
            self._host = jid.domainpart
            yield f"<host jid='{escape_attr(jid.domainpart)}'>\n".encode()
        self._blocked = 0
        if isinstance(owner, Account):
            self._owner = b"</user>\n"
            yield f"<user name='{escape_attr(jid.localpart or '')}'>".encode()
            yield b"".join(each.to_bytes(names.PIE) for each in credentials.written(owner))
        else:
            self._owner = b"</room>\n"
            attrs = "".join(
                f" {name}='{escape_attr(value)}'" for name, value in rooms.attrs_of(owner).items()
            )
            yield f"<room xmlns='{names.OURS}'{attrs}>".encode()
            yield b"".join(each.to_bytes(names.OURS) for each in rooms.elements(owner))

    def _close(self) -> Iterator[bytes]:
        if self._node is not None:
            yield b"</items>"
        yield self._open
        self._open, self._of, self._node = b"", None, None

    def _end_owner(self) -> Iterator[bytes]:
        if self._owner:
            yield from self._close()
            yield self._owner
            self._owner = b""

    def end_host(self) -> Iterator[bytes]:
        """End what is open."""
        yield from self._end_owner()
        if self._host is not None:
            yield b"</host>\n"
            self._host = None


def _nodes(piece: model.Node) -> bytes:
    return b"".join(each.to_bytes(names.PUBSUB_OWNER) for each in pubsub.elements(piece))


def _item(piece: model.Item) -> bytes:
    attrs = f" id='{escape_attr(piece.id)}'"
    if piece.publisher:
        attrs += f" publisher='{escape_attr(piece.publisher)}'"
    if piece.at is not None:
        attrs += f"{_OURS} xmppd:at='{stamp_of(piece.at)}'"
    return b"<item%b>%b</item>" % (attrs.encode(), piece.payload)


def _archived(piece: model.Archived) -> bytes:
    by = ""
    if piece.stanza.type == "groupchat" and piece.with_jid:
        full = f"{piece.with_jid}/{piece.with_resource}" if piece.with_resource else piece.with_jid
        by = f"{_OURS} xmppd:by='{escape_attr(full)}'"
    head = f"<result xmlns='{names.MAM}' id='{escape_attr(piece.id)}'{by}><forwarded xmlns='{names.FORWARD}'>"
    return head.encode() + delay_xml(piece.at) + _stanza(piece.stanza) + b"</forwarded></result>"


def _offline(piece: model.Offline, host: str) -> bytes:
    return _stanza(without_delay_of(piece.stanza, host).with_last(delay_xml(piece.at, host), DELAY))


def _stanza(stanza: Stanza) -> bytes:
    return stanza.element.to_bytes(names.PIE)


def _rules(piece: model.ArchiveRules) -> bytes:
    attrs = {"default": piece.default} if piece.default else {}
    lists = [
        Element(name, names.MAM, None, [Element("jid", names.MAM, None, [jid]) for jid in sorted(jids)])
        for name, jids in (("always", piece.always), ("never", piece.never))
    ]
    return Element("prefs", names.MAM, attrs, lists).to_bytes(names.PIE)


def _last_seen(piece: model.LastSeen) -> bytes:
    head = f"<last xmlns='{names.OURS}' at='{stamp_of(piece.at)}'>"
    return f"{head}{escape_text(piece.status)}</last>".encode()


_CONTAINERS: Final[Mapping[type, tuple[bytes, bytes]]] = {
    model.Contact: (f"<query xmlns='{names.ROSTER}'>".encode(), b"</query>"),
    model.Private: (f"<query xmlns='{names.PRIVATE}'>".encode(), b"</query>"),
    model.Offline: (b"<offline-messages>", b"</offline-messages>"),
    model.Node: (f"<pubsub xmlns='{names.PUBSUB_OWNER}'>".encode(), b"</pubsub>"),
    model.Item: (f"<pubsub xmlns='{names.PUBSUB}'>".encode(), b"</pubsub>"),
    model.Archived: (f"<archive xmlns='{names.ARCHIVE}'>".encode(), b"</archive>"),
    model.Blocked: (
        f"<query xmlns='{names.PRIVACY}'><default name='{_PRIVACY_NAME}'/><list name='{_PRIVACY_NAME}'>".encode(),
        b"</list></query>",
    ),
}
"""What stands around pieces of a kind that follow each other: how it begins, how it ends."""
_WAYS: Final[Mapping[type, Write]] = {
    model.Contact: lambda piece: item_xml(piece.item).encode(),
    model.Request: lambda piece: _stanza(piece.stanza),
    model.VCard: lambda piece: piece.xml,
    model.Private: lambda piece: piece.xml,
    model.LastSeen: _last_seen,
    model.ArchiveRules: _rules,
    model.Node: _nodes,
    model.Item: _item,
    model.Archived: _archived,
    model.RoomSubject: lambda piece: rooms.subject(piece).to_bytes(names.OURS),
}
