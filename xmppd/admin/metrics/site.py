"""A small site for machines: ``/metrics``, ``/health/live``, ``/health/ready``. HTTP/1.1, without TLS, on a local port.

*Live* is a server whose event loop answers. *Ready* is one that lets clients in and can store what they send; one that
is not says why, with status 503, each reason on a line.
"""

from collections.abc import Callable, Sequence
from typing import Final, cast

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.http import INTERNAL_SERVER_ERROR, NOT_ALLOWED, SERVICE_UNAVAILABLE
from twisted.web.pages import errorPage, notFound
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

PLAIN: Final = b"text/plain; charset=utf-8"
TIMEOUT_S: Final = 60

Page = Callable[[str], Deferred[tuple[bytes, str]]]
"""Gives the page and its content type, by the ``Accept`` header."""


def monitoring_site(page: Page, obstacles: Callable[[], Sequence[str]]) -> Site:
    """Give the site; *obstacles* gives why the server is not ready, nothing where it is."""
    root, health = _Node(), _Node()  # type: ignore[no-untyped-call]  # Twisted's
    root.putChild(b"metrics", _Metrics(page))
    root.putChild(b"health", health)
    health.putChild(b"live", _Text(lambda: ()))
    health.putChild(b"ready", _Text(obstacles))
    return _Site(root, timeout=TIMEOUT_S)  # type: ignore[no-untyped-call]  # Twisted's


class _Site(Site):
    """Keeps no log: a scrape every few seconds is no news."""

    noisy = False
    displayTracebacks = False

    def log(self, request: http.Request) -> None:
        """Nothing."""


class _Node(Resource):
    """Something at a path, or only what is below it; what is not there, or not done, is told in a page that escapes."""

    def getChild(self, path: bytes, request: Request) -> IResource:
        """There is nothing else below."""
        return notFound()

    def render(self, request: Request) -> bytes | int:
        """Answer GET and HEAD."""
        if request.method not in (b"GET", b"HEAD"):
            request.setHeader(b"allow", b"GET, HEAD")
            page = errorPage(NOT_ALLOWED, "Method Not Allowed", "This cannot be done here.")
            return cast("bytes | int", page.render(request))
        return self.answer(request)

    def answer(self, request: Request) -> bytes | int:
        """Give the page, or `NOT_DONE_YET`."""
        return cast("bytes | int", notFound().render(request))


class _Text(_Node):
    """Says "ok", or what is in the way."""

    isLeaf = True

    def __init__(self, obstacles: Callable[[], Sequence[str]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's
        self._obstacles = obstacles

    def answer(self, request: Request) -> bytes:
        """Answer."""
        found = self._obstacles()
        request.setHeader(b"content-type", PLAIN)
        request.setHeader(b"cache-control", b"no-store")
        if found:
            request.setResponseCode(SERVICE_UNAVAILABLE)
        return "".join(f"{line}\n" for line in found or ("ok",)).encode()


class _Metrics(_Node):
    """The page of metrics."""

    isLeaf = True
    _log = Logger()

    def __init__(self, page: Page) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's
        self._page = page

    def answer(self, request: Request) -> int:
        """Answer when all is counted."""
        accept = request.getHeader("accept") or ""
        self._page(accept).addCallbacks(self._give, self._failed, (request,), errbackArgs=(request,))
        return NOT_DONE_YET

    def _give(self, answer: tuple[bytes, str], request: Request) -> None:
        if request.channel is None:
            return  # who asked is gone
        body, content_type = answer
        request.setHeader(b"content-type", content_type.encode())
        request.setHeader(b"content-length", str(len(body)).encode())
        if request.method != b"HEAD":
            request.write(body)
        request.finish()

    def _failed(self, failure: Failure, request: Request) -> None:
        self._log.failure("The metrics cannot be given", failure)
        if request.channel is not None:
            request.setResponseCode(INTERNAL_SERVER_ERROR)
            request.finish()
