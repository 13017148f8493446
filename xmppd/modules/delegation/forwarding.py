"""How a request goes to who answers it, and comes back: XEP-0355 5.3, in both modes."""

from typing import Final

from xmppd.core.events import Traffic
from xmppd.core.module import ModuleAPI
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.forward import NS_FORWARD, forwarded_xml
from xmppd.stanza.ns import CLIENT
from xmppd.stanza.stanza import Stanza

NS: Final = "urn:xmpp:delegation:2"


async def ask(api: ModuleAPI, traffic: Traffic, name: str, id: str) -> None:
    """Hand a request over to *name*, and send what that answers; service-unavailable where that is no answer to it."""
    stanza, router = traffic.stanza, api.router
    asking = b"<delegation xmlns='%b'>%b</delegation>" % (NS.encode(), forwarded_xml(stanza))
    request = Stanza.make("iq", asking, from_=api.host.name, to=name, id=id, type="set")
    try:
        reply = _reply(await router.request(request), traffic)
    except StanzaError as error:
        reason = error.text if error.condition == "service-unavailable" else None
        router.refuse(stanza, StanzaError("service-unavailable", reason), traffic.origin)
        return
    if traffic.origin is not None:
        traffic.origin.send(reply)
    else:
        router.route(reply)


def _reply(answer: Stanza, traffic: Traffic) -> Stanza:
    """Give what was answered, checked; `StanzaError` for what is no answer to the request."""
    asked = traffic.stanza
    delegation = answer.child("delegation", NS)
    forwarded = delegation.child("forwarded", NS_FORWARD) if delegation is not None else None
    inner = forwarded.child("iq", CLIENT) if forwarded is not None else None
    if inner is None:
        raise StanzaError("service-unavailable")
    reply = Stanza.from_element(inner)
    is_from = reply.from_ in (None, asked.to, traffic.target.full)
    if not is_from or (reply.to, reply.id, reply.type) != (asked.from_, asked.id, "result"):
        raise StanzaError("service-unavailable")
    return reply.replace(from_=asked.to)


def told(namespace: str, attributes: tuple[str, ...] = ()) -> Element:
    """Say that a namespace is delegated (5.2)."""
    children = [Element("attribute", NS, {"name": name}) for name in attributes]
    return Element("delegated", NS, {"namespace": namespace}, children)
