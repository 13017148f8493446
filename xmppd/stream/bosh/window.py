"""The window of requests of a BOSH session: which is handled when, and which response each gets. XEP-0124, no I/O.

Rules that live here, with the section of XEP-0124 1.11:

===========================  ==========================================================================================
what comes                   what becomes of it
===========================  ==========================================================================================
the next rid                 handled, and all behind it that have come ahead (11, 14.2)
a rid ahead, in the window   waits for those before it (14.2)
a rid that was answered      the same bytes again, handled once (14.3)
a rid not answered yet       the older request gets a recoverable error, the newer one the response (14.3)
any other rid                item-not-found, and the session ends (14.2, 14.3)
a wrong or missing key       item-not-found, and the session ends (15)
requests without a pause     policy-violation, and the session ends (12, 13)
===========================  ==========================================================================================

A response leaves for the oldest request as soon as there is something to say, when more than ``hold`` wait, or when it
has waited for ``wait`` seconds; in the order of the rids (11). A session whose client has no request here for
``inactivity`` seconds, or as long as a pause it has asked for, is over (10).
"""

from dataclasses import dataclass
from hashlib import sha1
from typing import Final, Generic, NamedTuple, TypeVar

from xmppd.stream.bosh.body import Body, write_body

RID_MAX: Final = (1 << 53) - 1
"""XEP-0124 14.1."""
_SAID: Final = frozenset({"type", "pause", "{urn:xmpp:xbosh}restart"})
KEY_CHARS: Final = 128
PAST_BYTES: Final = 4_096
"""What is kept at most of the responses of a session that has ended, and of its end."""
REPEATS: Final = 8
"""So often may one request that is not answered yet be sent again (14.3)."""

T = TypeVar("T")
Responses = list[tuple[T, bytes]]
"""Requests with the bodies that they get now."""


