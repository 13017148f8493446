"""What a component has not read yet, connected or not (promises#components): durable messages, in order, on disk.

Rules that live here: a message is kept in its sender's transaction. Where the component is connected it is written at
once, and forgotten when it is read (`reading`); what is not read when the connection ends is given at the next one, in
order, with the time at which it came (XEP-0203). While older ones are still being given, a new one waits behind them.
The limits offline_messages and offline_bytes of the component hold.
"""

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from xmppd.core.domains.door import Taken
from xmppd.core.events import Traffic
from xmppd.core.host import Host
from xmppd.core.timers import Timers
from xmppd.core.waiting import deferred
from xmppd.services.components.reading import PACE_S, Reading
from xmppd.stanza.delay import delay_xml, without_delay_of
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Append, DeleteEntries, Entry, NewEntry, Selection, Storage, StorageError

STORE: Final = "component_queue"
PAGE: Final = 100
RETRY_S: Final = 1.0
SETTLE_S: Final = 10.0
"""How long after it was taken a message may still be on its way to the disk."""


class ComponentQueue:
    """The messages that wait for one component."""

    _log = Logger()

    def __init__(
        self,
        host: Host,
        storage: Storage,
        timers: Timers,
        now: Callable[[], float],
        new_id: Callable[[int], str],
    ):
        """*host* is the component's domain; *now* is wall time, *new_id* gives unguessable text."""
        self._host = host
        self.name = host.name
        self._storage = storage
        self._timers = timers
        self._now = now
        self._new_id = new_id
        self._usage: tuple[int, int] | None = None
        """How many wait, and their bytes; None: to be counted."""
        self._written: dict[str, int] = {}
        """The bytes of messages that were written, and are not known to be read, by their ids."""
        self._recent: dict[str, float] = {}
        """Ids of messages that were taken lately and may not be on disk yet, with the time."""
        self._coming = 0
        """How many messages are here that wait until it is counted what waits."""

    @property
    def messages(self) -> int | None:
        """How many wait; None where that was not asked for yet."""
        return None if self._usage is None else self._usage[0]

    def keep(self, traffic: Traffic) -> Taken:
        """Keep a message, in its sender's transaction; waits where they are to be counted first.

        `StanzaError` resource-constraint where too many wait, or they cannot be counted.
        """
        if self._usage is None:
            self._coming += 1
            return self.count().addCallback(lambda _: self._waits(traffic)).addBoth(self._came)
        return self._waits(traffic)

    def write(self, traffic: Traffic, reading: Reading) -> bool:
        """Keep a message, and send it at once to who is connected and has got all before it."""
        id, size_bytes = self._keep(traffic)
        self._written[id] = size_bytes
        reading.write(id, traffic.stanza)
        return True

    def read(self, ids: list[str]) -> None:
        """Forget messages that were written: the component has read them."""
        sizes = [self._written.pop(id, 0) for id in ids]
        for id in ids:
            self._recent.pop(id, None)
        self._gone(len(ids), sum(sizes))
        self._storage.submit([DeleteEntries(STORE, self.name, ids=tuple(ids))], self._forgotten)

    def _forgotten(self, error: StorageError | None) -> None:
        if error is not None:
            self._log.warn("What {name} has read comes again: {error}", name=self.name, error=str(error))

    def _came(self, result: object) -> object:
        self._coming -= 1
        return result

    @deferred
    async def count(self) -> None:
        """Count what waits, unless it is known; waits for the storage, `StanzaError` where that fails."""
        if self._usage is not None:
            return
        messages = size_bytes = after = 0
        try:
            while entries := await self._page(after):
                messages += len(entries)
                size_bytes += sum(len(entry.stanza) for entry in entries)
                after = entries[-1].seq
        except StorageError as error:
            raise StanzaError("resource-constraint", type="wait") from error
        if self._usage is None:
            self._usage = (messages, size_bytes)

    @deferred
    async def give(self, reading: Reading) -> None:
        """Give a component all that it has not read; fires when that is nothing any more, or it is gone.

        While the storage fails, this waits.
        """
        after = 0
        self._written.clear()
        while reading.is_there():
            try:
                entries = await self._page(after)
            except StorageError as error:
                self._log.error(
                    "What waits for {name} cannot be read: {error}", name=self.name, error=str(error)
                )
                await self._timers.wait(RETRY_S)
                continue
            if not reading.is_there():
                return
            if entries:
                after = entries[-1].seq
                await self._give(reading, entries)
            elif self._are_some_on_their_way():
                await self._timers.wait(PACE_S)
            else:
                self._usage = (0, 0)
                return

    async def _give(self, reading: Reading, entries: list[Entry]) -> None:
        for entry in entries:
            self._recent.pop(entry.id, None)
            reading.taker.send(self._late(entry))
        await reading.heard()
        while reading.is_there():  # else they may not be read, and are given again
            try:
                await self._storage.commit(DeleteEntries(STORE, self.name, up_to=entries[-1].seq))
            except StorageError as error:
                self._log.error("What was given to {name} stays: {error}", name=self.name, error=str(error))
                await self._timers.wait(RETRY_S)
            else:
                self._gone(len(entries), sum(len(entry.stanza) for entry in entries))
                return

    def _gone(self, messages: int, size_bytes: int) -> None:
        if self._usage is not None:
            self._usage = (max(0, self._usage[0] - messages), max(0, self._usage[1] - size_bytes))

    def _waits(self, traffic: Traffic) -> bool:
        self._keep(traffic)
        return True

    def _keep(self, traffic: Traffic) -> tuple[str, int]:
        """Put a message among the changes of its sender; gives its id and its bytes."""
        assert self._usage is not None
        data, limits = traffic.stanza.to_bytes(), self._host.settings.limits
        messages, size_bytes = self._usage[0] + 1, self._usage[1] + len(data)
        if messages > limits.offline_messages or size_bytes > limits.offline_bytes:
            raise StanzaError("resource-constraint", "Too much waits for this service already", type="wait")
        self._usage = (messages, size_bytes)
        id = self._new_id(9)
        entry = NewEntry(id, self._now(), traffic.sender.bare, data)
        traffic.changes.append(Append(STORE, self.name, entry))
        self._recent[id] = self._now()
        return id, len(data)

    def _late(self, entry: Entry) -> Stanza:
        stanza = without_delay_of(Stanza.parse(entry.stanza), self.name)
        return stanza.with_child(delay_xml(entry.sent_at, self.name))

    def _are_some_on_their_way(self) -> bool:
        """Whether something is here, or was taken a moment ago, and not read yet: it will be, or its commit fails."""
        oldest = self._now() - SETTLE_S
        for id in [id for id, at in self._recent.items() if at < oldest]:
            del self._recent[id]
        return bool(self._recent) or self._coming > 0

    def _page(self, after: int) -> Deferred[list[Entry]]:
        return self._storage.read(STORE, self.name, Selection(after=after), limit=PAGE, is_fresh=True)
