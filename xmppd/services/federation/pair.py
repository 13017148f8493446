"""The way from one of our domains to one of others: a queue, which is the only way out, and a carrier or none.

======================  =============================================================================================
the pair is             a stanza
======================  =============================================================================================
open                    leaves at once; behind what waits, where the peer or the connection is slow
resting                 waits, and a carrier is looked for
looking                 waits
backing off             a message waits; all else, and all after a final failure, goes back with what failed
======================  =============================================================================================

A failed attempt sends back what is not durable, and all of it where the failure is final; a carrier that breaks sends
back nothing: what it leaves unconfirmed goes to the front of the queue. A new stanza does not shorten the wait for the
next attempt. Errors go back in a later turn, so that nobody hears of a stanza while it is still being handed over.
"""

from collections import deque
from itertools import islice
from typing import Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.core.holding import Held
from xmppd.core.session import Ledger
from xmppd.core.timers import Timer
from xmppd.services.federation.backoff import Backoff
from xmppd.services.federation.holding import Holding
from xmppd.services.federation.outbound import Carrier, Failed, Item, Numbered, Unreachable
from xmppd.services.federation.pair_parts import PairParts
from xmppd.services.federation.sent import foreseen_mark, to_be_marked
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.stanza import Stanza

SLICE: Final = 100
"""Stanzas of a queue that leave in one turn."""
JAM_BYTES: Final = 262_144
"""With so much unsent, what comes waits in the queue."""
JAM_S: Final = 0.1
SHORT_S: Final = 10.0
"""A carrier that lived shorter is a failure, and followed by a wait."""


