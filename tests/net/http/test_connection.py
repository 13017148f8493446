"""One connection of HTTP: RFC 9110, RFC 9112; its limits, its deadlines, and the module API behind it."""

import json

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

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
