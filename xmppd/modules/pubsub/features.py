"""What is told of what pubsub services can do: the table of XEP-0060 10."""

from typing import Final

from xmppd.services.pubsub.items import NS

_BOTH: Final = (
    "access-open",
    "access-whitelist",
    "delete-items",
    "item-ids",
    "persistent-items",
    "publish",
    "publish-options",
    "retract-items",
    "retrieve-items",
    "rsm",
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
