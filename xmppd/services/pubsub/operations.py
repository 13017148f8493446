"""What all operations on nodes share: finding a node, saying who asks, changing it alone, and the commit."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from xmppd.services.pubsub.access import Refused, Viewer
from xmppd.services.pubsub.node import NODE_CHARS, Node, People
from xmppd.services.pubsub.nodes import Nodes, Shelf
from xmppd.services.pubsub.notices import Notices
from xmppd.services.pubsub.realm import Realm
from xmppd.services.pubsub.refusals import NoSuchNode, refusal
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Change, Storage


class Tools(NamedTuple):
    """What the operations work with."""

    nodes: Nodes
    storage: Storage
    notices: Notices
    now: Callable[[], float]
    new_id: Callable[[], str]


class Operations:
    """Base of the operations on nodes. All of them raise `StanzaError` and `StorageError`, and then nothing changed."""

    def __init__(self, tools: Tools):
        self._nodes = tools.nodes
        self._storage = tools.storage
        self._notices = tools.notices
        self._now = tools.now
        self._new_id = tools.new_id

    async def find(self, realm: Realm, name: str) -> Node:
        """Give a node; item-not-found where there is none."""
        shelf = await self._shelf(realm, name)
        return node_in(shelf, name)

    async def viewer(self, realm: Realm, node: Node, who: JID) -> Viewer:
        """Say what *who* is to a node."""
        return await realm.viewer(node, who, await self._nodes.people(node))

    async def people(self, node: Node) -> People:
        """Give who has to do with a node."""
        return await self._nodes.people(node)

    @asynccontextmanager
    async def exclusive(self, realm: Realm, name: str) -> AsyncIterator[Shelf]:
        """Have the shelf of a node to oneself; waits while too much is still to be told of it."""
        shelf = await self._shelf(realm, name)
        async with shelf.lock:
            jam = self._notices.jam((realm.jid, name))
            if jam is not None:
                await jam
            yield shelf

    async def commit(self, realm: Realm, *changes: Change) -> None:
        """Store *changes*, unless the realm has gone meanwhile."""
        _check(realm)
        await self._storage.commit(*changes)

    async def _shelf(self, realm: Realm, name: str) -> Shelf:
        _check(realm)
        if not name:
            raise refusal("nodeid-required")
        if len(name) > NODE_CHARS:
            raise StanzaError("not-acceptable", "The name of the node is too long")
        return await self._nodes.shelf(realm.jid, None if realm.is_personal else name)


def node_in(shelf: Shelf, name: str) -> Node:
    """Give the node of this name on a shelf; item-not-found where there is none."""
    node = shelf.nodes.get(name)
    if node is None:
        raise NoSuchNode
    return node


def allow(refused: Refused | None) -> None:
    """Raise the error of *refused*, if there is one."""
    if refused is not None:
        raise refused.error()


def _check(realm: Realm) -> None:
    """A realm that is not there looks as one without nodes."""
    if not realm.is_there():
        raise NoSuchNode
