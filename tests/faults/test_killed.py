"""The short form of the contract: two lives of a server that is killed under load, one with each durability.

The long form is ``python -m tests.faults``.
"""

import asyncio
import random
from collections.abc import Coroutine
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.faults.contract import Contract
from tests.faults.nodes import NodeContract
from tests.faults.rooms import RoomContract
from tests.faults.web import WebContract
from tests.temporary import temporary_folder

LOAD_S = 0.6


class KilledTests(SynchronousTestCase):
    """A server in a process of its own."""

    def play(self, script: Coroutine[Any, Any, None]) -> None:
        """Run *script* in a loop of its own."""
        asyncio.run(script)

    def test_nothing_is_lost(self) -> None:
        """promises#survives-a-kill: what was acknowledged is there after SIGKILL, once and in order."""

        async def script() -> None:
            contract = Contract(temporary_folder(self), senders=3)
            try:
                await contract.live("power", random.uniform(0.1, LOAD_S))
                await contract.live("process", random.uniform(0.1, LOAD_S))
                await contract.live("power", 0.0, is_over=True)
            finally:
                contract.stop()

        self.play(script())

    def test_rooms_come_back(self) -> None:
        """promises#rooms-come-back: so is what was said and changed in a room."""

        async def script() -> None:
            contract = RoomContract(temporary_folder(self))
            try:
                await contract.live("power", random.uniform(0.1, LOAD_S))
                await contract.live("process", random.uniform(0.1, LOAD_S))
                await contract.live("power", 0.0)
            finally:
                contract.stop()

        self.play(script())

    def test_nodes(self) -> None:
        """promises#survives-a-kill: so is what was published and changed of nodes."""

        async def script() -> None:
            contract = NodeContract(temporary_folder(self))
            try:
                await contract.live("power", random.uniform(0.1, LOAD_S))
                await contract.live("process", random.uniform(0.1, LOAD_S))
                await contract.live("power", 0.0)
            finally:
                contract.stop()

        self.play(script())

    def test_files_and_invitations(self) -> None:
        """promises#whole-files, promises#invitations-once: also for who was answered just before the kill."""

        async def script() -> None:
            contract = WebContract(temporary_folder(self))
            try:
                await contract.live("power", random.uniform(0.1, LOAD_S))
                await contract.live("process", random.uniform(0.1, LOAD_S))
                await contract.live("power", 0.0, is_over=True)
            finally:
                contract.stop()

        self.play(script())
