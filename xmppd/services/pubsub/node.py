"""A node as it lies in memory: its options, who has which affiliation, who is subscribed."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from xmppd.services.pubsub.options import NodeOptions

NODE_CHARS: Final = 1_023
"""The longest name of a node."""
ITEM_CHARS: Final = 1_023
"""The longest id of an item."""


class Affiliation(StrEnum):
    """What somebody, by bare JID, is to a node (XEP-0060 4.1)."""

    OWNER = "owner"
    PUBLISHER = "publisher"
    PUBLISH_ONLY = "publish-only"
    MEMBER = "member"
    NONE = "none"
    OUTCAST = "outcast"


class SubscriptionState(StrEnum):
    """How far a subscription has come (XEP-0060 4.2); "unconfigured" does not happen here."""

    NONE = "none"
    PENDING = "pending"
    SUBSCRIBED = "subscribed"


class Subscription(NamedTuple):
    """One JID's subscription to a node; there is one for each JID."""

    state: SubscriptionState
    subid: str
    deliver: bool = True
    expire: float | None = None
    """When it ends, in seconds since 1970."""


class People:
    """Who has to do with a node beside those whom the access model lets in; read when it is needed."""

    __slots__ = ("affiliations", "subscriptions")

    def __init__(self) -> None:
        self.affiliations: dict[str, Affiliation] = {}
        """By bare JID; nobody with none."""
        self.subscriptions: dict[str, Subscription] = {}
        """By the JID that is subscribed, bare or full."""

    def __bool__(self) -> bool:
        return bool(self.affiliations or self.subscriptions)


class NodeRecord(NamedTuple):
    """What is stored of a node itself."""

    options: NodeOptions
    created_at: float
    creator: str
    has_people: bool = False
    """Whether anybody has an affiliation or a subscription: then there are more keys to be read."""


@dataclass(slots=True, eq=False)
class Node:
    """A node of one owner (the account or service that it lives at). Changed by the services here alone."""

    owner: str
    name: str
    record: NodeRecord
    people: People | None = None
    """None where it was not read yet; `Nodes.people` reads it."""
    items: int | None = None
    """How many items are kept; None where that was not counted yet."""
    changes: int = field(default=0)
    """Grows with each change of the items: what was read before one is not kept."""

    @property
    def options(self) -> NodeOptions:
        """Its configuration."""
        return self.record.options
