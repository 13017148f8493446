"""Two servers in memory: what goes from one to the other, whoever has to prove what."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.testing.client import Client
from xmppd.testing.peers import PeerServer, network

CAPULET, MONTAGUE = "capulet.example", "montague.example"


def options(domain: str, more: str = "") -> str:
    """Give the configuration of a server of *domain*."""
    return f'[s2s]\n{more}\n[hosts."{domain}"]\n'


class Two(SynchronousTestCase):
    """Base: two servers, and a client of each."""

    s2s = ""

    def setUp(self) -> None:
        """Start them."""
        self.network = network()
        self.capulet = PeerServer(options(CAPULET, self.s2s), self.network)
        self.montague = PeerServer(options(MONTAGUE, self.s2s), self.network)
        self.juliet = self.capulet.logged_in(f"juliet@{CAPULET}/balcony")
        self.romeo = self.montague.logged_in(f"romeo@{MONTAGUE}/orchard")

    def settle(self, seconds: float = 1.0) -> None:
        """Let happen what is due."""
        self.capulet.pass_time(seconds)

    def say(self, client: Client, text: str) -> list[str]:
        """Send *text*, and give what came to the other client since: names and texts of children."""
        client.send(text)
        self.settle()
        return []

    def came(self, client: Client) -> list[str]:
        """Give what has come to *client*, each as "name type: text"."""
        found = []
        while client.inbox:
            element = client.inbox.popleft()
            texts = "".join(element.itertext())
            name = element.tag.rpartition("}")[2]
            found.append(" ".join(each for each in (name, element.get("type"), texts) if each))
        return found

    def message(self, text: str) -> str:
        """Give a message of Juliet's to Romeo."""
        return f"<message to='romeo@{MONTAGUE}/orchard' type='chat'><body>{text}</body></message>"


class ExternalTests(Two):
    """By certificates."""

    def test_a_message_goes_both_ways(self) -> None:
        """RFC 6120 10.4: each direction has a stream of its own."""
        self.juliet.send(self.message("Wherefore"))
        self.settle()
        self.romeo.send(f"<message to='juliet@{CAPULET}/balcony' type='chat'><body>Shall I</body></message>")
        self.settle()
        self.assertEqual(self.came(self.romeo), ["message chat Wherefore"])
        self.assertEqual(self.came(self.juliet), ["message chat Shall I"])

    def test_it_was_the_certificate(self) -> None:
        """XEP-0178 3: nobody was called back."""
        self.juliet.send(self.message("Wherefore"))
        self.settle()
        (stream,) = self.montague.peers.connections.streams
        self.assertEqual((stream.authenticated_by, stream.proven), ("EXTERNAL", {CAPULET: {MONTAGUE}}))

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
        self.juliet.send(self.message("Wherefore"))
        self.settle()
        self.romeo.send(f"<message to='juliet@{CAPULET}/balcony' type='chat'><body>Shall I</body></message>")
        self.settle()
        self.assertEqual(self.came(self.romeo), ["message chat Wherefore"])
        self.assertEqual(self.came(self.juliet), ["message chat Shall I"])
        ways = [stream.authenticated_by for stream in self.montague.peers.connections.streams]
        self.assertEqual(ways, ["dialback", "dialback"])


class StrictTests(DialbackTests):
    """Where certificates are needed, and cover nothing."""

    s2s = ""

    def test_a_message_goes_both_ways(self) -> None:
        """It comes back, and says why."""
        self.juliet.send(self.message("Wherefore"))
        self.settle()
        (answer,) = self.came(self.juliet)
        self.assertIn("The certificate of montague.example is for nobody.example", answer)
        self.assertEqual(self.came(self.romeo), [])
