"""A client that speaks BOSH to a server in memory."""

from base64 import b64encode
from xml.etree.ElementTree import Element, fromstring

from twisted.trial.unittest import SynchronousTestCase

from xmppd.testing.server import MemoryServer
from xmppd.testing.web import MemoryWeb, WebResponse, WebTransport, read_response

NS = "http://jabber.org/protocol/httpbind"
XBOSH = "{urn:xmpp:xbosh}"
STREAMS = "{http://etherx.jabber.org/streams}"
PLAIN = b64encode(b"\0romeo\0secret").decode()
AUTH = f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{PLAIN}</auth>"
BIND = (
    "<iq xmlns='jabber:client' type='set' id='b'>"
    "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>orchard</resource></bind></iq>"
)
PING = "<iq xmlns='jabber:client' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>"
PRESENCE = "<presence xmlns='jabber:client'/>"
RESTART = "xmpp:restart='true' to='localhost' xmlns:xmpp='urn:xmpp:xbosh'"


class Client:
    """A client; each request has a connection of its own."""

    def __init__(self, web: MemoryWeb, peer: str = "127.0.0.1", headers: str = "", rid: int = 1_000) -> None:
        self.web = web
        self.peer = peer
        self.headers = headers
        self.rid = rid
        self.sid = ""
        self.open: list[WebTransport] = []

    def post(self, attrs: str, payload: str = "") -> WebTransport:
        """Send a body as it is."""
        body = f"<body xmlns='{NS}' {attrs}>{payload}</body>".encode()
        transport = self.web.connect(self.peer)
        self.open.append(transport)
        head = f"POST /http-bind HTTP/1.1\r\nHost: localhost\r\n{self.headers}Content-Length: {len(body)}\r\n\r\n"
        self.web.send(transport, head.encode() + body)
        return transport

    def begin(self, attrs: str = "to='localhost' wait='60' hold='1' ver='1.6'", payload: str = "") -> Element:
        """Begin a session."""
        answer = self.read(self.post(f"rid='{self.rid}' {attrs}", payload))
        assert answer is not None
        self.sid = answer.get("sid", "")
        return answer

    def send(self, payload: str = "", attrs: str = "") -> WebTransport:
        """Send the next request."""
        self.rid += 1
        return self.post(f"rid='{self.rid}' sid='{self.sid}' {attrs}", payload)

    def ask(self, payload: str = "", attrs: str = "") -> Element:
        """Send the next request; it has to be answered at once."""
        answer = self.read(self.send(payload, attrs))
        assert answer is not None, "no answer yet"
        return answer

    def response(self, transport: WebTransport) -> WebResponse | None:
        """What came on a connection; None as long as there is nothing."""
        self.web.send(transport, b"")
        return read_response(bytes(transport.written))[0] if transport.written else None

    def read(self, transport: WebTransport) -> Element | None:
        """The body in it."""
        response = self.response(transport)
        if response is None:
            return None
        assert response.status == 200, response
        return fromstring(response.text)

    def log_in(self) -> None:
        """Authenticate, and bind a resource."""
        self.begin()
        assert self.ask(AUTH)[0].tag.endswith("success")
        assert self.ask("", RESTART)[0].tag == f"{STREAMS}features"
        assert self.ask(BIND)[0].get("id") == "b"


class BOSHTestCase(SynchronousTestCase):
    """A server with a web side, and an account."""

    options = ""

    def setUp(self) -> None:
        """Give each test a server of its own."""
        self.memory = MemoryServer(self.options)
        self.web = MemoryWeb(self.memory)
        self.memory.add_account("romeo@localhost", "secret")
        self.client = Client(self.web)

    def pass_time(self, seconds: float) -> None:
        """Let time pass; the clock and the deadlines of connections go with it."""
        self.memory.pass_time(seconds)
