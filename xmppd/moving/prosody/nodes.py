"""Prosody's nodes of accounts (``mod_pep``): the nodes in store ``pep``, the items of each in a store of its own."""

from collections.abc import Iterator
from typing import Any, Final

from xmppd.moving.lua import Table
from xmppd.moving.model import Item, Node, NotCarried, Piece
from xmppd.moving.names import jid_or_none
from xmppd.moving.options import node_options
from xmppd.moving.prosody.data import ProsodyData
from xmppd.services.pubsub.items import payload_of
from xmppd.services.pubsub.node import Affiliation, Subscription, SubscriptionState
from xmppd.stanza.jid import JID

_AFFILIATIONS: Final = frozenset(Affiliation)
PREFIX: Final = "pep_"
_OTHER_NAMES: Final = {
    "payload_type": "type",
    "notify_items": "deliver_notifications",
    "include_payload": "deliver_payloads",
}
"""What Prosody calls an option otherwise."""


def nodes(data: ProsodyData, jid: JID, host: str, user: str, stores: frozenset[str]) -> Iterator[Piece]:
    """Give each node with its items; nodes whose items are not kept come without any."""
    try:
        stored = data.table(host, user, "pep") if "pep" in stores else {}
    except ValueError as error:
        yield NotCarried("nodes that cannot be read", f"{jid.bare}: {error}")
        return
    for name in sorted(each for each in stored if isinstance(each, str)):
        config = stored[name]
        try:
            yield from _node(jid, name, config if isinstance(config, dict) else {})
        except (ValueError, TypeError, AttributeError) as error:
            yield NotCarried("nodes that cannot be read", f"{name} of {jid.bare}: {error}")
            continue
        if PREFIX + name in stores:
            yield from _items(data, jid, host, user, name)


def _node(jid: JID, name: str, stored: Table) -> Iterator[Piece]:
    config = {
        _OTHER_NAMES.get(key, key): value
        for key, value in (stored.get("config") or {}).items()
        if isinstance(key, str) and not key.startswith("_")
    }
    options, unknown = node_options(name, {key: _texts(value) for key, value in config.items()})
    yield from (NotCarried("options of nodes", f"{each} of {name}, {jid.bare}") for each in unknown)
    yield Node(name, options, None, _affiliations(jid, stored), _subscriptions(stored))


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, dict):
        return tuple(str(each) for each in value.values())
    if isinstance(value, bool):
        return ("1" if value else "0",)
    return (str(value),)


def _affiliations(jid: JID, stored: Table) -> dict[str, Affiliation]:
    found: dict[str, Affiliation] = {}
    for key, word in (stored.get("affiliations") or {}).items():
        who = jid_or_none(key)
        if who is not None and who.bare != jid.bare and word in _AFFILIATIONS:
            found[who.bare] = Affiliation(word)
    return found


def _subscriptions(stored: Table) -> dict[str, Subscription]:
    found: dict[str, Subscription] = {}
    for key in stored.get("subscribers") or {}:
        who = jid_or_none(key)
        if who is not None:
            found[who.full] = Subscription(SubscriptionState.SUBSCRIBED, "")
    return found


def _items(data: ProsodyData, jid: JID, host: str, user: str, name: str) -> Iterator[Piece]:
    for kept in data.archive(host, user, PREFIX + name):
        if isinstance(kept, ValueError):
            yield NotCarried("items of nodes that cannot be read", f"{jid.bare}: {kept}")
            continue
        publisher = jid_or_none(kept.with_jid)
        yield Item(
            name, kept.key, payload_of(kept.element), kept.at, "" if publisher is None else publisher.full
        )
