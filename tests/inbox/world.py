"""A whole server in memory, one account with several clients, one sender, and everything that can happen to them.

What is checked, and no more (the model of a page):

- *nothing lost*: every durable message that its sender was acknowledged is with a client that has said so (or to which
  it was written, where that does not count), was fetched from the archive, or comes at the last login;
- *once*: no client gets a message twice in a session, nor over sessions of which it can say how far it had come;
- *in order*: a client gets messages in the order in which they were sent, but for those that another session may have
  held meanwhile.
"""

import random
from collections.abc import Callable
from typing import Any, Final

from tests.inbox.device import SLOW_BYTES, Device
from xmppd.storage.interface import StorageFailed
from xmppd.testing.client import Client
from xmppd.testing.server import MemoryServer

NS: Final = "urn:xmpp:sm:3"
JULIET: Final = "juliet@localhost"
ROMEO: Final = "romeo@localhost/orchard"
MAX_S: Final = 30
COMMIT_S: Final = 0.1
OPTIONS: Final = "[modules.sm]\nask_after = 3\n"
HINTS: Final = {
    "chat": "",
    "normal": "",
    "no-permanent": "<no-permanent-store xmlns='urn:xmpp:hints'/>",
    "no-store": "<no-store xmlns='urn:xmpp:hints'/>",
}
CARBONS: Final = "<iq type='set' id='c'><{} xmlns='urn:xmpp:carbons:2'/></iq>"
PRESENCES: Final = (
    "<presence/>",
    "<presence/>",
    "<presence><priority>5</priority></presence>",
    "<presence><priority>-1</priority></presence>",
    "<presence type='unavailable'/>",
)
ARCHIVE: Final = "<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>"
KNOWN_S: Final = 1.0
"""What a client has told is stored by then."""
PAST_ALL_S: Final = 700.0


class Broken(AssertionError):
    """The model does not hold."""


class World:
    """The server, the devices, and what was sent."""

    def __init__(self, kinds: tuple[str, ...], *, has_archive: bool = True):
        options = OPTIONS if has_archive else OPTIONS + "[modules.mam]\nenabled = false\n"
        self.options = options
        self.memory = MemoryServer(options)
        self.memory.add_account(JULIET)
        self.starts = 1
        self.sent: list[str] = []
        self.durable: set[str] = set()
        self.refused: set[str] = set()
        self.promised: set[str] = set()
        self.was_broken = False
        self.is_beside = False
        """Whether anything went to a device beside what waited for one that takes messages: it may come earlier."""
        self.last: Device | None = None
        self.devices = [Device(f"{JULIET}/d{n}", kind, MAX_S) for n, kind in enumerate(kinds)]
        self._arrive()

    def _arrive(self) -> None:
        self.romeo: Client = self.memory.logged_in(ROMEO)
        self.romeo.send(f"<enable xmlns='{NS}' resume='true'/>")
        self.memory.pass_time(1)
        self.romeo.inbox.clear()
        self._unacknowledged: list[str] = []
        self._acknowledged = 0

    # -- what happens -------------------------------------------------------------------------------------------------

    def say(self, kind: str = "chat", to: int | None = None, times: int = 1) -> None:
        """Romeo writes: to the account, or to one of its devices."""
        target = JULIET if to is None else self.devices[to].address
        type = "chat" if kind == "chat" else "normal"
        session = None if to is None else self.memory.server.registry.get(target)
        is_taking = session is None or (session.presence is not None and session.priority >= 0)
        self.is_beside = self.is_beside or not is_taking
        for _ in range(times):
            id = str(len(self.sent))
            self.sent.append(id)
            self._unacknowledged.append(id)
            if kind != "no-store":
                self.durable.add(id)
            self.romeo.send(
                f"<message to='{target}' type='{type}' id='{id}'><body>{id}</body>{HINTS[kind]}</message>"
            )
        self.romeo.send(f"<r xmlns='{NS}'/>")
        self.look()

    def connect(self, device: int, is_fresh: bool = False, text: str = "") -> None:
        """A device comes, and sends *text*."""
        each = self.devices[device]
        if not each.is_connected:
            each.connect(self.memory, is_fresh=is_fresh)
            each.send(text)
        self.look()

    def send(self, device: int, text: str) -> None:
        """A device sends something."""
        self.devices[device].send(text)
        self.look()

    def lose(self, device: int) -> None:
        """A device loses its connection, with what was on its way."""
        self.devices[device].lose()

    def leave(self, device: int) -> None:
        """A device ends its stream."""
        each = self.devices[device]
        each.take()
        each.send("</stream:stream>")
        each.lose()
        each.sm_id = ""

    def acknowledge(self, device: int) -> None:
        """A device says what it has."""
        self.devices[device].acknowledge()

    def slow(self, device: int, is_slow: bool) -> None:
        """A device reads slowly, or goes on."""
        each = self.devices[device]
        if each.client is not None and each.client.carrier is not None:
            each.is_slow = is_slow
            carrier: Any = each.client.carrier
            carrier._transport.unsent_bytes = SLOW_BYTES if is_slow else 0

    def time(self, seconds: float) -> None:
        """Time passes."""
        self.memory.pass_time(seconds)
        self.look()

    def commits(self, seconds: float) -> None:
        """Commits take so long from now on."""
        self.memory.storage.clock, self.memory.storage.commit_delay_s = self.memory.clock, seconds

    def broken_disk(self, is_broken: bool) -> None:
        """Commits fail from now on, or no more."""
        self.memory.storage.failing = StorageFailed("no disk") if is_broken else None
        self.was_broken = self.was_broken or is_broken

    def kill(self) -> None:
        """End the server as SIGKILL does, and start another one with what was committed."""
        self.look()
        left = self.memory.storage.killed()
        for each in self.devices:
            each.sure_until = self.memory.clock.seconds() - KNOWN_S
            each.told = {id: at for id, at in each.told.items() if at < each.sure_until}
        for each in self.devices:
            if not each.is_enabled:
                each.take()
            each.drop()
        self.starts += 1
        seconds = self.memory.clock.seconds()
        self.memory = MemoryServer(self.options, left, self.starts * 1_000_000)
        self.memory.clock.advance(seconds)
        self._arrive()

    def look(self) -> None:
        """Look at what has come: Romeo at all of it, the devices at what they count."""
        while self.romeo.inbox:
            element = self.romeo.inbox.popleft()
            if element.tag == f"{{{NS}}}a":
                h = int(element.get("h") or 0)
                count = h - self._acknowledged
                self.promised.update(self._unacknowledged[:count])
                del self._unacknowledged[:count]
                self._acknowledged = h
            elif element.get("type") == "error":
                self.refused.add(element.get("id") or "")
        for each in self.devices:
            each.now = self.memory.clock.seconds()
            if not each.is_slow:
                each.take()
            self.check(each)

    # -- what must hold -----------------------------------------------------------------------------------------------

    def check(self, device: Device) -> None:
        """Once, and in order where nobody else may have held a message."""
        ids = [each.id for each in device.got]
        if len(ids) != len(set(ids)):
            doubled = sorted({id for id in ids if ids.count(id) > 1}, key=int)
            raise Broken(f"{device.address} got twice: {doubled}")
        if device.again and not self.was_broken:
            raise Broken(f"{device.address} got again: {device.again}")
        if len(self.devices) == 1 and not self.is_beside:
            numbers = [int(each.id) for each in device.got if each.id in self.durable]
            if numbers != sorted(numbers):
                raise Broken(f"{device.address} got out of order: {numbers}")

    def finish(self) -> None:
        """All sessions end, and somebody comes who gets all that waits."""
        self.broken_disk(False)
        self.commits(0.0)
        self.time(PAST_ALL_S)
        for n, each in enumerate(self.devices):
            self.slow(n, False)
            each.lose()
        self.time(PAST_ALL_S)
        self.last = Device(f"{JULIET}/last", "resumable", MAX_S)
        self.devices.append(self.last)
        self.last.connect(self.memory, is_fresh=True)
        self.last.send("<presence/>")
        for _ in range(3):
            for _ in range(20):
                self.time(0.3)
                self.last.acknowledge()
            self.time(PAST_ALL_S)
        with_somebody = set[str]().union(*(each.has for each in self.devices))
        lost = (self.promised & self.durable) - self.refused - with_somebody
        if lost:
            raise Broken(f"lost: {sorted(lost, key=int)}")
        got = [int(each.id) for each in self.last.got if each.id in self.durable]
        if got != sorted(got):
            raise Broken(f"the last one got out of order: {got}")


