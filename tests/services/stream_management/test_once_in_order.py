"""A client on a bad network: whatever happens to connections and server, each message comes once, in order."""

import random
from typing import Final

from twisted.trial.unittest import SynchronousTestCase

from tests.services.stream_management.conversation import JULIET, NS, ROMEO, Conversation
from xmppd.testing.client import Client

BALCONY: Final = f"{JULIET}/balcony"
SEEDS: Final = 12
STEPS: Final = 100
MAX_S: Final = 30


class Phone:
    """Juliet's client: it counts, resumes where it can, and binds where it cannot."""

    def __init__(self, conversation: Conversation):
        self.conversation = conversation
        self.got: list[str] = []
        self._client: Client | None = None
        self._id = ""
        self._h = 0

    @property
    def is_connected(self) -> bool:
        """Whether it has a connection, as far as it knows."""
        return self._client is not None

    def take(self) -> None:
        """Count and keep what has come."""
        while self._client is not None and self._client.inbox:
            element = self._client.inbox.popleft()
            if element.tag.startswith("{jabber:client}"):
                self._h += 1
            if element.tag == "{jabber:client}message":
                self.got.append(element.get("id") or "")

    def acknowledge(self) -> None:
        """Say what it has."""
        self.take()
        if self._client is not None:
            self._client.send(f"<a xmlns='{NS}' h='{self._h}'/>")

    def lose(self) -> None:
        """Lose the connection, if there is one."""
        self.take()
        client, self._client = self._client, None
        if client is not None and client.carrier is not None:
            client.carrier.lose()

    def connect(self) -> None:
        """Come back."""
        client = self.conversation.connected(BALCONY)
        if self._id:
            client.send(f"<resume xmlns='{NS}' previd='{self._id}' h='{self._h}'/>")
            self.conversation.pass_time(2)
            if client.inbox.popleft().tag == f"{{{NS}}}resumed":
                self._client = client
                return
        self.conversation.bind(client)
        self.conversation.pass_time(0.5)
        client.inbox.clear()
        client.send(f"<enable xmlns='{NS}' resume='true' max='{MAX_S}'/>")
        self._id, self._h, self._client = client.inbox.popleft().get("id") or "", 0, client
        client.send("<presence/>")


class OnceInOrderTests(SynchronousTestCase):
    """Romeo writes, commits are slow, the server is killed at times."""

    def play(self, seed: int) -> tuple[list[str], list[str]]:
        """Let things happen; give what was sent and what has come."""
        chance = random.Random(seed)
        conversation = Conversation("[modules.sm]\nask_after = 3\n")
        romeo, sent = conversation.memory.logged_in(f"{ROMEO}/orchard"), list[str]()
        conversation.memory.add_account(JULIET)
        phone = Phone(conversation)
        phone.connect()
        conversation.slow_commits()
        for _ in range(STEPS):
            what = chance.random()
            if what < 0.5:
                for _ in range(chance.choice((1, 1, 2, 30))):
                    sent.append(str(len(sent)))
                    conversation.say(romeo, sent[-1], to=chance.choice((JULIET, BALCONY)))
            elif what < 0.65:
                conversation.pass_time(chance.choice((0.05, 0.1, 0.3, MAX_S + 1)))
            elif what < 0.75:
                phone.acknowledge()
            elif what < 0.96:
                (phone.lose if phone.is_connected else phone.connect)()
            else:
                conversation.pass_time(0.5)  # all is acknowledged to Romeo
                phone.lose()
                conversation.memory.clock.advance(0)
                conversation.kill()
                romeo = conversation.memory.logged_in(f"{ROMEO}/orchard")
                conversation.slow_commits()
            phone.take()
        if not phone.is_connected:
            phone.connect()
        conversation.pass_time(3)
        phone.take()
        return sent, phone.got

    def test_once_and_in_order(self) -> None:
        """promises#once-in-order: once and in order, whether resumptions succeed or fail."""
        for seed in range(SEEDS):
            sent, got = self.play(seed)
            self.assertEqual(got, sent, f"seed {seed}")
