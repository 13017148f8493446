"""Files of a folder as bodies: those of the web client, and what a certificate authority asks for (RFC 8555 8.3)."""

import os
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from xmppd.core.http import FileBody, HttpError, HttpRequest, HttpResponse

ACME_PATH: Final = "/.well-known/acme-challenge/{token}"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
KINDS: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".gif": "image/gif",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
COMPRESSED: Final = ".gz"


class Folder:
    """What is served of a folder: files of known kinds, compressed where that was prepared and is wanted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Give the file that the pattern's ``file`` names; `HttpError` 404."""
        return self.file(request.parameters["file"], request)

    def file(self, name: str, request: HttpRequest) -> HttpResponse:
        """Give the file of that name, a path below the folder as `xmppd.core.http.path_parts` lets it pass."""
        kind = KINDS.get(os.path.splitext(name)[1].lower())
        if kind is None:
            raise HttpError(404)
        headers = {"Content-Type": kind, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            body = file_body(self._folder / f"{name}{COMPRESSED}")
            if body is not None:
                return HttpResponse(200, {**headers, "Content-Encoding": "gzip"}, body)
        body = file_body(self._folder / name)
        if body is None:
            raise HttpError(404)
        return HttpResponse(200, headers, body)


class AcmeChallenges:
    """What ``certbot --webroot`` and the like put into a folder for a certificate authority."""

    def __init__(self, folder: Callable[[], Path | None]) -> None:
        """*folder* gives the one that holds now: the web root, as such programs are told."""
        self._folder = folder

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Give the answer to a challenge; `HttpError` 404."""
        folder, token = self._folder(), request.parameters["token"]
        if folder is None or not _TOKEN.fullmatch(token):
            raise HttpError(404)
        body = file_body(folder / ".well-known" / "acme-challenge" / token)
        if body is None:
            raise HttpError(404)
        return HttpResponse(200, {"Content-Type": "application/octet-stream"}, body)


def file_body(path: Path) -> FileBody | None:
    """Give a regular file as a body; None where there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    etag = f"{found.st_mtime_ns:x}-{found.st_size:x}{'-gz' if path.suffix == COMPRESSED else ''}"
    return FileBody(path, found.st_size, etag, found.st_mtime)
