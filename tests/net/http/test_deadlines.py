"""Connections over HTTP that are slow, in the way, or at their end: deadlines, and what is held back."""

from twisted.internet.defer import Deferred

from tests.net.http.test_connection import GET, POST, HttpTestCase
from xmppd.core.http import HttpResponse


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
