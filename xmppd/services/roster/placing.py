"""Contacts that are placed into rosters with their subscriptions: by gateways (XEP-0356), and by invitations.

A client changes a subscription by presence alone (RFC 6121 3). A service that has the right to speak for a contact, and
to change the roster, has what both sides would have to say; so it says where that leads, and nobody is asked.
"""

from typing import Final

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
    async def befriend(self, one: JID, other: JID, groups: tuple[str, ...] = ()) -> None:
        """Let two accounts of this server see each other's presence, as who was invited (XEP-0401 3.6).

        *groups* are those of *other* in the roster of *one*, where that is no contact yet; a contact that is there
        keeps its name and groups. Both have heard of each other before they see each other's presence. Waits and
        raises as `place`.
        """
        granted = [await self._befriend(one, other, groups), await self._befriend(other, one, ())]
        for change in granted:
            told = None if change is None else self._rosters.notify(SUBSCRIBED_TO_US, change)
            if told is not None:
                await told

    async def _befriend(self, owner: JID, contact: JID, groups: tuple[str, ...]) -> Granted | None:
        """Give whose presence *contact* may see from now on; None where nothing has changed in that."""
        async with self._rosters.exclusive(owner.bare) as roster:
            if roster.is_shared(contact.bare):
                return None
            was_seen, was_there = roster.may_see_presence(contact.bare), roster.item(contact.bare) is not None
            item = self._rosters.editable(roster, contact.bare)
            if item.subscription == "both":
                return None
            await self._write(roster, item if was_there else item._replace(groups=groups), "both", None)
            return None if was_seen else Granted(owner, contact)

    async def _place(self, owner: JID, wanted: Wanted, subscription: str) -> None:
        jid, contact = wanted.jid, JID.of_prepared(wanted.jid)
        async with self._rosters.exclusive(owner.bare) as roster:
            was_seen = roster.may_see_presence(jid)
            item = self._rosters.editable(roster, jid)._replace(name=wanted.name, groups=wanted.groups)
            await self._write(
                roster, item, subscription, None if subscription in SEEN else roster.pending.get(jid)
            )
            told = None
            if subscription in SEEN and not was_seen:
                told = self._rosters.notify(SUBSCRIBED_TO_US, Granted(owner, contact))
            elif was_seen and subscription not in SEEN:
                told = self._rosters.notify(WITHDRAWN, Withdrawn(owner, contact))
        if told is not None:
            await told

    async def _write(
        self, roster: Roster, item: RosterItem, subscription: str, pending: bytes | None
    ) -> None:
        """Store and push a contact with another subscription."""
        item = item._replace(subscription=subscription, ask=False, approved=False)
        await self._rosters.write(roster, item.jid, item, pending)
        self._rosters.push(roster, item)
