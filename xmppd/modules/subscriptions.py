"""Subscriptions on the wire: presence of the types subscribe, subscribed, unsubscribe, unsubscribed (RFC 6121 3).

Clients learn from a stream feature that they may approve in advance (3.4.1).
"""

from xmppd.core import events
from xmppd.core.events import Traffic
from xmppd.core.module import Module, on
from xmppd.core.session import ClientFeature
from xmppd.core.stations import SUBSCRIBING
from xmppd.services.roster.subscription_states import TYPES
from xmppd.services.roster.subscriptions import Subscriptions
from xmppd.stanza.element import FixedElement
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stream.features import StreamFeature, StreamState

NS_PRE_APPROVAL = "urn:xmpp:features:pre-approval"
HAS_PRE_APPROVAL = FixedElement("sub", NS_PRE_APPROVAL)


class SubscriptionsModule(Module):
    """Takes subscription stanzas to the subscription service."""

    name = "subscriptions"
    summary = "Presence subscriptions"
    requires = ("roster",)
    uses = (Subscriptions,)

    def start(self) -> None:
        """Find the service."""
        self._subscriptions = self.api.services[Subscriptions]

    def stream_features(self) -> tuple[ClientFeature, ...]:
        """RFC 6121 3.4.1."""
        return (
            StreamFeature(
                name="pre-approval",
                needs=StreamState.AUTHENTICATED,
                offer=lambda stream: HAS_PRE_APPROVAL,
            ),
        )

    @on(events.CLIENT_PRESENCE, SUBSCRIBING)
    def on_client_presence(self, traffic: Traffic) -> object:
        """What a local client sends; it leaves from its bare JID to the contact's (RFC 6121 3.1.1, 3.1.2)."""
        if traffic.stanza.type not in TYPES:
            return None
        if traffic.stanza.to is None:
            raise StanzaError("bad-request", "A subscription needs somebody to subscribe to")
        sent = self._subscriptions.send(traffic.stanza, _bare(traffic.sender), _bare(traffic.target), traffic)
        return sent.addCallback(_dealt_with)

    @on(events.ACCOUNT_PRESENCE, SUBSCRIBING)
    def on_account_presence(self, traffic: Traffic) -> object:
        """What comes for a local account, from wherever (RFC 6121 3.1.3)."""
        if traffic.stanza.type not in TYPES:
            return None
        received = self._subscriptions.receive(traffic.stanza, _bare(traffic.target), _bare(traffic.sender))
        return received.addCallback(_dealt_with)


def _bare(jid: JID) -> JID:
    return jid if jid.is_bare else jid.with_resource(None)


def _dealt_with(_: None) -> bool:
    return True
