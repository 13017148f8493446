"""The short form of the contract: two lives of a server that is killed under load, one with each durability.

The long form is ``python -m tests.faults``.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from twisted.trial.unittest import SynchronousTestCase

from tests.faults.contract import Contract
from tests.faults.nodes import NodeContract
from tests.faults.rooms import RoomContract
from tests.faults.web import WebContract
from tests.temporary import temporary_folder

LOAD_S = 0.6


class Mortal(Protocol):
    """A server under load that keeps what it promises over its deaths."""

    async def live(self, durability: str, load_s: float, /) -> None:
        """One life."""

    def stop(self) -> None:
        """End it for good."""


class KilledTests(SynchronousTestCase):
    """A server in a process of its own."""

    def survives(self, contract: Mortal, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Two lives, and the *last*, which looks at what they left."""

        async def script() -> None:
            try:
                for durability in ("power", "process"):
                    await contract.live(durability, random.uniform(0.1, LOAD_S))
                await last()
            finally:
                contract.stop()

        asyncio.run(script())

    def test_nothing_is_lost(self) -> None:
        """promises#survives-a-kill: what was acknowledged is there after SIGKILL, once and in order."""
        contract = Contract(temporary_folder(self), senders=3)
        self.survives(contract, lambda: contract.live("power", 0.0, is_over=True))

    def test_rooms_come_back(self) -> None:
        """promises#rooms-come-back: so is what was said and changed in a room."""
        contract = RoomContract(temporary_folder(self))
        self.survives(contract, lambda: contract.live("power", 0.0))

    def test_nodes(self) -> None:
        """promises#survives-a-kill: so is what was published and changed of nodes."""
        contract = NodeContract(temporary_folder(self))
        self.survives(contract, lambda: contract.live("power", 0.0))

    def test_files_and_invitations(self) -> None:
        """promises#whole-files, promises#invitations-once: also for who was answered just before the kill."""
        contract = WebContract(temporary_folder(self))
        self.survives(contract, lambda: contract.live("power", 0.0, is_over=True))
