"""Whose pages may connect: those of this server, and of the sites that the configuration names (RFC 6454)."""

from xmppd.config.http import EVERYBODY, Http
from xmppd.core.http import HttpError
from xmppd.net.http.request import Request


def check_origin(request: Request, options: Http) -> None:
    """Raise `HttpError` 403 for a page of a site that may not connect (RFC 6455 10.2)."""
    origin = request.headers.get("origin")
    if origin is None or EVERYBODY in options.origins or origin.lower() in options.origins:
        return
    if origin.partition("://")[2].lower() == request.authority.lower():
        return
    raise HttpError(403, "Pages of that site may not connect here; the option http.origins would let them.")
