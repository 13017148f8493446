"""How a response is written: its head, its bytes, or a file with its conditions and ranges."""

from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.config.model import is_local
from xmppd.core.http import FileBody, HttpError, HttpResponse
from xmppd.net.http.channel import BriefExchange, Exchange
from xmppd.net.http.files import FileSender, open_at
from xmppd.net.http.heads import NO_BODY
from xmppd.net.http.parts import HttpParts
from xmppd.net.http.ranges import NoSuchRange, byte_range, precondition
from xmppd.net.http.request import Request

NOT_FOUND, PARTIAL = 404, 206
Written = Callable[[bool], None]
"""Hears that all is written, and whether it is whole: else the connection cannot go on."""


class Answering:
    """The answer to one request."""

    _log = Logger()

    def __init__(self, parts: HttpParts, exchange: Exchange | BriefExchange, written: Written) -> None:
        """*written* is called once, when all of the answer is."""
        self._parts = parts
        self._exchange = exchange
        self._way = exchange.way
        self._transport: Any = exchange.way.transport
        self._written = written
        self._sender: FileSender | None = None
        self._seen = -1

    def write(self, response: HttpResponse) -> None:
        """Write *response*, all of it but a file at once."""
        request, body = self._exchange.request, response.body
        if isinstance(body, FileBody):
            self._write_file(request, response, body)
            return
        head = self._head(request, response.status, response.headers, len(body))
        is_bare = request.method == "HEAD" or response.status in NO_BODY
        self._transport.write(head if is_bare else head + body)
        self._parts.log.answered(request, response.status, 0 if is_bare else len(body))
        self._written(True)

    def has_progress(self) -> bool:
        """Whether the client has taken anything since this was asked last."""
        sent = 0 if self._sender is None else self._sender.sent
        waiting = getattr(self._transport, "unsent_bytes", 0)
        seen, self._seen = self._seen, sent - waiting
        return self._seen != seen

    def _head(self, request: Request, status: int, headers: Mapping[str, str], size: int) -> bytes:
        more = "" if status in NO_BODY else f"Content-Length: {size}\r\n"
        if not self._way.persistent:
            more += "Connection: close\r\n"
        if request.is_https and request.host and not is_local(request.host):
            hsts_s = self._parts.site.options.hsts_s
            more += f"Strict-Transport-Security: max-age={hsts_s}\r\n" if hsts_s else ""
        return self._parts.heads.head(status, headers, more, self._parts.now())

    def _write_file(self, request: Request, response: HttpResponse, file: FileBody) -> None:
        about = {
            **response.headers,
            "ETag": f'"{file.etag}"',
            "Last-Modified": self._parts.heads.date(file.last_modified),
            "Accept-Ranges": "bytes",
        }
        status = precondition(request.headers, file.etag, file.last_modified)
        if status is not None:
            self.write(HttpResponse(status, about))
            return
        try:
            part = byte_range(request.headers, file.etag, file.last_modified, file.size)
        except NoSuchRange:
            error = HttpError(416, headers={"Content-Range": f"bytes */{file.size}"})
            self.write(self._parts.site.refusal(error, request))
            return
        start, size = (0, file.size) if part is None else part
        if part is not None:
            about["Content-Range"] = f"bytes {start}-{start + size - 1}/{file.size}"
        status = response.status if part is None else PARTIAL
        opening = self._parts.in_thread(open_at, file.path, start)
        opening.addCallbacks(self._opened, self._not_there, callbackArgs=(status, about, size))

    def _opened(self, file: BinaryIO, status: int, headers: Mapping[str, str], size: int) -> None:
        request, is_bare = self._exchange.request, self._exchange.request.method == "HEAD" or not size
        if self._exchange.is_lost:
            file.close()
            return
        self._parts.log.answered(request, status, 0 if is_bare else size)
        self._transport.write(self._head(request, status, headers, size))
        if is_bare:
            file.close()
            self._written(True)
            return
        self._sender = FileSender(file, size, self._transport.write, self._parts.in_thread, self._sent)
        self._way.registerProducer(self._sender, True)
        self._sender.resumeProducing()

    def _sent(self, is_whole: bool) -> None:
        self._way.unregisterProducer()
        self._written(is_whole)

    def _not_there(self, failure: Failure) -> None:
        error = HttpError(404) if failure.check(OSError) else HttpError(500)
        if error.status != NOT_FOUND:
            self._log.failure("A file could not be opened", failure)
        if not self._exchange.is_lost:
            self.write(self._parts.site.refusal(error, self._exchange.request))
