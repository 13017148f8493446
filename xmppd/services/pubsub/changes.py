"""What other modules hear of the nodes of accounts: before something of one is wanted, with a change, and after it."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from xmppd.core.hooks import Hook
from xmppd.services.pubsub.items import NewItem
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Change, NewEntry


class ItemsChanged(NamedTuple):
    """Items of a node that were published or retracted; both empty where all are gone."""

    owner: JID
    node: str
    published: tuple[NewEntry, ...] = ()
    retracted: tuple[str, ...] = ()


class Part(NamedTuple):
    """What becomes of one node of an account: items that are published, and ids of those that are retracted."""

    node: str
    items: Sequence[NewItem] = ()
    gone: Sequence[str] = ()


class Along(NamedTuple):
    """What is stored in the same transaction as a change: parts of other nodes, and whatever else."""

    parts: Sequence[Part] = ()
    changes: Sequence[Change] = ()


class NodeWanted(NamedTuple):
    """A node of an account that a client of the account wants to read or to change."""

    owner: JID
    node: str


ITEMS_CHANGED: Final = Hook[ItemsChanged](
    "items-changed",
    "Notified at the account's host after items of one of its nodes have changed. Handlers that change nodes do so on "
    "their own, later.",
)
ITEMS_CHANGING: Final = Hook[ItemsChanged](
    "items-changing",
    "Asked at the account's host before a change of items is stored: an `Along` is stored and told with it. Handlers "
    "read, and change nothing themselves, since the account's nodes are held meanwhile.",
)
NODE_WANTED: Final = Hook[NodeWanted](
    "node-wanted",
    "Asked at the account's host before a client of the account is answered about a node, or sent its last item: who "
    "has what belongs there in another form makes the node now, and answers with nothing.",
)
