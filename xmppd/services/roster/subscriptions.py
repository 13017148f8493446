"""Subscriptions to presence: RFC 6121 3, by the tables of Appendix A (`xmppd.services.roster.subscription_states`).

Rules that live here: a change is stored before anybody hears of it; the owner's interested resources learn the new
state by a roster push; an approval is followed by presence, presence is taken back before a cancellation (3.1.5,
3.2.2); requests are kept whole until they are answered, within limits (3.1.3). A client says what it wants, never what
state it is in.
"""

from collections.abc import Iterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from xmppd.core.bounded import Bounded
from xmppd.core.directory import AccountDirectory
from xmppd.core.events import Traffic
from xmppd.core.host import Hosts
from xmppd.core.registry import SessionRegistry
from xmppd.core.router import Router
from xmppd.core.waiting import deferred
from xmppd.services.roster.items import Roster, RosterItem
from xmppd.services.roster.roster import SUBSCRIBED_TO_US, WITHDRAWN, Granted, Rosters, Withdrawn, all_of
from xmppd.services.roster.subscription_states import (
    APPROVAL,
    APPROVED,
    CANCELLATION,
    INBOUND,
    OUTBOUND,
    REFUSAL,
    REQUEST,
    State,
)
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza

WHOLE_REQUESTS = 64
"""So many of the largest requests together are kept whole for one account; later ones lose their children."""


IGNORED = 10_000
"""So many requests to nobody are remembered: they look like those that wait for an answer."""


