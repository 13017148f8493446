"""Contacts that are placed into rosters with their subscriptions: by gateways (XEP-0356), and by invitations.

A client changes a subscription by presence alone (RFC 6121 3). A service that has the right to speak for a contact, and
to change the roster, has what both sides would have to say; so it says where that leads, and nobody is asked.
"""

from typing import Final

from twisted.internet.defer import Deferred

from xmppd.core.waiting import deferred
from xmppd.services.roster.items import Roster, RosterItem
from xmppd.services.roster.roster import SUBSCRIBED_TO_US, WITHDRAWN, Granted, Rosters, Withdrawn
from xmppd.services.roster.wanted import Wanted
from xmppd.stanza.jid import JID

SEEN: Final = ("from", "both")


class Placing:
    """Places contacts."""

    def __init__(self, rosters: Rosters):
        self._rosters = rosters

    @deferred
    async def place(self, owner: JID, wanted: Wanted, subscription: str | None) -> None:
        """Add, change or remove a contact as its owner would; waits for the commit, `StanzaError` as `Rosters.set`.

        With *subscription* (none, to, from or both) that is its subscription from now on; a request of the contact is
        answered by it.
        """
        rosters = self._rosters
        if wanted.is_removal:
            await rosters.remove(owner, wanted.jid)
        elif subscription is None:
            await rosters.set(owner, wanted.jid, wanted.name, wanted.groups)
        else:
            await self._place(owner, wanted, subscription)

    @deferred
    async def befriend(self, owner: JID, jid: str, groups: tuple[str, ...] = ()) -> None:
        """Have a contact whose presence an account sees and who sees its own, as who has invited it (XEP-0401 3.6).

        A contact that is there keeps its name, and its groups where it has any. Waits and raises as `place`.
        """
        async with self._rosters.exclusive(owner.bare) as roster:
            if roster.is_shared(jid):
                return
            item = self._rosters.editable(roster, jid)
            if item.subscription == "both" and roster.item(jid) is not None:
                return
            told = await self._write(
                roster, owner, item._replace(groups=item.groups or groups), subscription="both", pending=None
            )
        if told is not None:
            await told

    async def _place(self, owner: JID, wanted: Wanted, subscription: str) -> None:
        jid = wanted.jid
        async with self._rosters.exclusive(owner.bare) as roster:
            item = self._rosters.editable(roster, jid)._replace(name=wanted.name, groups=wanted.groups)
            pending = None if subscription in SEEN else roster.pending.get(jid)
            told = await self._write(roster, owner, item, subscription=subscription, pending=pending)
        if told is not None:
            await told

    async def _write(
        self, roster: Roster, owner: JID, item: RosterItem, *, subscription: str, pending: bytes | None
    ) -> Deferred[None] | None:
        """Store and push a contact with another subscription; gives what waits until its presence is told."""
        was_seen = roster.may_see_presence(item.jid)
        item = item._replace(subscription=subscription, ask=False, approved=False)
        await self._rosters.write(roster, item.jid, item, pending)
        self._rosters.push(roster, item)
        contact = JID.of_prepared(item.jid)
        if subscription in SEEN and not was_seen:
            return self._rosters.notify(SUBSCRIBED_TO_US, Granted(owner, contact))
        if was_seen and subscription not in SEEN:
            return self._rosters.notify(WITHDRAWN, Withdrawn(owner, contact))
        return None
