"""What an entity here is and can do: the data behind XEP-0030, to which every module adds its own."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from xmppd.config.kinds import DomainKind
from xmppd.core.hooks import Hook
from xmppd.core.host import Host, Hosts, Identity
from xmppd.stanza import forms
from xmppd.stanza.element import Element
from xmppd.stanza.jid import JID
from xmppd.stanza.result_sets import PageRequest

EVERYTHING = PageRequest()
SERVER_INFO: Final = "http://jabber.org/network/serverinfo"
"""The type of the form about a server as a whole (XEP-0157, XEP-0485)."""


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
    may_see_presence: bool = True
    """Whether the sender may see the presence of the account that it asks; no strangers are kept from a domain."""
    identities: list[Identity] = field(default_factory=list)
    features: set[str] = field(default_factory=set)
    forms: list[Element] = field(default_factory=list)

    def add_fields(self, form_type: str, fields: Iterable[Element]) -> None:
        """Add fields to the form of a type: there is one of each at most (XEP-0128 3, XEP-0115 5.4)."""
        hidden = forms.field(forms.FORM_TYPE, "hidden", (form_type,))
        for form in self.forms:
            if hidden in form.children:
                form.children.extend(fields)
                return
        self.forms.append(forms.form("result", form_type, fields))


@dataclass(slots=True)
class Items:
    """The answer to disco#items while it is gathered."""

    host: Host
    target: JID
    sender: JID
    node: str
    may_see_presence: bool = True
    """As for `Info`."""
    page: PageRequest = EVERYTHING
    """Which of them are asked for (XEP-0059); who adds few may add them all."""
    items: list[Item] = field(default_factory=list)
    page_given: Element | None = None
    """The ``<set/>`` where these are not all."""


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
ADDRESS_INFO = Hook[Info](
    "address-info",
    "Asked for disco#info of an address at a service, such as a room, not of a node. True: it is there and what was "
    "to say has been added.",
)
ADDRESS_ITEMS = Hook[Items](
    "address-items", "Asked for disco#items of an address at a service, not of a node. True: it is there."
)
NODE_INFO = Hook[Info](
    "node-info",
    "Asked for disco#info of a node of a domain, an account or an address at a service, by anybody: nodes judge for "
    "themselves who may see them. True: the node is known and what was to say has been added.",
)
NODE_ITEMS = Hook[Items](
    "node-items", "Asked for disco#items of a node, as node-info is. True: the node is known."
)
SERVER = Identity("server", "im", "xmppd")
NAMELESS = Identity("component", "generic")
"""A service whose modules do not say what it is; each entity has an identity (XEP-0030 3.1)."""


def host_info(host: Host) -> Info:
    """Give identities, features and forms of a served domain as its modules declare them."""
    info = Info(host, JID(None, host.name, None), None, "")
    if host.has_accounts:
        info.identities.append(SERVER)
    for module in host.modules.values():
        info.identities.extend(module.identities)
        info.features.update(module.features)
    host.hooks.notify(HOST_INFO, info)
    if not info.identities:
        info.identities.append(NAMELESS)
    return info


class HostedServices:
    """Which services belong to which host."""

    def __init__(self, hosts: Hosts, is_connected: Callable[[str], bool]):
        """*is_connected* says whether a program is there that is this component."""
        self._hosts = hosts
        self._is_connected = is_connected

    def of(self, host: Host) -> list[Item]:
        """Give the services that a host shows (XEP-0030 4.1), by name.

        They are those inside this server, and programs that are connected, that are configured for it, or whose names
        end with its own and with no longer one of another host. What a program is called, it says itself.
        """
        return [Item(service.name, name=self._called(service)) for service in self._of(host)]

    def with_module(self, host: Host, name: str) -> Host | None:
        """Give the first of them that is inside this server and has the module *name*; None where there is none."""
        own = (each for each in self._of(host) if each.kind is DomainKind.SERVICE)
        return next((service for service in own if name in service.modules), None)

    def _of(self, host: Host) -> list[Host]:
        return sorted(
            (each for each in self._hosts if self._shown_by(each) is host), key=lambda each: each.name
        )

    def _called(self, service: Host) -> str:
        return host_info(service).identities[0].name if service.kind is DomainKind.SERVICE else ""

    def _shown_by(self, service: Host) -> Host | None:
        if service.kind is DomainKind.ACCOUNTS:
            return None
        if service.kind is DomainKind.COMPONENT and not self._is_connected(service.name):
            return None
        name = service.settings.host or _above(service.name)
        while name:
            host = self._hosts.with_accounts(name)
            if host is not None:
                return host
            name = _above(name)
        return None


def _above(domain: str) -> str:
    return domain.partition(".")[2]


def account_info(host: Host, account: JID, sender: JID) -> Info:
    """Give identities, features and forms of an account as the modules of its host declare them."""
    kind = "anonymous" if host.settings.auth == "anonymous" else "registered"
    info = Info(host, account, sender, "", identities=[Identity("account", kind)])
    for module in host.modules.values():
        info.features.update(module.account_features)
    host.hooks.notify(ACCOUNT_INFO, info)
    return info
