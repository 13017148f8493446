"""One soak: a crowd that behaves in all ways at once, and pairs that only want to chat; then a look at what is left."""

import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.soak.behaviours import BEHAVIOURS, Behaviour, Place
from benchmarks.soak.client import Client
from benchmarks.soak.stage import SETTLED_S, Stage
from benchmarks.soak.web import WEB_BEHAVIOURS

EVERYTHING = BEHAVIOURS | WEB_BEHAVIOURS
PAIRS = 5
PAUSE_S = 0.05
LOOK_S = 1.0
ENDING_S = 30.0
PARTS = 4
"""A soak that looks for growth is cut into so many: memory is compared when nobody is there, between them."""
GROWTH = 1.10
"""So much more than after the first part, the warming up, may be resident after the last."""
GROWTH_SEEN_S = 600.0
"""In less time than that only the warming up would be seen: caches and pools fill for two and a half minutes."""
STILL_S = 15.0
"""So long the memory must have been still before it is looked at. It is more than lies between two looks of the server
at its heap (`xmppd.admin.heap.LOOK_S`), after which it gives back what clients have left."""
STILL_MB = 0.5
REST_S = 60.0
"""Then it is looked at in any case: what still grows by itself belongs to what is found."""
SAID = 60
"""So much is told of what asyncio complains of."""
SPARE_DESCRIPTORS = 4
"""A reader thread may have opened its connection to the database since the start."""


@dataclass(slots=True)
class Report:
    """What happened, and what should not have."""

    seconds: float = 0.0
    done: Counter[str] = field(default_factory=Counter)
    """How often each behaviour was carried out."""
    delivered: int = 0
    """Messages between the pairs that only chat."""
    descriptors: tuple[int, int, int] = (0, 0, 0)
    """Before, at most, and after."""
    most_mb: float = 0.0
    """The most that was resident."""
    rest_mb: list[float] = field(default_factory=list)
    """What was resident after each part, when all had left."""
    problems: list[str] = field(default_factory=list)
    asyncio: Counter[str] = field(default_factory=Counter)
    """What the clients' own event loop complained of: no fault of the server, and no proof of one."""

    def text(self) -> str:
        """Say it in a few lines."""
        parts = ", ".join(f"{name} {count}" for name, count in sorted(self.done.items()))
        rest = ", ".join(f"{mb:.1f}" for mb in self.rest_mb)
        before, most, after = self.descriptors
        lines = [
            f"{self.seconds:.0f} s; {self.delivered:,} messages between the pairs, all of them in order",
            f"behaviours: {parts}",
            f"descriptors: {before} before, {most} at most, {after} after",
            f"resident MB: {self.most_mb:.1f} at most; when all had left {rest}",
            *(f"the clients' asyncio, {count} times: {what}" for what, count in self.asyncio.items()),
            *(f"PROBLEM {problem}" for problem in self.problems),
        ]
        return "\n".join(lines)


def soak(seconds: float, crowd: int, chance: int, options: str = "") -> Report:
    """Run a server under a crowd of so many for so long; *chance* is the seed of what they do, *options* more TOML."""
    with tempfile.TemporaryDirectory(prefix="xmppd-soak-") as name:
        stage = Stage(Path(name), crowd + 2 * PAIRS, options)
        try:
            return asyncio.run(_Soak(stage, crowd, chance).run(seconds))
        finally:
            stage.stop()


