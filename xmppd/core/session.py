"""A client session: the structure that this server is built around.

Names and meanings are those of the seed document, a description of a session with ``conn, notopen, type,
username, host, resource, full_jid, priority, presence, interested, roster, send(), close()``; the kinds of
resource (connected, available, interested) are those of RFC 6121.

A session survives its connection: when XEP-0198 keeps it, ``conn`` is None for a while, then the connection of the
resuming stream takes its place. No field is ever copied from session to session.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred

from xmppd.core.attachment import Attachment
from xmppd.core.counters import Stanzas
from xmppd.core.directory import AccountMark
from xmppd.core.filters import FilterStage, as_filtered
from xmppd.core.holding import Keeper
from xmppd.core.inlet import Acknowledger
from xmppd.core.stream import Sendable, Stream
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StreamError
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Change
from xmppd.stream.acks import Source
from xmppd.stream.features import StreamFeature
from xmppd.stream.framing import Framing

T = TypeVar("T")
CloseReason = None | bool | str | StreamError | Stanza | Element
OutboundFilter = Callable[["Session", Stanza | bytes], Stanza | bytes | None]
"""Gives what goes on, or None where it keeps or drops it. Bytes are what is no stanza."""
BytesFilter = Callable[["Session", bytes], bytes]


class Connection(Protocol):
    """What a session writes to: a TCP or TLS transport, or an adapter that frames for WebSocket or BOSH."""

    def write(self, data: bytes) -> None:
        """Queue *data*, at most one top-level element, for the peer; never raises, never waits."""

    def loseConnection(self) -> None:
        """Drop the connection once all that was written has left."""

    @property
    def unsent_bytes(self) -> int:
        """How much of what was written waits to leave; by this those who have much to say go slower."""


class Roster(Protocol):
    """What the core knows of a roster: that it is there. Its meaning belongs to the roster service."""


class Owner(Protocol):
    """What ends a session's life in the right order: the session registry."""

    sent: Stanzas
    """Counts what is sent to sessions."""

    def destroy(self, session: "Session", status: str | None = None) -> None:
        """Take *session* out of every index and tell those who must know; harmless the second time."""


class Ledger(Acknowledger, Protocol):
    """What counts a session's stanzas, both ways, and acknowledges them (XEP-0198); the core only tells it."""

    def send_copy(self, source: Source, to: str) -> bool:
        """Send the copy for *to* of what goes to many and is not durable; as `Session.send`."""

    def cork(self) -> None:
        """Let what is sent wait: a commit has to come first that says that it was."""

    def uncork(self) -> None:
        """Send what has waited since `cork`."""

    def holding(self, keeper: Keeper) -> int:
        """*keeper* holds back the commit of the stanza that is routed now, in place of `routing`; gives its number."""

    def counted(self, number: int) -> Change | None:
        """Give what keeps that all up to this number is handled; None where nothing has to be kept."""

    def window(self) -> tuple[int, int]:
        """So many stanzas and bytes may be sent that can wait, before the client has to acknowledge some."""


