"""A conversation on a server that is killed, and goes on with what it has stored."""

from twisted.trial.unittest import SynchronousTestCase

from tests.services.stream_management.conversation import JULIET, NS, ROMEO, Conversation
from xmppd.testing.client import Client

BALCONY = f"{JULIET}/balcony"
CHAMBER = f"{JULIET}/chamber"


class KillCase(SynchronousTestCase):
    """Romeo writes to Juliet; the server may be killed."""

    def setUp(self) -> None:
        """Log in; Juliet is available."""
        self.conversation = Conversation()
        self.romeo, self.romeo_id = self.conversation.client(f"{ROMEO}/orchard")
        self.juliet, self.sm_id = self.conversation.client(BALCONY, presence="<presence/>")

    def restart(self) -> None:
        """Kill the server; Romeo is there again, and Juliet is not."""
        self.conversation.memory.clock.advance(0)
        self.conversation.kill()
        self.romeo = self.conversation.memory.logged_in(f"{ROMEO}/orchard")

    def resumed(self, h: int, id: str | None = None, address: str = BALCONY) -> str | None:
        """Let Juliet try to go on; she binds and is available. Gives the h that she is told."""
        self.juliet = self.conversation.connected(address)
        self.juliet.send(f"<resume xmlns='{NS}' previd='{id or self.sm_id}' h='{h}'/>")
        answer = self.juliet.inbox.popleft()
        self.assertEqual(answer.tag, f"{{{NS}}}failed")
        self.conversation.bind(self.juliet)
        self.juliet.send("<presence/>")
        self.conversation.pass_time(0.1)
        return answer.get("h")

    def fresh(self, address: str) -> Client:
        """Give a client of Juliet's that has logged in and is available."""
        client = self.conversation.memory.logged_in(address)
        client.send("<presence/>")
        self.conversation.pass_time(0.1)
        return client
