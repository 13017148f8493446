"""Streams over WebSocket: RFC 7395 on RFC 6455."""

import gc
import weakref
from base64 import b64encode

from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from websockets.frames import Frame, Opcode

from xmppd.net.http.websocket import WebSocketConnection, text_frame
from xmppd.testing.server import MemoryServer
from xmppd.testing.web import MemoryWeb
from xmppd.testing.websocket import OPEN, WebSocketClient

FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"
PLAIN = b64encode(b"\0romeo\0secret").decode()
AUTH = f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{PLAIN}</auth>"
BIND = (
    "<iq xmlns='jabber:client' type='set' id='b'>"
    "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>{}</resource></bind></iq>"
)
CLOSE = f"<close xmlns='{FRAMING}'/>"
PING = "<iq xmlns='jabber:client' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>"


class WebSocketTestCase(SynchronousTestCase):
    """A server with a web side, and an account."""

    options = ""

    def setUp(self) -> None:
        """Give each test a server of its own."""
        self.memory = MemoryServer(self.options)
        self.web = MemoryWeb(self.memory)
        self.memory.add_account("romeo@localhost", "secret")

    def bound(self, resource: str = "orchard") -> WebSocketClient:
        """A client that has logged in."""
        client = WebSocketClient(self.web)
        client.open()
        client.send(AUTH)
        client.open()
        (bound,) = client.send(BIND.format(resource))
        self.assertIn(f"romeo@localhost/{resource}", bound)
        return client


