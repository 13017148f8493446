"""One stanza to many: serialised once, only the ``to`` differs (presence, rooms, notifications)."""

from xmppd.core.session import Session
from xmppd.stanza.markup import escape_attr, find_unsafe
from xmppd.stanza.stanza import Stanza


class Fanout:
    """A stanza whose copies differ in ``to`` alone."""

    __slots__ = ("_head", "_stanza", "_tail")

    def __init__(self, stanza: Stanza):
        self._stanza = stanza
        self._head = b"<" + stanza.name.encode() + b" to='"
        whole = stanza.replace(to=None).to_bytes()
        self._tail = b"'" + whole[len(stanza.name) + 1 :]

    def send(self, session: Session, to: str) -> bool:
        """Send the copy for *to* to a session; as `Session.send`."""
        if session.stanza_filters:
            return session.send(self._stanza.replace(to=to))
        written = to if find_unsafe(to) is None else escape_attr(to)
        return session.send(b"%b%b%b" % (self._head, written.encode(), self._tail))

    def copy(self, to: str) -> Stanza:
        """Give the copy for *to* as a stanza, for the router."""
        return self._stanza.replace(to=to)
