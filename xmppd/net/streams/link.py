"""What carries a client's stream, as the stream sees it: TCP, WebSocket or BOSH."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class Link(Protocol):
    """What a stream asks of what carries it."""

    @property
    def can_start_tls(self) -> bool:
        """Whether STARTTLS is possible and has not happened."""

    def start_tls(self, host: str) -> None:
        """Begin TLS with the certificate of *host*; a new header is expected."""

    def restart(self) -> None:
        """Expect a new stream header on the same connection."""

    def take_limits(self) -> None:
        """Take the limits that hold from now on: its stream's `element_limits`."""

    def authenticated(self) -> None:
        """The peer is authenticated: take the limits that hold now."""

    def bound(self, jid: str) -> None:
        """The client is *jid* from now on: it may put that into the ``from`` of stanzas that have none."""

    def pause(self) -> None:
        """Stop reading."""

    def resume(self) -> None:
        """Read on."""

    def go_on(self) -> None:
        """Hand over what had to wait until the last event was dealt with."""

    def drop(self) -> None:
        """Close the connection once all that was written has left."""

    def abort(self) -> None:
        """Close the connection at once."""

    def channel_bindings(self) -> Mapping[str, bytes]:
        """Give channel-binding data by type (RFC 5929, RFC 9266)."""

    def client_jids(self, host: str) -> Sequence[str]:
        """Give the bare JIDs that a verified client certificate names (XEP-0178)."""


class _Gone:
    """The link of a stream whose connection is lost: a late answer reaches nobody, and nothing keeps the old link."""

    can_start_tls = False

    def start_tls(self, host: str) -> None:
        """Too late."""

    def restart(self) -> None:
        """Too late."""

    take_limits = authenticated = pause = resume = go_on = drop = abort = restart

    def bound(self, jid: str) -> None:
        """Too late."""

    def channel_bindings(self) -> Mapping[str, bytes]:
        """There is no channel."""
        return {}

    def client_jids(self, host: str) -> Sequence[str]:
        """There is no certificate."""
        return ()


GONE = _Gone()
