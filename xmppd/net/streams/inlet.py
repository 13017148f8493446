"""What every stream has in common on its way in, whoever is at the other end: clients, servers, components.

One event at a time, in order; no more reading while too much waits or is not committed yet; a deadline, and narrow
limits of one element, until the peer is authenticated. They are here, so that no kind of stream can forget them
(promises#before-authentication). No bytes and no sockets: events come in by `receive`, the carrier is reached through
the `Link`.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, NamedTuple, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.config.limits import Limits
from xmppd.core.commits import Commit
from xmppd.core.inlet import Acknowledger
from xmppd.core.timers import Timer, Timers
from xmppd.core.waiting import is_there
from xmppd.net.streams.limits import authenticated_limits, unauthenticated_limits
from xmppd.net.streams.link import Link
from xmppd.net.streams.uncommitted import Uncommitted
from xmppd.stanza.errors import StanzaError, StreamError
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Storage
from xmppd.stream.events import Event
from xmppd.stream.features import AnyFeature, StreamKind, StreamState
from xmppd.stream.limits import StreamLimits

LOST: Final = "connection lost"
"""Why a stream has ended, where the other end or the network has gone away."""
QUEUE_BEFORE_PAUSE: Final = 64
"""Events that may wait behind one that is being handled before the peer's connection is no longer read."""
IQS_ASIDE: Final = 64
"""IQs of a peer that may be waited for aside; one more holds the stream."""


class ByteRate(NamedTuple):
    """How much a peer may send."""

    a_second: int
    burst: int
    """What it may send at once, after it has been silent."""


UNLIMITED: Final = ByteRate(1 << 40, 1 << 40)

Answer = Commit | Deferred[Commit | None] | Deferred[None] | None
"""What handling an event comes to: None when it is dealt with, the commit of what it changed, or a Deferred."""


