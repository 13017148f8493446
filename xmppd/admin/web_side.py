"""The web side of a start: what stands behind the ports of HTTP, and where the chat in the browser is.

The libraries are loaded where there are ports for them; without `websockets` clients come by BOSH alone.
"""

from importlib.util import find_spec
from typing import Protocol

from twisted.logger import Logger

from xmppd.admin.running import Streams
from xmppd.config.model import Config
from xmppd.core.environment import CurrentConfiguration
from xmppd.core.parts import CoreParts
from xmppd.core.web import CHAT_FOLDER, WebAddresses
from xmppd.net.ports import HTTP, HTTPS, Behind, PortKind, Ports
from xmppd.net.streams.addresses import AddressCounter
from xmppd.net.streams.client_stream import ClientStream
from xmppd.net.streams.services import StreamServices
from xmppd.net.tls.contexts import TLSContexts

_log = Logger()


class Web(Streams, Protocol):
    """What answers by HTTP: it can end all its connections, and let go of memory."""

    def release_memory(self) -> None:
        """Take no more memory than what is there needs."""


def web_side(
    ports: Ports,
    tls: TLSContexts,
    core: CoreParts,
    streams: StreamServices[ClientStream],
    addresses: AddressCounter,
) -> tuple[dict[PortKind, Behind], tuple[Web, ...]]:
    """Give what stands behind the ports of HTTP, and what ends with them; nothing where there are none."""
    http, https = ports.addresses(HTTP), ports.addresses(HTTPS)
    if not http and not https:
        return {}, ()
    from xmppd.net.http.factory import HttpService

    core.web.bound(http, https)
    web = HttpService(core, streams, addresses, tls.http)
    if find_spec("websockets") is None:
        _log.info("WebSockets are not offered: pip install 'xmppd[web]' brings what they need")
    else:
        from xmppd.net.http.upgrade import WebSocketEndpoint

        web.offer_websocket(WebSocketEndpoint(web.streams, lambda: core.current.config.http))
    secure = Behind(web.factory(is_tls=True), tls.http.creator_for(None))
    return {HTTP: Behind(web.factory()), HTTPS: secure}, (web,)


def chat_address(config: Config, ports: Ports) -> str | None:
    """Give where the chat in the browser is; None where its files are not there."""
    web = WebAddresses(CurrentConfiguration(config))
    web.bound(ports.addresses(HTTP), ports.addresses(HTTPS))
    url = web.url(next(iter(config.hosts)))
    return f"{url}/" if url is not None and (config.data_dir / CHAT_FOLDER).is_dir() else None
