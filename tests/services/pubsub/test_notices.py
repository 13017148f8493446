"""`xmppd.services.pubsub.notices`: in the next turn, in order, and what comes close together in one go."""

from collections.abc import Iterable, Iterator, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.lanes import BOUND, Lanes
from xmppd.core.timers import Timers
from xmppd.core.turns import BUDGET, DELIVERED, SPACE_S, Turns
from xmppd.services.presence.blocking import Blocking
from xmppd.services.pubsub import notices
from xmppd.services.pubsub.items import items_event, notification
from xmppd.services.pubsub.notices import Notices
from xmppd.services.recipients import Recipients
from xmppd.testing.server import MemoryServer
from xmppd.testing.sessions import FakeConnection, bound_session

NODE = ("pubsub.localhost", "news")
MANY = 2 * BUDGET // DELIVERED
"""More than can be told in one turn."""


class Found(list[str]):
    """Takers; counts how often they are gone through."""

    times = 0

    def __iter__(self) -> Iterator[str]:
        self.times += 1
        return super().__iter__()


class NoticesTests(SynchronousTestCase):
    """`Notices`."""

    def setUp(self) -> None:
        """Give each test a server."""
        self.begin()

    def begin(self) -> None:
        """Begin with nobody connected."""
        self.memory = MemoryServer("[hosts.localhost]\n")
        timers = Timers(self.memory.clock)
        recipients = self.memory.server.services[Recipients]
        server = self.memory.server
        blocking = server.services[Blocking]
        self.notices = Notices(recipients, server.registry, blocking, Lanes(Turns(timers)), timers)

    def crowd(self, count: int) -> list[str]:
        """Give the addresses of so many who are connected."""
        registry = self.memory.server.registry
        sessions = [bound_session(registry, f"user{number}@localhost/phone") for number in range(count)]
        return [session.full_jid or "" for session in sessions]

    def tell(self, name: str, takers: Iterable[str]) -> None:
        """Send a notification."""
        stanza = notification(NODE[0], "headline", items_event(name, ()))
        self.notices.send(NODE, stanza, takers)

    def got(self, address: str) -> list[str]:
        """Give the names of what somebody has got so far."""
        session = self.memory.server.registry.get(address)
        assert session is not None
        assert isinstance(session.conn, FakeConnection)
        return [data.split(b"node='")[1].split(b"'")[0].decode() for data in session.conn.written]

    def test_in_the_next_turn(self) -> None:
        """Behind the result of what has set it off, and without waiting for more."""
        (taker,) = self.crowd(1)
        for names in (["a"], ["a", "b"]):
            self.tell(names[-1], [taker])
            self.assertEqual(self.got(taker), names[:-1])
            self.memory.settle()
            self.assertEqual(self.got(taker), names)

    def test_together(self) -> None:
        """What happens while many are told, or a moment later, is told in one go."""
        crowd = Found(self.crowd(MANY))
        self.tell("a", crowd)
        self.memory.settle()
        self.assertEqual(self.got(crowd[0]), ["a"])
        self.tell("b", crowd)
        self.memory.pass_time(SPACE_S)
        self.assertEqual(self.got(crowd[-1]), ["a"])
        self.tell("c", crowd)
        self.memory.pass_time(5 * SPACE_S)
        for taker in list.copy(crowd):
            self.assertEqual(self.got(taker), ["a", "b", "c"])
        self.assertEqual(crowd.times, 2)

    def test_a_moment_longer(self) -> None:
        """Where as many as that are told at once, what happens soon afterwards waits; with fewer it does not."""
        for count, is_rest in ((notices.MANY, True), (notices.MANY - 1, False)):
            self.begin()
            crowd = self.crowd(count)
            self.tell("a", crowd)
            self.memory.settle()
            self.tell("b", crowd)
            self.memory.settle()
            self.assertEqual(self.got(crowd[-1]), ["a"] if is_rest else ["a", "b"])
            self.memory.pass_time(SPACE_S)
            self.assertEqual(self.got(crowd[-1]), ["a", "b"])

    def test_nothing_more(self) -> None:
        """After a while nothing of the node is kept, and it is told at once again."""
        crowd = self.crowd(MANY)
        self.tell("a", crowd)
        self.memory.pass_time(5 * SPACE_S)
        self.assertEqual(self.notices.jam(NODE), None)
        self.tell("b", crowd)
        self.memory.settle()
        self.assertEqual(self.got(crowd[0]), ["a", "b"])

    def test_a_jam(self) -> None:
        """XEP-0060 does not say how much: `BOUND` wait; who would add to that waits until they are on their way."""
        crowd = self.crowd(MANY)
        self.tell("a", crowd)
        self.memory.settle()
        for number in range(BOUND):
            self.assertEqual(self.notices.jam(NODE), None)
            self.tell(str(number), crowd[:1])
        jams = [self.notices.jam(NODE), self.notices.jam(NODE)]
        self.memory.settle()
        for jam in jams:
            assert jam is not None
            self.assertFalse(jam.called)
        self.memory.pass_time(5 * SPACE_S)
        self.assertEqual(self.got(crowd[0]), ["a", *map(str, range(BOUND))])
        for jam in jams:
            assert jam is not None
            self.successResultOf(jam)

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.lists(st.integers(0, 5), unique=True), min_size=1, max_size=5))
    def test_whoever_is_told(self, audiences: Sequence[Sequence[int]]) -> None:
        """Each gets what is for it, in the order of the commits, whoever else is told of what."""
        self.begin()
        crowd = self.crowd(6)
        for name, audience in enumerate(audiences):
            self.tell(str(name), [crowd[each] for each in audience])
        self.memory.settle()
        for number, taker in enumerate(crowd):
            wanted = [str(name) for name, audience in enumerate(audiences) if number in audience]
            self.assertEqual(self.got(taker), wanted)
