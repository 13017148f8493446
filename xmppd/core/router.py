"""Where a stanza goes: by its target's domain (RFC 6120 10).

======================  =========================================================================
target                  what happens
======================  =========================================================================
no ``to``               the sender's own account (10.3)
a domain with accounts  `xmppd.core.domains.accounts` (10.5, RFC 6121 8.5)
a service, a component  `xmppd.core.domains.service`
any other domain        `xmppd.core.domains.remote` (10.4)
======================  =========================================================================

Stanzas come in by three doors: `Router.from_client`, `Router.from_server`, and `ServiceDomain.send` of a service or
component; what this server sends of its own, by `Router.route`. What needs no waiting is synchronous; where a handler
waits, a Deferred tells the sender's stream when its next stanza may come.
"""

from collections.abc import Callable, Container, Mapping

from twisted.internet.defer import Deferred

from xmppd.config.kinds import DomainKind
from xmppd.core import events
from xmppd.core.commits import Commit, Routed
from xmppd.core.counters import stanzas
from xmppd.core.directory import AccountDirectory
from xmppd.core.domains.accounts import AccountDomain
from xmppd.core.domains.door import Elsewhere
from xmppd.core.domains.remote import RemoteDomain
from xmppd.core.domains.service import ServiceDomain
from xmppd.core.domains.table import Domain, Domains
from xmppd.core.events import Traffic
from xmppd.core.host import Host, Hosts
from xmppd.core.inlet import Acknowledger, Inlet
from xmppd.core.iq import IQ_ANSWERS, check_iq
from xmppd.core.registry import SessionRegistry
from xmppd.core.replies import Replies
from xmppd.core.requests import PendingRequests
from xmppd.core.session import Session
from xmppd.core.waiting import Waiting
from xmppd.stanza.errors import StanzaError, StreamError
from xmppd.stanza.jid import JID, InvalidJID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Storage, StorageError

SUBSCRIPTION_TYPES = frozenset(("subscribe", "subscribed", "unsubscribe", "unsubscribed"))
MOST_HOPS = 16
"""How many stanzas in a row may become others, or set others off at once: behind that, two answer each other."""


