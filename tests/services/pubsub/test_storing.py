"""What is stored of nodes: all of a change or nothing, and what is in memory is what is stored."""

from collections.abc import Callable, Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.services.pubsub.world import IAGO, JULIET, ROMEO, World, item
from xmppd.services.accounts.removal import Removal
from xmppd.services.pubsub.node import Affiliation, SubscriptionState
from xmppd.services.pubsub.nodes import Nodes
from xmppd.services.pubsub.owning import SubscriptionChange
from xmppd.services.pubsub.realm import Realm
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.result_sets import PageRequest
from xmppd.storage.interface import StorageFailed
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


def _world(storage: MemoryStorage, realm: str) -> tuple[World, Realm]:
    world = World(storage)
    chosen: Realm = world.personal if realm == "personal" else world.domain
    form = {"pubsub#access_model": ("open",), "pubsub#max_items": ("5",)}
    world.now(world.owning.create(chosen, JULIET, "n", form))
    world.now(world.publishing.publish(chosen, JULIET, "n", item("1")))
    world.now(world.subscribing.subscribe(chosen, ROMEO, "n", JID.parse(ROMEO.bare), None))
    return world, chosen


def seen(world: World, realm: Realm, names: Iterable[str] = ("n", "other")) -> list[object]:
    """Give all that can be seen of some nodes."""
    found: list[object] = []
    for name in names:
        try:
            page = world.now(world.reading.page(realm, JULIET, name, PageRequest()))
        except StanzaError as error:
            found.append((name, error.condition))
            continue
        found.append((name, page.node.record, [entry[1:] for entry in page.entries]))
        people = world.now(world.reading.people(page.node))
        found.append((people.affiliations, people.subscriptions))
        last = world.now(world.reading.last(page.node))
        found.append(last and last[1:])
    for who in (JULIET, ROMEO, IAGO):
        found.append([each[1:] for each in world.now(world.subscribing.of(realm, who))])
        found.append([(n.name, a) for n, a in world.now(world.subscribing.affiliations_of(realm, who))])
    return found


class FailureTests(SynchronousTestCase):
    """Where a change cannot be stored, nothing has changed, in memory and on disk (promises#changes)."""

    def test_each_operation(self) -> None:
        """No result without the change, no notification, and the node is not half-changed."""
        for kind in ("personal", "domain"):
            for name, act in ACTS.items():
                if (kind, name) == ("domain", "publish and create"):
                    continue  # a service's nodes are not made by publishing
                with self.subTest(kind=kind, act=name):
                    storage = MemoryStorage()
                    world, realm = _world(storage, kind)
                    before = seen(world, realm)
                    storage.failing = StorageFailed("the disk is gone")
                    with self.assertRaises(StorageFailed):
                        world.now(act(world, realm))
                    storage.failing = None
                    self.assertEqual(seen(world, realm), before)
                    world.now(act(world, realm))
                    after = seen(world, realm)
                    self.assertNotEqual(after, before)
                    world.server.server.services[Nodes].release_memory()
                    self.assertEqual(seen(world, realm), after)
                    again = World(storage)
                    realm = again.personal if kind == "personal" else again.domain
                    self.assertEqual(seen(again, realm), after, "after a start")


class RemovalTests(SynchronousTestCase):
    """An account that is gone has no nodes."""

    def test_nothing_is_left(self) -> None:
        """Neither stored nor in memory; who comes under the same name begins anew."""
        world, realm = _world(MemoryStorage(), "personal")
        services = world.server.server.services
        world.now(services[Removal].remove(JID.parse("juliet@localhost")))
        for act in ACTS.values():
            with self.assertRaises(StanzaError):
                world.now(act(world, realm))
        tables = world.server.storage
        for store in ("pubsub_nodes", "pubsub_items", "pubsub_subscriptions", "pubsub_people"):
            self.assertEqual(world.now(tables.owners(store)), [], store)
        world.server.add_account("juliet@localhost")
        self.assertEqual(seen(world, realm)[0], ("n", "item-not-found"))


_OPERATIONS = st.lists(
    st.tuples(st.sampled_from(sorted(ACTS)), st.sampled_from(("1", "2", "3", "\n", "é"))), max_size=12
)


class PropertyTests(SynchronousTestCase):
    """Whatever is done, what is in memory is what is stored."""

    @settings(max_examples=25)
    @given(_OPERATIONS, st.sampled_from(("personal", "domain")))
    def test_a_start_changes_nothing(self, operations: list[tuple[str, str]], kind: str) -> None:
        """After any operations, with any ids, a server that starts anew shows the same."""
        storage = MemoryStorage()
        world, realm = _world(storage, kind)
        for name, id in operations:
            try:
                if name == "publish":
                    world.now(world.publishing.publish(realm, JULIET, "n", item(id)))
                else:
                    world.now(ACTS[name](world, realm))
            except StanzaError:
                pass
        shown = seen(world, realm)
        again = World(storage)
        self.assertEqual(seen(again, again.personal if kind == "personal" else again.domain), shown)
