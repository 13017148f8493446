"""What waits for a component: `xmppd.services.components.queue`; more of it in tests of whole servers."""

from twisted.internet.defer import succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.events import Traffic
from xmppd.core.timers import Timers
from xmppd.services.components.queue import ComponentQueue
from xmppd.services.components.reading import Reading
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.memory import MemoryStorage
from xmppd.testing.server import MemoryServer

GATEWAY = "gateway.localhost"
OPTIONS = f'[components."{GATEWAY}"]\nsecret = "open sesame"\nqueue = true\n'
ROMEO, CONTACT = JID.parse("romeo@localhost/orchard"), JID.parse(f"sms@{GATEWAY}")


class Gateway:
    """A component that reads at once."""

    unsent_bytes = 0

    def __init__(self) -> None:
        self.got: list[str | None] = []

    def send(self, x: Stanza) -> bool:
        """Take a stanza."""
        self.got.append(x.id)
        return True


class CountingTests(SynchronousTestCase):
    """promises#components: nothing that was taken is forgotten."""

    def test_what_comes_while_it_is_counted(self) -> None:
        """A component has just connected: that nothing waited when the store was read says nothing of what is here."""
        clock = Clock()
        storage = MemoryStorage(clock=clock, read_delay_s=0.1)
        host = MemoryServer(OPTIONS).server.hosts[GATEWAY]
        queue = ComponentQueue(host, storage, Timers(clock), clock.seconds, "x".__mul__)
        gateway = Gateway()
        timers = Timers(clock)
        given = queue.give(
            Reading(gateway, lambda: True, lambda: succeed(Stanza.make("iq")), queue.read, timers)
        )
        clock.advance(0.05)
        stanza = Stanza.make("message", b"<body>1</body>", from_=ROMEO.full, to=CONTACT.full, id="1")
        traffic = Traffic(stanza, ROMEO, CONTACT, None)
        kept = queue.keep(traffic)
        assert not isinstance(kept, bool)
        clock.advance(0.05)
        self.assertNoResult(given)
        clock.advance(0.05)
        self.assertIs(self.successResultOf(kept), True)
        storage.commit(*traffic.changes)
        for _ in range(20):
            clock.advance(0.1)
        self.successResultOf(given)
        self.assertEqual(gateway.got, ["1"])
