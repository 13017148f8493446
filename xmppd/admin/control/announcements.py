"""What does the operations by which the operator speaks to users."""

from datetime import UTC, datetime

from xmppd.admin.control.names import with_accounts
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.wire import ControlError
from xmppd.admin.loaded import loaded
from xmppd.admin.operations.announcements import Announced, Said
from xmppd.core.operations.running import does
from xmppd.core.waiting import deferred
from xmppd.modules.announcements import MOTD, WELCOME, Announcements


@does("announce.send")
@deferred
async def announce_send(
    parts: ControlParts,
    text: str,
    host: str | None = None,
    to_all: bool = False,
    subject: str | None = None,
) -> Announced:
    """Tell who is there, or all accounts."""
    module = _module(parts, host)
    await parts.accounts.ready()
    told = await module.announce(text, to_all=to_all, subject=subject or "")
    return {"host": module.api.host.name, "told": told}


@does("announce.motd")
@deferred
async def announce_motd(
    parts: ControlParts, text: str | None = None, host: str | None = None, clear: bool = False
) -> Said:
    """Set the message of the day, or take it away; gives what is in force."""
    return await _set(_module(parts, host), MOTD, text, clear)


@does("announce.welcome")
@deferred
async def announce_welcome(
    parts: ControlParts, text: str | None = None, host: str | None = None, clear: bool = False
) -> Said:
    """Set what new accounts are told, or take it away; gives what is in force."""
    return await _set(_module(parts, host), WELCOME, text, clear)


async def _set(module: Announcements, kind: str, text: str | None, clear: bool) -> Said:
    if clear and text is not None:
        raise ControlError("bad-usage", "a text is set, or taken away, not both")
    if clear or text is not None:
        await module.set(kind, text)
    said = module.text_of(kind)
    return {
        "host": module.api.host.name,
        "text": None if said is None else said.text,
        "since": None if said is None else datetime.fromtimestamp(said.at, UTC).isoformat(timespec="seconds"),
    }


def _module(parts: ControlParts, name: str | None) -> Announcements:
    host = with_accounts(parts.hosts, name) if name is not None else parts.hosts.of_accounts[0]
    module = loaded(host, Announcements)
    if module is None:
        remedy = f"load it: xmppctl module load {Announcements.name} --host {host.name}"
        raise ControlError("no-module", f"the module {Announcements.name} is not loaded there; {remedy}")
    return module
