"""A stream to the server of a domain that asks whether a dialback key is its own: XEP-0220 2.1.2."""

from collections.abc import Callable

from xmppd.core.session import Connection
from xmppd.net.streams.s2s.initiated import InitiatedStream
from xmppd.net.streams.s2s.parts import S2SParts
from xmppd.net.streams.s2s.proving import read_dialback
from xmppd.net.streams.s2s.wire import PeerLink
from xmppd.services.federation.outbound import Failed
from xmppd.stanza import ns
from xmppd.stanza.element import Element
from xmppd.stream.dialback import ERROR, VALID, Dialback

Told = Callable[[bool | Failed], None]


class VerifyingStream(InitiatedStream):
    """Asks one question."""

    __slots__ = ("_request", "_tell", "_their_id")

    def __init__(
        self,
        link: PeerLink,
        parts: S2SParts,
        conn: Connection,
        peer: str,
        request: Dialback,
        stream_id: str,
        tell: Told,
        *,
        is_direct: bool,
    ):
        """*request* is what came on the stream *stream_id* of ours."""
        self._request = request
        self._their_id = stream_id
        self._tell = tell
        super().__init__(link, parts, conn, peer, (request.to, request.from_), is_direct=is_direct)

    def secured(self, features: Element) -> None:
        """Ask."""
        asked = Dialback("verify", self.ours, self.theirs, self._their_id, key=self._request.key)
        self.send(asked.to_bytes())

    def answered(self, element: Element) -> bool:
        """The answer, if it is about what was asked."""
        if element.ns != ns.DIALBACK or element.name != "verify":
            return False
        answer = read_dialback(element)
        about = (answer.from_, answer.to, answer.id)
        if answer.type is not None and about == (self.theirs, self.ours, self._their_id) and not self.is_told:
            self.is_told = True
            if answer.type == ERROR:
                self._tell(
                    Failed("remote-server-timeout", f"{self.theirs} cannot say whether a key is its own")
                )
            else:
                self._tell(answer.type == VALID)
            self.close(reason="the question is answered")
        return True

    def given_up(self, failed: Failed) -> None:
        """There is no answer."""
        self._tell(failed)