class Session:
    """One client's session, from accept to destruction (RFC 6120, RFC 6121)."""

    __slots__ = (
        "__weakref__",
        "_attachments",
        "_stages",
        "account_mark",
        "available_number",
        "bare_jid",
        "bytes_filters",
        "conn",
        "directed",
        "framing",
        "full_jid",
        "host",
        "interested",
        "is_ended",
        "is_secure",
        "jid",
        "lang",
        "ledger",
        "notopen",
        "opened_at",
        "owner",
        "peer",
        "presence",
        "presence_at",
        "presence_number",
        "presence_shown",
        "priority",
        "resource",
        "roster",
        "stanza_filters",
        "stream",
        "stream_id",
        "type",
        "username",
    )

    conn: Connection | None
    notopen: bool
    type: str
    username: str | None
    host: str | None
    resource: str | None
    full_jid: str | None
    priority: int
    presence: Stanza | None
    interested: bool
    roster: Roster | None

    def __init__(
        self, conn: Connection | None, framing: Framing, owner: Owner, *, peer: str = "", now: float = 0.0
    ):
        """*peer* is the address for logs and limits; *now* is wall time in seconds."""
        self.conn = conn
        self.notopen = True
        self.type = "c2s_unauthed"
        self.username = self.host = self.resource = self.full_jid = None
        self.priority = 0
        self.presence = None
        self.interested = False
        self.roster = None
        self.framing = framing
        self.owner = owner
        self.stream: SessionStream | None = None
        self.peer = peer
        self.opened_at = now
        self.account_mark = AccountMark(0)
        """The latest change of any account when the client began to authenticate."""
        self.jid: JID | None = None
        self.bare_jid: str | None = None
        self.stream_id = ""
        self.lang: str | None = None
        self.is_secure = False
        self.presence_at = 0.0
        self.presence_number = self.available_number = 0
        """When the last presence was sent, and the initial one, in the order of all presence of this server."""
        self.presence_shown: Stanza | None = None
        self.directed: dict[str, None] | None = None
        self.ledger: Ledger | None = None
        self.stanza_filters: tuple[OutboundFilter, ...] = ()
        """In calling order; `add_filter` and `remove_filter` alone change them."""
        self._stages: tuple[FilterStage, ...] = ()
        self.bytes_filters: tuple[BytesFilter, ...] = ()
        self._attachments: dict[str, object] | None = None
        self.is_ended = False
        """Whether `close` was called or the session was destroyed: nothing more is written."""

    @property
    def is_connected(self) -> bool:
        """Whether this is a connected resource: bound, with its roster loaded (RFC 6121 1.4)."""
        return self.full_jid is not None and self.roster is not None and self.resource is not None

    @property
    def is_available(self) -> bool:
        """Whether this is an available resource: connected, and initial presence was sent."""
        return self.presence is not None and self.is_connected

    @property
    def is_interested(self) -> bool:
        """Whether this is an interested resource: connected, and the roster was asked for."""
        return self.interested and self.is_connected

    @property
    def is_logging_in(self) -> bool:
        """Whether what it is sent waits, since its client has not been told of its login (XEP-0388 2.4)."""
        return bool(self._stages) and self._stages[0] is FilterStage.LOGIN

    def attach(self, key: Attachment[T], value: T | None) -> None:
        """Keep the state of a module or service with this session; None: nothing."""
        if value is not None:
            if self._attachments is None:
                self._attachments = {}
            self._attachments[key.name] = value
        elif self._attachments is not None:
            self._attachments.pop(key.name, None)

    def attached(self, key: Attachment[T]) -> T | None:
        """Give what `attach` kept, or None."""
        if self._attachments is None:
            return None
        return self._attachments.get(key.name)  # type: ignore[return-value]  # the key says the type

    def add_filter(self, stage: FilterStage, outbound: OutboundFilter) -> None:
        """Have what is sent pass *outbound*, behind all that are at its stage or at earlier ones."""
        place = sum(each <= stage for each in self._stages)
        self.stanza_filters = (*self.stanza_filters[:place], outbound, *self.stanza_filters[place:])
        self._stages = (*self._stages[:place], stage, *self._stages[place:])

    def remove_filter(self, outbound: OutboundFilter) -> None:
        """Undo `add_filter`; harmless where it was not added."""
        if outbound in self.stanza_filters:
            place = self.stanza_filters.index(outbound)
            self.stanza_filters = self.stanza_filters[:place] + self.stanza_filters[place + 1 :]
            self._stages = self._stages[:place] + self._stages[place + 1 :]

    def send(self, x: Sendable) -> bool:
        """Write *x* to the connection, once and in call order; say whether the session still takes anything.

        Takes a stanza, an element, text or bytes. Never raises and never waits. False after `close`, after
        destruction, and where there is neither a connection nor a filter that keeps what it is given.
        """
        if self.is_ended:
            return False
        filters = () if type(x) is bytes else self.stanza_filters
        if filters:
            x = x if type(x) is Stanza else as_filtered(x)
            if type(x) is Stanza:
                self.owner.sent[x.name] += 1
            for outbound in filters:
                filtered = outbound(self, x)
                if filtered is None:
                    return True
                x = filtered
        conn = self.conn
        if conn is None:
            return False
        if type(x) is bytes:
            data = x
        elif type(x) is Stanza:
            if not filters:
                self.owner.sent[x.name] += 1
            data = x.to_bytes()
        else:
            data = _serialise(x)
        if self.bytes_filters:
            for change in self.bytes_filters:
                data = change(self, data)
        conn.write(data)
        return True

    def write(self, data: bytes) -> bool:
        """Write bytes that need no filter and are counted already; as `send`."""
        conn = self.conn
        if conn is None or self.is_ended:
            return False
        if self.bytes_filters:
            for change in self.bytes_filters:
                data = change(self, data)
        conn.write(data)
        return True

    @property
    def unsent_bytes(self) -> int:
        """How much of what was sent waits in the connection; nothing without one."""
        return 0 if self.conn is None else self.conn.unsent_bytes

    def close(self, x: CloseReason = None) -> None:
        """End the stream and destroy the session; harmless the second time.

        *x*: None ends normally and waits a little for the peer's end tag; False: the peer closed first; a text is
        an RFC 6120 4.9.3 condition; a `StreamError` gives condition, text and application element; a stanza or
        element is sent as it stands. Order on the wire: header if none was sent yet, error, end tag.
        """
        if self.is_ended:
            return
        is_peer_awaited = x is None and not self.notopen and self.type == "c2s"
        if self.notopen:
            self._write(self.framing.opening(self.stream_id, self.host, None, self.lang))
            self.notopen = False
        if isinstance(x, str):
            x = StreamError(x)
        if isinstance(x, StreamError):
            self._write(self.framing.error(x))
        elif x is not None and not isinstance(x, bool):
            self._write(_serialise(x))
        self._write(self.framing.closing())
        self.is_ended = True
        self.owner.destroy(self)
        if self.stream is not None:
            self.stream.ending(is_peer_awaited, _reason(x))

    disconnect = close

    def reset(self) -> None:
        """Become a resting object: no connection, no resource, nothing more is sent. For the registry alone."""
        self.is_ended = True
        self.conn = None
        self.full_jid = self.resource = None
        self.presence = self.presence_shown = self.roster = None
        self.interested = False
        self.priority = 0
        self.directed = None
        self.stanza_filters = self.bytes_filters = self._stages = ()
        self.ledger = None
        self._attachments = None

    def _write(self, data: bytes) -> None:
        if self.conn is not None and data:
            for change in self.bytes_filters:
                data = change(self, data)
            self.conn.write(data)


