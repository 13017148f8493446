"""Messages on their way that may never need an entry on disk: the other server may have them before that is due.

Rules that live here: a message leaves at once, and the commit of its sender's count waits for the ``<a/>`` of the other
server (XEP-0198), which is asked for soon. With that the count alone is committed, one for each sender and ``<a/>``.
Where it does not come in time, or the stream breaks, or something else of the same sender is to be committed, the entry
is written in one transaction with the count, as it is where nothing can be held. A server that answers late is not
waited for.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final

from xmppd.core.holding import Pending
from xmppd.core.session import Ledger
from xmppd.core.timers import Timer, Timers
from xmppd.services.federation.outbound import OVERHEAD_BYTES, Carrier, Item
from xmppd.services.federation.rows import Rows
from xmppd.services.federation.sent import mark_of
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Change, Decided, StorageError
from xmppd.stream.acks import MODULUS

TICK_S: Final = 0.02
"""After this time an ``<a/>`` is asked for, if that has not happened."""
TICKS: Final = 12
"""So many ticks a commit is held at most: a quarter of a second."""
PRESSED_TICKS: Final = 3
"""The same where its sender has asked for an acknowledgement, counted from then."""
PROMPT_S: Final = 0.2
"""A server whose latest answer took longer is not waited for: so much is left of the ticks behind a request."""
MOST: Final = 3_000
"""So many are held at most: they may all have to be handed to the storage in one turn."""


class HeldItem(Item):
    """A stanza that was sent, with the commit that waits: an `xmppd.core.holding.Held`."""

    __slots__ = ("commit", "count", "due", "holding", "is_gone", "ledger", "number", "stream_id")
    count: int
    due: int

    def __init__(
        self, stanza: Stanza, at: float, holding: "Holding", ledger: Ledger, stream_id: str, number: int
    ):
        """*ledger* counts what its sender sends; it is the stanza *number* of the stream *stream_id*."""
        self.stanza = stanza  # all that an item has, without a call
        self.row, self.mark, self.is_durable = "", b"", True
        self.at = at
        self.size_bytes = len(stanza.to_bytes()) + OVERHEAD_BYTES
        self.holding = holding
        self.ledger = ledger
        self.stream_id = stream_id
        self.number = number
        self.is_gone = False
        """Whether it needs no entry any more: it has arrived, or went back."""
        self.commit: Pending | None = None
        """Set while it is held; then *count* is what its ledger counts with it, *due* the tick at which that ends."""

    def hold(self, commit: Pending) -> None:
        """Hold its commit, or have it made where what it waits for has come."""
        holding = self.holding
        self.count = self.ledger.holding(holding)
        self.commit = commit
        if self.is_gone or holding.timer is None:
            holding.add(self)
        else:
            self.due = holding.ticks + TICKS
            holding.items.append(self)


class Holding:
    """The commits that one pair of domains holds: an `xmppd.core.holding.Keeper`."""

    def __init__(self, pair: tuple[str, str], rows: Rows, timers: Timers):
        self._pair = pair
        self._rows = rows
        self._timers = timers
        self._carrier: Carrier | None = None
        """What was last sent by."""
        self.timer: Timer | None = None
        """Running while something is held."""
        self.ticks = 0
        self.items: deque[HeldItem] = deque()
        """What is held, oldest first, and behind the first what is not any more. For this module, as the two above."""
        self._pressed: dict[object, int] = {}
        """So many ticks ago these have asked for an acknowledgement."""
        self._is_prompt = True
        self._is_stopped = False

    def carry(self, carrier: Carrier, stanza: Stanza, at: float, ledger: Ledger) -> HeldItem | None:
        """Send a stanza whose commit may wait; None where it may not, and then it was not sent."""
        numbered, self._carrier = carrier.numbered, carrier
        if numbered is None or not self._is_prompt or len(self.items) >= MOST or self._is_stopped:
            return None
        item = HeldItem(stanza, at, self, ledger, numbered.id, (numbered.sent + 1) % MODULUS)
        carrier.carry(item)
        return item

    def add(self, item: HeldItem) -> None:
        """Hold the commit of an item that was sent."""
        if item.is_gone:
            self.arrived((item,))
        elif self._is_stopped:
            self._write((item,))
        else:
            item.due = self.ticks + TICKS
            self.items.append(item)
            if self.timer is None:
                self.timer = self._timers.add(TICK_S, self._tick)

    def arrived(self, items: Iterable[Item]) -> None:
        """These need no entries any more; their senders' counts are committed together."""
        held = []
        for item in items:
            if type(item) is HeldItem:
                item.is_gone = True
                if item.commit is not None:
                    held.append(item)
        if self._carrier is not None:
            self._is_prompt = self._carrier.answered_in_s < PROMPT_S
        if held:
            self._rows.settle(*self._released(held))
            self._forget()

    def lost(self, items: Iterable[Item]) -> None:
        """The stream that these were sent on is gone: they wait, and that needs entries."""
        held = [item for item in items if type(item) is HeldItem]
        self._write(held)
        for item in held:
            item.stream_id = ""

    def release(self, ledger: object) -> None:
        """Something else of this sender is to be committed; see `Keeper`."""
        self._write([item for item in self.items if item.ledger is ledger])

    def press(self, ledger: object) -> None:
        """This sender waits for its ``<a/>``; see `Keeper`."""
        self._pressed.setdefault(ledger, 0)

    def release_all(self) -> None:
        """Hold nothing."""
        self._write(self.items)

    def stop(self) -> None:
        """Hold nothing any more."""
        self._is_stopped = True
        self._timers.stop(self.timer)
        self.timer = None
        self.release_all()

    def _tick(self, now: float, timer: Timer, param: None) -> float | None:
        self.ticks += 1
        if not self.items:
            self.timer = None
            self._pressed.clear()
            return None
        if self._carrier is not None:
            self._carrier.ask()
        late = [item for item in self._due() if item.commit is not None]
        if late:
            self._is_prompt = False
            self._write(late)
        if self._pressed:
            self._release_pressed()
        return TICK_S

    def _due(self) -> Iterator[HeldItem]:
        """Give what was held long enough, and forget it."""
        items = self.items
        while items and items[0].due <= self.ticks:
            yield items.popleft()

    def _forget(self) -> None:
        """Forget what is first and not held any more."""
        items = self.items
        while items and items[0].commit is None:
            items.popleft()

    def _release_pressed(self) -> None:
        """Who has waited for so long waits for the disk alone."""
        pressed = {ledger: ticks + 1 for ledger, ticks in self._pressed.items()}
        due = {ledger for ledger, ticks in pressed.items() if ticks >= PRESSED_TICKS}
        self._pressed = {ledger: ticks for ledger, ticks in pressed.items() if ledger not in due}
        if due:
            self._write([item for item in self.items if item.ledger in due])

    def _write(self, items: Iterable[HeldItem]) -> None:
        """Commit what of these is held back, and the entries, in one transaction: there may be many."""
        held = [item for item in items if item.commit is not None]
        if held:
            for item in held:
                item.mark = mark_of(item.stream_id, item.number)
            self._rows.keep(self._pair, held, *self._released(held))
            self._forget()

    def _released(self, held: Sequence[HeldItem]) -> tuple[list[Change], Decided]:
        """Hold these no more; give what is to be committed of them, entries apart, and who is told of that."""
        commits: list[Pending] = []
        changes: list[Change] = []
        counts: dict[Ledger, int] = {}
        for item in held:
            assert item.commit is not None
            commits.append(item.commit)
            changes += item.commit.changes
            counts[item.ledger] = item.count
            item.commit = None
        found = [ledger.counted(count) for ledger, count in counts.items()]
        changes += [change for change in found if change is not None]
        return changes, partial(_tell, commits)


def _tell(commits: list[Pending], error: StorageError | None) -> None:
    for each in commits:
        each.decided(error)
