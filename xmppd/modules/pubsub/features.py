"""What is told of what pubsub services can do: the table of XEP-0060 10."""

from typing import Final

from xmppd.services.pubsub.items import NS

_BOTH: Final = (
    "access-authorize",
    "access-open",
    "access-whitelist",
    "config-node",
    "config-node-max",
    "create-and-configure",
    "create-nodes",
    "delete-items",
    "delete-nodes",
    "instant-nodes",
    "item-ids",
    "manage-subscriptions",
    "member-affiliation",
    "meta-data",
    "modify-affiliations",
    "outcast-affiliation",
    "persistent-items",
    "publish",
    "publish-only-affiliation",
    "publish-options",
    "publisher-affiliation",
    "purge-nodes",
    "retract-items",
    "retrieve-affiliations",
    "retrieve-default",
    "retrieve-default-sub",
    "retrieve-items",
    "retrieve-subscriptions",
    "rsm",
    "subscribe",
    "subscription-notifications",
    "subscription-options",
)
_PERSONAL: Final = (
    "access-presence",
    "access-roster",
    "auto-create",
    "auto-subscribe",
    "filtered-notifications",
    "last-published",
)
SERVICE_FEATURES: Final = (NS, *(f"{NS}#{name}" for name in _BOTH))
PERSONAL_FEATURES: Final = (*SERVICE_FEATURES, *(f"{NS}#{name}" for name in _PERSONAL))
