"""A resumption that comes too late, while the server runs on: what the client has it is not given again."""

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
from xmppd.services.inbox.inbox import Inbox
from xmppd.testing.client import Client
from xmppd.testing.server import now

BALCONY = f"{JULIET}/balcony"
CHAMBER = f"{JULIET}/chamber"
TOO_LATE_S = 601


class TooLateTests(SynchronousTestCase):
    """Juliet has received two of three messages, acknowledged none, and lost her connection."""

    def setUp(self) -> None:
        """Let the third come while there is no connection."""
        self.conversation = Conversation()
        self.romeo, _ = self.conversation.client(f"{ROMEO}/orchard")
        self.juliet, self.sm_id = self.conversation.client(BALCONY, presence="<presence/>")
        self.conversation.say(self.romeo, "one", "two", to=BALCONY)
        assert self.juliet.carrier is not None
        self.juliet.carrier.lose()
        self.conversation.say(self.romeo, "three", to=BALCONY)

    def back(self, h: int, address: str = BALCONY) -> Client:
        """Give a client of Juliet's that comes back too late, and is available."""
        client = self.conversation.connected(address)
        client.send(f"<resume xmlns='{NS}' previd='{self.sm_id}' h='{h}'/>")
        self.conversation.pass_time(0.1)
        self.assertEqual(client.inbox.popleft().tag, f"{{{NS}}}failed")
        self.conversation.bind(client)
        client.send("<presence/>")
        self.conversation.pass_time(0.2)
        return client

    def test_the_time_is_over(self) -> None:
        """promises#once-in-order: who comes back with id and h gets each once, where <failed/> is the answer, too."""
        self.conversation.pass_time(TOO_LATE_S)
        self.assertEqual(bodies(self.back(3)), ["three"])

    def test_after_a_kill(self) -> None:
        """The same when the server was killed meanwhile."""
        self.conversation.pass_time(TOO_LATE_S)
        self.conversation.kill()
        self.conversation.memory.clock.advance(0)
        self.assertEqual(bodies(self.back(3)), ["three"])

    def test_another_has_bound_the_resource(self) -> None:
        """The same where the session has ended for another reason."""
        self.conversation.client(BALCONY)
        self.assertEqual(bodies(self.back(3, CHAMBER)), ["three"])

    def test_in_the_moment_in_which_it_ends(self) -> None:
        """The same while what has changed is being written: the answer waits."""
        self.conversation.slow_commits()
        self.conversation.say(self.romeo, "four", to=BALCONY)
        self.conversation.memory.clock.advance(COMMIT_S / 2)
        self.conversation.memory.server.registry.destroy(self.conversation.session(BALCONY))
        client = self.conversation.connected(BALCONY)
        client.send(f"<resume xmlns='{NS}' previd='{self.sm_id}' h='3'/>")
        self.assertEqual(tags(client), [])
        self.conversation.pass_time(1)
        self.assertEqual(tags(client), ["failed"])
        self.conversation.bind(client)
        client.send("<presence/>")
        self.conversation.pass_time(1)
        self.assertEqual(bodies(client), ["three", "four"])

    def test_what_is_new_is_given(self) -> None:
        """What has come since for the account is no message of the session."""
        self.conversation.pass_time(TOO_LATE_S)
        self.conversation.say(self.romeo, "four", "five")
        self.assertEqual(bodies(self.back(3)), ["three", "four", "five"])

    def test_others_cannot(self) -> None:
        """Nothing of another account is dropped."""
        self.conversation.pass_time(TOO_LATE_S)
        romeo = self.conversation.connected(f"{ROMEO}/street")
        romeo.send(f"<resume xmlns='{NS}' previd='{self.sm_id}' h='9'/>")
        self.assertEqual(bodies(self.back(1)), ["one", "two", "three"])

    def test_counts_survive(self) -> None:
        """What was put back counts towards what may wait for the account."""
        self.conversation.pass_time(TOO_LATE_S)
        records = self.conversation.memory.server.services[Inbox]._records
        records.forget_usage(JULIET)
        usage = now(records.count(JULIET))
        entries = now(self.conversation.memory.storage.read("inbox", JULIET))
        self.assertEqual((usage.messages, usage.size_bytes), (3, sum(len(entry.stanza) for entry in entries)))


class InHandTests(SynchronousTestCase):
    """What a client has sent is in hand when its session ends."""

    def test_it_is_counted(self) -> None:
        """promises#once-in-order: it is stored with the count that tells so, and its sender does not send it again."""
        for is_stopping in (False, True):
            conversation = Conversation()
            conversation.memory.add_account(JULIET)
            romeo, sm_id = conversation.client(f"{ROMEO}/orchard")
            storage = conversation.memory.storage
            storage.clock, storage.read_delay_s = conversation.memory.clock, 0.5
            conversation.say(romeo, "one")
            if is_stopping:
                conversation.memory.factory.shutdown()
            else:
                conversation.session(f"{ROMEO}/orchard").close("conflict")
            conversation.pass_time(2)
            storage.read_delay_s = 0.0
            self.assertEqual((conversation.waiting(), conversation.recorded(ROMEO)[sm_id]), (1, 1))
