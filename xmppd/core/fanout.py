"""One stanza to many: serialised once, only the ``to`` differs (presence, rooms, notifications).

A session that keeps what was not acknowledged (XEP-0198) keeps of each copy this, which all copies share, and its
address once for all in a row that have the same: the bytes of a copy are made again where they are needed again.
"""

from xmppd.core.session import Session
from xmppd.stanza.kinds import kind_of
from xmppd.stanza.markup import escape_attr
from xmppd.stanza.stanza import Stanza


class Fanout:
    """A stanza whose copies differ in ``to`` alone."""

    __slots__ = ("_name", "_stanza", "head", "is_durable", "sent_at", "size_bytes", "tail")

    def __init__(self, stanza: Stanza):
        self._stanza = stanza = stanza.replace(to=None)
        self._name = stanza.name
        self.head = b"<" + stanza.name.encode() + b" to='"
        whole = stanza.to_bytes()
        self.tail = b"'" + whole[len(stanza.name) + 1 :]
        self.size_bytes = len(whole)
        """What a copy takes that is sent, but for its ``to``."""
        self.is_durable = stanza.name == "message" and kind_of(stanza).is_durable
        """Whether each copy has to be kept for itself."""
        self.sent_at: float | None = None
        """When the first copy went to a session that counts, in seconds since 1970."""

    def send(self, session: Session, to: str) -> bool:
        """Send the copy for *to*, an address that is prepared, to a session; as `Session.send`."""
        filters = session.stanza_filters
        if not filters:
            session.owner.sent[self._name] += 1
            return session.write(self.to_bytes(to))
        ledger = session.ledger
        if ledger is None or self.is_durable or len(filters) > 1:
            return session.send(self.copy(to))  # somebody wants to look at it
        session.owner.sent[self._name] += 1
        return ledger.send_copy(self, to)

    def to_bytes(self, to: str) -> bytes:
        """Give the copy for *to*, an address that is prepared, as it is written."""
        if "'" in to or '"' in to or "&" in to or "<" in to:  # a pattern would take as long as all else here
            to = escape_attr(to)
        return b"".join((self.head, to.encode(), self.tail))

    def copy(self, to: str) -> Stanza:
        """Give the copy for *to* as a stanza, which knows of what it is one."""
        stanza = self._stanza
        copy = Stanza(
            stanza.name,
            to,
            stanza.from_,
            stanza.id,
            stanza.type,
            stanza.lang,
            stanza.extra,
            stanza.inner,
            stanza.child_names,
        )
        copy.source = self
        return copy
