"""Brief requests, and what is left to Twisted's channel: RFC 9112 2 to 7."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.http import HttpAnswer, HttpRequest, HttpResponse
from xmppd.core.module import Module, http
from xmppd.net.http.brief import brief_request
from xmppd.net.http.channel import Channel, Exchange
from xmppd.net.http.connection import AHEAD_BYTES
from xmppd.testing.server import MemoryServer
from xmppd.testing.web import MemoryWeb, WebTransport, read_response

HEAD_BYTES, HEADERS = 16_384, 100
BODY = b"<body/>"
Read = tuple[str, dict[str, str], bytes]


def request(*lines: bytes, body: bytes = BODY, first: bytes = b"POST /a HTTP/1.1") -> bytes:
    """A request with these lines behind the usual ones."""
    usual = (first, b"Host: localhost", b"Content-Length: %d" % len(body))
    return b"\r\n".join([*usual, *lines]) + b"\r\n\r\n" + body


class Library:
    """What the channel makes of bytes: one whole request, or something else."""

    def __init__(self) -> None:
        self.whole: list[Exchange] = []
        self.bodies: list[bytes] = []
        self.others = 0

    def write(self, data: bytes) -> None:
        """Take a piece of the body."""
        self.bodies.append(data)

    def head_came(self, exchange: Exchange) -> None:
        """Read the body."""
        exchange.request.receive(self)

    def body_came(self, size: int) -> None:
        """Some of it."""

    def request_whole(self, exchange: Exchange) -> None:
        """All of it."""
        self.whole.append(exchange)

    def refuse(self, status: int) -> None:
        """It is none."""
        self.others += 1

    request_done = refuse

    @classmethod
    def read(cls, data: bytes) -> Read | None:
        """Give what the channel reads where *data* is one whole request that leaves the connection open."""
        library = cls()
        library_as_any: Any = library
        channel = Channel(library_as_any, HEAD_BYTES)
        channel.makeConnection(StringTransport())  # type: ignore[no-untyped-call]  # Twisted's
        channel.dataReceived(data)  # type: ignore[no-untyped-call]  # likewise
        if len(library.whole) != 1 or library.others or not channel.persistent:
            return None
        asked = library.whole[0].request
        target = f"{asked.path}?{asked.query_text}" if asked.query_text else asked.path
        return target, dict(asked.headers), b"".join(library.bodies)


class BriefRequestTests(SynchronousTestCase):
    """`brief_request`."""

    def test_taken(self) -> None:
        """What a browser sends, in any case of letters."""
        data = request(b"Content-Type: text/xml; charset=utf-8", b"CONNECTION: Keep-Alive", b"X-A: 1, 2")
        target, headers, body = brief_request(data, HEAD_BYTES, HEADERS) or ("", {}, b"")
        self.assertEqual((target, body), ("/a", BODY))
        self.assertEqual((headers["connection"], headers["x-a"], len(headers)), ("Keep-Alive", "1, 2", 5))
        self.assertEqual(Library.read(data), (target, headers, body))

    def test_left(self) -> None:
        """Whatever is unusual, or not whole, or more than one request."""
        table = (
            request(b"Transfer-Encoding: chunked"),
            request(b"Transfer-Encoding : chunked"),
            request(b"Content-Length: 7"),
            request(b"Content-Length: 8"),
            request(b"Host: other"),
            request(b"Connection: close"),
            request(b"Connection: keep-alive, close"),
            request(b"Connection: upgrade", b"Upgrade: websocket"),
            request(b"Expect: 100-continue"),
            request(b"X-A: 1", b" folded"),
            request(b"X-A:1"),
            request(b"X-A: 1 "),
            request(b"X-A: \xff"),
            request(b"X-A: a\tb"),
            request(b"X-A: a\nTransfer-Encoding: chunked"),
            request(b"X-A: a\rX-B: b"),
            request(b"X A: 1"),
            request(b": 1"),
            request(first=b"POST /a HTTP/1.0"),
            request(first=b"POST a HTTP/1.1"),
            request(first=b"POST /a b HTTP/1.1"),
            request(first=b"POST  /a HTTP/1.1"),
            request(first=b"post /a HTTP/1.1"),
            request(first=b"PUT /a HTTP/1.1"),
            request(body=b""),
            request().replace(b"Host: localhost\r\n", b""),
            request().replace(b"Length: 7", b"Length: +7"),
            request().replace(b"Length: 7", b"Length: 7,7"),
            request().replace(b"Length: 7", b"Length: 0x7"),
            request().replace(b"\r\n", b"\n"),
            b"\r\n" + request(),
            request()[:-1],
            request() + b"P",
            request() + request(),
            request(*(b"X-%d: 1" % number for number in range(HEADERS))),
            request(b"X-A: " + b"a" * HEAD_BYTES),
            request(body=b"x" * 70_000),
        )
        for data in table:
            self.assertIsNone(brief_request(data, HEAD_BYTES, HEADERS), data[:200])

    @settings(max_examples=400, deadline=None)
    @given(
        st.lists(
            st.sampled_from(
                (
                    b"Accept: */*",
                    b"Connection: keep-alive",
                    b"Content-Length: 7",
                    b"Transfer-Encoding: chunked",
                    b"Host: a",
                    b"Expect: 100-continue",
                    b"X: ",
                    b"X-Y: a b",
                )
            ),
            max_size=3,
        ),
        st.lists(st.tuples(st.integers(0, 120), st.integers(0, 255)), max_size=3),
    )
    def test_as_the_library(self, lines: list[bytes], changes: list[tuple[int, int]]) -> None:
        """What is taken is what Twisted's channel makes of the same bytes, whatever they are."""
        data = bytearray(request(*lines))
        for place, value in changes:
            if place < len(data):
                data[place] = value
        taken = brief_request(bytes(data), HEAD_BYTES, HEADERS)
        if taken is not None:
            self.assertEqual(Library.read(bytes(data)), taken)


