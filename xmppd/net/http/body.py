"""The body of a request on its way to whoever reads it: piece by piece, no faster than it is taken."""

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from xmppd.core.http import HttpError, RequestLost, Sink
from xmppd.net.http.brief import MAX_BYTES

HELD_BYTES = 65_536
"""What is kept of a body that nobody reads yet; then no more is read from the connection."""


class Body:
    """One body. The connection tells `came`, `ended` and `broken`; one reader takes it by `read` or `receive`."""

    def __init__(self, length: int | None, begin: Callable[[], None], pause: Callable[[bool], None]) -> None:
        """*length* in bytes, None for chunks; *begin* lets the client send; *pause* stops and starts reading."""
        self.length = length
        self._begin = begin
        self._pause = pause
        self._held: deque[bytes] = deque()
        self._held_bytes = self._size = 0
        self._sink: Sink | None = None
        self._done: Deferred[int] | None = None
        self._is_busy = self.is_paused = self._is_dropped = False
        self.is_whole = length == 0
        self._failure: Failure | None = None

    def whole(self, limit: int) -> bytes | None:
        """It is to be waited for."""
        return None

    # -- whoever reads it ---------------------------------------------------------------------------------------------

    def read(self, limit: int) -> Deferred[bytes]:
        """Give all of it, as `HttpRequest.read`."""
        if self.length is not None and self.length > limit:
            raise HttpError(413)
        memory = _Memory(limit)
        return self.receive(memory).addCallback(lambda _: memory.content())

    def receive(self, sink: Sink) -> Deferred[int]:
        """Have *sink* take it, as `HttpRequest.receive`; RuntimeError the second time."""
        if self._done is not None or self._is_dropped:
            raise RuntimeError("the body of a request is read once")
        done: Deferred[int] = Deferred()
        self._done, self._sink = done, sink
        if not self.is_whole and self._failure is None:
            self._begin()
        self._feed()
        return done

    def drop(self) -> None:
        """Nobody wants it any more: what comes is forgotten, and what is read from it fails."""
        self._is_dropped = True
        self._held.clear()
        self._sink = None
        self._set_paused(False)

    def release(self) -> None:
        """The request is over: the connection is known no more."""
        self.drop()
        self._begin, self._pause = _nothing, _nothing

    # -- the connection -----------------------------------------------------------------------------------------------

    def came(self, data: bytes) -> None:
        """The next bytes are there."""
        if self._is_dropped or self._failure is not None:
            return
        self._held.append(data)
        self._held_bytes += len(data)
        self._feed()
        if self._held_bytes > HELD_BYTES:
            self._set_paused(True)

    def ended(self) -> None:
        """That was all of it."""
        self.is_whole = True
        self._feed()

    def broken(self) -> None:
        """The rest will not come."""
        if not self.is_whole:
            self._fail(Failure(RequestLost()))

    # -- inside -------------------------------------------------------------------------------------------------------

    def _feed(self) -> None:
        while self._sink is not None and self._held and not self._is_busy:
            data = self._held.popleft()
            self._held_bytes -= len(data)
            self._size += len(data)
            try:
                taking = self._sink.write(data)
            except Exception:  # noqa: BLE001 - it goes to who reads, as what a Deferred fails with does
                self._fail(Failure())
                return
            if isinstance(taking, Deferred):
                self._is_busy = True
                taking.addCallbacks(self._taken, self._fail)
        if self._sink is not None:
            self._set_paused(self._is_busy and not self.is_whole)
        if self.is_whole and not self._held and not self._is_busy and self._sink is not None:
            self._fire(self._size)

    def _taken(self, _: object) -> None:
        self._is_busy = False
        self._feed()

    def _fail(self, failure: Failure) -> None:
        self._failure = failure
        self._is_busy = False
        self._held.clear()
        self._set_paused(False)
        self._fire(failure)

    def _fire(self, result: int | Failure) -> None:
        sink, self._sink = self._sink, None
        if sink is not None and self._done is not None:
            self._done.callback(result)

    def _set_paused(self, is_paused: bool) -> None:
        if is_paused != self.is_paused:
            self.is_paused = is_paused
            self._pause(is_paused)


class WholeBody:
    """A body that came with its head."""

    __slots__ = ("_data", "length")
    is_paused = False

    def __init__(self, data: bytes) -> None:
        self._data: bytes | None = data
        self.length: int | None = len(data)

    def whole(self, limit: int) -> bytes | None:
        """Give it; `HttpError` 413 beyond *limit* bytes, RuntimeError the second time."""
        data, self._data = self._data, None
        if data is None:
            raise RuntimeError("the body of a request is read once")
        if len(data) > limit:
            raise HttpError(413)
        return data

    def read(self, limit: int) -> Deferred[bytes]:
        """Give it, as `HttpRequest.read`."""
        data = self.whole(limit)
        assert data is not None
        return succeed(data)

    def receive(self, sink: Sink) -> Deferred[int]:
        """Have *sink* take it, as `HttpRequest.receive`."""
        data = self.whole(MAX_BYTES)
        assert data is not None
        body = Body(len(data), _nothing, _nothing)
        body.came(data)
        body.ended()
        return body.receive(sink)

    def drop(self) -> None:
        """Nobody wants it any more."""
        self._data = None

    release = drop


class _Memory:
    """A sink that keeps all, up to a limit."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Keep *data*."""
        self._left -= len(data)
        if self._left < 0:
            self._pieces.clear()
            raise HttpError(413)
        self._pieces.append(data)

    def content(self) -> bytes:
        """Give all."""
        return b"".join(self._pieces)


def _nothing(*_: object) -> None:
    """Nobody is there any more."""
