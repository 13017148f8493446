"""The client's side of the control socket: blocking, and without Twisted, so that a command is quick."""

import importlib
import os
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from xmppd.admin.control.path import foreign_folder, socket_path
from xmppd.admin.control.wire import (
    MAX_ANSWER_BYTES,
    ControlError,
    Progress,
    decode_answer,
    encode_request,
    error_of,
)
from xmppd.core.operations.declaring import Args

ANSWER_TIMEOUT_S = 60.0
PATIENCE_S = 5.0
"""After so long without an answer whoever waits is told."""
_CHUNK_BYTES = 65_536


def _ignore(content: object) -> None:
    return None


class ServerNotRunning(Exception):
    """Nobody listens on the control socket."""


class Connection(Protocol):
    """Where commands are done: a running server, or the store itself."""

    def call(self, command: str, args: Args, on_progress: Progress = _ignore) -> Any:
        """Do a command and give its result; raises `ControlError`."""

    def close(self) -> None:
        """Let go."""


class ControlClient:
    """A connection to a running server; also a context manager."""

    def __init__(self, sock: socket.socket):
        self._socket = sock
        self._buffer = b""
        self._tell_patience = _tell_patience
        self._is_patient = False

    @classmethod
    def connect(cls, data_dir: Path) -> Self:
        """Reach the server of a data folder. `ServerNotRunning` where there is none, `ControlError` where it may be."""
        path = socket_path(data_dir)
        why = foreign_folder(path, data_dir)
        if why is not None:
            raise ControlError("not-private", f"the control socket {path} is not to be trusted: {why}")
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(ANSWER_TIMEOUT_S)
        try:
            sock.connect(os.fsencode(path))
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError) as error:
            sock.close()
            raise ServerNotRunning(str(path)) from error
        except OSError as error:
            sock.close()
            raise _unreachable(path, error) from error
        return cls(sock)

    def end_it(self) -> None:
        """End a command that has no end: its answer comes once it has."""
        self._send(b"\n")

    def be_patient(self) -> None:
        """Wait for ever from now on: what is asked for comes when it happens."""
        self._is_patient = True

    def call(self, command: str, args: Args, on_progress: Progress = _ignore) -> Any:
        """Send a command and wait for its result; raises `ControlError`."""
        self._send(encode_request(command, args))
        while True:
            kind, content = decode_answer(self._line())
            if kind == "ok":
                return content
            if kind == "error":
                raise error_of(content)
            on_progress(content)

    def wait_for_end(self, timeout_s: float) -> bool:
        """Wait until the server has ended; say whether it did in time."""
        self._socket.settimeout(timeout_s)
        try:
            while self._socket.recv(_CHUNK_BYTES):
                pass
        except TimeoutError:
            return False
        except OSError:
            return True
        return True

    def close(self) -> None:
        """Hang up; harmless the second time."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise _hung_up() from error

    def _line(self) -> bytes:
        received = [self._buffer]
        size = len(self._buffer)
        while b"\n" not in received[-1]:
            chunk = self._chunk()
            received.append(chunk)
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise ControlError("bad-answer", "the server's answer is too long to be one")
        line, _, self._buffer = b"".join(received).partition(b"\n")
        return line

    def _received(self) -> bytes:
        if self._is_patient:
            self._socket.settimeout(None)
            return self._socket.recv(_CHUNK_BYTES)
        self._socket.settimeout(PATIENCE_S)
        try:
            return self._socket.recv(_CHUNK_BYTES)
        except TimeoutError:
            self._tell_patience()
        self._socket.settimeout(ANSWER_TIMEOUT_S - PATIENCE_S)
        return self._socket.recv(_CHUNK_BYTES)

    def _chunk(self) -> bytes:
        try:
            chunk = self._received()
        except TimeoutError as error:
            raise ControlError(
                "no-answer", f"the server has not answered for {ANSWER_TIMEOUT_S:.0f} s; its log may say why"
            ) from error
        except OSError as error:
            raise _hung_up() from error
        if not chunk:
            raise _hung_up()
        return chunk


def _tell_patience() -> None:
    print(
        f"xmppctl: the server has not answered for {PATIENCE_S:.0f} s; waiting for up to {ANSWER_TIMEOUT_S:.0f} s",
        file=sys.stderr,
        flush=True,
    )


def _hung_up() -> ControlError:
    return ControlError("hung-up", "the server has closed the connection; its log may say why")


def _unreachable(path: Path, error: OSError) -> ControlError:
    if isinstance(error, PermissionError):
        obstacles = importlib.import_module("xmppd.config.obstacles")  # many a command has no need of it
        why = obstacles.Obstacle.of(path, error).why
        return ControlError("not-allowed", f"{why}; run xmppctl as the user that runs the server")
    return ControlError("unreachable", f"{path} cannot be reached: {error.strerror or error}")
