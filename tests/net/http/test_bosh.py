"""Streams over BOSH: XEP-0124, XEP-0206."""

import gc
import weakref
from base64 import b64encode
from xml.etree.ElementTree import Element, fromstring

from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from xmppd.net.http.bosh import ENDED
from xmppd.net.http.bosh_session import RESPONSE_BYTES, BOSHSession
from xmppd.stanza.errors import StreamError
from xmppd.stream.bosh.window import PAST_BYTES
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


class CreationTests(BOSHTestCase):
    """XEP-0124 7, XEP-0206 4."""

    def test_terms(self) -> None:
        """What is agreed, and the features."""
        answer = self.client.begin("to='localhost' wait='600' hold='5' ver='1.6' ack='1' xml:lang='de'")
        told = {
            name: answer.get(name)
            for name in ("wait", "hold", "requests", "ver", "inactivity", "polling", "ack")
        }
        self.assertEqual(
            told,
            {
                "wait": "60",
                "hold": "1",
                "requests": "2",
                "ver": "1.6",
                "inactivity": "60",
                "polling": "2",
                "ack": "1000",
            },
        )
        self.assertEqual((answer.get("from"), answer.get(f"{XBOSH}version")), ("localhost", "1.0"))
        self.assertEqual((answer.get(f"{XBOSH}restartlogic"), answer.get("maxpause")), ("true", "120"))
        self.assertEqual([child.tag for child in answer], [f"{STREAMS}features"])
        self.assertNotEqual(answer.get("authid"), answer.get("sid"))

    def test_refused(self) -> None:
        """17.2: each with its condition, and no session is left."""
        table = (
            ("rid='1' to='nowhere.example'", "host-unknown"),
            ("rid='1'", "improper-addressing"),
            ("to='localhost'", "bad-request"),
            ("rid='x' to='localhost'", "bad-request"),
            ("rid='1' sid='nobody'", "item-not-found"),
            ("rid='1' to='localhost' wait='-1'", "bad-request"),
            ("rid='1' to='localhost' xmpp:version='0.9' xmlns:xmpp='urn:xmpp:xbosh'", "remote-stream-error"),
        )
        for attrs, condition in table:
            answer = self.client.read(self.client.post(attrs))
            assert answer is not None
            self.assertEqual((answer.get("type"), answer.get("condition")), ("terminate", condition), attrs)
        self.pass_time(1)
        self.assertEqual(self.web.service.streams.bosh.all, {})

    def test_no_body(self) -> None:
        """Something else than a body."""
        for data in (b"", b"<a/>", b"{}", b"<body", b"\xff" * 100):
            response = self.web.request("POST", "/http-bind", data)
            self.assertIn("condition='bad-request'", response.text)
        self.assertEqual(self.web.request("POST", "/http-bind", b"x" * 400_000).status, 413)

    def test_content(self) -> None:
        """7.1: the type that a client needs, unless a browser would show it as a page."""
        for wanted, given in (("text/plain", "text/plain"), ("text/html", "text/xml; charset=utf-8")):
            transport = self.client.post(f"rid='1' to='localhost' content='{wanted}'")
            response = self.client.response(transport)
            assert response is not None
            self.assertEqual(response.headers["content-type"], given)

    def test_other_methods(self) -> None:
        """A page for a person, the methods for who asks."""
        self.assertEqual(self.web.request("GET", "/http-bind").status, 200)
        self.assertEqual(self.web.request("PUT", "/http-bind").status, 405)
        self.assertEqual(
            self.web.request("OPTIONS", "/http-bind").headers["allow"], "GET, HEAD, OPTIONS, POST"
        )


