"""What a peer may not do on a stream that it has begun: the RFC's condition, and nothing is delivered."""

import re

from twisted.internet.protocol import Protocol
from twisted.logger import capturedLogs, formatEvent

from tests.net.streams.s2s.two import CAPULET, MONTAGUE, Two
from xmppd.testing.network import Wire

HEADER = (
    "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
    "xmlns:db='jabber:server:dialback' version='1.0' to='{to}' from='{from_}'>"
)
TLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
EXTERNAL = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>"


class Peer(Protocol):
    """A hand-made server."""

    def __init__(self) -> None:
        self.text = ""
        self.is_lost = False

    def dataReceived(self, data: bytes) -> None:
        """Keep what comes."""
        self.text += data.decode()

    def connectionLost(self, reason: object = None) -> None:
        """Note the end."""
        self.is_lost = True

    def say(self, text: str) -> None:
        """Send *text*."""
        assert isinstance(self.transport, Wire)
        self.transport.write(text.encode())


class PeerTestCase(Two):
    """Base: a hand-made server at Juliet's."""

    s2s = "require_certificate = false"

    def peer(self, names: tuple[str, ...] = ()) -> Peer:
        """Give a connection, with a certificate for *names*; nothing has been said on it."""
        made: list[Peer] = []
        self.network.dial(self.capulet.address, 5269, lambda: Peer()).addCallback(made.append)  # noqa: PLW0108
        (peer,) = made
        self.names = names
        return peer

    def opened(self, from_: str = "verona.example", to: str = CAPULET, names: tuple[str, ...] = ()) -> Peer:
        """Give a stream under TLS."""
        peer = self.peer()
        peer.say(HEADER.format(to=to, from_=from_))
        self.settle(0)
        peer.say(TLS)
        self.settle(0)
        assert isinstance(peer.transport, Wire)
        peer.transport.startTLS(names)
        peer.text = ""
        peer.say(HEADER.format(to=to, from_=from_))
        self.settle(0)
        return peer

    def authenticated(self, from_: str = "verona.example") -> Peer:
        """Give a stream that a certificate has proved."""
        peer = self.opened(from_, names=(from_,))
        peer.say(EXTERNAL)
        self.settle(0)
        self.assertIn("<success", peer.text)
        peer.say(HEADER.format(to=CAPULET, from_=from_))
        self.settle(0)
        peer.text = ""
        return peer

    def assertEnded(self, peer: Peer, condition: str) -> None:
        """The stream has ended with *condition*, and Juliet has got nothing."""
        self.settle(0)
        self.assertEqual(re.findall(r"<stream:error><([a-z-]+)", peer.text), [condition])
        self.settle(1)
        self.assertTrue(peer.is_lost)
        self.assertEqual(self.came(self.juliet), [])

    def message(self, from_: str = "tybalt@verona.example/x", to: str = f"juliet@{CAPULET}") -> str:
        """Give a message."""
        return f"<message from='{from_}' to='{to}' type='chat'><body>hello</body></message>"


class ReasonTests(PeerTestCase):
    """What operators read of such a stream: one line, with the peer's name and what was wrong."""

    s2s = ""

    def end(self, peer: Peer) -> str:
        """Let the peer go away; give the line about it."""
        with capturedLogs() as events:
            peer.say("</stream:stream>")
            self.settle(1)
        self.assertTrue(peer.is_lost)
        lines = [formatEvent(event) for event in events]
        (line,) = [line for line in lines if line.startswith("Stream with ")]
        return line

    def test_a_certificate_for_others(self) -> None:
        """EXTERNAL is not offered, and the peer goes."""
        self.assertEqual(
            self.end(self.opened(names=("nobody.example",))),
            "Stream with verona.example ended: closed by the peer; "
            "The certificate of verona.example is for nobody.example",
        )

    def test_dialback_for_what_is_not_served(self) -> None:
        """It is told too which domain was meant."""
        peer = self.opened(names=("verona.example",))
        peer.say("<db:result from='verona.example' to='paris.example'>x</db:result>")
        self.settle()
        self.assertIn("item-not-found", peer.text)
        self.assertIn("; verona.example may not speak to paris.example here (item-not-found)", self.end(peer))

    def test_dialback_of_another(self) -> None:
        """Where certificates are needed."""
        peer = self.opened(names=("verona.example",))
        peer.say(f"<db:result from='mantua.example' to='{CAPULET}'>x</db:result>")
        self.settle()
        self.assertIn("not-authorized", peer.text)
        self.assertIn("; The certificate of mantua.example is for verona.example", self.end(peer))

    def test_who_is_believed(self) -> None:
        """There is nothing to be said of it."""
        line = self.end(self.authenticated())
        self.assertEqual(line, "Stream with verona.example ended: closed by the peer")


