"""What comes after a kill of what was committed before it: once, in order, to whom it was for."""

from tests.services.stream_management.conversation import (
    COMMIT_S,
    JULIET,
    NS,
    ROMEO,
    bodies,
    stanza_ids,
    tags,
)
from tests.services.stream_management.kills import BALCONY, CHAMBER, KillCase
from xmppd.services.inbox.inbox import Inbox
from xmppd.services.inbox.store import PULSE_S, RESERVED_S
from xmppd.storage.interface import StorageFailed
from xmppd.testing.server import now


class AfterAKillTests(KillCase):
    """The server is there again, and so are its users."""

    def test_resumption_after_a_kill(self) -> None:
        """What the client has is dropped, the rest comes once and in order, with the stanza-id it had.

        promises#once-in-order.
        """
        self.conversation.say(self.romeo, "one", "two", "three", to=BALCONY)
        before = stanza_ids(self.juliet)
        self.restart()
        self.assertEqual(self.resumed(2), "1")
        self.assertEqual(stanza_ids(self.juliet), before[1:])
        self.assertEqual(bodies(self.juliet), ["two", "three"])
        self.assertEqual(self.conversation.queued(), [])

    def test_h_of_the_sender(self) -> None:
        """A sender that resends what h did not cover causes no double: h is that of the transactions.

        promises#once-in-order.
        """
        self.conversation.say(self.romeo, "one", "two")
        self.restart()
        romeo = self.conversation.connected(f"{ROMEO}/orchard")
        romeo.send(f"<resume xmlns='{NS}' previd='{self.romeo_id}' h='0'/>")
        self.assertEqual(romeo.inbox[0].get("h"), "2")

    def test_h_beyond_what_is_stored(self) -> None:
        """An h above the durable count is no error then."""
        self.conversation.say(self.romeo, "one", to=BALCONY)
        self.restart()
        self.assertEqual(self.resumed(17), "1")
        self.assertEqual(bodies(self.juliet), [])

    def test_nothing_of_another_account(self) -> None:
        """Only the account's own entries can be dropped."""
        self.conversation.say(self.romeo, "one", to=BALCONY)
        self.restart()
        romeo = self.conversation.connected(f"{ROMEO}/street")
        romeo.send(f"<resume xmlns='{NS}' previd='{self.sm_id}' h='9'/>")
        self.assertIsNone(romeo.inbox[0].get("h"))
        self.assertEqual(len(self.conversation.queued()), 1)

    def test_a_fresh_login_after_a_kill(self) -> None:
        """Who logs in afresh gets what was not acknowledged, whatever resource that is, and no more.

        promises#once-in-order.
        """
        self.conversation.say(self.romeo, "one", "two", to=BALCONY)
        self.juliet.send(f"<a xmlns='{NS}' h='2'/>")
        self.conversation.pass_time(0.3)
        before = stanza_ids(self.juliet)
        self.restart()
        client = self.fresh(f"{JULIET}/elsewhere")
        self.assertEqual(stanza_ids(client)[-1], before[-1])
        self.assertEqual(bodies(client), ["two"])
        client.send("<presence type='unavailable'/><presence/>")
        self.conversation.pass_time(0.1)
        self.assertEqual(bodies(client), [])

    def test_again_after_another_kill(self) -> None:
        """What was handed over after a kill is in the new session's queue, in the transaction that takes it out."""
        self.conversation.say(self.romeo, "one", "two", to=BALCONY)
        self.restart()
        self.juliet = self.conversation.memory.logged_in(BALCONY)
        id = self.conversation.enable(self.juliet, presence="<presence/>")
        self.conversation.pass_time(0.1)
        self.assertEqual(self.conversation.queued(), [(id, 2), (id, 3)])
        self.restart()
        self.assertEqual(self.resumed(2, id), "0")
        self.assertEqual(bodies(self.juliet), ["two"])

    def test_handed_over_behind_the_commit(self) -> None:
        """Whoever has a message that was stored is not handed it again: it is written behind the commit."""
        self.juliet.send("</stream:stream>")
        self.conversation.say(self.romeo, "one", "two")
        self.juliet, id = self.conversation.client(BALCONY)
        self.conversation.slow_commits()
        self.juliet.send("<presence/>")
        self.conversation.say(self.romeo, "live", to=BALCONY, type="headline")
        self.assertEqual(bodies(self.juliet), [])
        self.conversation.memory.clock.advance(COMMIT_S)
        self.conversation.memory.clock.advance(0)
        self.assertEqual(self.conversation.queued(), [(id, 2), (id, 3)])
        self.conversation.memory.clock.advance(0)
        self.assertEqual(bodies(self.juliet), ["one", "two", "live"])

    def test_a_copy_that_waits_behind_stored_messages(self) -> None:
        """It is in the session's queue from the transaction on in which its sender is told of it.

        promises#one-transaction.
        """
        self.juliet.send("</stream:stream>")
        self.conversation.say(self.romeo, "old")
        self.juliet, id = self.conversation.client(BALCONY)
        nurse, _ = self.conversation.client(CHAMBER)
        self.conversation.slow_commits()
        self.juliet.send("<presence/>")
        nurse.send("<presence/>")
        self.conversation.memory.clock.advance(COMMIT_S / 2)
        self.conversation.say(self.romeo, "both")
        self.assertEqual(bodies(nurse), ["both"])
        for seconds in (COMMIT_S / 2, 0, 0, COMMIT_S * 0.6):
            self.conversation.memory.clock.advance(seconds)
        self.assertEqual(bodies(self.juliet), ["old"])
        self.assertIn((id, None), self.conversation.queued())
        self.restart()
        self.resumed(4, id)
        self.assertEqual(bodies(self.juliet), ["both"])

    def test_a_hibernating_session(self) -> None:
        """promises#survives-a-kill: what was queued for a session without a connection arrives after a kill."""
        self.juliet.carrier.lose()  # type: ignore[union-attr]  # it is connected
        self.conversation.say(self.romeo, "one")
        self.restart()
        self.assertEqual(self.resumed(1), "1")
        self.assertEqual(bodies(self.juliet), ["one"])

    def test_before_what_came_later(self) -> None:
        """In order: what was left comes before what was stored since, and before live messages."""
        self.conversation.say(self.romeo, "one", to=BALCONY)
        self.restart()
        self.conversation.say(self.romeo, "two")
        self.juliet = self.conversation.memory.logged_in(BALCONY)
        self.conversation.slow_commits()
        self.juliet.send("<presence/>")
        self.conversation.say(self.romeo, "three")
        self.conversation.pass_time(1)
        self.assertEqual(bodies(self.juliet), ["one", "two", "three"])

    def test_two_clients(self) -> None:
        """Each client that comes back to its session gets what it has not acknowledged itself."""
        nurse, nurse_id = self.conversation.client(CHAMBER, presence="<presence/>")
        self.juliet.send(f"<a xmlns='{NS}' h='2'/>")
        self.conversation.say(self.romeo, "both")
        self.conversation.say(self.romeo, "mine", to=BALCONY)
        self.conversation.say(self.romeo, "hers", to=CHAMBER)
        nurse.send(f"<a xmlns='{NS}' h='3'/>")
        self.conversation.pass_time(0.3)
        self.restart()
        self.resumed(3, nurse_id, CHAMBER)
        self.assertEqual(bodies(self.juliet), ["hers"])
        self.resumed(2)
        self.assertEqual(bodies(self.juliet), ["both", "mine"])

    def test_two_clients_at_the_same_time(self) -> None:
        """Who comes while another one is being handed what is left gets its own behind that, not much later."""
        self.conversation.client(CHAMBER, presence="<presence/>")
        self.conversation.say(self.romeo, "one", "two")
        self.restart()
        clients = [self.conversation.memory.logged_in(address) for address in (BALCONY, CHAMBER)]
        self.conversation.slow_commits()
        for client in clients:
            client.send("<presence/>")
        self.conversation.pass_time(1)
        self.assertEqual([[id for id in bodies(client) if id] for client in clients], [["one", "two"]] * 2)

    def test_copies(self) -> None:
        """A client of which nothing is known gets a message once, and none that another has acknowledged."""
        nurse, _ = self.conversation.client(CHAMBER, presence="<presence/>")
        self.conversation.say(self.romeo, "both", "acknowledged")
        self.conversation.say(self.romeo, "mine", to=BALCONY)
        nurse.send(f"<a xmlns='{NS}' h='4'/>")
        self.conversation.pass_time(2 * PULSE_S)
        self.conversation.say(self.romeo, "again")
        self.restart()
        client = self.fresh(f"{JULIET}/elsewhere")
        self.assertEqual(bodies(client), ["mine", "again"])

    def test_what_nobody_asks_for(self) -> None:
        """After the time for resumptions everybody gets what is left; what another has acknowledged is done with."""
        _, nurse_id = self.conversation.client(CHAMBER, presence="<presence/>")
        self.conversation.say(self.romeo, "both")
        self.conversation.say(self.romeo, "mine", to=BALCONY)
        self.restart()
        self.resumed(9, nurse_id, CHAMBER)
        self.assertEqual(bodies(self.juliet), [])
        self.conversation.pass_time(RESERVED_S + 2)
        self.assertEqual(bodies(self.juliet), ["mine"])
        self.assertEqual(self.conversation.queued(), [])
        self.assertFalse(self.conversation.memory.server.services[Inbox]._records.may_wait(JULIET))

    def test_fetched_from_the_archive(self) -> None:
        """What a client has fetched from the archive before its presence it is not given again."""
        self.conversation.say(self.romeo, "one", to=BALCONY)
        self.restart()
        self.juliet = self.conversation.memory.logged_in(BALCONY)
        self.juliet.send("<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>")
        self.assertEqual(tags(self.juliet), ["message", "iq"])
        self.juliet.send("<presence/>")
        self.conversation.pass_time(0.1)
        self.assertEqual(bodies(self.juliet), [])

    def test_what_leaves_the_archive(self) -> None:
        """promises#hibernating-sessions: what waits for a client is not lost when it is too old for the archive."""
        self.juliet.carrier.lose()  # type: ignore[union-attr]  # it is connected
        self.conversation.say(self.romeo, "one", "two")
        entry = now(self.conversation.memory.storage.read("archive", JULIET))[0]
        self.conversation.kill()
        self.conversation.memory.clock.advance(366 * 86_400)
        self.conversation.pass_time(1)
        self.assertEqual(now(self.conversation.memory.storage.read("archive", JULIET)), [])
        self.assertEqual(self.resumed(1), "1")
        self.assertEqual(stanza_ids(self.juliet)[0], entry.id)
        self.assertEqual(bodies(self.juliet), ["one", "two"])

    def test_who_gets_all_from_the_archive(self) -> None:
        """XEP-0386 3.2: nor is who has said that it fetches all of it, but for what the archive does not hold."""
        self.conversation.say(self.romeo, "one", to=BALCONY)
        self.romeo.send(
            f"<message to='{BALCONY}' id='two'><body>x</body><no-permanent-store xmlns='urn:xmpp:hints'/></message>"
        )
        self.restart()
        self.juliet = self.conversation.memory.logged_in(BALCONY)
        inbox = self.conversation.memory.server.services[Inbox]
        now(inbox.fetched(JULIET, self.conversation.session(BALCONY)))
        self.juliet.send("<presence/>")
        self.conversation.pass_time(0.1)
        self.assertEqual(bodies(self.juliet), ["two"])

    def test_many(self) -> None:
        """More than a page, in order."""
        texts = [str(n) for n in range(250)]
        self.conversation.say(self.romeo, *texts, to=BALCONY)
        self.restart()
        client = self.fresh(f"{JULIET}/elsewhere")
        self.conversation.pass_time(1)
        self.assertEqual(bodies(client), texts)

    def test_negative_priority(self) -> None:
        """RFC 6121 8.5.2.1: a client of negative priority gets nothing of it."""
        self.conversation.say(self.romeo, "one", to=BALCONY)
        self.restart()
        client = self.conversation.memory.logged_in(f"{JULIET}/elsewhere")
        client.send("<presence><priority>-1</priority></presence>")
        self.conversation.pass_time(0.1)
        self.assertEqual(bodies(client), [])

    def test_no_disk(self) -> None:
        """Where the storage fails nothing is dropped, and the client may ask again."""
        self.conversation.say(self.romeo, "one", to=BALCONY)
        self.restart()
        juliet = self.conversation.connected(BALCONY)
        self.conversation.memory.storage.failing = StorageFailed("no disk")
        juliet.send(f"<resume xmlns='{NS}' previd='{self.sm_id}' h='2'/>")
        self.assertEqual(juliet.inbox[0][0].tag, "{urn:ietf:params:xml:ns:xmpp-stanzas}resource-constraint")
        self.conversation.memory.storage.failing = None
        self.assertEqual(len(self.conversation.queued()), 1)
