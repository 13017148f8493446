"""What a server asks of the world to reach another one: names (RFC 6120 3.2) and connections.

Protocols, so that two servers in one test meet in memory; the real ones are `xmppd.net.dns` and `xmppd.net.dial`.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IProtocol

P = TypeVar("P", bound=IProtocol)


class Service(NamedTuple):
    """One SRV record (RFC 2782)."""

    priority: int
    """The lowest is tried first."""
    weight: int
    """Among those of one priority, one is chosen so much more often."""
    port: int
    target: str
    """A host name; "" where the domain says that it has no such service (RFC 2782, "Target")."""
    is_vouched: bool = False
    """Whether DNSSEC vouches for the record."""


class Pin(NamedTuple):
    """One TLSA record (RFC 6698 2.1): what the certificate of a service is, or of who has issued it."""

    usage: int
    selector: int
    matching: int
    data: bytes


class CannotResolve(Exception):
    """Nobody could say what a name stands for; it may be asked again later. The text is one line."""


class CannotConnect(Exception):
    """No connection to an address came about. The text is one line."""


class Resolver(Protocol):
    """What knows names. All fire with nothing where the name, or such a record of it, does not exist.

    All wait, for some seconds at most, and fail with `CannotResolve`. Names may be internationalised.
    """

    def services(self, name: str) -> Deferred[tuple[Service, ...]]:
        """Give the SRV records of *name*, as ``_xmpp-server._tcp.example.org``, in no order."""

    def addresses(self, name: str) -> Deferred[tuple[str, ...]]:
        """Give the IP addresses of a host, those of version 6 first; of an address, itself."""

    def pins(self, host: str, port: int) -> Deferred[tuple[Pin, ...]]:
        """Give the TLSA records of the service at *port* of *host* that DNSSEC vouches for (RFC 6698 3)."""


class Dial(Protocol):
    """What opens connections."""

    def __call__(
        self, address: str, port: int, protocol: Callable[[], P], *, tls: object = None
    ) -> Deferred[P]:
        """Connect to an IP address; fires with the protocol, which is connected then.

        With *tls*, what ``startTLS`` takes, TLS begins before the first byte (XEP-0368). Waits for some seconds at
        most, may be cancelled, and fails with `CannotConnect`.
        """


class NoNames:
    """The resolver of a server that reaches nobody."""

    def services(self, name: str) -> Deferred[tuple[Service, ...]]:
        """Fail."""
        return fail(CannotResolve(f"{name}: this server asks for no names"))

    def addresses(self, name: str) -> Deferred[tuple[str, ...]]:
        """Fail."""
        return fail(CannotResolve(f"{name}: this server asks for no names"))

    def pins(self, host: str, port: int) -> Deferred[tuple[Pin, ...]]:
        """Fail."""
        return fail(CannotResolve(f"{host}: this server asks for no names"))


def no_connection(address: str, port: int, protocol: Callable[[], P], *, tls: object = None) -> Deferred[P]:
    """Fail: the `Dial` of a server that reaches nobody."""
    return fail(CannotConnect(f"{address}:{port}: this server opens no connections"))