class Router:
    """Takes each stanza to its domain, or back to its sender as an error; and commits what it changes."""

    def __init__(
        self,
        hosts: Hosts,
        registry: SessionRegistry,
        directory: AccountDirectory,
        requests: PendingRequests,
        storage: Storage,
    ):
        self._hosts = hosts
        self._host_of = hosts.by_name
        self._registry = registry
        self._directory = directory
        self._requests = requests
        self._storage = storage
        self._sessions = registry.by_full
        self._replies = Replies(hosts, self.route)
        self._ask = self._replies.ask
        self.remote = RemoteDomain(self._replies)
        """Where those who reach other servers open their doors."""
        makers: dict[DomainKind, Callable[[Host], Domain]] = {
            DomainKind.ACCOUNTS: self._accounts,
            DomainKind.SERVICE: self._service,
            DomainKind.COMPONENT: self._service,
        }
        self.domains = Domains(hosts, makers, self.remote)
        self._known_domains = self.domains.by_name
        self._nested = 0
        self.from_clients, self.from_servers = stanzas(), stanzas()
        """What came in since the start."""
        self.elsewhere: Elsewhere | None = None
        """Asked behind the table of domains where owners live in several processes; None where this is the only one."""

    @property
    def storage(self) -> Storage:
        """Where what stanzas change is committed."""
        return self._storage

    # -- who is where -------------------------------------------------------------------------------------------------

    def service(self, name: str) -> ServiceDomain:
        """Give the way to and from the service or component of this (prepared) name; KeyError where there is none."""
        domain = self.domains.of(name)
        if not isinstance(domain, ServiceDomain):
            raise KeyError(name)
        return domain

    def is_here(self, bare_jid: str) -> bool:
        """Whether this would be an account that lives in this process, there or not.

        No: what belongs to another server, another process, a service or a component.
        """
        _, at, name = bare_jid.rpartition("@")
        if not at or self._hosts.with_accounts(name) is None:
            return False
        return self.elsewhere is None or self.elsewhere(JID.of_prepared(bare_jid)) is None

    def is_somebody(self, bare_jid: str) -> bool:
        """Whether there is such an account here, or a client connected without one."""
        return self._directory.exists(bare_jid) or bool(self._registry.resources(bare_jid))

    # -- the doors ----------------------------------------------------------------------------------------------------

    def from_client(self, session: Session, stanza: Stanza) -> Routed:
        """Route what a local client sent. Raises `StreamError` where its ``from`` is forged (RFC 6120 8.1.2.1).

        The client's next stanza waits for the Deferred, if there is one; what becomes of the commit is for its stream.
        """
        self.from_clients[stanza.name] += 1
        sender, from_ = session.jid, stanza.from_
        assert sender is not None, "only connected resources route stanzas"
        is_known = from_ == sender.full
        if not is_known and from_ is not None:
            _check_from(session, from_)
        if stanza.name == "presence" and stanza.type in SUBSCRIPTION_TYPES:
            stanza = stanza.sent_by(sender.bare, session.lang)
        elif not is_known or (stanza.lang is None and session.lang is not None):
            stanza = stanza.sent_by(sender.full, session.lang)
        try:
            traffic = Traffic(stanza, sender, self._target(stanza.to, sender), session)
        except StanzaError as error:
            self.refuse(stanza, error, session)
            return None
        try:
            waiting = self._client_stanza(traffic)
        except StanzaError as error:
            waiting = None
            self._replies.refused(traffic, error)
        return self._settle(traffic, waiting)

    def from_server(self, inlet: Inlet, stanza: Stanza, proven: Mapping[str, Container[str]]) -> Routed:
        """Route what another server sent, to one of our domains and never further.

        *proven* has for each of their (prepared) domains those of ours towards which the stream has proved to be it.
        Raises `StreamError`: improper-addressing where ``from`` or ``to`` is missing or no address, invalid-from where
        the stream has not proved it (RFC 6120 8.1.1.2, 8.1.2.2). A ``to`` that is malformed before the ``@`` or behind
        the ``/`` is answered with jid-malformed: it is one stanza of one user, and the stream is others' too.

        The stream's next stanza waits for the Deferred of a message or presence. That of an IQ holds up nobody: it is
        counted at once (`Acknowledger.handled`, with nothing to wait for), since its answer tells that it is dealt
        with. The stream bounds how many of them it lets wait.
        """
        self.from_servers[stanza.name] += 1
        sender, to = _sender(stanza)
        ours = proven.get(sender.domainpart)
        if ours is None:
            raise StreamError("invalid-from")
        try:
            target = self._target(to, sender)
        except StanzaError as error:
            name = to.partition("/")[0].rpartition("@")[2]
            if name not in ours:
                raise StreamError("improper-addressing") from None
            self.refuse(stanza.replace(from_=sender.full, to=name), error)
            return None
        if target.domainpart not in ours:
            raise StreamError("invalid-from")
        traffic = Traffic(_addressed(stanza, sender, target), sender, target, None, _counted(stanza, inlet))
        if target.domainpart not in self._host_of:
            self._replies.refused(traffic, StanzaError("remote-server-not-found"))
            return None
        return self._settle(traffic, self._delivered(traffic))

    def route(self, stanza: Stanza) -> Waiting:
        """Route a stanza of this server's own, or in the name of one of its accounts; ``from`` and ``to`` are prepared.

        One whose addresses are none is dropped. The Deferred, where a handler waits, fires when it is dealt with.
        """
        try:
            sender, target = JID.parse(stanza.from_ or ""), JID.parse(stanza.to or "")
        except InvalidJID:
            return None
        traffic = Traffic(_addressed(stanza, sender, target), sender, target, None)
        routed = self._settle(traffic, self._delivered(traffic))
        return routed if isinstance(routed, Deferred) else None

    def forward(self, traffic: Traffic, stanza: Stanza, target: JID, *, is_sent: bool = False) -> Waiting:
        """Route *stanza*, which that of *traffic* becomes or sets off, in one transaction with it.

        So the sender's ``<a/>`` leaves only when the derived stanza is durable too. To be called while *traffic* is
        handled, by a handler that gives the Deferred, if there is one, as its own. Errors go to who sends *stanza*,
        which is refused alone: that of *traffic* goes on. Its ``from`` must be an address: `InvalidJID`. The last of
        too many that become one another (`MOST_HOPS`) is refused with policy-violation.

        With *is_sent* it counts as sent by the account of this server that it is from: `CLIENT_STANZA` is asked.
        """
        sender = JID.parse(stanza.from_ or "")
        origin = traffic.origin if sender.bare == traffic.sender.bare else None
        derived = Traffic(_addressed(stanza, sender, target), sender, target, origin, traffic.inlet)
        derived.hops = traffic.hops + 1
        waiting = self._sent_for(derived) if is_sent else self._delivered(derived)
        if waiting is not None:
            return waiting.addCallback(lambda _: _join(traffic, derived))
        _join(traffic, derived)
        return None

    def request(self, stanza: Stanza, timeout_s: float = 30.0) -> Deferred[Stanza]:
        """Send an IQ get or set of ours; fires with the result, fails with `StanzaError`, at the latest in time."""
        answer = self._requests.expect(stanza, timeout_s)
        self.route(stanza)
        return answer

    def refuse(self, stanza: Stanza, error: StanzaError, origin: Session | None = None) -> None:
        """Send *error* back to the sender; silently nothing where an error must not be answered (RFC 6120 8.3.1)."""
        self._replies.refuse(stanza, error, origin)

    # -- domains ------------------------------------------------------------------------------------------------------

    def _accounts(self, host: Host) -> AccountDomain:
        return AccountDomain(host, self._registry, self._directory, self._requests, self._replies)

    def _service(self, host: Host) -> ServiceDomain:
        return ServiceDomain(host, self._requests.another(), self._replies, self._from_service)

    def _from_service(self, domain: str, stanza: Stanza, inlet: Inlet | None) -> Routed:
        sender, to = _sender(stanza)
        if sender.domainpart != domain:
            raise StreamError("invalid-from")
        try:
            target = self._target(to, sender)
        except StanzaError as error:
            self.refuse(stanza.replace(from_=sender.full, to=domain), error)
            return None
        traffic = Traffic(_addressed(stanza, sender, target), sender, target, None, _counted(stanza, inlet))
        return self._settle(traffic, self._delivered(traffic))

    def _delivered(self, traffic: Traffic) -> Waiting:
        try:
            if traffic.stanza.name == "iq" and traffic.stanza.type not in IQ_ANSWERS:
                check_iq(traffic.stanza)
            return self._nested_delivery(traffic)
        except StanzaError as error:
            self._replies.refused(traffic, error)
            return None

    def _sent_for(self, traffic: Traffic) -> Waiting:
        """Deal with what is sent in the name of an account, by who may do that."""
        try:
            host = self._hosts[traffic.sender.domainpart]
            return self._ask(host, events.CLIENT_STANZA, traffic, self._delivered)
        except StanzaError as error:
            self._replies.refused(traffic, error)
            return None

    def _nested_delivery(self, traffic: Traffic) -> Waiting:
        """Deliver, unless this stanza is the last of a row that seems to have no end; the error has room to go back."""
        most = 2 * MOST_HOPS if traffic.stanza.type == "error" else MOST_HOPS
        if self._nested >= most or traffic.hops > most:
            raise StanzaError("policy-violation", "Too many stanzas in a row have set each other off")
        self._nested += 1
        try:
            return self._deliver(traffic)
        finally:
            self._nested -= 1

    def _deliver(self, traffic: Traffic) -> Waiting:
        name = traffic.target.domainpart
        domain = self._known_domains.get(name)
        if domain is None:
            domain = self.domains.of(name) if name in self._host_of else self.remote
        if self.elsewhere is not None:
            door = self.elsewhere(traffic.target)
            if door is not None:
                return self._replies.give(door, traffic, _out_of_reach)
        return domain.deliver(traffic)

    # -- from a client ------------------------------------------------------------------------------------------------

    def _target(self, to: str | None, sender: JID) -> JID:
        if to is None:
            return JID(sender.localpart, sender.domainpart, None)
        known = self._sessions.get(to)
        if known is not None and known.jid is not None:
            return known.jid
        try:
            return JID.parse(to)
        except InvalidJID as error:
            raise StanzaError("jid-malformed", str(error)) from error

    def _client_stanza(self, traffic: Traffic) -> Waiting:
        host = self._host_of[traffic.sender.domainpart]
        stanza = traffic.stanza
        if stanza.to != traffic.target.full and (stanza.to is not None or stanza.name == "message"):
            traffic.stanza = stanza = stanza.replace(to=traffic.target.full)
        if stanza.name == "iq":
            check_iq(stanza)
        go_on = self._client_presence if stanza.name == "presence" else self._deliver
        return self._ask(host, events.CLIENT_STANZA, traffic, go_on)

    def _client_presence(self, traffic: Traffic) -> Waiting:
        host = self._host_of[traffic.sender.domainpart]
        return self._ask(host, events.CLIENT_PRESENCE, traffic, self._deliver)

    # -- commits ------------------------------------------------------------------------------------------------------

    def _settle(self, traffic: Traffic, waiting: Waiting) -> Routed:
        """See that what a stanza changed is committed: now, or when its handlers are done."""
        ledger = (
            None if traffic.inlet is None else traffic.inlet.ledger
        )  # which may have ended when the handlers have
        if waiting is not None:
            return waiting.addCallback(lambda _: self._commit(traffic, ledger))
        if traffic.changes or ledger is not None:
            return self._commit(traffic, ledger)
        return None

    def _commit(self, traffic: Traffic, ledger: Acknowledger | None) -> Commit | None:
        if traffic.held is not None:
            commit = Commit(traffic, self._not_kept)
            traffic.held.hold(commit)
            return commit
        if ledger is not None:
            ledger.routing(traffic.changes)
        if not traffic.changes:
            return None
        commit = Commit(traffic, self._not_kept)
        self._storage.submit(tuple(traffic.changes), commit.decided)
        return commit

    def _not_kept(self, _: StorageError, traffic: Traffic) -> None:
        """The sender hears that its stanza could not be kept."""
        error = StanzaError("resource-constraint", "The server cannot store this now", type="wait")
        self.refuse(traffic.stanza, error, traffic.origin)


