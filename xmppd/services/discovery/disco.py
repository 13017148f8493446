"""What an entity here is and can do: the data behind XEP-0030, to which every module adds its own."""

from dataclasses import dataclass, field

from xmppd.core.hooks import Hook
from xmppd.core.host import Host
from xmppd.core.module import Identity
from xmppd.stanza.element import Element
from xmppd.stanza.jid import JID


@dataclass(frozen=True, slots=True)
class Item:
    """Something that belongs to an entity (XEP-0030 4.1)."""

    jid: str
    node: str = ""
    name: str = ""


@dataclass(slots=True)
class Info:
    """The answer to disco#info while it is gathered; handlers of the hooks add to it."""

    host: Host
    target: JID
    sender: JID | None
    node: str
    identities: list[Identity] = field(default_factory=list)
    features: set[str] = field(default_factory=set)
    forms: list[Element] = field(default_factory=list)


@dataclass(slots=True)
class Items:
    """The answer to disco#items while it is gathered."""

    host: Host
    target: JID
    sender: JID
    node: str
    items: list[Item] = field(default_factory=list)


HOST_INFO = Hook[Info](
    "host-info", "Notified for disco#info of a served domain: add identities, features, forms."
)
ACCOUNT_INFO = Hook[Info](
    "account-info",
    "Notified for disco#info of an account by somebody who may see its presence: add identities, features, forms.",
)
HOST_ITEMS = Hook[Items]("host-items", "Notified for disco#items of a served domain: add items.")
ACCOUNT_ITEMS = Hook[Items](
    "account-items", "Notified for disco#items of an account by somebody who may see its presence."
)
NODE_INFO = Hook[Info](
    "node-info", "Asked for disco#info of a node. True: the node is known and what was to say has been added."
)
NODE_ITEMS = Hook[Items]("node-items", "Asked for disco#items of a node. True: the node is known.")


def host_info(host: Host) -> Info:
    """Give identities, features and forms of a served domain as its modules declare them."""
    info = Info(host, JID(None, host.name, None), None, "", [Identity("server", "im", "xmppd")])
    for module in host.modules.values():
        info.features.update(module.features)
    host.hooks.notify(HOST_INFO, info)
    return info


def account_info(host: Host, account: JID, sender: JID) -> Info:
    """Give identities, features and forms of an account as the modules of its host declare them."""
    kind = "anonymous" if host.settings.auth == "anonymous" else "registered"
    info = Info(host, account, sender, "", [Identity("account", kind)])
    for module in host.modules.values():
        info.features.update(module.account_features)
    host.hooks.notify(ACCOUNT_INFO, info)
    return info
