"""`xmppd.services.pubsub.access`: every access model, affiliation, relation and request, against one model."""

from itertools import product

from twisted.trial.unittest import SynchronousTestCase

from tests.services.pubsub.world import IAGO, JULIET, ROMEO, World, item
from xmppd.services.pubsub.access import Viewer, is_listed_for, may_all_get, may_get
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
