"""Nicks that look alike."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.rooms.likeness import likeness


class LikenessTests(SynchronousTestCase):
    """`likeness`."""

    def test_alike(self) -> None:
        """Case, width, accents, blanks and what is invisible make no difference."""
        for other in ("WITCH", "ｗｉｔｃｈ", "wítch", "wit ch", "wit\u200bch"):
            self.assertEqual(likeness(other), likeness("witch"), other)

    def test_different(self) -> None:
        """Other letters do, and nothing at all is like nothing else."""
        self.assertNotEqual(likeness("witch"), likeness("wutch"))
        self.assertNotEqual(likeness("\u200b"), likeness("\u200c"))
        self.assertTrue(likeness(" "))
