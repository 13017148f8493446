"""Two small services with domain names of their own, which every dialogue may name as the module of a component."""

from xmppd.core.domains.door import Taken
from xmppd.core.events import IQRequest, Traffic
from xmppd.core.host import Identity
from xmppd.core.module import Module, iq, on
from xmppd.core.service import Service
from xmppd.services.discovery.disco import ADDRESS_INFO, HOST_ITEMS, NODE_INFO, Info, Item, Items
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.stanza import Stanza

NS_FORECAST = "urn:example:forecast"
TOWNS = {"verona": "sunny", "mantua": "plague"}
PRESENCE: dict[str | None, str] = {
    None: "",
    "probe": "",
    "subscribe": "subscribed",
    "unsubscribe": "unsubscribed",
}
"""What `Echo` answers to each type of presence, an empty text for available; nothing to the others."""


class Echo(Service):
    """Sends messages back, and is there for everybody; IQs are left to the core."""

    name = "echo"
    summary = "Echo"
    identities = (Identity("client", "bot", "Echo"),)

    def take(self, traffic: Traffic) -> Taken:
        """Answer messages that are none themselves, requests for its presence, and presence."""
        stanza, answer = traffic.stanza, PRESENCE.get(traffic.stanza.type)
        if stanza.name == "message" and stanza.type != "error":
            return self._answer(traffic, stanza.replace(from_=traffic.target.full, to=traffic.sender.full))
        if stanza.name == "presence" and answer is not None:
            sent = Stanza.make(
                "presence", from_=traffic.target.bare, to=traffic.sender.full, type=answer or None
            )
            return self._answer(traffic, sent)
        return False

    def _answer(self, traffic: Traffic, stanza: Stanza) -> Taken:
        waiting = self.api.router.forward(traffic, stanza, traffic.sender)
        return True if waiting is None else waiting.addCallback(lambda _: True)


class Forecast(Service):
    """Has an address for each town, and answers IQs at them; messages and presence are nothing to it."""

    name = "forecast"
    summary = "Weather forecast"
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
