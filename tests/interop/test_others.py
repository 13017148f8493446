"""xmppd and Debian's Prosody and ejabberd, over real TLS, found by DNS; skipped where they are not installed.

``XMPPD_TEST_INTEROP=long`` runs all of it; without that each of them is tried shortly.
"""

import os
import signal
import socket
import time

from twisted.names import dns
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.interop.names import NameServer, serving
from tests.interop.others import Ejabberd, Other, Prosody, ProsodyBidi, missing
from tests.net.tls.authority import Authority
from tests.sockets.client import PlainClient
from tests.sockets.peers import Domains, XmppdPeer, free_port
from tests.temporary import temporary_folder

OURS, THEIRS = "capulet.example", "montague.example"
IS_LONG = os.environ.get("XMPPD_TEST_INTEROP") == "long"
PATIENCE_S = 30.0
NOTICED_S = 0.5
"""In this time it is seen that a peer is gone; what the kernel takes before is lost, where that has no XEP-0198."""
QUERIES = (
    "<ping xmlns='urn:xmpp:ping'/>",
    "<query xmlns='jabber:iq:version'/>",
    "<query xmlns='http://jabber.org/protocol/disco#info'/>",
    "<query xmlns='http://jabber.org/protocol/disco#items'/>",
)
VCARD = "<vCard xmlns='vcard-temp'><FN>{name}</FN></vCard>"


