"""Namespace Delegation: XEP-0355 0.5, admin mode: IQs of a namespace go to a component, which answers for the server.

Covered: requests to the host and to bare addresses of its accounts, filtering attributes, features and forms of a
namespace taken from who manages it (nesting, for the host and for accounts), and the special namespaces of bare disco
info and items. Client mode, in which users delegate, is `xmppd.modules.delegation.users`.

A request that is delegated holds nobody up; its answer is checked against it, and whatever is wrong is answered with
service-unavailable.
"""

from typing import Annotated, Final, NamedTuple

from xmppd.config.fields import AfterValidator, Field, Mistake
from xmppd.core import events
from xmppd.core.events import Traffic
from xmppd.core.host import Identity
from xmppd.core.iq import IQ_REQUESTS
from xmppd.core.module import XEP, Module, Options, on
from xmppd.core.stations import ACTING
from xmppd.core.waiting import deferred, spawn
from xmppd.modules.delegation.forwarding import NS, ask, told
from xmppd.services.accounts.accounts import Accounts
from xmppd.services.components.components import CONNECTED, DISCONNECTED, Components, Connection
from xmppd.services.discovery.disco import ACCOUNT_INFO, HOST_INFO, Info
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.stanza import Stanza

NS_INFO: Final = "http://jabber.org/protocol/disco#info"
NS_ITEMS: Final = "http://jabber.org/protocol/disco#items"
BARE_INFO: Final = f"{NS}:bare:disco#info:*"
BARE_ITEMS: Final = f"{NS}:bare:disco#items:*"
SPECIAL: Final = {NS_INFO: BARE_INFO, NS_ITEMS: BARE_ITEMS}
"""Disco of bare addresses is delegated under these names (11.2.4, 11.2.5)."""
FORM_TYPE: Final = "FORM_TYPE"
NS_FORMS: Final = "jabber:x:data"
MOST_FEATURES: Final = 256
"""Of what a component says of a namespace, so much is believed."""


def _may_be_delegated(namespaces: dict[str, "Delegated"]) -> dict[str, "Delegated"]:
    if NS in namespaces:
        raise Mistake("config.bad-value", f"{NS} itself cannot be delegated (XEP-0355 8)", "remove it")
    return namespaces


class Delegated(Options):
    """``[modules.delegation.namespaces."NAMESPACE"]``."""

    to: str
    """The component that answers."""
    attributes: tuple[str, ...] = ()
    """What the element of a request must have for it to be delegated; others are answered as ever."""


class DelegationOptions(Options):
    """``[modules.delegation]``."""

    namespaces: Annotated[
        dict[str, Delegated],
        AfterValidator(_may_be_delegated),
        Field(examples=[{"urn:example:mood": {"to": "gateway.example.org", "attributes": ("node",)}}]),
    ] = {}
    """The namespaces that components manage."""


class Managed(NamedTuple):
    """What a component says that it can do with a namespace (11.2)."""

    identities: tuple[Identity, ...]
    features: frozenset[str]
    forms: tuple[Element, ...]


