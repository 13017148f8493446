"""Contact addresses of the service: XEP-0157, in the disco#info of the host.

They are what the administrator names, as URIs::

    [modules.contact]
    abuse = ["mailto:abuse@example.org", "xmpp:abuse@example.org"]

Without any the form is left out.
"""

import re
from typing import Annotated

from xmppd.config.fields import AfterValidator, Field, Mistake
from xmppd.core.module import XEP, Module, Options, on
from xmppd.services.discovery.disco import HOST_INFO, SERVER_INFO, Info
from xmppd.stanza.forms import field

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")


def _checked(text: str) -> str:
    if _URI.fullmatch(text) is None:
        remedy = f'write for example "mailto:{text}" or "xmpp:{text}"' if "@" in text else 'write "https://…"'
        raise Mistake("config.bad-uri", f"'{text}' is no URI", remedy)
    return text


Addresses = tuple[Annotated[str, AfterValidator(_checked)], ...]


class ContactOptions(Options):
    """Whom to turn to, each a list of URIs: mailto:, xmpp: or https:."""

    abuse: Annotated[Addresses, Field(examples=[("mailto:abuse@example.org",)])] = ()
    """About abuse."""
    admin: Annotated[Addresses, Field(examples=[("mailto:admin@example.org",)])] = ()
    """The administrators."""
    feedback: Annotated[Addresses, Field(examples=[("https://example.org/feedback",)])] = ()
    """For praise and blame."""
    sales: Annotated[Addresses, Field(examples=[("mailto:sales@example.org",)])] = ()
    """About offers."""
    security: Annotated[Addresses, Field(examples=[("mailto:security@example.org",)])] = ()
    """About security."""
    status: Annotated[Addresses, Field(examples=[("https://status.example.org/",)])] = ()
    """Where the state of the service is told."""
    support: Annotated[Addresses, Field(examples=[("xmpp:support@example.org",)])] = ()
    """For help."""


class Contact(Module):
    """Tells whom to turn to."""

    name = "contact"
    summary = "Contact Addresses"
    xep = XEP(157, "1.1.1")
    requires = ("disco",)
    options = ContactOptions
    opt: ContactOptions

    @on(HOST_INFO)
    def on_host_info(self, info: Info) -> None:
        """XEP-0157 3: one form, with a field for each kind that there is."""
        fields = [
            field(f"{kind}-addresses", "list-multi", addresses)
            for kind in self.opt.model_fields
            if (addresses := getattr(self.opt, kind))
        ]
        if fields:
            info.add_fields(SERVER_INFO, fields)
