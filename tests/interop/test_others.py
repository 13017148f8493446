"""xmppd and Debian's Prosody and ejabberd, over real TLS, found by DNS; skipped where they are not installed.

``XMPPD_TEST_INTEROP=long`` runs all of it; without that each of them is tried shortly.
"""

import os
import signal

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.interop.names import NameServer, serving
from tests.interop.others import Ejabberd, Other, Prosody, has
from tests.net.tls.authority import Authority
from tests.sockets.client import PlainClient
from tests.sockets.peers import Domains, XmppdPeer
from tests.temporary import temporary_folder

OURS, THEIRS = "capulet.example", "montague.example"
IS_LONG = os.environ.get("XMPPD_TEST_INTEROP") == "long"


class Interop(SynchronousTestCase):
    """Base: the domains, the names, and the two servers."""

    program = ""
    other: type[Other] = Prosody
    target = ""
    """The host in our SRV records, where it is not the domain."""

    def setUp(self) -> None:
        """Make certificates and names."""
        if not has(self.program):
            raise SkipTest(f"{self.program} is not installed")
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

    def talk(self, ours: XmppdPeer, theirs: Other) -> None:
        """Messages both ways, a big one, many in order, IQs both ways, a subscription and its end."""
        with ours.client() as juliet, theirs.client() as romeo:
            for client in (juliet, romeo):
                client.send("<iq id='roster' type='get'><query xmlns='jabber:iq:roster'/></iq><presence/>")
            juliet.send(f"<message to='{romeo.jid}' type='chat'><body>Wherefore</body></message>")
            self.assertEqual(romeo.body(), "Wherefore")
            romeo.send(f"<message to='{juliet.jid}' type='chat'><body>Shall I</body></message>")
            self.assertEqual(juliet.body(), "Shall I")
            self._sizes(juliet, romeo)
            for query in ("<ping xmlns='urn:xmpp:ping'/>", "<query xmlns='jabber:iq:version'/>"):
                self.assertEqual(juliet.ask(THEIRS, query).get("type"), "result")
                self.assertEqual(romeo.ask(OURS, query).get("type"), "result")
            self._subscription(juliet, romeo)
            self._subscription(romeo, juliet)

    def _sizes(self, juliet: PlainClient, romeo: PlainClient) -> None:
        long = "long " * 40_000
        juliet.send(f"<message to='{romeo.jid}' type='chat'><body>{long}</body></message>")
        self.assertEqual(romeo.body(), long)
        for one, other in ((juliet, romeo), (romeo, juliet)):
            number = 1_000 if IS_LONG else 100
            for index in range(number):
                one.send(f"<message to='{other.jid}' type='chat'><body>{index}</body></message>")
            self.assertEqual([other.body() for _ in range(number)], [str(index) for index in range(number)])

    def _subscription(self, one: PlainClient, other: PlainClient) -> None:
        """RFC 6121 3.1, 3.3, and 4.5: consent, presence, absence, and the end of it."""
        one.send(f"<presence to='{other.bare}' type='subscribe'/>")
        other.presence("subscribe")
        other.send(f"<presence to='{one.bare}' type='subscribed'/>")
        one.presence("subscribed")
        self.assertEqual(one.presence(None).get("from"), other.jid)
        other.send("<presence type='unavailable'/>")
        self.assertEqual(one.presence("unavailable").get("from"), other.jid)
        other.send("<presence/>")
        self.assertEqual(one.presence(None).get("from"), other.jid)
        one.send(f"<presence to='{other.bare}' type='unsubscribe'/>")
        other.presence("unsubscribe")


class ProsodyTests(Interop):
    """Debian's Prosody."""

    program = "prosody"
    other = Prosody

    def test_by_certificate(self) -> None:
        """SASL EXTERNAL both ways."""
        ours, theirs = self.start()
        self.talk(ours, theirs)
        self.assertIn(f"{OURS} is authenticated to {THEIRS} by EXTERNAL", ours.log)
        self.assertIn(f"{THEIRS} is authenticated to {OURS} by EXTERNAL", ours.log)

    def test_by_dialback(self) -> None:
        """XEP-0220 both ways, where nobody knows who has issued the certificates."""
        for name in (OURS, THEIRS):
            self.domains.certify(name, Authority("nobody's"))
        ours, theirs = self.start("require_certificate = false", is_strict=False)
        self.talk(ours, theirs)
        self.assertIn(f"{OURS} is authenticated to {THEIRS} by dialback", ours.log)
        self.assertIn(f"{THEIRS} is authenticated to {OURS} by dialback", ours.log)

    def test_a_wrong_certificate_is_refused(self) -> None:
        """RFC 9525: both ways, and the senders hear of it."""
        self.domains.certify(THEIRS, self.domains.authority, "verona.example")
        ours, theirs = self.start()
        with ours.client() as juliet, theirs.client() as romeo:
            juliet.send(f"<message to='{romeo.jid}' type='chat'><body>Wherefore</body></message>")
            self.assertIn("is for verona.example", "".join(juliet.message().itertext()))
            romeo.send(f"<message to='{juliet.jid}' type='chat'><body>Shall I</body></message>")
            self.assertEqual(romeo.message(30.0).get("type"), "error")

    def test_killed_amid_messages(self) -> None:
        """SIGKILL, and a new start: what is sent meanwhile arrives, in order.

        What it had not acknowledged by then may come again: it cannot say after a crash what it has.
        """
        ours, theirs = self.start()
        with ours.client() as juliet:
            with theirs.client() as romeo:
                romeo.send("<presence/>")
                juliet.send(f"<message to='{romeo.jid}' type='chat'><body>first</body></message>")
                self.assertEqual(romeo.body(), "first")
            theirs.signal(signal.SIGKILL)
            for index in range(200):
                juliet.send(f"<message to='{theirs.jid}' type='chat'><body>{index}</body></message>")
            theirs.start()
            with theirs.client() as romeo:
                romeo.send("<presence/>")
                bodies = [romeo.body(30.0)]
                while bodies[-1] != "199":
                    bodies.append(romeo.body(30.0))
        self.assertEqual([body for body in bodies if body != "first"], [str(index) for index in range(200)])


class EjabberdTests(Interop):
    """Debian's ejabberd."""

    program = "ejabberdctl"
    other = Ejabberd
    target = "127.0.0.1"

    test_by_certificate = ProsodyTests.test_by_certificate
    test_by_dialback = ProsodyTests.test_by_dialback
    test_a_wrong_certificate_is_refused = ProsodyTests.test_a_wrong_certificate_is_refused


if not IS_LONG:
    for cls in (ProsodyTests, EjabberdTests):
        for name in ("test_by_dialback", "test_a_wrong_certificate_is_refused", "test_killed_amid_messages"):
            if hasattr(cls, name):
                getattr(cls, name).skip = "XMPPD_TEST_INTEROP=long runs it"
