"""XEP-0227 as pieces: users host by host, then what stands in our own namespace."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from xmppd.moving.model import Archived, Item, NotCarried, Piece
from xmppd.moving.names import jid_or_none, other_side
from xmppd.moving.pie import credentials, names, people, pubsub
from xmppd.moving.pie.events import Begin, Event, Events, Leaf
from xmppd.moving.pie.rooms import OpenRoom
from xmppd.services.pubsub.items import payload_of
from xmppd.stanza.element import Element
from xmppd.stanza.jid import JID
from xmppd.stanza.stamps import parse_stamp
from xmppd.stanza.stanza import Stanza

HELD: Final = 1_000
"""So many pieces of a user wait at most for the keys of the password, which may stand behind them."""


class PieSource:
    """A `xmppd.moving.source.Source`; its units are bytes."""

    def __init__(self, file: Path):
        self._events = Events(file)
        self._host = ""
        self._user: _User | OpenRoom | None = None
        self._node = ""

    @property
    def total(self) -> int:
        """The size of all files that are known."""
        return self._events.total_bytes

    @property
    def done(self) -> int:
        """How much of them has been read."""
        return self._events.read_bytes

    def pieces(self) -> Iterator[Piece]:
        """Give all pieces; `SourceError`."""
        for event in self._events:
            yield from self._heard(event)

    def _heard(self, event: Event) -> Iterator[Piece]:
        if isinstance(event, Begin):
            yield from self._begin(event)
        elif isinstance(event, Leaf):
            if event.element is None:
                yield NotCarried("elements that are too large", f"in {event.container} of {self._host}")
            else:
                yield from self._leaf(event.container, event.element)
        elif event.container in ("user", "room") and self._user is not None:
            yield from self._user.begun()
            self._user = None

    def _begin(self, event: Begin) -> Iterator[Piece]:
        if event.container == "host":
            self._host = event.attrs.get("jid", "")
        elif event.container == "items":
            self._node = event.attrs.get("node", "")
        elif event.container in ("user", "room"):
            name = event.attrs.get("name", "")
            jid = jid_or_none(f"{name}@{self._host}")
            if jid is None:
                yield NotCarried(f"{event.container}s whose names are none", f"{name}@{self._host}")
                self._user = None
            else:
                is_user = event.container == "user"
                self._user = _User(jid, event.attrs) if is_user else OpenRoom(jid, event.attrs)

    def _leaf(self, container: str, element: Element) -> Iterator[Piece]:
        if self._user is None:
            if container in ("server", "host"):
                yield _unknown(element, self._host)
            return
        try:
            if container == "archive":
                yield from self._user.take(_archived(self._user.jid, element))
            elif container == "items":
                yield from self._user.take(_item(self._node, element))
            else:
                yield from self._user.leaf(container, element)
        except (ValueError, KeyError) as error:
            kind = f"elements <{element.name}/> that cannot be read"
            yield NotCarried(kind, f"{self._user.jid.bare}: {error}")


class _User:
    """A user who is being read."""

    def __init__(self, jid: JID, attrs: Mapping[str, str]):
        self.jid = jid
        self._facts = credentials.Facts(jid, attrs.get("password"))
        self._held: list[Piece] | None = []

    def leaf(self, container: str, element: Element) -> Iterator[Piece]:
        """Take an element."""
        if container == "user" and (element.ns, element.name) in credentials.READ:
            if self._held is None:
                raise ValueError("it stands too far behind other data")
            self._facts.read(element)
            return
        reader = _READERS.get((container, element.ns, element.name)) or _READERS.get((container, "", ""))
        pieces = [_unknown(element, self.jid.bare)] if reader is None else reader(self.jid, element)
        for piece in pieces:
            yield from self.take(piece)

    def take(self, piece: Piece) -> Iterator[Piece]:
        """Give a piece, or hold it while the account is not known."""
        if self._held is None:
            yield piece
            return
        self._held.append(piece)
        if self._facts.has_keys or len(self._held) >= HELD:
            yield from self.begun()

    def begun(self) -> Iterator[Piece]:
        """Give the account, and what was held."""
        if self._held is not None:
            held, self._held = self._held, None
            yield self._facts.account()
            yield from held


Reader = Callable[[JID, Element], Iterator[Piece] | list[Piece]]
_READERS: Final[Mapping[tuple[str, str, str], Reader]] = {
    ("roster", names.ROSTER, "item"): people.contact,
    ("user", names.CLIENT, "presence"): people.request,
    ("user", names.PRIVACY, "query"): people.privacy,
    ("user", names.BLOCKING, "blocklist"): people.blocklist,
    ("user", names.VCARD, "vCard"): people.vcard,
    ("user", names.MAM, "prefs"): people.archive_rules,
    ("user", names.OURS, "last"): people.last_seen,
    ("user", names.PUBSUB_OWNER, "pubsub"): pubsub.nodes,
    ("offline", names.CLIENT, "message"): people.offline,
    ("private", "", ""): people.private,
}
"""By container, namespace and name; "" is any."""


def _unknown(element: Element, of: str) -> NotCarried:
    return NotCarried(f"elements <{element.name} xmlns='{element.ns}'/>", of)


def _archived(owner: JID, result: Element) -> Piece:
    """XEP-0313 4.2: a result with a forwarded message."""
    forwarded = result.child("forwarded", names.FORWARD)
    delay = None if forwarded is None else forwarded.child("delay", names.DELAY)
    message = None if forwarded is None else forwarded.child("message", names.CLIENT)
    if delay is None or message is None:
        raise ValueError("no forwarded message with its time")
    stanza = Stanza.from_element(message)
    by = result.get(f"{{{names.OURS}}}by")
    other = jid_or_none(by) if by is not None else other_side(owner.bare, stanza)
    return Archived(
        result.get("id") or "",
        parse_stamp(delay.get("stamp") or ""),
        "" if other is None else other.bare,
        (other and other.resourcepart) or "",
        stanza,
    )


def _item(node: str, item: Element) -> Piece:
    at = item.get(f"{{{names.OURS}}}at")
    payload = payload_of(next(item.elements(), None))
    publisher = item.get("publisher") or ""
    return Item(node, item.get("id") or "", payload, None if at is None else parse_stamp(at), publisher)
