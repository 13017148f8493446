"""Counts the messages that an account has sent since the server started, and tells the account."""

from typing import Annotated

from xmppd.config.fields import Field
from xmppd.core import events
from xmppd.core.events import IQRequest, Traffic
from xmppd.core.module import Module, Options, iq, on
from xmppd.core.stations import ACTING
from xmppd.stanza.element import Element

NS = "urn:example:tally"


class TallyOptions(Options):
    """Options of `Tally`, below ``[modules.tally]``."""

    max_accounts: Annotated[int, Field(ge=1)] = 1_000
    """Of so many accounts the messages are counted."""


class Tally(Module):
    """Tells an account how many messages it has sent."""

    name = "tally"
    summary = "Counts messages"
    account_features = (NS,)
    options = TallyOptions
    opt: TallyOptions

    def start(self) -> None:
        """Nothing is counted yet."""
        self._sent: dict[str, int] = {}

    @on(events.CLIENT_STANZA, ACTING)
    def on_client_stanza(self, traffic: Traffic) -> None:
        """Count a message, and let it go on its way."""
        sender = traffic.sender.bare
        if traffic.stanza.name == "message" and (
            sender in self._sent or len(self._sent) < self.opt.max_accounts
        ):
            self._sent[sender] = self._sent.get(sender, 0) + 1

    @iq("get", NS, "tally", to="own")
    def on_tally(self, request: IQRequest) -> Element:
        """Tell the account, and nobody else."""
        return Element("tally", NS, {"sent": str(self._sent.get(request.sender.bare, 0))})
