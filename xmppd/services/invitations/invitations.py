"""Invitations: made, found, taken back, and used: XEP-0401 0.6.0, XEP-0445 0.2.0, XEP-0379 0.3.3.

Rules that live here: a use of an invitation and what it is for are one transaction, so that none is used more often
than it says, whatever happens to the server; of two who use the same at once the second comes after the first. One
belongs to the account of who has invited, or whose password it is, and ends with it. A name that somebody is invited
with is nobody else's until then (XEP-0401 4.2). Every change of a password ends the invitations to set another.
"""

from typing import Final, NamedTuple
from weakref import WeakValueDictionary

from twisted.internet.defer import DeferredLock

from xmppd.core.attachment import Attachment
from xmppd.core.environment import Environment
from xmppd.core.waiting import deferred
from xmppd.services.accounts.accounts import AccountReserved, Accounts, InvalidName, NoSuchAccount
from xmppd.services.accounts.sessions import AccountSessions
from xmppd.services.invitations.errors import NoSuchInvitation, TooManyInvitations, WrongName
from xmppd.services.invitations.introducing import Introducing
from xmppd.services.invitations.invitation import Invitation, Kind, id_of, new_token
from xmppd.services.invitations.store import InvitationStore, gone, introduced, put, used
from xmppd.stanza.jid import JID, InvalidJID, prepare_localpart
from xmppd.storage.interface import Change, Storage

ID_SHOWN = 8
"""So much of an id tells it from others."""
SECRET_BYTES = 32
SHOWN: Final = Attachment[str]("invitation")
"""The token that a client has shown before it registers (XEP-0445 4)."""


class Wanted(NamedTuple):
    """What an invitation shall be; see `Invitation`."""

    kind: Kind
    lasts_s: float
    username: str = ""
    inviter: str = ""
    uses: int = 1
    may_register: bool = False
    is_introduced: bool = True
    groups: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()


