"""One connection of HTTP: RFC 9110, RFC 9112; its limits, its deadlines, and the module API behind it."""

import json

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.config.read import parse
from xmppd.core.http import FileBody, HttpAnswer, HttpError, HttpRequest, HttpResponse, RequestLost
from xmppd.core.module import Module, http
from xmppd.testing.server import MemoryServer
from xmppd.testing.web import MemoryWeb, WebResponse, WebTransport, read_response

GET = b"GET /hello/a HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: localhost\r\n"
LIMIT = 100_000


class Sink:
    """Takes a body, and lets the rest wait where a test wants that."""

    def __init__(self) -> None:
        self.taken = b""
        self.waits: Deferred[None] | None = None

    def write(self, data: bytes) -> Deferred[None] | None:
        """Take *data*."""
        self.taken += data
        return self.waits


class Web(Module):
    """A module with a web side."""

    name = "web"
    summary = "A web side"

    def start(self) -> None:
        """Nothing has come yet."""
        self.requests: list[HttpRequest] = []
        self.later: Deferred[HttpResponse] = Deferred()
        self.sink = Sink()
        self.received: list[object] = []
        self.file: FileBody | None = None

    @http("GET", "/hello/{name}")
    def on_hello(self, request: HttpRequest) -> HttpResponse:
        """Greet."""
        self.requests.append(request)
        return HttpResponse(
            200, {"Content-Type": "text/plain"}, f"hello {request.parameters['name']}".encode()
        )

    @http("POST", "/echo")
    def on_echo(self, request: HttpRequest) -> HttpAnswer:
        """Give the body back."""
        return request.read(LIMIT).addCallback(lambda body: HttpResponse(200, {}, body))

    @http("POST", "/receive")
    def on_receive(self, request: HttpRequest) -> HttpAnswer:
        """Take the body piece by piece."""
        received = request.receive(self.sink)

        def note(result: int | Failure) -> int | Failure:
            self.received.append(result)
            return result

        return received.addBoth(note).addCallback(lambda size: HttpResponse(200, {}, str(size).encode()))

    @http("PUT", "/unread")
    def on_unread(self, request: HttpRequest) -> HttpAnswer:
        """Refuse without a look at the body."""
        raise HttpError(403, "Not <you>.")

    @http("GET", "/later")
    def on_later(self, request: HttpRequest) -> HttpAnswer:
        """Answer when the test wants it."""
        return self.later

    @http("GET", "/file")
    def on_file(self, request: HttpRequest) -> HttpAnswer:
        """Send a file."""
        assert self.file is not None
        return HttpResponse(200, {"Content-Type": "text/plain"}, self.file)

    @http("GET", "/broken")
    def on_broken(self, request: HttpRequest) -> HttpAnswer:
        """Have a bug."""
        raise KeyError("a bug")

    @http("GET", "/split")
    def on_split(self, request: HttpRequest) -> HttpAnswer:
        """Try to write two headers into one."""
        return HttpResponse(200, {"X-A": "b\r\nX-C: d"})

    @http("GET", "/open", cors=True)
    def on_open(self, request: HttpRequest) -> HttpAnswer:
        """For pages of any site."""
        return HttpResponse(200)

    @http("POST", "/open", cors=True)
    def on_refused(self, request: HttpRequest) -> HttpAnswer:
        """Not for them."""
        raise HttpError(403)

    @http("PUT", "/open", cors=True)
    def on_refused_later(self, request: HttpRequest) -> HttpAnswer:
        """Likewise."""
        return fail(HttpError(403))

    @http("GET", "/program", json=True)
    def on_program(self, request: HttpRequest) -> HttpAnswer:
        """For programs, and not now."""
        raise HttpError(503, "Not now.")


class HttpTestCase(SynchronousTestCase):
    """A server with a web side."""

    options = ""

    def setUp(self) -> None:
        """Give each test a server of its own."""
        self.memory = MemoryServer(self.options, modules=[Web])
        self.web = MemoryWeb(self.memory)
        host = next(iter(self.memory.server.hosts))
        module = host.modules["web"]
        assert isinstance(module, Web)
        self.module = module

    def exchange(self, data: bytes, transport: WebTransport | None = None) -> list[WebResponse]:
        """Send *data* on a connection, and give all that came."""
        transport = transport or self.web.connect()
        self.web.send(transport, data)
        responses, rest = [], bytes(transport.written)
        transport.written.clear()
        while rest:
            response, rest = read_response(rest)
            responses.append(response)
        return responses

    def status(self, data: bytes) -> int:
        """The status of the one answer to *data*."""
        (response,) = self.exchange(data)
        return response.status


