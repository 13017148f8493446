"""Who has begun which pairs."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.federation.shares import Shares

ROMEO, JULIET = "romeo@montague.example", "juliet@capulet.example"


class SharesTests(SynchronousTestCase):
    """`Shares`."""

    def test_a_tenth(self) -> None:
        """Each has its own share; one may always have one; what is gone counts no more."""
        shares = Shares()
        for name in "ab":
            shares.add((name, "x"), ROMEO)
        self.assertTrue(shares.is_full(ROMEO, 20))
        self.assertFalse(shares.is_full(ROMEO, 30))
        self.assertFalse(shares.is_full(JULIET, 1))
        shares.remove(("a", "x"))
        self.assertFalse(shares.is_full(ROMEO, 20))
        self.assertEqual(list(shares.of(ROMEO)), [("b", "x")])

    def test_nothing_is_kept(self) -> None:
        """Of who has none, and of pairs that nobody has begun."""
        shares = Shares()
        shares.add(("a", "x"), ROMEO)
        shares.remove(("a", "x"))
        shares.remove(("b", "x"))
        self.assertEqual(shares.of(ROMEO), {})
