"""The server's side of the control socket: lines in, commands run one at a time, lines out."""

from typing import Any
from typing import Protocol as Interface

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.admin.control.wire import (
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


class ControlProtocol(Protocol):
    """One administrator's connection. While a command runs, nothing more is read."""

    _log = Logger()

    def __init__(self, runner: Runner, factory: "ControlFactory"):
        self._runner = runner
        self.factory = factory
        self._buffer = b""
        self._is_busy = False
        self._is_taking = False
        self._is_lost = False

    def connectionMade(self) -> None:
        """Count the connection."""
        self.factory.connections.add(self)

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Forget the connection; a command that still runs goes on, and nobody hears of its end."""
        self._is_lost = True
        self._buffer = b""
        self.factory.connections.discard(self)

    def dataReceived(self, data: bytes) -> None:
        """Take bytes; run the next command that they complete."""
        self._buffer += data
        self._next()

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
        self._read(False)
        running = self._runner.run(request.command, request.args, self._progress)
        running.addCallbacks(self._done, self._failed, callbackArgs=(request,), errbackArgs=(request,))
        running.addErrback(self._broken, request)

    def _progress(self, content: object) -> None:
        self._write(encode("progress", content))

    def _done(self, result: object, request: Request) -> None:
        self._log.info("Control command {command} is done", command=request.command)
        self._finish(encode("ok", result))

    def _failed(self, failure: Failure, request: Request) -> Failure | None:
        error = failure.value
        if not isinstance(error, ControlError):
            return failure
        self._log.info("Control command {command} is refused: {id}", command=request.command, id=error.id)
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
