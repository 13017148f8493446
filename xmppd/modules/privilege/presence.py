"""Presence for privileged components (XEP-0356 7): of a host's accounts, and of what they hear of their contacts.

Contacts elsewhere are heard of when their presence comes for an account. To contacts at another host of this server
their presence goes without coming by the router; those are seen by their own rosters.
"""

from collections.abc import Callable, Iterator, Mapping

from twisted.internet.defer import Deferred

from xmppd.core.events import Traffic
from xmppd.core.registry import SessionRegistry
from xmppd.core.router import Router
from xmppd.core.session import Session
from xmppd.core.turns import Turns
from xmppd.core.waiting import spawn
from xmppd.modules.privilege.options import Privileges
from xmppd.services.components.components import Components
from xmppd.services.presence.presence import Presence
from xmppd.services.roster.roster import Roster, Rosters
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza


class PresenceForComponents:
    """Tells the components of one host."""

    def __init__(
        self,
        host: str,
        rights: Mapping[str, Privileges],
        components: Components,
        presence: Presence,
        rosters: Rosters,
        registry: SessionRegistry,
        router: Router,
        turns: Turns,
        ask: Callable[[], None],
    ):
        """*ask* has contacts elsewhere that are available tell it once more."""
        self._host = host
        self._rights = {
            name: granted.presence for name, granted in rights.items() if granted.presence != "none"
        }
        self._is_connected = components.is_connected
        self._told = components.told
        self._presence = presence
        self._rosters = rosters
        self._registry = registry
        self._router = router
        self._turns = turns
        self._ask = ask

    @property
    def is_used(self) -> bool:
        """Whether there is anybody to tell."""
        return bool(self._rights)

    @property
    def hears_of_contacts(self) -> bool:
        """Whether anybody is told of what accounts hear."""
        return "roster" in self._rights.values()

    def connected(self, name: str) -> None:
        """Tell a component that has come of all that are there (8.1)."""
        if name in self._rights:
            told = self._turns.run(self._all(name))
            if told is not None:
                spawn("presence for a component", told)
            if self._rights[name] == "roster":
                self._ask()

    def disconnected(self, name: str) -> None:
        """Whatever it was told, it has to be told anew when it comes again."""
        for key in [key for key in self._told if key[0] == name]:
            del self._told[key]

    def came(self, session: Session) -> None:
        """A client is available now (7.1)."""
        for name in self._listening():
            self._show(session, name, session.presence)

    def changed(self, session: Session) -> None:
        """Its presence is another: that is for components that hear of contacts (7.4)."""
        if session.presence_number == session.available_number:
            return  # that it is available now was told
        for name in self._hearing():
            self._show(session, name, session.presence)

    def shown(self, session: Session) -> None:
        """A client of any host is available now, or its presence is another: it may be a contact's (7.4)."""
        if session.host != self._host and self._has_contact_here(session):
            for name in self._hearing():
                self._show_once(session, name, session.presence)

    def heard(self, traffic: Traffic) -> None:
        """Presence comes for an account from elsewhere (7.4)."""
        stanza, sender = traffic.stanza, traffic.sender
        if stanza.type not in (None, "unavailable") or sender.domainpart == self._host:
            return
        listening = [name for name in self._hearing() if name != sender.domainpart]
        if not listening or not self._router.is_somebody(traffic.target.bare):
            return
        roster = self._rosters.loaded(traffic.target.bare)
        if roster is not None:
            self._pass_on(roster, stanza, sender, listening)
            return
        loading: Deferred[Roster] = self._rosters.load(traffic.target.bare)
        spawn("presence for a component", loading.addCallback(self._pass_on, stanza, sender, listening))

    def _pass_on(self, roster: Roster, stanza: Stanza, sender: JID, listening: list[str]) -> None:
        if not roster.sees_presence_of(sender.bare) or not self._presence.passes(sender.full, roster.owner):
            return
        for name in listening:
            if self._is_new(name, sender.full, stanza):
                self._router.route(stanza.replace(to=name))

    def _is_new(self, name: str, full_jid: str, stanza: Stanza, number: int = 0) -> bool:
        """Whether a component has not heard just this last (8.2); *number* tells one time online from another."""
        key, said = (name, full_jid), (stanza.type, stanza.inner, number)
        is_new = self._told.get(key) != said
        self._told.keep(key, said)
        return is_new

    def _hearing(self) -> list[str]:
        """Give who is told of what accounts hear."""
        return [
            name for name, right in self._rights.items() if right == "roster" and self._is_connected(name)
        ]

    def _has_contact_here(self, session: Session) -> bool:
        roster, sender = session.roster, session.full_jid or ""
        return isinstance(roster, Roster) and any(
            JID.of_prepared(contact).domainpart == self._host and self._presence.passes(sender, contact)
            for contact in roster.subscribers
        )

    def _listening(self) -> list[str]:
        return [name for name in self._rights if self._is_connected(name)]

    def _all(self, name: str) -> Iterator[None]:
        hears = self._rights[name] == "roster"
        for session in tuple(self._registry):
            if session.presence is None:
                continue
            if session.host == self._host:
                self._show(session, name, self._presence.shown(session))
                yield
            elif hears and self._has_contact_here(session):
                self._show_once(session, name, self._presence.shown(session))
                yield

    def _show_once(self, session: Session, name: str, presence: Stanza | None) -> None:
        """The same, unless the host of the client has told it."""
        if presence is not None and self._is_new(
            name, session.full_jid or "", presence, session.available_number
        ):
            self._show(session, name, presence)

    def _show(self, session: Session, name: str, presence: Stanza | None) -> None:
        """Send presence as if the client had directed it there, so that it is taken back when the client leaves.

        Not to who sees it anyway, as a contact (8.2).
        """
        full_jid, roster = session.full_jid or "", session.roster
        if presence is None or (isinstance(roster, Roster) and roster.may_see_presence(name)):
            return
        if self._presence.passes(full_jid, name):
            self._is_new(name, full_jid, presence, session.available_number)
            sent = presence.replace(from_=full_jid, to=name)
            self._presence.directed(session, sent, JID(None, name, None))
            self._router.route(sent)
