"""Sessions without a connection, and what becomes of them when their account changes (XEP-0198 5, 10)."""

from twisted.trial.unittest import SynchronousTestCase

from tests.services.stream_management.conversation import JULIET, NS, ROMEO, Conversation, bodies
from xmppd.services.accounts.sessions import AccountSessions
from xmppd.stanza.jid import JID
from xmppd.stanza.ns import STANZA_ERRORS
from xmppd.testing.client import Client
from xmppd.testing.server import now

BALCONY = f"{JULIET}/balcony"


class AccountTests(SynchronousTestCase):
    """Juliet's connection is lost; another stream has authenticated as her account before it changes."""

    def setUp(self) -> None:
        """Let a message wait for the session."""
        self.conversation = Conversation()
        self.jid = JID.parse(JULIET)
        self.romeo = self.conversation.memory.logged_in(f"{ROMEO}/orchard")
        self.juliet, self.sm_id = self.conversation.client(BALCONY, presence="<presence/>")
        self.stream = self.conversation.connected(BALCONY)
        self.conversation.memory.clock.advance(1)

    def lose(self) -> None:
        """Break the connection; a message comes."""
        assert self.juliet.carrier is not None
        self.juliet.carrier.lose()
        self.conversation.say(self.romeo, "one", to=BALCONY)

    def refused(self, client: Client) -> str:
        """Give why the session cannot be resumed over a stream, which cannot bind either."""
        client.send(f"<resume xmlns='{NS}' previd='{self.sm_id}' h='1'/>")
        answer = client.inbox.popleft()
        self.assertEqual(answer.tag, f"{{{NS}}}failed")
        client.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
        self.assertEqual(client.inbox.popleft().get("type"), "error")
        return answer[0].tag.removeprefix(f"{{{STANZA_ERRORS}}}")

    def test_another_password(self) -> None:
        """The session ends; who knows the new password gets its messages."""
        self.lose()
        now(self.conversation.memory.server.accounts.set_password(self.jid, "another"))
        self.assertIsNone(self.conversation.memory.server.registry.get(BALCONY))
        self.assertEqual(self.refused(self.stream), "not-authorized")
        self.assertEqual(len(now(self.conversation.memory.storage.read("inbox", JULIET))), 1)

    def test_the_session_that_changed_it(self) -> None:
        """It lives on, but not in a stream that authenticated with the old password."""
        sessions = self.conversation.memory.server.services[AccountSessions]
        now(sessions.change_password(self.jid, "another", self.conversation.session(BALCONY)))
        self.lose()
        self.assertEqual(self.refused(self.stream), "not-authorized")
        self.assertTrue(self.conversation.session(BALCONY).is_available)

    def test_disabled(self) -> None:
        """The session ends, and there is no way in; its messages are there when the account is enabled again."""
        self.lose()
        accounts = self.conversation.memory.server.accounts
        now(accounts.disable(self.jid))
        self.assertIsNone(self.conversation.memory.server.registry.get(BALCONY))
        self.assertEqual(self.refused(self.stream), "not-authorized")
        now(accounts.enable(self.jid))
        client = self.conversation.memory.logged_in(BALCONY)
        client.send("<presence/>")
        self.conversation.pass_time(0.2)
        self.assertEqual(bodies(client), ["one"])

    def test_removed(self) -> None:
        """The session ends, and nothing of it is left."""
        self.lose()
        now(self.conversation.memory.server.accounts.remove(self.jid))
        self.assertIsNone(self.conversation.memory.server.registry.get(BALCONY))
        self.assertEqual(self.refused(self.stream), "not-authorized")
        self.conversation.pass_time(1)
        self.assertEqual((self.conversation.queued(), self.conversation.recorded(JULIET)), ([], {}))
        self.assertEqual(now(self.conversation.memory.storage.read("inbox", JULIET)), [])

    def test_removed_and_made_anew(self) -> None:
        """Nothing of the old account's session is another's who gets the name."""
        self.lose()
        now(self.conversation.memory.server.accounts.remove(self.jid))
        self.conversation.pass_time(1)
        client = self.conversation.connected(BALCONY)
        client.send(f"<resume xmlns='{NS}' previd='{self.sm_id}' h='1'/>")
        self.assertIsNone(client.inbox.popleft().get("h"))
        self.conversation.bind(client)
        client.send("<presence/>")
        self.conversation.pass_time(0.2)
        self.assertEqual(bodies(client), [])
