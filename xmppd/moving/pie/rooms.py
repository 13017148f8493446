"""Rooms, which XEP-0227 leaves out: in our own namespace, one ``<room/>`` each under the host that is their service.

``<setting name='is_persistent'>true</setting>`` (the value is JSON), ``<affiliation jid='…' affiliation='owner'/>``,
``<subject at='…'>`` around the message, a vCard, and an archive as users have it.
"""

import json
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterator, Mapping
from typing import Any, Final

from xmppd.moving.model import NotCarried, Piece, Room, RoomSubject, VCard
from xmppd.moving.names import jid_or_none
from xmppd.moving.pie import names
from xmppd.services.pubsub.items import payload_of
from xmppd.services.rooms.roles import AFFILIATIONS
from xmppd.services.rooms.room import Affiliated
from xmppd.services.rooms.settings import from_mapping, to_mapping
from xmppd.stanza.element import Element
from xmppd.stanza.jid import JID
from xmppd.stanza.stamps import parse_stamp, stamp_of
from xmppd.stanza.stanza import Stanza

_OF_ROOM: Final = frozenset(("setting", "affiliation"))


class OpenRoom:
    """A room that is being read."""

    def __init__(self, address: JID, attrs: Mapping[str, str]):
        self.jid = address
        self._attrs = attrs
        self._settings: dict[str, Any] = {}
        self._affiliations: dict[str, Affiliated] = {}
        self._is_begun = False

    def leaf(self, container: str, element: Element) -> Iterator[Piece]:
        """Take an element of the room; ValueError."""
        if element.ns == names.OURS and element.name in _OF_ROOM and not self._is_begun:
            if element.name == "setting":
                self._settings[element.get("name") or ""] = json.loads(element.text)
            else:
                self._affiliation(element)
        elif (element.ns, element.name) == (names.OURS, "subject"):
            stanza = Stanza.from_element(next(element.elements()))
            at = element.get("at")
            yield from self.take(RoomSubject(None if at is None else parse_stamp(at), stanza))
        elif (element.ns, element.name) == (names.VCARD, "vCard"):
            yield from self.take(VCard(payload_of(element)))
        else:
            yield NotCarried(f"elements <{element.name}/> of rooms", self.jid.bare)

    def take(self, piece: Piece) -> Iterator[Piece]:
        """Give a piece, the room before the first."""
        yield from self.begun()
        yield piece

    def begun(self) -> Iterator[Piece]:
        """Give the room, once."""
        if self._is_begun:
            return
        self._is_begun = True
        created, secret = self._attrs.get("created"), self._attrs.get("secret")
        try:
            yield Room(
                self.jid,
                from_mapping(self._settings),
                self._attrs.get("creator", ""),
                None if created is None else parse_stamp(created),
                self._affiliations,
                None if secret is None else b64decode(secret, validate=True),
            )
        except (ValueError, Error) as error:
            yield NotCarried("rooms that cannot be read", f"{self.jid.bare}: {error}")

    def _affiliation(self, element: Element) -> None:
        jid = jid_or_none(element.get("jid"))
        if jid is None:
            raise ValueError(f"{element.get('jid')!r} is no address")
        affiliation = AFFILIATIONS[element.get("affiliation") or ""]
        self._affiliations[jid.bare] = Affiliated(affiliation, element.get("nick") or "", element.text)


def attrs_of(room: Room) -> dict[str, str]:
    """Give the attributes of ``<room/>``."""
    attrs = {"name": room.address.localpart or "", "creator": room.creator}
    if room.created_at is not None:
        attrs["created"] = stamp_of(room.created_at)
    if room.secret is not None:
        attrs["secret"] = b64encode(room.secret).decode()
    return attrs


def elements(room: Room) -> Iterator[Element]:
    """Give its settings and affiliations."""
    for name, value in to_mapping(room.settings).items():
        yield Element("setting", names.OURS, {"name": name}, [json.dumps(value, ensure_ascii=False)])
    for jid, each in sorted(room.affiliations.items()):
        attrs = {
            "jid": jid,
            "affiliation": each.affiliation.word,
            **({"nick": each.nick} if each.nick else {}),
        }
        yield Element("affiliation", names.OURS, attrs, [each.reason])


def subject(piece: RoomSubject) -> Element:
    """Write the subject."""
    attrs = {} if piece.at is None else {"at": stamp_of(piece.at)}
    return Element("subject", names.OURS, attrs, [piece.stanza.element])
