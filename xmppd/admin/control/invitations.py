"""Control commands about invitations. They work on a running server, and as well straight on the store."""

from datetime import UTC, datetime
from typing import Final

from xmppd.admin.control.answers import InvitationRow, Invited
from xmppd.admin.control.names import account_address, address, with_accounts
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.users import told
from xmppd.admin.control.wire import ControlError
from xmppd.core.operations.running import does
from xmppd.core.waiting import deferred
from xmppd.services.accounts.accounts import AccountError
from xmppd.services.invitations.errors import NoSuchInvitation
from xmppd.services.invitations.invitation import Invitation, Kind
from xmppd.services.invitations.invitations import ID_SHOWN, Wanted
from xmppd.stanza.jid import JID, InvalidJID, why_invalid

DAY_S: Final = 86_400
DAYS: Final = 7
RESET_DAYS: Final = 1
MAX_DAYS: Final = 3_650


@does("invite.account")
@deferred
async def invite_account(
    parts: ControlParts,
    jid: str | None = None,
    inviter: str | None = None,
    contacts: str | None = None,
    groups: str | None = None,
    uses: int = 1,
    days: int = DAYS,
) -> Invited:
    """Invite somebody to make an account, of a name or of any."""
    account = _target(parts, jid)
    by = account_address(parts.hosts, inviter) if inviter is not None else None
    if by is not None:
        await _require(parts, by)
        if by.domainpart != account.domainpart:
            raise ControlError(
                "wrong-host", f"{by.bare} is no account of {account.domainpart}; invite from there"
            )
    if account.localpart is not None and uses != 1:
        raise ControlError("bad-usage", "one name is for one account: leave out the name, or --uses")
    wanted = Wanted(
        Kind.ACCOUNT,
        _lasts_s(days),
        username=account.localpart or "",
        inviter=by.localpart or "" if by is not None else "",
        uses=_positive("uses", uses),
        groups=_listed(groups),
        contacts=tuple(_contact(each) for each in _listed(contacts)),
    )
    return await _invited(parts, account, wanted)


@does("invite.contact")
@deferred
async def invite_contact(
    parts: ControlParts, jid: str, register: bool = False, uses: int = 1, days: int = DAYS
) -> Invited:
    """Invite somebody to become a contact."""
    account = account_address(parts.hosts, jid)
    await _require(parts, account)
    by = account.localpart or ""
    times = _positive("uses", uses)
    wanted = Wanted(Kind.CONTACT, _lasts_s(days), inviter=by, uses=times, may_register=register)
    return await _invited(parts, account, wanted)


@does("invite.reset")
@deferred
async def invite_reset(parts: ControlParts, jid: str, days: int = RESET_DAYS) -> Invited:
    """Let somebody set another password."""
    account = account_address(parts.hosts, jid)
    return await _invited(
        parts, account, Wanted(Kind.RESET, _lasts_s(days), username=account.localpart or "")
    )


@does("invite.list")
@deferred
async def invite_list(parts: ControlParts, host: str | None = None) -> list[InvitationRow]:
    """Give the open invitations of a host, or of all, the oldest of each first."""
    names = (
        [with_accounts(parts.hosts, host).name]
        if host is not None
        else sorted(each.name for each in parts.hosts.of_accounts)
    )
    return [_row(each) for name in names for each in await parts.invitations.of_host(name)]


@does("invite.revoke")
@deferred
async def invite_revoke(parts: ControlParts, id: str) -> InvitationRow:
    """Take an invitation back; *id* may be the beginning of one."""
    found = [
        each
        for host in parts.hosts.of_accounts
        for each in await parts.invitations.of_host(host.name)
        if len(id) >= ID_SHOWN and each.id.startswith(id)
    ]
    try:
        if len(found) != 1:
            raise NoSuchInvitation
        await parts.invitations.revoke(found[0])
    except NoSuchInvitation:
        raise ControlError(
            "no-such-invitation",
            f"there is no open invitation {id}; to see which there are: xmppctl invite list",
        ) from None
    return _row(found[0])


async def _invited(parts: ControlParts, account: JID, wanted: Wanted) -> Invited:
    auth = parts.hosts[account.domainpart].settings.auth
    if auth != "internal" and wanted.kind is not Kind.CONTACT:
        why = f'this server makes no accounts and sets no passwords of {account.domainpart} (auth = "{auth}")'
        raise ControlError("not-internal", f"{why}; that is done where they are known")
    try:
        token, invitation = await parts.invitations.create(account.domainpart, wanted)
    except AccountError as error:
        raise told(error, account) from error
    return {
        "id": invitation.id[:ID_SHOWN],
        "kind": invitation.kind.value,
        "uri": invitation.uri(token),
        "url": parts.invitation_page(invitation, token),
        "expires": _stamp(invitation.expires_at),
    }


def _target(parts: ControlParts, text: str | None) -> JID:
    """Give the name that is invited, or the host."""
    if text is None:
        if len(parts.hosts.of_accounts) != 1:
            names = ", ".join(host.name for host in parts.hosts.of_accounts)
            raise ControlError("invalid-name", f"on which host? name one of {names}")
        return JID(None, parts.hosts.of_accounts[0].name, None)
    found = address(parts.hosts, text)
    if not found.is_bare:
        raise ControlError("invalid-name", f"{text} names a resource; the account is {found.bare}")
    return found


async def _require(parts: ControlParts, account: JID) -> None:
    try:
        await parts.accounts.require(account)
    except AccountError as error:
        raise told(error, account) from error


def _contact(text: str) -> str:
    try:
        jid = JID.parse(text)
    except InvalidJID as error:
        raise ControlError("invalid-name", f"{text!r} is no address: {why_invalid(error)}") from error
    if not jid.is_bare or jid.localpart is None:
        raise ControlError("invalid-name", f"{text} is no contact; write it as name@host")
    return jid.bare


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))


def _positive(name: str, number: int) -> int:
    if number < 1:
        raise ControlError("bad-usage", f"--{name} is at least 1")
    return number


def _lasts_s(days: int) -> float:
    if not 1 <= days <= MAX_DAYS:
        raise ControlError("bad-usage", f"--days is 1 to {MAX_DAYS}")
    return days * DAY_S


def _row(invitation: Invitation) -> InvitationRow:
    return {
        "id": invitation.id[:ID_SHOWN],
        "kind": invitation.kind.value,
        "host": invitation.host,
        "username": invitation.username,
        "inviter": invitation.inviter_jid,
        "uses": invitation.uses,
        "created": _stamp(invitation.created_at),
        "expires": _stamp(invitation.expires_at),
    }


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