class RequestTests(HttpTestCase):
    """What handlers see and give."""

    def test_a_route(self) -> None:
        """A module answers at its paths, and sees who asks and for what."""
        response = self.web.request("GET", "/hello/J%C3%BCrgen?a=1&b=x%20y&a=2", headers={"X-A": "1"})
        self.assertEqual((response.status, response.text), (200, "hello Jürgen"))
        (request,) = self.module.requests
        self.assertEqual(dict(request.query), {"a": "2", "b": "x y"})
        self.assertEqual((request.method, request.path), ("GET", "/hello/J%C3%BCrgen"))
        self.assertEqual(request.headers["x-a"], "1")
        self.assertEqual((request.host, request.client), ("localhost", "127.0.0.1"))
        self.assertEqual((request.base_url, request.content_length), ("http://localhost", 0))

    def test_head_and_options_come_of_themselves(self) -> None:
        """RFC 9110 9.3.2, 9.3.7: as GET without the body, and which methods there are."""
        (head,) = self.exchange(GET.replace(b"GET", b"HEAD") + b"")[:1]
        self.assertEqual((head.status, head.headers["content-length"], head.body), (200, "7", b""))
        options = self.web.request("OPTIONS", "/hello/a")
        self.assertEqual((options.status, options.headers["allow"]), (204, "GET, HEAD, OPTIONS"))
        self.assertNotIn("access-control-allow-origin", options.headers)

    def test_pages_of_other_sites(self) -> None:
        """A route says whether they may ask."""
        options = self.web.request("OPTIONS", "/open", headers={"Origin": "https://other.example"})
        self.assertEqual(options.headers["access-control-allow-origin"], "*")
        self.assertEqual(self.web.request("GET", "/open").headers["access-control-allow-origin"], "*")
        self.assertNotIn("access-control-allow-origin", self.web.request("GET", "/hello/a").headers)

    def test_pages_of_other_sites_see_errors(self) -> None:
        """Where they may ask, they see why they were refused, and not a broken connection."""
        for method in ("POST", "PUT"):
            response = self.web.request(method, "/open")
            self.assertEqual(
                (response.status, response.headers.get("access-control-allow-origin")), (403, "*")
            )
        self.assertNotIn("access-control-allow-origin", self.web.request("PUT", "/unread").headers)

    def test_what_programs_ask(self) -> None:
        """A route says that its errors are JSON whatever is preferred."""
        response = self.web.request("GET", "/program", headers={"Accept": "text/html"})
        self.assertEqual((response.status, response.headers["content-type"]), (503, "application/json"))
        self.assertEqual(json.loads(response.body)["error"]["text"], "Not now.")

    def test_another_method(self) -> None:
        """RFC 9110 15.5.6."""
        response = self.web.request("DELETE", "/hello/a")
        self.assertEqual((response.status, response.headers["allow"]), (405, "GET, HEAD, OPTIONS"))

    def test_nothing_there(self) -> None:
        """A short page, and JSON for who prefers it."""
        page = self.web.request("GET", "/nothing", headers={"Accept": "text/html,*/*"})
        self.assertEqual(page.status, 404)
        self.assertIn("<h1>Not Found</h1>", page.text)
        answer = self.web.request("GET", "/nothing", headers={"Accept": "application/json"})
        self.assertEqual(json.loads(answer.body)["error"]["status"], 404)

    def test_script_in_an_error(self) -> None:
        """What an error says is text."""
        response = self.web.request("PUT", "/unread", b"x")
        self.assertEqual(response.status, 403)
        self.assertIn("Not &lt;you&gt;.", response.text)

    def test_a_bug(self) -> None:
        """It is logged once, and the client hears that it was one."""
        self.assertEqual(self.web.request("GET", "/broken").status, 500)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_no_header_becomes_two(self) -> None:
        """A value with a line end is a bug of who gives it, not a header of its own."""
        response = self.web.request("GET", "/split")
        self.assertEqual(response.status, 500)
        self.assertNotIn("x-c", response.headers)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_answers_come_later(self) -> None:
        """And one that nobody waits for any more is dropped."""
        transport = self.web.connect()
        self.assertEqual(self.exchange(GET.replace(b"/hello/a", b"/later"), transport), [])
        self.module.later.callback(HttpResponse(204))
        self.assertEqual([each.status for each in self.exchange(b"", transport)], [204])
        self.module.later = Deferred()
        self.exchange(GET.replace(b"/hello/a", b"/later"), transport)
        transport.end()
        self.module.later.callback(HttpResponse(204))
        self.assertEqual(bytes(transport.written), b"")

    def test_what_all_responses_say(self) -> None:
        """A browser guesses no type, shows it in no frame, and tells no other site where it came from."""
        headers = self.web.request("GET", "/hello/a").headers
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertEqual(headers["x-frame-options"], "DENY")
        self.assertEqual(headers["referrer-policy"], "no-referrer")
        self.assertIn("default-src 'none'", headers["content-security-policy"])
        self.assertTrue(headers["date"].endswith(" GMT"))

    def test_one_after_the_other(self) -> None:
        """RFC 9112 9.3.2: requests that come together are answered in their order."""
        transport = self.web.connect()
        self.exchange(GET.replace(b"/hello/a", b"/later") + GET + GET.replace(b"/a", b"/b"), transport)
        self.assertEqual(bytes(transport.written), b"")
        self.module.later.callback(HttpResponse(204))
        answers = self.exchange(b"", transport)
        self.assertEqual([each.body for each in answers], [b"", b"hello a", b"hello b"])

    def test_a_module_goes(self) -> None:
        """Its paths go with it, and come back with it."""
        host = self.memory.server.hosts["localhost"]
        self.memory.server.loader.unload(host, "web")
        self.assertEqual(self.web.request("GET", "/hello/a").status, 404)
        self.memory.server.loader.load(host, "web")
        self.assertEqual(self.web.request("GET", "/hello/a").status, 200)