class Interop(SynchronousTestCase):
    """Base: the domains, the names, and the two servers."""

    other: type[Other] = Prosody
    target = ""
    """The host in our SRV records, where it is not the domain."""

    def setUp(self) -> None:
        """Make certificates and names."""
        lacking = missing(self.other)
        if lacking is not None:
            raise SkipTest(f"{lacking} is not installed")
        self.domains = Domains(temporary_folder(self), OURS, THEIRS)
        ports = self.domains.ports
        self.names = NameServer(
            serving(OURS, ports[OURS], target=self.target) | serving(THEIRS, ports[THEIRS])
        )
        self.addCleanup(self.names.stop)

    def start(self, options: str = "", *, is_strict: bool = True) -> tuple[XmppdPeer, Other]:
        """Start both."""
        dns = f'resolvers = ["127.0.0.1:{self.names.port}"]\nallow_loopback = true\n{options}'
        ours = XmppdPeer(self.domains, OURS, "juliet", dns, is_routed=False)
        self.addCleanup(ours.stop)
        theirs = self.other(self.domains, THEIRS, "romeo", self.names.port, is_strict=is_strict)
        self.addCleanup(theirs.stop)
        return ours, theirs

    def say(self, one: PlainClient, to: str, *texts: str) -> None:
        """Send messages."""
        for text in texts:
            one.send(f"<message to='{to}' type='chat'><body>{text}</body></message>")

    # -- all that two servers have to say to each other ---------------------------------------------------------------

    def talk(self, ours: XmppdPeer, theirs: Other) -> None:
        """Messages both ways, a big one, many in order, IQs both ways, a subscription and its end."""
        with ours.client() as juliet, theirs.client() as romeo:
            for client in (juliet, romeo):
                client.send("<iq id='roster' type='get'><query xmlns='jabber:iq:roster'/></iq><presence/>")
            self.say(juliet, romeo.jid, "Wherefore")
            self.assertEqual(romeo.body(), "Wherefore")
            self.say(romeo, juliet.jid, "Shall I")
            self.assertEqual(juliet.body(), "Shall I")
            self._sizes(juliet, romeo)
            self._queries(juliet, romeo)
            for one, other, home in ((juliet, romeo, theirs), (romeo, juliet, ours)):
                self._subscription(one, other)
                self._lost_connection(one, home)
                one.send(f"<presence to='{other.bare}' type='unsubscribe'/>")
                other.presence("unsubscribe")

    def _sizes(self, juliet: PlainClient, romeo: PlainClient) -> None:
        long = "long " * 40_000
        self.say(juliet, romeo.jid, long)
        self.assertEqual(romeo.body(), long)
        for one, other in ((juliet, romeo), (romeo, juliet)):
            texts = [str(index) for index in range(1_000 if IS_LONG else 100)]
            self.say(one, other.jid, *texts)
            self.assertEqual([other.body() for _ in texts], texts)

    def _queries(self, juliet: PlainClient, romeo: PlainClient) -> None:
        """RFC 6120 8.2.3: requests to the other server, and to an account there (XEP-0054)."""
        for one, other in ((juliet, romeo), (romeo, juliet)):
            for query in QUERIES:
                self.assertEqual(one.ask(other.domain, query).get("type"), "result", query)
            card = VCARD.format(name=other.user)
            other.send(f"<iq id='card' type='set'>{card}</iq>")
            other.receive(lambda element: element.get("id") == "card")
            answer = one.ask(other.bare, "<vCard xmlns='vcard-temp'/>")
            self.assertEqual(answer.findtext(".//{vcard-temp}FN"), other.user)

    def _subscription(self, one: PlainClient, other: PlainClient) -> None:
        """RFC 6121 3.1 and 4.4: consent, presence and absence."""
        one.send(f"<presence to='{other.bare}' type='subscribe'/>")
        other.presence("subscribe")
        other.send(f"<presence to='{one.bare}' type='subscribed'/>")
        one.presence("subscribed")
        self.assertEqual(one.presence(None).get("from"), other.jid)
        other.send("<presence type='unavailable'/>")
        self.assertEqual(one.presence("unavailable").get("from"), other.jid)
        other.send("<presence/>")
        self.assertEqual(one.presence(None).get("from"), other.jid)

    def _lost_connection(self, one: PlainClient, home: XmppdPeer | Other) -> None:
        """RFC 6121 4.5.3: a client that is gone without a word has left, for those at other servers, too."""
        lost = home.client("lost")
        lost.send("<presence/>")
        self.assertEqual(one.presence(None).get("from"), lost.jid)
        lost.close()
        self.assertEqual(one.presence("unavailable").get("from"), lost.jid)

    # -- tests that several servers share -----------------------------------------------------------------------------

    def by_certificate(self) -> None:
        """SASL EXTERNAL both ways."""
        ours, theirs = self.start()
        self.talk(ours, theirs)
        self.assertIn(f"{OURS} is authenticated to {THEIRS} by EXTERNAL", ours.log)
        self.assertIn(f"{THEIRS} is authenticated to {OURS} by EXTERNAL", ours.log)

    def by_dialback(self) -> None:
        """XEP-0220 both ways, where nobody knows who has issued the certificates."""
        for name in (OURS, THEIRS):
            self.domains.certify(name, Authority("nobody's"))
        ours, theirs = self.start("require_certificate = false", is_strict=False)
        self.talk(ours, theirs)
        self.assertIn(f"{OURS} is authenticated to {THEIRS} by dialback", ours.log)
        self.assertIn(f"{THEIRS} is authenticated to {OURS} by dialback", ours.log)

    def by_direct_tls(self) -> None:
        """XEP-0368: both offer nothing but TLS from the first byte."""
        for name in (OURS, THEIRS):
            records = serving(name, 1, direct_port=self.domains.direct_ports[name], target=self.target)
            records[f"_xmpp-server._tcp.{name}"] = []
            self.names.records |= records
        ours, theirs = self.start()
        with ours.client() as juliet, theirs.client() as romeo:
            self.say(juliet, romeo.jid, "Wherefore")
            self.assertEqual(romeo.body(), "Wherefore")
            self.say(romeo, juliet.jid, "Shall I")
            self.assertEqual(juliet.body(), "Shall I")

    def a_wrong_certificate_is_refused(self) -> None:
        """RFC 9525: both ways, and the senders hear of it."""
        self.domains.certify(THEIRS, self.domains.authority, "verona.example")
        ours, theirs = self.start()
        with ours.client() as juliet, theirs.client() as romeo:
            self.say(juliet, romeo.jid, "Wherefore")
            self.assertIn("is for verona.example", "".join(juliet.message().itertext()))
            self.say(romeo, juliet.jid, "Shall I")
            self.assertEqual(romeo.message(PATIENCE_S).get("type"), "error")

    def an_expired_certificate_is_refused(self) -> None:
        """RFC 5280 6.1.3: one that was good until yesterday."""
        self.domains.certify(THEIRS, self.domains.authority, days=-1)
        ours, theirs = self.start()
        with ours.client() as juliet:
            self.say(juliet, theirs.jid, "Wherefore")
            self.assertIn("out of date", "".join(juliet.message().itertext()))

    def both_at_once(self) -> None:
        """Each looks for the other at the same moment: everything arrives, once, and in order."""
        ours, theirs = self.start()
        texts = [str(index) for index in range(50)]
        with ours.client() as juliet, theirs.client() as romeo:
            self.say(juliet, romeo.jid, *texts)
            self.say(romeo, juliet.jid, *texts)
            self.assertEqual([romeo.body(PATIENCE_S) for _ in texts], texts)
            self.assertEqual([juliet.body(PATIENCE_S) for _ in texts], texts)

    def the_first_target_is_dead(self) -> None:
        """RFC 2782: the next one is tried; so with one that accepts and says nothing (RFC 6120 3.2.1)."""
        with socket.create_server(("127.0.0.1", 0)) as mute:
            dead, silent = free_port(), mute.getsockname()[1]
            self.names.records[f"_xmpp-server._tcp.{THEIRS}"] = [
                dns.Record_SRV(1, 0, dead, THEIRS),
                dns.Record_SRV(2, 0, silent, THEIRS),
                dns.Record_SRV(3, 0, self.domains.ports[THEIRS], THEIRS),
            ]
            ours, theirs = self.start("connect_timeout_s = 2")
            with ours.client() as juliet, theirs.client() as romeo:
                self.say(juliet, romeo.jid, "Wherefore")
                self.assertEqual(romeo.body(PATIENCE_S), "Wherefore")

    def amid_messages(self, strike: int, *, may_repeat: bool = False) -> None:
        """100 messages have arrived when *strike* hits the other server, 100 are sent after that: all come, in order.

        *may_repeat*: what it had not acknowledged by then may come again: it cannot say after a crash what it has.
        """
        ours, theirs = self.start()
        texts = [str(index) for index in range(200)]
        with ours.client() as juliet:
            with theirs.client() as romeo:
                romeo.send("<presence/>")
                self.say(juliet, romeo.jid, *texts[:100])
                bodies = [romeo.body(PATIENCE_S) for _ in texts[:100]]
                if strike == signal.SIGSTOP:
                    theirs.signal(signal.SIGSTOP)
                    self.say(juliet, romeo.jid, *texts[100:])
                    self.assertEqual(juliet.ask(OURS, QUERIES[0]).get("type"), "result")
                    theirs.signal(signal.SIGCONT)
                    bodies += [romeo.body(PATIENCE_S) for _ in texts[100:]]
            if strike != signal.SIGSTOP:
                bodies += self._struck(strike, juliet, theirs, texts[100:])
        if may_repeat:
            bodies = list(dict.fromkeys(bodies))
        self.assertEqual(bodies, texts)

    def _struck(self, strike: int, juliet: PlainClient, theirs: Other, texts: list[str]) -> list[str | None]:
        theirs.signal(strike)
        time.sleep(NOTICED_S)
        self.say(juliet, theirs.jid, *texts)
        theirs.wait()
        theirs.start()
        with theirs.client() as romeo:
            romeo.send("<presence/>")
            bodies = [romeo.body(PATIENCE_S)]
            while bodies[-1] != texts[-1]:
                bodies.append(romeo.body(PATIENCE_S))
        return bodies


