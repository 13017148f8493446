"""The options of invitations: ``[modules.invitations]``."""

from typing import Annotated, Literal

from xmppd.config.fields import Field
from xmppd.core.module import Options

DAY_S = 86_400.0


class InvitationsOptions(Options):
    """Who may invite whom, and for how long."""

    accounts: Literal["nobody", "admins", "members", "local"] = "admins"
    """Who may invite people to make accounts: nobody, the host's admins, its members too, or all its accounts."""
    contacts: bool = True
    """Whether users may invite people to become contacts."""
    contacts_may_register: bool = False
    """Whether who is invited as a contact, and has no account, may make one here."""
    days: Annotated[float, Field(gt=0, le=3_650)] = 7.0
    """An invitation ends after so many days."""
    per_account: Annotated[int, Field(ge=1)] = 50
    """Invitations of one account that are open at the same time."""
    attempts_per_hour: Annotated[int, Field(ge=1)] = 60
    """How often an address may show a token within an hour, right or wrong."""
    password_chars: Annotated[int, Field(ge=1, le=1_024)] = 8
    """Characters of a password that is set on a page, at least."""
