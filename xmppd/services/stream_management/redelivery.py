"""What becomes of stanzas that a client never acknowledged when its session ends (XEP-0198 4, RFC 6121 8.5.3.2).

- A durable message goes to the account's other resources, else into the offline store, with its original time; it is
  not archived again, and not copied again. There its client may still tell that it has it (XEP-0198 5: h of a
  resumption that comes too late).
- A copy of a message that another session has acknowledged, or still holds, is done with; so is a carbon. A message
  of which others have carbons alone, none of them acknowledged, is left to one of these: it is delivered anew when
  that is given up, too.
- Of other messages the sender hears as if the resource had been absent: a room learns that its occupant is gone. A
  request gets service-unavailable; all else is gone.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from twisted.logger import Logger

from xmppd.core.attachment import Attachment
from xmppd.core.delivery import Otherwise, recipients, rule_of
from xmppd.core.registry import SessionRegistry
from xmppd.core.router import Router
from xmppd.core.session import Ledger, Session
from xmppd.services.offline.offline import Offline, Returned
from xmppd.services.stream_management.copies import Copies
from xmppd.services.stream_management.ledger import CARBON, StreamLedger
from xmppd.services.stream_management.records import QUEUE, entry_id
from xmppd.stanza.delay import DELAY, came_at, delay_xml, without_delay_of
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.kinds import Kind, kind_of
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Change, DeleteEntries, StorageError
from xmppd.stream.acks import MODULUS, Sent

CARBONS: Final = Attachment[float]("carbons")
"""Under this name a session keeps since when it is sent carbons."""
Kept = list[Returned]


class Remains(NamedTuple):
    """What a session has left behind."""

    owner: JID
    """The bare JID."""
    has_account: bool
    unacknowledged: Sequence[Sent]
    session_id: str
    """"" where nobody can come back to the session."""
    acknowledged: int
    """The number of the stanza before the first of them."""

    def name(self, index: int) -> str:
        """Give what the client may know the one at *index* by."""
        return self.session_id and entry_id(self.session_id, (self.acknowledged + 1 + index) % MODULUS)


class Redelivery:
    """Sees to it that what was not acknowledged is not lost."""

    _log = Logger()

    def __init__(
        self,
        registry: SessionRegistry,
        router: Router,
        offline: Offline,
        on_failed: Callable[[str], None],
    ):
        """*on_failed(owner)* is told of an account whose messages had to stay in the durable queue."""
        self._registry = registry
        self._router = router
        self._offline = offline
        self._on_failed = on_failed

    async def deliver(self, remains: Remains) -> None:
        """Deal with all that is left, in order. Waits for the commit."""
        owner, unacknowledged = remains.owner, remains.unacknowledged
        kept: Kept = []
        changes: list[Change] = []
        takers = self._hold(owner)
        for index, sent in enumerate(unacknowledged):
            self._one(sent, remains.name(index), remains, kept, changes)
        ids = tuple(sent.entry_id for sent in unacknowledged if sent.entry_id)
        if ids:
            changes.append(DeleteEntries(QUEUE, owner.bare, ids=ids))
        try:
            if kept or changes:
                await self._offline.put_back(owner, kept, changes)
        except StorageError as error:
            self._log.error("Messages for {owner} wait on: {error}", owner=owner.bare, error=str(error))
            self._on_failed(owner.bare)
        finally:
            for ledger in takers:
                ledger.uncork()

    def _hold(self, owner: JID) -> list[Ledger]:
        """Whoever has a message anew has it only when it is in no other queue any more."""
        ledgers = [
            session.ledger for session in self._registry.resources(owner.bare) if session.ledger is not None
        ]
        for ledger in ledgers:
            ledger.cork()
        return ledgers

    def _one(self, sent: Sent, name: str, remains: Remains, kept: Kept, changes: list[Change]) -> None:
        if sent.original is not None:
            sent = sent._replace(stanza=sent.original)
        stanza = sent.stanza
        if stanza.name == "iq" and stanza.type in ("get", "set"):
            self._refuse(stanza, remains)
        elif stanza.name == "message" and stanza.type != "error" and CARBON.isdisjoint(stanza.child_names):
            self._message(sent, name, remains, kept, changes)

    def _message(self, sent: Sent, name: str, remains: Remains, kept: Kept, changes: list[Change]) -> None:
        if _is_elsewhere(sent):
            return
        stanza, kind = sent.stanza, kind_of(sent.stanza)
        target = remains.owner if kind.is_durable else JID.parse(stanza.to or remains.owner.full)
        takers = recipients(self._registry, stanza, target)
        sent_at = came_at(stanza, sent.sent_at, target.domainpart)
        without_copy = [session for session in takers if not _has_copy(session, kind, sent_at)]
        if without_copy:
            plain = without_delay_of(stanza, target.domainpart)
            late = plain.with_last(delay_xml(sent_at, target.domainpart), DELAY)
            for session in without_copy:
                if session.ledger is not None:
                    session.ledger.delivering(late, changes, without_copy)
                self._offline.send_behind(session, late)
        elif takers:
            if kind.is_durable:
                _leave_to(takers, without_delay_of(stanza, target.domainpart), changes)
        elif kind.is_durable and remains.has_account:
            kept.append(Returned(stanza, sent_at, name))
        elif _must_be_told(stanza, target, kind):
            self._refuse(stanza, remains)

    def _refuse(self, stanza: Stanza, remains: Remains) -> None:
        """Tell the sender, unless that is the account itself, or the server in its name."""
        if stanza.from_ is not None and stanza.from_.partition("/")[0] != remains.owner.bare:
            self._router.refuse(stanza, StanzaError("service-unavailable"))


def _must_be_told(stanza: Stanza, target: JID, kind: Kind) -> bool:
    """Whether the sender of a message to an absent resource hears that nobody takes it (RFC 6121 8.5.3.2)."""
    otherwise = rule_of(stanza, target).otherwise
    return otherwise is Otherwise.REFUSE or (otherwise is Otherwise.KEEP and kind.is_missed)


def _is_elsewhere(sent: Sent) -> bool:
    """Whether another session has acknowledged a copy of this, or still holds one."""
    copies = sent.copies
    if not isinstance(copies, Copies):
        return False
    copies.holders -= 1
    return copies.is_acknowledged or copies.holders > 0


def _leave_to(takers: Sequence[Session], stanza: Stanza, changes: list[Change]) -> None:
    """Have one of *takers* answer for *stanza*, unless one of them has acknowledged its carbon."""
    heir: tuple[StreamLedger, int] | None = None
    for session in takers:
        ledger = session.ledger
        index = ledger.carbon_of(stanza) if isinstance(ledger, StreamLedger) else None
        if index is None or not isinstance(ledger, StreamLedger):
            return
        heir = heir or (ledger, index)
    if heir is not None:
        heir[0].take_over(heir[1], stanza, changes)


def _has_copy(session: Session, kind: Kind, sent_at: float) -> bool:
    """Whether a session was sent a carbon of a message that went to another one (XEP-0280 7)."""
    since = session.attached(CARBONS)
    return since is not None and kind.is_copied_received and since <= sent_at
