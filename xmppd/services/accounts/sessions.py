"""What becomes of an account's sessions when it is removed, disabled or gets another password: they end.

So does a session that authenticated before and is bound only afterwards.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from xmppd.core.registry import SessionRegistry
from xmppd.core.session import Session
from xmppd.core.waiting import deferred
from xmppd.services.accounts.accounts import AccountEvent, Accounts
from xmppd.stanza.errors import StreamError
from xmppd.stanza.jid import JID

REASONS = {
    AccountEvent.PASSWORD_CHANGED: ("reset", "Password changed"),
    AccountEvent.DISABLED: ("policy-violation", "The account has been disabled"),
    AccountEvent.REMOVED: ("not-authorized", "The account has been removed"),
}
"""The stream error that the sessions end with (RFC 6120 4.9.3), by what has happened."""


class AccountSessions:
    """Ends the sessions of accounts that change."""

    def __init__(self, accounts: Accounts, registry: SessionRegistry):
        self._accounts = accounts
        self._registry = registry
        self._spared: list[Session] = []
        for event in REASONS:
            accounts.subscribe(event, partial(self._on_event, event))

    def may_bind(self, session: Session) -> bool:
        """Whether an authenticated session's account is still as it was when it began to authenticate."""
        bare_jid = f"{session.username}@{session.host}"
        if not self._accounts.exists(bare_jid) or self._accounts.is_disabled(bare_jid):
            return False
        return not self._accounts.changes.is_changed_since(bare_jid, session.account_mark)

    @deferred
    async def change_password(self, jid: JID, password: str, spared: Session | None = None) -> None:
        """Give an account another password; all its sessions but *spared* end. Raises as `Accounts.set_password`."""
        with self.sparing(spared):
            await self._accounts.set_password(jid, password)

    @contextmanager
    def sparing(self, session: Session | None) -> Iterator[None]:
        """Let *session* live, whatever is done meanwhile; None: nobody."""
        if session is None:
            yield
            return
        self._spared.append(session)
        try:
            yield
        finally:
            self._spared.remove(session)

    def end(self, jid: JID, event: AccountEvent) -> None:
        """End the sessions of an account because of *event*, all but those that are spared."""
        for session in self._registry.resources(jid.bare):
            if session not in self._spared:
                session.close(StreamError(*REASONS[event]))

    def _on_event(self, event: AccountEvent, jid: JID) -> None:
        self.end(jid, event)
