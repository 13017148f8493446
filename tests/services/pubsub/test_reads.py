"""How often the storage is asked: what goes on all the time asks for nothing, or for one thing."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.services.pubsub.world import JULIET, World, item
from xmppd.services.pubsub.nodes import ITEMS, NODES
from xmppd.services.pubsub.personal import Personal
from xmppd.services.pubsub.publishing import Publishing
from xmppd.stanza.jid import JID
from xmppd.stanza.result_sets import PageRequest
from xmppd.storage.memory import MemoryStorage
from xmppd.testing.server import MemoryServer

READS = ("get", "get_all", "get_range", "keys", "load", "read", "read_ids", "count")


class Counting(MemoryStorage):
    """A storage that notes which stores are read, and how."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[tuple[str, str]] = []

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in READS:
            return found

        def noted(store: str, *arguments: Any, **named: Any) -> Any:
            self.reads.append((name, store))
            return found(store, *arguments, **named)

        return noted


class AccountTests(SynchronousTestCase):
    """Of an account with a client."""

    def setUp(self) -> None:
        """Give each test such an account."""
        self.storage = Counting()
        self.world = World(self.storage)
        self.world.server.logged_in(JULIET.full).send("<presence/>")

    def test_publishing_the_only_item(self) -> None:
        """XEP-0163 3: an event in place of the one before, by its owner."""
        world = self.world
        for number in range(3):
            self.storage.reads.clear()
            world.now(world.publishing.publish(world.personal, JULIET, "urn:example:tune", item(str(number))))
        self.assertEqual(self.storage.reads, [])

    def test_pages(self) -> None:
        """XEP-0060 6.5.4: how many items there are is not counted for each page."""
        world, realm = self.world, self.world.personal
        form = {"pubsub#max_items": ("max",)}
        for number in range(9):
            world.now(world.publishing.publish(realm, JULIET, "n", item(str(number)), form))
        self.storage.reads.clear()
        for number in range(3):
            after = str(3 * number - 1) if number else None
            page = world.now(world.reading.page(realm, JULIET, "n", PageRequest(max=3, after=after)))
            self.assertEqual((len(page.entries), page.total), (3, 9))
        self.assertEqual(self.storage.reads, [("read", ITEMS)] * 3)


class LoginTests(SynchronousTestCase):
    """Of a client with many contacts who have nodes."""

    contacts = 40
    nodes = tuple(f"urn:example:n{number}" for number in range(5))

    def server(self, storage: MemoryStorage) -> MemoryServer:
        """Give a server where all are contacts of each other."""
        accounts = ["juliet@localhost", *(f"u{number}@localhost" for number in range(self.contacts))]
        names = ", ".join(f'"{name}"' for name in accounts)
        server = MemoryServer(f"[modules.groups.groups]\nAll = [{names}]\n", storage)
        for name in accounts:
            server.add_account(name)
        return server

    def publish(self, storage: MemoryStorage) -> None:
        """Let each contact have something in each node."""
        server = self.server(storage)
        services = server.server.services
        publishing, personal = services[Publishing], services[Personal]
        for number in range(self.contacts):
            who = JID.parse(f"u{number}@localhost/x")
            for name in self.nodes:
                waiting: Deferred[str] = publishing.publish(personal.realm(who), who, name, item())
                server.settle()
                self.successResultOf(waiting)

    def told(self, server: MemoryServer) -> int:
        """Log in with a client that wants to know of all nodes; say of how many items it is told."""
        client = server.logged_in("juliet@localhost/x")
        client.send("<presence><c xmlns='http://jabber.org/protocol/caps' node='a' ver='1'/></presence>")
        server.settle()
        asked = next(each for each in client.inbox if each.get("type") == "get")
        features = "".join(f"<feature var='{name}+notify'/>" for name in self.nodes)
        query = f"<query xmlns='http://jabber.org/protocol/disco#info'>{features}</query>"
        client.send(f"<iq type='result' id='{asked.get('id')}' to='localhost'>{query}</iq>")
        server.pass_time(1.0)
        told = sum(each.tag == "{jabber:client}message" for each in client.inbox)
        client.send("</stream:stream>")
        server.settle()
        return told

    def test_last_items(self) -> None:
        """XEP-0163 4.3.4: one read for the nodes of each contact and one for each item, the first time; then none."""
        storage = Counting()
        self.publish(storage)
        server = self.server(storage)
        for first in (True, False):
            storage.reads.clear()
            self.assertEqual(self.told(server), self.contacts * len(self.nodes))
            reads = [(how, store) for how, store in storage.reads if store in (NODES, ITEMS)]
            nodes, items = reads.count(("get_all", NODES)), reads.count(("read", ITEMS))
            self.assertEqual(len(reads), nodes + items)
            wanted = (self.contacts, self.contacts * len(self.nodes)) if first else (0, 0)
            self.assertEqual((nodes, items), wanted)
