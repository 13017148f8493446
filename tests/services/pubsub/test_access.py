"""`xmppd.services.pubsub.access`: every access model, affiliation, relation and request, against one model."""

from collections.abc import Callable, Container, Mapping
from itertools import product

from twisted.trial.unittest import SynchronousTestCase

from tests.services.pubsub.world import IAGO, JULIET, ROMEO, World, item
from xmppd.core.roles import Roles
from xmppd.services.pubsub.access import Viewer, is_listed_for, may_all_get, may_get
from xmppd.services.pubsub.domain import OperatorRealm
from xmppd.services.pubsub.node import Affiliation, Node, NodeRecord, People, SubscriptionState
from xmppd.services.pubsub.options import AccessModel, NodeOptions
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID

GROUPS = ("friends",)


def allowed(
    model: AccessModel, affiliation: Affiliation, subscription: SubscriptionState, sees: bool, in_group: bool
) -> bool:
    """XEP-0060 4.1 and 4.5, once more and in other words."""
    if affiliation in ("owner", "publisher", "member"):
        return True
    if affiliation in ("outcast", "publish-only"):
        return False
    return {
        "open": True,
        "presence": sees,
        "roster": in_group,
        "authorize": subscription == "subscribed",
        "whitelist": False,
    }[model.value]


class TableTests(SynchronousTestCase):
    """`may_get`."""

    def test_every_case(self) -> None:
        """Whatever somebody is to a node and to its owner."""
        cases = product(AccessModel, Affiliation, SubscriptionState, (False, True), (False, True))
        for model, affiliation, subscription, sees, in_group in cases:
            options = NodeOptions(access_model=model, roster_groups_allowed=GROUPS)
            node = Node("juliet@localhost", "n", NodeRecord(options, 0.0, "juliet@localhost"))
            who = Viewer(affiliation, subscription, sees, frozenset(GROUPS if in_group else ("others",)))
            wanted = allowed(model, affiliation, subscription, sees, in_group)
            self.assertEqual(may_get(node, who) is None, wanted, (model, who))
            may_ask = model is AccessModel.AUTHORIZE and affiliation is Affiliation.NONE
            self.assertEqual(is_listed_for(node, who) is None, wanted or may_ask, (model, who))

    def test_everybody(self) -> None:
        """`may_all_get` says what `may_get` says of anybody."""
        for model, affiliation in product(AccessModel, Affiliation):
            node = Node("s", "n", NodeRecord(NodeOptions(access_model=model), 0.0, "juliet@localhost"))
            people = People()
            people.affiliations = {"juliet@localhost": Affiliation.OWNER, "romeo@localhost": affiliation}
            whoever = (Affiliation.OWNER, affiliation, Affiliation.NONE)
            is_for_all = all(may_get(node, Viewer(each)) is None for each in whoever)
            self.assertEqual(may_all_get(node, people), is_for_all, (model, affiliation))


