"""Room for pairs of domains, and who takes it."""

from tests.net.streams.s2s.two import CAPULET, MONTAGUE, Two
from xmppd.services.federation.outbound import Item
from xmppd.stanza.stanza import Stanza
from xmppd.testing.client import Client


class FloodTests(Two):
    """There is room for so many pairs of domains, and for each account's a tenth of it."""

    s2s = "queues = 20\nretry_min_s = 1\nretry_max_s = 100"

    def say_to(self, client: Client, domain: str) -> None:
        """Say something to somebody at *domain*."""
        client.send(f"<message to='x@{domain}' type='chat'><body>hello</body></message>")
        self.settle(0)

    def ping(self, domain: str) -> str:
        """Give what comes of it."""
        self.juliet.send(f"<iq to='{domain}' id='p' type='get'><ping xmlns='urn:xmpp:ping'/></iq>")
        self.settle(0.1)
        (answer,) = self.came(self.juliet)
        return answer

    def vanish(self, *domains: str) -> None:
        """These have an address, where nobody is."""
        for domain in domains:
            self.network.names[domain] = ("192.0.2.7",)

    def test_one_account(self) -> None:
        """It takes no room from others."""
        domains = [f"{index}.example" for index in range(5)]
        self.vanish(*domains)
        for domain in domains:
            self.say_to(self.juliet, domain)
        self.assertEqual(self.came(self.juliet), ["message error You talk to too many servers"] * 3)
        nurse = self.capulet.logged_in(f"nurse@{CAPULET}/r")
        nurse.send(f"<message to='romeo@{MONTAGUE}/orchard' type='chat'><body>Peter</body></message>")
        self.settle()
        self.assertEqual(self.came(self.romeo), ["message chat Peter"])

    def test_what_has_failed_makes_room(self) -> None:
        """Where nothing waits, however many there are."""
        domains = [f"{index}.example" for index in range(50)]
        self.vanish(*domains)
        for domain in domains:
            self.assertIn("does not answer", self.ping(domain))
        self.assertLessEqual(len(self.capulet.peers.federation.pairs), 2)
        self.say("one")
        self.assertEqual(self.came(self.romeo), ["message chat one"])

    def test_all_of_it_is_taken(self) -> None:
        """One more is refused."""
        federation = self.capulet.peers.federation
        for index in range(20):
            federation.pair(CAPULET, f"{index}.example").add(Item(Stanza.make("message"), "", 0.0, True))
        self.say("one")
        self.assertIn("Too many servers are talked to", self.came(self.juliet)[0])

    def test_failures_are_remembered(self) -> None:
        """A server that is asked for from time to time is left alone for longer and longer."""
        self.vanish("0.example")
        for _ in range(60):
            self.assertIn("does not answer", self.ping("0.example"))
            self.settle(10)
        self.assertLess(len(self.network.dialled), 15)
        self.settle(300)
        self.assertEqual(self.capulet.peers.federation.pairs, {})
