"""Who of other servers is in which rooms, and who is to be asked."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.rooms.remotes import Remotes

ONE, TWO, THREE = (f"{name}@montague.example/r" for name in ("one", "two", "three"))


class RemotesTests(SynchronousTestCase):
    """Entries come with the first room and go with the last."""

    def setUp(self) -> None:
        """Three who have entered one second after the other."""
        self.clock = Clock()
        self.remotes = Remotes(self.clock.seconds, most_asked=2)
        for jid in (ONE, TWO, THREE):
            self.remotes.entered(jid, "a@rooms")
            self.clock.advance(1.0)

    def test_several_rooms(self) -> None:
        """One entry, however many rooms; it goes with the last of them, and who is none of them is nothing."""
        self.remotes.entered(ONE, "b@rooms")
        self.assertEqual(sorted(self.remotes.rooms_of(ONE)), ["a@rooms", "b@rooms"])
        for room in ("a@rooms", "b@rooms", "b@rooms"):
            self.remotes.left(ONE, room)
        self.assertEqual((len(self.remotes), self.remotes.rooms_of(ONE)), (2, ()))
        self.remotes.heard(ONE)
        self.assertFalse(self.remotes.ask(ONE))
        self.assertFalse(self.remotes.is_silent_since(ONE, self.clock.seconds()))

    def test_silent(self) -> None:
        """Who has been silent longest is first, and only so many at a time."""
        self.clock.advance(10.0)
        self.assertEqual(self.remotes.silent(13.0), [ONE])
        self.remotes.heard(ONE)
        self.assertEqual(self.remotes.silent(5.0), [TWO, THREE])
        self.assertTrue(self.remotes.ask(TWO))
        self.assertEqual(self.remotes.silent(0.0), [THREE])
        self.assertTrue(self.remotes.ask(THREE))
        self.assertEqual(self.remotes.silent(0.0), [])
        self.assertFalse(self.remotes.ask(ONE))
        self.remotes.answered(TWO)
        self.assertTrue(self.remotes.ask(ONE))

    def test_asked_and_gone(self) -> None:
        """An answer counts even where who was asked has left; who has come back meanwhile is another."""
        self.assertTrue(self.remotes.ask(ONE))
        self.assertFalse(self.remotes.ask(ONE))
        self.remotes.left(ONE, "a@rooms")
        self.clock.advance(1.0)
        self.remotes.entered(ONE, "a@rooms")
        self.remotes.answered(ONE)
        self.assertFalse(self.remotes.is_silent_since(ONE, self.clock.seconds() - 1.0))
        self.assertTrue(self.remotes.ask(ONE))
        self.assertTrue(self.remotes.ask(TWO))