class StreamTests(BOSHTestCase):
    """A session from its login to its end."""

    def test_a_session(self) -> None:
        """Authentication, restart, bind, stanzas, termination."""
        self.client.log_in()
        self.assertIn("romeo@localhost/orchard", self.memory.server.registry.by_full)
        self.assertEqual(self.client.ask(PING)[0].get("id"), "p")
        answer = self.client.ask("<presence xmlns='jabber:client' type='unavailable'/>", "type='terminate'")
        self.assertEqual((answer.get("type"), answer.get("condition")), ("terminate", None))
        self.pass_time(0)
        self.assertEqual(self.memory.server.registry.by_full, {})
        self.assertEqual(self.client.ask(PING).get("condition"), "item-not-found")

    def test_messages_both_ways(self) -> None:
        """What is said to it leaves with the request that waits, at once and in one response."""
        self.client.log_in()
        other = self.memory.logged_in("juliet@localhost/balcony")
        waiting = self.client.send(PRESENCE)
        self.assertEqual(
            [child.tag for child in self.client.read(waiting) or ()], ["{jabber:client}presence"]
        )
        waiting = self.client.send()
        for text in "ab":
            other.send(f"<message to='romeo@localhost/orchard'><body>{text}</body></message>")
        answer = self.client.read(waiting)
        assert answer is not None
        bodies = [child.findtext("{jabber:client}body") for child in answer]
        self.assertEqual(bodies[0], "a")
        rest = (
            [] if len(bodies) == 2 else [child.findtext("{jabber:client}body") for child in self.client.ask()]
        )
        self.assertEqual([*bodies, *rest], ["a", "b"])
        self.client.send(
            "<message xmlns='jabber:client' to='juliet@localhost/balcony'><body>c</body></message>"
        )
        self.memory.settle()
        self.assertEqual(other.inbox.popleft()[0].text, "c")

    def test_a_response_that_is_lost(self) -> None:
        """14.3: the request is sent again, gets the same, and what it says is handled once."""
        self.client.log_in()
        first = self.client.ask(PING)
        again = self.client.post(f"rid='{self.client.rid}' sid='{self.client.sid}'", PING)
        answer = self.client.read(again)
        assert answer is not None
        self.assertEqual([child.get("id") for child in answer], [child.get("id") for child in first])
        self.assertIsNone(self.client.read(self.client.send()))

    def test_out_of_order(self) -> None:
        """14.2: handled in the order of the rids, answered so, too."""
        self.client.log_in()
        rid, sid = self.client.rid, self.client.sid
        later = self.client.post(f"rid='{rid + 2}' sid='{sid}'", PING.replace("'p'", "'second'"))
        self.assertIsNone(self.client.read(later))
        sooner = self.client.post(f"rid='{rid + 1}' sid='{sid}'", PING.replace("'p'", "'first'"))
        ids = [child.get("id") for each in (sooner, later) for child in self.client.read(each) or ()]
        self.assertEqual(ids, ["first", "second"])

    def test_waiting(self) -> None:
        """An empty response when it has waited long enough, or when another request comes."""
        self.client.log_in()
        waiting = self.client.send()
        self.pass_time(59)
        self.assertIsNone(self.client.read(waiting))
        self.pass_time(1)
        answer = self.client.read(waiting)
        assert answer is not None
        self.assertEqual((len(answer), answer.attrib), (0, {}))
        waiting = self.client.send()
        self.client.send(PRESENCE)
        self.assertIsNotNone(self.client.read(waiting))

    def test_away(self) -> None:
        """10: a client that has no request here is gone after a while, and later with a pause."""
        self.client.log_in()
        self.pass_time(59)
        self.assertEqual(len(self.memory.server.registry.by_full), 1)
        self.assertIsNone(self.client.read(self.client.send()))
        self.pass_time(60)
        self.client.ask("", "pause='100'")
        self.pass_time(99)
        self.assertEqual(len(self.memory.server.registry.by_full), 1)
        self.pass_time(2)
        self.assertEqual(len(self.memory.server.registry.by_full), 0)
        self.assertEqual(self.client.ask().get("condition"), "item-not-found")

    def test_too_long_a_pause(self) -> None:
        """It ends the session."""
        self.client.log_in()
        self.assertEqual(self.client.ask("", "pause='100000'").get("type"), "terminate")

    def test_a_window_is_left(self) -> None:
        """14.2: the session ends, for the request that waits as well."""
        self.client.log_in()
        waiting = self.client.send()
        self.client.rid += 10
        self.assertEqual(self.client.ask(PING).get("condition"), "item-not-found")
        answer = self.client.read(waiting)
        assert answer is not None
        self.assertEqual(answer.get("type"), "terminate")
        self.pass_time(0)
        self.assertEqual(len(self.memory.server.registry.by_full), 0)

    def test_stream_errors(self) -> None:
        """XEP-0206 8: what is wrong with the XML, or said by the server, is told within a terminal body."""
        for payload in ("<presence xmlns='jabber:client'>", "text", "<other xmlns='jabber:client'/>"):
            self.setUp()
            self.client.log_in()
            answer = self.client.ask(payload)
            self.assertEqual(answer.get("condition"), "remote-stream-error", payload)
            self.assertEqual([child.tag for child in answer], [f"{STREAMS}error"])

    def test_a_restart_that_is_not_due(self) -> None:
        """It ends the stream."""
        self.client.log_in()
        self.assertEqual(self.client.ask("", RESTART).get("condition"), "remote-stream-error")

    def test_silence(self) -> None:
        """Who does not authenticate is sent away, as on TCP (promises#before-authentication)."""
        self.client.begin()
        waiting = self.client.send()
        self.pass_time(31)
        answer = self.client.read(waiting)
        assert answer is not None
        self.assertEqual(answer.get("condition"), "remote-stream-error")
        self.assertEqual(self.web.service.streams.bosh.all, {})

    def test_shutdown(self) -> None:
        """Every session hears of it, and is gone."""
        self.client.log_in()
        waiting = self.client.send()
        ended: list[None] = []
        self.web.service.streams.shutdown().addCallback(ended.append)
        self.pass_time(0)
        answer = self.client.read(waiting)
        assert answer is not None
        self.assertEqual((answer.get("condition"), ended), ("system-shutdown", [None]))

    def test_ended_while_nobody_waits(self) -> None:
        """The next request hears it."""
        self.client.log_in()
        self.memory.server.registry.by_full["romeo@localhost/orchard"].close("conflict")
        self.pass_time(1)
        answer = self.client.ask()
        self.assertEqual(
            (answer.get("condition"), answer[0][0].tag),
            ("remote-stream-error", "{urn:ietf:params:xml:ns:xmpp-streams}conflict"),
        )

    def test_too_much_waits(self) -> None:
        """What waits for a client that does not ask is bounded."""
        self.client.log_in()
        session = self.memory.server.registry.by_full["romeo@localhost/orchard"]
        for _ in range(20):
            session.send(b"<message><body>" + b"x" * 1_000_000 + b"</body></message>")
        self.pass_time(0)
        self.assertEqual(len(self.memory.server.registry.by_full), 0)

    def test_nothing_is_left(self) -> None:
        """Of a session that has ended there is nothing that only the garbage collector could find."""
        self.patch(globalLogPublisher, "_observers", [])
        for attrs in ("type='terminate'", ""):
            self.setUp()
            self.client.log_in()
            (held,) = self.web.service.streams.bosh.all
            session = weakref.ref(held)
            gc.disable()
            self.addCleanup(gc.enable)
            del held
            transport = self.client.send("", attrs)
            self.pass_time(100)
            self.pass_time(100)
            transport.end()
            self.assertIsNone(session(), attrs)


