"""Nicks that look alike."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.rooms.likeness import likeness


class LikenessTests(SynchronousTestCase):
    """`likeness`."""

    def test_alike(self) -> None:
        """Case, width, accents, blanks and what is invisible make no difference."""
        for other in ("WITCH", "ｗｉｔｃｈ", "wítch", "wit ch", "wit\u200bch"):
            self.assertEqual(likeness(other), likeness("witch"), other)

    def test_scripts(self) -> None:
        """Letters of other scripts that look the same; other words of theirs stay what they are."""
        for other in ("\u0430nn", "\u0391NN", "\u0410nn"):
            self.assertEqual(likeness(other), likeness("ann"), other)
        self.assertEqual(likeness("\u0440\u0430ul"), likeness("paul"))
        self.assertEqual(likeness("\u041d\u041e\u0421"), likeness("\u043d\u043e\u0441"))
        self.assertNotEqual(likeness("\u0418\u0432\u0430\u043d"), likeness("\u0418\u0440\u0430"))

    def test_different(self) -> None:
        """Other letters do, and nothing at all is like nothing else."""
        self.assertNotEqual(likeness("witch"), likeness("wutch"))
        self.assertNotEqual(likeness("\u200b"), likeness("\u200c"))
        self.assertTrue(likeness(" "))