class StreamInlet:
    """The way in of one stream. A kind of stream derives from it, and fills in what stands under "to be filled in"."""

    __slots__ = (
        "_deadline",
        "_done",
        "_in_hand",
        "_is_draining",
        "_is_last",
        "_is_paused",
        "_is_released",
        "_queue",
        "_timers",
        "_uncommitted",
        "is_waiting",
        "link",
        "state",
    )
    kind: ClassVar[int] = StreamKind.C2S
    """A bit of `StreamKind`."""

    def __init__(
        self,
        link: Link,
        timers: Timers,
        storage: Storage,
        limits: Callable[[], Limits],
        state: int = StreamState.NONE,
    ) -> None:
        """The time for authentication begins: RFC 6120 gives none, the limit unauthenticated_timeout_s does.

        *limits* gives those of the server that hold now; *state* is what is reached from the start.
        """
        self.link = link
        self.state = state
        """Bits of `StreamState`; changed by `negotiated` and `withdrawn` alone."""
        self._timers = timers
        self._queue: deque[Event] | None = None
        self.is_waiting = False
        """Whether the next event must wait: for the one in hand, for commits, or for ever."""
        self._in_hand = False
        self._is_draining = False
        self._is_last = False
        """Whether the connection is lost, and what waits is all there will be."""
        self._is_paused = False
        self._is_released = False
        """Whether nothing that comes is taken any more."""
        self._uncommitted = Uncommitted(storage, limits)
        self._done: Deferred[None] | None = None
        self._deadline: Timer | None = None
        self.set_deadline(limits().unauthenticated_timeout_s)

    # -- to be filled in ----------------------------------------------------------------------------------------------

    @property
    def limits(self) -> Limits:
        """What holds for this stream: its host's limits, the server's until that is known."""
        raise NotImplementedError

    def acknowledger(self) -> Acknowledger | None:
        """Give who counts the stanzas that come in; None where nobody does."""
        raise NotImplementedError

    def handle(self, event: Event) -> Answer:
        """Deal with *event*; what is raised, or what a Deferred fails with, comes to `failed`."""
        raise NotImplementedError

    def failed(self, failure: Failure, event: Event) -> None:
        """*event* could not be handled."""
        raise NotImplementedError

    def too_late(self) -> None:
        """The deadline is over."""
        raise NotImplementedError

    def emptied(self) -> None:
        """All is dealt with that came before the connection was lost."""
        raise NotImplementedError

    def connection_lost(self, why: str = LOST) -> None:
        """The connection is gone, for whatever reason; *why* is for the log."""
        raise NotImplementedError

    @property
    def byte_rate(self) -> ByteRate:
        """Give how much the peer may send: no limit that anybody reaches, where a kind of stream says nothing else."""
        return UNLIMITED

    # -- what the carrier tells ---------------------------------------------------------------------------------------

    @property
    def element_limits(self) -> StreamLimits:
        """What the next first-level element may be: little, until the peer is authenticated."""
        if self.state & StreamState.AUTHENTICATED:
            return authenticated_limits(self.limits)
        return unauthenticated_limits(self.limits)

    def receive(self, event: Event) -> None:
        """Take the next event of the stream: handled now, or after those before it."""
        if self.is_waiting:
            if self._is_released:
                return
            if self._queue is None:
                self._queue = deque()
            self._queue.append(event)
            if len(self._queue) >= QUEUE_BEFORE_PAUSE:
                self._pause()
            return
        try:
            answer = self.handle(event)
        except Exception:  # noqa: BLE001 - the net of the session queue
            self.failed(Failure(), event)
            answer = None
        if answer is not None and type(answer) is not Commit:
            assert isinstance(answer, Deferred)
            if not is_there(answer):
                self._wait_for(answer, event)
                return
            answer = answer.result  # type: ignore[assignment]  # a commit or None: what it fires with
        if type(event) is Stanza:
            ledger = self.acknowledger()
            if ledger is not None:
                ledger.handled(answer is not None)
            if answer is not None and self._uncommitted.add(answer, ledger, self._roomy):  # type: ignore[arg-type]  # no Deferred any more
                self._hold_on()

    def seconds(self) -> float:
        """Give the time, on a clock that only goes forward."""
        return self._timers.seconds()

    def call_later(self, delay_s: float, call: Callable[[], None]) -> None:
        """Call once, so much later."""
        self._timers.add(delay_s, lambda now, timer, param: call())

    # -- what a kind of stream tells ----------------------------------------------------------------------------------

    def negotiated(self, feature: AnyFeature) -> None:
        """*feature* has been negotiated: what it sets is reached (RFC 6120 4.3)."""
        self.state = feature.after(self.state)

    def withdrawn(self, feature: AnyFeature) -> None:
        """What *feature* has set does not hold after all."""
        self.state = feature.without(self.state)

    def set_deadline(self, seconds: float | None) -> None:
        """Give the peer so long for what comes next; None takes the deadline away."""
        if self._deadline is not None:
            self._timers.stop(self._deadline)
        self._deadline = None if seconds is None else self._timers.add(seconds, self._rings)

    def dealt_with(self) -> Deferred[None] | None:
        """Give what fires when the event in hand is dealt with; None where there is none."""
        if not self._in_hand:
            return None
        if self._done is None:
            self._done = Deferred()
        return self._done

    def drain_and_end(self) -> None:
        """The connection is lost: what came before is dealt with, then `emptied` is called."""
        if self._queue:
            self._is_last = True
        else:
            self.emptied()

    def forget_queue(self) -> None:
        """What waits is not dealt with."""
        self._queue = None

    def take_no_more(self) -> None:
        """Nothing that waits or comes is taken any more; what is in hand is still dealt with."""
        self._queue = None
        self._is_released = self.is_waiting = True

    # -- one event at a time ------------------------------------------------------------------------------------------

    def _wait_for(self, answer: "Deferred[Any]", event: Event) -> None:
        """Nothing else is handled before *answer* fires."""
        self.is_waiting = self._in_hand = True
        answer.addErrback(self.failed, event).addCallback(self._handled, event, self.acknowledger())

    def _handled(self, commit: Commit | None, event: Event, began_with: Acknowledger | None) -> None:
        self._in_hand = False
        self.is_waiting = self._is_released or self._uncommitted.is_full
        if type(event) is Stanza:
            is_over = began_with is not None and began_with.is_over
            self._dealt_with(commit, began_with if is_over else self.acknowledger())
        done, self._done = self._done, None
        if done is not None:
            done.callback(None)
        self._drain()

    def _drain(self) -> None:
        if self._is_draining:
            return
        self._is_draining = True
        while self._queue and not self.is_waiting:
            self.receive(self._queue.popleft())
        self._is_draining = False
        if self.is_waiting:
            return
        if self._is_last:
            self.emptied()
            return
        if self._is_paused:
            self._is_paused = False
            self.link.resume()
        self.link.go_on()

    def _dealt_with(self, commit: Commit | None, ledger: Acknowledger | None) -> None:
        """A stanza has been routed: tell who counts it, and take no more where too much is not committed yet."""
        if ledger is not None:
            ledger.handled(commit is not None)
        if commit is not None and self._uncommitted.add(commit, ledger, self._roomy):
            self._hold_on()

    def _hold_on(self) -> None:
        """Take no more: too much is not committed yet."""
        self.is_waiting = True
        self._pause()

    def _roomy(self) -> None:
        """Enough is committed."""
        self.is_waiting = self._is_released or self._in_hand
        self._drain()

    def _pause(self) -> None:
        if not self._is_paused:
            self._is_paused = True
            self.link.pause()

    def _rings(self, now: float, timer: Timer, param: None) -> None:
        self._deadline = None
        self.too_late()


