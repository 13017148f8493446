"""Owners ask for the subscriptions that wait for them, by a command: XEP-0060 8.7, XEP-0050."""

from typing import Final

from xmppd.core.host import Host
from xmppd.core.waiting import deferred
from xmppd.services.discovery.commands import Command, Execution, Note, Stage, refused
from xmppd.services.pubsub.items import NS
from xmppd.services.pubsub.realm import Realm
from xmppd.services.pubsub.subscribing import AUTHORIZATION, Subscribing
from xmppd.stanza import forms
from xmppd.stanza.jid import JID

GET_PENDING: Final = f"{NS}#get-pending"
_NODE: Final = "pubsub#node"


class Pending:
    """The command of a service."""

    def __init__(self, subscribing: Subscribing, realm: Realm):
        self._subscribing = subscribing
        self._realm = realm
        self.command = Command(
            GET_PENDING, "Subscription requests to my nodes", (self._choose, self._ask), may_run=_anybody
        )

    @deferred
    async def _choose(self, execution: Execution) -> Stage:
        """8.7.2: the nodes with requests."""
        names = await self._subscribing.pending(self._realm, execution.sender)
        if not names:
            return Stage(notes=(Note("No subscription to a node of yours waits for you"),), is_last=True)
        field = forms.choice(_NODE, [(name, name) for name in names])
        return Stage(forms.form("form", AUTHORIZATION, [field]))

    @deferred
    async def _ask(self, execution: Execution) -> Stage:
        """8.7.4: a form for each request of a node."""
        name = execution.answers[0].first(_NODE)
        if not name:
            raise refused("bad-payload", "Which node?")
        number = await self._subscribing.ask_again(self._realm, execution.sender, name)
        return Stage(notes=(Note(f"Requests sent to you: {number}"),))


def _anybody(host: Host, sender: JID) -> bool:
    """Whoever owns a node."""
    return sender.localpart is not None
