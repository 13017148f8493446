"""What a request gets that is not answered as it wants: a short page, or JSON where that is preferred."""

import json
from html import escape
from http import HTTPStatus

from xmppd.core.http import HttpError, HttpResponse

_PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto; padding: 0 1rem;
  color: #222; background: #fff }} h1 {{ font-size: 1.4rem }}
  @media (prefers-color-scheme: dark) {{ body {{ color: #ddd; background: #181818 }} }}</style>
<h1>{title}</h1>
{html}
</html>
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_USUAL = {
    400: "This request cannot be understood.",
    403: "This is not for you.",
    404: "There is nothing here.",
    405: "This cannot be done here.",
    408: "The request took too long.",
    411: "The size of what is sent must be told.",
    413: "This is too much.",
    421: "This server does not answer for that name.",
    429: "That is too often, or too many at a time. Try again later.",
    431: "The head of the request is too long.",
    500: "Something went wrong here. It is in the log.",
    501: "This server does not know how to do that.",
    503: "This does not work now. Try again later.",
}


def reason_of(status: int) -> str:
    """Give the words for a status (RFC 9110 15)."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def error_response(error: HttpError, *, is_json: bool = False) -> HttpResponse:
    """Give the response for *error*."""
    text = error.text or _USUAL.get(error.status, "")
    if is_json:
        content = {"error": {"status": error.status, "title": reason_of(error.status), "text": text}}
        body, kind = f"{json.dumps(content)}\n".encode(), "application/json"
        return HttpResponse(error.status, {**error.headers, "Content-Type": kind}, body)
    response = page(reason_of(error.status), f"<p>{escape(text)}</p>", error.status)
    return HttpResponse(error.status, {**response.headers, **error.headers}, response.body)


def page(title: str, html: str, status: int = 200) -> HttpResponse:
    """Give a short page: *title* is text, *html* what stands below it."""
    text = _PAGE.format(title=escape(title), html=html)
    kind = "text/html; charset=utf-8"
    headers = {"Content-Type": kind, "Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
    return HttpResponse(status, headers, text.encode())


def prefers_json(accept: str) -> bool:
    """Whether JSON stands before HTML in an Accept header; weights are read no closer than that (RFC 9110 12.5.1)."""
    kinds = [kind.partition(";")[0].strip().lower() for kind in accept.split(",")]
    places = {kind: place for place, kind in reversed(list(enumerate(kinds)))}
    json_at, html_at = places.get("application/json"), places.get("text/html")
    return json_at is not None and (html_at is None or json_at < html_at)
