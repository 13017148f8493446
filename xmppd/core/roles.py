"""Roles: what somebody is at a domain of this server, from a stranger up to who runs it.

Each role has the rights of those below it. What needs which role is said by operations, and by the options of modules;
``[rights]`` in the configuration changes it for operations.
"""

from collections.abc import Mapping
from typing import Final

from xmppd.core.environment import CurrentConfiguration
from xmppd.core.host import Host, Hosts
from xmppd.core.operations.declaring import Operation
from xmppd.core.operations.role import Role
from xmppd.stanza.jid import JID

MAKERS: Final[Mapping[str, Role]] = {
    "anybody": Role.GUEST,
    "local": Role.REGISTERED,
    "members": Role.MEMBER,
    "admins": Role.ADMIN,
}
"""Who may make what a service has, in the words of its option ``create``."""


class Roles:
    """Who is what, by the configuration that holds now."""

    def __init__(self, current: CurrentConfiguration, hosts: Hosts):
        self._current = current
        self._hosts = hosts

    def role_at(self, host: Host, who: JID) -> Role:
        """Give the role of *who* at a domain."""
        bare_jid = who.bare
        if bare_jid in self._current.config.admins:
            return Role.OPERATOR
        if bare_jid in host.settings.admins:
            return Role.ADMIN
        if bare_jid in host.settings.members:
            return Role.MEMBER
        return Role.REGISTERED if self._has_account(host, who) else Role.GUEST

    def is_admin(self, host: Host, bare_jid: str) -> bool:
        """Whether somebody administers a domain."""
        return bare_jid in host.settings.admins or bare_jid in self._current.config.admins

    def is_operator(self, who: JID) -> bool:
        """Whether somebody administers the server."""
        return who.bare in self._current.config.admins

    def may_make(self, host: Host, who: JID, create: str) -> bool:
        """Whether somebody may make rooms or nodes at a service, whose option *create* is one of `MAKERS`."""
        return self.role_at(host, who) >= MAKERS[create]

    def needed(self, host: Host, operation: Operation) -> Role:
        """Give the role that *operation* needs at a domain: what the configuration says, else its own.

        What concerns no domain but the server as a whole needs an operator, unless the configuration says otherwise.
        """
        rights = host.settings.rights
        said = rights.get(operation.name) or rights.get(f"{operation.subject}.*")
        if said is not None:
            return Role[said.upper()]
        return operation.role if operation.is_local else Role.OPERATOR

    def _has_account(self, host: Host, who: JID) -> bool:
        home = host if host.has_accounts else self._hosts.with_accounts(who.domainpart)
        is_there = home is not None and who.domainpart == home.name and who.localpart is not None
        return is_there and home is not None and not home.settings.is_of_guests