class RequestTests(SynchronousTestCase):
    """Getting, being told, the last item and disco say the same."""

    def test_all_requests_agree(self) -> None:
        """XEP-0060 6.5.9, 7.1.2, 6.1.7, 5.2: for each access model, affiliation and relation."""
        affiliations = (Affiliation.NONE, Affiliation.MEMBER, Affiliation.PUBLISH_ONLY, Affiliation.OUTCAST)
        for model, affiliation, who in product(AccessModel, affiliations, (ROMEO, IAGO)):
            with self.subTest(model=model.value, affiliation=affiliation.value, who=who.full):
                self._check(model, affiliation, who)

    def _check(self, model: AccessModel, affiliation: Affiliation, who: JID) -> None:
        world = World()
        realm, name, is_contact = world.personal, "urn:example:n", who is ROMEO
        form = {"pubsub#access_model": (model.value,), "pubsub#roster_groups_allowed": ("Family",)}
        world.now(world.publishing.publish(realm, JULIET, name, item(), form))
        if affiliation is not Affiliation.NONE:
            world.now(world.owning.affiliate(realm, JULIET, name, {who.bare: affiliation}))
        wanted = allowed(model, affiliation, SubscriptionState.NONE, is_contact, is_contact)
        try:
            world.now(world.reading.items(realm, who, name, ("1",)))
            got = True
        except StanzaError:
            got = False
        self.assertEqual(got, wanted, "get")
        client = world.server.logged_in(who.full)
        client.send("<presence><c xmlns='http://jabber.org/protocol/caps' node='a' ver='1'/></presence>")
        world.server.settle()
        asked = next(each for each in client.inbox if each.get("type") == "get")
        client.inbox.clear()
        client.send(
            f"<iq type='result' id='{asked.get('id')}' to='localhost'><query xmlns='http://jabber.org/protocol/"
            f"disco#info'><feature var='{name}+notify'/></query></iq>"
        )
        world.server.settle()
        # who is no contact is told nothing by itself, whatever it may get (XEP-0163 4)
        self.assertEqual(len(client.inbox), int(wanted and is_contact), "last item")
        client.inbox.clear()
        world.now(world.publishing.publish(realm, JULIET, name, item("2")))
        self.assertEqual(len(client.inbox), int(wanted and is_contact), "notification")
        listed = [node.name for node in world.now(world.reading.nodes(realm, who))]
        may_ask = model is AccessModel.AUTHORIZE and affiliation is Affiliation.NONE
        self.assertEqual(listed == [name], wanted or may_ask, "disco")


NODE = "urn:example:n"
ROSTER = "<iq type='set' id='r'><query xmlns='jabber:iq:roster'>{}</query></iq>"
BLOCK = "<iq type='set' id='b'><{0} xmlns='urn:xmpp:blocking'><item jid='{1}@localhost'/></{0}></iq>"
CAPS = "<presence><c xmlns='http://jabber.org/protocol/caps' node='a' ver='{}'/></presence>"
ALL = frozenset(("open", "presence", "roster", "whitelist"))
CHANGES: Mapping[str, tuple[str, str, str, frozenset[str]]] = {
    "removed": ("juliet", ROSTER.format("<item jid='iago@localhost' subscription='remove'/>"), "", ALL),
    "cancelled": ("juliet", "<presence to='iago@localhost' type='unsubscribed'/>", "", ALL),
    "unsubscribed": ("iago", "<presence to='juliet@localhost' type='unsubscribe'/>", "", ALL),
    "another group": (
        "juliet",
        ROSTER.format("<item jid='iago@localhost'><group>Foes</group></item>"),
        ROSTER.format("<item jid='iago@localhost'><group>Friends</group></item>"),
        frozenset(("roster",)),
    ),
    "blocked": ("juliet", BLOCK.format("block", "iago"), BLOCK.format("unblock", "iago"), ALL),
    "has blocked": ("iago", BLOCK.format("block", "juliet"), BLOCK.format("unblock", "juliet"), ALL),
    "unavailable": ("iago", "<presence type='unavailable'/>", CAPS.format("wants"), ALL),
    "another client": ("iago", CAPS.format("other"), CAPS.format("wants"), ALL),
    "end": ("iago", "</stream:stream>", "", ALL),
}
"""By what: who does what, what undoes it, and the access models by which nothing is told then."""


