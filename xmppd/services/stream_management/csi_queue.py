"""What is held back from an inactive client (XEP-0352), a queue for each session; `importance` says what that is.

Rules that live here:

- what is important takes all that was held back before it along, in order, so that the client wakes once;
- a later stanza replaces the earlier one that it makes out of date, and stands where it came itself;
- too many or too much of it goes out as well: nothing but chat states is ever dropped;
- what is held back was not sent: it stands before the filter that counts (XEP-0198);
- without a connection nobody is woken: what is important joins the queue of XEP-0198 alone, the rest goes on being
  merged here, until the session is resumed; if it is not, nobody needs it.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from xmppd.core.attachment import Attachment
from xmppd.core.filters import FilterStage
from xmppd.core.session import Session
from xmppd.stanza.importance import Weight, merge_key, weight_of
from xmppd.stanza.stanza import Stanza

TAG_BYTES: Final = 200
"""What a stanza takes besides its content, about."""


class Bounds(NamedTuple):
    """How much may be held back for one session."""

    stanzas: int
    size_bytes: int


class CSIQueue:
    """The queue of one inactive session, and the filter that fills it."""

    __slots__ = (
        "_bounds",
        "_is_open",
        "_number",
        "_session",
        "_waiting",
        "is_detached",
        "on_grown",
        "size_bytes",
    )

    def __init__(self, session: Session, bounds: Bounds):
        self._session = session
        self._bounds = bounds
        self._waiting: dict[tuple[str, ...] | int, Stanza] = {}
        self.size_bytes = 0
        self._number = 0
        self._is_open = False
        self.is_detached = False
        """Whether the connection was lost since the client became inactive."""
        self.on_grown: Callable[[Session], None] | None = None
        """Told of a session without a connection that more is held back for."""

    def __len__(self) -> int:
        return len(self._waiting)

    def weight_of(self, stanza: Stanza) -> Weight:
        """Give when the client gets *stanza*, if it were sent now."""
        is_awake = self._is_open or (self.is_detached and self._session.conn is not None)
        return Weight.NOW if is_awake else weight_of(stanza, self._session.full_jid)

    def outbound(self, session: Session, x: Stanza | bytes) -> Stanza | bytes | None:
        """Let pass what is important, behind what was held back, and what is no stanza."""
        if self._is_open or isinstance(x, bytes):
            return x
        if self.is_detached and session.conn is not None:
            activate(session)  # a resumed stream begins active
            return x
        weight = weight_of(x, session.full_jid)
        if weight is Weight.LATER:
            self._hold(x)
        if weight is not Weight.NOW:
            return None
        if session.conn is not None:
            self.flush()
        return x

    def flush(self) -> None:
        """Send all that is held back, in order."""
        waiting, self._waiting, self.size_bytes = self._waiting, {}, 0
        self._is_open = True
        try:
            for stanza in waiting.values():
                self._session.send(stanza)
        finally:
            self._is_open = False

    def _hold(self, stanza: Stanza) -> None:
        self._number += 1
        key = merge_key(stanza) or self._number
        replaced = self._waiting.pop(key, None)
        if replaced is not None:
            self.size_bytes -= _size(replaced)
        self._waiting[key] = stanza
        self.size_bytes += _size(stanza)
        if len(self._waiting) > self._bounds.stanzas or self.size_bytes > self._bounds.size_bytes:
            self.flush()
        elif self.on_grown is not None:
            self.on_grown(self._session)


ATTACHED: Final = Attachment[CSIQueue]("csi")
"""Under this name an inactive session keeps its queue."""


def held_back(session: Session) -> CSIQueue | None:
    """Give the queue of a session; None where its client is active."""
    return session.attached(ATTACHED)


def deactivate(session: Session, bounds: Bounds) -> None:
    """The client has become inactive; harmless the second time."""
    if held_back(session) is None:
        held = CSIQueue(session, bounds)
        session.attach(ATTACHED, held)
        session.add_filter(FilterStage.INACTIVE, held.outbound)


def activate(session: Session) -> None:
    """The client is active: send what was held back, and hold back nothing more; harmless the second time."""
    held = held_back(session)
    if held is not None:
        session.attach(ATTACHED, None)
        session.remove_filter(held.outbound)
        held.flush()


def _size(stanza: Stanza) -> int:
    return len(stanza.inner) + TAG_BYTES
