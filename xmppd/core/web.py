"""Where the web side of each domain is reached: what is configured, else its name and the ports that are open."""

from collections.abc import Sequence
from urllib.parse import urlsplit

import idna

from xmppd.config.model import Config, is_local
from xmppd.core.environment import CurrentConfiguration

CHAT_FOLDER = "web-client"
"""What is in the data folder when the chat in the browser is installed."""
USUAL_PORTS = {"https": 443, "http": 80}


class WebAddresses:
    """The addresses of this server in the web."""

    def __init__(self, current: CurrentConfiguration) -> None:
        self._current = current
        self._ports: dict[str, int] = {}

    def bound(self, http: Sequence[tuple[str, int]], https: Sequence[tuple[str, int]]) -> None:
        """The ports are open; the configuration may have left their numbers to the system."""
        self._ports = {
            scheme: addresses[0][1] for scheme, addresses in (("https", https), ("http", http)) if addresses
        }

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


def hostname_of(url: str) -> str:
    """Give the name in a web address."""
    return urlsplit(url).hostname or ""


def _ascii(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=False).decode()
    except idna.IDNAError:
        return domain