class Refuser(Protocol):
    """What such a stream asks of the router beside its way in."""

    @property
    def storage(self) -> Storage:
        """Where what stanzas change is committed."""

    def refuse(self, stanza: Stanza, error: StanzaError) -> None:
        """Send *error* back to the sender."""


class PeerInlet(StreamInlet):
    """The way in of a server or a component, which speaks for many: an IQ that waits does not hold the others up.

    Such an IQ counts as handled once it is routed; what it changes is answered after its commit, as ever.
    """

    __slots__ = ("_aside", "_router")
    _log = Logger()

    def __init__(
        self,
        link: Link,
        timers: Timers,
        router: Refuser,
        limits: Callable[[], Limits],
        state: int = StreamState.NONE,
    ) -> None:
        super().__init__(link, timers, router.storage, limits, state)
        self._router = router
        self._aside = 0

    # -- to be filled in ----------------------------------------------------------------------------------------------

    @property
    def who(self) -> Mapping[str, Any]:
        """Say in a line of the log whose stream it is."""
        raise NotImplementedError

    def fail(self, error: StreamError) -> None:
        """End the stream with *error* (RFC 6120 4.9)."""
        raise NotImplementedError

    # -- what went wrong ----------------------------------------------------------------------------------------------

    def failed(self, failure: Failure, event: Event) -> None:
        """A `StreamError` ends the stream; anything else is a bug, which the sender hears of."""
        error = failure.value
        if isinstance(error, StreamError):
            self.fail(error)
            return
        self._log.failure("What a server or a component sent could not be handled", failure, **self.who)
        if type(event) is Stanza:
            self._router.refuse(event, StanzaError("internal-server-error"))
        else:
            self.fail(StreamError("internal-server-error"))

    # -- IQs that wait ------------------------------------------------------------------------------------------------

    def _wait_for(self, answer: "Deferred[Any]", event: Event) -> None:
        is_iq = type(event) is Stanza and event.name == "iq"
        if not is_iq or self._aside >= IQS_ASIDE:
            super()._wait_for(answer, event)
            return
        self._aside += 1
        answer.addErrback(self.failed, event).addCallback(self._answered)
        self._dealt_with(None, self.acknowledger())

    def _answered(self, commit: Commit | None) -> None:
        """What an IQ has changed counts among what is not committed yet, like all else."""
        self._aside -= 1
        if commit is not None and self._uncommitted.add(commit, None, self._roomy):
            self._hold_on()
