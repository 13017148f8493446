"""Where web clients of a domain connect: XEP-0156 over RFC 6415 and RFC 7033's JSON. Not covered: XEP-0487."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from xmppd.core.http import HttpRequest, HttpResponse
from xmppd.net.http.stream_parts import BOSH_PATH, WEBSOCKET_PATH

PATH = "/.well-known/host-meta"
REL_WEBSOCKET = "urn:xmpp:alt-connections:websocket"
REL_BOSH = "urn:xmpp:alt-connections:xbosh"
_XRD = """<?xml version="1.0" encoding="utf-8"?>
<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">
{links}
</XRD>
"""


@dataclass(frozen=True, slots=True)
class HostMeta:
    """What a domain says of itself."""

    has_websocket: Callable[[], bool]

    def links(self, base_url: str) -> Sequence[tuple[str, str]]:
        """Give (relation, address) of each way in."""
        bosh = (REL_BOSH, base_url + BOSH_PATH)
        websocket = (REL_WEBSOCKET, websocket_url(base_url))
        return (websocket, bosh) if self.has_websocket() else (bosh,)

    def xml(self, request: HttpRequest) -> HttpResponse:
        """Give the links as XRD; as JSON for who prefers that (RFC 6415 3)."""
        if "application/json" in request.headers.get("accept", ""):
            return self.json(request)
        links = "\n".join(
            f'  <Link rel="{rel}" href="{escape(href)}"/>' for rel, href in self.links(request.base_url)
        )
        return _response("application/xrd+xml; charset=utf-8", _XRD.format(links=links))

    def json(self, request: HttpRequest) -> HttpResponse:
        """Give the links as JRD."""
        links = [{"rel": rel, "href": href} for rel, href in self.links(request.base_url)]
        return _response("application/json", json.dumps({"links": links}) + "\n")


def websocket_url(base_url: str) -> str:
    """Give where a WebSocket begins behind *base_url*: ``ws`` for ``http``."""
    return f"ws{base_url.removeprefix('http')}{WEBSOCKET_PATH}"


def _response(kind: str, text: str) -> HttpResponse:
    return HttpResponse(200, {"Content-Type": kind, "Cache-Control": "max-age=3600"}, text.encode())
