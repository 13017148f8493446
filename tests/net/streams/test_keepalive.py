"""White-space keepalives (RFC 6120 4.6.1)."""

import weakref

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.timers import Timers
from xmppd.net.streams.keepalive import Keepalive
from xmppd.testing.server import MemoryServer


class FakeKept:
    """A connection that counts its spaces."""

    def __init__(self) -> None:
        self.is_heard = True
        self.round = 0
        self.spaces = 0

    def keep_alive(self) -> None:
        """Count."""
        self.spaces += 1


class KeepaliveTests(SynchronousTestCase):
    """`Keepalive`."""

    def test_the_silent_get_a_space_and_the_others_none(self) -> None:
        """Who was heard since the last round gets nothing; who was silent for a round gets a space in the next."""
        clock, silent, busy = Clock(), FakeKept(), FakeKept()
        Keepalive(Timers(clock), {silent: None, busy: None}, lambda: 60.0)
        for _ in range(240):
            clock.advance(1.0)
            busy.is_heard = True
        self.assertGreaterEqual(silent.spaces, 2)
        self.assertEqual(busy.spaces, 0)

    def test_a_lone_client_is_left_in_peace(self) -> None:
        """A round takes the interval however few there are: one space in it, since each wakes a phone."""
        clock, silent = Clock(), FakeKept()
        Keepalive(Timers(clock), {silent: None}, lambda: 60.0)
        clock.pump([1.0] * 300)
        self.assertEqual(silent.spaces, 4)

    def test_a_round_is_spread(self) -> None:
        """No turn serves more than its share, however many connections there are."""
        clock = Clock()
        kept = [FakeKept() for _ in range(6_000)]
        Keepalive(Timers(clock), dict.fromkeys(kept), lambda: 60.0)
        clock.pump([1.0] * 120)
        before = sum(k.spaces for k in kept)
        clock.advance(1.0)
        self.assertLessEqual(sum(k.spaces for k in kept) - before, 110)
        clock.pump([1.0] * 70)
        self.assertTrue(all(k.spaces for k in kept))

    def test_those_who_left_get_nothing(self) -> None:
        """A connection that went during a round is passed over."""
        clock, gone = Clock(), FakeKept()
        connections = {gone: None}
        Keepalive(Timers(clock), connections, lambda: 60.0)
        clock.advance(2.0)
        connections.clear()
        clock.pump([1.0] * 200)
        self.assertEqual(gone.spaces, 0)

    def test_when_others_leave(self) -> None:
        """Nobody has two turns in a round because others have left it."""
        clock, stays = Clock(), [FakeKept() for _ in range(60)]
        leave = [FakeKept() for _ in range(600)]
        connections = dict.fromkeys([*stays, *leave])
        Keepalive(Timers(clock), connections, lambda: 60.0)
        clock.pump([1.0] * 67)
        before = [kept.spaces for kept in stays]
        for kept in leave:
            del connections[kept]
        clock.pump([1.0] * 53)
        self.assertTrue(all(kept.spaces - spaces <= 1 for kept, spaces in zip(stays, before, strict=True)))

    def test_those_who_left_are_forgotten(self) -> None:
        """Nothing of them is kept until the round is over: a great many may leave at once."""
        clock, connections = Clock(), dict.fromkeys([FakeKept() for _ in range(200)])
        Keepalive(Timers(clock), connections, lambda: 60.0)
        clock.advance(2.0)
        left = [weakref.ref(kept) for kept in connections]
        connections.clear()
        self.assertEqual([kept() for kept in left if kept() is not None], [])

    def test_a_connected_client_gets_a_space(self) -> None:
        """RFC 6120 4.6.1, on a stream in memory: a bound client that is silent is sent white space alone."""
        memory = MemoryServer("[limits]\nkeepalive_s = 60\n")
        client = memory.logged_in("alice@localhost/desk")
        got: list[bytes] = []
        self.patch(client, "received", got.append)
        memory.clock.pump([1.0] * 200)
        self.assertEqual(set(got), {b" "})
