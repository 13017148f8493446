"""Accounts whose names a reader cannot tell apart (`xmppd.services.rooms.likeness`)."""

from collections import defaultdict
from typing import TypedDict

from xmppd.admin.control.names import hosts_of
from xmppd.admin.control.parts import ControlParts
from xmppd.core.operations.running import does
from xmppd.core.waiting import deferred
from xmppd.services.accounts.accounts import Accounts
from xmppd.services.rooms.likeness import likeness


class AlikeRow(TypedDict):
    """Accounts whose names a reader cannot tell apart."""

    jids: list[str]


@does("user.alike")
@deferred
async def user_alike(parts: ControlParts, host: str | None = None) -> list[AlikeRow]:
    """Give the accounts of a host, or of all, that look alike, in groups."""
    await parts.accounts.ready()
    rows: list[AlikeRow] = []
    for name in hosts_of(parts, host):
        groups: dict[str, list[str]] = defaultdict(list)
        for bare_jid in parts.accounts.of_host(name):
            groups[likeness(bare_jid.rpartition("@")[0])].append(bare_jid)
        rows += [{"jids": sorted(jids)} for _, jids in sorted(groups.items()) if len(jids) > 1]
    return rows


def like(accounts: Accounts, jid: str) -> list[str]:
    """Give the accounts of the same host that look like *jid*, a bare JID; looks at all of them."""
    name, _, host = jid.rpartition("@")
    mine = likeness(name)
    return sorted(
        each for each in accounts.of_host(host) if each != jid and likeness(each.rpartition("@")[0]) == mine
    )