class BodyTests(HttpTestCase):
    """Bodies on their way."""

    def test_read(self) -> None:
        """Whole, in pieces of the wire, and in chunks (RFC 9112 7.1)."""
        self.assertEqual(self.web.request("POST", "/echo", b"x" * 5_000).body, b"x" * 5_000)
        transport = self.web.connect()
        self.exchange(POST + b"Content-Length: 10\r\n\r\n01234", transport)
        self.assertEqual(
            [each.body for each in self.exchange(b"56789" + GET, transport)], [b"0123456789", b"hello a"]
        )
        chunks = POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n"
        self.assertEqual(self.exchange(chunks + GET, transport)[0].body, b"abcdefg")

    def test_too_much(self) -> None:
        """RFC 9110 15.5.14: by the length that is told, and by what comes where none is."""
        (told,) = self.exchange(POST + b"Content-Length: 100001\r\n\r\n")
        self.assertEqual((told.status, told.headers["connection"]), (413, "close"))
        chunk = b"%x\r\n" % (LIMIT + 1) + b"x" * (LIMIT + 1)
        self.assertEqual(self.status(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunk), 413)

    def test_who_is_refused_sends_nothing(self) -> None:
        """RFC 9110 10.1.1: the body is asked for once somebody reads it, and not before."""
        asks = b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"
        transport = self.web.connect()
        self.web.send(transport, POST + asks)
        self.assertEqual(bytes(transport.written), b"HTTP/1.1 100 Continue\r\n\r\n")
        transport.written.clear()
        self.assertEqual(self.exchange(b"abc", transport)[0].body, b"abc")
        refused = b"PUT /unread HTTP/1.1\r\nHost: localhost\r\n" + asks
        self.assertEqual(self.status(refused), 403)

    def test_an_early_answer_is_not_lost(self) -> None:
        """What still comes is read and forgotten for a while, so that the answer arrives; then it is over."""
        transport = self.web.connect()
        put = b"PUT /unread HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n"
        self.assertEqual([each.status for each in self.exchange(put, transport)], [403])
        self.exchange(b"x" * 100_000, transport)
        self.assertFalse(transport.disconnecting)
        self.exchange(b"x" * 200_000, transport)
        self.assertTrue(transport.disconnecting)
        slow = self.web.connect()
        self.exchange(put, slow)
        self.memory.pass_time(3)
        self.assertTrue(slow.disconnecting)

    def test_no_faster_than_it_is_taken(self) -> None:
        """While the sink is busy nothing is read, and what was read meanwhile waits in its order."""
        transport = self.web.connect()
        first: Deferred[None] = Deferred()
        self.module.sink.waits = first
        head = b"POST /receive HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
        self.exchange(head + b"abc", transport)
        self.assertTrue(transport.is_paused)
        self.exchange(b"def", transport)
        self.assertEqual(self.module.sink.taken, b"abc")
        self.module.sink.waits = None
        first.callback(None)
        self.assertFalse(transport.is_paused)
        self.assertEqual(self.module.sink.taken, b"abcdef")
        self.assertEqual([each.body for each in self.exchange(b"ghi", transport)], [b"9"])

    def test_it_does_not_come_whole(self) -> None:
        """Who reads it hears so, and nobody is answered."""
        transport = self.web.connect()
        self.exchange(b"POST /receive HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc", transport)
        transport.end()
        (failure,) = self.module.received
        assert isinstance(failure, Failure)
        self.assertIsInstance(failure.value, RequestLost)


