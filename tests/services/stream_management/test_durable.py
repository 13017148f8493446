"""What outlives the server: the queues of sessions, and how much was handled, by what is stored and when."""

from tests.services.stream_management.conversation import COMMIT_S, JULIET, NS, ROMEO, bodies, tags
from tests.services.stream_management.kills import BALCONY, CHAMBER, KillCase
from xmppd.services.inbox.records import STORE
from xmppd.services.stream_management.earlier import RECORD_S
from xmppd.stanza.jid import JID
from xmppd.storage.interface import StorageFailed
from xmppd.testing.server import now


class DurableTests(KillCase):
    """What is committed, with what else, and for how long."""

    def test_one_transaction(self) -> None:
        """Archive entries, the entry of the queue and the sender's new h are committed together.

        promises#one-transaction.
        """
        self.conversation.slow_commits()
        self.conversation.say(self.romeo, "one", to=BALCONY)
        self.assertEqual(bodies(self.juliet), ["one"])
        self.assertEqual(self.conversation.queued(), [])
        self.conversation.memory.clock.advance(COMMIT_S)
        self.assertEqual(self.conversation.queued(), [(self.sm_id, 2)])
        self.assertEqual(self.conversation.recorded(ROMEO)[self.romeo_id], 1)
        self.assertEqual(len(now(self.conversation.memory.storage.read("archive", JULIET))), 1)

    def test_only_what_is_not_archived_is_stored_again(self) -> None:
        """promises#one-transaction: an entry of the queue refers to the archive where the message is there."""
        self.conversation.say(self.romeo, "one", to=BALCONY)
        self.romeo.send(
            f"<message to='{BALCONY}' id='two'><body>x</body><no-permanent-store xmlns='urn:xmpp:hints'/></message>"
        )
        one, two = now(self.conversation.memory.storage.read(STORE, JULIET))
        self.assertEqual(one.stanza, b"")
        self.assertIn(b"id='two'", two.stanza)

    def test_what_is_volatile_is_not_stored(self) -> None:
        """promises#durable: headlines, lone chat states, presence and carbons live in memory."""
        self.conversation.say(self.romeo, "one", to=BALCONY, type="headline")
        self.romeo.send(
            f"<message to='{BALCONY}'><active xmlns='http://jabber.org/protocol/chatstates'/></message>"
        )
        self.romeo.send(f"<presence to='{BALCONY}'/>")
        self.assertEqual(self.conversation.queued(), [])

    def test_a_session_that_cannot_be_resumed(self) -> None:
        """What it has not acknowledged outlives it, and the server; it is stored as long as that."""
        nurse, _ = self.conversation.client(CHAMBER, is_resumable=False)
        self.conversation.say(self.romeo, "one", "two", to=CHAMBER)
        self.assertEqual([number for _, number in self.conversation.queued()], [1, 2])
        nurse.send(f"<a xmlns='{NS}' h='1'/>")
        self.conversation.pass_time(0.3)
        self.assertEqual([number for _, number in self.conversation.queued()], [2])
        self.restart()
        self.assertEqual(bodies(self.fresh(f"{JULIET}/elsewhere")), ["two"])

    def test_acknowledged_entries_go(self) -> None:
        """Recipients' acknowledgements are stored lazily, soon after."""
        self.conversation.say(self.romeo, "one", "two", to=BALCONY)
        self.juliet.send(f"<a xmlns='{NS}' h='2'/>")
        self.assertEqual(len(self.conversation.queued()), 2)
        self.conversation.pass_time(0.3)
        self.assertEqual(self.conversation.queued(), [(self.sm_id, 3)])

    def test_a_failed_commit_loses_nothing_else(self) -> None:
        """An entry that could not be stored does not disturb those around it."""
        self.conversation.say(self.romeo, "one", to=BALCONY)
        self.conversation.memory.storage.failing = StorageFailed("no disk")
        self.conversation.say(self.romeo, "two", to=BALCONY)
        self.conversation.memory.storage.failing = None
        self.conversation.say(self.romeo, "three", to=BALCONY)
        self.juliet.send(f"<a xmlns='{NS}' h='3'/>")
        self.conversation.pass_time(0.3)
        self.assertEqual(self.conversation.queued(), [(self.sm_id, 4)])

    def test_stopping_the_server(self) -> None:
        """What was not acknowledged when the server is stopped stays, of sessions that cannot be resumed too."""
        nurse, _ = self.conversation.client(CHAMBER, is_resumable=False)
        self.conversation.say(self.romeo, "one", to=BALCONY)
        self.conversation.say(self.romeo, "two", to=CHAMBER)
        self.conversation.memory.factory.shutdown()
        self.assertEqual(tags(nurse), ["message", "error", "end"])
        self.restart()
        client = self.fresh(f"{JULIET}/elsewhere")
        self.assertEqual(bodies(client), ["one", "two"])

    def test_removal_of_the_account(self) -> None:
        """Nothing is left of an account that is removed."""
        self.conversation.say(self.romeo, "one", to=BALCONY)
        now(self.conversation.memory.server.accounts.remove(JID.parse(JULIET)))
        self.conversation.pass_time(1)
        self.assertEqual((self.conversation.queued(), self.conversation.recorded(JULIET)), ([], {}))

    def test_old_records(self) -> None:
        """How much of a session was handled is told for a week."""
        self.conversation.say(self.romeo, "one")
        self.restart()
        self.conversation.memory.clock.advance(RECORD_S + 1)
        self.conversation.sm.earlier.sweep()
        self.assertEqual(self.conversation.recorded(ROMEO), {})

    def test_a_redelivery_that_fails(self) -> None:
        """What cannot be moved into the offline store stays in the queue, for the next login."""
        self.conversation.say(self.romeo, "one", to=BALCONY)
        self.conversation.memory.storage.failing = StorageFailed("no disk")
        self.juliet.send("</stream:stream>")
        self.conversation.memory.storage.failing = None
        self.conversation.pass_time(0.3)
        client = self.fresh(f"{JULIET}/elsewhere")
        self.assertEqual(bodies(client), ["one"])
        self.flushLoggedErrors(StorageFailed)
