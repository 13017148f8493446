"""Messages that wait behind stored ones, or behind a commit, while sessions come, go and are resumed."""

from twisted.trial.unittest import SynchronousTestCase

from tests.services.stream_management.conversation import (
    COMMIT_S,
    JULIET,
    NS,
    ROMEO,
    Conversation,
    bodies,
    tags,
)
from xmppd.testing.client import Client

BALCONY = f"{JULIET}/balcony"
CHAMBER = f"{JULIET}/chamber"


class HeldTests(SynchronousTestCase):
    """Juliet has stored messages, her nurse is there, Romeo writes to both; commits are slow."""

    def setUp(self) -> None:
        """Let one message wait; Juliet is being handed it when the one for both comes."""
        self.conversation = Conversation()
        self.romeo = self.conversation.memory.logged_in(f"{ROMEO}/orchard")
        self.conversation.memory.add_account(JULIET)
        self.conversation.say(self.romeo, "old")
        self.juliet, self.sm_id = self.conversation.client(BALCONY)
        self.nurse, _ = self.conversation.client(CHAMBER)
        self.conversation.slow_commits()
        self.juliet.send("<presence/>")
        self.nurse.send("<presence/>")
        self.conversation.memory.clock.advance(COMMIT_S / 2)
        self.conversation.say(self.romeo, "both")

    def finish(self) -> None:
        """Let everything be handed over and committed."""
        self.conversation.quick_commits()
        self.conversation.pass_time(1)

    def lose(self, client: Client) -> None:
        """Break a connection."""
        assert client.carrier is not None
        client.carrier.lose()

    def resume(self, h: int) -> Client:
        """Give a client that goes on with Juliet's session."""
        client = self.conversation.connected(BALCONY)
        client.send(f"<resume xmlns='{NS}' previd='{self.sm_id}' h='{h}'/>")
        return client

    def test_a_copy_that_has_waited(self) -> None:
        """XEP-0198 4: it is not delivered anew to who has acknowledged a copy, though it was sent later."""
        self.finish()
        self.assertEqual(bodies(self.juliet), ["old", "both"])
        self.nurse.send(f"<a xmlns='{NS}' h='3'/>")
        self.assertEqual(bodies(self.nurse), ["both"])
        self.juliet.send("</stream:stream>")
        self.finish()
        self.assertEqual(bodies(self.nurse), ["old"])

    def test_the_copy_of_another(self) -> None:
        """XEP-0198 4: a copy whose client has left is not delivered to who has one that waits."""
        self.nurse.send("</stream:stream>")
        self.finish()
        self.assertEqual(bodies(self.juliet), ["old", "both"])

    def test_nobody_has_acknowledged(self) -> None:
        """XEP-0198 4: a message of which every copy is given up waits for its account, once."""
        self.nurse.send("</stream:stream>")
        self.lose(self.juliet)
        self.finish()
        self.conversation.pass_time(601)
        client = self.conversation.memory.logged_in(BALCONY)
        client.send("<presence/>")
        self.conversation.pass_time(0.5)
        self.assertEqual(sorted(bodies(client)), ["both", "old"])

    def test_ended_while_a_copy_waits(self) -> None:
        """XEP-0198 4: a copy that was never sent keeps no other from being delivered anew."""
        self.juliet.send("</stream:stream>")
        self.nurse.send("</stream:stream>")
        self.finish()
        client = self.conversation.memory.logged_in(f"{JULIET}/elsewhere")
        client.send("<presence/>")
        self.conversation.pass_time(0.5)
        self.assertEqual(sorted(bodies(client)), ["both", "old"])

    def test_resumed_before_the_commit(self) -> None:
        """Who resumes gets what takes the place of a stored message behind the commit, all else behind it.

        promises#once-in-order.
        """
        self.finish()
        self.lose(self.juliet)
        session = self.conversation.session(BALCONY)
        assert session.ledger is not None
        session.ledger.cork()
        session.send("<message id='stored'/>")
        client = self.resume(4)
        self.assertEqual(tags(client), ["resumed"])
        session.send("<message id='live'/>")
        self.assertEqual(tags(client), [])
        session.ledger.uncork()
        self.assertEqual(bodies(client), ["stored", "live"])
        session.send("<message id='next'/>")
        self.assertEqual(bodies(client), ["next"])