class ProsodyTests(Interop):
    """Debian's Prosody."""

    other = Prosody

    def test_by_certificate(self) -> None:
        """SASL EXTERNAL both ways."""
        self.by_certificate()

    def test_by_dialback(self) -> None:
        """XEP-0220 both ways."""
        self.by_dialback()

    def test_by_direct_tls(self) -> None:
        """XEP-0368."""
        self.by_direct_tls()

    def test_a_wrong_certificate_is_refused(self) -> None:
        """RFC 9525."""
        self.a_wrong_certificate_is_refused()

    def test_an_expired_certificate_is_refused(self) -> None:
        """RFC 5280."""
        self.an_expired_certificate_is_refused()

    def test_both_at_once(self) -> None:
        """They look for each other at the same moment."""
        self.both_at_once()

    def test_the_first_target_is_dead(self) -> None:
        """RFC 2782."""
        self.the_first_target_is_dead()

    def test_killed_amid_messages(self) -> None:
        """SIGKILL, and a new start."""
        self.amid_messages(signal.SIGKILL, may_repeat=True)

    def test_restarted_amid_messages(self) -> None:
        """SIGTERM, and a new start."""
        self.amid_messages(signal.SIGTERM, may_repeat=True)

    def test_frozen_amid_messages(self) -> None:
        """SIGSTOP, and SIGCONT."""
        self.amid_messages(signal.SIGSTOP)


