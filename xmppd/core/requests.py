"""IQ requests of our own, and the answers that may come (RFC 6120 8.2.3)."""

from collections.abc import Callable
from dataclasses import dataclass

from twisted.internet.defer import Deferred

from xmppd.core.timers import Timer, Timers
from xmppd.stanza.errors import ERROR_TYPES, STANZA_CONDITIONS, StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.ns import STANZA_ERRORS
from xmppd.stanza.stanza import Stanza

MAX_PENDING = 10_000


@dataclass(frozen=True, slots=True)
class _Pending:
    answer: Deferred[Stanza]
    timer: Timer


class PendingRequests:
    """What we asked and nobody has answered yet: matched by the peer's JID and the id together, bounded, timed."""

    def __init__(self, timers: Timers, max_pending: Callable[[], int] = lambda: MAX_PENDING):
        self._timers = timers
        self._max_pending = max_pending
        self._pending: dict[tuple[str, str], _Pending] = {}

    def another(self) -> "PendingRequests":
        """Give an empty table of the same bound, for somebody else's requests."""
        return PendingRequests(self._timers, self._max_pending)

    def __len__(self) -> int:
        return len(self._pending)

    def expect(self, request: Stanza, timeout_s: float) -> Deferred[Stanza]:
        """Await the answer to *request*, which needs ``to`` and an unused, unguessable ``id``.

        Fires with the result; fails with the peer's `StanzaError`, with remote-server-timeout after *timeout_s*, or at
        once with resource-constraint where too many requests are open.
        """
        answer: Deferred[Stanza] = Deferred()
        if len(self._pending) >= self._max_pending():
            answer.errback(StanzaError("resource-constraint", "Too many requests are open"))
            return answer
        key = (request.to or "", request.id or "")
        timer = self._timers.add(timeout_s, self._expired, key)
        self._pending[key] = _Pending(answer, timer)
        return answer

    def answer(self, sender: JID, stanza: Stanza) -> bool:
        """Hand a result or error to whoever asked; say whether anybody did."""
        pending = self._pending.pop((sender.full, stanza.id or ""), None)
        if pending is None:
            return False
        self._timers.stop(pending.timer)
        if stanza.type == "error":
            pending.answer.errback(_error_of(stanza))
        else:
            pending.answer.callback(stanza)
        return True

    def _expired(self, now: float, timer: Timer, key: tuple[str, str]) -> None:
        pending = self._pending.pop(key, None)
        if pending is not None:
            pending.answer.errback(StanzaError("remote-server-timeout"))


def _error_of(stanza: Stanza) -> StanzaError:
    """The peer's own type counts: it says whether to try again (RFC 6120 8.3.2)."""
    error = stanza.element.child("error")
    if error is None:
        return StanzaError("undefined-condition")
    type_ = error.get("type")
    if type_ not in ERROR_TYPES:
        type_ = None
    for child in error.elements():
        if child.ns == STANZA_ERRORS and child.name in STANZA_CONDITIONS:
            return StanzaError(child.name, error.child_text("text", STANZA_ERRORS), type=type_)
    return StanzaError("undefined-condition", type=type_)
