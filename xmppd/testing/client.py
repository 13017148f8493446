"""A client of the dialogues: speaks just enough XMPP to log in, and keeps what it receives as trees.

It parses with the standard library, not with the parser under test. What carries its bytes, memory or a socket, is a
`Carrier`.
"""

from base64 import b64encode
from collections import deque
from typing import Any, Protocol
from xml.etree.ElementTree import Element, XMLPullParser

from twisted.internet.defer import Deferred

NS_STREAM = "{http://etherx.jabber.org/streams}"
NS_TLS = "urn:ietf:params:xml:ns:xmpp-tls"
NS_SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
NS_BIND = "urn:ietf:params:xml:ns:xmpp-bind"
PASSWORD = "open sesame"


class Carrier(Protocol):
    """What carries the bytes of a client."""

    def write(self, data: bytes) -> None:
        """Send *data* to the server."""

    def start_tls(self) -> None:
        """Begin TLS."""

    def lose(self) -> None:
        """Break the connection."""

    def wait(self, deferred: Deferred[None]) -> Deferred[None]:
        """Give *deferred* a time limit; where nothing can come any more, let it fail at once."""


class NothingCame(AssertionError):
    """Something was expected, and nothing came."""


class Client:
    """One named client: an address, a carrier, and what has come and was not looked at yet."""

    content_ns = "jabber:client"

    def __init__(self, name: str, address: str):
        self.name = name
        account, _, self.resource = address.partition("/")
        self.username, _, self.host = account.partition("@")
        self.carrier: Carrier | None = None
        self.inbox: deque[Element] = deque()
        self.is_connected = False
        self.is_bound = False
        self._depth = 0
        self._root: Element | None = None
        self._awaited: Deferred[None] | None = None
        self._parser: Any = XMLPullParser(("start", "end"))

    # -- what the carrier tells ---------------------------------------------------------------------------------------

    def connected(self, carrier: Carrier) -> None:
        """The connection is there."""
        self.carrier, self.is_connected = carrier, True
        self.expect_header()

    def received(self, data: bytes) -> None:
        """Bytes have come."""
        self._parser.feed(data)
        for kind, element in self._parser.read_events():
            assert isinstance(element, Element)
            if kind == "start":
                self._depth += 1
                if self._depth == 1:
                    self._root = element
                continue
            self._depth -= 1
            if self._depth == 1:
                self._came(element)
                self.is_bound = (
                    self.is_bound or element.find(f"{{{NS_BIND}}}bind/{{{NS_BIND}}}jid") is not None
                )
            elif self._depth == 0:
                self.inbox.append(Element(NS_STREAM + "end"))
        self._wake()

    def lost(self) -> None:
        """The connection is gone."""
        self.is_connected = False
        self._wake()

    def _came(self, element: Element) -> None:
        self.inbox.append(element)

    def _wake(self) -> None:
        awaited, self._awaited = self._awaited, None
        if awaited is not None:
            awaited.callback(None)

    # -- what a script does -------------------------------------------------------------------------------------------

    def expect_header(self) -> None:
        """Begin with a new stream."""
        self._parser = XMLPullParser(("start", "end"))
        self._depth = 0
        self._root = None

    def send(self, text: str) -> None:
        """Send *text* as it stands."""
        self.send_bytes(text.encode())

    def send_bytes(self, data: bytes) -> None:
        """Send *data* as they stand."""
        assert self.carrier is not None, f"{self.name} is not connected"
        self.carrier.write(data)

    @property
    def root(self) -> Element | None:
        """The server's stream header, where it has come."""
        return self._root

    async def header(self) -> Element:
        """Give the server's stream header, which has come or will come soon; `NothingCame`."""
        while self._root is None:
            await self._more()
        return self._root

    async def receive(self) -> Element:
        """Give the next element that has come, or will come soon; `NothingCame`."""
        while not self.inbox:
            await self._more()
        return self.inbox.popleft()

    async def until_lost(self) -> None:
        """Wait until the server has closed the connection."""
        while self.is_connected:
            await self._more()

    async def _more(self) -> None:
        if not self.is_connected or self.carrier is None:
            raise NothingCame(f"{self.name} is not connected, and nothing is left")
        self._awaited = Deferred()
        await self.carrier.wait(self._awaited)

    def send_header(self) -> None:
        """Send a header and expect one."""
        self.expect_header()
        self.send(
            f"<?xml version='1.0'?><stream:stream to='{self.host}' version='1.0' xmlns='jabber:client' "
            f"xmlns:stream='http://etherx.jabber.org/streams'>"
        )

    async def open(self) -> Element:
        """Send a header and give the features that come back."""
        self.send_header()
        return await self.receive()

    def begin_tls(self) -> None:
        """Begin TLS, after ``<proceed/>``."""
        assert self.carrier is not None
        self.carrier.start_tls()

    async def secure(self) -> Element:
        """Header, and STARTTLS where it is offered; give the features of what is reached."""
        features = await self.open()
        if features.find(f"{{{NS_TLS}}}starttls") is not None:
            self.send(f"<starttls xmlns='{NS_TLS}'/>")
            await self._get(f"{{{NS_TLS}}}proceed")
            self.begin_tls()
            features = await self.open()
        return features

    async def authenticate(self) -> None:
        """The same, then SASL PLAIN or ANONYMOUS, and the header behind it."""
        features = await self.secure()
        names = [element.text for element in features.iter(f"{{{NS_SASL}}}mechanism")]
        mechanism = "PLAIN" if "PLAIN" in names else "ANONYMOUS"
        initial = f"\0{self.username}\0{PASSWORD}" if mechanism == "PLAIN" else ""
        encoded = b64encode(initial.encode()).decode() or "="
        self.send(f"<auth xmlns='{NS_SASL}' mechanism='{mechanism}'>{encoded}</auth>")
        await self._get(f"{{{NS_SASL}}}success")
        await self.open()

    async def log_in(self) -> None:
        """The same, then bind."""
        await self.authenticate()
        self.send(
            f"<iq type='set' id='bind'><bind xmlns='{NS_BIND}'><resource>{self.resource}</resource></bind></iq>"
        )
        answer = await self._get("{jabber:client}iq")
        if answer.get("type") != "result":
            raise AssertionError(f"{self.name} could not bind")

    async def ping(self) -> None:
        """Make sure that the server has dealt with all that was sent, and that all its answers have come."""
        if not self.is_connected or not self._depth or not self.is_bound:
            return
        self.send(f"<iq type='get' id='{PING_ID}' to='{self.host}'><ping xmlns='urn:xmpp:ping'/></iq>")
        kept: list[Element] = []
        while self.inbox or self.is_connected:
            try:
                element = await self.receive()
            except NothingCame:
                break
            if element.get("id") == PING_ID:
                break
            kept.append(element)
        self.inbox.extendleft(reversed(kept))

    async def _get(self, tag: str) -> Element:
        element = await self.receive()
        if element.tag != tag:
            raise AssertionError(f"{self.name} got <{element.tag}> instead of <{tag}>")
        return element


PING_ID = "are you done?"
