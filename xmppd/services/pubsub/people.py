"""What is stored of who has to do with a node, and how a subscription is shown."""

from collections.abc import Mapping

from xmppd.services.pubsub.items import NS
from xmppd.services.pubsub.node import Affiliation, Node, People, Subscription, SubscriptionState
from xmppd.services.pubsub.nodes import (
    AFFILIATIONS,
    IS_SUBSCRIBED,
    PEOPLE,
    SUBSCRIPTIONS,
    people_key,
    subscription_data,
)
from xmppd.stanza.element import Element
from xmppd.stanza.stamps import stamp_of
from xmppd.storage.interface import Change, Delete, Put, part_of


def affiliation_changes(node: Node, wanted: Mapping[str, Affiliation], after: People) -> list[Change]:
    """Give what stores these affiliations; *after* is who has to do with the node then."""
    part, changes = part_of(node.owner, node.name), list[Change]()
    for jid, affiliation in wanted.items():
        if affiliation is Affiliation.NONE:
            changes.append(Delete(AFFILIATIONS, part, jid))
        else:
            changes.append(Put(AFFILIATIONS, part, jid, affiliation.encode()))
        changes.append(_known(node, jid, after))
    return changes


def subscription_changes(
    node: Node, wanted: Mapping[str, Subscription | None], after: People
) -> list[Change]:
    """Give what stores these subscriptions; None: there is none any more."""
    part, changes = part_of(node.owner, node.name), list[Change]()
    for jid, subscription in wanted.items():
        if subscription is None:
            changes.append(Delete(SUBSCRIPTIONS, part, jid))
        else:
            changes.append(Put(SUBSCRIPTIONS, part, jid, subscription_data(subscription)))
        changes.append(_known(node, jid, after))
    return changes


def _known(node: Node, jid: str, after: People) -> Change:
    key = people_key(jid, node.name)
    if jid in after.subscriptions:
        return Put(PEOPLE, node.owner, key, IS_SUBSCRIBED)
    if jid in after.affiliations:
        return Put(PEOPLE, node.owner, key, b"")
    return Delete(PEOPLE, node.owner, key)


def subscription_element(
    node: Node, jid: str, subscription: Subscription | None, ns: str = NS, *, with_node: bool = True
) -> Element:
    """Show a subscription (6.1.2, 8.8.1); None: that there is none."""
    attrs = {"node": node.name} if with_node else {}
    state = SubscriptionState.NONE if subscription is None else subscription.state
    attrs |= {"jid": jid, "subscription": state.value}
    if subscription is not None:
        attrs["subid"] = subscription.subid
        if subscription.expire is not None:
            attrs["expiry"] = stamp_of(subscription.expire)
    return Element("subscription", ns, attrs)
