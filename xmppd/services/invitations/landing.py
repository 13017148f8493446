"""Where the page of an invitation is (XEP-0379 3.3): for the commands that make one, over XMPP and by xmppctl."""

from importlib.util import find_spec

from xmppd.core.host import Hosts
from xmppd.core.web import WebAddresses
from xmppd.services.invitations.invitation import Invitation

LIBRARIES = ("jinja2", "segno")
"""What the pages are made with: the extra ``web``."""
MODULE = "invitations"


def has_libraries() -> bool:
    """Whether pages can be made; nothing is loaded."""
    return all(find_spec(name) is not None for name in LIBRARIES)


class LandingPages:
    """Knows the addresses of the pages."""

    def __init__(self, web: WebAddresses, hosts: Hosts):
        self._web = web
        self._hosts = hosts

    def url(self, invitation: Invitation, token: str) -> str:
        """Give the address of the page for *token*; "" where there is none."""
        base, host = self._web.url(invitation.host), self._hosts.get(invitation.host)
        table = host.settings.modules.get(MODULE) if host is not None else None
        if base is None or not has_libraries() or (table is not None and table.enabled is False):
            return ""
        return base + invitation.path(token)
