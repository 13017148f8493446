"""Accounts that are removed: they are no members, admins or owners any more, so that who has the name next is none.

Bans stay. The last owner of a room stays its owner, since a room has one (XEP-0045 10); the log says so. Rooms are gone
through in the background; what a crash leaves over stays as it was.
"""

from collections.abc import Callable
from typing import Final

from twisted.logger import Logger

from xmppd.core.waiting import spawn
from xmppd.modules.muc.parts import MucParts
from xmppd.modules.muc.standing import NOBODY, Standing
from xmppd.services.accounts.accounts import AccountEvent, Accounts
from xmppd.services.rooms.roles import Affiliation
from xmppd.services.rooms.store import AFFILIATED
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.storage.pages import all_owners

SLICE: Final = 50
"""Rooms that are looked at in one turn."""


class Departing:
    """Takes away the affiliations of accounts that are no more."""

    _log = Logger()

    def __init__(self, parts: MucParts, standing: Standing):
        self._parts = parts
        self._standing = standing

    def watch(self, accounts: Accounts) -> Callable[[], None]:
        """Hear of each account that is removed; gives what ends that."""
        return accounts.subscribe(AccountEvent.REMOVED, self._removed)

    def _removed(self, jid: JID) -> None:
        spawn("taking away affiliations of an account that was removed", self._take_away(jid.bare))

    async def _take_away(self, bare_jid: str) -> None:
        storage, timers = self._parts.api.storage, self._parts.api.timers
        rooms = [JID.of_prepared(owner) for owner in await all_owners(storage, AFFILIATED)]
        ours = [room for room in rooms if room.domainpart == self._parts.host.name]
        for number, address in enumerate(ours, 1):
            if await storage.get(AFFILIATED, address.bare, bare_jid) is not None:
                await self._take_away_in(address, bare_jid)
            if not number % SLICE:
                await timers.wait()

    async def _take_away_in(self, address: JID, bare_jid: str) -> None:
        room = await self._parts.rooms.open(address)
        if room is None:
            return
        async with room.lock:
            known = room.affiliations.get(bare_jid, NOBODY)
            if room.is_gone or known.affiliation <= Affiliation.NONE:
                return
            try:
                await self._standing.affiliate(room, [(bare_jid, NOBODY)], "")
            except StanzaError:
                self._log.warn(
                    "{owner}, which was removed, is the only owner of {room}: "
                    "xmppctl room affiliation gives it another one",
                    owner=bare_jid,
                    room=address.bare,
                )
