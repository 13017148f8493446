"""A pubsub service in the sense of XEP-0060: what has nodes. A domain of its own, or an account (XEP-0163).

Both have the same nodes and the same rules; what differs, a realm says.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from xmppd.config.limits import Limits
from xmppd.services.pubsub.access import Viewer
from xmppd.services.pubsub.changes import Along
from xmppd.services.pubsub.node import Affiliation, Node, People, SubscriptionState
from xmppd.services.pubsub.options import Bounds, NodeOptions
from xmppd.stanza.jid import JID
from xmppd.storage.interface import NewEntry


class Audience(Iterable[str]):
    """Who is told something: full or bare JIDs, each once, found out anew whenever it is gone through.

    Audiences are equal that are found the same way out of the same.
    """

    __slots__ = ("_find", "_of")

    def __init__(self, find: Callable[..., Iterator[str]], *of: object):
        """Find it by *find* out of what it is made of."""
        self._find = find
        self._of = of

    def __iter__(self) -> Iterator[str]:
        return self._find(*self._of)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Audience) and self._of == other._of

    __hash__ = None  # type: ignore[assignment]  # block lists have none


class Realm(Protocol):
    """What has nodes."""

    @property
    def jid(self) -> str:
        """Its address: a bare JID or a domain; the owner of what it stores."""

    @property
    def is_personal(self) -> bool:
        """Whether it is an account: its nodes are loaded together, and made by publishing."""

    @property
    def limits(self) -> Limits:
        """What it may cost."""

    @property
    def bounds(self) -> Bounds:
        """What its nodes' options may be."""

    def is_there(self) -> bool:
        """Whether it exists still; nothing is stored for one that does not."""

    def defaults(self, name: str) -> NodeOptions:
        """Give the options of a new node of this name."""

    def may_create(self, who: JID) -> bool:
        """Whether *who* may make nodes."""

    def is_owner(self, who: JID) -> bool:
        """Whether *who* owns every node, whatever is stored."""

    def changed(self, name: str, published: tuple[NewEntry, ...], retracted: tuple[str, ...]) -> None:
        """Hear that items of a node have changed; both empty: all are gone. Called when nobody holds the node."""

    async def along(self, name: str, published: tuple[NewEntry, ...], retracted: tuple[str, ...]) -> Along:
        """Say what else is to be stored with such a change. Called while the node is held; waits; `StorageError`."""

    async def viewer(self, node: Node, who: JID, people: People) -> Viewer:
        """Say what *who* is to a node. Waits; `StorageError`."""

    async def audience(self, node: Node, people: People) -> Audience:
        """Give who is told what happens to the items of a node. Waits for what has to be read."""


def affiliation(realm: Realm, who: JID, people: People) -> Affiliation:
    """Give the affiliation of *who*, as far as it is stored or goes without saying."""
    if realm.is_owner(who):
        return Affiliation.OWNER
    return people.affiliations.get(who.bare, Affiliation.NONE)


def subscription_state(who: JID, people: People, now: float) -> SubscriptionState:
    """Give the best state of the subscriptions of *who*: of the full or the bare JID."""
    found = SubscriptionState.NONE
    for jid in (who.bare, who.full):
        subscription = people.subscriptions.get(jid)
        if subscription is None or (subscription.expire is not None and subscription.expire <= now):
            continue
        if subscription.state is SubscriptionState.SUBSCRIBED:
            return subscription.state
        found = subscription.state
    return found
