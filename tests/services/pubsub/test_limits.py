"""Everything about nodes that others can make grow has a bound, and who has reached it can still have less."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.services.pubsub.world import IAGO, JULIET, ROMEO, World, item
from xmppd.services.pubsub.node import ITEM_CHARS, NODE_CHARS, Affiliation, SubscriptionState
from xmppd.services.pubsub.owning import CHANGES_MAX, SubscriptionChange
from xmppd.services.pubsub.realm import Realm
from xmppd.services.pubsub.refusals import NS_ERRORS
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.result_sets import PageRequest
from xmppd.storage.memory import MemoryStorage

MOST = 3
OPEN = {"pubsub#access_model": ("open",)}


class LimitsContract(SynchronousTestCase):
    """Limits of a realm."""

    w: World

    def world(self, limit: str, value: int = MOST, storage: MemoryStorage | None = None) -> World:
        """Give a server with one limit of its own, and room for many nodes."""
        limits = {"pubsub_nodes": 2_000, limit: value}
        self.w = World(storage, "[limits]\n" + "".join(f"{name} = {most}\n" for name, most in limits.items()))
        return self.w

    def refused(self, waiting: Any, condition: str) -> None:
        """See that something is refused with *condition*, a stanza error or one of XEP-0060's own."""
        with self.assertRaises(StanzaError) as raised:
            self.w.now(waiting)
        extra = raised.exception.extra
        is_own = extra is not None and extra.ns == NS_ERRORS
        self.assertEqual(
            extra.name if is_own and extra is not None else raised.exception.condition, condition
        )

    def members(self, *numbers: int) -> dict[str, Affiliation]:
        """Give so many members."""
        return {f"m{number}@localhost": Affiliation.MEMBER for number in numbers}


class NodeTests(LimitsContract):
    """``limits.pubsub_nodes``."""

    def test_nodes(self) -> None:
        """XEP-0060 8.1.3.4, 12.6: no more nodes, however they are made; one that goes makes room."""
        world = self.world("pubsub_nodes")
        for realm in (world.personal, world.domain):
            for number in range(MOST):
                world.now(world.owning.create(realm, JULIET, f"n{number}", None))
            self.refused(world.owning.create(realm, JULIET, "more", None), "max-nodes-exceeded")
            if realm.is_personal:
                self.refused(world.publishing.publish(realm, JULIET, "more", item()), "max-nodes-exceeded")
            world.now(world.owning.delete(realm, JULIET, "n0"))
            world.now(world.owning.create(realm, JULIET, "more", None))

    def test_names(self) -> None:
        """Names of nodes and ids of items have a greatest length, whatever they consist of."""
        world = self.world("pubsub_nodes")
        for realm in (world.personal, world.domain):
            longest, id = "é" * NODE_CHARS, "🜁" * ITEM_CHARS
            world.now(world.owning.create(realm, JULIET, longest, None))
            self.refused(world.owning.create(realm, JULIET, longest + "x", None), "not-acceptable")
            self.assertEqual(world.now(world.publishing.publish(realm, JULIET, longest, item(id))), id)
            self.refused(world.publishing.publish(realm, JULIET, longest, item(id + "x")), "not-acceptable")


class ItemTests(LimitsContract):
    """``limits.pubsub_items`` and ``limits.pubsub_payload_bytes``."""

    def ids(self, realm: Realm) -> list[str]:
        """Give the ids of the items of the node."""
        page = self.w.now(self.w.reading.page(realm, JULIET, "n", PageRequest()))
        return [entry.id for entry in page.entries]

    def test_items(self) -> None:
        """What ``max`` means, and any number beyond it; the oldest go."""
        for configured in ("max", "1000"):
            world = self.world("pubsub_items")
            for realm in (world.personal, world.domain):
                form = {"pubsub#max_items": (configured,)}
                world.now(world.owning.create(realm, JULIET, "n", form))
                for number in range(MOST + 2):
                    world.now(world.publishing.publish(realm, JULIET, "n", item(str(number))))
                self.assertEqual(self.ids(realm), ["2", "3", "4"])
                world.now(world.owning.configure(realm, JULIET, "n", form))
                self.assertEqual(self.ids(realm), ["2", "3", "4"])

    def test_fewer_than_before(self) -> None:
        """A node that was configured when more were allowed keeps no more than now either, nor larger ones."""
        storage = MemoryStorage()
        world = self.world("pubsub_items", 10, storage)
        form = {"pubsub#max_items": ("8",), "pubsub#max_payload_size": ("5000",)}
        for realm in (world.personal, world.domain):
            world.now(world.owning.create(realm, JULIET, "n", form))
            for number in range(8):
                world.now(world.publishing.publish(realm, JULIET, "n", item(str(number))))
        world = self.world("pubsub_items", MOST, storage)
        for realm in (world.personal, world.domain):
            world.now(world.publishing.publish(realm, JULIET, "n", item("8")))
            self.assertEqual(self.ids(realm), ["6", "7", "8"])
        world = self.world("pubsub_payload_bytes", 1_000, storage)
        for realm in (world.personal, world.domain):
            large = item("9", b"<a xmlns='b'>" + b"x" * 1_000 + b"</a>")
            self.refused(world.publishing.publish(realm, JULIET, "n", large), "payload-too-big")

    def test_payload(self) -> None:
        """XEP-0060 7.1.3.4: one byte too many, by the server's limit or by the node's own."""
        world = self.world("pubsub_payload_bytes", 1_000)
        for realm in (world.personal, world.domain):
            for name, most in (("n", 1_000), ("small", 100)):
                world.now(world.owning.create(realm, JULIET, name, {"pubsub#max_payload_size": (str(most),)}))
                fits = b"<a xmlns='b'>" + b"x" * (most - 17) + b"</a>"
                world.now(world.publishing.publish(realm, JULIET, name, item("1", fits)))
                larger = fits.replace(b"x", b"xx", 1)
                self.refused(
                    world.publishing.publish(realm, JULIET, name, item("1", larger)), "payload-too-big"
                )


