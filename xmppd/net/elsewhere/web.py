"""HTTP for those who ask by it: one request, one answer, with a time-out; no redirects, since a secret goes along."""

from collections.abc import Mapping
from http.client import HTTPException, HTTPMessage
from typing import IO, Final, NamedTuple
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from xmppd.core.elsewhere import Unavailable

MOST_BYTES: Final = 1_048_576


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Take it as an answer."""


_OPENER: Final = build_opener(_NoRedirects)


ASK_S: Final = 10.0


def status_of(method: str, url: str) -> int:
    """Send a request without a body: `xmppd.core.elsewhere.AskWeb`."""
    return ask(url, ASK_S, {}, method=method).status


def ask(
    url: str,
    timeout_s: float,
    headers: Mapping[str, str],
    body: bytes | None = None,
    method: str | None = None,
) -> Answer:
    """GET, or POST where there is a *body*, or by another *method*; blocks. `Unavailable` where nothing comes back."""
    request = Request(url, body, {"User-Agent": "xmppd", **headers}, method=method)
    try:
        with _OPENER.open(request, timeout=timeout_s) as answer:
            return Answer(answer.status, answer.read(MOST_BYTES))
    except HTTPError as error:
        with error:
            return Answer(error.code, b"")
    except (OSError, HTTPException, ValueError) as error:
        raise Unavailable(f"{url} does not answer: {error}") from error
