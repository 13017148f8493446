"""The head of a response: its status, its headers, and those that all responses have (RFC 9110, RFC 9112 4)."""

import re
from collections.abc import Mapping
from email.utils import formatdate

from xmppd.core.http import HttpResponse
from xmppd.net.http.pages import reason_of

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


def checked(response: HttpResponse) -> HttpResponse:
    """Give *response*; ValueError where one of its headers would become several (RFC 9110 5.5)."""
    for name, value in response.headers.items():
        if not _NAME.fullmatch(name) or _LINE_END.search(value):
            raise ValueError(f"no header: {name}: {value}")
    return response


class Heads:
    """Writes heads; the date is worded once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._date = ""

    def head(self, status: int, headers: Mapping[str, str], now: float) -> bytes:
        """Give the bytes of a head; the headers are such as `checked` lets pass. *now* is wall time."""
        lines = [f"HTTP/1.1 {status} {reason_of(status)}", f"Date: {self._date_of(int(now))}"]
        lines += [f"{name}: {value}" for name, value in {**_SAFE, **headers}.items() if value]
        text = "\r\n".join(lines)
        return f"{text}\r\n\r\n".encode("latin-1", "replace")

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

    def _date_of(self, second: int) -> str:
        if second != self._second:
            self._second, self._date = second, self.date(second)
        return self._date
