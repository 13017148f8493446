"""The head of a response: its status, its headers, and those that all responses have (RFC 9110, RFC 9112 4)."""

import re
from collections.abc import Mapping
from email.utils import formatdate

from xmppd.net.http.pages import reason_of

BLOCKS = 256
"""So many kinds of responses are remembered; most have few headers, and the same ones again and again."""
NO_BODY = frozenset({101, 204, 304})
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""What a browser shall not do with what it gets, unless a response says otherwise of itself."""
_NAME = re.compile(r"[A-Za-z0-9-]+")
_LINE_END = re.compile(r"[\r\n\0]")


class Heads:
    """Writes heads; what is the same in many of them is worded once, and the date once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._date = b""
        self._blocks: dict[tuple[tuple[str, str], ...], bytes] = {}
        self._lines: dict[int, bytes] = {}

    def check(self, headers: Mapping[str, str]) -> None:
        """Raise ValueError where one of *headers* would become several (RFC 9110 5.5)."""
        self._block(headers)

    def head(self, status: int, headers: Mapping[str, str], more: str, now: float) -> bytes:
        """Give the bytes of a head; *more* are whole lines that go with this one alone. *now* is wall time."""
        second = int(now)
        if second != self._second:
            self._second, self._date = second, f"Date: {self.date(second)}\r\n".encode()
        line = self._lines.get(status)
        if line is None:
            line = self._lines[status] = f"HTTP/1.1 {status} {reason_of(status)}\r\n".encode()
        return b"%b%b%b%b\r\n" % (line, self._date, self._block(headers), more.encode("ascii"))

    def _block(self, headers: Mapping[str, str]) -> bytes:
        """Give the lines of *headers*, and of those that all responses have."""
        key = tuple(headers.items())
        block = self._blocks.get(key)
        if block is None:
            for name, value in key:
                if not _NAME.fullmatch(name) or _LINE_END.search(value):
                    raise ValueError(f"no header: {name}: {value}")
            lines = [f"{name}: {value}\r\n" for name, value in {**_SAFE, **headers}.items() if value]
            block = "".join(lines).encode("latin-1", "replace")
            if len(self._blocks) >= BLOCKS:
                self._blocks.clear()
            self._blocks[key] = block
        return block

    @staticmethod
    def bare(status: int, headers: Mapping[str, str]) -> bytes:
        """Give a head with no more than *headers*."""
        lines = [
            f"HTTP/1.1 {status} {reason_of(status)}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    @staticmethod
    def date(moment: float) -> str:
        """Word a moment (RFC 9110 5.6.7)."""
        return formatdate(moment, usegmt=True)