class Pair:
    """One pair of domains; the `Sender` of its carrier."""

    _log = Logger()

    def __init__(self, ours: str, theirs: str, parts: PairParts):
        self.ours = ours
        self.theirs = theirs
        self.carrier: Carrier | None = None
        self.queue: deque[Item] = deque()
        self.size_bytes = 0
        self.holding = Holding((ours, theirs), parts.rows, parts.timers)
        self.left: Numbered | None = None
        """What an earlier carrier has left, to be resumed; it is in the queue, too."""
        self.last_failed: Failed | None = None
        self.last_used_at = self.opened_at = self.failed_at = 0.0
        """``failed_at`` is 0 where the latest attempt was none that failed."""
        self.retry_at: float | None = None
        self._parts = parts
        self._backoff = Backoff(parts.random)
        self._attempt: Deferred[Carrier] | None = None
        self._retry: Timer | None = None
        self._is_failed = False
        """Whether the latest search has come to nothing, and the next one is not due."""
        self._is_pumping = False
        self._is_numbering = False
        self._marked = 0
        """Among so many at the front are all whose rows may say which they were on an earlier stream. None leaves
        before these are numbered anew: else a crash would leave rows that say which another one was."""
        self._room_bytes = 0
        """So much may be sent before it is looked how much of it has not left."""
        self._is_stopped = False

    @property
    def next_mark(self) -> bytes:
        """What stands in the row of the stanza that comes next; nothing where there is no carrier that counts."""
        numbered = self.carrier.numbered if self.carrier is not None else None
        return b"" if numbered is None else foreseen_mark(numbered, len(self.queue))

    @property
    def state(self) -> str:
        """The row of the table above that it is in, for people."""
        if self.carrier is not None:
            return "open"
        if self._attempt is not None:
            return "looking"
        return "backing off" if self._retry is not None else "resting"

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to know of this pair."""
        return not (self.queue or self.carrier or self._attempt or self._retry)

    @property
    def is_forgettable(self) -> bool:
        """Whether it has nothing but failures to tell, so that others may have its room."""
        is_missed = self._parts.contacts.is_missed(self.ours, self.theirs)
        return not (self.queue or self.carrier or self._attempt or self.left or is_missed)

    def check(self, is_durable: bool) -> None:
        """Raise `StanzaError` where one more stanza cannot be taken."""
        if self.carrier is not None and not self.queue:
            return
        failed = self.last_failed
        if self._is_failed and failed is not None and (failed.is_final or not is_durable):
            raise StanzaError(failed.condition, failed.text)
        settings = self._parts.settings()
        if len(self.queue) >= settings.queue_stanzas or self.size_bytes >= settings.queue_bytes:
            raise StanzaError("resource-constraint", f"Too much waits for {self.theirs}", type="wait")

    def take(self, stanza: Stanza, row: str, is_durable: bool, mark: bytes = b"") -> None:
        """Send a stanza, or let it wait; `check` has let it in. *mark* is the `next_mark` that its row has."""
        carrier, item = self.carrier, Item(stanza, row, self._parts.now(), is_durable, mark)
        if carrier is None or self.queue or (self._room_bytes <= 0 and self._is_jammed(carrier)):
            self.add(item)
            self.wake()
            return
        self.last_used_at = item.at
        self._room_bytes -= item.size_bytes
        self._parts.counters.sent += 1
        carrier.carry(item)

    def hold(self, stanza: Stanza, ledger: Ledger) -> Held | None:
        """Send a message whose sender, by *ledger*, is told later that it is safe; None where it must be kept first."""
        carrier = self.carrier
        if carrier is None or self.queue or (self._room_bytes <= 0 and self._is_jammed(carrier)):
            return None
        parts = self._parts
        held = self.holding.carry(carrier, stanza, parts.now(), ledger)
        if held is not None:
            self.last_used_at = held.at
            self._room_bytes -= held.size_bytes
            parts.counters.sent += 1
        return held

    def _is_jammed(self, carrier: Carrier) -> bool:
        """Look whether so much is unsent that more has to wait; if not, see when to look again."""
        self._room_bytes = JAM_BYTES - carrier.unsent_bytes
        return self._room_bytes <= 0

    def add(self, item: Item) -> None:
        """Let *item* wait behind all others."""
        self.queue.append(item)
        self.size_bytes += item.size_bytes

    def wake(self) -> None:
        """Do what is to be done for what waits."""
        if self.carrier is not None:
            self._pump_later(0.0)
        elif self._attempt is None and self._retry is None:
            self._look()

    def retry_now(self) -> None:
        """Look for a carrier though it is not time yet, as an operator wants."""
        self._stop_retry()
        if self.carrier is None and self._attempt is None:
            self._look()

    def seen(self) -> None:
        """The other server has come to us: what waits, or comes, is not left for later."""
        self._stop_retry()
        if self.queue:
            self.wake()

    def expire(self, before: float) -> None:
        """Send back what has waited since before that time."""
        old: list[Item] = []
        while self.queue and self.queue[0].at < before:
            old.append(self._pop())
        if old:
            failed = self.last_failed or Failed(
                "remote-server-timeout", f"{self.theirs} was not reached in time"
            )
            self._bounce(old, failed)

    def rest(self) -> None:
        """Close the carrier of a pair that has had nothing to send for long."""
        carrier = self.carrier
        if carrier is not None and not self.queue and not carrier.unconfirmed:
            self.carrier = None
            carrier.close()

    def stop(self) -> None:
        """Look for nothing more; what is durable waits for the next start."""
        self._is_stopped = True
        self.holding.stop()
        self._end_attempts()

    def _end_attempts(self) -> None:
        self._stop_retry()
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.cancel()

    def cut(self, failed: Failed) -> None:
        """An operator ends the carrier, or the attempt; what waits goes back."""
        carrier, self.carrier = self.carrier, None
        self.holding.release_all()
        self._end_attempts()
        if carrier is not None:
            carrier.close()
        waiting = list(self.queue)
        self.queue.clear()
        self.size_bytes = 0
        self._bounce(waiting, failed)

    # -- what the carrier tells ---------------------------------------------------------------------------------------

    def used(self) -> None:
        """Something has come by its carrier: it is not idle."""
        self.last_used_at = self._parts.now()

    def arrived(self, items: list[Item]) -> None:
        """These have arrived, as far as that can be known."""
        self.holding.arrived(items)
        rows = [item.row for item in items if item.row]
        if rows:
            self._parts.rows.done(self.ours, self.theirs, rows)

    def resumed(self, id: str, h: int) -> bool:
        """The other server resumes the stream *id*, and has got *h* stanzas by it; whether more may go that way."""
        left = self.left
        if self.carrier is not None or self._attempt is not None or (left is not None and left.id != id):
            return False
        self.left = None
        if left is not None:
            self.confirmed(left.covered(h))
        return True

    def confirmed(self, items: list[Item]) -> None:
        """These, which an earlier carrier has left, have arrived all the same: they are not sent again."""
        gone = {id(item) for item in items}
        self.queue = deque(item for item in self.queue if id(item) not in gone)
        self.size_bytes = sum(item.size_bytes for item in self.queue)
        self.arrived(items)

    def lost(self, carrier: Carrier, items: list[Item], failed: Failed | None) -> None:
        """The carrier is gone: what is unconfirmed goes to the front, and another carrier is looked for."""
        if carrier is not self.carrier:
            return
        self.carrier = None
        if self._is_stopped:
            return
        self.holding.lost(items)
        for item in reversed(items):
            self.queue.appendleft(item)
            self.size_bytes += item.size_bytes
        if self._parts.now() - self.opened_at >= SHORT_S:
            self._backoff.reset()
            self.last_failed = failed
            if self.queue:
                self._look()
        elif self.queue:
            self._pause(
                failed or Failed("remote-server-timeout", f"The connection to {self.theirs} was lost")
            )

    # -- looking for a carrier ----------------------------------------------------------------------------------------

    def _look(self) -> None:
        parts = self._parts
        parts.counters.attempts += 1
        self._attempt = attempt = parts.open(self)
        attempt.addCallbacks(self._opened, self._not_opened)

    def _opened(self, carrier: Carrier) -> None:
        self._attempt = None
        self.carrier, self._room_bytes = carrier, 0
        self.opened_at = self.last_used_at = self._parts.now()
        self.last_failed, self.failed_at = None, 0.0
        self._stop_retry()
        self._parts.counters.opened += 1
        self._parts.contacts.reached(self.ours, self.theirs)
        self._parts.rows.flush()  # so that a crash leaves none of an earlier stream, which would seem never sent
        self._marked = max((place for place, item in enumerate(self.queue, 1) if item.mark), default=0)
        self._pump()

    def _not_opened(self, failure: Failure) -> None:
        self._attempt = None
        if failure.check(CancelledError):
            return
        if failure.check(Unreachable):
            self._failed(failure.value.failed)  # type: ignore[union-attr]  # as checked
            return
        self._log.failure("Looking for {domain} has failed", failure, domain=self.theirs)
        self._failed(Failed("internal-server-error", "The server could not do this"))

    def _failed(self, failed: Failed) -> None:
        """What cannot wait goes back, and so does all where waiting is no use; then there is a pause."""
        self._pause(failed)
        self._is_failed = True
        kept = [] if failed.is_final else [item for item in self.queue if item.is_durable]
        gone = [item for item in self.queue if failed.is_final or not item.is_durable]
        self.queue = deque(kept)
        self.size_bytes = sum(item.size_bytes for item in kept)
        self._bounce(gone, failed)
        self._parts.contacts.unreachable(self.ours, self.theirs)

    def _pause(self, failed: Failed) -> None:
        """Leave the peer alone for a while."""
        parts = self._parts
        parts.counters.failures += 1
        self.last_failed, self.failed_at = failed, parts.now()
        settings = parts.settings()
        pause = self._backoff.next_s(settings.retry_min_s, max(settings.retry_min_s, settings.retry_max_s))
        self.retry_at = parts.now() + pause
        self._retry = parts.timers.add(pause, self._retry_due)
        self._log.info(
            "{domain} is not reached from {ours}: {why}; next attempt in {pause:.0f} s",
            domain=self.theirs,
            ours=self.ours,
            why=failed.text,
            pause=pause,
        )

    def _retry_due(self, now: float, timer: object, param: None) -> None:
        self._retry = self.retry_at = None
        self._is_failed = False
        if self.queue or self._parts.contacts.is_missed(self.ours, self.theirs):
            self._look()

    def _stop_retry(self) -> None:
        if self._retry is not None:
            self._parts.timers.stop(self._retry)
        self._retry = self.retry_at = None
        self._is_failed = False

    # -- the queue ----------------------------------------------------------------------------------------------------

    def _pump_later(self, delay_s: float) -> None:
        if not self._is_pumping:
            self._is_pumping = True
            self._parts.timers.add(delay_s, self._pump_due)

    def _pump_due(self, now: float, timer: object, param: None) -> None:
        self._is_pumping = False
        self._pump()

    def _pump(self) -> None:
        carrier = self.carrier
        if carrier is None or not self.queue or self._is_numbering:
            return
        if carrier.unsent_bytes >= JAM_BYTES:
            self._pump_later(JAM_S)
            return
        numbered = carrier.numbered
        if numbered is None or not numbered.id:
            self._send_some(carrier, list(islice(self.queue, SLICE)))
            return
        first = self._marked = max(0, self._marked - SLICE)
        page = list(islice(self.queue, first, first + SLICE))
        marked = list(to_be_marked(page, numbered, first))
        some = [] if first else page
        if marked:
            self._is_numbering = True
            self._parts.rows.number(self.ours, self.theirs, marked, lambda _: self._numbered(carrier, some))
        else:
            self._send_some(carrier, some)

    def _numbered(self, carrier: Carrier, some: list[Item]) -> None:
        """Which they are on which stream is on disk: so a peer can tell after a crash of ours what it has."""
        self._is_numbering = False
        self._send_some(carrier, some if carrier is self.carrier else [])

    def _send_some(self, carrier: Carrier, some: list[Item]) -> None:
        self._room_bytes = 0
        for item in some:
            if not self.queue or self.queue[0] is not item:  # sent back meanwhile
                continue
            self._pop()
            self._parts.counters.sent += 1
            carrier.carry(item)
        self.last_used_at = self._parts.now()
        if self.queue and self.carrier is not None:
            self._pump_later(0.0)

    def _pop(self) -> Item:
        item = self.queue.popleft()
        self.size_bytes -= item.size_bytes
        return item

    def _bounce(self, items: list[Item], failed: Failed) -> None:
        if items:
            self._parts.counters.bounced += len(items)
            self._parts.timers.add(0.0, self._bounce_due, (deque(items), failed))

    def _bounce_due(self, now: float, timer: object, param: tuple[deque[Item], Failed]) -> float | None:
        """So many in a turn."""
        items, failed = param
        some = [items.popleft() for _ in range(min(SLICE, len(items)))]
        for item in some:
            self._parts.refuse(item.stanza, StanzaError(failed.condition, failed.text))
        self._parts.rows.done(self.ours, self.theirs, [item.row for item in some])
        return 0.0 if items else None
