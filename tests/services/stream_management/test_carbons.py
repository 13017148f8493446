"""Messages of which one client has a message and another a carbon, while both are without a connection (XEP-0280)."""

from twisted.trial.unittest import SynchronousTestCase

from tests.services.stream_management.conversation import JULIET, NS, ROMEO, Conversation, bodies
from xmppd.testing.client import Client

BALCONY = f"{JULIET}/balcony"
CHAMBER = f"{JULIET}/chamber"
CARBONS = "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>"


class CarbonTests(SynchronousTestCase):
    """Juliet's connections are lost; her session ends before her nurse's, which has a carbon."""

    def setUp(self) -> None:
        """Let a message come for Juliet."""
        self.conversation = Conversation()
        self.romeo = self.conversation.memory.logged_in(f"{ROMEO}/orchard")
        self.juliet, self.sm_id = self.conversation.client(BALCONY, presence="<presence/>")
        self.nurse, self.nurse_id = self.conversation.client(CHAMBER, presence="<presence/>" + CARBONS)
        for client in (self.juliet, self.nurse):
            client.inbox.clear()
        self.lose(self.juliet)
        self.conversation.pass_time(100)
        self.lose(self.nurse)
        self.conversation.say(self.romeo, "one", to=BALCONY)
        self.conversation.pass_time(550)

    def lose(self, client: Client) -> None:
        """Break a connection."""
        assert client.carrier is not None
        client.carrier.lose()

    def fresh(self, address: str) -> Client:
        """Give a client that has logged in and is available."""
        client = self.conversation.memory.logged_in(address)
        client.send("<presence/>")
        self.conversation.pass_time(0.2)
        return client

    def back(self, h: int) -> Client:
        """Give the nurse's client that resumes, or logs in where that fails."""
        client = self.conversation.connected(CHAMBER)
        client.send(f"<resume xmlns='{NS}' previd='{self.nurse_id}' h='{h}'/>")
        if client.inbox[0].tag.endswith("failed"):
            self.conversation.bind(client)
            client.send("<presence/>")
        self.conversation.pass_time(0.2)
        return client

    def test_both_are_given_up(self) -> None:
        """What was queued for a session without a connection arrives at the next presence after its end.

        promises#hibernating-sessions.
        """
        self.conversation.pass_time(100)
        self.assertEqual(self.conversation.memory.server.registry.resources(JULIET), ())
        self.assertEqual(bodies(self.fresh(BALCONY)), ["one"])

    def test_the_carbon_arrives(self) -> None:
        """It is not delivered anew to who has a carbon of it, nor after that was acknowledged."""
        client = self.back(2)
        self.assertEqual(bodies(client), [""])
        client.send("</stream:stream>")
        self.conversation.pass_time(1)
        self.assertEqual(bodies(self.fresh(BALCONY)), ["one"])

    def test_the_carbon_is_acknowledged(self) -> None:
        """It is done with then."""
        client = self.back(2)
        client.send(f"<a xmlns='{NS}' h='4'/></stream:stream>")
        self.conversation.pass_time(1)
        self.assertEqual(bodies(self.fresh(BALCONY)), [])
        self.assertEqual(self.conversation.queued(), [])

    def test_after_a_kill(self) -> None:
        """It outlives the server; the client that has the carbon, as its h says, is not given it."""
        self.conversation.kill()
        self.conversation.memory.clock.advance(0)
        self.assertEqual(bodies(self.back(9)), [])

    def test_after_a_kill_without_the_carbon(self) -> None:
        """The client that had not got the carbon is given the message."""
        self.conversation.kill()
        self.conversation.memory.clock.advance(0)
        self.assertEqual(bodies(self.back(1)), ["one"])