class Later(Module):
    """A module that answers when the test wants it."""

    name = "later"
    summary = "Answers later"

    def start(self) -> None:
        """Nothing has come yet."""
        self.asked: list[HttpRequest] = []
        self.answers: list[Deferred[HttpResponse]] = []

    @http("POST", "/a")
    def on_asked(self, request: HttpRequest) -> HttpAnswer:
        """Wait."""
        self.asked.append(request)
        self.answers.append(Deferred())
        return self.answers[-1]


class WaitingTests(SynchronousTestCase):
    """A connection whose brief request is not answered yet."""

    def setUp(self) -> None:
        """One connection, one request."""
        self.memory = MemoryServer(modules=[Later])
        later = next(iter(self.memory.server.hosts)).modules["later"]
        assert isinstance(later, Later)
        self.later = later
        self.web = MemoryWeb(self.memory)
        self.transport = self.web.connect()
        self.web.send(self.transport, request())

    def answer(self, place: int) -> list[bytes]:
        """Answer one, and give all that has been answered."""
        self.later.answers[place].callback(HttpResponse(200, {}, b"%d" % place))
        self.memory.settle()
        return answers(self.transport)

    def test_the_next_wait(self) -> None:
        """Whatever comes meanwhile is dealt with in its order, in one piece or several, brief or not."""
        rest = request() + request(b"Connection: close")
        for start in range(0, len(rest), 50):
            self.web.send(self.transport, rest[start : start + 50])
        self.assertEqual(len(self.later.asked), 1)
        self.assertEqual(self.answer(0), [b"0"])
        self.assertEqual(len(self.later.asked), 2)
        self.assertEqual(self.answer(1), [b"0", b"1"])
        self.assertEqual(self.answer(2), [b"0", b"1", b"2"])
        self.assertTrue(self.transport.disconnecting)

    def test_not_too_much(self) -> None:
        """Who sends on is read no more; it goes on once there is an answer."""
        self.web.send(self.transport, request())
        self.assertFalse(self.transport.is_paused)
        self.web.send(self.transport, request(body=b"x" * AHEAD_BYTES))
        self.assertTrue(self.transport.is_paused)
        self.assertEqual(self.answer(0), [b"0"])
        self.assertFalse(self.transport.is_paused)

    def test_it_goes(self) -> None:
        """An answer for who is gone is nobody's."""
        self.transport.end()
        self.later.answers[0].callback(HttpResponse(200))
        self.assertEqual(self.transport.written, b"")

    def test_no_deadline_but_between_requests(self) -> None:
        """A handler may take its time; a client without a request may not."""
        self.memory.pass_time(300)
        self.assertFalse(self.transport.disconnecting)
        self.assertEqual(self.answer(0), [b"0"])
        self.memory.pass_time(59)
        self.assertFalse(self.transport.disconnecting)
        self.memory.pass_time(2)
        self.assertTrue(self.transport.disconnecting)

    def test_a_half_one_behind_it(self) -> None:
        """Has the time of a head, from when it is looked at."""
        self.answer(0)
        self.web.send(self.transport, request()[:30])
        self.memory.pass_time(11)
        self.assertIn(b"408", bytes(self.transport.written))

    def test_the_server_ends(self) -> None:
        """What is being answered is answered, and then the connection ends."""
        self.web.service.shutdown()
        self.assertFalse(self.transport.disconnecting)
        self.assertEqual(self.answer(0), [b"0"])
        self.assertTrue(self.transport.disconnecting)


def answers(transport: WebTransport) -> list[bytes]:
    """The bodies of all responses that were written."""
    found, rest = [], bytes(transport.written)
    while rest:
        response, rest = read_response(rest)
        found.append(response.body)
    return found
