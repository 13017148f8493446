"""A chat in the browser: Converse, where its files are there (``xmppctl web install``).

The page is ours and has no script in it; what Converse shall do is told by a script of its own, so that the content
security policy needs no exception for scripts. Styles in elements are what Converse cannot do without.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from xmppd.core.host import Hosts
from xmppd.core.http import HttpError, HttpRequest, HttpResponse
from xmppd.core.web import CHAT_SCRIPT as SCRIPT
from xmppd.core.web import WebAddresses, hostname_of, origin_of
from xmppd.net.http.front import front_page
from xmppd.net.http.host_meta import websocket_url
from xmppd.net.http.stream_parts import BOSH_PATH

WASM: Final = "curve25519_compiled.wasm"
"""What its encryption (OMEMO) looks for at the root, whatever it is told."""
_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{host}: chat</title>
<link rel="icon" href="/chat/images/favicon.ico">
<link rel="stylesheet" href="/chat/converse.min.css">
<style>.sponsors {{ display: none }}</style>
<script src="/chat/start.js" type="module"></script>
</head>
<body class="converse-fullscreen">
<noscript><p>This chat needs JavaScript. Any XMPP client can be used as well, for example one of those at
<a href="https://xmpp.org/software/">xmpp.org</a>.</p></noscript>
</body>
</html>
"""
_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "font-src 'self' data:; "
    "img-src 'self' data: blob: {sources}; media-src 'self' data: blob: {sources}; worker-src 'self' blob:; "
    "manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; connect-src 'self' {sources}"
)


@dataclass(frozen=True, slots=True)
class WebClient:
    """The page, and what it is told."""

    folder: Path
    hosts: Hosts
    addresses: WebAddresses
    has_websocket: Callable[[], bool]

    @property
    def is_installed(self) -> bool:
        """Whether its files are there."""
        return (self.folder / SCRIPT).is_file()

    def page(self, request: HttpRequest) -> HttpResponse:
        """Give the page of the chat; one that tells of the server where the client is not installed."""
        host = self.hosts.get(request.host)
        if host is None or not host.has_accounts or not self.is_installed:
            return front_page(request)
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": _POLICY.format(sources=" ".join(self._sources(request))),
            "Cache-Control": "no-cache",
        }
        return HttpResponse(200, headers, _PAGE.format(host=escape(host.name)).encode())

    def script(self, request: HttpRequest) -> HttpResponse:
        """Give what starts Converse; `HttpError` 404 where there is no chat."""
        host = self.hosts.get(request.host)
        if host is None or not host.has_accounts:
            raise HttpError(404)
        options: dict[str, object] = {
            "allow_non_roster_messaging": True,
            "assets_path": "/chat/",
            "auto_join_on_invite": True,
            "bosh_service_url": request.base_url + BOSH_PATH,
            "allow_registration": "register" in host.modules,
            "default_domain": host.name,
            "discover_connection_methods": False,
            "muc_nickname_from_jid": True,
            "registration_domain": host.name,
            "render_media": [hostname_of(url) for url in self._urls(request)],
            "view_mode": "fullscreen",
        }
        rooms = self._rooms(host.name)
        if rooms is not None:
            options["muc_domain"] = rooms
        if self.has_websocket():
            options["websocket_url"] = websocket_url(request.base_url)
        text = f'import converse from "./{SCRIPT}";\nconverse.initialize({json.dumps(options, sort_keys=True)});\n'
        headers = {"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": "no-cache"}
        return HttpResponse(200, headers, text.encode())

    def _sources(self, request: HttpRequest) -> list[str]:
        """Where its scripts may connect and pictures may come from: this site with its WebSockets, which 'self' is not
        for all browsers, and services that have an address of their own, such as the one that takes files.

        Nothing is loaded from anywhere else, so that no stranger learns who reads a message, or where.
        """
        return [f"ws{request.base_url.removeprefix('http')}", *self._urls(request)]

    def _urls(self, request: HttpRequest) -> list[str]:
        urls = [url for host in self.hosts if (url := self.addresses.url(host.name)) is not None]
        urls += map(origin_of, self.addresses.stores.values())
        return list(dict.fromkeys((request.base_url, *urls)))

    def _rooms(self, domain: str) -> str | None:
        """The service with rooms that belongs to a domain."""
        services = [host for host in self.hosts if host.settings.module == "muc"]
        own = [
            host.name for host in services if host.settings.host == domain or host.name.endswith(f".{domain}")
        ]
        return own[0] if own else None
