"""What Twisted's own transport lacks for a session: how much it has not sent yet, without which nobody waits for it."""

from typing import Any

from xmppd.core.session import Connection


class TwistedConnection:
    """What a session writes to where Twisted's transport is in use."""

    __slots__ = ("_transport",)

    def __init__(self, transport: Any):
        self._transport = transport

    def write(self, data: bytes) -> None:
        """Send *data*."""
        self._transport.write(data)

    def loseConnection(self) -> None:
        """Close once all has left."""
        self._transport.loseConnection()

    @property
    def unsent_bytes(self) -> int:
        """How much waits, in the transport and in the TLS over it or under it.

        Twisted says when a producer is to pause, and not how much waits; so this looks into its buffers. What it gets
        is lost when they are called otherwise one day, as the tests on both transports tell.
        """
        outer = self._transport
        if not hasattr(outer, "dataBuffer"):  # direct TLS: a protocol in a transport's place
            return _in_tls(outer) + _in_socket(outer.transport)
        return _in_socket(outer) + _in_tls(outer.protocol)  # after STARTTLS that is between the two


def connection_of(transport: Any) -> Connection:
    """What a session writes to: *transport* itself where it can say what waits."""
    connection: Connection = transport if hasattr(transport, "unsent_bytes") else TwistedConnection(transport)
    return connection


def _in_socket(transport: Any) -> int:
    size: int = len(transport.dataBuffer) - transport.offset + transport._tempDataLen
    return size


def _in_tls(protocol: Any) -> int:
    return sum(map(len, getattr(protocol, "_appSendBuffer", ())))
