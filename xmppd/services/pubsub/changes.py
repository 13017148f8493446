"""What other modules hear of the nodes of accounts: after a change is stored and told."""

from typing import Final, NamedTuple

from xmppd.core.hooks import Hook
from xmppd.stanza.jid import JID
from xmppd.storage.interface import NewEntry


class ItemsChanged(NamedTuple):
    """Items of a node that were published or retracted; both empty where all are gone."""

    owner: JID
    node: str
    published: tuple[NewEntry, ...] = ()
    retracted: tuple[str, ...] = ()


ITEMS_CHANGED: Final = Hook[ItemsChanged](
    "items-changed",
    "Notified at the account's host after items of one of its nodes have changed. Handlers that change nodes do so on "
    "their own, later.",
)
