"""What does the operations on accounts as they are used: one of them whole, who is away."""

import json
from datetime import UTC, datetime
from typing import Final, TypedDict

from xmppd.admin.control.names import hosts_of
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.users import required
from xmppd.core.operations.running import Progress, does
from xmppd.core.roles import Roles
from xmppd.core.waiting import deferred
from xmppd.services.accounts.accounts import Account
from xmppd.services.accounts.stored import DISABLED
from xmppd.services.archive.ids import STORE as ARCHIVE
from xmppd.services.inbox.records import STORE as INBOX
from xmppd.services.profile.last_activity import LastActivity
from xmppd.services.roster.roster import Rosters
from xmppd.stanza.jid import JID

DAY_S: Final = 86_400
PROGRESS_EVERY: Final = 100


class UserShown(TypedDict):
    """One account, with all that there is to know of it but what it says; *waiting* counts what is done, too."""

    jid: str
    created: str
    disabled: bool
    reason: str
    role: str
    sessions: list[str]
    last_seen: str | None
    contacts: int
    archived: int
    waiting: int
    clients: int


class AwayRow(TypedDict):
    """One account that nobody has used for some time; None: never."""

    jid: str
    created: str
    last_seen: str | None


@does("user.show")
@deferred
async def user_show(parts: ControlParts, jid: str) -> UserShown:
    """Give all of one account; sizes as they are, times in UTC."""
    account = await required(parts, jid)
    found = next(each for each in await parts.accounts.list(account.domainpart) if each.jid == account)
    stored = await parts.storage.get(DISABLED, account.domainpart, account.localpart or "")
    role = parts.services[Roles].role_at(parts.hosts[account.domainpart], account)
    return {
        "jid": account.bare,
        "created": _stamp(found.created_at),
        "disabled": found.disabled,
        "reason": "" if stored is None else json.loads(stored).get("reason", ""),
        "role": role.word,
        "sessions": [session.full_jid or "" for session in parts.registry.resources(account.bare)],
        "last_seen": await _last_seen(parts, account),
        "contacts": len(await parts.services[Rosters].load(account.bare)),
        "archived": await parts.storage.count(ARCHIVE, account.bare),
        "waiting": await parts.storage.count(INBOX, account.bare, is_fresh=True),
        "clients": len(await parts.clients.listed(account.bare)),
    }


@does("user.away")
@deferred
async def user_away(
    parts: ControlParts, progress: Progress, days: int, host: str | None = None
) -> list[AwayRow]:
    """Give the accounts that nobody has used for so many days; tells how many were looked at."""
    since, found, looked = parts.now() - days * DAY_S, [], 0
    for name in hosts_of(parts, host):
        for account in await parts.accounts.list(name):
            looked += 1
            if looked % PROGRESS_EVERY == 0:
                progress(looked)
            left = await _left_at(parts, account.jid)
            if left is not None and (left or account.created_at) < since:
                found.append(_away(account, left))
    return found


async def _left_at(parts: ControlParts, jid: JID) -> float | None:
    """When somebody was last there; 0 for never, None where somebody is."""
    if parts.registry.resources(jid.bare):
        return None
    activity = await parts.services[LastActivity].of(jid.bare)
    return 0.0 if activity is None else activity.left_at


async def _last_seen(parts: ControlParts, jid: JID) -> str | None:
    left = await _left_at(parts, jid)
    return _stamp(parts.now()) if left is None else _stamp(left) if left else None


def _away(account: Account, left: float) -> AwayRow:
    return {
        "jid": account.jid.bare,
        "created": _stamp(account.created_at),
        "last_seen": _stamp(left) if left else None,
    }


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
