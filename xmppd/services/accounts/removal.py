"""Removal of accounts, whole: all data in one transaction, the sessions, and the subscriptions on both sides.

Order: from now on there is no such account; its sessions end, so that nobody writes for it any more; all of it is
deleted and the tombstone stored; its contacts are told.
"""

from collections.abc import Iterable

from twisted.internet.defer import Deferred

from xmppd.core.session import Session
from xmppd.core.waiting import deferred
from xmppd.services.accounts.accounts import AccountEvent, Accounts
from xmppd.services.accounts.sessions import AccountSessions
from xmppd.services.roster.roster import Rosters
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Change, StorageError


class Removal:
    """Removes accounts."""

    def __init__(self, accounts: Accounts, rosters: Rosters, sessions: AccountSessions):
        self._accounts = accounts
        self._rosters = rosters
        self._sessions = sessions

    @deferred
    async def remove(self, jid: JID, changes: Iterable[Change] = (), spared: Session | None = None) -> None:
        """Remove an account with all its data; its sessions end, but *spared*. Waits until the contacts were told.

        *changes* happen in the same transaction. Raises `NoSuchAccount`; `StorageError`, and then the account is as
        it was, without its sessions.
        """

        def commit(*all_changes: Change) -> Deferred[None]:
            self._sessions.end(jid, AccountEvent.REMOVED)
            return self._rosters.leave(jid.bare, *all_changes)

        with self._sessions.sparing(spared):
            try:
                await self._accounts.remove(jid, *changes, commit=commit)
            except StanzaError as error:
                if isinstance(error.__cause__, StorageError):
                    raise error.__cause__ from None
                raise
