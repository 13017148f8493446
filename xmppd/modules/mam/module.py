"""Message Archive Management: XEP-0313 1.1.3 with its extended part, XEP-0441 (preferences), XEP-0424 (tombstones)."""

from typing import Annotated, Literal

from twisted.logger import Logger

from xmppd.config.fields import Field
from xmppd.core import events
from xmppd.core.events import Delivery, IQRequest, Traffic
from xmppd.core.module import XEP, Module, Options, iq, on
from xmppd.core.session import Session
from xmppd.core.stations import ARCHIVING
from xmppd.core.waiting import deferred
from xmppd.core.window import Pace
from xmppd.modules.mam.preferences import preferences_element, read_preferences
from xmppd.services.accounts.accounts import Accounts
from xmppd.services.archive.archive import Archive
from xmppd.services.archive.ids import STORE
from xmppd.services.archive.pages import Bounds, Page, find
from xmppd.services.archive.query import NS, Query, empty_form, read_query
from xmppd.services.archive.results import bounds_for, fin_of, metadata_of, result_of
from xmppd.services.archive.retention import Retention, Rules
from xmppd.services.archive.search import NS_FULLTEXT, ArchiveSearch
from xmppd.services.discovery.disco import ACCOUNT_INFO, Info
from xmppd.services.inbox.inbox import Inbox
from xmppd.services.login.login import BINDING_INLINE, GATHERING, OFFERING, InlineBind, Offer
from xmppd.stanza.element import Element
from xmppd.stanza.kinds import NS_RETRACT
from xmppd.stanza.result_sets import NS as NS_RSM
from xmppd.stanza.stanza import Stanza

Count = Annotated[int, Field(ge=0)]


class MamOptions(Options):
    """``[modules.mam]``."""

    default: Literal["always", "roster", "never"] = "always"
    """Whose messages are archived for accounts that have not chosen: everybody's, those of contacts, nobody's."""
    keep_days: Count = 365
    """After so many days messages leave the archives; 0 keeps them for good."""
    keep_messages: Count = 0
    """So many messages an archive has at most, the oldest leave; 0 is no limit."""
    page: Annotated[int, Field(ge=1, le=250)] = 50
    """Messages in a page whose size a client does not name."""
    max_page: Annotated[int, Field(ge=1, le=250)] = 250
    """Messages in a page at most."""
    search: bool = False
    """Whether messages are found by their words (XEP-0431); their texts are kept a second time for it."""
    max_listed: Annotated[int, Field(ge=1, le=10_000)] = 1_000
    """Addresses in the preferences of one account at most."""