class LosingTests(SynchronousTestCase):
    """Who has been told, and loses what it was told for, is told nothing more; when that is undone, it is again."""

    def setUp(self) -> None:
        """Give each test an account with a contact in a group of its roster, whose client wants to know."""
        self.world = World()
        server = self.world.server
        self.juliet, self.iago = (server.logged_in(each.full) for each in (JULIET, IAGO))
        self.clients = {"juliet": self.juliet, "iago": self.iago}
        for sender, to, type in (
            ("iago", "juliet", "subscribe"),
            ("juliet", "iago", "subscribed"),
            ("juliet", "iago", "subscribe"),
            ("iago", "juliet", "subscribed"),
        ):
            self.send(sender, f"<presence to='{to}@localhost' type='{type}'/>")
        self.send("juliet", ROSTER.format("<item jid='iago@localhost'><group>Friends</group></item>"))
        self.send("juliet", "<presence/>")
        self.send("iago", CAPS.format("wants"))
        form = {"pubsub#roster_groups_allowed": ("Friends",)}
        self.world.now(self.world.owning.create(self.world.personal, JULIET, NODE, form))

    def send(self, who: str, xml: str) -> None:
        """Let a client send something, and iago's say what it can do, if it is asked."""
        self.clients[who].send(xml)
        self.world.server.settle()
        for asked in [each for each in self.iago.inbox if each.get("type") == "get"]:
            node = asked[0].get("node") or ""
            feature = f"<feature var='{NODE}+notify'/>" if node.endswith("wants") else ""
            self.iago.send(
                f"<iq type='result' id='{asked.get('id')}' to='localhost'>"
                f"<query xmlns='http://jabber.org/protocol/disco#info'>{feature}</query></iq>"
            )
        self.world.server.settle()
        self.iago.inbox.clear()

    def told(self, model: str) -> int:
        """Publish, and say how often iago has heard of it."""
        world, realm = self.world, self.world.personal
        world.now(world.owning.configure(realm, JULIET, NODE, {"pubsub#access_model": (model,)}))
        self.iago.inbox.clear()
        world.now(world.publishing.publish(realm, JULIET, NODE, item()))
        return len(self.iago.inbox)

    def member(self, affiliation: Affiliation) -> None:
        """Make iago something to the node."""
        world = self.world
        world.now(world.owning.affiliate(world.personal, JULIET, NODE, {IAGO.bare: affiliation}))

    def check(self, what: str, lost: Container[str]) -> None:
        """Publish by each access model, and see that it is told but where it is *lost*."""
        for model in sorted(ALL):
            self.member(Affiliation.MEMBER if model == "whitelist" else Affiliation.NONE)
            self.assertEqual(self.told(model), int(model not in lost), (what, model))

    def test_affiliations(self) -> None:
        """XEP-0060 4.1: who is shut out is told nothing, nor who is no member any more."""
        self.check("before", ())
        for model in ("open", "presence", "roster"):
            self.member(Affiliation.OUTCAST)
            self.assertEqual(self.told(model), 0, model)
        self.member(Affiliation.NONE)
        self.assertEqual(self.told("whitelist"), 0)


def _losing(
    what: str, who: str, xml: str, undone: str, lost: frozenset[str]
) -> Callable[[LosingTests], None]:
    def test(self: LosingTests) -> None:
        self.check("before", ())
        self.send(who, xml)
        self.check(what, lost)
        if undone:
            self.send(who, undone)
            self.check(f"undone: {what}", ())

    test.__doc__ = f"XEP-0163 4, 6: {what}."
    return test


for _what, _change in CHANGES.items():
    setattr(LosingTests, f"test_{_what.replace(' ', '_')}", _losing(_what, *_change))


class OperatorTests(SynchronousTestCase):
    """What is done in the name of those who run the server."""

    def test_who_is_told(self) -> None:
        """XEP-0060 8.4: who may do everything tells nobody of it who may not see the node."""
        for is_operator in (False, True):
            world = World()
            server = world.server.server
            romeo = world.server.logged_in(ROMEO.full)
            romeo.send("<presence/>")
            options = {"pubsub#access_model": ("open",), "pubsub#notify_delete": ("1",)}
            world.now(world.owning.create(world.domain, JULIET, "n", options))
            world.now(world.subscribing.subscribe(world.domain, ROMEO, "n", JID.parse(ROMEO.bare), None))
            world.now(
                world.owning.configure(world.domain, JULIET, "n", {"pubsub#access_model": ("whitelist",)})
            )
            romeo.inbox.clear()
            host, roles = server.hosts["pubsub.localhost"], server.services[Roles]
            operator = OperatorRealm(host, server.registry, roles, "anybody", world.server.clock.seconds)
            world.now(world.owning.delete(operator if is_operator else world.domain, JULIET, "n"))
            self.assertEqual(list(romeo.inbox), [], is_operator)
