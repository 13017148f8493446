"""Where invitations are kept.

============================  ===================  ===============  =================================================
store                         owner                key              value
============================  ===================  ===============  =================================================
``invitations``               the host             its id           the invitation
``invitations_of``            the account that it  its id           its kind; without this row an invitation of an
                              belongs to                            account is none: it goes with the account
``reserved_names``            the host             a username       the id of the invitation that it is kept for
``introductions``             the account          a bare JID       who are to become contacts, written with the use of
                                                                    an invitation and taken away when they are
============================  ===================  ===============  =================================================
"""

import json
from collections.abc import AsyncIterator
from typing import Final

from twisted.logger import Logger

from xmppd.services.invitations.invitation import Invitation, Kind
from xmppd.storage.interface import MAX_PAGE, Change, Delete, KeyRange, Put, Storage

INVITATIONS: Final = "invitations"
OF_ACCOUNT: Final = "invitations_of"
RESERVED: Final = "reserved_names"
INTRODUCTIONS: Final = "introductions"

_log = Logger()


class InvitationStore:
    """Reads invitations, and gives the changes that a use of one makes."""

    def __init__(self, storage: Storage):
        self._storage = storage

    async def read(self, host: str, id: str) -> Invitation | None:
        """Give an invitation, expired or not, and whether `is_whole` or not; None where there is none."""
        data = await self._storage.get(INVITATIONS, host, id, is_fresh=True)
        return _read(host, id, data) if data is not None else None

    async def is_whole(self, invitation: Invitation) -> bool:
        """Whether the account that it belongs to, if any, has not been removed since it was made."""
        if not invitation.of:
            return True
        return await self._storage.get(OF_ACCOUNT, invitation.of, invitation.id, is_fresh=True) is not None

    async def of_host(self, host: str) -> AsyncIterator[Invitation]:
        """Give all that a host has, by id, also those whose account is gone."""
        last: str | None = None
        while True:
            page = await self._storage.get_range(INVITATIONS, host, KeyRange(after=last), limit=MAX_PAGE)
            for last, data in page.items():
                invitation = _read(host, last, data)
                if invitation is not None:
                    yield invitation
            if len(page) < MAX_PAGE:
                return

    async def of_account(self, bare_jid: str) -> list[Invitation]:
        """Give those that belong to an account, expired ones too."""
        host = bare_jid.rpartition("@")[2]
        found = [await self.read(host, id) for id in await self._storage.keys(OF_ACCOUNT, bare_jid)]
        return [invitation for invitation in found if invitation is not None]

    async def resets_of(self, bare_jid: str) -> list[Change]:
        """Give what takes away all invitations to set another password of an account."""
        host, kinds = bare_jid.rpartition("@")[2], await self._storage.get_all(OF_ACCOUNT, bare_jid)
        changes: list[Change] = []
        for id, kind in kinds.items():
            if kind == Kind.RESET.value.encode():
                changes += (Delete(INVITATIONS, host, id), Delete(OF_ACCOUNT, bare_jid, id))
        return changes

    async def reserved_for(self, host: str, username: str) -> str | None:
        """Give the id of the invitation that a name is kept for."""
        data = await self._storage.get(RESERVED, host, username, is_fresh=True)
        return None if data is None else data.decode()

    async def introductions(self, bare_jid: str) -> dict[str, tuple[str, ...]]:
        """Give who is to become a contact of an account: bare JID → groups."""
        stored = await self._storage.get_all(INTRODUCTIONS, bare_jid)
        return {jid: tuple(json.loads(data)) for jid, data in stored.items()}


def put(invitation: Invitation) -> list[Change]:
    """Give what stores an invitation."""
    host, id = invitation.host, invitation.id
    changes: list[Change] = [Put(INVITATIONS, host, id, invitation.to_json())]
    if invitation.of:
        changes.append(Put(OF_ACCOUNT, invitation.of, id, invitation.kind.value.encode()))
    if invitation.kind is Kind.ACCOUNT and invitation.username:
        changes.append(Put(RESERVED, host, invitation.username, id.encode()))
    return changes


def gone(invitation: Invitation) -> list[Change]:
    """Give what takes an invitation away."""
    host, id = invitation.host, invitation.id
    changes: list[Change] = [Delete(INVITATIONS, host, id)]
    if invitation.of:
        changes.append(Delete(OF_ACCOUNT, invitation.of, id))
    if invitation.kind is Kind.ACCOUNT and invitation.username:
        changes.append(Delete(RESERVED, host, invitation.username))
    return changes


def used(invitation: Invitation) -> list[Change]:
    """Give what a use of it changes."""
    rest = invitation.used()
    return gone(invitation) if rest is None else put(rest)


def introduced(owner: str, contact: str, groups: tuple[str, ...]) -> Put:
    """Give what notes that two are to become contacts."""
    return Put(INTRODUCTIONS, owner, contact, json.dumps(groups, separators=(",", ":")).encode())


def _read(host: str, id: str, data: bytes) -> Invitation | None:
    try:
        return Invitation.from_json(host, id, data)
    except ValueError as error:
        _log.error("An invitation of {host} cannot be read: {error}", host=host, error=str(error))
        return None
