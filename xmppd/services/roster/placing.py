"""Contacts that a service places into rosters, with their subscriptions: what gateways do (XEP-0356).

A client changes a subscription by presence alone (RFC 6121 3). A service that has the right to speak for a contact, and
to change the roster, has what both sides would have to say; so it says where that leads, and nobody is asked.
"""

from typing import Final

from xmppd.core.waiting import deferred
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

    async def _place(self, owner: JID, wanted: Wanted, subscription: str) -> None:
        jid, contact = wanted.jid, JID.of_prepared(wanted.jid)
        async with self._rosters.exclusive(owner.bare) as roster:
            was_seen = roster.may_see_presence(jid)
            item = self._rosters.editable(roster, jid)._replace(
                name=wanted.name, groups=wanted.groups, subscription=subscription, ask=False, approved=False
            )
            pending = None if subscription in SEEN else roster.pending.get(jid)
            await self._rosters.write(roster, jid, item, pending)
            self._rosters.push(roster, item)
            told = None
            if subscription in SEEN and not was_seen:
                told = self._rosters.notify(SUBSCRIBED_TO_US, Granted(owner, contact))
            elif was_seen and subscription not in SEEN:
                told = self._rosters.notify(WITHDRAWN, Withdrawn(owner, contact))
        if told is not None:
            await told
