"""What a push service is sent (XEP-0357 7): a publication, and in it a form that sums up what waits."""

from typing import Final

from xmppd.services.push.registrations import NS, Registration
from xmppd.stanza import forms
from xmppd.stanza.element import Element, parse_element
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza

NS_PUBSUB: Final = "http://jabber.org/protocol/pubsub"
SUMMARY: Final = "urn:xmpp:push:summary"
BODY_CHARS: Final = 500


def publication(owner: JID, registration: Registration, summary: Element, id: str) -> Stanza:
    """Make the request that tells a push service: from the account's server, as since version 0.3."""
    notification = Element("notification", NS, children=[summary])
    item = Element("item", NS_PUBSUB, children=[notification])
    attrs = {"node": registration.node} if registration.node else {}
    children: list[Element | str] = [Element("publish", NS_PUBSUB, attrs, [item])]
    if registration.options:
        options = parse_element(registration.options.encode())
        children.append(Element("publish-options", NS_PUBSUB, children=[options]))
    pubsub = Element("pubsub", NS_PUBSUB, children=children)
    return Stanza.make("iq", pubsub, to=registration.jid, from_=owner.domainpart, id=id, type="set")


def summary(count: int, sender: str, body: str) -> Element:
    """Sum up what waits: how many messages, and of the last one no more than its *sender* and *body*, if given."""
    fields = [forms.field("message-count", "text-single", (str(count),))]
    if sender:
        fields.append(forms.field("last-message-sender", "jid-single", (sender,)))
    if body:
        fields.append(forms.field("last-message-body", "text-single", (body,)))
    return forms.form("submit", SUMMARY, fields)


def body_of(stanza: Stanza) -> str:
    """Give so much of what a message says as is told."""
    return (stanza.element.child_text("body") or "")[:BODY_CHARS]