class Subscriptions:
    """Takes subscription stanzas from and for local accounts."""

    _log = Logger()

    def __init__(
        self,
        rosters: Rosters,
        hosts: Hosts,
        registry: SessionRegistry,
        router: Router,
        directory: AccountDirectory,
    ):
        self._rosters = rosters
        self._hosts = hosts
        self._registry = registry
        self._router = router
        self._directory = directory
        self._ignored: Bounded[tuple[str, str], None] = Bounded(IGNORED)

    def is_ignored(self, owner: JID, contact: JID) -> bool:
        """Whether this contact has asked an account for a subscription that was not there (3.1.3)."""
        return (owner.bare, contact.bare) in self._ignored

    def pending_for(self, roster: Roster) -> Iterator[Stanza]:
        """Give the requests that wait for an account's answer, to be sent at each initial presence (3.1.3).

        Each is read when its turn comes; one that was answered meanwhile is left out.
        """
        for jid in tuple(roster.pending):
            data = roster.pending.get(jid)
            if data is None:
                continue
            try:
                yield Stanza.parse(data)
            except ValueError as error:
                self._log.error("A kept request of {jid} cannot be read: {error}", jid=jid, error=str(error))

    @deferred
    async def send(self, stanza: Stanza, owner: JID, contact: JID, traffic: Traffic | None = None) -> None:
        """Deal with a subscription stanza that a local account sends (A.2), as *traffic* where it came from a client.

        Both JIDs are bare.
        Waits for the commit, and for the contact's side where that is local. Raises `StanzaError`: not-allowed for
        oneself and for who shares a group, policy-violation where the roster is full, resource-constraint where
        nothing can be stored.
        """
        if contact.bare == owner.bare:
            raise StanzaError("not-allowed", "One always sees one's own presence")
        jid, type = contact.bare, stanza.type or ""
        async with self._rosters.exclusive(owner.bare) as roster:
            if roster.is_shared(jid) and type in (REQUEST, APPROVAL):
                return
            before = roster.state(jid)
            row = OUTBOUND[type, before]
            old = roster.item(jid)
            is_approved = row.approves or (type != REFUSAL and old is not None and old.approved)
            new = self._changed(roster, jid, row.state, is_approved)
            await self._rosters.write(roster, jid, new, roster.pending.get(jid) if row.state.asked else None)
            told: list[Deferred[Any] | None] = []
            if new is not None and (row.is_pushed or new != old):
                self._rosters.push(roster, new)
            if before.is_seen and not row.state.is_seen:
                told.append(self._rosters.notify(WITHDRAWN, Withdrawn(owner, contact)))
            if row.is_routed:
                sent = stanza.replace(from_=owner.bare, to=jid)
                told.append(
                    self._router.route(sent)
                    if traffic is None
                    else self._router.forward(traffic, sent, contact)
                )
        await self._finish(roster, owner, contact, told, not before.is_seen and row.state.is_seen)

    @deferred
    async def receive(self, stanza: Stanza, owner: JID, contact: JID) -> None:
        """Deal with a subscription stanza that comes for a local account (A.3); both JIDs are bare.

        One for nobody is ignored (3.1.3). Waits for the commit. `StanzaError` resource-constraint where nothing can
        be stored.
        """
        if contact.bare == owner.bare or not self._is_known(owner):
            self._ignore(stanza, owner, contact)
            return
        jid, type = contact.bare, stanza.type or ""
        stanza = stanza.replace(from_=jid, to=owner.bare)
        async with self._rosters.exclusive(owner.bare) as roster:
            before, old = roster.state(jid), roster.item(jid)
            if roster.is_shared(jid) and type in (CANCELLATION, REFUSAL):
                return
            row = INBOUND[type, before]
            if type == REQUEST and old is not None and old.approved:
                row = APPROVED.get(before, row)
            request = roster.pending.get(jid) if row.state.asked else None
            if row.state.asked and not before.asked:
                stanza = self._bounded(stanza, roster, owner)
                request = stanza.to_bytes()
                if len(roster.pending) >= self._limits(owner).pending_subscriptions:
                    return
            new = self._changed(roster, jid, row.state, old is not None and old.approved)
            await self._rosters.write(roster, jid, new, request)
            told: list[Deferred[Any] | None] = []
            if row.is_delivered:
                self._deliver(stanza, owner)
            if row.is_pushed and new is not None:
                self._rosters.push(roster, new)
            if before.is_seen and not row.state.is_seen:
                told.append(self._rosters.notify(WITHDRAWN, Withdrawn(owner, contact)))
            if row.is_approved:
                approval = Stanza.make("presence", from_=owner.bare, to=jid, type=APPROVAL)
                told.append(self._router.route(approval))
        await self._finish(roster, owner, contact, told, not before.is_seen and row.state.is_seen)

    def _ignore(self, stanza: Stanza, owner: JID, contact: JID) -> None:
        """Nobody takes *stanza*; what it asks for or gives up is remembered, as an account would."""
        if stanza.type == REQUEST:
            self._ignored.keep((owner.bare, contact.bare), None)
        elif stanza.type == CANCELLATION:
            self._ignored.pop((owner.bare, contact.bare), None)

    def _changed(self, roster: Roster, jid: str, state: State, is_approved: bool) -> RosterItem | None:
        """Give the roster item of the new state; None where there was none and none is needed."""
        item = roster.item(jid)
        is_approved = is_approved and not state.is_seen
        if item is None and state.subscription == "none" and not state.ask and not is_approved:
            return None
        if item is not None and state == roster.state(jid) and item.approved == is_approved:
            return item
        item = self._rosters.editable(roster, jid)
        return item._replace(subscription=state.subscription, ask=state.ask, approved=is_approved)

    def _deliver(self, stanza: Stanza, owner: JID) -> None:
        """Requests go to available resources, what answers or ends goes to interested ones (RFC 6121 2.2)."""
        if stanza.type == REQUEST:
            self._registry.send_to_available_resources(owner.bare, stanza)
        else:
            self._registry.send_to_interested_resources(owner.bare, stanza)

    def _bounded(self, request: Stanza, roster: Roster, owner: JID) -> Stanza:
        """Give a request as it is kept: whole, or without its children where it or all of them are too large."""
        size_bytes, limit_bytes = len(request.to_bytes()), self._limits(owner).subscription_request_bytes
        kept_bytes = sum(map(len, roster.pending.values()))
        if size_bytes <= limit_bytes and kept_bytes + size_bytes <= limit_bytes * WHOLE_REQUESTS:
            return request
        return Stanza.make("presence", from_=request.from_, to=request.to, type=REQUEST)

    async def _finish(
        self, roster: Roster, owner: JID, contact: JID, told: list[Deferred[Any] | None], is_granted: bool
    ) -> None:
        """Wait for what was told; then show our presence to who may see it from now on (RFC 6121 3.1.5)."""
        await all_of([waiting for waiting in told if waiting is not None])
        if is_granted and roster.may_see_presence(contact.bare):
            shown = self._rosters.notify(SUBSCRIBED_TO_US, Granted(owner, contact))
            if shown is not None:
                await shown

    def _is_known(self, owner: JID) -> bool:
        return self._directory.exists(owner.bare) or bool(self._registry.resources(owner.bare))

    def _limits(self, owner: JID) -> Any:
        return self._hosts[owner.domainpart].settings.limits
