"""Relayed streams (XEP-0065): who belongs together, who may begin, and limits."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.timers import Timers
from xmppd.services.bytestreams.bytestreams import Bytestreams, Half, NotConnected, Relaying, key_of

RELAYING = Relaying(0, 300.0, 60.0, 2)
ROMEO, JULIET = "romeo@montague.net/orchard", "juliet@capulet.com/balcony"
KEY = key_of("s5b", ROMEO, JULIET)


class FakeHalf:
    """A party."""

    def __init__(self) -> None:
        self.other: Half | None = None
        self.is_closed = False

    def join(self, other: Half, options: Relaying) -> None:
        """Note it."""
        self.other = other

    def close(self) -> None:
        """Note it."""
        self.is_closed = True


class BytestreamsTests(SynchronousTestCase):
    """`Bytestreams`."""

    def setUp(self) -> None:
        """Nobody has come."""
        self.clock = Clock()
        self.streams = Bytestreams(Timers(self.clock))
        self.streams.serve(RELAYING)

    def came(self, key: str = KEY, is_taken: bool = True) -> FakeHalf:
        """Somebody comes."""
        half = FakeHalf()
        self.assertEqual(self.streams.came(key, half), is_taken)
        return half

    def test_key(self) -> None:
        """XEP-0065 5.2.3: the SHA-1 of stream, requester and target, in hexadecimal digits."""
        # printf %s "ab@c/de@f/g" | sha1sum
        self.assertEqual(key_of("a", "b@c/d", "e@f/g"), "392649d8a97c66959213ee0e437669afc19b4a58")
        self.assertEqual(len(KEY), 40)

    def test_joined(self) -> None:
        """Both are there, and the requester asks for it; when one goes the other ends."""
        one, other = self.came(), self.came()
        self.streams.activate("s5b", ROMEO, JULIET)
        self.assertEqual((one.other, other.other), (other, one))
        with self.assertRaises(NotConnected):
            self.streams.activate("s5b", ROMEO, JULIET)
        self.streams.gone(KEY, one)
        self.assertTrue(other.is_closed)
        self.assertEqual(self.streams.streams, 0)

    def test_only_the_requester(self) -> None:
        """XEP-0065 5.2.3: neither the target nor a third begins it, nor one for another stream."""
        self.came()
        self.came()
        for sid, requester, target in (
            ("s5b", JULIET, ROMEO),
            ("s5b", "tybalt@capulet.com/x", JULIET),
            ("other", ROMEO, JULIET),
        ):
            with self.assertRaises(NotConnected) as caught:
                self.streams.activate(sid, requester, target)
            self.assertEqual(caught.exception.parties, 0)

    def test_one_alone(self) -> None:
        """Nothing begins before both are there."""
        self.came()
        with self.assertRaises(NotConnected) as caught:
            self.streams.activate("s5b", ROMEO, JULIET)
        self.assertEqual(caught.exception.parties, 1)

    def test_a_third(self) -> None:
        """Whoever else comes with the key ends it for all: one of the two is not who it seems."""
        one, other = self.came(), self.came()
        self.came(is_taken=False)
        self.assertTrue(one.is_closed and other.is_closed)
        self.assertEqual(self.streams.streams, 0)

    def test_so_long(self) -> None:
        """Who waits too long is sent away; who has gone is forgotten."""
        half = self.came()
        self.clock.advance(60)
        self.assertTrue(half.is_closed)
        gone = self.came()
        self.streams.gone(KEY, gone)
        self.assertEqual(self.streams.streams, 0)

    def test_so_many(self) -> None:
        """Streams are bounded, and those that run count."""
        self.came()
        self.came()
        self.streams.activate("s5b", ROMEO, JULIET)
        self.came("1" * 40)
        self.came("2" * 40, is_taken=False)
        self.came("1" * 40)

    def test_not_served(self) -> None:
        """Without a service nobody is taken, and those that are there end."""
        waiting = self.came()
        self.streams.serve(None)
        self.assertTrue(waiting.is_closed)
        self.came("1" * 40, is_taken=False)
