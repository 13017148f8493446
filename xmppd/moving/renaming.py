"""Other names for domains: accounts and rooms of one become those of another, wherever a piece names them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import singledispatchmethod

from xmppd.moving import model
from xmppd.moving.model import Piece
from xmppd.moving.names import jid_or_none
from xmppd.services.pubsub.bookmarks import NODE as BOOKMARKS
from xmppd.services.pubsub.bookmarks import NS_OLD, with_rooms
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza


def renamed(pieces: Iterable[Piece], new_names: Mapping[str, str]) -> Iterator[Piece]:
    """Give *pieces* with the domains that *new_names* has by their old names under the new ones."""
    if not new_names:
        return iter(pieces)
    renaming = Renaming(new_names)
    return (renaming.of(piece) for piece in pieces)


class Renaming:
    """Renames piece by piece. What stands inside of stanzas and payloads stays: it was said so; but not bookmarks."""

    def __init__(self, new_names: Mapping[str, str]):
        self._new = new_names

    def text(self, address: str) -> str:
        """Give the other name of a JID's text."""
        jid = jid_or_none(address)
        return address if jid is None else self.jid(jid).full

    def jid(self, jid: JID) -> JID:
        """Give the other name of a JID."""
        new = self._new.get(jid.domainpart)
        return jid if new is None else JID.parse(self._written(jid, new))

    def stanza(self, stanza: Stanza) -> Stanza:
        """Give a stanza with the other names in its addresses."""
        sender, target = (None if each is None else self.text(each) for each in (stanza.from_, stanza.to))
        return stanza.replace(from_=sender, to=target)

    @staticmethod
    def _written(jid: JID, domain: str) -> str:
        local = f"{jid.localpart}@" if jid.localpart is not None else ""
        resource = f"/{jid.resourcepart}" if jid.resourcepart is not None else ""
        return f"{local}{domain}{resource}"

    @singledispatchmethod
    def of(self, piece: Piece) -> Piece:
        """Give a piece under the other names; what names nobody is as it was."""
        return piece

    @of.register
    def _account(self, piece: model.Account) -> Piece:
        return replace(piece, jid=self.jid(piece.jid))

    @of.register
    def _contact(self, piece: model.Contact) -> Piece:
        return model.Contact(piece.item._replace(jid=self.text(piece.item.jid)))

    @of.register
    def _request(self, piece: model.Request) -> Piece:
        return model.Request(self.jid(piece.sender), self.stanza(piece.stanza))

    @of.register
    def _blocked(self, piece: model.Blocked) -> Piece:
        return model.Blocked(self.jid(piece.jid))

    @of.register
    def _rules(self, piece: model.ArchiveRules) -> Piece:
        always, never = (frozenset(map(self.text, each)) for each in (piece.always, piece.never))
        return replace(piece, always=always, never=never)

    @of.register
    def _offline(self, piece: model.Offline) -> Piece:
        return replace(piece, stanza=self.stanza(piece.stanza))

    @of.register
    def _node(self, piece: model.Node) -> Piece:
        return replace(
            piece,
            affiliations={self.text(jid): each for jid, each in piece.affiliations.items()},
            subscriptions={self.text(jid): each for jid, each in piece.subscriptions.items()},
        )

    @of.register
    def _item(self, piece: model.Item) -> Piece:
        id = self.text(piece.id) if piece.node == BOOKMARKS else piece.id
        payload = with_rooms(piece.payload, self.text) if piece.node == NS_OLD else piece.payload
        return replace(piece, id=id, payload=payload, publisher=self.text(piece.publisher))

    @of.register
    def _private(self, piece: model.Private) -> Piece:
        is_bookmarks = (piece.name, piece.ns) == ("storage", NS_OLD)
        return replace(piece, xml=with_rooms(piece.xml, self.text)) if is_bookmarks else piece

    @of.register
    def _archived(self, piece: model.Archived) -> Piece:
        return replace(piece, with_jid=self.text(piece.with_jid), stanza=self.stanza(piece.stanza))

    @of.register
    def _room(self, piece: model.Room) -> Piece:
        affiliations = {self.text(jid): each for jid, each in piece.affiliations.items()}
        return replace(
            piece,
            address=self.jid(piece.address),
            creator=self.text(piece.creator),
            affiliations=affiliations,
        )

    @of.register
    def _subject(self, piece: model.RoomSubject) -> Piece:
        return replace(piece, stanza=self.stanza(piece.stanza))
