"""A directory: the user is searched, then bound to as what was found (RFC 4513 5.1.3); ldap3 does that.

An empty password never gets there: a directory would take it for an anonymous bind, and let it pass (5.1.2).
"""

import importlib
import ssl
from math import ceil
from typing import Any, Final

from xmppd.config.elsewhere import Ldap
from xmppd.core.elsewhere import Unavailable
from xmppd.net.elsewhere.secret import secret_of

MEMBERS: Final = ("member", "uniqueMember")
AT_MOST: Final = 2
"""So many entries are asked for: where there are two, nobody knows whose the password is to be."""


class LdapBackend:
    """Asks the directory, on a connection for each question: a bind that fails leaves one without rights."""

    def __init__(self, settings: Ldap) -> None:
        self._settings = settings
        self._ldap: Any = importlib.import_module("ldap3")
        self._escape: Any = importlib.import_module("ldap3.utils.conv").escape_filter_chars
        self._errors: Any = importlib.import_module("ldap3.core.exceptions")

    def is_right(self, user: str, host: str, password: str) -> bool:
        """Search, look at the group, and bind; blocks. `Unavailable`."""
        if not password:
            return False
        settings = self._settings
        try:
            name = self._found(user, host)
            return name is not None and self._binds(name, password)
        except (self._errors.LDAPException, OSError) as error:
            raise Unavailable(f"{settings.url} does not answer: {error}") from error

    def whose(self, token: str) -> str | None:
        """Nobody's: it is asked about passwords alone."""
        return None

    def _found(self, user: str, host: str) -> str | None:
        """Give the name (DN) of the one user who is meant, and is in the group."""
        settings, escape = self._settings, self._escape
        connection = self._connection(settings.bind_dn, secret_of(settings.password, settings.password_file))
        try:
            if not connection.bind():
                raise Unavailable(f"{settings.url} does not let {settings.bind_dn or 'anybody'} search")
            wanted = settings.filter.replace("{host}", escape(host)).replace("{user}", escape(user))
            names = self._names(connection, settings.base, wanted)
            if len(names) != 1:
                return None
            if settings.group is not None:
                members = "".join(f"({each}={escape(names[0])})" for each in MEMBERS)
                if not self._names(connection, settings.group, f"(|{members})", self._ldap.BASE):
                    return None
            return names[0]
        finally:
            connection.unbind()

    def _names(self, connection: Any, base: str, wanted: str, scope: str = "SUBTREE") -> list[str]:
        connection.search(base, wanted, scope, attributes=[self._ldap.NO_ATTRIBUTES], size_limit=AT_MOST)
        return [each["dn"] for each in connection.response or () if each.get("type") == "searchResEntry"]

    def _binds(self, name: str, password: str) -> bool:
        connection = self._connection(name, password)
        try:
            return bool(connection.bind())
        finally:
            connection.unbind()

    def _connection(self, name: str | None, password: str) -> Any:
        """Give one that is connected, under TLS unless the settings say otherwise, and not bound."""
        settings, ldap = self._settings, self._ldap
        tls = ldap.Tls(
            validate=ssl.CERT_REQUIRED, ca_certs_file=None if settings.ca is None else str(settings.ca)
        )
        server = ldap.Server(settings.url, tls=tls, get_info=ldap.NONE, connect_timeout=settings.timeout_s)
        connection = ldap.Connection(
            server,
            name,
            password if name else None,
            auto_bind=ldap.AUTO_BIND_NONE,
            receive_timeout=ceil(settings.timeout_s),  # ldap3 takes whole seconds alone
            read_only=True,
            auto_referrals=False,
        )
        connection.open()
        if settings.start_tls and not settings.url.startswith("ldaps:"):
            connection.start_tls()
        return connection