class HandshakeTests(WebSocketTestCase):
    """RFC 6455 4.2, RFC 7395 3.1."""

    options = '[http]\norigins = ["https://other.example"]\n'

    def test_accepted(self) -> None:
        """With the subprotocol."""
        client = WebSocketClient(self.web)
        self.assertEqual((client.status, client.frames.subprotocol), (101, "xmpp"))

    def test_refused(self) -> None:
        """Each with its status, and no connection goes on as anything else."""
        table: tuple[tuple[dict[str, str], tuple[str, ...], int], ...] = (
            ({}, (), 400),
            ({}, ("soap", "mqtt"), 400),
            ({"Sec-WebSocket-Version": "8"}, ("xmpp",), 400),
            ({"Sec-WebSocket-Key": "short"}, ("xmpp",), 400),
            ({"Upgrade": "h2c"}, ("xmpp",), 426),
            ({"Connection": "keep-alive"}, ("xmpp",), 426),
            ({"Origin": "https://evil.example"}, ("xmpp",), 403),
            ({"Origin": "null"}, ("xmpp",), 403),
            ({"Origin": "http://localhost.evil.example"}, ("xmpp",), 403),
            ({"Origin": "http://localhost:81"}, ("xmpp",), 403),
            ({"Origin": "https://OTHER.example"}, ("xmpp",), 101),
            ({"Origin": "http://localhost"}, ("xmpp",), 101),
            ({"Origin": "https://localhost"}, ("xmpp",), 101),
        )
        for headers, subprotocols, status in table:
            client = WebSocketClient(self.web, headers, subprotocols=subprotocols)
            self.assertEqual(client.status, status, headers)

    def test_another_method(self) -> None:
        """405, and a page that says what this is for a browser's address bar."""
        self.assertEqual(self.web.request("POST", "/xmpp-websocket").status, 405)
        page = self.web.request("GET", "/xmpp-websocket")
        self.assertEqual((page.status, page.headers["upgrade"]), (426, "websocket"))

    def test_behind_other_requests(self) -> None:
        """A proxy may use a connection for anything before."""
        transport = self.web.connect()
        self.web.send(transport, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        transport.written.clear()
        connect, self.web.connect = self.web.connect, lambda *_, **__: transport  # type: ignore[method-assign]
        client = WebSocketClient(self.web)
        self.web.connect = connect  # type: ignore[method-assign]
        self.assertEqual(len(client.open()), 2)

    def test_frames_that_come_with_the_handshake(self) -> None:
        """They are the first ones of the WebSocket, and no request."""
        client = WebSocketClient.__new__(WebSocketClient)
        send = self.web.send
        held: list[bytes] = []
        self.patch(self.web, "send", lambda transport, data: held.append(data))
        client.__init__(self.web)  # type: ignore[misc]
        self.patch(self.web, "send", send)
        frame = (
            bytes([0x81, 0x80 | 126, 0, len(OPEN.format("localhost")), 0, 0, 0, 0])
            + OPEN.format("localhost").encode()
        )
        send(client.transport, b"".join(held) + frame)
        self.assertEqual(len(client.read()), 2)


class StreamTests(WebSocketTestCase):
    """RFC 7395 3."""

    def test_a_session(self) -> None:
        """Open, features, authentication, open again, bind; each message is one element with its namespaces."""
        client = WebSocketClient(self.web)
        opened, features = client.open()
        self.assertTrue(opened.startswith(f"<open xmlns='{FRAMING}' version='1.0' id="), opened)
        self.assertIn("from='localhost'", opened)
        self.assertTrue(
            features.startswith("<stream:features xmlns:stream='http://etherx.jabber.org/streams'>")
        )
        self.assertNotIn("starttls", features)
        self.assertEqual(client.send(AUTH), ["<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"])
        opened, features = client.open()
        self.assertIn("urn:ietf:params:xml:ns:xmpp-bind", features)
        (bound,) = client.send(BIND.format("orchard"))
        self.assertTrue(bound.startswith("<iq xmlns='jabber:client' "), bound)
        (pong,) = client.send(PING)
        self.assertIn("id='p'", pong)
        self.assertEqual(client.send(CLOSE), [CLOSE.replace('"', "'")])
        self.assertEqual((client.close_code, client.is_gone), (1000, True))

    def test_stanzas_both_ways(self) -> None:
        """To a client over TCP and from it; what it gets has its namespace, what it sends is taken raw."""
        client, other = self.bound(), self.memory.logged_in("juliet@localhost/balcony")
        client.send("<presence xmlns='jabber:client'/>")
        client.send(
            "<message xmlns='jabber:client' to='juliet@localhost/balcony'><body>a &lt; b</body></message>"
        )
        self.memory.settle()
        self.assertEqual(other.inbox.popleft()[0].text, "a < b")
        other.send("<message to='romeo@localhost/orchard'><body>c</body><x xmlns='urn:x'/></message>")
        (message,) = [text for text in client.read() if "<body>" in text]
        self.assertTrue(message.startswith("<message xmlns='jabber:client' "), message)
        self.assertIn("<x xmlns='urn:x'/>", message)

    def test_in_fragments(self) -> None:
        """RFC 6455 5.4: a message is whole when its last fragment is there, whatever comes between."""
        client = self.bound()
        first, rest = PING[:20].encode(), PING[20:].encode()
        client.frames.send_text(first, fin=False)
        client.frames.send_ping(b"x")
        client.frames.send_continuation(rest, fin=True)
        (pong,) = client._exchange()
        self.assertIn("id='p'", pong)
        self.assertEqual(client.pongs, 1)

    def test_what_is_no_element(self) -> None:
        """Each ends the stream with an error in a message of its own, then the WebSocket."""
        table = (
            ("", "bad-format"),
            (" <presence xmlns='jabber:client'/>", "bad-format"),
            ("text", "bad-format"),
            ("<presence xmlns='jabber:client'/><presence xmlns='jabber:client'/>", "bad-format"),
            ("<presence xmlns='jabber:client'/> ", None),
            ("<presence xmlns='jabber:client'/>x", "bad-format"),
            ("<presence xmlns='jabber:client'>", "bad-format"),
            ("</stream>", "bad-format"),
            ("<presence xmlns='jabber:client'><a></b></presence>", "not-well-formed"),
            ("<?xml version='1.0'?><presence xmlns='jabber:client'/>", "not-well-formed"),
            ("<stream:stream xmlns='jabber:client'/>", "not-well-formed"),
            ("<!-- c --><presence xmlns='jabber:client'/>", "restricted-xml"),
            (OPEN.format("localhost"), "bad-format"),
            ("<other xmlns='jabber:client'/>", "unsupported-stanza-type"),
        )
        for text, condition in table:
            client = self.bound()
            came = client.send(text)
            if condition is None:
                self.assertFalse(client.is_gone, text)
                continue
            self.assertTrue(came and came[0].startswith("<stream:error xmlns:stream="), (text, came))
            self.assertIn(f"<{condition} ", came[0], text)
            self.assertEqual((came[1], client.close_code), (CLOSE, 1000), text)

    def test_no_stream_yet(self) -> None:
        """A stanza before ``<open/>``, a domain that is not served, another namespace."""
        for text, condition in (
            (PING, "bad-format"),
            (OPEN.format("nowhere.example"), "host-unknown"),
            (OPEN.format("localhost").replace("version='1.0'", ""), "unsupported-version"),
            ("<stream xmlns='http://etherx.jabber.org/streams' to='localhost' version='1.0'/>", "bad-format"),
        ):
            client = WebSocketClient(self.web)
            came = client.send(text)
            self.assertTrue(came[0].startswith("<open "), (text, came))
            self.assertIn(f"<{condition} ", came[1], text)

    def test_ahead_of_an_authentication(self) -> None:
        """What is sent behind it waits, and is read by the rules that hold then."""
        client = WebSocketClient(self.web)
        for text in (OPEN.format("localhost"), AUTH, OPEN.format("localhost"), BIND.format("x" * 20), PING):
            client.frames.send_text(text.encode())
        data = b"".join(client.frames.data_to_send())
        came = client.send_raw(data)
        self.assertIn("id='p'", came[-1])

    def test_silence(self) -> None:
        """Who does not authenticate is sent away, as on TCP (promises#before-authentication)."""
        client = WebSocketClient(self.web)
        self.memory.pass_time(31)
        came = client.read()
        self.assertIn("<connection-timeout ", came[1])
        self.assertEqual(client.close_code, 1000)

    def test_the_client_does_not_let_it_end(self) -> None:
        """The connection is cut then."""
        client = self.bound()
        client.send(CLOSE)
        transport = WebSocketClient(self.web).transport
        self.memory.pass_time(31)
        self.assertFalse(transport.disconnecting)
        self.memory.pass_time(11)
        self.assertTrue(transport.disconnecting)

    def test_shutdown(self) -> None:
        """Every stream hears of it."""
        client = self.bound()
        self.web.service.shutdown()
        came = client.read()
        self.assertIn("<system-shutdown ", came[0])
        self.assertEqual(client.close_code, 1000)


class CycleTests(WebSocketTestCase):
    """What is left of a session when it has ended: nothing that only the garbage collector could find."""

    def test_nothing_is_left(self) -> None:
        """However it ends."""
        self.patch(globalLogPublisher, "_observers", [])  # one that remembers events holds their sources
        for last in (CLOSE, "<a>", "", None):
            client = self.bound()
            assert client.transport.protocol is not None
            connection = weakref.ref(client.transport.protocol)
            self.assertIsInstance(connection(), WebSocketConnection)
            gc.disable()
            self.addCleanup(gc.enable)
            if last is not None:
                client.send(last)
            client.transport.end()
            del client
            self.assertIsNone(connection(), last)


class FrameTests(WebSocketTestCase):
    """RFC 6455 5: what is no frame, or too much of it."""

    def close_code(self, data: bytes) -> int | None:
        """The code that *data* is answered with."""
        client = self.bound("r")
        client.send_raw(data)
        self.assertTrue(client.is_gone)
        return client.close_code

    def test_refused(self) -> None:
        """Each with its code (7.4.1); the session is gone with it."""
        big = (300_000).to_bytes(8, "big")
        table = (
            (b"\x81\x02hi", 1002),  # not masked
            (b"\x82\x82\0\0\0\0hi", 1003),  # binary
            (b"\x83\x80\0\0\0\0", 1002),  # an opcode that there is not
            (b"\xc1\x80\0\0\0\0", 1002),  # a bit of an extension that there is not
            (b"\x80\x80\0\0\0\0", 1002),  # a continuation of nothing
            (b"\x09\x80\0\0\0\0", 1002),  # a ping in fragments
            (b"\x89\xfe\x00\x80\0\0\0\0" + b"x" * 128, 1002),  # a ping that is too long
            (b"\x81\xff" + big + b"\0\0\0\0", 1009),  # too big, as soon as it says so
            (b"\x01\x82\0\0\0\0hi\x81\x82\0\0\0\0hi", 1002),  # a message within a message
            (b"\x88\x81\0\0\0\0x", 1002),  # half a code
        )
        for data, code in table:
            self.assertEqual(self.close_code(data), code, data[:12])
        self.assertEqual(len(self.memory.server.registry.by_full), 0)

    def test_endless(self) -> None:
        """A message in very many fragments, and one that grows too much."""
        self.assertEqual(self.close_code(b"\x01\x80\0\0\0\0" + b"\x00\x80\0\0\0\0" * 1_100), 1008)
        kilobyte = b"\x00\xfe\x04\x00\0\0\0\0" + b"x" * 1_024
        self.assertEqual(self.close_code(b"\x01\x80\0\0\0\0" + kilobyte * 257), 1009)

    def test_little_before_authentication(self) -> None:
        """The limit is narrow until then."""
        client = WebSocketClient(self.web)
        client.open()
        client.send("<a>" + "x" * 10_000 + "</a>")
        self.assertEqual(client.close_code, 1009)

    def test_no_text_at_all(self) -> None:
        """RFC 6455 8.1: bytes that are no UTF-8."""
        client = self.bound()
        self.assertEqual((client.send_raw(b"\x81\x82\0\0\0\0<\xff"), client.close_code), ([], 1007))

    def test_pings(self) -> None:
        """Who is silent is pinged; who answers stays, who does not is gone."""
        client = self.bound()
        for _ in range(5):
            self.memory.pass_time(60)
            client.read()
        self.assertFalse(client.is_gone)
        self.memory.pass_time(220)
        self.assertTrue(client.transport.disconnecting)


class ElsewhereTests(WebSocketTestCase):
    """Where a stream has to be, and from where it may come."""

    options = (
        '[http]\nexternal_url = "https://chat.example"\n[limits]\nconnections_per_address = 2\n'
        '[hosts."a.example"]\n'
    )

    def setUp(self) -> None:
        """No account here."""
        self.memory = MemoryServer(self.options)
        self.web = MemoryWeb(self.memory)

    def test_see_other_uri(self) -> None:
        """RFC 7395 3.6.1: who comes without TLS, to a domain that wants it, hears where to come."""
        headers = {"Host": "a.example"}
        client = WebSocketClient(self.web, headers, peer="192.0.2.1")
        self.assertEqual(
            client.open("a.example"),
            [f"<close xmlns='{FRAMING}' see-other-uri='wss://chat.example/xmpp-websocket'/>"],
        )
        self.assertEqual(client.close_code, 1000)
        self.assertEqual(
            len(WebSocketClient(self.web, headers, peer="192.0.2.1", is_tls=True).open("a.example")), 2
        )
        proxied = {**headers, "X-Forwarded-For": "192.0.2.2", "X-Forwarded-Proto": "https"}
        self.assertEqual(len(WebSocketClient(self.web, proxied).open("a.example")), 2)

    def test_so_many_of_an_address(self) -> None:
        """Of the client's, where a proxy stands before it."""
        headers = {"Host": "a.example", "X-Forwarded-For": "192.0.2.2", "X-Forwarded-Proto": "https"}
        clients = [WebSocketClient(self.web, headers) for _ in range(3)]
        self.assertEqual([client.status for client in clients], [101, 101, 429])
        clients[0].transport.end()
        self.assertEqual(WebSocketClient(self.web, headers).status, 101)
        direct = [
            WebSocketClient(self.web, {"Host": "a.example"}, peer="192.0.2.9", is_tls=True) for _ in range(2)
        ]
        self.assertEqual([client.status for client in direct], [101, 101])
        self.assertEqual(self.memory.server.addresses["192.0.2.9"], 2)
        for client in (*clients[1:], *direct):
            client.transport.end()


class PaceTests(WebSocketTestCase):
    """``limits.bytes_per_second``, as on TCP."""

    options = "[limits]\nbytes_per_second = 10_000\nburst_bytes = 65_536\n"

    def test_who_sends_too_much(self) -> None:
        """Is read no more for a while, and then again."""
        client = self.bound()
        for _ in range(100):
            client.send(
                f"<message xmlns='jabber:client' to='romeo@localhost/orchard'><a>{'x' * 1_000}</a></message>"
            )
        self.assertTrue(client.transport.is_paused)
        self.memory.pass_time(10)
        self.assertFalse(client.transport.is_paused)


class CompressionTests(WebSocketTestCase):
    """RFC 7692, where it is wanted."""

    options = "[http]\nwebsocket_compression = true\n"

    def test_negotiated(self) -> None:
        """Only for who offers it; without a context between messages."""
        client = WebSocketClient(self.web, {"Sec-WebSocket-Extensions": "permessage-deflate"})
        self.assertEqual(client.status, 101)
        self.assertEqual(WebSocketClient(self.web).frames.extensions, [])


class TextFrameTests(SynchronousTestCase):
    """`text_frame`, against the library."""

    def test_sizes(self) -> None:
        """All three ways to write a length."""
        for size in (0, 1, 125, 126, 127, 65_535, 65_536, 100_000):
            data = b"x" * size
            self.assertEqual(text_frame(data), Frame(Opcode.TEXT, data).serialize(mask=False), size)