class Invitations:
    """All invitations of this server."""

    def __init__(
        self,
        storage: Storage,
        environment: Environment,
        accounts: Accounts,
        sessions: AccountSessions,
        introducing: Introducing,
    ):
        """Passwords and new accounts of *accounts* heed the invitations from now on."""
        self._storage = storage
        self._now, self._random_text = environment.now, environment.random_text
        self._accounts, self._sessions, self._introducing = accounts, sessions, introducing
        self._store = InvitationStore(self._storage)
        self._locks: WeakValueDictionary[str, DeferredLock] = WeakValueDictionary()
        self._redeeming: set[tuple[str, str]] = set()
        self._making_accounts: dict[str, dict[str, float]] = {}
        accounts.beside_password.append(deferred(self._without_resets))
        accounts.reservations.append(deferred(self._check_reserved))

    # -- what there is ------------------------------------------------------------------------------------------------

    @deferred
    async def load(self, host: str) -> None:
        """Learn which invitations of *host* make accounts, for `may_register`, and remove those that are over."""
        now = self._now()
        found: dict[str, float] = {}
        async for invitation in self._store.of_host(host):
            if invitation.expires_at <= now - LATE_S or not await self._store.is_whole(invitation):
                await self._storage.commit(*gone(invitation))
            elif invitation.makes_accounts:
                found[invitation.id] = invitation.expires_at
        since = self._making_accounts.get(host, {})
        found.update((id, expires_at) for id, expires_at in since.items() if expires_at > now)
        self._making_accounts[host] = found

    def may_register(self, host: str) -> bool:
        """Whether there is an invitation by which an account could be made on *host*; at once."""
        known, now = self._making_accounts.get(host), self._now()
        return known is not None and any(expires_at > now for expires_at in known.values())

    @deferred
    async def find(self, host: str, token: str) -> Invitation:
        """Give what *token* opens on *host* now; `NoSuchInvitation`."""
        return await self._valid(host, id_of(token))

    @deferred
    async def of_host(self, host: str) -> list[Invitation]:
        """Give those of *host* that can be used, the oldest first."""
        found = [each async for each in self._store.of_host(host)]
        valid = [each for each in found if await self._is_valid(each)]
        return sorted(valid, key=lambda each: (each.created_at, each.id))

    @deferred
    async def of_account(self, bare_jid: str) -> list[Invitation]:
        """Give those that an account has made, or that are for its password, and can be used; the oldest first."""
        valid = [each for each in await self._store.of_account(bare_jid) if each.expires_at > self._now()]
        return sorted(valid, key=lambda each: (each.created_at, each.id))

    # -- made and taken back ------------------------------------------------------------------------------------------

    @deferred
    async def create(self, host: str, wanted: Wanted, allowed: int | None = None) -> tuple[str, Invitation]:
        """Make an invitation; gives its token, which is told nobody again, and the invitation. Waits for the commit.

        Raises `TooManyInvitations` where who invites has *allowed* open ones; for ACCOUNT with a name what
        `Accounts.may_create` does, for RESET `NoSuchAccount`.
        """
        if wanted.kind is Kind.ACCOUNT and wanted.username:
            await self._accounts.may_create(JID(wanted.username, host, None))
        if wanted.kind is Kind.RESET:
            await self._accounts.require(JID(wanted.username, host, None))
        token = new_token(self._random_text(SECRET_BYTES))
        now = self._now()
        invitation = Invitation(
            host,
            id_of(token),
            wanted.kind,
            now,
            now + wanted.lasts_s,
            wanted.username,
            wanted.inviter,
            wanted.uses,
            wanted.may_register,
            wanted.is_introduced,
            wanted.groups,
            wanted.contacts,
        )
        changes: list[Change] = []
        if allowed is not None:
            changes += await self._room_for(invitation, allowed)
        if wanted.kind is Kind.ACCOUNT and wanted.username:
            changes += await self._lapsed(host, wanted.username)
        await self._storage.commit(*changes, *put(invitation))
        self._note(invitation)
        return token, invitation

    @deferred
    async def revoke(self, invitation: Invitation) -> None:
        """Take an invitation back; waits for the commit. `NoSuchInvitation` where it has been used meanwhile."""
        async with self._exclusive(invitation.id):
            await self._valid(invitation.host, invitation.id)
            await self._storage.commit(*gone(invitation))
            self._forget(invitation)

    # -- used ---------------------------------------------------------------------------------------------------------

    @deferred
    async def register(self, token: str, jid: JID, password: str, *, was_shown: bool = False) -> None:
        """Make the account *jid* by *token*; its contacts are in its roster when this is done.

        With *was_shown* the token was found good on this stream, and may have expired since (XEP-0445 4). Raises
        `NoSuchInvitation`, `WrongName`, and what `Accounts.create` does.
        """
        id = id_of(token)
        async with self._exclusive(id):
            invitation = await self._valid(jid.domainpart, id, late_s=LATE_S if was_shown else 0.0)
            if not invitation.makes_accounts:
                raise NoSuchInvitation
            if invitation.username and invitation.username != jid.localpart:
                raise WrongName(invitation.username)
            contacts = [each for each in invitation.introduced if each != jid.bare]
            changes: list[Change] = [introduced(jid.bare, each, invitation.groups) for each in contacts]
            self._redeeming.add((jid.bare, id))
            try:
                await self._accounts.create(jid, password, *used(invitation), *changes)
            finally:
                self._redeeming.discard((jid.bare, id))
            self._has_used(invitation)
        await self._introducing.introduce(jid)

    @deferred
    async def may_register_as(self, invitation: Invitation, jid: JID) -> None:
        """Raise what `register` would for the name *jid*, whatever the password; nothing is changed."""
        self._redeeming.add((jid.bare, invitation.id))
        try:
            await self._accounts.may_create(jid)
        finally:
            self._redeeming.discard((jid.bare, invitation.id))

    @deferred
    async def accept(self, token: str, owner: JID, contact: JID) -> bool:
        """Make *contact* a contact of *owner* and the other way round, who has invited by *token* (XEP-0379 3.5).

        Both JIDs are bare. False where the token is not good for that: who has invited is to be asked then.
        """
        id = id_of(token)
        async with self._exclusive(id):
            try:
                invitation = await self._valid(owner.domainpart, id)
            except NoSuchInvitation:
                return False
            if invitation.kind is not Kind.CONTACT or invitation.inviter_jid != owner.bare:
                return False
            await self._storage.commit(*used(invitation), introduced(owner.bare, contact.bare, ()))
            self._has_used(invitation)
        await self._introducing.introduce(owner)
        return True

    @deferred
    async def reset(self, host: str, token: str, password: str) -> JID:
        """Set another password; gives whose. Its sessions end. Raises `NoSuchInvitation`, `InvalidPassword`."""
        id = id_of(token)
        async with self._exclusive(id):
            invitation = await self._valid(host, id)
            if invitation.kind is not Kind.RESET:
                raise NoSuchInvitation
            jid = JID(invitation.username, host, None)
            try:
                await self._sessions.change_password(jid, password)  # and `_without_resets` with it
            except NoSuchAccount:
                raise NoSuchInvitation from None
        return jid

    # -- what others ask ----------------------------------------------------------------------------------------------

    async def _without_resets(self, jid: JID) -> list[Change]:
        return await self._store.resets_of(jid.bare)

    async def _check_reserved(self, jid: JID) -> None:
        id = await self._store.reserved_for(jid.domainpart, jid.localpart or "")
        if id is None or (jid.bare, id) in self._redeeming:
            return
        try:
            await self._valid(jid.domainpart, id)
        except NoSuchInvitation:
            return
        raise AccountReserved

    # -- the rest -----------------------------------------------------------------------------------------------------

    def _exclusive(self, id: str) -> DeferredLock:
        lock = self._locks.get(id)
        if lock is None:
            self._locks[id] = lock = DeferredLock()
        return lock

    async def _valid(self, host: str, id: str, late_s: float = 0.0) -> Invitation:
        invitation = await self._store.read(host, id)
        if invitation is None or not await self._is_valid(invitation, late_s):
            raise NoSuchInvitation
        return invitation

    async def _is_valid(self, invitation: Invitation, late_s: float = 0.0) -> bool:
        if invitation.expires_at + late_s <= self._now():
            return False
        if not invitation.of:
            return True
        if not await self._store.is_whole(invitation):
            return False
        await self._accounts.ready()
        return self._accounts.exists(invitation.of) and not self._accounts.is_disabled(invitation.of)

    async def _room_for(self, invitation: Invitation, allowed: int) -> list[Change]:
        """Give what takes away the expired ones of who invites; `TooManyInvitations` where that is not enough."""
        own = await self._store.of_account(invitation.of)
        expired = [each for each in own if each.expires_at <= self._now()]
        if len(own) - len(expired) >= allowed:
            raise TooManyInvitations(f"there are {allowed} open invitations already")
        return [change for each in expired for change in gone(each)]

    async def _lapsed(self, host: str, username: str) -> list[Change]:
        """Give what takes away an invitation that kept this name and is over."""
        id = await self._store.reserved_for(host, username)
        before = None if id is None else await self._store.read(host, id)
        return [] if before is None else gone(before)

    def _note(self, invitation: Invitation) -> None:
        if invitation.makes_accounts:
            self._making_accounts.setdefault(invitation.host, {})[invitation.id] = invitation.expires_at

    def _forget(self, invitation: Invitation) -> None:
        self._making_accounts.get(invitation.host, {}).pop(invitation.id, None)

    def _has_used(self, invitation: Invitation) -> None:
        if invitation.used() is None:
            self._forget(invitation)


LATE_S = 86_400.0
"""How long an invitation is kept beyond its end, for who had shown it before (XEP-0445 4)."""


def account_name(host: str, text: str) -> JID:
    """Give the bare JID of the account that is called *text* on *host*; `InvalidName`."""
    try:
        return JID(prepare_localpart(text), host, None)
    except InvalidJID as error:
        raise InvalidName(str(error)) from error
