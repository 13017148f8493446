"""The commands of XEP-0401 3, and two more, by which users see their open invitations and take one back."""

from collections.abc import Callable
from typing import Final

from xmppd.core.host import Host
from xmppd.core.roles import Roles
from xmppd.core.waiting import deferred
from xmppd.modules.invitations.options import DAY_S, InvitationsOptions
from xmppd.services.accounts.accounts import AccountError, AccountExists, AccountReserved
from xmppd.services.discovery.commands import Command, Execution, Note, Stage, is_user, refused
from xmppd.services.invitations.errors import NoSuchInvitation, TooManyInvitations
from xmppd.services.invitations.invitation import Invitation, Kind
from xmppd.services.invitations.invitations import ID_SHOWN, Invitations, Wanted, account_name
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.forms import choice, field, form, table
from xmppd.stanza.jid import JID
from xmppd.stanza.stamps import stamp_of
from xmppd.storage.interface import StorageError

NS: Final = "urn:xmpp:invite"
INVITE, CREATE_ACCOUNT = f"{NS}#invite", f"{NS}#create-account"
LIST, REVOKE = "invitations/list", "invitations/revoke"
FORM_TYPE: Final = f"{NS}#invitation"
COLUMNS: Final = {"kind": "For", "username": "User name", "uses": "Uses left", "expire": "Ends", "id": "Id"}
CALLED: Final = {Kind.ACCOUNT: "an account", Kind.CONTACT: "a contact", Kind.RESET: "a new password"}

LandingURL = Callable[[Invitation, str], str]
"""Gives the page of an invitation and its token; "" where there is none."""


class InvitationCommands:
    """Commands to invite somebody."""

    def __init__(
        self,
        host: Host,
        options: InvitationsOptions,
        invitations: Invitations,
        roles: Roles,
        landing_url: LandingURL,
    ):
        self._host = host
        self._opt = options
        self._invitations = invitations
        self._roles = roles
        self._landing_url = landing_url
        self.all = (
            Command(INVITE, "Invite user", (self.on_invite,), self._may_invite),
            Command(
                CREATE_ACCOUNT,
                "Create account",
                (self.on_ask, self.on_create_account),
                self._may_make_accounts,
            ),
            Command(LIST, "List my invitations", (self.on_list,), self._may_see),
            Command(REVOKE, "Take back an invitation", (self.on_choose, self.on_revoke), self._may_see),
        )

    # -- who may ------------------------------------------------------------------------------------------------------

    def _may_invite(self, host: Host, sender: JID) -> bool:
        return self._opt.contacts and self._is_of_accounts and is_user(host, sender)

    def _may_make_accounts(self, host: Host, sender: JID) -> bool:
        if self._opt.accounts == "nobody" or not self._is_of_accounts or not is_user(host, sender):
            return False
        return self._roles.may_make(host, sender, self._opt.accounts)

    def _may_see(self, host: Host, sender: JID) -> bool:
        return self._may_invite(host, sender) or self._may_make_accounts(host, sender)

    @property
    def _is_of_accounts(self) -> bool:
        return self._host.settings.auth == "internal"

    # -- inviting -----------------------------------------------------------------------------------------------------

    @deferred
    async def on_invite(self, execution: Execution) -> Stage:
        """XEP-0401 3.2: at once, without further questions."""
        may_register = self._opt.contacts_may_register
        wanted = Wanted(Kind.CONTACT, self._lasts_s, inviter=_user(execution), may_register=may_register)
        return await self._invited(wanted)

    def on_ask(self, execution: Execution) -> Stage:
        """XEP-0401 3.5: ask for the name."""
        fields = [
            field("username", "text-single", label="User name"),
            field("roster-subscription", "boolean", ("1",), label="Become contacts"),
        ]
        words = "Without a name the new user chooses one."
        return Stage(form("form", "", fields, title="Create account", instructions=words))

    @deferred
    async def on_create_account(self, execution: Execution) -> Stage:
        """XEP-0401 3.5: the name is kept until the account is made."""
        answer = execution.answers[0]
        try:
            is_introduced = answer.flag("roster-subscription")
        except ValueError as error:
            raise refused("bad-payload", str(error)) from error
        username = (answer.first("username") or "").strip()
        try:
            name = account_name(self._host.name, username).localpart if username else ""
            inviter = _user(execution)
            wanted = Wanted(Kind.ACCOUNT, self._lasts_s, username=name or "", inviter=inviter)
            return await self._invited(wanted._replace(is_introduced=bool(is_introduced)))
        except (AccountExists, AccountReserved) as error:
            raise StanzaError("conflict", "This name is taken") from error
        except AccountError as error:
            raise StanzaError("not-acceptable", str(error)) from error

    async def _invited(self, wanted: Wanted) -> Stage:
        try:
            token, invitation = await self._invitations.create(self._host.name, wanted, self._opt.per_account)
        except TooManyInvitations as error:
            raise StanzaError("resource-constraint", str(error)) from error
        except StorageError as error:
            raise StanzaError("resource-constraint", type="wait") from error
        shown = [
            ("uri", "XMPP URI", invitation.uri(token)),
            ("landing-url", "Web page", self._landing_url(invitation, token)),
            ("expire", "Ends", stamp_of(int(invitation.expires_at))),
        ]
        fields = [field(var, "text-single", (text,), label=label) for var, label, text in shown if text]
        return Stage(form("result", FORM_TYPE, fields, title="Invitation"))

    @property
    def _lasts_s(self) -> float:
        return self._opt.days * DAY_S

    # -- what there is ------------------------------------------------------------------------------------------------

    @deferred
    async def on_list(self, execution: Execution) -> Stage:
        """Show those that are open."""
        rows = [_row(each) for each in await self._own(execution)]
        return Stage(table(COLUMNS, rows, title="Your invitations"))

    @deferred
    async def on_choose(self, execution: Execution) -> Stage:
        """Ask which one."""
        options = [(each.id, _line(each)) for each in await self._own(execution)]
        if not options:
            return Stage(notes=(Note("You have no open invitations."),), is_last=True)
        return Stage(form("form", "", [_choice(options)], title="Take back an invitation"))

    @deferred
    async def on_revoke(self, execution: Execution) -> Stage:
        """Take it back."""
        id = execution.answers[0].first("invitation")
        found = [each for each in await self._own(execution) if each.id == id]
        try:
            if not found:
                raise NoSuchInvitation
            await self._invitations.revoke(found[0])
        except NoSuchInvitation:
            raise refused("bad-payload", "You have no such invitation") from None
        return Stage(notes=(Note("The invitation is taken back."),))

    async def _own(self, execution: Execution) -> list[Invitation]:
        found = await self._invitations.of_account(execution.sender.bare)
        return [each for each in found if each.kind is not Kind.RESET]


def _user(execution: Execution) -> str:
    return execution.sender.localpart or ""


def _choice(options: list[tuple[str, str]]) -> Element:
    return choice("invitation", options, label="Invitation")


def _row(invitation: Invitation) -> tuple[str, ...]:
    return (
        CALLED[invitation.kind],
        invitation.username,
        str(invitation.uses),
        stamp_of(int(invitation.expires_at)),
        invitation.id[:ID_SHOWN],
    )


def _line(invitation: Invitation) -> str:
    kind, username, _, expire, id = _row(invitation)
    return f"{id}: {kind}{f' for {username}' if username else ''}, ends {expire}"
