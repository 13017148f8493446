"""Builds the service of uploads."""

from typing import Final

from xmppd.core.parts import CoreParts
from xmppd.services.accounts.accounts import AccountEvent, Accounts
from xmppd.services.uploads.folder import UploadFolder
from xmppd.services.uploads.upkeep import UploadUpkeep
from xmppd.services.uploads.uploads import Uploads

FOLDER: Final = "uploads"
"""In the data folder."""


def add_services(parts: CoreParts) -> None:
    """Add the uploads; nothing is made or read before somebody uploads."""
    folder = UploadFolder(parts.current.config.data_dir / FOLDER)
    uploads = Uploads(parts.storage, parts.environment, folder)
    upkeep = UploadUpkeep(uploads, parts.storage, folder, parts.environment, parts.timers)
    parts.services[Accounts].subscribe(AccountEvent.REMOVED, upkeep.account_removed)
    parts.services.add(uploads, upkeep)
