"""Resource binding (RFC 6120 7): a session becomes a connected resource, with its roster."""

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from xmppd.core import events
from xmppd.core.host import Host, Hosts
from xmppd.core.registry import SessionRegistry
from xmppd.core.session import Session
from xmppd.core.waiting import deferred
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID, InvalidJID, prepare_resourcepart, why_invalid

SERVER_MADE_BYTES = 12
"""96 bits of randomness in a resource that the server makes (RFC 6120 7.6)."""


class Rosters(Protocol):
    """Where rosters come from."""

    def load(self, bare_jid: str) -> Deferred[Any]:
        """Give the `Roster` of an account, the same object to all its resources."""


class Binding:
    """Binds resources; what happens on a conflict is the host's policy (RFC 6120 7.7.2.2)."""

    def __init__(
        self,
        hosts: Hosts,
        registry: SessionRegistry,
        rosters: Rosters,
        may_bind: Callable[[Session], bool],
        random_text: Callable[[int], str],
    ):
        """*may_bind* says whether the account is still as it was when the session authenticated.

        *random_text(n)* gives *n* unguessable bytes as text that is a valid resourcepart.
        """
        self._may_bind = may_bind
        self._hosts = hosts
        self._registry = registry
        self._rosters = rosters
        self._random_text = random_text

    @deferred
    async def bind(self, session: Session, wanted: str | None, tag: str = "") -> JID:
        """Make an authenticated session a connected resource and give its full JID.

        Where no resource is *wanted* the server makes one, behind *tag* and a slash if there is one (XEP-0386 3.2.1).
        Waits for the roster. Raises `StanzaError`: bad-request for a resource that cannot be prepared, conflict where
        the host refuses a name in use, resource-constraint beyond the host's limit, internal-server-error where the
        roster cannot be loaded; the session is then as before.
        """
        host, username = self._hosts[session.host or ""], session.username
        made = self._random_text(SERVER_MADE_BYTES) if not wanted else ""
        resource = _prepared(wanted) or (f"{tag}/{made}" if tag else made)
        try:
            roster = await self._rosters.load(f"{username}@{host.name}")
        except Exception as error:
            raise StanzaError("internal-server-error", "The roster could not be loaded") from error
        if session.is_ended or session.conn is None:
            raise StanzaError("service-unavailable", "The stream has ended meanwhile")
        if not host.settings.is_of_guests and not self._may_bind(session):
            raise StanzaError("not-authorized", "The account has changed; authenticate again")
        jid = self._settle(host, JID(username, host.name, resource))
        session.roster = roster
        self._registry.bind(session, jid)
        told = host.hooks.notify(events.RESOURCE_BOUND, session)
        if told is not None:
            await told
        return jid

    def _settle(self, host: Host, jid: JID) -> JID:
        """Give the JID to bind after the host's policy has dealt with whoever holds it now."""
        limits, c2s = host.settings.limits, host.settings.c2s
        holder = self._registry.get(jid.full)
        if holder is not None and c2s.resource_conflict == "replace":
            holder.close("conflict")
            holder = None
        resources = self._registry.resources(jid.bare)
        if len(resources) >= limits.resources_per_user:
            absent = next((session for session in resources if session.conn is None), None)
            if absent is None:
                raise StanzaError("resource-constraint", "Too many resources are connected", type="wait")
            absent.close()  # it waits for a client that has not come back (XEP-0198)
        if holder is None:
            return jid
        if c2s.resource_conflict == "refuse":
            raise StanzaError("conflict", "The resource is in use")
        return jid.with_resource(self._random_text(SERVER_MADE_BYTES))


def _prepared(wanted: str | None) -> str | None:
    if not wanted:
        return None
    try:
        return prepare_resourcepart(wanted)
    except InvalidJID as error:
        raise StanzaError("bad-request", f"No resource can have this name: {why_invalid(error)}") from error
