"""A line of the log for each request; never a path that may hold a secret, nor a query."""

from collections.abc import Callable

from twisted.logger import Logger

from xmppd.net.http.request import Request

PATH_CHARS = 100


class AccessLog:
    """Writes the lines, as long as they are wanted."""

    _log = Logger()

    def __init__(self, is_wanted: Callable[[], bool]) -> None:
        self._is_wanted = is_wanted

    def answered(self, request: Request, status: int, size: int) -> None:
        """A request was answered with so many bytes. A path that is nobody's is told as it came, cut short."""
        if request.is_frequent:
            return
        if self._is_wanted():
            self._log.info(
                "{method} {route} {status} {size}",
                method=request.method,
                route=request.path[:PATH_CHARS] if request.route is None else request.route.pattern,
                status=status,
                size=size,
                host=request.host,
                peer=request.client,
            )

    def refused(self, peer: str, status: int) -> None:
        """Something came that is no request."""
        if self._is_wanted():
            self._log.info("No request {status}", status=status, peer=peer)