class BadPeerTests(PeerTestCase):
    """At Juliet's server."""

    def test_headers(self) -> None:
        """RFC 6120 4.7.1, 4.7.2, 4.9.3."""
        for to, from_, condition in (
            ("nowhere.example", "verona.example", "host-unknown"),
            ("", "verona.example", "improper-addressing"),
            (CAPULET, "a@verona.example", "invalid-from"),
            (CAPULET, CAPULET, "invalid-from"),
        ):
            peer = self.peer()
            peer.say(HEADER.format(to=to, from_=from_))
            self.assertEnded(peer, condition)
        peer = self.peer()
        peer.say(
            HEADER.replace("jabber:server'", "jabber:client'").format(to=CAPULET, from_="verona.example")
        )
        self.assertEnded(peer, "invalid-namespace")

    def test_nothing_before_tls(self) -> None:
        """With require_tls neither dialback nor stanzas."""
        for text, condition in (
            (f"<db:result from='verona.example' to='{CAPULET}'>x</db:result>", "policy-violation"),
            (self.message(), "not-authorized"),
        ):
            peer = self.peer()
            peer.say(HEADER.format(to=CAPULET, from_="verona.example"))
            self.settle(0)
            self.assertNotIn("EXTERNAL", peer.text)
            peer.say(text)
            self.assertEnded(peer, condition)

    def test_external_needs_the_certificate(self) -> None:
        """It is not offered, and refused, where the certificate is another's; five times end the stream."""
        peer = self.opened(names=("nobody.example",))
        self.assertNotIn("EXTERNAL", peer.text)
        for _ in range(5):
            peer.say(EXTERNAL)
        self.settle(0)
        self.assertEqual(peer.text.count("<not-authorized"), 5)
        self.assertEnded(peer, "policy-violation")

    def test_a_stanza_of_a_domain_that_is_not_proved(self) -> None:
        """RFC 6120 8.1.2.2: invalid-from; also to a domain of ours towards which it is not."""
        for stanza, condition in (
            (self.message("tybalt@other.example/x"), "invalid-from"),
            (self.message(to=f"romeo@{MONTAGUE}"), "invalid-from"),
            ("<message to='juliet@capulet.example'><body>x</body></message>", "improper-addressing"),
            ("<message from='tybalt@verona.example'><body>x</body></message>", "improper-addressing"),
        ):
            peer = self.authenticated()
            peer.say(stanza)
            self.assertEnded(peer, condition)

    def test_what_is_proved_is_delivered(self) -> None:
        """The same stream, and the right sender."""
        peer = self.authenticated()
        peer.say(self.message(to=f"juliet@{CAPULET}/balcony"))
        self.settle()
        self.assertEqual(self.came(self.juliet), ["message chat hello"])
        self.assertFalse(peer.is_lost)

    def test_sizes(self) -> None:
        """10 kB before authentication, 512 kB after it; told while it comes."""
        peer = self.opened()
        peer.say(f"<db:result from='verona.example' to='{CAPULET}'>{'x' * 11_000}")
        self.assertEnded(peer, "policy-violation")
        peer = self.authenticated()
        peer.say(f"<message from='a@verona.example' to='juliet@{CAPULET}'><body>{'x' * 530_000}")
        self.assertEnded(peer, "policy-violation")

    def test_time(self) -> None:
        """Whoever has proved nothing in time is sent away."""
        peer = self.opened()
        self.settle(31)
        self.assertIn("connection-timeout", peer.text)
        self.assertTrue(peer.is_lost)

    def test_dialback_for_what_is_not_served(self) -> None:
        """XEP-0220 2.4: item-not-found; without an address improper-addressing."""
        peer = self.opened()
        peer.say("<db:result from='verona.example' to='nowhere.example'>x</db:result>")
        self.settle(0)
        self.assertIn("<item-not-found", peer.text)
        peer.say("<db:result to='capulet.example'>x</db:result>")
        self.assertEnded(peer, "improper-addressing")

    def test_a_key_that_is_not_the_domain_s(self) -> None:
        """The authoritative server says no: invalid, and nothing may be sent."""
        peer = self.opened(MONTAGUE)
        peer.say(f"<db:result from='{MONTAGUE}' to='{CAPULET}'>a key of mine</db:result>")
        self.settle()
        self.assertIn("type='invalid'", peer.text)
        self.assertTrue(peer.is_lost)

    def test_a_domain_that_nobody_reaches(self) -> None:
        """An error, and the stream goes on for others."""
        peer = self.opened()
        peer.say(f"<db:result from='verona.example' to='{CAPULET}'>x</db:result>")
        self.settle()
        self.assertIn("type='error'", peer.text)
        self.assertFalse(peer.is_lost)

    def test_keys_are_told_from_others(self) -> None:
        """XEP-0220 2.1.3: of a stream that never was, invalid; for a domain that is not ours, an error."""
        peer = self.opened()
        for to, expected in ((CAPULET, "type='invalid'"), ("nowhere.example", "<item-not-found")):
            peer.text = ""
            peer.say(f"<db:verify from='verona.example' to='{to}' id='1'>00</db:verify>")
            self.settle(0)
            self.assertIn(expected, peer.text)

    def test_several_pairs_on_one_stream(self) -> None:
        """Those that the certificate covers are proved by it (XEP-0344), others are not."""
        peer = self.opened("verona.example", names=("verona.example", "rooms.verona.example"))
        for name in ("verona.example", "rooms.verona.example"):
            peer.say(f"<db:result from='{name}' to='{CAPULET}'>x</db:result>")
        self.settle(0)
        self.assertEqual(peer.text.count("type='valid'"), 2)
        for name in ("tybalt@verona.example/x", "hall@rooms.verona.example"):
            peer.say(self.message(name, f"juliet@{CAPULET}/balcony"))
        self.settle()
        self.assertEqual(self.came(self.juliet), ["message chat hello"] * 2)
        peer.say(self.message("tybalt@other.example"))
        self.assertEnded(peer, "invalid-from")

    def test_restricted_xml(self) -> None:
        """RFC 6120 11.1."""
        peer = self.authenticated()
        peer.say("<!-- hello -->")
        self.assertEnded(peer, "restricted-xml")

    def test_what_nobody_takes(self) -> None:
        """RFC 6120 4.9.3.24: refused by its name, when the rest of it has not come yet."""
        for peer, condition in (
            (self.opened(), "not-authorized"),
            (self.authenticated(), "unsupported-stanza-type"),
        ):
            peer.say("<list xmlns='urn:example'><item>")
            self.assertEnded(peer, condition)

    def test_a_silent_stream_gets_spaces(self) -> None:
        """RFC 6120 4.6.1: between servers too, so that a dead connection shows; nothing else is sent."""
        peer = self.authenticated()
        self.settle(3 * self.capulet.server.config.limits.keepalive_s)
        self.assertEqual(set(peer.text), {" "})
        self.assertFalse(peer.is_lost)
