"""What becomes of stanzas that a client never acknowledged when its session ends (XEP-0198 4, RFC 6121 8.5.3.2).

- A durable message is in the account's inbox, which hears that this session does not hold it any more.
- Of others that somebody else has, or is to have, nothing more is done, nor of a carbon; a message goes to the
  account's other resources by the rules of RFC 6121 8.5, with its original time; where there is none, the sender hears
  as if the resource had been absent: a room learns that its occupant is gone. A request gets service-unavailable; all
  else is gone.
"""

from collections.abc import Iterable
from typing import NamedTuple

from xmppd.core.delivery import Otherwise, recipients, rule_of
from xmppd.core.registry import SessionRegistry
from xmppd.core.router import Router
from xmppd.services.inbox.inbox import Inbox
from xmppd.services.inbox.machine import Record
from xmppd.stanza.carbon import COPIES
from xmppd.stanza.delay import DELAY, came_at, delay_xml, without_delay_of
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.kinds import Kind, kind_of
from xmppd.stanza.stanza import Stanza
from xmppd.stream.acks import Sent


class Remains(NamedTuple):
    """What a session has left behind."""

    owner: JID
    """The bare JID."""
    key: str
    """By which the session was a holder."""
    unacknowledged: Iterable[Sent]


class Redelivery:
    """Sees to it that what was not acknowledged goes where it can."""

    def __init__(self, registry: SessionRegistry, router: Router, inbox: Inbox):
        self._registry = registry
        self._router = router
        self._inbox = inbox

    def deliver(self, remains: Remains) -> None:
        """Deal with all that is left: first what is stored, in order, then the rest."""
        held: list[tuple[Record, Stanza]] = []
        others: list[Sent] = []
        for sent in remains.unacknowledged:
            record = sent.record
            if isinstance(record, Record) and record.is_stored:
                held.append((record, sent.stanza))
            else:
                others.append(sent)
        self._inbox.ended(remains.owner, remains.key, held)
        for sent in others:
            self._one(sent, remains)

    def _one(self, sent: Sent, remains: Remains) -> None:
        stanza = sent.stanza
        if stanza.name == "iq" and stanza.type in ("get", "set"):
            self._refuse(stanza, remains)
        elif stanza.name == "message" and stanza.type != "error" and COPIES.isdisjoint(stanza.child_names):
            self._message(sent, remains)

    def _message(self, sent: Sent, remains: Remains) -> None:
        if isinstance(sent.record, Record) and self._inbox.is_elsewhere(sent.record, remains.key):
            return
        stanza, kind = sent.stanza, kind_of(sent.stanza)
        target = JID.parse(stanza.to or remains.owner.full)
        takers = recipients(self._registry, stanza, target)
        sent_at = came_at(stanza, sent.sent_at, target.domainpart)
        late = without_delay_of(stanza, target.domainpart).with_last(
            delay_xml(sent_at, target.domainpart), DELAY
        )
        for session in takers:
            self._inbox.send_copy(session, late, sent.record, is_taken=True)
        if not takers and _must_be_told(stanza, target, kind):
            self._refuse(stanza, remains)

    def _refuse(self, stanza: Stanza, remains: Remains) -> None:
        """Tell the sender, unless that is the account itself, or the server in its name."""
        if stanza.from_ is not None and stanza.from_.partition("/")[0] != remains.owner.bare:
            self._router.refuse(stanza, StanzaError("service-unavailable"))


def _must_be_told(stanza: Stanza, target: JID, kind: Kind) -> bool:
    """Whether the sender of a message to an absent resource hears that nobody takes it (RFC 6121 8.5.3.2)."""
    otherwise = rule_of(stanza, target).otherwise
    return otherwise is Otherwise.REFUSE or (otherwise is Otherwise.KEEP and kind.is_missed)
