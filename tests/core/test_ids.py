"""Ids in numbers."""

import secrets

from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.ids import _BLOCK, _ID_CHARS, Ids


class IdsTests(SynchronousTestCase):
    """`Ids`."""

    def test_none_is_given_twice(self) -> None:
        """Over the ends of blocks, all of one length."""
        ids = Ids(secrets.token_urlsafe)
        given = [ids.next() for _ in range(3 * _BLOCK + 1)]
        self.assertEqual((len(set(given)), {len(text) for text in given}), (len(given), {_ID_CHARS}))

    def test_a_block_is_one_draw(self) -> None:
        """Randomness is asked for once in so many ids, and all of it is used."""
        drawn: list[str] = []

        def draw(size: int) -> str:
            drawn.append(secrets.token_urlsafe(size))
            return drawn[-1]

        ids = Ids(draw)
        self.assertEqual("".join(ids.next() for _ in range(2 * _BLOCK)), "".join(drawn))
        self.assertEqual(len(drawn), 2)
