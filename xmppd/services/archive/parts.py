"""Builds the services of archives: what goes in, and what finds words in them."""

from xmppd.core.parts import CoreParts
from xmppd.services.accounts.accounts import AccountEvent, Accounts
from xmppd.services.archive.archive import Archive
from xmppd.services.archive.retractions import Retractions
from xmppd.services.archive.search import ArchiveSearch
from xmppd.services.roster.roster import Rosters
from xmppd.storage.open import open_text_index


def add_services(parts: CoreParts) -> None:
    """Add the archives and their search; its index is opened only where a host wants it."""
    services, storage, environment = parts.services, parts.storage, parts.environment
    config = parts.current.config
    index = open_text_index(config.storage.url, config.data_dir, environment.in_thread)
    search = ArchiveSearch(storage, index, parts.timers)
    retractions = Retractions(storage, parts.timers, search.buried)
    archive = Archive(
        parts.directory, services[Rosters], storage, retractions, environment.now, environment.random_text
    )
    for service in (archive, search):
        services[Accounts].subscribe(AccountEvent.REMOVED, service.let_go)
    services.add(archive, search)
