"""Where the web side of each domain is reached: what is configured, else its name and the ports that are open."""

from collections.abc import Sequence
from urllib.parse import urlsplit

import idna

from xmppd.config.model import Config, is_local
from xmppd.core.environment import CurrentConfiguration

CHAT_FOLDER = "web-client"
"""What is in the data folder when the chat in the browser is installed."""
CHAT_SCRIPT = "converse.min.js"
USUAL_PORTS = {"https": 443, "http": 80}


class WebAddresses:
    """The addresses of this server in the web."""

    def __init__(self, current: CurrentConfiguration) -> None:
        self._current = current
        self._ports: dict[str, int] = {}
        self.stores: dict[str, str] = {}
        """Other web servers where files of a domain lie, by domain; the chat in the browser may load from there."""

    def bound(self, http: Sequence[tuple[str, int]], https: Sequence[tuple[str, int]]) -> None:
        """The ports are open; the configuration may have left their numbers to the system."""
        self._ports = {
            scheme: addresses[0][1] for scheme, addresses in (("https", https), ("http", http)) if addresses
        }

    @property
    def has_chat(self) -> bool:
        """Whether the chat in the browser is served at ``/`` of all domains with accounts."""
        return bool(self._ports) and (self._current.config.data_dir / CHAT_FOLDER / CHAT_SCRIPT).is_file()

    def url(self, domain: str) -> str | None:
        """Give the address of *domain*, as ``https://example.org``, without a slash; None where it is not reached.

        What is for this machine alone is reached as localhost, since not every client finds a name below that.
        """
        config = self._current.config
        configured = configured_url(config, domain)
        if configured is not None:
            return configured
        for scheme, port in self._ports.items():
            name = "localhost" if is_local(domain) else _ascii(domain)
            suffix = "" if port == USUAL_PORTS[scheme] else f":{port}"
            return f"{scheme}://{name}{suffix}"
        return None


def configured_url(config: Config, domain: str) -> str | None:
    """Give the ``external_url`` that holds for *domain*; None where there is none."""
    return config.for_domain(domain).external_url or config.http.external_url


def origin_of(url: str) -> str:
    """Give the part of a web address that says whose it is (RFC 6454 4)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def hostname_of(url: str) -> str:
    """Give the name in a web address."""
    return urlsplit(url).hostname or ""


def _ascii(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=False).decode()
    except idna.IDNAError:
        return domain
