"""The archive of each account: XEP-0313 1.1.3, what goes in; XEP-0359, under which id.

Rules that live here: each message that is worth it (`message_kinds`) goes into the archive of who sent it and of who
gets it, once, as the account prefers (XEP-0441), in the transaction in which it is acknowledged. The ids of the two
are different and tell nothing. The recipient's copies bear the id in the recipient's archive, behind all else.
"""

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from xmppd.core.bounded import Bounded
from xmppd.core.directory import AccountDirectory
from xmppd.core.events import Delivery, Traffic
from xmppd.core.ids import Ids
from xmppd.core.waiting import deferred
from xmppd.services.archive.ids import STORE
from xmppd.services.archive.preferences import NO_PREFERENCES, Preferences, decode, encode
from xmppd.services.archive.preferences import STORE as PREFERENCES
from xmppd.services.archive.retractions import Retraction, Retractions
from xmppd.services.roster.roster import Rosters
from xmppd.stanza.jid import JID
from xmppd.stanza.kinds import kind_of
from xmppd.stanza.stamps import to_milliseconds
from xmppd.stanza.stanza_ids import with_stanza_id
from xmppd.storage.interface import Append, Delete, NewEntry, Put, Storage

REMEMBERED = 20_000
"""Of so many accounts the preferences are kept in memory."""