class PaceTests(BOSHTestCase):
    """``limits.bytes_per_second``, as on TCP."""

    options = "[limits]\nbytes_per_second = 10_000\nburst_bytes = 65_536\n"

    def test_who_sends_too_much(self) -> None:
        """Its requests are handled later, in their order."""
        self.client.log_in()
        big = f"<message xmlns='jabber:client' to='romeo@localhost/orchard'><a>{'x' * 50_000}</a></message>"
        self.client.send(big)
        self.client.send(big)
        pinging = self.client.send(PING)
        self.assertIsNone(self.client.read(pinging))
        self.pass_time(20)
        answer, ids = self.client.read(pinging), []
        for _ in range(4):
            ids += [child.get("id") for child in (answer if answer is not None else ())]
            answer = self.client.read(self.client.send(PRESENCE)) if "p" not in ids else None
        self.assertIn("p", ids)


class SecurityTests(BOSHTestCase):
    """Who may connect, and from where."""

    options = '[http]\norigins = ["https://other.example"]\n[limits]\nconnections_per_address = 6\n'

    def test_origins(self) -> None:
        """Pages of other sites may connect where the configuration names them; a browser hears that they may."""
        for origin, status in (
            ("https://other.example", 200),
            ("http://localhost", 200),
            ("https://evil.example", 403),
        ):
            self.client.headers = f"Origin: {origin}\r\n"
            response = self.client.response(self.client.post("rid='1' to='localhost'"))
            assert response is not None
            self.assertEqual(response.status, status)
            allowed = origin if status == 200 else None
            self.assertEqual(response.headers.get("access-control-allow-origin"), allowed)
            preflight = self.web.request("OPTIONS", "/http-bind", headers={"Origin": origin})
            self.assertEqual(preflight.headers.get("access-control-allow-origin"), allowed)

    def test_a_secure_session_stays_so(self) -> None:
        """19.1: a request for it that came in the clear is refused, and does it no harm."""
        self.client.headers = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n"
        self.client.log_in()
        self.client.headers = "X-Forwarded-For: 192.0.2.1\r\n"
        response = self.client.response(self.client.send(PING))
        assert response is not None
        self.assertEqual(response.status, 403)
        self.client.headers = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n"
        self.client.rid -= 1
        self.assertEqual(self.client.ask(PING)[0].get("id"), "p")

    def test_so_many_of_an_address(self) -> None:
        """Sessions count like connections, for the client behind a proxy."""
        self.client.headers = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n"
        statuses = []
        for rid in range(7):
            response = self.client.response(self.client.post(f"rid='{rid}' to='localhost'"))
            assert response is not None
            statuses.append(response.status)
        self.assertEqual(statuses, [200] * 6 + [429])


