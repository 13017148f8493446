"""Resuming: the session survives, its connection is replaced."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.services.stream_management.conversation import JULIET, NS, ROMEO, Conversation, acks, bodies, tags
from xmppd.core import events
from xmppd.core.stations import ACTING
from xmppd.services.stream_management.ledger import StreamLedger
from xmppd.services.stream_management.service import WAIT_S
from xmppd.stream.acks import MODULUS
from xmppd.testing.client import Client

BALCONY = f"{JULIET}/balcony"


class ResumingTests(SynchronousTestCase):
    """Juliet loses her connections."""

    def setUp(self) -> None:
        """Log in; Juliet is available."""
        self.conversation = Conversation()
        self.romeo = self.conversation.memory.logged_in(f"{ROMEO}/orchard")
        self.juliet, self.sm_id = self.conversation.client(BALCONY, presence="<presence/>")

    def resume(self, h: int, id: str | None = None) -> Client:
        """Give a client that has asked for the resumption."""
        client = self.conversation.connected(BALCONY)
        client.send(f"<resume xmlns='{NS}' previd='{id or self.sm_id}' h='{h}'/>")
        return client

    def lose(self, client: Client) -> None:
        """Break a connection."""
        assert client.carrier is not None
        client.carrier.lose()

    def test_the_same_object(self) -> None:
        """The session object is adopted, never copied; the one that the stream had before rests."""
        session = self.conversation.session(BALCONY)
        presence, roster, ledger = session.presence, session.roster, session.ledger
        self.lose(self.juliet)
        self.assertIsNone(session.conn)
        self.assertTrue(session.is_available)
        client = self.conversation.connected(BALCONY)
        connection = list(self.conversation.memory.factory.connections)[-1]
        provisional = connection.session
        client.send(f"<resume xmlns='{NS}' previd='{self.sm_id}' h='1'/>")
        self.assertIs(self.conversation.session(BALCONY), session)
        self.assertIs(connection.session, session)
        self.assertIs(session.conn, connection.transport)
        self.assertIs(session.stream, connection.stream)
        self.assertEqual((session.presence, session.roster, session.ledger), (presence, roster, ledger))
        self.assertTrue(provisional.is_ended)
        self.assertIsNone(provisional.conn)
        self.assertFalse(provisional.send("<presence/>"))

    def test_sending_without_a_connection(self) -> None:
        """The seed's row: on detach `send` queues and returns True; False only after destruction."""
        session = self.conversation.session(BALCONY)
        self.lose(self.juliet)
        self.assertTrue(session.send("<message id='text'/>"))
        self.conversation.memory.server.registry.destroy(session)
        self.assertFalse(session.send("<message id='late'/>"))

    def test_every_shape_of_a_stanza_counts(self) -> None:
        """Stanzas sent as text or element count like others, other elements do not."""
        session = self.conversation.session(BALCONY)
        session.send("<message id='text'/>")
        self.conversation.say(self.romeo, "stanza", to=BALCONY, type="headline")
        session.send("<other xmlns='urn:x'/>")
        ledger = session.ledger
        assert isinstance(ledger, StreamLedger)
        self.assertEqual([each.stanza.id for each in ledger.outgoing], [None, "text", "stanza"])

    def test_live_again(self) -> None:
        """After a resumption stanzas go out at once, in both directions, as often as it happens."""
        for turn in range(1, 6):
            self.conversation.say(self.romeo, f"{turn}a", to=BALCONY, type="headline")
            self.lose(self.juliet)
            self.conversation.say(self.romeo, f"{turn}b", to=BALCONY, type="headline")
            self.juliet.inbox.clear()
            self.juliet = self.resume(turn * 2)
            self.assertEqual(self.juliet.inbox[0].get("h"), str(turn))
            self.assertEqual(bodies(self.juliet), [f"{turn}b"])
            self.conversation.say(self.juliet, f"{turn}c", to=f"{ROMEO}/orchard", type="headline")
            self.assertEqual(bodies(self.romeo), [f"{turn}c"])

    def test_no_presence_is_sent(self) -> None:
        """Section 5: contacts do not hear of a connection that is lost and found."""
        nurse = self.conversation.memory.logged_in(f"{JULIET}/chamber")
        nurse.send("<presence/>")
        nurse.inbox.clear()
        self.lose(self.juliet)
        self.resume(2)
        self.assertEqual(tags(nurse), [])

    def test_too_high(self) -> None:
        """Section 6: who claims more than was sent loses the new stream; the session waits on."""
        self.lose(self.juliet)
        client = self.resume(99)
        self.assertEqual(tags(client), ["error", "end"])
        self.assertTrue(self.conversation.session(BALCONY).is_available)
        self.assertEqual(tags(self.resume(1))[0], "resumed")

    def test_the_time_begins_anew(self) -> None:
        """The maximum counts from each loss of the connection."""
        for _ in range(3):
            self.lose(self.juliet)
            self.conversation.memory.clock.advance(500)
            self.juliet = self.resume(1)
            self.conversation.memory.clock.advance(500)
        self.lose(self.juliet)
        self.conversation.memory.clock.advance(601)
        self.assertIsNone(self.conversation.memory.server.registry.get(BALCONY))
        self.assertEqual(len(self.conversation.sm), 0)

    def test_an_error_ends_the_session(self) -> None:
        """Section 7: a stream that ends by an error does not live on."""
        self.juliet.send("<nonsense xmlns='urn:x'/>")
        self.assertIsNone(self.conversation.memory.server.registry.get(BALCONY))

    def test_a_session_that_cannot_be_resumed(self) -> None:
        """Section 3: without "resume" a lost connection ends the session; messages go to the offline store."""
        self.conversation.client(f"{JULIET}/chamber", is_resumable=False)
        self.juliet.send("<presence type='unavailable'/>")
        nurse = next(iter(self.conversation.memory.server.registry.resources(JULIET)[1:]))
        self.conversation.say(self.romeo, "one", to=f"{JULIET}/chamber")
        connection = next(c for c in self.conversation.memory.factory.connections if c.session is nurse)
        connection.transport.loseConnection()
        self.assertEqual(len(self.conversation.memory.server.registry.resources(JULIET)), 1)
        self.juliet.inbox.clear()
        self.juliet.send("<presence/>")
        self.conversation.pass_time(0.1)
        self.assertEqual(bodies(self.juliet), ["one"])

    def test_around_the_end_of_the_count(self) -> None:
        """Section 4: h is counted modulo 2^32, on both sides, over a resumption and a new start of the server."""
        self.juliet.send(f"<a xmlns='{NS}' h='1'/>")
        ledger = self.conversation.session(BALCONY).ledger
        assert isinstance(ledger, StreamLedger)
        ledger.outgoing.acknowledged = MODULUS - 2
        ledger.incoming.handled = ledger.incoming.committed = MODULUS - 2
        self.conversation.say(self.romeo, "-1", "0", "1", to=BALCONY)
        self.conversation.say(self.juliet, "a", "b", "c", to=ROMEO)
        self.juliet.inbox.clear()
        self.juliet.send(f"<r xmlns='{NS}'/>")
        self.assertEqual(acks(self.juliet), [1])
        self.lose(self.juliet)
        self.juliet = self.resume(MODULUS - 1)
        self.assertEqual(self.juliet.inbox[0].get("h"), "1")
        self.assertEqual(bodies(self.juliet), ["0", "1"])
        self.conversation.pass_time(0.3)
        self.conversation.kill()
        client = self.resume(0)
        self.assertEqual(client.inbox.popleft().get("h"), "1")
        self.conversation.bind(client)
        client.send("<presence/>")
        self.conversation.pass_time(0.1)
        self.assertEqual(bodies(client), ["1"])

    # -- what is in hand ----------------------------------------------------------------------------------------------

    def _waiting(self) -> Deferred[None]:
        """Let what Juliet sends next wait for something."""
        gate: Deferred[None] = Deferred()

        def handler(traffic: Any) -> Deferred[None] | None:
            return gate if traffic.stanza.id == "slow" else None

        self.conversation.memory.server.hosts["localhost"].hooks.add(events.CLIENT_STANZA, handler, ACTING)
        self.conversation.say(self.juliet, "slow", "behind", to=f"{ROMEO}/orchard", type="headline")
        return gate

    def test_in_hand_when_the_connection_is_lost(self) -> None:
        """What was being handled counts before the client is told how much was; what waited behind it does not."""
        gate = self._waiting()
        self.lose(self.juliet)
        client = self.resume(1)
        self.assertEqual(tags(client), [])
        gate.callback(None)
        self.assertEqual(client.inbox[0].get("h"), "2")
        self.assertEqual(bodies(self.romeo), ["slow"])
        self.conversation.say(client, "behind", to=f"{ROMEO}/orchard", type="headline")
        self.assertEqual(bodies(self.romeo), ["behind"])

    def test_in_hand_while_connected(self) -> None:
        """The same where the old connection is still there."""
        gate = self._waiting()
        client = self.resume(1)
        self.assertEqual(tags(self.juliet), ["error", "end"])
        gate.callback(None)
        self.assertEqual(client.inbox[0].get("h"), "2")
        self.assertEqual(bodies(self.romeo), ["slow"])

    def test_in_hand_for_too_long(self) -> None:
        """The wait is bounded; what comes too late does not count."""
        gate = self._waiting()
        self.lose(self.juliet)
        client = self.resume(1)
        self.conversation.memory.clock.advance(WAIT_S)
        self.assertEqual(client.inbox[0].get("h"), "1")
        gate.callback(None)
        client.inbox.clear()
        client.send(f"<r xmlns='{NS}'/>")
        self.assertEqual(acks(client), [1])

    def test_uncommitted(self) -> None:
        """What waits for its commit is covered by <resumed/>, so that it is not sent twice."""
        self.conversation.say(self.juliet, "first", to=ROMEO)
        self.conversation.slow_commits()
        self.conversation.say(self.juliet, "one", to=ROMEO)
        self.lose(self.juliet)
        client = self.resume(1)
        self.assertEqual(tags(client), [])
        self.conversation.pass_time(0.2)
        self.assertEqual(client.inbox[0].get("h"), "3")

    def test_uncounted(self) -> None:
        """What came while the count was being committed is covered by <resumed/>, too."""
        self.conversation.slow_commits()
        self.conversation.say(self.juliet, "one", to=ROMEO, type="headline")
        self.juliet.send(f"<r xmlns='{NS}'/>")
        self.conversation.say(self.juliet, "two", to=ROMEO, type="headline")
        self.lose(self.juliet)
        client = self.resume(1)
        self.conversation.pass_time(0.5)
        self.assertEqual(client.inbox[0].tag, f"{{{NS}}}resumed")
        self.assertEqual(client.inbox[0].get("h"), "3")

    def test_lost_while_it_waits(self) -> None:
        """A client that is gone before it was told leaves the session where it was."""
        gate = self._waiting()
        self.lose(self.juliet)
        client = self.resume(1)
        self.lose(client)
        gate.callback(None)
        session = self.conversation.session(BALCONY)
        self.assertIsNone(session.conn)
        self.assertEqual(self.resume(1).inbox[0].get("h"), "2")

    def test_two_at_once(self) -> None:
        """Of two streams that resume the same session the later one has it in the end."""
        gate = self._waiting()
        self.lose(self.juliet)
        first, second = self.resume(1), self.resume(1)
        gate.callback(None)
        self.assertEqual(
            tags(first), ["resumed", "presence", "r", "error", "end"][:1] + ["r", "error", "end"][1:]
        )
        self.assertEqual(second.inbox[0].get("h"), "2")
        self.conversation.say(self.romeo, "one", to=BALCONY, type="headline")
        self.assertEqual(bodies(second), ["one"])

    # -- bounds -------------------------------------------------------------------------------------------------------

    def test_sessions_that_have_ended(self) -> None:
        """So many of them are remembered, to tell their clients how far they had come; the oldest is forgotten."""
        self.conversation.sm.earlier.ended.limit = 3
        for number in range(5):
            client, _ = self.conversation.client(f"{JULIET}/{number}")
            client.send("</stream:stream>")
            self.lose(client)
            self.conversation.pass_time(1)
        self.assertEqual(len(self.conversation.sm.earlier.ended), 3)

    def test_bytes_of_the_queue(self) -> None:
        """A session without a connection ends, too, when too much waits; nothing of it is lost."""
        self.conversation = Conversation("[modules.sm]\nqueue_bytes = 70000\n")
        self.setUp_again()
        self.lose(self.juliet)
        body = "x" * 1_000
        for number in range(80):
            self.romeo.send(
                f"<message to='{BALCONY}' id='{number}' type='chat'><body>{body}</body></message>"
            )
        self.conversation.pass_time(0.1)
        self.assertIsNone(self.conversation.memory.server.registry.get(BALCONY))
        client = self.conversation.memory.logged_in(BALCONY)
        client.send("<presence/>")
        self.conversation.pass_time(0.5)
        self.assertEqual(bodies(client), [str(number) for number in range(80)])

    def setUp_again(self) -> None:
        """Log in at another server."""
        self.romeo = self.conversation.memory.logged_in(f"{ROMEO}/orchard")
        self.juliet, self.sm_id = self.conversation.client(BALCONY, presence="<presence/>")

    def test_many_that_do_not_come_back(self) -> None:
        """Sessions without a connection do not keep their account out: the oldest of them ends."""
        self.conversation = Conversation("[limits]\nresources_per_user = 3\n")
        self.setUp_again()
        self.lose(self.juliet)
        for number in range(4):
            client, _ = self.conversation.client(f"{JULIET}/{number}")
            self.lose(client)
        self.assertEqual(len(self.conversation.memory.server.registry.resources(JULIET)), 3)

    def test_ids(self) -> None:
        """Section 5: no two sessions have the same id, and nothing of a session is in it."""
        _, other = self.conversation.client(f"{JULIET}/chamber")
        self.assertNotEqual(self.sm_id, other)
        self.assertNotIn("juliet", self.sm_id)
