"""A client's stream over WebSocket: RFC 7395 on RFC 6455, the `Link` of a `ClientStream`.

Whole texts are read and written here, and all else by `websockets`, whose states and close codes are those of RFC 6455:
what knows them is made when it is needed, and goes when it has nothing left to do. A message is one
element, a text, and may come in fragments, but not in very many. Pings keep proxies from closing what is silent, and
show who is gone. Reading pauses as on TCP; nothing is handled ahead of an authentication that goes on.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from twisted.internet.interfaces import IProtocol
from twisted.python.failure import Failure
from websockets.extensions import Extension
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import SERVER, Protocol, State
from websockets.streams import StreamReader
from zope.interface import implementer

from xmppd.core.session import Session
from xmppd.net.http.frames import whole_texts
from xmppd.net.http.stream_parts import WebStreams
from xmppd.net.streams.client_stream import ClientStream
from xmppd.net.streams.limits import unauthenticated_limits
from xmppd.net.streams.paced import Hold, Paced
from xmppd.stanza.errors import StreamError
from xmppd.stream.events import StreamOpened
from xmppd.stream.framing import WebSocketFraming, qualified
from xmppd.stream.messages import MessageFramer

FRAGMENTS: Final = 1_024
"""Of one message: so that no message goes on for ever without growing."""
HELD_BYTES: Final = 65_536
"""What may be sent ahead of an authentication that goes on."""
FRAMING: Final = WebSocketFraming()
SHORT_BELOW, MIDDLE_BELOW = 126, 1 << 16
"""Sizes of messages whose lengths take one byte and three (RFC 6455 5.2)."""
PING: Final = bytes([0x89, 0])
_TEXT: Final = bytes([0x81])
_MIDDLE, _LONG = bytes([0x81, 126]), bytes([0x81, 127])


@implementer(IProtocol)
class WebSocketConnection(Paced):
    """One connection: frames in, one stream, one session. It is also what the session writes to."""

    __slots__ = (
        "__weakref__",
        "_elsewhere",
        "_extensions",
        "_framer",
        "_frames",
        "_held",
        "_is_closing",
        "_is_pinged",
        "_is_taking",
        "_message",
        "_streams",
        "is_heard",
        "is_secure",
        "peer",
        "round",
        "stream",
        "transport",
    )
    transport: Any  # Twisted's or ours
    stream: ClientStream

    def __init__(
        self,
        streams: WebStreams,
        peer: str,
        is_secure: bool,
        extensions: Sequence[Extension],
        elsewhere: Callable[[str], str | None],
    ) -> None:
        """*elsewhere* says for a domain where a client has to come instead, or None."""
        super().__init__()
        self._streams = streams
        self._elsewhere = elsewhere
        self.peer = peer
        self.is_secure = is_secure
        limits = streams.server.limits()
        self._extensions = extensions
        self._frames: Protocol | None = None
        """Who knows all of RFC 6455; None between messages without extensions, where nothing of it is left to know."""
        self._message: list[bytes] | None = None
        """The fragments that have come."""
        self._held: deque[bytes] | None = None
        self._framer = MessageFramer(unauthenticated_limits(limits), streams.parsers)
        self._is_closing = self._is_pinged = self._is_taking = False
        self.is_heard = True
        self.round = 0

    @property
    def session(self) -> Session:
        """The session of the stream; a resumption puts another in its place."""
        return self.stream.session

    # -- what Twisted tells -------------------------------------------------------------------------------------------

    def makeConnection(self, transport: Any) -> None:
        """The connection is there."""
        self.transport = transport
        self.connectionMade()

    def connectionMade(self) -> None:
        """Begin a session; its clock runs."""
        server = self._streams.server
        session = Session(self, FRAMING, server.registry, peer=self.peer, now=server.now())
        session.is_secure = self.is_secure
        self.stream = ClientStream(session, self, server)
        self._streams.websockets.opened(self)

    def dataReceived(self, data: bytes) -> None:
        """Take the frames in *data*."""
        self.is_heard, self._is_pinged = True, False
        self._allowance -= len(data)
        if self._allowance < 0:
            self._spend()
        if self._frames is None and not self._extensions and not self._is_closing:
            data = self._take_texts(data)
            if not data:
                return
        frames = self._protocol()
        frames.receive_data(data)
        for frame in frames.events_received():
            if not self._is_closing and isinstance(frame, Frame):
                self._take(frame)
        if frames.writes:
            self._flush()
        if frames.close_expected():
            self._is_closing = True
        is_usual = frames.state is State.OPEN and not self._extensions
        if is_usual and self._message is None and _is_between(frames):
            self._forget_frames()

    def connectionLost(self, reason: Failure | None = None) -> None:
        """The connection is gone, for whatever reason."""
        self._holds |= Hold.OVER
        self._framer.close()
        self._is_closing = True
        self._forget_frames()
        self.stream.connection_lost()
        self._streams.websockets.lost(self)

    def keep_alive(self) -> None:
        """Ping who is silent; who has not answered the last one is gone (RFC 6455 5.5.2)."""
        if self._is_pinged:
            self.transport.abortConnection()
        elif self._is_open:
            self._is_pinged = True
            self.transport.write(PING)

    # -- what the session writes to -----------------------------------------------------------------------------------

    @property
    def unsent_bytes(self) -> int:
        """How much of what was written waits to leave."""
        size: int = getattr(self.transport, "unsent_bytes", 0)
        return size

    def write(self, data: bytes) -> None:
        """Send *data*, one element, in a message of its own (RFC 7395 3.3.3)."""
        if not self._is_open:
            return
        data = qualified(data)
        if self._extensions:
            self._protocol().send_text(data)
            self._flush()
        else:
            self.transport.write(text_frame(data))

    def loseConnection(self) -> None:
        """Close once all has left."""
        self.drop()

    # -- the Link of the stream ---------------------------------------------------------------------------------------

    can_start_tls = False

    def start_tls(self, host: str) -> None:
        """RFC 7395 4: TLS comes before HTTP."""
        raise StreamError("unsupported-feature")

    def restart(self) -> None:
        """Expect another ``<open/>``."""
        self._framer.restart()

    def take_limits(self) -> None:
        """Take the limits that hold from now on."""
        self._framer.limits = limits = self.stream.element_limits
        if self._frames is not None:
            self._frames.max_message_size = limits.stanza_bytes

    authenticated = take_limits

    def bound(self, jid: str) -> None:
        """Read what is simple as sent by *jid* where it says nothing."""
        self._framer.from_ = jid

    def go_on(self) -> None:
        """Take what had to wait while an element of the negotiation was dealt with."""
        held = self._held
        if held is None or self._is_taking:
            return
        self._is_taking = True
        while held and not self.stream.is_waiting:
            self._receive(held.popleft())
        self._is_taking = False
        if not held:
            self._held = None
            self._let_go(Hold.ELEMENT)

    def drop(self) -> None:
        """Begin the end of the connection, which the client ends in its turn (RFC 6455 7.1.1)."""
        if self._is_open:
            self._protocol().send_close(CloseCode.NORMAL_CLOSURE)
            self._flush()
        self._is_closing = True

    def abort(self) -> None:
        """Close the connection at once."""
        self.transport.abortConnection()

    def channel_bindings(self) -> Mapping[str, bytes]:
        """Give channel-binding data by type; none where TLS ends elsewhere."""
        return self._streams.channel_bindings(self.transport)

    def client_jids(self, host: str) -> Sequence[str]:
        """Nobody is asked for a certificate."""
        return ()

    # -- inside -------------------------------------------------------------------------------------------------------

    @property
    def _is_open(self) -> bool:
        """Whether more may be sent."""
        return self._frames is None or self._frames.state is State.OPEN

    def _protocol(self) -> Protocol:
        """Give who knows all of RFC 6455."""
        frames = self._frames
        if frames is None:
            frames = self._frames = Protocol(SERVER, max_size=self._framer.limits.stanza_bytes)
            frames.extensions = list(self._extensions)
        return frames

    def _forget_frames(self) -> None:
        frames, self._frames = self._frames, None
        if frames is not None:
            frames.parser.close()  # it and its owner know each other

    def _flush(self) -> None:
        for data in self._protocol().data_to_send():
            if data:
                self.transport.write(data)
            else:
                self.transport.loseConnection()

    def _take_texts(self, data: bytes) -> bytes:
        """Take the whole messages that *data* begins with; gives what is left of it."""
        place = 0
        while place < len(data) and not self._is_closing:
            limit = self._framer.limits.stanza_bytes
            messages, taken = whole_texts(data[place:] if place else data, limit)
            place += taken
            for message in messages:
                if not self._is_closing:
                    self._came(message)
            if not messages or self._framer.limits.stanza_bytes == limit:
                break
        return data[place:] if place else data

    def _take(self, frame: Frame) -> None:
        """Put fragments together; control frames have been dealt with."""
        if frame.opcode is Opcode.BINARY:
            self._protocol().fail(CloseCode.UNSUPPORTED_DATA, "a text is wanted")
        elif frame.opcode is Opcode.TEXT or frame.opcode is Opcode.CONT:
            if frame.fin and self._message is None:
                self._came(bytes(frame.data))
                return
            pieces = self._message = self._message or []
            pieces.append(bytes(frame.data))
            if frame.fin:
                self._message = None
                self._came(b"".join(pieces))
            elif len(pieces) > FRAGMENTS:
                self._message = None
                self._protocol().fail(CloseCode.POLICY_VIOLATION, "too many fragments")

    def _came(self, message: bytes) -> None:
        """Handle a message, or let it wait: what is read ahead of an authentication is not read by its rules yet."""
        if self._held is None and not (self.stream.is_waiting and not self.stream.is_bound):
            self._receive(message)
            return
        if self._held is None:
            self._held = deque()
            self._hold(Hold.ELEMENT)
        self._held.append(message)
        if sum(map(len, self._held)) > HELD_BYTES:
            self._held.clear()
            self.stream.fail(StreamError("policy-violation", "too much sent ahead"))

    def _receive(self, message: bytes) -> None:
        if self._framer.is_over:
            return
        event = self._framer.feed(message)
        if type(event) is StreamError and not _is_text(message):
            self._protocol().fail(CloseCode.INVALID_DATA, "a text is UTF-8")
            self._flush()
            self._is_closing = True
            return
        if type(event) is StreamOpened and (uri := self._elsewhere(event.attrs.get("to", ""))) is not None:
            self._protocol().send_text(FRAMING.elsewhere(uri))
            self._flush()
            self._framer.close()
            self.drop()
            return
        self.stream.receive(event)


def _is_between(frames: Protocol) -> bool:
    """Whether it waits for the first byte of another frame: it may have taken a part of one out of its buffer."""
    waits_in = getattr(frames.parser, "gi_yieldfrom", None)
    return getattr(waits_in, "__name__", "") == StreamReader.at_eof.__name__ and not frames.reader.buffer


def _is_text(message: bytes) -> bool:
    """Whether it is UTF-8 (RFC 6455 8.1); asked where it is nothing else either."""
    try:
        message.decode()
    except UnicodeDecodeError:
        return False
    return True


def text_frame(data: bytes) -> bytes:
    """Give *data* in one frame, neither masked nor compressed (RFC 6455 5.2); what each message leaves in."""
    size = len(data)
    if size < SHORT_BELOW:
        return _TEXT + bytes([size]) + data
    if size < MIDDLE_BELOW:
        return _MIDDLE + size.to_bytes(2, "big") + data
    return _LONG + size.to_bytes(8, "big") + data