class Delegation(Module):
    """Hands requests over to components."""

    name = "delegation"
    summary = "Namespace delegation"
    xep = XEP(355, "0.5", "admin mode, by which the configuration delegates")
    features = (NS,)
    options = DelegationOptions
    uses = (Accounts, Components)
    opt: DelegationOptions

    def start(self) -> None:
        """Look at requests where anything is delegated; tell those that are connected already."""
        self._components = self.api.services[Components]
        self._accounts = self.api.services[Accounts]
        self._managed: dict[tuple[str, str], Managed] = {}
        if not self.opt.namespaces:
            return
        self.handle(events.HOST_STANZA, self.on_request)
        self.handle(events.ACCOUNT_STANZA, self.on_request, ACTING)
        for name in {delegated.to for delegated in self.opt.namespaces.values()}:
            if self._components.is_connected(name):
                self.on_connected(Connection(name))

    # -- requests (5.3) -----------------------------------------------------------------------------------------------

    def on_request(self, traffic: Traffic) -> bool | None:
        """Hand a request to the host or an account over, unless it is the managing component's own (5.3.1)."""
        stanza, target = traffic.stanza, traffic.target
        if stanza.name != "iq" or target.resourcepart is not None or stanza.type not in IQ_REQUESTS:
            return None
        delegated = self._delegated(stanza, is_bare=target.localpart is not None)
        if delegated is None or traffic.sender.domainpart == delegated.to:
            return None
        if target.localpart is not None and not self._accounts.exists(target.bare):
            return None  # nobody is there, and it is answered as always
        spawn("a delegated request", ask(self.api, traffic, delegated.to, self._components.new_id(9)))
        return True

    def _delegated(self, stanza: Stanza, *, is_bare: bool) -> Delegated | None:
        namespace, _ = stanza.child_names[0]
        delegated = self.opt.namespaces.get(namespace)
        if delegated is None:
            special = SPECIAL.get(namespace) if is_bare else None
            if (
                special is None
                or special not in self.opt.namespaces
                or not self._is_special(stanza, namespace)
            ):
                return None
            return self.opt.namespaces[special]
        if delegated.attributes:
            payload = next(stanza.element.elements())
            if any(payload.get(name) is None for name in delegated.attributes):
                return None
        return delegated

    def _is_special(self, stanza: Stanza, namespace: str) -> bool:
        """Items without a node, and both with a node that the server does not know (of accounts it knows none)."""
        return namespace == NS_ITEMS or next(stanza.element.elements()).get("node") is not None

    # -- what is told (5.2) -------------------------------------------------------------------------------------------

    @on(CONNECTED)
    def on_connected(self, connection: Connection) -> None:
        """Tell a component what is delegated to it, and ask it what it can do."""
        own = {ns: each for ns, each in self.opt.namespaces.items() if each.to == connection.name}
        if not own:
            return
        telling = Element("delegation", NS, children=[told(ns, each.attributes) for ns, each in own.items()])
        host, id = self.api.host.name, self._components.new_id(9)
        self.api.router.route(Stanza.make("message", telling, from_=host, to=connection.name, id=id))
        for namespace in own:
            if namespace not in SPECIAL.values():
                for separator in ("::", ":bare:"):
                    asked = self._learn(connection.name, namespace, separator)
                    spawn("what a component manages", asked)

    @on(DISCONNECTED)
    def on_disconnected(self, connection: Connection) -> None:
        """What it can do is asked anew when it comes again."""
        for namespace, delegated in self.opt.namespaces.items():
            if delegated.to == connection.name:
                self._managed.pop((namespace, "::"), None)
                self._managed.pop((namespace, ":bare:"), None)

    # -- disco (11.2) -------------------------------------------------------------------------------------------------

    @deferred
    async def _learn(self, name: str, namespace: str, separator: str) -> None:
        query = Element("query", NS_INFO, {"node": f"{NS}{separator}{namespace}"})
        host, id = self.api.host.name, self._components.new_id(9)
        try:
            request = Stanza.make("iq", query, from_=host, to=name, id=id, type="get")
            answer = (await self.api.router.request(request)).child("query", NS_INFO)
        except StanzaError:
            answer = None  # it has nothing to say of it
        if self._components.is_connected(name):
            self._managed[namespace, separator] = _managed(answer)

    @on(HOST_INFO)
    def on_host_info(self, info: Info) -> None:
        """Say what the managing components can do, in place of what this server could."""
        self._nest(info, "::")

    @on(ACCOUNT_INFO)
    def on_account_info(self, info: Info) -> None:
        """The same for an account."""
        self._nest(info, ":bare:")

    def _nest(self, info: Info, separator: str) -> None:
        for namespace in self.opt.namespaces:
            if namespace in SPECIAL.values():
                continue
            info.features = {each for each in info.features if not _is_of(each, namespace)}
            info.forms = [form for form in info.forms if not _is_of(_type_of(form), namespace)]
            managed = self._managed.get((namespace, separator))
            if managed is not None:
                info.identities.extend(managed.identities)
                info.features |= managed.features
                info.forms.extend(managed.forms)


def _managed(query: Element | None) -> Managed:
    if query is None:
        return Managed((), frozenset(), ())
    children = list(query.elements())[:MOST_FEATURES]
    features = (child.get("var") for child in children if (child.ns, child.name) == (NS_INFO, "feature"))
    return Managed(
        tuple(_identity(child) for child in children if (child.ns, child.name) == (NS_INFO, "identity")),
        frozenset(feature for feature in features if feature),
        tuple(child for child in children if (child.ns, child.name) == (NS_FORMS, "x")),
    )


def _identity(element: Element) -> Identity:
    names = ("category", "type", "name", "xml:lang")
    return Identity(*(element.get(name) or "" for name in names))


def _is_of(feature: str, namespace: str) -> bool:
    return feature == namespace or feature.startswith(f"{namespace}#")


def _type_of(form: Element) -> str:
    for field in form.elements():
        if field.get("var") == FORM_TYPE:
            return field.child_text("value") or ""
    return ""