Step = Callable[[World], None]


def random_steps(chance: random.Random, world: World, steps: int) -> list[str]:
    """Let *steps* things happen; give what that was."""
    told: list[str] = []
    for _ in range(steps):
        name, args = _choose(chance, world)
        told.append(f"world.{name}({', '.join(map(repr, args))})")
        try:
            getattr(world, name)(*args)
        except Broken as broken:
            raise Broken(f"{broken}\n" + "\n".join(told)) from None
    told.append("world.finish()")
    try:
        world.finish()
    except Broken as broken:
        raise Broken(f"{broken}\n" + "\n".join(told)) from None
    return told


def _choose(chance: random.Random, world: World) -> tuple[str, tuple[Any, ...]]:
    device = chance.randrange(len(world.devices))
    is_there = world.devices[device].is_connected
    what = chance.random()
    if what < 0.35:
        to = chance.choice((None, None, device))
        kind = chance.choice(("chat", "chat", "chat", "normal", "no-permanent", "no-store"))
        return "say", (kind, to, chance.choice((1, 1, 1, 1, 2, 2, 3, 5, 7, 10, 20, 110)))
    if what < 0.45:
        return "time", (chance.choice((0.0, 0.0, 0.05, 0.1, 0.3, 2.0, MAX_S + 1.0)),)
    if what < 0.55:
        return "acknowledge", (device,)
    if what < 0.60:
        return "slow", (device, chance.random() < 0.5)
    if what < 0.63:
        return "commits", (chance.choice((0.0, COMMIT_S, COMMIT_S)),)
    if what < 0.645:
        return "broken_disk", (chance.random() < 0.3,)
    if what < 0.665:
        return "kill", ()
    if not is_there:
        text = chance.choice(
            ("", "<presence/>", CARBONS.format("enable") + "<presence/>", ARCHIVE + "<presence/>")
        )
        return "connect", (device, chance.random() < 0.2, text)
    if what < 0.75:
        return chance.choice((("lose", (device,)), ("lose", (device,)), ("leave", (device,))))
    text = chance.choice((*PRESENCES, CARBONS.format("enable"), CARBONS.format("disable"), ARCHIVE))
    return "send", (device, text)
