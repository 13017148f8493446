"""What does the operations on contacts."""

from typing import TypedDict

from xmppd.admin.control.names import existing_account
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.wire import ControlError
from xmppd.core.operations.running import does
from xmppd.core.waiting import deferred
from xmppd.services.roster.placing import Placing
from xmppd.services.roster.roster import Rosters
from xmppd.services.roster.wanted import Wanted
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID, InvalidJID, why_invalid


class ContactRow(TypedDict):
    """One contact; *asked* where its presence was asked for, and nobody has answered yet."""

    jid: str
    name: str
    subscription: str
    asked: bool
    groups: list[str]
    shared: bool


class ContactNamed(TypedDict):
    """An account, and the contact that something was done to."""

    jid: str
    contact: str


@does("roster.show")
@deferred
async def roster_show(parts: ControlParts, jid: str) -> list[ContactRow]:
    """Give the contacts of an account, by JID."""
    account = await existing_account(parts, jid)
    roster = await parts.services[Rosters].load(account.bare)
    return [
        {
            "jid": item.jid,
            "name": item.name or "",
            "subscription": item.subscription,
            "asked": item.ask,
            "groups": list(item.groups),
            "shared": roster.is_shared(item.jid),
        }
        for item in sorted(roster.items(), key=lambda item: item.jid)
    ]


@does("roster.add")
@deferred
async def roster_add(
    parts: ControlParts,
    jid: str,
    contact: str,
    name: str | None = None,
    group: str | None = None,
    subscription: str | None = None,
    mutual: bool = False,
) -> ContactNamed:
    """Give an account a contact, as its owner would; or two accounts each other."""
    account, other = await existing_account(parts, jid), _contact(contact)
    groups = () if group is None else (group,)
    placing = parts.services[Placing]
    try:
        if mutual:
            other = await existing_account(parts, contact)
            await placing.befriend(account, other, groups)
        if not mutual or name is not None:
            wanted = Wanted(other.bare, name, groups, is_removal=False)
            await placing.place(account, wanted, "both" if mutual else subscription)
    except StanzaError as error:
        raise _told(error, other) from error
    return {"jid": account.bare, "contact": other.bare}


@does("roster.remove")
@deferred
async def roster_remove(parts: ControlParts, jid: str, contact: str) -> ContactNamed:
    """Take a contact from an account, as its owner would."""
    account, other = await existing_account(parts, jid), _contact(contact)
    try:
        await parts.services[Rosters].remove(account, other.bare)
    except StanzaError as error:
        raise _told(error, other) from error
    return {"jid": account.bare, "contact": other.bare}


def _contact(text: str) -> JID:
    try:
        jid = JID.parse(text)
    except InvalidJID as error:
        raise ControlError("invalid-name", f"{text!r} is no address: {why_invalid(error)}") from error
    if not jid.is_bare:
        raise ControlError("invalid-name", f"{text} names a resource; the contact is {jid.bare}")
    return jid


def _told(error: StanzaError, contact: JID) -> ControlError:
    return ControlError("not-done", f"{contact.bare}: {(error.text or error.condition).lower()}")
