"""A small S3 store: it takes, gives and removes objects for whoever shows a signature that is right and holds still.

It works out signatures by itself, from the request as it has come.
"""

import calendar
import hashlib
import hmac
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, urlsplit

ACCESS_KEY, SECRET_KEY, REGION = "xmppd", "a secret/key+", "nowhere-1"
TOLD = "response-"


class Store:
    """One bucket at ``url``."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        """*now* is its clock."""
        self.now = now
        self.objects: dict[str, bytes] = {}
        self.refused: list[str] = []
        self.is_down = False
        store = self

        class Handler(_Handler):
            bucket = store

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/uploads"

    def close(self) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    bucket: Store

    def do_PUT(self) -> None:
        """Take an object."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self._may():
            self.bucket.objects[self._key()] = body
            self._answer(200)

    def do_GET(self) -> None:
        """Give an object, said to be what the address says."""
        if not self._may():
            return
        body = self.bucket.objects.get(self._key())
        if body is None:
            self._answer(404)
            return
        query = dict(parse_qsl(urlsplit(self.path).query))
        told = {name.removeprefix(TOLD): value for name, value in query.items() if name.startswith(TOLD)}
        self._answer(200, body, told)

    do_HEAD = do_GET

    def do_DELETE(self) -> None:
        """Remove it."""
        if self._may():
            self.bucket.objects.pop(self._key(), None)
            self._answer(204)

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def _key(self) -> str:
        return urlsplit(self.path).path.removeprefix("/uploads/")

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _may(self) -> bool:
        """Whether the request is as it was signed, and its time is not over."""
        if self.bucket.is_down:
            self._answer(503)
            return False
        parts = urlsplit(self.path)
        fields = dict(parse_qsl(parts.query, keep_blank_values=True))
        given = fields.pop("X-Amz-Signature", "")
        names = fields.get("X-Amz-SignedHeaders", "")
        day, scope = fields.get("X-Amz-Date", "")[:8], fields.get("X-Amz-Credential", "").partition("/")[2]
        pairs = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in fields.items())
        lines = [f"{name}:{self.headers.get(name, '')}" for name in names.split(";")]
        query = "&".join("=".join(pair) for pair in pairs)
        request = "\n".join([self.command, parts.path, query, *lines, "", names, "UNSIGNED-PAYLOAD"])
        digest = hashlib.sha256(request.encode()).hexdigest()
        to_sign = f"AWS4-HMAC-SHA256\n{fields.get('X-Amz-Date')}\n{scope}\n{digest}"
        key = b"AWS4" + SECRET_KEY.encode()
        for word in (day, REGION, "s3", "aws4_request", to_sign):
            key = hmac.new(key, word.encode(), "sha256").digest()
        is_right = hmac.compare_digest(key.hex(), given) and self.bucket.now() < _end(fields)
        if not is_right:
            self.bucket.refused.append(self.command)
            self._answer(403)
        return is_right


def _end(fields: dict[str, str]) -> float:
    moment = time.strptime(fields["X-Amz-Date"], "%Y%m%dT%H%M%SZ")
    return calendar.timegm(moment) + int(fields["X-Amz-Expires"])
