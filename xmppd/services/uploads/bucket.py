"""Files that lie in a bucket of an S3-compatible store: clients put them there and fetch them there, by addresses that
hold for a few minutes. No byte of a file comes through this server.

An object is called as the file's id. What it is served as stands in the address that fetches it, and is signed with it.
"""

from collections.abc import Callable
from typing import Final

from xmppd.core.elsewhere import AskWeb, Unavailable
from xmppd.services.uploads.content import BYTES
from xmppd.services.uploads.signature import Credentials, presigned
from xmppd.services.uploads.upload import Upload

FETCH_S: Final = 900
"""So long somebody may take to begin with a file, or to go on with it."""
ASK_S: Final = 60
_GONE: Final = frozenset({200, 202, 204, 404})
_THERE, _NOT_THERE = 200, 404


class Bucket:
    """One bucket, by the address of its objects."""

    def __init__(
        self, url: str, credentials: Callable[[], Credentials], now: Callable[[], float], ask: AskWeb
    ) -> None:
        """*credentials* may raise OSError."""
        self._url = url.rstrip("/")
        self._credentials = credentials
        self._now = now
        self._ask = ask

    def put_url(self, upload: Upload, holds_s: float) -> str:
        """Give where a file of exactly its size is put. OSError."""
        headers = {"content-length": str(upload.size)}
        return self._signed("PUT", upload.id, int(holds_s), headers)

    def get_url(self, upload: Upload, content_type: str, disposition: str, cache: str) -> str:
        """Give where it is fetched, as what it is said to be. OSError."""
        query = {
            "response-content-type": content_type or BYTES,
            "response-content-disposition": disposition,
            "response-cache-control": cache,
        }
        return self._signed("GET", upload.id, FETCH_S, query=query)

    def is_there(self, id: str) -> bool:
        """Whether there is such an object. Waits, for a thread; OSError where the store does not say."""
        status = self._answer("HEAD", id)
        if status not in (_THERE, _NOT_THERE):
            raise OSError(f"the store of uploads answers with status {status}")
        return status == _THERE

    def lift(self, id: str) -> None:
        """Remove an object; one that is not there is passed over. Waits, for a thread; OSError."""
        status = self._answer("DELETE", id)
        if status not in _GONE:
            raise OSError(f"the store of uploads answers with status {status}")

    def drop(self, id: str) -> None:
        """It is gone already."""

    def _answer(self, method: str, id: str) -> int:
        try:
            return self._ask(method, self._signed(method, id, ASK_S))
        except Unavailable as error:
            raise OSError(str(error)) from error

    def _signed(
        self,
        method: str,
        id: str,
        holds_s: int,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> str:
        return presigned(
            method, f"{self._url}/{id}", self._credentials(), self._now(), holds_s, headers, query
        )
