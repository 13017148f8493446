"""One stanza to many: serialised once, only the ``to`` differs (presence, rooms, notifications)."""

from xmppd.core.session import Session
from xmppd.stanza.element import escape_attr
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
        return session.send(self._head + escape_attr(to).encode() + self._tail)

    def copy(self, to: str) -> Stanza:
        """Give the copy for *to* as a stanza, for the router."""
        return self._stanza.replace(to=to)
