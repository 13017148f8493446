"""Sharing a file as clients do: one puts it where the upload service says, the other gets it (XEP-0363 5, 6)."""

import ssl
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from xmppd.admin.selftest.client import TIMEOUT_S, Failed, TrialClient, tls_of

NS: Final = "urn:xmpp:http:upload:0"
CONTENT: Final = b"a file of xmppctl selftest"
_NAME: Final = "selftest.txt"
_TYPE: Final = "text/plain"
_BODY: Final = "{jabber:client}body"
_FINE: Final = range(200, 300)


def share(one: TrialClient, other: TrialClient, service: str) -> str:
    """Put a file, tell its address in a message, and get it; say where it was and under which TLS.

    Raises `Failed`, OSError.
    """
    put, get, headers = _slot(one, service)
    _, secured = _fetch("PUT", put, CONTENT, {**headers, "Content-Type": _TYPE})
    one.send(f"<message to={quoteattr(other.jid)} type='chat'><body>{escape(get)}</body></message>")
    other.wait(lambda stanza: any(each.text == get for each in stanza.iter(_BODY)))
    got, _ = _fetch("GET", get)
    if got != CONTENT:
        raise Failed(f"{get}: another file came back")
    parts = urlsplit(get)
    return f"{parts.scheme}://{parts.netloc}, {secured}"


def _slot(client: TrialClient, service: str) -> tuple[str, str, dict[str, str]]:
    """Give where to put the file, where to get it, and what headers go with it (XEP-0363 5)."""
    asked = f"<request xmlns='{NS}' filename='{_NAME}' size='{len(CONTENT)}' content-type='{_TYPE}'/>"
    slot = client.request(asked, service, "get")
    put, get = (next(slot.iter(f"{{{NS}}}{name}"), Element(name)) for name in ("put", "get"))
    headers = {each.get("name", ""): each.text or "" for each in put.iter(f"{{{NS}}}header")}
    return put.get("url", ""), get.get("url", ""), headers


def _fetch(
    method: str, url: str, content: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[bytes, str]:
    """Give what comes back, and which TLS it came under."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.hostname is None:
        raise Failed(f"the slot has no address to {method}: {url!r}")
    connection = _connection(parts.hostname, parts.port, is_secure=parts.scheme == "https")
    with closing(connection):
        try:
            path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
            connection.request(method, path, content, dict(headers or {}))
            secured = tls_of(connection.sock)
            answer = connection.getresponse()
            got = answer.read()
        except (OSError, HTTPException) as error:
            raise Failed(f"{method} {url}: {error}") from error
    if answer.status not in _FINE:
        raise Failed(f"{method} {url}: {answer.status} {answer.reason}")
    return got, secured


def _connection(host: str, port: int | None, *, is_secure: bool) -> HTTPConnection:
    if not is_secure:
        return HTTPConnection(host, port, timeout=TIMEOUT_S)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the check looks at certificates
    return HTTPSConnection(host, port, timeout=TIMEOUT_S, context=context)
