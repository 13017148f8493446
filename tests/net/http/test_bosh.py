"""Streams over BOSH: XEP-0124, XEP-0206."""

import gc
import weakref
from xml.etree.ElementTree import fromstring

from twisted.logger import globalLogPublisher

from tests.net.http.bosh import PING, PRESENCE, RESTART, STREAMS, XBOSH, BOSHTestCase
from xmppd.net.http.bosh_session import RESPONSE_BYTES


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