class FileTests(HttpTestCase):
    """Files as bodies."""

    def setUp(self) -> None:
        """Have a file."""
        super().setUp()
        self.path = temporary_folder(self) / "file"
        self.path.write_bytes(bytes(range(256)) * 4_000)
        self.module.file = FileBody(self.path, 1_024_000, "tag", 1_700_000_000)

    def get(self, **headers: str) -> WebResponse:
        """Ask for it."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.web.request("GET", "/file", headers=named)

    def test_whole(self) -> None:
        """With what others need to ask for it again."""
        response = self.get()
        self.assertEqual((response.status, response.body), (200, self.path.read_bytes()))
        self.assertEqual(response.headers["etag"], '"tag"')
        self.assertEqual(response.headers["last-modified"], "Tue, 14 Nov 2023 22:13:20 GMT")
        self.assertEqual(response.headers["accept-ranges"], "bytes")

    def test_a_part(self) -> None:
        """RFC 9110 14.2, 15.3.7, 15.5.17."""
        response = self.get(Range="bytes=254-257")
        self.assertEqual((response.status, response.body), (206, b"\xfe\xff\x00\x01"))
        self.assertEqual(response.headers["content-range"], "bytes 254-257/1024000")
        outside = self.get(Range="bytes=9999999-")
        self.assertEqual((outside.status, outside.headers["content-range"]), (416, "bytes */1024000"))

    def test_not_again(self) -> None:
        """RFC 9110 15.4.5: without a body, and without its length."""
        response = self.get(If_None_Match='"tag"')
        self.assertEqual((response.status, response.body), (304, b""))
        self.assertNotIn("content-length", response.headers)
        self.assertEqual(self.get(If_Match='"other"').status, 412)

    def test_it_is_gone_or_shorter(self) -> None:
        """404; and what is shorter than was told ends the connection, so that nobody takes it for whole."""
        self.path.write_bytes(b"short")
        transport = self.web.connect()
        self.web.send(transport, GET.replace(b"/hello/a", b"/file"))
        self.assertTrue(transport.disconnecting)
        self.path.unlink()
        self.assertEqual(self.get().status, 404)

    def test_nobody_takes_it(self) -> None:
        """The file is closed, and read no further, when the connection is gone."""
        transport = self.web.connect()
        pauses: list[None] = []

        def write(data: bytes) -> None:
            pauses.append(transport.producer.pauseProducing())

        self.patch(transport, "write", write)
        self.web.send(transport, GET.replace(b"/hello/a", b"/file"))
        self.assertEqual(len(pauses), 2)
        transport.end()
        self.memory.pass_time(100)
        self.assertEqual(len(pauses), 2)


class BadRequestTests(HttpTestCase):
    """RFC 9112: what could mean two things means nothing, and the connection ends."""

    def test_table(self) -> None:
        """The status for each."""
        host = b"Host: localhost\r\n"
        whole = {
            b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path
            for path in (b"hello", b"/hello/%zz%ff", b"/hello/%2e%2e")
        } | {b"GET /hello/a HTTP/1.1\r\nHost: %s\r\n\r\n" % name for name in (b"a b", b"user@localhost")}
        table = (
            (b"GET /hello/a HTTP/1.1\r\n\r\n", 400),
            (b"GET /hello/a HTTP/1.1\r\n" + host * 2 + b"\r\n", 400),
            (b"GET /hello/a HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
            (b"GET /hello/a HTTP/1.1\r\nHost: user@localhost\r\n\r\n", 400),
            (b"GET hello HTTP/1.1\r\n" + host + b"\r\n", 400),
            (b"GET /\xc3\xa4 HTTP/1.1\r\n" + host + b"\r\n", 400),
            (b"GET /hello/%zz%ff HTTP/1.1\r\n" + host + b"\r\n", 400),
            (b"GET /hello/%2e%2e HTTP/1.1\r\n" + host + b"\r\n", 400),
            (b"GET /hello/a HTTP/1.1\r\n" + host + b"X: a\r\n folded\r\n\r\n", 400),
            (b"GET /hello/a HTTP/1.1\r\n" + host + b"X : a\r\n\r\n", 400),
            (b"GET /hello/a HTTP/1.1\r\n" + host + b"X: a\nY: b\r\n\r\n", 400),
            (b"GET /hello/a HTTP/1.1\r\n" + host + b"X: a\0b\r\n\r\n", 400),
            (b"GET /hello/a HTTP/2.0\r\n" + host + b"\r\n", 400),
            (b"nonsense\r\n", 400),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\r\n", 400),
            (POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
            (POST + b"Content-Length: 3, 3\r\n\r\nabc", 400),
            (POST + b"Content-Length: +3\r\n\r\nabc", 400),
            (POST + b"Content-Length: -3\r\n\r\nabc", 400),
            (POST + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n", 400),
            (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400),
            (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
            (POST + b"Transfer-Encoding: identity\r\n\r\n", 501),
            (POST + b"Transfer-Encoding: xchunked\r\n\r\n", 501),
            (POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
            (POST + b"Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n", 400),
            (POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", 400),
            (b"GET /hello/a HTTP/1.1\r\n" + host + b"X: " + b"y" * 20_000 + b"\r\n\r\n", 431),
            (b"GET /hello/a HTTP/1.1\r\n" + host + b"X: " + b"y" * 20_000, 431),
            (
                b"GET /hello/a HTTP/1.1\r\n"
                + host
                + b"".join(b"X%d: y\r\n" % n for n in range(150))
                + b"\r\n",
                431,
            ),
            (
                b"GET /hello/a HTTP/1.1\r\n" + host + b"".join(b"X%d: yyyyy\r\n" % n for n in range(5_000)),
                431,
            ),
            (b"GET /hello/a?" + b"a&" * 200 + b" HTTP/1.1\r\n" + host + b"\r\n", 200),
            (b"GET http://localhost/hello/a HTTP/1.1\r\n" + host + b"\r\n", 200),
            (b"GET http://other.example/hello/a HTTP/1.1\r\n" + host + b"\r\n", 421),
            (b"GET /hello/a HTTP/1.1\r\nHost: other.example\r\n\r\n", 421),
            (b"GET /hello/a HTTP/1.1\r\nHost: LOCALHOST:5280\r\n\r\n", 200),
            (b"GET /hello/a HTTP/1.1\r\nHost: 127.0.0.1:5280\r\n\r\n", 200),
            (b"GET /hello/a HTTP/1.1\r\nHost: [::1]:5280\r\n\r\n", 200),
            (b"\r\nGET /hello/a HTTP/1.1\r\n" + host + b"\r\n", 200),
        )
        for data, status in table:
            transport = self.web.connect()
            for piece in (data[:7], data[7:]):
                self.web.send(transport, piece)
            self.assertEqual(bytes(transport.written)[:12], b"HTTP/1.1 %d" % status, data[:200])
            self.assertEqual(bytes(transport.written).count(b"HTTP/1.1 "), 1, data[:200])
            self.assertEqual(
                transport.disconnecting, status not in (200, 421) and data not in whole, data[:200]
            )

    def test_nothing_after_it_is_read(self) -> None:
        """What stands behind a request that was refused is no request."""
        transport = self.web.connect()
        self.web.send(transport, POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc" + GET)
        self.web.send(transport, GET)
        self.assertEqual(self.module.requests, [])
        self.assertTrue(transport.disconnecting)


class DeadlineTests(HttpTestCase):
    """Nobody holds a connection by being slow."""

    def test_nothing_comes(self) -> None:
        """A connection without a request ends."""
        transport = self.web.connect()
        self.memory.pass_time(9.5)
        self.assertFalse(transport.disconnecting)
        self.memory.pass_time(1)
        self.assertTrue(transport.disconnecting)

    def test_a_slow_head(self) -> None:
        """However much of it comes, one byte after the other, it has the time of one head (RFC 9110 15.5.9)."""
        transport = self.web.connect()
        self.exchange(GET, transport)
        self.memory.pass_time(50)
        for number in range(12):
            self.web.send(transport, GET[number : number + 1])
            self.memory.pass_time(1)
        self.assertTrue(bytes(transport.written).startswith(b"HTTP/1.1 408 "))
        self.assertTrue(transport.disconnecting)

    def test_idle(self) -> None:
        """After an answer it may stay for a while."""
        transport = self.web.connect()
        self.exchange(GET, transport)
        self.memory.pass_time(59)
        self.assertFalse(transport.disconnecting)
        self.memory.pass_time(2)
        self.assertTrue(transport.disconnecting)

    def test_idle_ones_go_in_order(self) -> None:
        """Each has its time from its last answer on, whatever kinds of requests it had."""
        brief = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx"
        first, second = self.web.connect(), self.web.connect()
        for transport in (first, second):
            self.assertEqual(self.exchange(GET, transport)[0].status, 200)
        self.memory.pass_time(30)
        self.assertEqual(self.exchange(brief, second)[0].status, 200)
        self.assertEqual(self.exchange(brief, first)[0].status, 200)
        self.memory.pass_time(59)
        self.assertEqual(self.exchange(brief, second)[0].status, 200)
        self.memory.pass_time(2)
        self.assertEqual((first.disconnecting, second.disconnecting), (True, False))
        self.memory.pass_time(58)
        self.assertTrue(second.disconnecting)
        self.assertEqual(len(self.web.service.parts.idle), 0)

    def test_a_slow_body(self) -> None:
        """It goes on as long as enough comes."""
        transport = self.web.connect()
        self.exchange(POST + b"Content-Length: 90000\r\n\r\n", transport)
        for _ in range(5):
            self.exchange(b"x" * 9_000, transport)
            self.memory.pass_time(19)
        self.assertFalse(transport.disconnecting)
        self.exchange(b"x" * 10, transport)
        self.memory.pass_time(41)
        self.assertTrue(bytes(transport.written).startswith(b"HTTP/1.1 408 "))

    def test_a_slow_sink(self) -> None:
        """Where it is us who do not take it, nobody is sent away."""
        transport = self.web.connect()
        self.module.sink.waits = Deferred()
        self.exchange(b"POST /receive HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc", transport)
        self.memory.pass_time(200)
        self.assertFalse(transport.disconnecting)

    def test_a_handler_may_take_its_time(self) -> None:
        """As BOSH does."""
        transport = self.web.connect()
        self.exchange(GET.replace(b"/hello/a", b"/later"), transport)
        self.memory.pass_time(300)
        self.module.later.callback(HttpResponse(204))
        self.assertEqual([each.status for each in self.exchange(b"", transport)], [204])


class NarrowTests(HttpTestCase):
    """Limits of the configuration."""

    options = (
        "[http]\nrequests_per_connection = 2\n[limits]\nconnections_per_address = 2\n"
        '[hosts."a.example"]\n[hosts."b.example"]\nexternal_url = "https://chat.example:8443"\n'
    )

    def test_so_many_requests(self) -> None:
        """The last one is told that it is."""
        transport = self.web.connect()
        get = GET.replace(b"localhost", b"a.example")
        first, second = self.exchange(get + get + get, transport)
        self.assertNotIn("connection", first.headers)
        self.assertEqual(second.headers["connection"], "close")
        self.assertTrue(transport.disconnecting)

    def test_so_many_connections_of_an_address(self) -> None:
        """A proxy that is trusted has as many as it wants."""
        here = [self.web.connect("192.0.2.1") for _ in range(3)]
        self.assertEqual([each.is_closed for each in here], [False, False, True])
        here[0].end()
        self.assertFalse(self.web.connect("192.0.2.1").is_closed)
        self.assertFalse(any(self.web.connect().is_closed for _ in range(4)))

    def host_of(self, name: str) -> str | int:
        """The domain that a Host header means, or the status where it means none."""
        response = self.web.request("GET", "/hello/a", headers={"Host": name})
        if response.status != 200:
            return response.status
        requests = [each for host in self.memory.server.hosts for each in host.modules["web"].requests]  # type: ignore[attr-defined]
        return requests[-1].host if len(requests) == 1 else str([each.host for each in requests])

    def test_which_domain(self) -> None:
        """By its name, by the name in its external_url; other names are nobody's."""
        self.assertEqual(self.host_of("A.example:80"), "a.example")
        self.setUp()
        self.assertEqual(self.host_of("chat.example:8443"), "b.example")
        self.setUp()
        self.assertEqual(self.host_of("127.0.0.1"), "a.example")
        self.assertEqual(self.host_of("c.example"), 421)

    def test_what_links_stand_behind(self) -> None:
        """external_url, else what was asked for."""
        self.web.request("GET", "/hello/a", headers={"Host": "b.example"})
        self.web.request("GET", "/hello/a", headers={"Host": "a.example:81", "X-Forwarded-Proto": "https"})
        bases = [host.modules["web"].requests[-1].base_url for host in self.memory.server.hosts]  # type: ignore[attr-defined]
        self.assertEqual(bases, ["https://a.example:81", "https://chat.example:8443"])

    def test_is_secure(self) -> None:
        """By TLS, by what a trusted proxy says, and where it never leaves this machine; HSTS with the first two."""
        asked: tuple[tuple[str, bool, dict[str, str], bool, bool], ...] = (
            ("192.0.2.1", False, {}, False, False),
            ("192.0.2.2", True, {}, True, True),
            (
                "127.0.0.1",
                False,
                {},
                False,
                False,
            ),  # by a name that others know: through a proxy that says nothing?
            ("127.0.0.1", False, {"Host": "localhost"}, True, False),
            ("127.0.0.1", False, {"Host": "127.0.0.1:5280"}, True, False),
            ("127.0.0.1", False, {"Host": "chat.example:8443"}, True, False),
            ("127.0.0.1", False, {"X-Forwarded-For": "192.0.2.1"}, False, False),
            ("127.0.0.1", False, {"Forwarded": "for=192.0.2.1;proto=https"}, True, True),
            ("192.0.2.3", False, {"Forwarded": "for=192.0.2.1;proto=https"}, False, False),
        )
        for peer, is_tls, headers, is_secure, has_hsts in asked:
            sent = {"Host": "a.example", **headers}
            response = self.web.request("GET", "/hello/a", headers=sent, peer=peer, is_tls=is_tls)
            domain = "b.example" if "chat" in sent["Host"] else "a.example"
            request = self.memory.server.hosts[domain].modules["web"].requests[-1]  # type: ignore[attr-defined]
            self.assertEqual(
                (request.is_secure, "strict-transport-security" in response.headers),
                (is_secure, has_hsts),
                headers,
            )


