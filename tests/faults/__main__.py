"""``python -m tests.faults [LIVES] [SECONDS] [SEED]``: a server is killed so often, after up to so much load.

First one with accounts, then one with a room, one with nodes, then one that takes files and invitations.
"""

import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.contract import Contract
from tests.faults.nodes import NodeContract
from tests.faults.rooms import RoomContract
from tests.faults.web import WebContract


async def _run(lives: int, seconds: float, folder: Path) -> None:
    contract = Contract(folder)
    try:
        for life in range(lives):
            durability = ("power", "process")[life % 2]
            begun = time.monotonic()
            await contract.live(durability, random.uniform(0.1, seconds))
            print(f"{durability:8} {time.monotonic() - begun:5.1f} s  {contract.report()}", flush=True)
        await contract.live("power", 0.0, is_over=True)
    finally:
        contract.stop()
    print(contract.report())


async def _run_short(contract: RoomContract | NodeContract, lives: int, seconds: float) -> None:
    try:
        for life in range(lives):
            await contract.live(("power", "process")[life % 2], random.uniform(0.1, seconds))
        await contract.live("power", 0.0)
    finally:
        contract.stop()
    print(contract.report())


async def _run_web(lives: int, seconds: float, folder: Path) -> None:
    contract = WebContract(folder)
    try:
        for life in range(lives):
            await contract.live(("power", "process")[life % 2], random.uniform(0.1, seconds))
        await contract.live("power", 0.0, is_over=True)
    finally:
        contract.stop()
    print(contract.report())


def main(arguments: list[str]) -> None:
    """Run it; an error ends it, with the seed to run it again."""
    lives, seconds = (
        int(arguments[0]) if arguments else 20,
        float(arguments[1]) if len(arguments) > 1 else 2.0,
    )
    seed = int(arguments[2]) if len(arguments) > 2 else time.time_ns() % 1_000_000
    random.seed(seed)
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="xmppd-faults-") as folder:
        asyncio.run(_run(lives, seconds, Path(folder)))
    for short in (RoomContract, NodeContract):
        with tempfile.TemporaryDirectory(prefix="xmppd-faults-") as folder:
            asyncio.run(_run_short(short(Path(folder)), lives, seconds))
    with tempfile.TemporaryDirectory(prefix="xmppd-faults-") as folder:
        asyncio.run(_run_web(lives, seconds, Path(folder)))


if __name__ == "__main__":
    main(sys.argv[1:])
