"""Who takes part in a contract: accounts that get messages, that send them, and that change what is their own."""

import asyncio
import random
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable
from contextlib import suppress
from math import inf
from typing import Final
from xml.etree.ElementTree import Element, tostring

from benchmarks.soak.client import Lost
from tests.faults.device import Device

RESUMES, FRESH, ELSEWHERE, HIBERNATES, RETURNS_FRESH, OFFLINE, PAIR, SLOW = range(8)
KINDS: Final = (
    "resumes",
    "fresh",
    "elsewhere",
    "hibernates",
    "fresh after hibernation",
    "offline",
    "one of two",
    "slow with a backlog",
)
CHANGES: Final = {
    "roster": "<query xmlns='jabber:iq:roster'><item jid='contact@localhost' name='{n}'/></query>",
    "vcard": "<vCard xmlns='vcard-temp'><FN>{n}</FN></vCard>",
    "private": "<query xmlns='jabber:iq:private'><of xmlns='of:ours'>{n}</of></query>",
    "blocking": "<block xmlns='urn:xmpp:blocking'><item jid='n{n}@localhost'/></block>",
}
QUERIES: Final = {
    "roster": "<query xmlns='jabber:iq:roster'/>",
    "vcard": "<vCard xmlns='vcard-temp'/>",
    "private": "<query xmlns='jabber:iq:private'><of xmlns='of:ours'/></query>",
    "blocking": "<blocklist xmlns='urn:xmpp:blocking'/>",
}
FOUND: Final[dict[str, Callable[[Element], Iterable[str | None]]]] = {
    "roster": lambda iq: [item.get("name") for item in iq.iter("{jabber:iq:roster}item")],
    "vcard": lambda iq: [name.text for name in iq.iter("{vcard-temp}FN")],
    "private": lambda iq: [each.text for each in iq.iter("{of:ours}of")],
    "blocking": lambda iq: [
        (item.get("jid") or "")[1:].partition("@")[0] for item in iq.iter("{urn:xmpp:blocking}item")
    ],
}


class Broken(AssertionError):
    """The contract does not hold."""


class Recipient:
    """An account that gets messages, with its way of coming back."""

    def __init__(self, number: int, kind: int) -> None:
        self.account = f"r{number}@localhost"
        self.kind = kind
        self.devices = [Device(self.account, f"d{n}") for n in range(2 if kind == PAIR else 1)]
        for device in self.devices:
            device.laziness_s = random.choice((0.0, 0.0, 0.5))
            device.comes_afresh = kind in (FRESH, ELSEWHERE, RETURNS_FRESH, OFFLINE)

    async def come(self, port: int, life: int) -> None:
        """Log in, be available."""
        for device in self.devices:
            if self.kind == ELSEWHERE:
                device.resource = f"d{life}"
            await device.connect(port, is_resuming=not device.comes_afresh)
            device.send(b"<presence/>")

    async def crawl(self, port: int, life: int) -> None:
        """Come under load, and read what waits slowly, until the connection is lost."""
        for device in self.devices:
            device.pause_s = random.choice((0.005, 0.02, 0.1))
        with suppress(Lost, OSError, asyncio.TimeoutError, asyncio.CancelledError, asyncio.QueueEmpty):
            await self.come(port, life)

    def drop_what_is_on_its_way(self) -> None:
        """Read no further: what was written and not read is lost."""
        for device in self.devices:
            device.pause_s = 0.0
            device.lose()

    @property
    def repeats(self) -> int:
        """How many messages came more than once."""
        return sum(len(device.got) - len({got.id for got in device.got}) for device in self.devices)

    @property
    def is_away_under_load(self) -> bool:
        """Whether it has no connection when the server is killed."""
        return self.kind in (HIBERNATES, RETURNS_FRESH)


class Sender:
    """An account that sends."""

    def __init__(self, number: int, recipients: list[Recipient]) -> None:
        self.device = Device(f"s{number}@localhost", "d")
        self._recipients = recipients
        self._next = 0

    async def send(self) -> None:
        """Send to all in turn until the connection is lost."""
        device = self.device
        while await device.room():
            recipient = self._recipients[self._next % len(self._recipients)]
            device.say(recipient.account, f"{device.account[:2]}-{self._next}")
            self._next += 1
            if not self._next % len(self._recipients):
                await asyncio.sleep(0)


class Changer:
    """An account that changes something of its own."""

    def __init__(self, number: int, name: str) -> None:
        self.device = Device(f"c{number}@localhost", "d")
        self.name = name
        self.promised = 0
        self._sent = 0
        self._answered: list[tuple[float, float]] = []
        """When it has asked for each change of this life, and was answered."""

    async def change(self) -> None:
        """Change again and again until the connection is lost."""
        self._answered.clear()
        while self.device.is_connected:
            self._sent += 1
            began_at = time.monotonic()
            try:
                answer = await self.device.ask(
                    CHANGES[self.name].format(n=self._sent), f"change-{self._sent}"
                )
            except asyncio.CancelledError:
                return
            if answer.get("type") != "result":
                raise Broken(f"{self.name} was refused: {tostring(answer)!r}")
            self.promised = self._sent
            self._answered.append((began_at, time.monotonic()))

    def proves(self, at: float) -> float:
        """Give when it was certain that what the server was to store at *at* is on its disk; infinite for never.

        A change that is asked for then may be read before the timers of that moment are called, the next one is not:
        what these have stored is committed before it.
        """
        next_one = bisect_left(self._answered, (at, 0.0)) + 1
        return self._answered[next_one][1] if next_one < len(self._answered) else inf

    async def check(self) -> None:
        """Look whether what was promised is there; what was under way may be, too."""
        answer = await self.device.ask(QUERIES[self.name], f"query-{self._sent}-{time.monotonic()}", "get")
        found = {int(text) for text in FOUND[self.name](answer) if text}
        newest = max(found, default=0)
        is_there = (
            set(range(1, self.promised + 1)) <= found if self.name == "blocking" else newest >= self.promised
        )
        if not is_there or newest > self._sent:
            raise Broken(f"{self.name} is {newest}, promised was {self.promised}, sent {self._sent}")