class WindowError(Exception):
    """What the client may not do: the session ends with this terminal condition (17.2)."""

    def __init__(self, condition: str) -> None:
        super().__init__(condition)
        self.condition = condition


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed when the session began; seconds and numbers of requests."""

    wait_s: int
    hold: int
    requests: int
    inactivity_s: int
    polling_s: int
    maxpause_s: int
    is_acking: bool = False
    """Whether the client wants ``ack`` in responses."""

    @property
    def is_polling(self) -> bool:
        """Whether no request is kept waiting (13)."""
        return self.hold == 0 or self.wait_s == 0


@dataclass(slots=True)
class Request(Generic[T]):
    """One request."""

    rid: int
    token: T
    """What stands for the one who waits for the response."""
    body: Body
    came_at: float
    repeats: int = 0

    @property
    def is_poll(self) -> bool:
        """Whether it says nothing."""
        return self.body.is_empty and _SAID.isdisjoint(self.body.attrs)


class Answered(NamedTuple):
    """A response that has left: to which request, and when."""

    rid: int
    body: bytes
    at: float


class Past(NamedTuple):
    """What requests of a session get that has ended, if they come again, or were on their way (14.3, 17.2)."""

    answered: tuple[Answered, ...]
    first: int
    beyond: int
    """The requests of the window: from *first* on, and before this one."""
    body: bytes

    def response_to(self, rid: int) -> bytes | None:
        """Give the same bytes as before, or the end; None for a request that the session could not have had."""
        for answered in self.answered:
            if answered.rid == rid:
                return answered.body
        return self.body if self.first <= rid < self.beyond else None


class Window(Generic[T]):
    """The requests of one session. Times are seconds of one steady clock."""

    __slots__ = (
        "_ahead",
        "_answered",
        "_held",
        "_idle_since",
        "_is_quiet",
        "_key",
        "_next",
        "_pause_s",
        "_polled_at",
        "_report",
        "terms",
    )

    def __init__(self, terms: Terms, first: Request[T]) -> None:
        self.terms = terms
        self._next = first.rid + 1
        self._ahead: dict[int, Request[T]] = {}
        self._held = [first]
        self._answered: list[Answered] = []
        """As many as may be sent again, which are few, the latest last."""
        self._key = first.body.attrs.get("newkey")
        self._polled_at: float | None = None
        self._is_quiet = False
        self._idle_since = first.came_at
        self._pause_s: int | None = None
        self._report: tuple[int, int] | None = None

    # -- requests -----------------------------------------------------------------------------------------------------

    def receive(self, request: Request[T]) -> tuple[list[Request[T]], Responses[T]]:
        """Take a request: give those whose turn it is, in order, and the responses that leave at once.

        Raises `WindowError`; then the session is over (`end`), and *request* gets a terminal error, too.
        """
        rid = request.rid
        known = self._response_to(rid)
        if known is not None:
            return [], [(request.token, known.body)]
        if rid < self._next:
            return [], self._taken_over(request)
        if rid == self._next and not self._ahead and rid <= RID_MAX:
            self._accept(request)
            return [request], []
        is_last = "pause" in request.body.attrs or request.body.attrs.get("type") == "terminate"
        if rid >= self._next + self.terms.requests + is_last or rid > RID_MAX:
            raise WindowError("item-not-found")
        earlier = self._ahead.get(rid)
        self._ahead[rid] = request
        responses = [] if earlier is None else [(earlier.token, _RECOVERABLE)]
        return self._in_order(), responses

    def _response_to(self, rid: int) -> "Answered | None":
        for answered in self._answered:
            if answered.rid == rid:
                return answered
        return None

    def _taken_over(self, request: Request[T]) -> Responses[T]:
        """A request that was received, and is not answered yet, is sent again."""
        for held in self._held:
            if held.rid == request.rid:
                held.repeats += 1
                if held.repeats > REPEATS:
                    raise WindowError("policy-violation")
                older, held.token = held.token, request.token
                return [(older, _RECOVERABLE)]
        raise WindowError("item-not-found")

    def _in_order(self) -> list[Request[T]]:
        ready = []
        while (request := self._ahead.get(self._next)) is not None:
            self._accept(request)
            del self._ahead[request.rid]
            ready.append(request)
        return ready

    def _accept(self, request: Request[T]) -> None:
        """It is this one's turn."""
        self._check_key(request.body)
        self._check_pace(request)
        self._next += 1
        self._held.append(request)
        self._note_ack(request)
        self._pause_s = None

    def _check_key(self, body: Body) -> None:
        """XEP-0124 15.4."""
        key = body.attrs.get("key")
        if self._key is not None:
            is_right = key is not None and len(key) <= KEY_CHARS
            if not is_right or sha1((key or "").encode()).hexdigest() != self._key.lower():
                raise WindowError("item-not-found")
            self._key = key
        self._key = body.attrs.get("newkey", self._key)

    def _check_pace(self, request: Request[T]) -> None:
        """XEP-0124 12 and 13: too many at once, or empty ones one upon the other."""
        terms, last = self.terms, self._polled_at
        is_full = len(self._held) + 1 >= terms.requests
        self._polled_at = request.came_at if request.is_poll else None
        is_soon = last is not None and request.came_at - last < terms.polling_s
        if request.is_poll and is_soon and (self._is_quiet if terms.is_polling else is_full):
            raise WindowError("policy-violation")

    def _note_ack(self, request: Request[T]) -> None:
        """XEP-0124 9.2: the client has not got a response that was sent."""
        ack = request.body.number("ack")
        missing = None if ack is None else self._response_to(ack + 1)
        if missing is not None:
            self._report = (missing.rid, int((request.came_at - missing.at) * 1_000))

    # -- responses ----------------------------------------------------------------------------------------------------

    @property
    def is_held(self) -> bool:
        """Whether a request waits for its response."""
        return bool(self._held)

    def wants_answer(self, now: float) -> bool:
        """Whether the oldest request has to be answered though there is nothing to say."""
        if not self._held:
            return False
        is_late = now >= self._held[0].came_at + self.terms.wait_s
        return len(self._held) > self.terms.hold or is_late or self._report is not None

    def respond(self, payload: bytes, now: float, attrs: dict[str, str] | None = None) -> Responses[T]:
        """Answer the oldest request with *payload*; there has to be one."""
        request = self._held.pop(0)
        told = dict(attrs or {})
        received = self._next - 1
        if self.terms.is_acking and received != request.rid:
            told.setdefault("ack", str(received))
        if self._report is not None:
            told["report"], told["time"] = map(str, self._report)
            self._report = None
        body = write_body(told, payload)
        self._is_quiet = not payload
        self._remember(request, body, now)
        return [(request.token, body)]

    def paused(self, seconds: int, now: float) -> Responses[T]:
        """The client will be away so long: all requests are answered, with nothing (10)."""
        responses = [(request.token, _EMPTY) for request in self._held]
        for request in self._held[:-1]:  # the last one, which has asked for it, is not remembered
            self._remember(request, _EMPTY, now)
        self._held.clear()
        self._pause_s, self._idle_since = seconds, now
        return responses

    def past(self, body: bytes, *, is_known: bool) -> Past:
        """Give what is left once the session has ended with the terminal *body*; of large responses nothing is.

        *is_known*: the client has ended it, so that no other request is on its way.
        """
        answered = tuple(self._answered)
        if sum(len(each.body) for each in answered) > PAST_BYTES:
            answered = ()
        first = answered[0].rid if answered else self._next - 1
        return Past(answered, first, self._next + (0 if is_known else self.terms.requests), body)

    def end(self, body: bytes) -> Responses[T]:
        """The session is over: the oldest request hears so, the others get an empty response (17.2)."""
        waiting = [*self._held, *(self._ahead[rid] for rid in sorted(self._ahead))]
        self._held.clear()
        self._ahead.clear()
        return [(request.token, _EMPTY if place else body) for place, request in enumerate(waiting)]

    def _remember(self, request: Request[T], body: bytes, now: float) -> None:
        self._answered.append(Answered(request.rid, body, now))
        if len(self._answered) > self.terms.requests:
            del self._answered[0]
        self._idle_since = now

    # -- time ---------------------------------------------------------------------------------------------------------

    def due_at(self) -> float:
        """Give when something is to be done though nothing comes: an answer, or the end."""
        if self._held:
            return self._held[0].came_at + self.terms.wait_s
        return self._idle_since + (self.terms.inactivity_s if self._pause_s is None else self._pause_s)

    def is_over(self, now: float) -> bool:
        """Whether the client has been away for too long."""
        return not self._held and now >= self.due_at()


_EMPTY: Final = write_body({})
_RECOVERABLE: Final = write_body({"type": "error"})
