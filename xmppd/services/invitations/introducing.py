"""Those who met by an invitation become contacts of each other: XEP-0401 3.6, XEP-0379 3.5.

Who are to become contacts is written with the use of the invitation, and taken away when they are: a start goes on
where the last run was interrupted. To do it twice changes nothing.
"""

from twisted.logger import Logger

from xmppd.core.directory import AccountDirectory
from xmppd.core.waiting import deferred
from xmppd.services.invitations.store import INTRODUCTIONS, InvitationStore
from xmppd.services.roster.placing import Placing
from xmppd.services.roster.subscription_states import APPROVAL, REQUEST
from xmppd.services.roster.subscriptions import Subscriptions
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Delete, Storage
from xmppd.storage.pages import all_owners


class Introducing:
    """Makes accounts contacts of those whom they have met."""

    _log = Logger()

    def __init__(
        self,
        storage: Storage,
        directory: AccountDirectory,
        placing: Placing,
        subscriptions: Subscriptions,
    ):
        self._storage = storage
        self._store = InvitationStore(storage)
        self._directory = directory
        self._placing = placing
        self._subscriptions = subscriptions

    @deferred
    async def introduce(self, owner: JID) -> None:
        """Do what is noted for an account. What cannot be stored now is done at the next start."""
        for contact, groups in (await self._store.introductions(owner.bare)).items():
            try:
                await self._befriend(owner, JID.of_prepared(contact), groups)
            except StanzaError as error:
                words = "{owner} and {contact} are no contacts yet: {error}"
                self._log.warn(words, owner=owner.bare, contact=contact, error=str(error))
                if error.type == "wait":
                    continue
            await self._storage.commit(Delete(INTRODUCTIONS, owner.bare, contact))

    @deferred
    async def resume(self) -> None:
        """Do all that is noted."""
        for owner in await all_owners(self._storage, INTRODUCTIONS):
            await self.introduce(JID.of_prepared(owner))

    async def _befriend(self, owner: JID, contact: JID, groups: tuple[str, ...]) -> None:
        if self._directory.exists(contact.bare):
            await self._placing.befriend(owner, contact, groups)
            return
        for type in (APPROVAL, REQUEST):  # of another server: approved in advance (RFC 6121 3.4), and asked
            stanza = Stanza.make("presence", from_=owner.bare, to=contact.bare, type=type)
            await self._subscriptions.send(stanza, owner, contact)
