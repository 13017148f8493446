"""The item published last, for who comes: XEP-0163 4.3.4, XEP-0060 6.1.7.

Rules that live here: a client is sent what its owner and its contacts have published last, of the nodes that it names
with ``+notify``, once after its initial presence; what it names later, when it names it. Its own account comes first.
For an account whose nodes are in memory nothing is read; who names nothing costs nothing.
"""

from collections.abc import Iterable
from typing import Final

from xmppd.core.attachment import Attachment
from xmppd.core.bounded import BoundedBySize
from xmppd.core.fanout import Fanout
from xmppd.core.registry import SessionRegistry
from xmppd.core.router import Router
from xmppd.core.session import Session
from xmppd.core.timers import Timers
from xmppd.core.waiting import spawn
from xmppd.services.presence.presence import UNSENT_BYTES
from xmppd.services.pubsub.access import may_get
from xmppd.services.pubsub.items import delayed, items_event, notification, shown
from xmppd.services.pubsub.node import Node
from xmppd.services.pubsub.nodes import Nodes
from xmppd.services.pubsub.options import NodeOptions, SendLast
from xmppd.services.pubsub.personal import NOTIFY, Personal, PersonalRealm
from xmppd.services.pubsub.reading import Reading
from xmppd.services.roster.roster import Roster
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Entry, StorageError

ASKED: Final = Attachment[frozenset[str]]("pubsub-asked")
"""The nodes whose last items a session was sent, or is being sent."""
CONTACTS_A_TURN: Final = 50
WAIT_S: Final = 0.1
WRITTEN_BYTES: Final = 8 * 1024 * 1024
"""Notifications that stay as they were written, for who comes next."""
_What = tuple[Entry, NodeOptions]
"""What a notification was written of."""


class LastItems:
    """Sends last items to clients of this server that come."""

    def __init__(
        self,
        personal: Personal,
        nodes: Nodes,
        reading: Reading,
        registry: SessionRegistry,
        router: Router,
        timers: Timers,
    ):
        self._personal = personal
        self._nodes = nodes
        self._reading = reading
        self._registry = registry
        self._router = router
        self._timers = timers
        self._written: BoundedBySize[tuple[str, str], tuple[_What, Fanout]] = BoundedBySize(WRITTEN_BYTES)

    def came(self, session: Session) -> None:
        """A session is available as it was not before: all that its client names is due."""
        session.attach(ASKED, None)
        self.learnt(session)

    def learnt(self, session: Session) -> None:
        """It is known what a client can do, and perhaps that it names more nodes than before."""
        features = self._personal.capabilities.features_of(session)
        if features is None or session.presence is None:
            return
        named = frozenset(feature.removesuffix(NOTIFY) for feature in features if feature.endswith(NOTIFY))
        before: frozenset[str] | None = session.attached(ASKED)
        new = named - (before or frozenset())
        session.attach(ASKED, named)
        if new:
            spawn("sending last items", self._send_all(session, new))

    def granted(self, owner: JID, contact: JID) -> None:
        """A contact may see an account's presence from now on, and with it some of its nodes."""
        for session in self._registry.resources(contact.bare):
            named: frozenset[str] | None = session.attached(ASKED)
            if named and session.presence is not None:
                spawn("sending last items", self._send_of(session.jid, session, owner.bare, named))

    def learnt_elsewhere(self, owner: str, who: JID, features: frozenset[str]) -> None:
        """A contact's client on another server has come, or names more nodes than before."""
        named = frozenset(each.removesuffix(NOTIFY) for each in features if each.endswith(NOTIFY))
        if named:
            spawn("sending last items", self._send_of(who, None, owner, named))

    async def _send_all(self, session: Session, names: frozenset[str]) -> None:
        """What the session's own account, then its contacts, have published last."""
        bare_jid, roster = session.bare_jid or "", session.roster
        contacts = roster.subscriptions if isinstance(roster, Roster) else ()
        for index, owner in enumerate((bare_jid, *contacts), 1):
            if session.presence is None:
                return
            if self._personal.directory.exists(owner):
                await self._send_of(session.jid, session, owner, names)
            if index % CONTACTS_A_TURN == 0:
                await self._timers.wait()
            while session.unsent_bytes > UNSENT_BYTES:
                await self._timers.wait(WAIT_S)

    async def _send_of(
        self, who: JID | None, session: Session | None, owner: str, names: frozenset[str]
    ) -> None:
        """Send what *owner* has published last to *who*, who has a *session* here, or is elsewhere."""
        realm = self._personal.realm(JID.of_prepared(owner))
        if who is None or not realm.is_there():
            return
        try:
            if realm.is_owner(who):
                for name in sorted(names):
                    await realm.wanted(name)
            shelf = self._nodes.loaded(owner) or await self._nodes.shelf(owner)
            due = self._due(shelf.nodes.values(), names)
            if not due or await self._is_kept_out(realm, who):
                return
            for node in due:
                fanout = await self._for(who, realm, node)
                if fanout is None:
                    continue
                if session is None:
                    self._router.route(fanout.copy(who.full))
                elif session.presence is not None:
                    fanout.send(session, who.full)
        except (StorageError, StanzaError):
            return  # the client can ask for it; the storage has said what is wrong

    def _due(self, nodes: Iterable[Node], names: frozenset[str]) -> list[Node]:
        return [
            node
            for node in nodes
            if node.name in names
            and node.options.send_last_published_item == SendLast.ON_SUB_AND_PRESENCE
            and node.options.deliver_notifications
        ]

    async def _for(self, who: JID, realm: PersonalRealm, node: Node) -> Fanout | None:
        """Give the notification of the last item, where there is one and *who* may have it."""
        viewer = await realm.viewer(node, who, await self._nodes.people(node))
        if may_get(node, viewer) is not None:
            return None
        last = await self._reading.last(node)
        if last is None:
            return None
        key, what = (node.owner, node.name), (last, node.options)
        written = self._written.use(key)
        if written is not None and written[0] == what:
            return written[1]
        content = items_event(node.name, (shown(node, last, node.options.deliver_payloads),))
        stanza = notification(realm.jid, node.options.notification_type, content, delayed(last.sent_at))
        fanout = Fanout(stanza)
        self._written.keep(key, (what, fanout), 2 * fanout.size_bytes)
        return fanout

    async def _is_kept_out(self, realm: PersonalRealm, who: JID) -> bool:
        """Whether *who* is a stranger to the owner, or either of them blocks the other."""
        if realm.is_owner(who):
            return False
        return await self._personal.is_stranger(realm, who) or await self._is_blocked(realm.jid, who)

    async def _is_blocked(self, owner: str, who: JID) -> bool:
        blocking = self._personal.blocking
        if not blocking.is_used:
            return False
        for one, other in ((owner, who), (who.bare, JID.of_prepared(owner))):
            blocks = blocking.blocks(one, other)
            if blocks if isinstance(blocks, bool) else await blocks:
                return True
        return False