class EndTests(HttpTestCase):
    """The server ends."""

    def test_what_is_being_answered_is_answered(self) -> None:
        """All other connections end at once."""
        idle, busy = self.web.connect(), self.web.connect()
        self.exchange(GET.replace(b"/hello/a", b"/later"), busy)
        ended: list[None] = []
        self.web.service.shutdown().addCallback(ended.append)
        self.assertEqual((idle.disconnecting, busy.disconnecting), (True, False))
        idle.end()
        self.module.later.callback(HttpResponse(204))
        self.assertEqual(self.exchange(b"", busy)[0].headers["connection"], "close")
        self.assertEqual(ended, [None])


class ReloadTests(HttpTestCase):
    """A configuration that is read anew."""

    options = '[hosts."a.example"]\n'

    def test_names_mean_something_else(self) -> None:
        """What was remembered of names and proxies is forgotten."""
        headers = {"Host": "chat.example", "X-Forwarded-For": "192.0.2.1"}
        self.assertEqual(self.web.request("GET", "/hello/a", headers=headers).status, 421)
        self.web.request("GET", "/hello/a", headers={**headers, "Host": "a.example"})
        text = '[http]\nexternal_url = "https://chat.example"\ntrusted_proxies = []\n[hosts."a.example"]\n'
        config, _ = parse(text, "test.toml")
        assert config is not None
        self.memory.server.take(config)
        self.assertEqual(self.web.request("GET", "/hello/a", headers=headers).status, 200)
        self.assertEqual([request.client for request in self.module.requests], ["192.0.2.1", "127.0.0.1"])
