"""What does the operations on nodes."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

from xmppd.admin.control.names import existing_account
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.wire import ControlError
from xmppd.admin.loaded import loaded
from xmppd.admin.operations.nodes import NodeRow, NodeShown
from xmppd.core.operations.running import does
from xmppd.core.waiting import deferred
from xmppd.modules.pubsub.service import PubSubService
from xmppd.services.pubsub.node import Node
from xmppd.services.pubsub.nodes import ITEMS, Nodes
from xmppd.services.pubsub.options import NodeOptions
from xmppd.services.pubsub.owning import Owning
from xmppd.services.pubsub.personal import Personal
from xmppd.services.pubsub.realm import Realm
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.storage.interface import part_of

SHOWN: Final = 10_000
"""Nodes that are listed at most."""
DEFAULTS: Final = asdict(NodeOptions())


@does("pubsub.list")
@deferred
async def pubsub_list(parts: ControlParts, where: str) -> list[NodeRow]:
    """Give the nodes of a service or an account, by name."""
    realm, _ = await _realm(parts, where)
    found = await parts.services[Nodes].all_of(realm.jid, realm.is_personal, SHOWN)
    return [await _row(parts, node) for node in found]


@does("pubsub.show")
@deferred
async def pubsub_show(parts: ControlParts, where: str, node: str) -> NodeShown:
    """Give all of a node but what its items say; settings that differ from the defaults."""
    realm, _ = await _realm(parts, where)
    owning = parts.services[Owning]
    try:
        found = await owning.find(realm, node)
    except StanzaError as error:
        raise _absent(where, node) from error
    people = await owning.people(found)
    settings = {key: str(value) for key, value in asdict(found.options).items() if value != DEFAULTS[key]}
    return {
        **await _row(parts, found),
        "where": realm.jid,
        "settings": settings,
        "affiliations": [
            {"jid": jid, "affiliation": str(each)} for jid, each in sorted(people.affiliations.items())
        ],
        "subscriptions": [
            {"jid": jid, "state": str(each.state)} for jid, each in sorted(people.subscriptions.items())
        ],
    }


@does("pubsub.delete")
@deferred
async def pubsub_delete(parts: ControlParts, where: str, node: str) -> dict[str, str]:
    """Delete a node, as its owner would."""
    realm, who = await _realm(parts, where)
    try:
        await parts.services[Owning].delete(realm, who, node)
    except StanzaError as error:
        if error.condition == "item-not-found":
            raise _absent(where, node) from error
        raise ControlError("not-done", (error.text or error.condition).lower()) from error
    return {"where": realm.jid, "node": node}


async def _realm(parts: ControlParts, where: str) -> tuple[Realm, JID]:
    """Give what has nodes, and who owns them."""
    host = parts.hosts.get(where)
    if host is not None:
        module = loaded(host, PubSubService)
        if module is not None:
            return module.of_operators, JID(None, host.name, None)
        if not host.has_accounts:
            raise ControlError("no-nodes", f"{where} is no pubsub service; see xmppctl status")
    account = await existing_account(parts, where)
    return parts.services[Personal].realm(account), account


async def _row(parts: ControlParts, node: Node) -> NodeRow:
    items = await parts.storage.count(ITEMS, part_of(node.owner, node.name))
    return {
        "node": node.name,
        "title": node.options.title,
        "access": node.options.access_model,
        "creator": node.record.creator,
        "created": datetime.fromtimestamp(node.record.created_at, UTC).isoformat(timespec="seconds"),
        "items": items,
    }


def _absent(where: str, node: str) -> ControlError:
    return ControlError(
        "no-such-node", f"{where} has no node {node}; to see which: xmppctl pubsub list {where}"
    )
