"""Makes who is asked about the clients of a host, by what its table says."""

from xmppd.config.options import HostSettings
from xmppd.core.elsewhere import Backend
from xmppd.net.elsewhere.http import HttpBackend
from xmppd.net.elsewhere.ldap import LdapBackend
from xmppd.net.elsewhere.oauth import oauth_backend


def backend_of(host: HostSettings) -> Backend | None:
    """Give it; None for a host whose accounts are known here, or that has none."""
    if host.auth == "ldap" and host.auth_ldap is not None:
        return LdapBackend(host.auth_ldap)
    if host.auth == "http" and host.auth_http is not None:
        return HttpBackend(host.auth_http)
    if host.auth == "oauth" and host.auth_oauth is not None:
        return oauth_backend(host.auth_oauth)
    return None
