"""``[http]``: web clients, and what others fetch by HTTP."""

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from xmppd.config.fields import BeforeValidator, Field, Mistake
from xmppd.config.limits import KIB, Count, Seconds
from xmppd.config.section import Address, FilePath, Listeners, Networks, Section

SCHEMES = ("http", "https")
EVERYBODY = "*"


def _url(value: object) -> object:
    """Give an address of the web without a path, as in an Origin header (RFC 6454 6.2); raises Mistake."""
    if not isinstance(value, str):
        return value
    try:
        parts = urlsplit(value)
        is_one = parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one or parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        why = "the address of a web site is wanted, without a path"
        raise Mistake("config.bad-url", why, 'write for example "https://chat.example.org"')
    return f"{parts.scheme}://{parts.netloc}".lower()


def _origin(value: object) -> object:
    return value if value == EVERYBODY else _url(value)


WebAddress = Annotated[str, BeforeValidator(_url)]
Origins = tuple[Annotated[str, BeforeValidator(_origin)], ...]
_THIS_MACHINE = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


class Http(Section):
    """``[http]``: web clients (WebSocket, BOSH), and what others fetch by HTTP."""

    listen: Listeners = (Address("127.0.0.1", 5280), Address("::1", 5280))
    """Addresses without TLS, for this machine and for a proxy in front."""
    tls_listen: Listeners = ()
    """Addresses with TLS."""
    external_url: Annotated[WebAddress | None, Field(examples=["https://chat.example.org"])] = None
    """Where all that is reached from outside, as ``"https://chat.example.org"``; without it by the names of the
    domains and the port above."""
    proxy_protocol_from: Networks = ()
    """Load balancers whose connections begin with a PROXY protocol header: addresses and networks of them."""
    trusted_proxies: Networks = _THIS_MACHINE
    """Addresses and networks of proxies; what they say of who asks is believed (RFC 7239, X-Forwarded-For)."""
    origins: Origins = ()
    """Sites whose pages may connect besides our own, as ``"https://chat.example.net"``; "*" for all."""
    acme_folder: Annotated[FilePath | None, Field(examples=["/var/www/acme"])] = None
    """The web root where a program such as certbot puts the answers to the challenges of a certificate authority."""
    access_log: bool = True
    """Whether each request is a line of the log."""
    hsts_s: Annotated[int, Field(ge=0)] = 31_536_000
    """How long browsers shall come by TLS only, once they did (RFC 6797); 0 does not tell them."""
    head_bytes: Annotated[int, Field(ge=KIB, le=64 * KIB)] = 16 * KIB
    """The head of a request: its line and its headers."""
    head_timeout_s: Seconds = 10.0
    """How long it may take from its first byte on, and the first one of a connection."""
    idle_timeout_s: Seconds = 60.0
    """How long a connection may be without a request."""
    body_timeout_s: Seconds = 20.0
    """A body of which less than body_bytes come within this time is not waited for any more."""
    body_bytes: Count = 8 * KIB
    """See body_timeout_s."""
    requests_per_connection: Count = 10_000
    """Requests on one connection; then it is closed."""
    websocket_ping_s: Seconds = 50.0
    """After this time without a byte from a client on a WebSocket it is pinged; proxies close what is silent for 60."""
    websocket_compression: bool = False
    """Whether messages on WebSockets are compressed for clients that offer it (RFC 7692)."""
    bosh_wait_s: Annotated[int, Field(ge=1, le=300)] = 60
    """How long a request over BOSH waits for something to say at most; less than proxies give an answer."""
    bosh_inactivity_s: Annotated[int, Field(ge=5, le=3_600)] = 60
    """How long a client over BOSH may have no request here before its session ends."""
    bosh_maxpause_s: Annotated[int, Field(ge=0, le=3_600)] = 120
    """The same while it has asked for a pause."""
    bosh_polling_s: Annotated[int, Field(ge=0, le=60)] = 2
    """Empty requests over BOSH may not come faster one behind the other."""
