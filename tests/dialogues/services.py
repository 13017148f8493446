"""Two small services with domain names of their own, which every dialogue may name as the module of a component."""

from xmppd.config.kinds import SERVICES_ONLY
from xmppd.core.events import IQRequest
from xmppd.core.module import Identity, Module, iq, on
from xmppd.services.discovery.disco import ADDRESS_INFO, HOST_ITEMS, NODE_INFO, Info, Item, Items
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError

NS_FORECAST = "urn:example:forecast"
TOWNS = {"verona": "sunny", "mantua": "plague"}


class Echo(Module):
    """Says what it is; the core answers for it."""

    name = "echo"
    summary = "Echo"
    for_hosts = SERVICES_ONLY
    identities = (Identity("client", "bot", "Echo"),)


class Forecast(Module):
    """Has an address for each town, and answers IQs at them."""

    name = "forecast"
    summary = "Weather forecast"
    for_hosts = SERVICES_ONLY
    identities = (Identity("component", "generic", "Forecasts"),)
    features = (NS_FORECAST,)

    @iq("get", NS_FORECAST, "weather", to="node")
    def on_weather(self, request: IQRequest) -> Element:
        """Tell the weather of a town."""
        return Element("weather", NS_FORECAST, children=[_town(request.target.localpart)])

    @on(HOST_ITEMS)
    def on_items(self, items: Items) -> None:
        """List the towns."""
        items.items.extend(Item(f"{town}@{items.host.name}", name=town.capitalize()) for town in TOWNS)

    @on(ADDRESS_INFO)
    def on_info(self, info: Info) -> bool | None:
        """Say what a town is."""
        if info.target.localpart not in TOWNS:
            return None
        info.identities.append(Identity("component", "generic", info.target.localpart.capitalize()))
        info.features.add(NS_FORECAST)
        return True

    @on(NODE_INFO)
    def on_node(self, info: Info) -> bool | None:
        """The node "tomorrow" of a town is there too."""
        if info.node != "tomorrow" or info.target.localpart not in TOWNS:
            return None
        info.identities.append(Identity("component", "generic", "Tomorrow"))
        return True


def _town(name: str | None) -> str:
    if name not in TOWNS:
        raise StanzaError("item-not-found")
    return TOWNS[name]


SERVICES: tuple[type[Module], ...] = (Echo, Forecast)
