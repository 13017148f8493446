"""Accounts that are there for as long as who asked is connected: nothing is left of them, whatever becomes of it."""

import secrets
from typing import Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from xmppd.admin.control.names import with_accounts
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.wire import ControlError
from xmppd.core.operations.running import Progress, does
from xmppd.core.waiting import deferred
from xmppd.services.accounts.accounts import Accounts, NoSuchAccount
from xmppd.services.accounts.removal import Removal
from xmppd.services.accounts.stored import TOMBSTONES
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Delete, StorageError

PREFIX: Final = "xmppd-selftest-"
MOST: Final = 10
_NAME_BYTES: Final = 8
_log = Logger()


@does("user.lend")
@deferred
async def user_lend(parts: ControlParts, progress: Progress, number: int, host: str | None = None) -> None:
    """Make so many accounts, tell their names and passwords, and remove them when who asked has gone; never ends."""
    if not 0 < number <= MOST:
        raise ControlError("bad-arguments", f"from 1 to {MOST} accounts are lent")
    hosts = [with_accounts(parts.hosts, host)] if host is not None else list(parts.hosts.of_accounts)
    own = [each for each in hosts if each.settings.auth == "internal"]
    if not own:
        raise ControlError("not-possible", "no host has accounts of its own")
    lent: list[JID] = []
    told = []
    try:
        for _ in range(number):
            jid = JID(f"{PREFIX}{secrets.token_hex(_NAME_BYTES)}", own[0].name, None)
            password = secrets.token_urlsafe()
            lent.append(jid)
            await parts.accounts.create(jid, password)
            told.append({"jid": jid.bare, "password": password})
        progress({"accounts": told, "listening": list(parts.listening())})
        await Deferred()
    finally:
        for jid in lent:
            await _take_back(parts.removal, jid)


@deferred
async def take_back_all(accounts: Accounts, removal: Removal) -> None:
    """Remove what was lent when the server was killed."""
    await accounts.ready()
    for host in accounts.by_host():
        for bare_jid in accounts.of_host(host):
            if bare_jid.startswith(PREFIX):
                await _take_back(removal, JID.parse(bare_jid))


async def _take_back(removal: Removal, jid: JID) -> None:
    """Nobody will want the name again: no tombstone stays, either."""
    try:
        await removal.remove(jid, [Delete(TOMBSTONES, jid.domainpart, jid.localpart or "")])
    except NoSuchAccount:
        pass
    except StorageError as error:
        _log.error("The account {jid} that was lent cannot be removed: {why}", jid=jid.bare, why=str(error))
