"""ejabberd's nodes of accounts: found by a number, with their items and with who has to do with them."""

from collections.abc import Iterator
from typing import Any, Final

from xmppd.moving.ejabberd.records import Record, element_of, jid_of, text, time_of
from xmppd.moving.ejabberd.spool import NODE, Spool
from xmppd.moving.erlang import Atom
from xmppd.moving.model import Item, Node, NotCarried, Piece
from xmppd.moving.options import node_options
from xmppd.services.pubsub.items import payload_of
from xmppd.services.pubsub.node import Affiliation, Subscription, SubscriptionState
from xmppd.stanza.jid import JID

_AFFILIATIONS: Final = frozenset(Affiliation)


def nodes(spool: Spool, jid: JID) -> Iterator[Piece]:
    """Give each node with its items."""
    for record in spool.of(jid.bare, "pubsub_node"):
        try:
            yield from _node(spool, jid, record)
        except (ValueError, TypeError, KeyError) as error:
            yield NotCarried("nodes that cannot be read", f"{jid.bare}: {error}")


def _node(spool: Spool, jid: JID, record: Record) -> Iterator[Piece]:
    name, number = text(record.get("nodeid")[1]), record.get("id")
    values = {str(key): _texts(value) for key, value in record.get("options")}
    options, unknown = node_options(name, values)
    yield from (NotCarried("options of nodes", f"{each} of {name}, {jid.bare}") for each in unknown)
    affiliations: dict[str, Affiliation] = {}
    subscriptions: dict[str, Subscription] = {}
    for state in spool.of(f"{NODE}{number}", "pubsub_state"):
        who = jid_of(state.get("stateid")[0])
        word = str(state.get("affiliation"))
        if who.bare != jid.bare and word in _AFFILIATIONS and word != Affiliation.NONE:
            affiliations[who.bare] = Affiliation(word)
        for each in state.get("subscriptions"):
            kind, subid = each if isinstance(each, tuple) else (each, b"")
            if str(kind) in (SubscriptionState.SUBSCRIBED, SubscriptionState.PENDING):
                subscriptions[who.full] = Subscription(SubscriptionState(str(kind)), text(subid))
    yield Node(name, options, None, affiliations, subscriptions)
    for item in spool.of(f"{NODE}{number}", "pubsub_item"):
        yield _item(name, item)


def _item(node: str, record: Record) -> Piece:
    try:
        payload = b"".join(payload_of(element_of(each)) for each in record.get("payload")[:1])
        at, publisher = record.get("modification")
        return Item(node, text(record.get("itemid")[0]), payload, time_of(at), jid_of(publisher).full)
    except (ValueError, TypeError, KeyError) as error:
        return NotCarried("items of nodes that cannot be read", f"{node}: {error}")


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(map(text, value))
    if isinstance(value, Atom):
        return ({"true": "1", "false": "0", "undefined": ""}.get(value, str(value)),)
    return (str(value),) if isinstance(value, int) else (text(value),)
