"""A domain of its own as a pubsub service: XEP-0060 without the presence of anybody."""

from collections.abc import Callable, Iterator
from typing import Final

from xmppd.config.limits import Limits
from xmppd.core.host import Host
from xmppd.core.registry import SessionRegistry
from xmppd.core.roles import Roles
from xmppd.services.pubsub.access import Viewer, may_all_get, may_get
from xmppd.services.pubsub.changes import Along
from xmppd.services.pubsub.defaults import OF_SERVICE
from xmppd.services.pubsub.node import Affiliation, Node, People, SubscriptionState
from xmppd.services.pubsub.options import AccessModel, Bounds, NodeOptions
from xmppd.services.pubsub.realm import Audience, affiliation, subscription_state
from xmppd.stanza.jid import JID
from xmppd.storage.interface import NewEntry

MODELS: Final = frozenset((AccessModel.OPEN, AccessModel.AUTHORIZE, AccessModel.WHITELIST))
"""The access models of a service that has no roster."""


class DomainRealm:
    """A domain with its nodes; see `xmppd.services.pubsub.realm.Realm`."""

    is_personal = False

    def __init__(
        self,
        host: Host,
        registry: SessionRegistry,
        roles: Roles,
        create: str,
        now: Callable[[], float],
    ):
        """*create* says who may make nodes (`MAKERS`); the domain's administrators own all of them."""
        self.jid = host.name
        self._host = host
        self._registry = registry
        self._roles = roles
        self._create = create
        self._now = now

    @property
    def limits(self) -> Limits:
        """See `Realm`."""
        return self._host.settings.limits

    @property
    def bounds(self) -> Bounds:
        """See `Realm`."""
        limits = self.limits
        return Bounds(MODELS, limits.pubsub_items, limits.pubsub_payload_bytes)

    def is_there(self) -> bool:
        """See `Realm`."""
        return True

    def defaults(self, name: str) -> NodeOptions:
        """See `Realm`."""
        return OF_SERVICE

    def may_create(self, who: JID) -> bool:
        """See `Realm`."""
        return self._roles.may_make(self._host, who, self._create)

    def is_owner(self, who: JID) -> bool:
        """See `Realm`."""
        return self._roles.is_admin(self._host, who.bare)

    def changed(self, name: str, published: tuple[NewEntry, ...], retracted: tuple[str, ...]) -> None:
        """See `Realm`; nobody asks here."""

    async def along(self, name: str, published: tuple[NewEntry, ...], retracted: tuple[str, ...]) -> Along:
        """See `Realm`; nothing."""
        return Along()

    async def viewer(self, node: Node, who: JID, people: People) -> Viewer:
        """See `Realm`."""
        return self._viewer(who, people)

    async def audience(self, node: Node, people: People) -> Audience:
        """See `Realm`: those who have subscribed, each at its address."""
        return Audience(self._takers, node, people)

    def _takers(self, node: Node, people: People) -> Iterator[str]:
        now, is_headline = self._now(), node.options.notification_type == "headline"
        resources = self._registry.resources
        all_may = may_all_get(node, people)
        for jid, (state, _, is_wanted, expire) in [*people.subscriptions.items()]:
            is_over = expire is not None and expire <= now
            if state is not SubscriptionState.SUBSCRIBED or is_over or not is_wanted:
                continue
            if not all_may and may_get(node, self._viewer(JID.of_prepared(jid), people)) is not None:
                continue
            sessions = resources(jid) if is_headline and "/" not in jid else ()
            if not sessions:
                yield jid
            for session in sessions:  # as RFC 6121 8.5.2.1.1 has it for headlines, without the way there
                if session.presence is not None and session.priority >= 0 and session.full_jid:
                    yield session.full_jid

    def _viewer(self, who: JID, people: People) -> Viewer:
        return Viewer(affiliation(self, who, people), subscription_state(who, people, self._now()))


class OperatorRealm(DomainRealm):
    """The same domain as those see it who run the server: they make and own nodes. Who else may see what is as ever."""

    def may_create(self, who: JID) -> bool:
        """See `Realm`."""
        return True

    async def viewer(self, node: Node, who: JID, people: People) -> Viewer:
        """See `Realm`."""
        return Viewer(Affiliation.OWNER)