class ProsodyBidiTests(Interop):
    """Prosody with XEP-0288."""

    other = ProsodyBidi

    def test_one_connection(self) -> None:
        """Whoever has begun it: all goes by one."""
        ours, theirs = self.start()
        self.talk(ours, theirs)
        self.assertEqual(ours.log.count(" is authenticated to "), 1)

    def test_it_begins(self) -> None:
        """Prosody begins, and we answer on its stream."""
        ours, theirs = self.start()
        with ours.client() as juliet, theirs.client() as romeo:
            self.say(romeo, juliet.jid, "Shall I")
            self.assertEqual(juliet.body(PATIENCE_S), "Shall I")
            self.say(juliet, romeo.jid, "Wherefore")
            self.assertEqual(romeo.body(PATIENCE_S), "Wherefore")
        self.assertIn(f"{THEIRS} is authenticated to {OURS} by EXTERNAL", ours.log)
        self.assertNotIn(f"{OURS} is authenticated to", ours.log)

    def test_killed_amid_messages(self) -> None:
        """SIGKILL, and a new start."""
        self.amid_messages(signal.SIGKILL, may_repeat=True)

    def test_both_at_once(self) -> None:
        """They look for each other at the same moment."""
        self.both_at_once()


class EjabberdTests(Interop):
    """Debian's ejabberd."""

    other = Ejabberd
    target = "127.0.0.1"

    def test_by_certificate(self) -> None:
        """SASL EXTERNAL both ways."""
        self.by_certificate()

    def test_by_dialback(self) -> None:
        """XEP-0220 both ways."""
        self.by_dialback()

    def test_by_direct_tls(self) -> None:
        """XEP-0368."""
        self.by_direct_tls()

    def test_a_wrong_certificate_is_refused(self) -> None:
        """RFC 9525."""
        self.a_wrong_certificate_is_refused()

    def test_both_at_once(self) -> None:
        """They look for each other at the same moment."""
        self.both_at_once()

    def test_killed_amid_messages(self) -> None:
        """SIGKILL, and a new start."""
        self.amid_messages(signal.SIGKILL)

    def test_frozen_amid_messages(self) -> None:
        """SIGSTOP, and SIGCONT."""
        self.amid_messages(signal.SIGSTOP)


if not IS_LONG:
    SHORT = ("test_by_certificate", "test_one_connection")
    for cls in (ProsodyTests, ProsodyBidiTests, EjabberdTests):
        for name in dir(cls):
            if name.startswith("test_") and name not in SHORT:
                getattr(cls, name).skip = "XMPPD_TEST_INTEROP=long runs it"
    del cls  # it would be collected as one more of them