class PeopleTests(LimitsContract):
    """``limits.pubsub_people``."""

    def test_affiliations(self) -> None:
        """XEP-0060 8.9.2: no more than these; others in place of them, and fewer, at any time."""
        world = self.world("pubsub_people")
        for realm in (world.personal, world.domain):
            world.now(world.owning.create(realm, JULIET, "n", None))
            first = 0 if realm.is_personal else 1  # a service's node names its owner
            world.now(world.owning.affiliate(realm, JULIET, "n", self.members(*range(first, MOST))))
            self.refused(world.owning.affiliate(realm, JULIET, "n", self.members(9)), "policy-violation")
            without = {"m2@localhost": Affiliation.NONE, "unknown@localhost": Affiliation.NONE}
            world.now(world.owning.affiliate(realm, JULIET, "n", self.members(9) | without))
            world.now(world.owning.affiliate(realm, JULIET, "n", without))

    def test_subscriptions(self) -> None:
        """XEP-0060 6.1.3.9, 8.8.2: who is subscribed already may be approved and removed where nobody else can come."""
        world = self.world("pubsub_people", 2)
        for realm in (world.personal, world.domain):
            world.now(world.owning.create(realm, JULIET, "n", {"pubsub#access_model": ("authorize",)}))
            for who in (ROMEO, IAGO):
                world.now(world.subscribing.subscribe(realm, who, "n", JID.parse(who.bare), None))
            third = JID.parse("third@localhost")
            self.refused(
                world.subscribing.subscribe(realm, third, "n", third, None), "too-many-subscriptions"
            )
            for wanted in ([third], [third, JID.parse("fourth@localhost")]):
                changes = [SubscriptionChange(jid, SubscriptionState.SUBSCRIBED) for jid in wanted]
                self.refused(
                    world.owning.set_subscriptions(realm, JULIET, "n", changes), "too-many-subscriptions"
                )
            for is_allowed, jid in ((True, ROMEO.bare), (False, IAGO.bare)):
                world.now(world.owning.decide(realm, JULIET, "n", JID.parse(jid), None, is_allowed))
            found = world.now(world.owning.subscriptions(realm, JULIET, "n"))
            self.assertEqual(
                {jid: each.state.value for jid, each in found.items()}, {ROMEO.bare: "subscribed"}
            )

    def test_one_request(self) -> None:
        """So many changes are made by one request at most."""
        world = self.world("pubsub_people", 5_000)
        world.now(world.owning.create(world.domain, JULIET, "n", None))
        many = range(CHANGES_MAX + 1)
        self.refused(
            world.owning.affiliate(world.domain, JULIET, "n", self.members(*many)), "policy-violation"
        )
        changes = [
            SubscriptionChange(JID.parse(f"m{each}@localhost"), SubscriptionState.SUBSCRIBED) for each in many
        ]
        self.refused(
            world.owning.set_subscriptions(world.domain, JULIET, "n", changes), "too-many-subscriptions"
        )


class SubscriptionTests(LimitsContract):
    """``limits.pubsub_subscriptions``."""

    def test_of_one_entity(self) -> None:
        """XEP-0060 6.1.3.9: of all its resources together; what it owns does not count, nor what has ended."""
        world = self.world("pubsub_subscriptions")
        for realm in (world.personal, world.domain):
            for number in range(MOST + 1):
                world.now(world.owning.create(realm, JULIET, f"n{number}", OPEN))
                world.now(
                    world.owning.affiliate(realm, JULIET, f"n{number}", {ROMEO.bare: Affiliation.MEMBER})
                )
            taken = ((0, ROMEO), (0, JID.parse(ROMEO.bare)), (1, ROMEO))
            for number, jid in taken:
                world.now(world.subscribing.subscribe(realm, ROMEO, f"n{number}", jid, None))
            more = world.subscribing.subscribe(realm, ROMEO, "n2", ROMEO, None)
            self.refused(more, "too-many-subscriptions")
            world.now(world.subscribing.subscribe(realm, IAGO, "n2", IAGO, None))
            world.now(world.subscribing.unsubscribe(realm, ROMEO, "n0", ROMEO, None))
            world.now(world.subscribing.subscribe(realm, ROMEO, "n2", ROMEO, None))

    def test_more_than_a_page(self) -> None:
        """A limit beyond what one read of the storage gives is kept to as well, and all are listed."""
        world = self.world("pubsub_subscriptions", 1_001)
        for number in range(1_001):
            name = f"n{number}"
            world.now(world.owning.create(world.domain, JULIET, name, OPEN))
            if number < 1_000:
                world.now(world.subscribing.subscribe(world.domain, ROMEO, name, ROMEO, None))
        world.now(world.subscribing.subscribe(world.domain, ROMEO, "n1000", ROMEO, None))
        again = world.subscribing.subscribe(world.domain, ROMEO, "n0", JID.parse(ROMEO.bare), None)
        self.refused(again, "too-many-subscriptions")
        self.assertEqual(len(world.now(world.subscribing.of(world.domain, ROMEO))), 1_001)
