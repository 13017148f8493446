"""What new nodes get: by the kind of realm, and for nodes whose XEPs say how they are to be."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from xmppd.services.pubsub.options import AccessModel, NodeOptions, SendLast

PERSONAL: Final = NodeOptions(access_model=AccessModel.PRESENCE)
"""XEP-0163 5: for contacts, and sent to them when they come."""
OF_SERVICE: Final = NodeOptions(
    access_model=AccessModel.OPEN, max_items=20, send_last_published_item=SendLast.ON_SUB
)
OPEN: Final = replace(PERSONAL, access_model=AccessModel.OPEN)
PRIVATE: Final = replace(PERSONAL, access_model=AccessModel.WHITELIST)
PRIVATE_LIST: Final = replace(
    PRIVATE, max_items=None, send_last_published_item=SendLast.NEVER, notify_delete=True
)
"""XEP-0402 3.2 and XEP-0490 3: one item for each conversation, for the account alone."""

BY_NAME: Final[Mapping[str, NodeOptions]] = {
    "eu.siacs.conversations.axolotl.devicelist": OPEN,  # XEP-0384 before 0.8.3, 4.3
    "urn:xmpp:omemo:2:devices": OPEN,  # XEP-0384 5.3.1
    "urn:xmpp:omemo:2:bundles": replace(OPEN, max_items=None, send_last_published_item=SendLast.NEVER),
    "urn:xmpp:avatar:metadata": PERSONAL,  # XEP-0084 4.2.2
    "urn:xmpp:avatar:data": replace(PERSONAL, send_last_published_item=SendLast.NEVER),
    "urn:xmpp:vcard4": replace(OPEN, deliver_payloads=False),  # XEP-0292 3.2, 7
    "urn:xmpp:contacts": PRIVATE_LIST,  # XEP-0292 4.2
    "storage:bookmarks": PRIVATE,  # XEP-0048 2.1
    "urn:xmpp:bookmarks:1": PRIVATE_LIST,
    "urn:xmpp:mds:displayed:0": PRIVATE_LIST,
    "urn:xmpp:microblog:0": replace(PERSONAL, max_items=None),  # XEP-0277
}
"""What a node of this name gets in an account where its maker says nothing else."""
BY_PREFIX: Final[Mapping[str, NodeOptions]] = {
    "eu.siacs.conversations.axolotl.bundles:": replace(OPEN, send_last_published_item=SendLast.NEVER),
    "urn:xmpp:microblog:0:comments/": replace(OPEN, max_items=None),
}


def personal_defaults(name: str) -> NodeOptions:
    """Give what a node of this name gets in an account."""
    named = BY_NAME.get(name)
    if named is not None:
        return named
    for prefix, options in BY_PREFIX.items():
        if name.startswith(prefix):
            return options
    return PERSONAL
