"""Whether web clients find a domain, and may log in there."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.check.machine import check_text
from tests.temporary import temporary_folder
from xmppd.admin.check.machine import fetch

TEXT = '[http]\nexternal_url = "https://chat.example.org"\n[hosts."example.org"]\n'


def meta(*hrefs: str) -> bytes:
    """A host-meta with these addresses."""
    relations = ("urn:xmpp:alt-connections:websocket", "urn:xmpp:alt-connections:xbosh")
    return json.dumps(
        {"links": [{"rel": rel, "href": href} for rel, href in zip(relations, hrefs, strict=False)]}
    ).encode()


RIGHT = meta("wss://chat.example.org/xmpp-websocket", "https://chat.example.org/http-bind")


class WebTests(SynchronousTestCase):
    """``check_web``."""

    def found(self, text: str = TEXT, status: int = 200, body: bytes = RIGHT) -> list[tuple[str, str]]:
        """Give identifiers and reasons."""
        self.asked: list[str] = []

        def answer(url: str) -> tuple[int, bytes]:
            self.asked.append(url)
            if not status:
                raise OSError("connection refused")
            return status, body

        return [
            (each.id, each.why)
            for each in check_text(temporary_folder(self), text, None, "web", fetch=answer)
        ]

    def test_right(self) -> None:
        """It is asked for at the domain itself, by TLS."""
        self.assertEqual(self.found(), [])
        self.assertEqual(self.asked, ["https://example.org/.well-known/host-meta.json"])

    def test_nobody_is_to_find_it(self) -> None:
        """A domain of this machine alone, and one without a web address for others."""
        self.assertEqual(self.found(""), [])
        self.assertEqual(self.found('[hosts."example.org"]\n'), [])
        self.assertEqual(self.asked, [])

    def test_wrong(self) -> None:
        """Each is told, in words."""
        table = (
            (0, b"", "connection refused"),
            (404, b"", "get 404"),
            (200, b"<html>", "no host-meta"),
            (200, b'{"links": 1}', "no host-meta"),
            (200, b'{"links": []}', "neither a WebSocket nor BOSH"),
            (200, meta("wss://old.example.org/ws"), "leads to wss://old.example.org/ws"),
        )
        for status, body, why in table:
            ((identifier, told),) = self.found(TEXT, status, body)
            self.assertEqual(identifier, "web.host-meta")
            self.assertIn(why, told)

    def test_in_the_clear(self) -> None:
        """An address without TLS for others, in either place; and a listener that others reach."""
        own = '[hosts."example.org"]\nexternal_url = "http://chat.example.org"\n'
        for text in (TEXT.replace("https:", "http:"), own):
            self.assertIn("web.plain", [identifier for identifier, _ in self.found(text)])
        listening = self.found('[http]\nlisten = ["0.0.0.0:5280"]\n')
        self.assertEqual([identifier for identifier, _ in listening], ["web.open"])
        self.assertEqual(self.found('[http]\nexternal_url = "http://localhost:5280"\n'), [])


class Handler(BaseHTTPRequestHandler):
    """Answers with the status in the path."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(int(self.path[1:]))
        self.end_headers()
        self.wfile.write(b"x")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - of the library
        """Say nothing."""


class FetchTests(SynchronousTestCase):
    """`fetch`, by a real server."""

    def test_answers(self) -> None:
        """Whatever the status; no answer is OSError."""
        server = HTTPServer(("127.0.0.1", 0), Handler)
        self.addCleanup(server.server_close)
        Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        base = f"http://127.0.0.1:{server.server_port}"
        self.assertEqual((fetch(f"{base}/200"), fetch(f"{base}/404")), ((200, b"x"), (404, b"")))
        self.assertRaises(OSError, fetch, "http://127.0.0.1:1/")
