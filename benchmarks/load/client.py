"""What the load drives: a client that writes prepared bytes, and reads by a *script* or a callable.

A script is a generator that yields the byte strings it waits for and is resumed with the bytes up to and including
the first of them that arrived. It yields ``HANDSHAKE`` to go over to TLS.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from typing import Final

HANDSHAKE: Final = ()

Wanted = tuple[bytes, ...]
Script = Generator[Wanted, bytes, None]


def ignore(data: bytes) -> None:
    """Read and forget."""


def header(domain: str) -> bytes:
    """Give what a client's stream to *domain* begins with."""
    return (
        f"<?xml version='1.0'?><stream:stream to='{domain}' xmlns='jabber:client' "
        "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
    ).encode()


class Client(ABC):
    """One client, whatever carries its stream."""

    __slots__ = ("_buffer", "_script", "_wanted", "is_closed", "is_idle", "jid", "on_script_end", "receive")

    def __init__(self) -> None:
        self.jid = ""
        self.receive: Callable[[bytes], None] = ignore
        self.on_script_end: Callable[[], None] = _nothing
        self.is_closed = False
        self.is_idle = False
        self._buffer = b""
        self._script: Script | None = None
        self._wanted: Wanted = ()

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Write what `packed` gave."""

    def packed(self, stanza: bytes) -> bytes:
        """Give *stanza* as `write` wants it; packed ones may be joined."""
        return stanza

    def send(self, stanza: bytes) -> None:
        """Send one element."""
        self.write(self.packed(stanza))

    def begin(self, domain: str) -> Script:
        """Do what comes before the first stream."""
        yield from ()

    def open_stream(self, domain: str) -> None:
        """Send the header of a stream to *domain*, the first one or another."""
        self.send(header(domain))

    @abstractmethod
    def close(self) -> None:
        """Say goodbye and close at once."""

    def run(self, script: Script) -> None:
        """Follow a script; ``on_script_end`` is called after its last step, and input is ignored from then on."""
        self._script = script
        self._buffer = b""
        self.receive = self._feed_script
        self._step(None)

    def _feed_script(self, data: bytes) -> None:
        self._buffer += data
        while self._script is not None and self._wanted != HANDSHAKE:
            end = _first_end(self._buffer, self._wanted)
            if end < 0:
                return
            seen, self._buffer = self._buffer[:end], self._buffer[end:]
            self._step(seen)

    def _step(self, seen: bytes | None) -> None:
        script = self._script
        assert script is not None
        try:
            self._wanted = next(script) if seen is None else script.send(seen)
        except StopIteration:
            self._script = None
            self.receive = ignore
            self.on_script_end()
            return
        if self._wanted == HANDSHAKE:
            self._buffer = b""
            self._begin_tls()

    def _begin_tls(self) -> None:
        raise NotImplementedError


def counted(token: bytes, arrived: Callable[[int], None]) -> Callable[[bytes], None]:
    """Make a receiver that tells how often ``token`` came; one split over two reads counts once."""
    keep = len(token) - 1
    tail = b""

    def receive(data: bytes) -> None:
        nonlocal tail
        if tail:
            data = tail + data
        count = data.count(token)
        tail = data[-keep:]
        if count:
            arrived(count)

    return receive


def _first_end(buffer: bytes, wanted: Wanted) -> int:
    ends = [at + len(token) for token in wanted if (at := buffer.find(token)) >= 0]
    return min(ends, default=-1)


def _nothing() -> None:
    return