class SessionStream(Stream, Protocol):
    """A client's stream: it owns the connection of a session."""

    session: Session

    @property
    def is_bound(self) -> bool:
        """Whether the session is a connected resource of this stream."""

    def bound(self) -> None:
        """The session is a connected resource now: stanzas are routed."""

    def ending(self, is_peer_awaited: bool, reason: str) -> None:
        """The end tag is written: drop the connection, after the peer's or a timeout where *is_peer_awaited*."""

    def release(self, error: StreamError) -> None:
        """Another stream goes on with the session: end with *error*, and take nothing more (XEP-0198 5)."""

    def dealt_with(self) -> Deferred[None] | None:
        """Give what fires when the stanza in hand is dealt with; None where there is none."""

    def adopt(self, session: Session) -> None:
        """Go on with *session*; the one so far rests."""


ClientFeature = StreamFeature[SessionStream]
"""A feature of client streams, as modules contribute them."""


def _reason(x: CloseReason) -> str:
    """Word why a stream ends, for the log."""
    if isinstance(x, StreamError):
        return f"{x.condition} ({x.text})" if x.text else x.condition
    return "closed by the client" if x is False else "closed by the server"


def _serialise(x: Sendable) -> bytes:
    if isinstance(x, bytes):
        return x
    if isinstance(x, str):
        return x.encode()
    if isinstance(x, Stanza):
        return x.to_bytes()
    return x.to_bytes(CONTENT_NAMESPACE)


CONTENT_NAMESPACE = "jabber:client"
