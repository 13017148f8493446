"""What goes from one server to another, whoever has to prove what."""

from tests.net.streams.s2s.two import CAPULET, MONTAGUE, Two


class ExternalTests(Two):
    """By certificates."""

    def test_a_message_goes_both_ways(self) -> None:
        """RFC 6120 10.4: each direction has a stream of its own."""
        self.say("Wherefore")
        self.answer("Shall I")
        self.assertEqual(self.came(self.romeo), ["message chat Wherefore"])
        self.assertEqual(self.came(self.juliet), ["message chat Shall I"])

    def test_it_was_the_certificate(self) -> None:
        """XEP-0178 3: nobody was called back."""
        self.say("Wherefore")
        (stream,) = self.montague.peers.connections.streams
        self.assertEqual((stream.authenticated_by, stream.proven), ("EXTERNAL", {CAPULET: {MONTAGUE}}))

    def test_no_language_is_made_up(self) -> None:
        """RFC 6120 4.7.4: what a client has said in no language in particular arrives so, both ways."""
        self.say("Wherefore")
        self.answer("Shall I")
        for client in (self.romeo, self.juliet):
            self.assertNotIn("{http://www.w3.org/XML/1998/namespace}lang", client.inbox[0].attrib)

    def test_a_ping_is_answered(self) -> None:
        """XEP-0199 4.5: server to server is for the answer too."""
        self.juliet.send(f"<iq to='{MONTAGUE}' id='p1' type='get'><ping xmlns='urn:xmpp:ping'/></iq>")
        self.settle()
        self.assertEqual(self.came(self.juliet), ["iq result"])

    def test_a_subscription_is_agreed(self) -> None:
        """RFC 6121 3.1: request and consent, and the presence that follows."""
        for client in (self.juliet, self.romeo):
            client.send("<iq id='r' type='get'><query xmlns='jabber:iq:roster'/></iq><presence/>")
        self.settle()
        self.came(self.juliet)
        self.came(self.romeo)
        self.juliet.send(f"<presence to='romeo@{MONTAGUE}' type='subscribe'/>")
        self.settle()
        self.assertEqual(self.came(self.romeo), ["presence subscribe"])
        self.romeo.send(f"<presence to='juliet@{CAPULET}' type='subscribed'/>")
        self.settle()
        self.assertEqual(self.came(self.juliet), ["iq set", "presence subscribed", "iq set", "presence"])


class DialbackTests(Two):
    """Where certificates are not needed, and cover nothing."""

    s2s = "require_certificate = false"

    def setUp(self) -> None:
        """Both show certificates of somebody else."""
        super().setUp()
        for server in (self.capulet, self.montague):
            server.tls.certificates[server.domain] = ("nobody.example",)

    def test_a_message_goes_both_ways(self) -> None:
        """XEP-0220: the receiving server asks the authoritative one."""
        self.say("Wherefore")
        self.answer("Shall I")
        self.assertEqual(self.came(self.romeo), ["message chat Wherefore"])
        self.assertEqual(self.came(self.juliet), ["message chat Shall I"])
        ways = [stream.authenticated_by for stream in self.montague.peers.connections.streams]
        self.assertEqual(ways, ["dialback", "dialback"])


class StrictTests(DialbackTests):
    """Where certificates are needed, and cover nothing."""

    s2s = ""

    def test_a_message_goes_both_ways(self) -> None:
        """It comes back, and says why."""
        self.say("Wherefore")
        (answer,) = self.came(self.juliet)
        self.assertIn("The certificate of montague.example is for nobody.example", answer)
        self.assertEqual(self.came(self.romeo), [])
