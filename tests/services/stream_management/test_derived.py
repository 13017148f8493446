"""A stanza that becomes another: the sender's ``<a/>`` waits until that is durable too (`Router.forward`)."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.services.stream_management.conversation import COMMIT_S, JULIET, ROMEO, Conversation, acks
from xmppd.core.domains.door import Taken
from xmppd.core.events import MESSAGE_UNDELIVERED, Traffic
from xmppd.core.router import Router
from xmppd.core.stations import ACTING
from xmppd.stanza.jid import JID
from xmppd.storage.interface import StorageFailed
from xmppd.testing.server import now

LIST = "list.localhost"
OPTIONS = f"""
[components."{LIST}"]
secret = "not asked for here"
[modules.mam]
enabled = false
"""
REQUEST = "<r xmlns='urn:xmpp:sm:3'/>"


class MailingList:
    """Sends what it gets on to Juliet, in its own name."""

    def __init__(self, router: Router):
        self.router = router
        router.service(LIST).open(self)

    def take(self, traffic: Traffic) -> Taken:
        """Send it on."""
        stanza = traffic.stanza.replace(from_=traffic.target.bare, to=JULIET)
        waiting = self.router.forward(traffic, stanza, JID.parse(JULIET))
        return True if waiting is None else waiting.addCallback(lambda _: True)


class DerivedTests(SynchronousTestCase):
    """Romeo, who cannot resume, writes to a list; Juliet, who is on it, is offline; commits take their time."""

    def setUp(self) -> None:
        """Log in."""
        self.conversation = Conversation(OPTIONS)
        memory = self.conversation.memory
        memory.add_account(JULIET)
        MailingList(memory.server.router)
        self.romeo, _ = self.conversation.client(f"{ROMEO}/orchard", is_resumable=False)
        self.say("first")  # so that all is read that has to be
        self.conversation.pass_time(1)
        self.romeo.inbox.clear()
        self.conversation.slow_commits()

    def say(self, text: str) -> None:
        """Write to the list, and ask whether that is safe."""
        self.conversation.say(self.romeo, text, to=f"play@{LIST}")
        self.romeo.send(REQUEST)

    def kept(self) -> int:
        """Give how many messages wait for Juliet on the disk."""
        return len(now(self.conversation.memory.storage.read("inbox", JULIET)))

    def test_killed_between(self) -> None:
        """What a kill loses has not been acknowledged."""
        self.say("one")
        self.assertEqual((acks(self.romeo), self.kept()), ([], 1))
        self.conversation.kill()
        self.assertEqual(self.kept(), 1)

    def test_after_the_commit(self) -> None:
        """It is acknowledged then."""
        self.say("one")
        self.conversation.memory.clock.advance(COMMIT_S)
        self.conversation.memory.clock.advance(0)
        self.assertEqual((acks(self.romeo), self.kept()), ([2], 2))

    def test_after_waiting(self) -> None:
        """The same where somebody on the way of the derived stanza waits."""
        gate: Deferred[None] = Deferred()
        hooks = self.conversation.memory.server.hosts["localhost"].hooks
        hooks.add(MESSAGE_UNDELIVERED, lambda delivery: gate, ACTING)
        self.say("one")
        self.conversation.memory.clock.advance(COMMIT_S)
        self.assertEqual((acks(self.romeo), self.kept()), ([], 1))
        gate.callback(None)
        self.assertEqual((acks(self.romeo), self.kept()), ([], 1))
        self.conversation.memory.clock.advance(COMMIT_S)
        self.conversation.memory.clock.advance(0)
        self.assertEqual((acks(self.romeo), self.kept()), ([2], 2))

    def test_not_kept(self) -> None:
        """The sender hears that its message could not be stored, and it is not acknowledged before."""
        self.conversation.memory.storage.failing = StorageFailed("disk full")
        self.say("one")
        self.conversation.memory.clock.advance(COMMIT_S)
        errors = [each for each in self.romeo.inbox if each.get("type") == "error"]
        self.assertEqual([(each.get("id"), each.get("from")) for each in errors], [("one", f"play@{LIST}")])
