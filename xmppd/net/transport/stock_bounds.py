"""Twisted's own TCP transports, cut off once more than a limit waits for a peer that does not read."""

from twisted.internet.tcp import Client, Connection, Server

from xmppd.net.transport.output import DEFAULT_LIMITS


class _Bounded(Connection):
    """A transport with a bound."""

    write_buffer_bytes = DEFAULT_LIMITS.write_buffer_bytes

    def write(self, data: bytes) -> None:
        """Send *data*; under TLS what waits is counted as it leaves, encrypted."""
        super().write(data)  # type: ignore[no-untyped-call]  # Twisted's
        if len(self.dataBuffer) - self.offset + self._tempDataLen > self.write_buffer_bytes:
            self.abortConnection()  # type: ignore[no-untyped-call]  # Twisted's


class BoundedServer(_Bounded, Server):
    """Of a connection that came in."""


class BoundedClient(_Bounded, Client):
    """Of a connection that goes out."""
