"""How the soak judges: by what the server says, whatever a client believes."""

import asyncio
import random
from collections.abc import Callable, Iterable
from typing import Any, Self

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.soak import behaviours
from benchmarks.soak.behaviours import Place, hears_nothing
from benchmarks.soak.client import Lost
from benchmarks.soak.run import LOOK_S, REST_S, STILL_MB, STILL_S, memory_at_rest

JID = "u1@localhost/there"


class Deaf:
    """A client that is logged in; *ends_after* so many stanzas it notices that it was cut off, or never."""

    full_jid = JID

    def __init__(self, ends_after: int | None) -> None:
        self.is_cut = False
        self._left = ends_after

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def send(self, data: bytes) -> None:
        """Drop it."""

    async def sent(self) -> None:
        """Wait for nothing."""
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise Lost("reset")


class StagedPlace(Place):
    """A place where one client is, and a server that says one thing after the other of its sessions."""

    def __init__(self, client: Deaf, said: Iterable[list[str]]) -> None:
        answers = iter(said)
        super().__init__(0, 0, 1, random.Random(1), lambda: next(answers))
        self._client = client

    async def logged_in(self, user: str, receive_bytes: int | None = None) -> Any:
        """Give the client."""
        return self._client


class CutOffTests(SynchronousTestCase):
    """Who never reads must be cut off, and the server is asked whether it was."""

    def setUp(self) -> None:
        """Do not wait long for the server."""
        self.patch(behaviours, "CUT_S", 0.0)
        self.patch(behaviours, "ASK_S", 0.0)

    def judged(self, client: Deaf, *said: list[str]) -> None:
        """Let *client* flood a server that says this of its sessions, one after the other."""
        asyncio.run(hears_nothing(StagedPlace(client, said), "u1"))

    def test_the_server_cut_it_off_and_it_noticed(self) -> None:
        """Nothing is wrong."""
        self.judged(Deaf(3), [JID], [])

    def test_the_server_cut_it_off_and_it_did_not_notice(self) -> None:
        """Nothing is wrong with the server."""
        self.judged(Deaf(None), [JID], [])

    def test_the_server_did_not_cut_it_off(self) -> None:
        """All was sent, and the session is there."""
        told = self.assertRaises(AssertionError, self.judged, Deaf(None), [JID], [JID], [JID])
        self.assertIn("all was sent", str(told))

    def test_a_client_that_gives_up_proves_nothing(self) -> None:
        """It has waited in vain, and the session is there."""
        told = self.assertRaises(AssertionError, self.judged, Deaf(3), [JID], [JID], [JID])
        self.assertIn("after 3 stanzas", str(told))

    def test_a_server_that_knows_of_nobody_proves_nothing(self) -> None:
        """The session of a client that is there must be known before it counts that it is not known."""
        self.assertRaises(AssertionError, self.judged, Deaf(3), [], [])


class MemoryAtRestTests(SynchronousTestCase):
    """`memory_at_rest`."""

    def looked_at(self, resident_mb: Callable[[float], float]) -> tuple[float, float]:
        """Give what is found where so much is resident after so long, and after how long that is."""
        now_s = 0.0

        async def sleep(seconds: float) -> None:
            nonlocal now_s
            now_s += seconds

        return asyncio.run(memory_at_rest(lambda: resident_mb(now_s), STILL_S, sleep)), now_s

    def test_nothing_happens(self) -> None:
        """It is not believed at once."""
        self.assertEqual(self.looked_at(lambda _: 100.0), (100.0, STILL_S))

    def test_the_server_gives_back(self) -> None:
        """What is left then is found, after as long a stillness."""
        back_s = STILL_S - LOOK_S
        found = self.looked_at(lambda now_s: 120.0 if now_s < back_s else 100.0)
        self.assertEqual(found, (100.0, back_s + STILL_S))

    def test_what_is_kept(self) -> None:
        """It is found."""
        self.assertEqual(self.looked_at(lambda now_s: 90.0 if now_s < LOOK_S else 120.0)[0], 120.0)

    def test_what_grows_slowly(self) -> None:
        """It is no stillness, and does not hold up the soak for ever."""
        slope = 2 * STILL_MB / STILL_S
        self.assertEqual(self.looked_at(lambda now_s: slope * now_s), (slope * REST_S, REST_S))
