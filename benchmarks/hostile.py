"""``python -m benchmarks.hostile``: what clients that mean harm cost, in a server of its own (promises#one-second).

For each stanza at the limits the CPU time of the server, and the time of a login beside 500 idle sockets and 300 open
streams (promises#floods). The status is 1 where something takes longer than a second, which on a busy machine may be
the machine's fault.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.measure import cpu_s
from benchmarks.soak.client import Client
from benchmarks.soak.stage import Stage
from tests.net.streams.test_expensive_stanzas import CONTENT, HARD_ADDRESSES, KINDS, MOST_BYTES, list_of

ACCOUNTS = 2
IDLE_SOCKETS, OPEN_STREAMS = 500, 300
MOST_S = 1.0
DEALT_WITH = b"<iq type='get' id='dealt-with' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"


def main() -> int:
    """Run it and print what each took."""
    with tempfile.TemporaryDirectory(prefix="xmppd-hostile-") as folder:
        stage = Stage(Path(folder), ACCOUNTS)
        try:
            return asyncio.run(_print(stage))
        finally:
            stage.end()


async def _print(stage: Stage) -> int:
    status = 0
    async for name, took_s in _all(stage):
        status |= took_s > MOST_S
        print(f"{took_s:7.3f} s  {name}", flush=True)
    return status


async def _all(stage: Stage) -> AsyncIterator[tuple[str, float]]:
    for name, stanza in _stanzas():
        yield name, await _cost_s(stage, stanza)
    yield f"a login beside {IDLE_SOCKETS} sockets and {OPEN_STREAMS} streams", await _beside_many_s(stage)


def _stanzas() -> Iterator[tuple[str, bytes]]:
    for content, inner in CONTENT.items():
        for kind, stanza in KINDS.items():
            yield f"{kind} with {content}", stanza % inner
    for address in HARD_ADDRESSES:
        number = MOST_BYTES // len(address.encode()) - 10
        yield f"{number} addresses that begin with {address[:4]}", list_of(address, number)


async def _cost_s(stage: Stage, stanza: bytes) -> float:
    """Give the CPU time that the server takes to deal with *stanza*, which may end the stream."""
    async with await _logged_in(stage, "cost") as client:
        before = cpu_s([stage.pid])
        client.send(stanza + DEALT_WITH)
        await client.until(b"id='dealt-with'", b"</stream:stream>")
        return cpu_s([stage.pid]) - before


async def _beside_many_s(stage: Stage) -> float:
    """Give the seconds that somebody else's login takes."""
    async with AsyncExitStack() as attack:
        for number in range(IDLE_SOCKETS + OPEN_STREAMS):
            client = await attack.enter_async_context(await Client.connect(stage.port))
            if number >= IDLE_SOCKETS:
                await client.open()
        begun = time.monotonic()
        await attack.enter_async_context(await _logged_in(stage, "desk"))
        return time.monotonic() - begun


async def _logged_in(stage: Stage, resource: str) -> Client:
    client = await Client.connect(stage.port)
    await client.log_in("u0", with_tls=False)
    await client.bind(resource)
    return client


if __name__ == "__main__":
    sys.exit(main())
