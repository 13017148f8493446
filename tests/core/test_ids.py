"""Ids in numbers."""

import secrets
from dataclasses import replace

from twisted.internet.defer import succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.environment import Environment
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

    def test_ids_of_one_of_several_processes(self) -> None:
        """They begin with what tells whose they are, and are as hard to guess."""
        ids = Ids(secrets.token_urlsafe, "n2-")
        given = [ids.next() for _ in range(_BLOCK + 1)]
        self.assertEqual(len(set(given)), len(given))
        self.assertEqual({(text[:3], len(text)) for text in given}, {("n2-", 3 + _ID_CHARS)})
        self.assertEqual(Ids(lambda size: "short", "n2-").next(), "n2-short")


class OwnIdTests(SynchronousTestCase):
    """`Environment.own_id`."""

    def test_it_names_the_node(self) -> None:
        """What an answer comes back with says which process waits for it; the only one says nothing."""
        clock = Clock()
        one = Environment(clock, clock.seconds, succeed, lambda size: "x" * size, b"")
        self.assertEqual(one.own_id(4), "xxxx")
        self.assertEqual(replace(one, node="n2-").own_id(4), "n2-xxxx")