async def memory_at_rest(
    resident_mb: Callable[[], float],
    still_s: float = STILL_S,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> float:
    """Wait until what is resident has been the same for *still_s*, but not longer than `REST_S`; give it, in MB."""
    seen = first = resident_mb()
    waited_s = same_s = 0.0
    while same_s < still_s and waited_s < REST_S:
        await sleep(LOOK_S)
        waited_s += LOOK_S
        same_s += LOOK_S
        seen = resident_mb()
        if abs(seen - first) > STILL_MB:
            first, same_s = seen, 0.0
    return seen


class _Soak:
    def __init__(self, stage: Stage, crowd: int, chance: int) -> None:
        self._stage = stage
        self._crowd = crowd
        chances = random.Random(chance)
        self._place = Place(stage.port, stage.tls_port, crowd, chances, stage.sessions, stage.http_port)
        self._is_over = False
        self._first = list(EVERYTHING) * (crowd // len(EVERYTHING) or 1)
        """What is done before chance has its way: the most that any of them takes belongs to the warming up."""
        self._most = 0
        self._report = Report()

    async def run(self, seconds: float) -> Report:
        report, stage = self._report, self._stage
        asyncio.get_running_loop().set_exception_handler(self._note)
        before = stage.descriptors()
        parts = PARTS if seconds >= GROWTH_SEEN_S else 1
        for _ in range(parts):
            await self._part(seconds / parts)
            after = await self._settled(before)
            report.rest_mb.append(await memory_at_rest(stage.resident_mb, STILL_S if parts > 1 else 0.0))
        report.descriptors = (before, self._most, after)
        self._judge(before, after)
        return report

    async def _part(self, seconds: float) -> None:
        started, self._is_over = time.monotonic(), False
        pairs = [asyncio.create_task(self._chat(number)) for number in range(PAIRS)]
        crowd = [asyncio.create_task(self._member(f"u{number}")) for number in range(self._crowd)]
        while time.monotonic() - started < seconds:
            await asyncio.sleep(LOOK_S)
            self._look()
        self._is_over = True
        self._report.seconds += time.monotonic() - started
        await self._end(pairs, crowd)

    async def _chat(self, number: int) -> None:
        """One pair: what one sends the other gets, all of it and in order, whatever else goes on."""
        sender, receiver = (f"u{self._crowd + 2 * number + side}" for side in (0, 1))
        port, sent = self._place.port, 0
        async with await Client.connect(port) as one, await Client.connect(port) as other:
            for client, user in ((one, sender), (other, receiver)):
                await client.log_in(user)
                await client.bind("steady")
            while not self._is_over:
                sent += 1
                one.send(
                    f"<message to='{receiver}@localhost/steady' type='chat'><body>no {sent} </body></message>".encode()
                )
                seen = await other.until(b"</message>")
                if f"no {sent} ".encode() not in seen:
                    raise AssertionError(f"not message {sent}: {seen.decode(errors='replace')}")
                self._report.delivered += 1
                await asyncio.sleep(PAUSE_S)
            for client in (one, other):
                await client.ask(b"</stream:stream>", b"</stream:stream>")

    async def _member(self, user: str) -> None:
        """One of the crowd: does one thing after the other."""
        behaviours, weights = list(EVERYTHING), list(EVERYTHING.values())
        while not self._is_over:
            behaviour: Behaviour = (
                self._first.pop() if self._first else self._place.random.choices(behaviours, weights)[0]
            )
            name = behaviour.__name__
            try:
                await behaviour(self._place, user)
            except Exception as error:  # noqa: BLE001 - what a client sees is what is looked for
                self._report.problems.append(f"{name}: {type(error).__name__} {error}"[:500])
            self._report.done[name] += 1

    def _note(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._report.asyncio[f"{context['message'][:SAID]}: {context.get('exception')!r}"] += 1

    def _look(self) -> None:
        self._report.most_mb = max(self._report.most_mb, self._stage.resident_mb())
        self._most = max(self._most, self._stage.descriptors())

    async def _end(self, pairs: list[asyncio.Task[None]], crowd: list[asyncio.Task[None]]) -> None:
        _, late = await asyncio.wait([*pairs, *crowd], timeout=ENDING_S)
        for task in late:
            task.cancel()
            self._report.problems.append("somebody did not come to an end")
        for task in pairs:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                self._report.problems.append(f"a pair that only chats: {type(error).__name__} {error}")

    async def _settled(self, before: int) -> int:
        """Wait until what is left has ended by itself."""
        until = time.monotonic() + SETTLED_S
        while (left := self._stage.descriptors()) > before + SPARE_DESCRIPTORS or self._stage.sessions():
            if time.monotonic() > until:
                break
            await asyncio.sleep(LOOK_S)
        return left

    def _judge(self, before: int, after: int) -> None:
        report = self._report
        if after > before + SPARE_DESCRIPTORS:
            report.problems.append(f"{after} descriptors are open, {before} were before")
        if sessions := self._stage.sessions():
            report.problems.append(f"{len(sessions)} sessions are left: {', '.join(sessions[:5])}")
        if report.seconds >= GROWTH_SEEN_S and report.rest_mb[-1] > GROWTH * report.rest_mb[0]:
            report.problems.append("the resident memory has grown")
        if status := self._stage.end():
            report.problems.append(f"SIGTERM has ended the server with status {status}")
        report.problems += [f"in the log: {line}" for line in self._stage.complaints()]
