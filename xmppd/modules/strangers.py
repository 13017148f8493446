"""Messages of strangers: of those whom the recipient has not among its contacts. Against spam; no XEP says it.

Rules that live here: looked at are messages that come from elsewhere, and those of the host's own accounts where
anybody may make one, or with ``policy = "refuse"``; so what known people say to each other costs nothing. Who writes
to few accounts is let through as ever, and nothing is looked up for it. Beyond ``recipients_per_hour`` an address
reaches only those that have it as a contact. With ``policy = "refuse"`` that holds from the first message on. Rooms,
services of this server and servers themselves are nobody's strangers; neither are those to whom the recipient has
sent presence, as to the occupants of a room.
"""

from typing import Annotated, Final, Literal

from twisted.internet.defer import Deferred

from xmppd.config.fields import Field
from xmppd.core import events
from xmppd.core.bounded import Bounded
from xmppd.core.events import Traffic
from xmppd.core.module import Module, Options, on
from xmppd.core.stations import ACTING
from xmppd.core.waiting import deferred
from xmppd.services.roster.roster import Rosters
from xmppd.stanza.errors import StanzaError

HOUR_S: Final = 3_600.0
SENDERS: Final = 10_000
"""So many senders are remembered; who has written first is forgotten first."""
PASSED_ON: Final = frozenset(("groupchat", "error"))
"""Types of message that are nobody's unwanted word: of a room that was entered, and answers."""


class StrangersOptions(Options):
    """Who may write to whom."""

    policy: Literal["limit", "refuse", "accept"] = "limit"
    """What becomes of messages of those who are no contacts of the recipient: so many are let through, none, or all."""
    recipients_per_hour: Annotated[int, Field(ge=1)] = 60
    """Accounts here that one address reaches within an hour without being a contact of theirs."""


class _Written:
    __slots__ = ("recipients", "since")

    def __init__(self, since: float):
        self.since = since
        self.recipients: set[str] = set()


class Strangers(Module):
    """Counts to how many an address writes, and looks at contacts where it is many."""

    name = "strangers"
    summary = "Messages of strangers"
    uses = (Rosters,)
    options = StrangersOptions
    opt: StrangersOptions

    def start(self) -> None:
        """Nothing is known of anybody."""
        self._rosters = self.api.services[Rosters]
        self._written: Bounded[str, _Written] = Bounded(SENDERS)
        self.refused = 0
        """How many messages were refused since the start."""
        if self._looks_at_own:
            self.handle(events.ACCOUNT_STANZA, self.on_account_stanza, ACTING)

    @property
    def _looks_at_own(self) -> bool:
        register = self.api.host.settings.modules.get("register")
        is_open = register is not None and bool((register.model_extra or {}).get("allow_registration"))
        return self.opt.policy == "refuse" or (self.opt.policy == "limit" and is_open)

    def on_account_stanza(self, traffic: Traffic) -> Deferred[None] | None:
        """The same for a message of an account of this server."""
        if traffic.stanza.name != "message" or traffic.origin is None:
            return None
        return self.on_foreign_message(traffic)

    @on(events.FOREIGN_MESSAGE, ACTING)
    def on_foreign_message(self, traffic: Traffic) -> Deferred[None] | None:
        """Let a message through, or refuse it."""
        sender = traffic.sender.bare
        written = self._written.get(sender)
        if written is not None and traffic.target.bare in written.recipients:
            return None
        return self._first(traffic, sender, written)

    def _first(self, traffic: Traffic, sender: str, written: _Written | None) -> Deferred[None] | None:
        """Somebody is written to who was not before."""
        if self.opt.policy == "accept" or self._is_nobody_s_stranger(traffic):
            return None
        now = self.api.now()
        if written is None or now - written.since >= HOUR_S:
            written = _Written(now)
            self._written.keep(sender, written)
        if self.opt.policy == "limit" and len(written.recipients) < self.opt.recipients_per_hour:
            written.recipients.add(traffic.target.bare)
            return None
        return self._refuse_unless_contact(traffic)

    def _is_nobody_s_stranger(self, traffic: Traffic) -> bool:
        sender, target = traffic.sender, traffic.target
        if sender.localpart is None or sender.bare == target.bare or traffic.stanza.type in PASSED_ON:
            return True
        if any(sender.full in (each.directed or ()) for each in self.api.registry.resources(target.bare)):
            return True
        try:
            self.api.router.service(sender.domainpart)
        except KeyError:
            return False
        return True

    @deferred
    async def _refuse_unless_contact(self, traffic: Traffic) -> None:
        owner = traffic.target.bare
        roster = self._rosters.loaded(owner)
        if roster is None:
            roster = await self._rosters.load(owner)
        if roster.item(traffic.sender.bare) is None:
            self.refused += 1
            raise StanzaError(
                "policy-violation", "This account takes messages of its contacts only", type="cancel"
            )
