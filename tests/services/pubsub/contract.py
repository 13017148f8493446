"""What storing nodes must do on every back end: all of a change or nothing; each back end's tests run it."""

from collections.abc import Callable, Iterable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.services.pubsub.world import IAGO, JULIET, ROMEO, World, item
from tests.storage.in_step import InStep
from xmppd.services.accounts.removal import Removal
from xmppd.services.pubsub.node import Affiliation, SubscriptionState
from xmppd.services.pubsub.nodes import NODES, OF_NODE, PEOPLE, Nodes
from xmppd.services.pubsub.owning import SubscriptionChange
from xmppd.services.pubsub.realm import Realm
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.result_sets import PageRequest
from xmppd.storage.interface import StorageError
from xmppd.storage.memory import MemoryStorage

Act = Callable[[World, Realm], Any]
ACTS: dict[str, Act] = {
    "publish": lambda w, r: w.publishing.publish(r, JULIET, "n", item("2")),
    "publish and create": lambda w, r: w.publishing.publish(r, JULIET, "other", item("2")),
    "create": lambda w, r: w.owning.create(r, JULIET, "other", None),
    "retract": lambda w, r: w.publishing.retract(r, JULIET, "n", ("1",)),
    "purge": lambda w, r: w.publishing.purge(r, JULIET, "n"),
    "configure": lambda w, r: w.owning.configure(r, JULIET, "n", {"pubsub#title": ("t",)}),
    "delete": lambda w, r: w.owning.delete(r, JULIET, "n"),
    "affiliate": lambda w, r: w.owning.affiliate(r, JULIET, "n", {"iago@localhost": Affiliation.MEMBER}),
    "subscribe": lambda w, r: w.subscribing.subscribe(r, IAGO, "n", JID.parse(IAGO.bare), None),
    "unsubscribe": lambda w, r: w.subscribing.unsubscribe(r, ROMEO, "n", JID.parse(ROMEO.bare), None),
    "set options": lambda w, r: w.subscribing.set_options(
        r, ROMEO, "n", JID.parse(ROMEO.bare), None, {"pubsub#deliver": ("0",)}
    ),
    "set subscriptions": lambda w, r: w.owning.set_subscriptions(
        r, JULIET, "n", [SubscriptionChange(JID.parse("iago@localhost"), SubscriptionState.SUBSCRIBED)]
    ),
}


def made(storage: MemoryStorage | InStep) -> World:
    """Give a world where each realm has a node with an item and a subscriber."""
    world = World(storage)
    form = {"pubsub#access_model": ("open",), "pubsub#max_items": ("5",)}
    for realm in (world.personal, world.domain):
        world.now(world.owning.create(realm, JULIET, "n", form))
        world.now(world.publishing.publish(realm, JULIET, "n", item("1")))
        world.now(world.subscribing.subscribe(realm, ROMEO, "n", JID.parse(ROMEO.bare), None))
    return world


def seen(world: World, realm: Realm, names: Iterable[str] = ("n", "other")) -> list[object]:
    """Give all that can be seen of some nodes."""
    found: list[object] = []
    for name in names:
        try:
            page = world.now(world.reading.page(realm, JULIET, name, PageRequest()))
        except StanzaError as error:
            found.append((name, error.condition))
            continue
        found.append((name, page.node.record, page.total, [entry[1:] for entry in page.entries]))
        people = world.now(world.reading.people(page.node))
        found.append((people.affiliations, people.subscriptions))
        last = world.now(world.reading.last(page.node))
        found.append(last and last[1:])
    for who in (JULIET, ROMEO, IAGO):
        found.append([each[1:] for each in world.now(world.subscribing.of(realm, who))])
        found.append([(n.name, a) for n, a in world.now(world.subscribing.affiliations_of(realm, who))])
    return found


class StoringContract(SynchronousTestCase):
    """What is true on every back end; run by subclasses, which open the storage."""

    faults: Iterable[str] = ()
    """What can be broken."""

    def storage(self) -> Any:
        """Open an empty storage."""
        raise NotImplementedError

    def opened_again(self, storage: Any) -> Any:
        """Give what a new start finds."""
        raise NotImplementedError

    def break_(self, storage: Any, fault: str) -> None:
        """Let commits fail."""
        raise NotImplementedError

    def mend(self, storage: Any) -> None:
        """Let them be made again."""
        raise NotImplementedError

    def test_each_operation(self) -> None:
        """promises#changes: no result without the change, no notification, and the node is not half-changed."""
        for name in ACTS:
            failed = [self._check(name, fault) for fault in self.faults]
            self.assertTrue(any(failed), f"nothing makes {name} fail")

    def _check(self, name: str, fault: str) -> bool:
        """Whether the fault has made the act fail."""
        storage, has_failed = self.storage(), False
        world = made(storage)
        for kind in ("personal", "domain"):
            if (kind, name) == ("domain", "publish and create"):
                continue  # a service's nodes are not made by publishing
            with self.subTest(kind=kind, act=name, fault=fault):
                realm = world.realm(kind)
                before = seen(world, realm)
                self.break_(storage, fault)
                try:
                    world.now(ACTS[name](world, realm))
                except StorageError:
                    has_failed = True
                    self.mend(storage)
                    self.assertEqual(seen(world, realm), before)
                    world.server.server.services[Nodes].release_memory()
                    self.assertEqual(seen(world, realm), before, "read again")
                    world.now(ACTS[name](world, realm))
                self.mend(storage)
                after = seen(world, realm)
                self.assertNotEqual(after, before)
                world.server.server.services[Nodes].release_memory()
                self.assertEqual(seen(world, realm), after)
        stored = [seen(world, world.realm(kind)) for kind in ("personal", "domain")]
        again = World(self.opened_again(storage))
        self.assertEqual([seen(again, again.realm(kind)) for kind in ("personal", "domain")], stored)
        return has_failed

    def test_nothing_is_left(self) -> None:
        """An account that is gone has no nodes, stored or in memory; its successor begins anew."""
        storage = self.storage()
        world = made(storage)
        realm = world.personal
        services = world.server.server.services
        world.now(services[Removal].remove(JID.parse("juliet@localhost")))
        for act in ACTS.values():
            with self.assertRaises(StanzaError):
                world.now(act(world, realm))
        for store in (NODES, PEOPLE, *OF_NODE):
            self.assertNotIn(JULIET.bare, world.now(storage.owners(store)), store)
            self.assertEqual(world.now(storage.parts(store, JULIET.bare)), [], store)
        world.server.add_account("juliet@localhost")
        self.assertEqual(seen(world, realm)[0], ("n", "item-not-found"))
