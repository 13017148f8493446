"""The server's side of the control socket: lines in, commands run one at a time, lines out."""

from typing import Any
from typing import Protocol as Interface

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IPushProducer
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from xmppd.admin.control.wire import (
    ENDED,
    LEFT_OUT,
    MAX_REQUEST_BYTES,
    ControlError,
    Progress,
    Request,
    decode_request,
    encode,
    encode_error,
)
from xmppd.core.operations.declaring import Args

MAX_CONNECTIONS = 64


class Runner(Interface):
    """What runs a command by its name; see `xmppd.core.operations.running.Operations`."""

    def run(self, name: str, args: Args, progress: Progress) -> Deferred[Any]:
        """Fire with the result, fail with `ControlError`."""

    def is_endless(self, name: str) -> bool:
        """Whether a command goes on until who asked goes away."""


@implementer(IPushProducer)
class ControlProtocol(Protocol):
    """One administrator's connection. While a command runs, nothing more is read.

    A command without an end is cancelled when the administrator says anything more, or has gone. What it has to tell
    to who does not read is left out, and counted.
    """

    _log = Logger()

    def __init__(self, runner: Runner, factory: "ControlFactory"):
        self._runner = runner
        self.factory = factory
        self._buffer = b""
        self._is_busy = False
        self._is_taking = False
        self._is_lost = False
        self._endless: Deferred[Any] | None = None
        self._is_producing = self._is_behind = False
        self._left_out = 0

    def connectionMade(self) -> None:
        """Count the connection."""
        self.factory.connections.add(self)

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Forget the connection; a command that still runs goes on, and nobody hears of its end."""
        self._is_lost = True
        self._buffer = b""
        self.factory.connections.discard(self)
        self._cancel()

    def dataReceived(self, data: bytes) -> None:
        """Take bytes; run the next command that they complete."""
        self._buffer += data
        self._cancel()
        self._next()

    def pauseProducing(self) -> None:
        """Who is told does not read."""
        self._is_behind = True

    def resumeProducing(self) -> None:
        """They read again, and hear how much they have missed."""
        self._is_behind = False
        left_out, self._left_out = self._left_out, 0
        if left_out:
            self._write(encode("progress", {LEFT_OUT: left_out}))

    def stopProducing(self) -> None:
        """They have gone."""
        self._cancel()

    def _cancel(self) -> None:
        endless, self._endless = self._endless, None
        if endless is not None:
            endless.cancel()

    def _next(self) -> None:
        if self._is_taking:
            return  # the loop below goes on by itself: many short commands must not nest
        self._is_taking = True
        try:
            self._take_lines()
        finally:
            self._is_taking = False

    def _take_lines(self) -> None:
        while not self._is_busy and not self._is_lost:
            line, newline, rest = self._buffer.partition(b"\n")
            if len(line) > MAX_REQUEST_BYTES:
                self._too_long()
                return
            if not newline:
                return
            self._buffer = rest
            self._answer(line)

    def _answer(self, line: bytes) -> None:
        try:
            request = decode_request(line)
        except ControlError as error:
            self._write(encode_error(error))
            return
        self._is_busy = True
        is_endless = self._runner.is_endless(request.command)
        if is_endless:
            self._produce(True)
        else:
            self._read(False)
        running = self._runner.run(request.command, request.args, self._progress)
        self._endless = running if is_endless else None
        running.addCallbacks(self._done, self._failed, callbackArgs=(request,), errbackArgs=(request,))
        running.addErrback(self._broken, request)

    def _progress(self, content: object) -> None:
        if self._is_behind:
            self._left_out += 1
        else:
            self._write(encode("progress", content))

    def _done(self, result: object, request: Request) -> None:
        self._log.info("Control command {command} is done", command=request.command)
        self._finish(encode("ok", result))

    def _failed(self, failure: Failure, request: Request) -> Failure | None:
        error = failure.value
        if not isinstance(error, ControlError):
            return failure
        words = "has ended" if error.id == ENDED else "is refused: {id}"
        self._log.info(f"Control command {{command}} {words}", command=request.command, id=error.id)
        self._finish(encode_error(error))
        return None

    def _broken(self, failure: Failure, request: Request) -> None:
        self._log.failure("The answer to {command} could not be written", failure, command=request.command)
        self._finish(
            encode_error(
                ControlError("internal-error", f"{request.command} has failed; see the server's log")
            )
        )

    def _finish(self, line: bytes) -> None:
        self._endless = None
        self._produce(False)
        self._write(line)
        self._is_busy = False
        self._read(True)
        self._next()

    def _too_long(self) -> None:
        self._buffer = b""
        self._write(
            encode_error(ControlError("bad-request", f"a line is longer than {MAX_REQUEST_BYTES} bytes"))
        )
        if self.transport is not None:
            self.transport.loseConnection()
        self._is_lost = True

    def _write(self, line: bytes) -> None:
        if not self._is_lost and self.transport is not None:
            self.transport.write(line)

    def _produce(self, is_on: bool) -> None:
        """Hear from the transport when too much waits to be read at the other end."""
        transport: Any = self.transport
        if self._is_lost or transport is None or is_on == self._is_producing:
            return
        self._is_producing = is_on
        if is_on:
            transport.registerProducer(self, True)
        else:
            transport.unregisterProducer()
            self._is_behind = False

    def _read(self, is_on: bool) -> None:
        """Read on, or stop reading: what a peer sends meanwhile stays in its own buffers."""
        transport: Any = (
            self.transport
        )  # a UNIX socket's transport is a push producer; ITransport does not say so
        if self._is_lost or transport is None:
            return
        if is_on:
            transport.resumeProducing()
        else:
            transport.pauseProducing()


class ControlFactory(Factory):
    """Makes a `ControlProtocol` for each connection, up to a bound."""

    noisy = False

    def __init__(self, runner: Runner):
        self._runner = runner
        self.connections: set[ControlProtocol] = set()

    def buildProtocol(self, addr: IAddress | None) -> ControlProtocol | None:
        """None, which closes the connection, where too many are open."""
        if len(self.connections) >= MAX_CONNECTIONS:
            return None
        return ControlProtocol(self._runner, self)