class Mam(Module):
    """Archives messages, and gives their owners pages of them."""

    name = "mam"
    summary = "Message Archive Management"
    xep = (XEP(313, "1.1.3"), XEP(59, "1.0"), XEP(441, "0.2.0"), XEP(424, "0.4.2"), XEP(431, "0.2.0"))
    features = (NS_RETRACT, NS_RSM)
    account_features = (
        NS,
        f"{NS}#extended",
        f"{NS}#groupchat-field",
        NS_RETRACT,
        f"{NS_RETRACT}#tombstone",
        NS_RSM,
    )
    requires = ("stanza_ids",)
    options = MamOptions
    _log = Logger()
    uses = (Archive, Inbox, ArchiveSearch, Accounts)
    opt: MamOptions

    def start(self) -> None:
        """Find the services, and begin to let go of what is too old."""
        api, options = self.api, self.opt
        self._archive = api.services[Archive]
        self._inbox = api.services[Inbox]
        self._pace = Pace(api.timers)
        self._has_accounts = not api.host.settings.is_of_guests
        self._search = api.services[ArchiveSearch]
        self._has_search = options.search
        self._search.is_used |= options.search
        rules = Rules(options.keep_days, options.keep_messages)
        swept = self._search.swept if options.search else None
        self._retention = Retention(
            api.storage,
            api.timers,
            api.now,
            api.host.name,
            rules,
            self._inbox.part_from_archive,
            swept,
        )
        self.at_end(self._retention.stop)
        self._retention.start()
        self.at_end(lambda: self._archive.keep_at(api.host.name, False))
        self._archive.keep_at(api.host.name, True)

    # -- what goes in -------------------------------------------------------------------------------------------------

    @on(events.CLIENT_STANZA, ARCHIVING)
    def on_sending(self, traffic: Traffic) -> object:
        """Archive what an account sends."""
        if traffic.stanza.name == "message" and self._has_accounts:
            if self._has_search:
                self._search.soon(traffic.sender.bare)
            return self._archive.sending(traffic, self.opt.default)
        return None

    @on(events.MESSAGE_DELIVERING, ARCHIVING)
    def on_delivering(self, delivery: Delivery) -> object:
        """Archive what an account gets."""
        if not self._has_accounts:
            return None
        if self._has_search and self.api.services[Accounts].exists(delivery.target.bare):
            self._search.soon(delivery.target.bare)
        return self._archive.receiving(delivery, self.opt.default)

    # -- what comes out (XEP-0313 4) ----------------------------------------------------------------------------------

    @iq("get", NS, "query", to="own")
    def on_form(self, request: IQRequest) -> Element:
        """Tell which fields a query may have (4.1.5)."""
        return empty_form(self._has_search)

    @on(ACCOUNT_INFO)
    def on_account_info(self, info: Info) -> None:
        """Tell of the search where there is one (XEP-0431 2.1)."""
        if self._has_search:
            info.features.add(NS_FULLTEXT)

    @iq("set", NS, "query", to="own")
    @deferred
    async def on_query(self, request: IQRequest) -> Element:
        """Send a page of the archive, then say which it was (4.2, 4.3)."""
        query, owner = read_query(request.payload, self._has_search), request.target.bare
        wanted = self.opt.page if query.page.max is None else query.page.max
        bounds, session = Bounds(min(wanted, self.opt.max_page)), request.origin
        if session is not None:
            await self._pace.drained(session)
            bounds = bounds_for(session, bounds)
        page = await find(self.api.storage, self._search, owner, query, bounds)
        if session is not None:
            await self._inbox.give_results(owner, session, self._results(session, query, page))
        return fin_of(page)

    def _results(self, session: Session, query: Query, page: Page) -> dict[str, Stanza]:
        """Give what is sent of what was found, in order, by the ids."""
        results = {}
        for entry in reversed(page.entries) if query.is_flipped else page.entries:
            try:
                stanza = Stanza.parse(entry.stanza)
            except ValueError as error:
                self._log.error(
                    "A message in the archive of {owner} cannot be read back: {id}, {error}",
                    owner=session.bare_jid,
                    id=entry.id,
                    error=str(error),
                )
                continue
            results[entry.id] = result_of(
                session.bare_jid or "", session.full_jid or "", query, entry, stanza
            )
        return results

    @iq("get", NS, "metadata", to="own")
    @deferred
    async def on_metadata(self, request: IQRequest) -> Element:
        """Tell of the first and the last message (5)."""
        return await self._metadata(request.target.bare)

    @on(OFFERING, GATHERING)
    def on_offering(self, offer: Offer) -> None:
        """A client that binds within its login is told of its archive as it is then (XEP-0386 3.1)."""
        offer.bind.append(NS)

    @on(BINDING_INLINE)
    @deferred
    async def on_binding(self, inline: InlineBind) -> None:
        """Tell of the first and the last message (XEP-0386 3.2)."""
        inline.bound.append(await self._metadata(inline.login.bare_jid))

    async def _metadata(self, owner: str) -> Element:
        return await metadata_of(self.api.storage, STORE, owner)

    # -- preferences (XEP-0441) ---------------------------------------------------------------------------------------

    @iq("get", NS, "prefs", to="own")
    @deferred
    async def on_get_preferences(self, request: IQRequest) -> Element:
        """Tell whose messages are archived."""
        preferences = await self._archive.preferences(request.target.bare)
        return preferences_element(preferences, self.opt.default)

    @iq("set", NS, "prefs", to="own")
    @deferred
    async def on_set_preferences(self, request: IQRequest) -> Element:
        """Have other messages archived from now on."""
        preferences = read_preferences(request.payload, self.opt.max_listed)
        await self._archive.prefer(request.target.bare, preferences)
        return preferences_element(preferences, self.opt.default)
