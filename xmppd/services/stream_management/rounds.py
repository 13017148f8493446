"""What is done for many sessions at once, so that no session needs a timer of its own.

A pulse goes on as long as there is something to do: it asks for acknowledgements where a session has been quiet,
answers requests that have waited for long, and commits what needs not be durable at once, all of it in one commit: how
many volatile stanzas were handled. What a group commit has settled is answered
together, in the turn after it: one acknowledgement a session and group.
"""

from collections.abc import Callable
from typing import Final, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.core.timers import Timer, Timers
from xmppd.storage.interface import Change, Storage

PULSE_S: Final = 0.25
ASK_LATER_S: Final = (1.0, 4.0, 16.0, 64.0, 256.0, 600.0)
"""So long it takes until a client is asked again that has not acknowledged all, by the answers that acknowledged none;
the last holds for all that follow."""
LATE_PULSES: Final = 3
"""So many pulses a request waits for its commit at most: less than a second."""


class Asking(Protocol):
    """What counts what a client is sent, as the rounds see it."""

    def ask(self) -> None:
        """Ask for an acknowledgement, if one is worth asking for."""


class Answering(Protocol):
    """What counts what a client sends, as the rounds see it."""

    def answer(self) -> None:
        """Acknowledge what may be acknowledged."""

    def record(self) -> Change | None:
        """Give what keeps how much was handled; None where nothing has to be kept."""


class Counted(Asking, Answering, Protocol):
    """A session's ledger."""


class Rounds:
    """Goes round the sessions that have asked for it."""

    _log = Logger()

    def __init__(self, storage: Storage, timers: Timers):
        self._storage = storage
        self._timers = timers
        self._pulse: Timer | None = None
        self.unasked: dict[Asking, None] = {}
        """Who has `ask_soon`; where anybody has, one more may be added without a call."""
        self._quiet: dict[Asking, None] = {}
        self._later: dict[Asking, Timer] = {}
        self._owing: dict[Answering, int] = {}
        self._handled: dict[Answering, None] = {}
        self._changes: list[Change] = []
        self._soon: dict[Callable[[], None], None] = {}
        self._is_turn_due = False

    # -- in a while ---------------------------------------------------------------------------------------------------

    def ask_soon(self, ledger: Asking) -> None:
        """Ask when the session has been quiet for a moment."""
        self.unasked[ledger] = None
        if self._pulse is None:
            self._wake()

    def ask_later(self, ledger: Asking, stalls: int) -> None:
        """Ask again after a while: the longer, the more answers, *stalls*, have acknowledged nothing."""
        self._forget_later(ledger)
        delay_s = ASK_LATER_S[min(stalls, len(ASK_LATER_S) - 1)]
        self._later[ledger] = self._timers.add(delay_s, self._ask_again, ledger)

    def _ask_again(self, now: float, timer: Timer, ledger: Asking) -> None:
        del self._later[ledger]
        ledger.ask()

    def _forget_later(self, ledger: Asking) -> None:
        timer = self._later.pop(ledger, None)
        if timer is not None:
            self._timers.stop(timer)

    def owing(self, ledger: Answering) -> None:
        """A request waits for a commit; it is answered in time in any case, and again when it is `settled` later."""
        self._owing.setdefault(ledger, 0)
        self._wake()

    def handled(self, ledger: Answering) -> None:
        """A volatile stanza was handled: its count is kept when there is something else to commit."""
        self._handled[ledger] = None

    def keep_record(self, ledger: Answering) -> None:
        """Keep the count of a session in a while."""
        self._handled[ledger] = None
        self._wake()

    def keep(self, change: Change) -> None:
        """Make *change* in a while."""
        self._changes.append(change)
        self._wake()

    def left(self, ledger: Counted) -> None:
        """A session has lost its connection, or has ended: nothing is asked or answered, its count is kept."""
        self.unasked.pop(ledger, None)
        self._quiet.pop(ledger, None)
        self._owing.pop(ledger, None)
        self._forget_later(ledger)
        if ledger in self._handled:
            self._wake()

    # -- in the next turn ---------------------------------------------------------------------------------------------

    def settled(self, ledger: Answering) -> None:
        """What a request waited for is committed: answer it with all else that this group has settled."""
        self._owing.pop(ledger, None)
        self.next_turn(ledger.answer)

    def next_turn(self, call: Callable[[], None]) -> None:
        """Call *call* once when this turn of the reactor is over."""
        self._soon[call] = None
        if not self._is_turn_due:
            self._is_turn_due = True
            self._timers.add(0.0, self._turn)

    def _turn(self, now: float, timer: Timer, param: object) -> None:
        self._is_turn_due = False
        soon, self._soon = self._soon, {}
        for call in soon:
            call()

    # -- at once ------------------------------------------------------------------------------------------------------

    def commit(self, change: Change) -> Deferred[None]:
        """Commit *change* with the next group."""
        return self._storage.commit(change)

    def decided(self) -> Deferred[None]:
        """Fires when all that was committed so far is decided, whatever came of it."""
        return self._storage.commit().addErrback(lambda _: None)

    # -- the pulse ----------------------------------------------------------------------------------------------------

    def flush(self) -> Deferred[None]:
        """Commit all that waits for a pulse; fires when that is decided, whatever came of it."""
        records = [ledger.record() for ledger in self._handled]
        changes = [record for record in records if record is not None] + self._changes
        self._handled, self._changes = {}, []
        if not changes:
            return succeed(None)
        return self._storage.commit(*changes).addErrback(self._not_kept)

    def _not_kept(self, failure: Failure) -> None:
        """At worst a client sends again what was handled just before the server died."""
        self._log.warn("How much was handled could not be stored: {error}", error=str(failure.value))

    def _wake(self) -> None:
        if self._pulse is None:
            self._pulse = self._timers.add(PULSE_S, self._beat)

    def _beat(self, now: float, timer: Timer, param: object) -> float | None:
        quiet, self._quiet, self.unasked = self._quiet, self.unasked, {}
        for asking in quiet:
            asking.ask()
        for ledger, pulses in list(self._owing.items()):
            self._owing[ledger] = pulses + 1
            if pulses + 1 == LATE_PULSES:
                del self._owing[ledger]
                ledger.answer()
        self.flush()
        if self._quiet or self.unasked or self._owing:
            return PULSE_S
        self._pulse = None
        return None
