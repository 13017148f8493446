"""Unique and Stable Stanza IDs: XEP-0359 0.7.0. The archive gives ids; here nobody else can give one in our name."""

from xmppd.core import events
from xmppd.core.events import Traffic
from xmppd.core.module import XEP, Module, on
from xmppd.core.stations import CLEANING
from xmppd.stanza.stanza_ids import NS, STANZA_ID, without_ids_of


class StanzaIDs(Module):
    """Takes forged stanza-ids out of what comes for an account, and of what its clients send."""

    name = "stanza_ids"
    summary = "Unique and Stable Stanza IDs"
    xep = XEP(359, "0.7.0")
    features = (NS,)
    account_features = (NS,)

    @on(events.CLIENT_STANZA, CLEANING)
    def on_client_stanza(self, traffic: Traffic) -> None:
        """XEP-0359 3 rule 2: what bears the sender's own account, for its archive and its other clients."""
        if STANZA_ID in traffic.stanza.child_names:
            traffic.stanza = without_ids_of(traffic.stanza, traffic.sender.bare)

    @on(events.ACCOUNT_STANZA, CLEANING)
    def on_account_stanza(self, traffic: Traffic) -> None:
        """XEP-0359 3 rule 2: what bears the recipient's account."""
        if STANZA_ID in traffic.stanza.child_names:
            traffic.stanza = without_ids_of(traffic.stanza, traffic.target.bare)
