"""A small web server in a thread, which answers as a test says and keeps what it was asked."""

from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import NamedTuple

from twisted.trial.unittest import SynchronousTestCase


class Asked(NamedTuple):
    """A request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Answer = tuple[int, bytes]


class SmallSite:
    """Listens on loopback, on a port of the system's choice."""

    def __init__(self, case: SynchronousTestCase, answer: Callable[[Asked], Answer]):
        """*answer* gives status and body; it is called in a thread."""
        self.asked: list[Asked] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            """Hands requests to the test."""

            def do_POST(self) -> None:
                """Answer, whatever the method."""
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = Asked(self.command, self.path, dict(self.headers), body)
                site.asked.append(request)
                status, content = answer(request)
                self.send_response(status)
                if status in (301, 302, 307):
                    self.send_header("Location", site.url + "elsewhere")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        case.addCleanup(self.stop)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}/"

    def stop(self) -> None:
        """End it; harmless the second time."""
        self._server.shutdown()
        self._server.server_close()
