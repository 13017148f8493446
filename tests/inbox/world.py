"""A whole server in memory, two accounts with several clients, one sender, and everything that can happen to them.

What is checked, and no more (the model of a page):

- *nothing lost*: every durable message that its sender was acknowledged is with a client that has said so (or to which
  it was written, where that does not count), was fetched from the archive, or comes at the last login;
- *once*: no client gets a message twice in a session, nor a durable one over sessions of which it can say how far it
  had come, unless the server is killed while a broken disk keeps it from storing who has what; what a client has
  acknowledged does not come at the last login; the sender sends again what was not acknowledged to him;
- *nothing is left* when all is done, in memory or in the store;
- *in order*: a client gets messages in the order in which they were sent, but for those that another session may have
  held meanwhile, and those that could not be read or marked for a while: what comes live does not wait for the disk.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.inbox.device import Device
from tests.inbox.sender import ROMEO, Sender
from xmppd.net.streams.inlet import StreamInlet
from xmppd.services.inbox.inbox import Inbox
from xmppd.services.inbox.records import STORE
from xmppd.services.stream_management.ledger import StreamLedger
from xmppd.storage.interface import StorageFailed
from xmppd.storage.memory import MemoryStorage
from xmppd.testing.server import MemoryServer, now

JULIET: Final = "juliet@localhost"
NURSE: Final = "nurse@localhost"
ACCOUNTS: Final = (JULIET, NURSE)
MAX_S: Final = 30
SLOW_DISK_S: Final = 0.1
OPTIONS: Final = "[modules.sm]\nask_after = 3\n"
CARBONS: Final = "<iq type='set' id='c'><{} xmlns='urn:xmpp:carbons:2'/></iq>"
KNOWN_S: Final = 1.0
"""What a client has told is stored by then."""
PAST_ALL_S: Final = 700.0


class Broken(AssertionError):
    """The model does not hold."""


class World:
    """The server, the devices, and what was sent."""

    def __init__(self, kinds: tuple[str, ...], *, has_archive: bool = True, nurses: int = 0):
        """A device of each of *kinds*; the last *nurses* of them are those of the other account."""
        self.options = OPTIONS if has_archive else OPTIONS + "[modules.mam]\nenabled = false\n"
        self.memory = MemoryServer(self.options)
        for account in ACCOUNTS:
            self.memory.add_account(account)
        self.starts = 1
        self.is_slow = self.was_broken = False
        self.is_beside = False
        """Whether anything went to a device beside what waited for one that takes messages: it may come earlier."""
        self.is_unmarked = False
        """Whether the server was killed while a broken disk kept it from storing who had what."""
        self.last: dict[str, Device] = {}
        """Who came at the end, by the account."""
        self.devices = [
            Device(f"{ACCOUNTS[n >= len(kinds) - nurses]}/d{n}", kind, MAX_S) for n, kind in enumerate(kinds)
        ]
        self.romeo = Sender()
        self.romeo.arrive(self.memory)

    # -- what happens -------------------------------------------------------------------------------------------------

    def say(self, kind: str = "chat", to: int | None = None, times: int = 1) -> None:
        """Romeo writes: to one of the devices, -1: to the nurse, else to Juliet."""
        target = JULIET if to is None else NURSE if to < 0 else self.devices[to].address
        if to is not None and to >= 0:
            session = self.memory.server.registry.get(target)
            is_taking = session is not None and session.presence is not None and session.priority >= 0
            is_dealt_with = not (self.is_slow or self._is_held_up())  # else the device may be another by then
            self.is_beside |= not (is_dealt_with and (is_taking or session is None))
        for session in self.memory.server.registry.resources(target.partition("/")[0]):
            self.is_beside |= session.presence is not None and session.priority < 0  # it may get carbons
        self.romeo.say(kind, target, times)
        self.look()

    def _is_held_up(self) -> bool:
        """Whether what Romeo says now is routed later: something that he said before is in hand."""
        session = self.memory.server.registry.get(ROMEO)
        stream = None if session is None else session.stream
        return isinstance(stream, StreamInlet) and stream.is_waiting

    def connect(self, device: int, is_fresh: bool = False, text: str = "") -> None:
        """A device comes, and sends *text*."""
        each = self.devices[device]
        if not each.is_connected:
            with self._quick_reads():
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
        """A device says what it has; the server may not have read it yet."""
        self._acknowledge(self.devices[device])

    def _acknowledge(self, device: Device) -> None:
        device.acknowledge()
        session = self.memory.server.registry.get(device.address)
        ledger = None if session is None else session.ledger
        if isinstance(ledger, StreamLedger) and ledger.outgoing.acknowledged == device.h:
            device.tell()

    def slow(self, device: int, is_slow: bool) -> None:
        """A device reads slowly, or goes on."""
        self.devices[device].slow(is_slow)

    def sender(self) -> None:
        """Romeo loses his connection, and comes back."""
        self.romeo.look()
        self.romeo.lose()
        self._arrive()
        self.look()

    def time(self, seconds: float) -> None:
        """Time passes."""
        self.memory.pass_time(seconds)
        self.look()

    def slow_disk(self, commits_s: float, reads_s: float) -> None:
        """Commits and reads take so long from now on."""
        storage, self.is_slow = self.memory.storage, commits_s > 0 or reads_s > 0
        storage.clock, storage.commit_delay_s, storage.read_delay_s = self.memory.clock, commits_s, reads_s

    def broken_disk(self, commits: bool, reads: bool) -> None:
        """Commits and reads fail from now on, or no more."""
        error = StorageFailed("no disk")
        self.memory.storage.failing = error if commits else None
        self.memory.storage.failing_reads = error if reads else None
        self.was_broken = self.was_broken or commits or reads

    def kill(self) -> None:
        """End the server as SIGKILL does, and start another one with what was committed."""
        self.look()
        self.is_unmarked |= self.was_broken and self.memory.server.services[Inbox].unwritten > 0
        left = self.memory.storage.killed()
        self._start_anew(left, KNOWN_S)

    def restart(self) -> None:
        """End the server as SIGTERM does, and start another one."""
        self.broken_disk(False, False)
        self.memory.factory.shutdown()
        self.memory.settle()
        self.look()
        self.memory.storage.stop()
        self._start_anew(self.memory.storage.killed(), 0.0)

    def _start_anew(self, left: MemoryStorage, unknown_s: float) -> None:
        seconds = self.memory.clock.seconds()
        self.romeo.lose()
        for each in self.devices:
            each.forget_until(seconds - unknown_s)
        self.starts += 1
        self.memory = MemoryServer(self.options, left, self.starts * 1_000_000)
        self.memory.clock.advance(seconds)
        self._arrive()

    def _arrive(self) -> None:
        with self._quick_reads():
            self.romeo.arrive(self.memory)
        for each in self.devices:
            each.forget(self.romeo.sent_again)

    @contextmanager
    def _quick_reads(self) -> Iterator[None]:
        """Logins do not wait, nor fail: they are not what is looked at here."""
        storage = self.memory.storage
        before = storage.read_delay_s, storage.failing_reads
        storage.read_delay_s, storage.failing_reads = 0.0, None
        yield
        storage.read_delay_s, storage.failing_reads = before

    def look(self) -> None:
        """Look at what has come: Romeo at all of it, the devices at what they count."""
        self.romeo.look()
        for each in self.devices:
            each.now = self.memory.clock.seconds()
            if not each.is_slow:
                each.take()
            self.check(each)

    # -- what must hold -----------------------------------------------------------------------------------------------

    def check(self, device: Device) -> None:
        """Once, and in order where nobody else may have held a message."""
        is_remembered = not self.is_unmarked
        ids = [
            each.id for each in device.got if each.number or (is_remembered and each.id in self.romeo.targets)
        ]
        if len(ids) != len(set(ids)):
            doubled = sorted({id for id in ids if ids.count(id) > 1}, key=int)
            raise Broken(f"{device.address} got twice: {doubled}")
        if device.again and not self.was_broken:
            raise Broken(f"{device.address} got again: {device.again}")
        is_alone = sum(each.account == device.account for each in self.devices) == 1
        if is_alone and not self.is_beside and not self.was_broken:
            self._check_order(device)

    def _check_order(self, device: Device) -> None:
        numbers = [int(each.id) for each in device.got if each.id in self.romeo.targets]
        if numbers != sorted(numbers):
            raise Broken(f"{device.address} got out of order: {numbers}")

    def finish(self) -> None:
        """All sessions end, and somebody comes who gets all that waits."""
        self.broken_disk(False, False)
        self.slow_disk(0.0, 0.0)
        self.time(PAST_ALL_S)
        for each in self.devices:
            each.slow(False)
            each.lose()
        self.time(PAST_ALL_S)
        for account in sorted({JULIET, *self.romeo.targets.values()}):
            self._finish(account)
        self._check_nothing_is_left()

    def _check_nothing_is_left(self) -> None:
        """All is done: nothing is in memory, and nothing stored."""
        inbox = self.memory.server.services[Inbox]
        records = inbox._records
        memory = (records._live, records._touched, records._readers, records._late, inbox._backlogs.by_owner)
        if any(memory):
            raise Broken(f"left in memory: {memory}")
        for account in ACCOUNTS:
            rows = now(self.memory.storage.read(STORE, account))
            if rows:
                raise Broken(f"left in the store: {[(row.id, row.extra) for row in rows]}")

    def _finish(self, account: str) -> None:
        done = set[str]().union(*(each.done for each in self.devices if each.account == account))
        self.last[account] = last = Device(f"{account}/last", "resumable", MAX_S)
        self.devices.append(last)
        last.connect(self.memory, is_fresh=True)
        last.send("<presence/>")
        for _ in range(2):
            for _ in range(10):
                self.time(0.5)
                self._acknowledge(last)
            self.time(PAST_ALL_S)
        romeo = self.romeo
        with_somebody = set[str]().union(*(each.has for each in self.devices if each.account == account))
        durable = {id for id, target in romeo.targets.items() if target == account}
        lost = (romeo.promised & durable) - romeo.refused - with_somebody
        if lost:
            raise Broken(f"lost: {sorted(lost, key=int)}")
        again = done & {each.id for each in last.got}
        if again and not self.was_broken:
            raise Broken(f"the last one got what others had acknowledged: {sorted(again, key=int)}")
        self._check_order(last)