class Archive:
    """Puts messages into archives, as their owners prefer."""

    _log = Logger()

    def __init__(
        self,
        directory: AccountDirectory,
        rosters: Rosters,
        storage: Storage,
        retractions: Retractions,
        now: Callable[[], float],
        random_text: Callable[[int], str],
    ):
        """*now* is wall time in seconds since 1970; *random_text* gives so many unguessable bytes as text."""
        self._directory = directory
        self._rosters = rosters
        self._storage = storage
        self._retractions = retractions
        self._now = now
        self._ids = Ids(random_text)
        self._preferences: Bounded[str, Preferences] = Bounded(REMEMBERED)
        self._kept_at: set[str] = set()

    # -- where there are archives -------------------------------------------------------------------------------------

    def keep_at(self, host: str, is_kept: bool) -> None:
        """Note whether the accounts of *host* have archives: who puts messages into them says it."""
        (self._kept_at.add if is_kept else self._kept_at.discard)(host)

    def is_kept_at(self, host: str) -> bool:
        """Whether the accounts of *host* have archives."""
        return host in self._kept_at

    # -- what goes in -------------------------------------------------------------------------------------------------

    def sending(self, traffic: Traffic, default: str) -> Deferred[None] | None:
        """Archive what an account sends, if it wants it; a message to itself is archived when it comes."""
        owner, target = traffic.sender.bare, traffic.target
        kind = kind_of(traffic.stanza)
        if not kind.is_archivable or owner == target.bare:
            return None
        wanted = self._is_wanted(owner, target, default)
        if wanted is True:
            self._append(traffic, owner, target, kind.is_retraction)
        elif wanted is not False:
            return wanted.addCallback(self._append_if, traffic, owner, target, kind.is_retraction)
        return None

    def receiving(self, delivery: Delivery, default: str) -> Deferred[None] | None:
        """Archive what an account gets, if it wants it, and put the id into what its clients get."""
        owner, sender = delivery.target.bare, delivery.sender
        kind = kind_of(delivery.stanza)
        if not kind.is_archivable or not (delivery.sessions or self._directory.exists(owner)):
            return None
        wanted = self._is_wanted(owner, sender, default)
        if wanted is True:
            self._receive(True, delivery, kind.is_retraction)
        elif wanted is not False:
            return wanted.addCallback(self._receive, delivery, kind.is_retraction)
        return None

    def _receive(self, is_wanted: bool, delivery: Delivery, is_retraction: bool) -> None:
        if is_wanted:
            owner = delivery.target.bare
            entry_id = self._append(delivery, owner, delivery.sender, is_retraction)
            delivery.stanza = with_stanza_id(delivery.stanza, owner, entry_id)

    def _append_if(
        self, is_wanted: bool, traffic: Traffic, owner: str, other: JID, is_retraction: bool
    ) -> None:
        if is_wanted:
            self._append(traffic, owner, other, is_retraction)

    def _append(self, traffic: Traffic, owner: str, other: JID, is_retraction: bool) -> str:
        entry_id, at = self._ids.next(), to_milliseconds(self._now())
        data = traffic.stanza.to_bytes()
        entry = NewEntry(entry_id, at, other.bare, data, b"", other.resourcepart or "")
        traffic.changes.append(Append(STORE, owner, entry))
        if is_retraction:
            self._retractions.soon(
                Retraction(owner, other.bare, entry_id, at, traffic.sender.bare, traffic.stanza)
            )
        return entry_id

    # -- who wants what -----------------------------------------------------------------------------------------------

    def _is_wanted(self, owner: str, other: JID, default: str) -> Deferred[bool] | bool:
        preferences = self._preferences.get(owner)
        if preferences is None:
            return self._is_wanted_later(owner, other, default)
        if preferences is NO_PREFERENCES and default == "always":
            return True
        listed = preferences.listed(other)
        if listed is not None:
            return listed
        default = preferences.default or default
        if default == "roster":
            return self._is_in_roster(owner, other)
        return default == "always"

    def why_unwanted(self, owner: str, other: JID, default: str) -> str | None:
        """Say in words why messages with *other* are not archived for *owner*; None where they are.

        What the account prefers must have been read, as it is once a message was looked at.
        """
        preferences = self._preferences.get(owner, NO_PREFERENCES)
        listed, chosen = preferences.listed(other), preferences.default or default
        if listed is not None:
            return None if listed else f"the account's archive leaves out {other.bare} (XEP-0441)"
        if chosen == "roster":
            roster = self._rosters.loaded(owner)
            is_contact = roster is not None and roster.item(other.bare) is not None
            return (
                None if is_contact else f"{other.bare} is not in the roster, and only contacts are archived"
            )
        if chosen == "always":
            return None
        whose = "the account" if preferences.default else "the host"
        return f"{whose} wants nobody's messages archived"

    @deferred
    async def _is_wanted_later(self, owner: str, other: JID, default: str) -> bool:
        await self.preferences(owner)
        wanted = self._is_wanted(owner, other, default)
        return await wanted if isinstance(wanted, Deferred) else wanted

    @deferred
    async def _is_in_roster(self, owner: str, other: JID) -> bool:
        roster = self._rosters.loaded(owner)
        if roster is None:
            roster = await self._rosters.load(owner)
        return roster.item(other.bare) is not None

    @deferred
    async def preferences(self, owner: str) -> Preferences:
        """Give what an account prefers. Waits for the storage; `StorageError`."""
        known = self._preferences.get(owner)
        if known is not None:
            return known
        data = await self._storage.get(PREFERENCES, owner)
        try:
            preferences = decode(data)
        except ValueError as error:
            self._log.error(
                "The archive preferences of {owner} cannot be read", owner=owner, error=str(error)
            )
            preferences = NO_PREFERENCES
        known = self._preferences.get(owner)
        if known is None:
            self._preferences.keep(owner, preferences)
            known = preferences
        return known

    @deferred
    async def prefer(self, owner: str, preferences: Preferences) -> None:
        """Have other preferences hold from now on. Waits for the commit; `StorageError`, and then nothing changed."""
        is_none = preferences == NO_PREFERENCES
        change = Delete(PREFERENCES, owner) if is_none else Put(PREFERENCES, owner, "", encode(preferences))
        await self._storage.commit(change)
        self._preferences.keep(owner, NO_PREFERENCES if is_none else preferences)

    def let_go(self, owner: JID) -> None:
        """Keep nothing of an account in memory: it is gone, or its home is elsewhere now. What is stored stays."""
        self._preferences.pop(owner.bare, None)