def _check_from(session: Session, from_: str) -> None:
    try:
        claimed = JID.parse(from_)
    except InvalidJID:
        raise StreamError("invalid-from") from None
    if claimed.full not in (session.full_jid, session.bare_jid):
        raise StreamError("invalid-from")


def _sender(stanza: Stanza) -> tuple[JID, str]:
    """Give the sender, and ``to`` as it is written; improper-addressing where one is missing (RFC 6120 4.9.3.7)."""
    if not stanza.from_ or not stanza.to:
        raise StreamError("improper-addressing")
    try:
        return JID.parse(stanza.from_), stanza.to
    except InvalidJID:
        raise StreamError("improper-addressing") from None


def _addressed(stanza: Stanza, sender: JID, target: JID) -> Stanza:
    if stanza.from_ == sender.full and stanza.to == target.full:
        return stanza
    return stanza.replace(from_=sender.full, to=target.full)


def _counted(stanza: Stanza, inlet: Inlet | None) -> Inlet | None:
    """An IQ of another server or a component is counted at once, whenever it is dealt with."""
    if stanza.name != "iq" or inlet is None:
        return inlet
    if inlet.ledger is not None:
        inlet.ledger.routing([])
    return None


def _join(traffic: Traffic, derived: Traffic) -> None:
    """What *derived* changed is committed or undone with what *traffic* did."""
    traffic.changes.extend(derived.changes)
    if derived.undoing:
        traffic.undo_with(*derived.undoing)


def _out_of_reach(traffic: Traffic) -> Waiting:
    raise StanzaError("remote-server-timeout")
