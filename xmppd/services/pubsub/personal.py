"""Accounts as pubsub services: personal eventing, XEP-0163.

Rules that live here: the account owns all its nodes; its contacts may see what they may by its roster, and are told of
the nodes that their clients name with ``+notify`` (XEP-0060 9.2); the account's own clients come first. Whom the
account blocks, nothing is sent to.
"""

from collections.abc import Callable, Container, Iterable, Iterator
from typing import Final

from twisted.internet.defer import Deferred

from xmppd.config.limits import Limits
from xmppd.core.directory import AccountDirectory
from xmppd.core.hooks import Hooks
from xmppd.core.host import Hosts
from xmppd.core.registry import SessionRegistry
from xmppd.services.discovery.capabilities import Capabilities
from xmppd.services.presence.blocking import Blocking, covers
from xmppd.services.pubsub.access import Viewer, may_get
from xmppd.services.pubsub.changes import (
    ITEMS_CHANGED,
    ITEMS_CHANGING,
    NODE_WANTED,
    Along,
    ItemsChanged,
    NodeWanted,
)
from xmppd.services.pubsub.defaults import personal_defaults
from xmppd.services.pubsub.node import Node, People, SubscriptionState
from xmppd.services.pubsub.options import AccessModel, Bounds, NodeOptions
from xmppd.services.pubsub.realm import Audience, affiliation, subscription_state
from xmppd.services.pubsub.remote import RemoteContacts
from xmppd.services.roster.roster import Roster, Rosters
from xmppd.stanza.jid import JID
from xmppd.storage.interface import NewEntry

NOTIFY: Final = "+notify"
BY_ROSTER: Final = frozenset((AccessModel.PRESENCE, AccessModel.ROSTER))
"""The access models that ask the roster."""
ALL_MODELS: Final = frozenset(AccessModel)


class Personal:
    """What accounts need to be pubsub services."""

    def __init__(
        self,
        hosts: Hosts,
        registry: SessionRegistry,
        directory: AccountDirectory,
        rosters: Rosters,
        blocking: Blocking,
        capabilities: Capabilities,
        remote: RemoteContacts,
        now: Callable[[], float],
    ):
        """*now* is wall time in seconds since 1970."""
        self.hosts = hosts
        self.registry = registry
        self.directory = directory
        self.rosters = rosters
        self.blocking = blocking
        self.capabilities = capabilities
        self.remote = remote
        self.now = now

    def realm(self, account: JID) -> "PersonalRealm":
        """Give an account as a pubsub service."""
        return PersonalRealm(self, account)

    async def roster(self, realm: "PersonalRealm") -> Roster:
        """Give an account's roster. Waits where it is not in memory; `StorageError`."""
        known = self.rosters.loaded(realm.jid)
        return known if known is not None else await self.rosters.load(realm.jid)

    async def is_stranger(self, realm: "PersonalRealm", who: JID) -> bool:
        """Whether *who* may not see the presence of an account. Waits; `StorageError`."""
        if realm.is_owner(who):
            return False
        roster = await self.roster(realm)
        return not roster.may_see_presence(who.bare)


