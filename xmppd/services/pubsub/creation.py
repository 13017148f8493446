"""How a node comes to be: XEP-0060 8.1."""

from xmppd.services.pubsub.node import Affiliation, Node, NodeRecord, People
from xmppd.services.pubsub.nodes import AFFILIATIONS, PEOPLE, Nodes, people_key
from xmppd.services.pubsub.options import NodeOptions
from xmppd.services.pubsub.realm import Realm
from xmppd.services.pubsub.refusals import refusal
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Change, Put, part_of


async def new_node(
    nodes: Nodes, realm: Realm, who: JID, name: str, options: NodeOptions, now: float
) -> tuple[Node, list[Change]]:
    """Give a node that *who* makes, and what stores it; `StanzaError` where the realm has as many as it may."""
    if await nodes.count(realm.jid, realm.is_personal) >= realm.limits.pubsub_nodes:
        raise refusal("max-nodes-exceeded", "There are as many nodes as there may be")
    people, changes = People(), list[Change]()
    if not realm.is_owner(who):
        people.affiliations[who.bare] = Affiliation.OWNER
        changes = [
            Put(AFFILIATIONS, part_of(realm.jid, name), who.bare, Affiliation.OWNER.encode()),
            Put(PEOPLE, realm.jid, people_key(who.bare, name), b""),
        ]
    record = NodeRecord(options, now, who.bare, bool(people))
    node = Node(realm.jid, name, record, people, items=0)
    return node, [nodes.put(node, record), *changes]