class HeldTests(BOSHTestCase):
    """A request that waits keeps what its response needs."""

    options = '[http]\norigins = ["https://other.example"]\n'

    def test_origin(self) -> None:
        """The page of another site that has sent it may read the response, however late that comes."""
        self.client.headers = "Origin: https://other.example\r\n"
        self.client.log_in()
        waiting = self.client.send()
        self.pass_time(60)
        response = self.client.response(waiting)
        assert response is not None
        self.assertEqual(response.headers["access-control-allow-origin"], "https://other.example")


class LargeTests(BOSHTestCase):
    """What is kept so that it can be sent again is no more than a few responses of a bounded size."""

    def test_in_several_responses(self) -> None:
        """What is too much for one leaves with the next ones, in order, all of it."""
        self.client.log_in()
        (session,) = self.web.service.streams.bosh.all
        body = "x" * (RESPONSE_BYTES // 4)
        for number in range(10):
            session.session.send(f"<message id='m{number}'><body>{body}</body></message>".encode())
        came: list[str | None] = []
        sizes = []
        while len(came) < 10:
            response = self.client.response(self.client.send())
            assert response is not None
            sizes.append(len(response.body))
            came += [child.get("id") for child in fromstring(response.text)]
        self.assertEqual(came, [f"m{number}" for number in range(10)])
        self.assertLess(max(sizes), RESPONSE_BYTES + 1_000)
        self.assertEqual(session.session.unsent_bytes, 0)


class EndedTests(BOSHTestCase):
    """14.3, 17.2: who has not heard of the end of its session is told when it asks again, and others are not."""

    options = "[limits]\nconnections_per_address = 10_000\n"

    def ended(self) -> int:
        """Have a session end while a request waits; give the rid of that."""
        self.client.log_in()
        waiting = self.client.send()
        (session,) = self.web.service.streams.bosh.all
        session.session.close("conflict")
        answer = self.client.read(waiting)
        assert answer is not None
        self.assertEqual(answer.get("condition"), "remote-stream-error")
        self.assertEqual(len(self.web.service.streams.bosh.all), 0)
        self.told = self.client.response(waiting)
        return self.client.rid

    def again(self, rid: int, sid: str | None = None) -> WebResponse | None:
        """Send the request with this rid once more."""
        return self.client.response(self.client.post(f"rid='{rid}' sid='{sid or self.client.sid}'"))

    def test_told_again(self) -> None:
        """By the request that was told, in the same bytes, or by the next one; what was answered before is, too."""
        rid = self.ended()
        before = self.client.open[-2].written
        for _ in range(2):
            for number in (rid, rid + 1):
                answer = self.again(number)
                assert answer is not None and self.told is not None
                self.assertEqual(answer.body, self.told.body)
            earlier = self.again(rid - 1)
            assert earlier is not None
            self.assertTrue(before.endswith(earlier.body))

    def test_not_for_ever(self) -> None:
        """As long as the client might have been away; not for requests that the session could not have had."""
        rid = self.ended()
        for number in (rid - 100, rid + 100):
            answer = self.again(number)
            assert answer is not None
            self.assertIn(b"item-not-found", answer.body)
        self.pass_time(60)
        answer = self.again(rid)
        assert answer is not None
        self.assertIn(b"item-not-found", answer.body)

    def test_by_its_own_end(self) -> None:
        """A client that has ended it, and not heard of that, hears the same again."""
        self.client.log_in()
        first = self.client.response(self.client.send("", "type='terminate'"))
        answer = self.again(self.client.rid)
        assert answer is not None and first is not None
        self.assertEqual(answer.body, first.body)
        self.assertNotIn(b"item-not-found", answer.body)

    def test_so_many(self) -> None:
        """They are bounded in number; the one that ended first is forgotten first. So is what is kept of each."""
        sids = []
        for _ in range(ENDED + 1):
            self.client.begin()
            sids.append(self.client.sid)
            self.client.ask("", "type='terminate'")
        told = [self.again(self.client.rid, sid) for sid in (sids[0], sids[1])]
        self.assertEqual([each is not None and b"item-not-found" in each.body for each in told], [True, True])
        rids = self.client.rid
        last = self.again(rids)
        assert last is not None
        self.assertNotIn(b"item-not-found", last.body)

    def test_large_ones(self) -> None:
        """Of an end with much to say the condition is kept."""
        self.client.log_in()
        (session,) = self.web.service.streams.bosh.all
        session.session.send(f"<message><body>{'x' * PAST_BYTES}</body></message>")
        session.session.close("conflict")
        first = self.client.response(self.client.send())
        answer = self.again(self.client.rid)
        assert answer is not None and first is not None
        self.assertGreater(len(first.body), PAST_BYTES)
        self.assertLess(len(answer.body), 200)
        self.assertIn(b"remote-stream-error", answer.body)


class LateTests(BOSHTestCase):
    """10: what waits for a client that is away waits as long as that may be away."""

    def test_the_end_is_told_to_who_comes_back(self) -> None:
        """However long ago the clock was set: the session has ended, and is not unknown."""
        self.client.log_in()
        self.pass_time(50)
        self.client.ask(PING)
        self.pass_time(7)
        (session,) = self.web.service.streams.bosh.all
        assert isinstance(session, BOSHSession)
        session.stream.fail(StreamError("conflict"))
        self.pass_time(4)
        answer = self.client.ask()
        self.assertEqual((answer.get("type"), answer.get("condition")), ("terminate", "remote-stream-error"))

    def test_silence_is_counted_from_the_last_request(self) -> None:
        """Each puts the end off."""
        self.client.log_in()
        for _ in range(4):
            self.pass_time(55)
            self.assertEqual(self.client.ask(PING)[0].get("id"), "p")
        self.pass_time(59)
        self.assertEqual(len(self.web.service.streams.bosh.all), 1)
        self.pass_time(2)
        self.assertEqual(len(self.web.service.streams.bosh.all), 0)