class PersonalRealm:
    """An account with its nodes; see `xmppd.services.pubsub.realm.Realm`."""

    __slots__ = ("_of", "account", "jid")
    is_personal = True

    def __init__(self, of: Personal, account: JID):
        self._of = of
        self.account = account
        self.jid = account.bare

    @property
    def limits(self) -> Limits:
        """See `Realm`."""
        return self._of.hosts[self.account.domainpart].settings.limits

    @property
    def bounds(self) -> Bounds:
        """See `Realm`."""
        limits = self.limits
        return Bounds(ALL_MODELS, limits.pubsub_items, limits.pubsub_payload_bytes)

    def is_there(self) -> bool:
        """See `Realm`."""
        return self._of.directory.exists(self.jid)

    def defaults(self, name: str) -> NodeOptions:
        """See `Realm`."""
        return personal_defaults(name)

    def may_create(self, who: JID) -> bool:
        """See `Realm`."""
        return self.is_owner(who)

    def is_owner(self, who: JID) -> bool:
        """See `Realm`."""
        return who.bare == self.jid

    def changed(self, name: str, published: tuple[NewEntry, ...], retracted: tuple[str, ...]) -> None:
        """See `Realm`."""
        told = ItemsChanged(JID.of_prepared(self.jid), name, published, retracted)
        self._hooks.notify(ITEMS_CHANGED, told)

    async def along(self, name: str, published: tuple[NewEntry, ...], retracted: tuple[str, ...]) -> Along:
        """See `Realm`: what modules say."""
        asked = ItemsChanged(JID.of_prepared(self.jid), name, published, retracted)
        answer = self._hooks.ask(ITEMS_CHANGING, asked)
        found = await answer if isinstance(answer, Deferred) else answer
        return found if isinstance(found, Along) else Along()

    async def wanted(self, name: str) -> None:
        """A client of the account wants a node: it is made, where somebody has it in another form. `StanzaError`."""
        answer = self._hooks.ask(NODE_WANTED, NodeWanted(JID.of_prepared(self.jid), name))
        if isinstance(answer, Deferred):
            await answer

    @property
    def _hooks(self) -> Hooks:
        return self._of.hosts[self.account.domainpart].hooks

    async def viewer(self, node: Node, who: JID, people: People) -> Viewer:
        """See `Realm`. The roster is read only where the node's access model asks it."""
        roster = None
        if node.options.access_model in BY_ROSTER and not self.is_owner(who):
            roster = await self._of.roster(self)
        return self._viewer(who, people, roster, self._of.now())

    async def audience(self, node: Node, people: People) -> Audience:
        """See `Realm`: own resources, contacts, then those who have subscribed by themselves."""
        of = self._of
        roster = await of.roster(self)
        blocked: Container[str] = ()
        if of.blocking.is_used:
            blocked = await of.blocking.blocked_by(self.jid)
        return Audience(self._takers, node, people, roster, blocked)

    def _takers(self, node: Node, people: People, roster: Roster, blocked: Container[str]) -> Iterator[str]:
        of, now, told = self._of, self._of.now(), set[str]()
        feature, resources, those_with = node.name + NOTIFY, of.registry.resources, of.capabilities.those_with
        yield from those_with(feature, resources(self.jid))
        all_may = self._whether_all_contacts_may(node, people)
        for contact in roster.subscribers:
            sessions = resources(contact)
            interested: Iterable[str] = ()
            if sessions:
                interested = those_with(feature, sessions)
            elif of.remote:
                interested = of.remote.interested(self.jid, contact, feature)
            if not interested:
                continue
            if blocked and covers(blocked, JID.of_prepared(contact)):
                continue
            if not all_may:
                who = JID.of_prepared(contact)
                if may_get(node, self._viewer(who, people, roster, now)) is not None:
                    continue
            if sessions and people.subscriptions:
                told.add(contact)
            yield from interested
        for jid, subscription in [*people.subscriptions.items()]:
            who = JID.of_prepared(jid)
            is_over = subscription.expire is not None and subscription.expire <= now
            if subscription.state is not SubscriptionState.SUBSCRIBED or is_over or not subscription.deliver:
                continue
            if who.bare in told or (blocked and covers(blocked, who)):
                continue
            if may_get(node, self._viewer(who, people, roster, now)) is None:
                yield jid

    def _whether_all_contacts_may(self, node: Node, people: People) -> bool:
        """Whether nothing but the contact's being one decides; then it is the same for all."""
        if people or node.options.access_model == AccessModel.ROSTER:
            return False
        return may_get(node, Viewer(sees_presence=True)) is None

    def _viewer(self, who: JID, people: People, roster: Roster | None, now: float) -> Viewer:
        item = None if roster is None else roster.item(who.bare)
        return Viewer(
            affiliation(self, who, people),
            subscription_state(who, people, now),
            item is not None and item.subscription in ("from", "both"),
            frozenset() if item is None else frozenset(item.groups),
        )
