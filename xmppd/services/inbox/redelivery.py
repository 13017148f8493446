"""What becomes of volatile stanzas that a session was sent and never acknowledged, or was to be sent, when it ends.

XEP-0198 4, RFC 6121 8.5.3.2: a message that nobody else has, or is to have, goes to the account's other resources by
the rules of RFC 6121 8.5, with its original time; where there is none, the sender hears as if the resource had been
absent: a room learns that its occupant is gone. A request gets service-unavailable; all else is gone, and a carbon is.
"""

from collections.abc import Callable, Iterable

from xmppd.core.delivery import Otherwise, recipients, rule_of
from xmppd.core.registry import SessionRegistry
from xmppd.core.router import Router
from xmppd.core.session import Session
from xmppd.services.inbox.backlog import Due
from xmppd.services.inbox.machine import Record, Standings, is_elsewhere
from xmppd.stanza.carbon import COPIES
from xmppd.stanza.delay import delayed
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.kinds import kind_of
from xmppd.stanza.stanza import Stanza
from xmppd.stream.acks import Sent

Send = Callable[[Session, Stanza, Record | None], bool]


class Redelivery:
    """Sees to it that what somebody did not get goes where it can."""

    def __init__(self, registry: SessionRegistry, router: Router, standing: Standings, send: Send):
        """*standing* says who is there; *send* sends a message to a session, for its record if it has one."""
        self._registry = registry
        self._router = router
        self._standing = standing
        self._send = send

    def deliver(self, owner: JID, key: str, unsent: Iterable[Sent]) -> None:
        """Deal with what the session that was *key* has left behind; *owner* is a bare JID."""
        for sent in () if self._registry.is_closing else unsent:
            stanza = sent.stanza
            if stanza.name == "iq" and stanza.type in ("get", "set"):
                self._refuse(stanza, owner)
            elif (
                stanza.name == "message" and stanza.type != "error" and COPIES.isdisjoint(stanza.child_names)
            ):
                record = sent.record if isinstance(sent.record, Record) else None
                if record is None or not is_elsewhere(record, key, self._standing):
                    self._message(stanza, sent.sent_at, record, owner)

    def deliver_live(self, owner: str, key: str, live: Iterable[Due]) -> None:
        """The same for what had to wait for it."""
        self.deliver(JID.parse(owner), key, [Sent(each.stanza, each.came_at, each.record) for each in live])

    def _message(self, stanza: Stanza, at: float, record: Record | None, owner: JID) -> None:
        target = JID.parse(stanza.to or owner.full)
        late = delayed(stanza, at, target.domainpart)
        takers = recipients(self._registry, stanza, target)
        for session in takers:
            self._send(session, late, record)
        if not takers and _must_be_told(stanza, target):
            self._refuse(stanza, owner)

    def _refuse(self, stanza: Stanza, owner: JID) -> None:
        """Tell the sender, unless that is the account itself, or the server in its name."""
        if stanza.from_ is not None and stanza.from_.partition("/")[0] != owner.bare:
            self._router.refuse(stanza, StanzaError("service-unavailable"))


def _must_be_told(stanza: Stanza, target: JID) -> bool:
    """Whether the sender of a message to an absent resource hears that nobody takes it (RFC 6121 8.5.3.2)."""
    otherwise = rule_of(stanza, target).otherwise
    return otherwise is Otherwise.REFUSE or (otherwise is Otherwise.KEEP and kind_of(stanza).is_missed)
