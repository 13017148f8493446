"""TLS between servers: whose certificate is believed for which domain, and which domains a certificate covers.

RFC 9525 through ``service-identity`` (DNS-ID and SRV-ID, wildcards by the rules there, no common names), and the
xmppAddr of XEP-0178 1. Who certifies may be another for some domains (``[s2s.domains."NAME"] ca``). Where DNS says what
the certificate is (`xmppd.net.tls.dane`), that holds.
"""

from collections.abc import Callable
from pathlib import Path

from OpenSSL import SSL

from xmppd.config.s2s import SYSTEM, S2s
from xmppd.net.tls.contexts import TLSContexts
from xmppd.net.tls.dane import Pinned, is_pinned
from xmppd.net.tls.incoming import ConnectionCreator
from xmppd.net.tls.names import SERVER_SERVICES, covers, names_of
from xmppd.net.tls.peers import Connection, HasHandle, Shown


class ServersTLS:
    """What connections between servers ask of TLS: a `xmppd.net.streams.s2s.parts.PeerTLS`."""

    def __init__(self, contexts: TLSContexts, settings: Callable[[], S2s]):
        self._contexts = contexts
        self._settings = settings

    def creator_in(self, ours: str | None, theirs: str | None) -> ConnectionCreator:
        """Give what ``startTLS`` takes of a connection that came in; None where a name is not known yet."""
        settings = self._settings()
        authorities = settings.ca if theirs is None else settings.of(theirs).ca
        return self._contexts.servers_in(_file(authorities)).creator_for(ours)

    def creator_out(self, ours: str, theirs: str, *, is_direct: bool, pinned: Pinned | None = None) -> object:
        """Give what ``startTLS`` takes of a connection that goes out."""
        contexts = self._contexts.servers_out(_file(self._settings().of(theirs).ca))
        return contexts.creator_for(ours, theirs, is_direct=is_direct, pinned=pinned)

    def covers(self, transport: HasHandle, domain: str) -> bool:
        """Whether the peer's certificate is believed and covers *domain*."""
        connection = transport.getHandle()
        if not isinstance(connection, Connection):
            return False
        if connection.pinned is not None and connection.pinned.domain == domain:
            return connection.is_as_pinned
        if not self._is_verified(connection, domain):
            return False
        certificate = connection.get_peer_certificate(as_cryptography=True)
        return certificate is not None and covers(certificate, domain, SERVER_SERVICES)

    def is_as_pinned(self, transport: HasHandle, pinned: Pinned) -> bool:
        """Whether the peer's certificate is what DNS says at one target, whoever has begun the connection."""
        connection = transport.getHandle()
        return isinstance(connection, Connection) and is_pinned(
            connection, pinned, self._is_verified(connection, pinned.domain)
        )

    def shown(self, transport: HasHandle) -> Shown | None:
        """Give the peer's certificate."""
        connection = transport.getHandle()
        if not isinstance(connection, SSL.Connection):
            return None
        certificate = connection.get_peer_certificate(as_cryptography=True)
        if certificate is None:
            return None
        is_pinned = isinstance(connection, Connection) and connection.is_as_pinned
        return Shown(
            names_of(certificate),
            is_pinned or (isinstance(connection, Connection) and connection.is_peer_verified),
            certificate.not_valid_after_utc.timestamp(),
            connection.get_protocol_version_name(),
            is_pinned,
        )

    def _is_verified(self, connection: Connection, domain: str) -> bool:
        """Whether the peer's certificate is by those who certify *domain*: they may be others than of the header's."""
        return connection.is_peer_verified and connection.authorities == _file(self._settings().of(domain).ca)


def _file(authorities: Path | str | None) -> Path | None:
    return None if authorities in (None, SYSTEM) else Path(str(authorities))
