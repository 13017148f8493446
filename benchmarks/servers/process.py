"""A server's processes: started in a session of their own, watched, ended by their numbers."""

import ctypes
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.load.login import HEADER
from benchmarks.measure import process_tree

START_LIMIT_S = 60.0
STOP_LIMIT_S = 15.0
KILL_LIMIT_S = 5.0
POLL_S = 0.002
ANSWER_LIMIT_S = 10.0
LAST_LINES = 2
SET_PARENT_DEATH_SIGNAL = 1
FIRST_PORT, LAST_PORT = 20_000, 32_000
"""Below the kernel's range for outgoing connections, so that no client's port collides."""


class StartFailed(Exception):
    """The server ended or stayed deaf; carries the end of its output."""


def free_port() -> int:
    """Find a loopback port that nobody listens on."""
    while True:
        port = random.randint(FIRST_PORT, LAST_PORT)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class ServerProcess:
    """One running server; its output goes to ``output.log`` in its folder."""

    def __init__(self, command: Sequence[str], folder: Path, environment: dict[str, str]) -> None:
        self._output = folder / "output.log"
        self._started_at = time.perf_counter()
        with self._output.open("wb") as output:
            self._popen = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 - no other thread runs here
            )
        self.pid = self._popen.pid

    def wait_for_port(self, port: int) -> float:
        """Wait until a stream is answered; give the seconds since the start."""
        self.wait_for(lambda: _answers(port))
        return time.perf_counter() - self._started_at

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so; raise StartFailed when the server ends or the time is up."""
        limit = time.monotonic() + START_LIMIT_S
        while not is_so():
            if self._popen.poll() is not None:
                raise StartFailed(f"ended with status {self._popen.returncode}: {self._last_output()}")
            if time.monotonic() > limit:
                raise StartFailed(f"not ready after {START_LIMIT_S:.0f} s: {self._last_output()}")
            time.sleep(POLL_S)

    def end(self) -> int:
        """Ask by SIGTERM and give the status; subprocess.TimeoutExpired where it does not end."""
        self._popen.terminate()
        return self._popen.wait(STOP_LIMIT_S)

    def stop(self) -> None:
        """Ask by SIGTERM, insist by SIGKILL, and raise when a process of the tree survives."""
        tree = process_tree(self.pid)
        if self._popen.poll() is None:
            self._popen.terminate()
        try:
            self._popen.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait(KILL_LIMIT_S)
        limit = time.monotonic() + KILL_LIMIT_S
        while left := [pid for pid in tree if _is_in_session(pid, self.pid)]:
            for pid in left:
                _kill(pid)
            if time.monotonic() > limit:
                raise RuntimeError(f"processes {left} cannot be ended")
            time.sleep(POLL_S)

    def last_words(self) -> str:
        """Say how the server ended by itself; nothing while it runs."""
        status = self._popen.poll()
        return "" if status is None else f"; the server ended with status {status}: {self._last_output()}"

    def _last_output(self) -> str:
        lines = self._output.read_text(errors="replace").strip().splitlines()
        return " ".join(lines[-LAST_LINES:])


def _end_with_parent() -> None:
    """Have the kernel end this process when the benchmark is killed (prctl(2), in the child before exec)."""
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _answers(port: int) -> bool:
    """Whether a stream header is answered; a port may be bound long before anybody listens to it."""
    with socket.socket() as probe:
        probe.settimeout(ANSWER_LIMIT_S)
        try:
            probe.connect(("127.0.0.1", port))
            probe.sendall(HEADER)
            return probe.recv(1) != b""
        except OSError:
            return False


def _is_in_session(pid: int, session: int) -> bool:
    try:
        return os.getsid(pid) == session
    except ProcessLookupError:
        return False


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
