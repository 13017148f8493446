"""A stream that this server begins: header, TLS, and whether the other end is who it should be.

What it is for is filled in by `xmppd.net.streams.s2s.outgoing` (to send stanzas) and `xmppd.net.streams.s2s.verifying`
(to ask about a dialback key).
"""

from typing import Final

from twisted.internet.defer import Deferred

from xmppd.core.session import Connection
from xmppd.net.streams.header import check_content_ns
from xmppd.net.streams.s2s.distrust import distrust
from xmppd.net.streams.s2s.header import has_features
from xmppd.net.streams.s2s.parts import S2SParts
from xmppd.net.streams.s2s.stream import FRAMING, ServerStream
from xmppd.net.streams.s2s.wire import PeerLink
from xmppd.services.federation.outbound import Failed
from xmppd.stanza import ns
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StreamError
from xmppd.stream.events import StreamOpened
from xmppd.stream.features import StreamState

START_TLS: Final = Element("starttls", ns.TLS)


class InitiatedStream(ServerStream):
    """One stream from *ours* to *theirs*; tells once what became of it."""

    __slots__ = ("_is_begun", "_is_direct", "failure", "is_told")
    is_initiated = True

    def __init__(
        self,
        link: PeerLink,
        parts: S2SParts,
        conn: Connection,
        peer: str,
        pair: tuple[str, str],
        *,
        is_direct: bool,
    ):
        """*pair* is (our domain, theirs); *is_direct*: TLS has begun with the connection."""
        self._is_begun = False
        self._is_direct = is_direct
        self.failure: Failed | None = None
        """Why it ended, where we know."""
        self.is_told = False
        """Whether what it is for has come about, or cannot any more."""
        super().__init__(link, parts, conn, peer)
        self.ours, self.theirs = pair
        self.set_deadline(parts.settings().connect_timeout_s)

    # -- to be filled in ----------------------------------------------------------------------------------------------

    def secured(self, features: Element) -> Deferred[None] | None:
        """The other end is under TLS, as far as that is needed, and has shown a certificate, if that is needed."""
        raise NotImplementedError

    def given_up(self, failed: Failed) -> None:
        """It has come to nothing; called at most once."""
        raise NotImplementedError

    # -- the way there ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Write the initial header (RFC 6120 4.2)."""
        self.begin_if_needed()

    def begin_if_needed(self) -> None:
        """Write it where that has not happened."""
        if not self._is_begun and self.conn is not None:
            self._is_begun = True
            self.conn.write(FRAMING.opening("", self.ours, self.theirs, None))

    def restart(self) -> None:
        """Begin anew (RFC 6120 4.3.3)."""
        self._is_begun = False
        self.link.restart()
        self.begin_if_needed()

    def opened(self, header: StreamOpened) -> None:
        """The other end has answered, in a language that is none of its users' (RFC 6120 4.7.4)."""
        check_content_ns(header, ns.SERVER)
        self.stream_id = header.attrs.get("id", "")
        self.carrier.forget_language()
        if not has_features(header):
            self._features(
                Element("features", ns.STREAMS)
            )  # an end that has none is asked for no acknowledgements

    def element(self, element: Element) -> Deferred[None] | None:
        """One of the negotiation."""
        if element.ns == ns.STREAMS and element.name == "features":
            return self._features(element)
        if element.ns == ns.TLS and not self.state & StreamState.SECURE:
            self._tls(element)
        elif not self.answered(element):
            raise StreamError("unsupported-stanza-type")
        return None

    def answered(self, element: Element) -> bool:
        """Deal with an answer to what this kind of stream has asked; False where it has not."""
        return False

    def _features(self, features: Element) -> Deferred[None] | None:
        settings, pinned = self.parts.settings(), self.carrier.pinned
        if not self.state & StreamState.SECURE:
            if features.child("starttls", ns.TLS) is not None and self.parts.tls is not None:
                self.send(START_TLS)
                return None
            if settings.require_tls or pinned is not None:
                self.give_up(Failed("remote-server-not-found", f"{self.theirs} offers no TLS", is_final=True))
                return None
        is_needed = settings.of(self.theirs).require_certificate or pinned is not None
        if is_needed and not self.is_covered(self.theirs):
            why = distrust(self.theirs, self.shown(), pinned, self.parts.now())
            self.give_up(Failed("not-authorized", why, is_final=True))
            return None
        return self.secured(features)

    def _tls(self, element: Element) -> None:
        if element.name != "proceed" or self.parts.tls is None:
            self.give_up(Failed("remote-server-timeout", f"{self.theirs} cannot begin TLS"))
            return
        creator = self.parts.tls.creator_out(
            self.ours, self.theirs, is_direct=False, pinned=self.carrier.pinned
        )
        self.carrier.begin_tls(creator)
        self.state |= StreamState.SECURE
        self.restart()

    # -- the end ------------------------------------------------------------------------------------------------------

    def give_up(self, failed: Failed) -> None:
        """It comes to nothing, and that is why."""
        self.failure = self.failure or failed
        self.close(reason=failed.text)

    def too_late(self) -> None:
        """The other end takes too long."""
        if not self.is_ended:
            self.failure = self.failure or Failed(
                "remote-server-timeout", f"{self.theirs} does not answer in time"
            )
        super().too_late()

    def ended(self, reason: str) -> None:
        """Tell that it has come to nothing, unless all is told."""
        if not self.is_told:
            self.is_told = True
            text = f"{self.theirs} has ended the connection: {reason}"
            self.given_up(self.failure or Failed("remote-server-timeout", text))
