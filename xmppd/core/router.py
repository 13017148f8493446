"""Where a stanza goes: RFC 6120 10 and RFC 6121 8 as one table.

======================  =========================================================================
target                  what happens
======================  =========================================================================
no ``to``               the sender's own account (RFC 6120 10.3)
a domain not served     `REMOTE_STANZA` is asked; nobody: remote-server-not-found (10.4)
a served domain         IQ: its handler, else service-unavailable; message: error; presence: dropped
an account (bare JID)   IQ: its handler on behalf of the account; message: RFC 6121 8.5.2; presence: service
a resource (full JID)   the session, else RFC 6121 8.5.3.2
======================  =========================================================================

Answers never walk back up the stack: an IQ handler gives a payload or raises `StanzaError`, and `_answer` alone turns
that into a reply. What needs no waiting is synchronous; where a handler waits, a Deferred tells the sender's stream
when its next stanza may come.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.core import events
from xmppd.core.commits import Commit, Routed
from xmppd.core.delivery import Otherwise, recipients, rule_of
from xmppd.core.directory import AccountDirectory
from xmppd.core.events import Delivery, IQRequest, Traffic
from xmppd.core.hooks import Hook, ask_these
from xmppd.core.host import Host, Hosts
from xmppd.core.registry import SessionRegistry
from xmppd.core.requests import PendingRequests
from xmppd.core.session import Session
from xmppd.stanza.errors import StanzaError, StreamError
from xmppd.stanza.jid import JID, InvalidJID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Change, Storage, StorageError

SUBSCRIPTION_TYPES = frozenset(("subscribe", "subscribed", "unsubscribe", "unsubscribed"))
IQ_ANSWERS = frozenset(("result", "error"))
IQ_TYPES = IQ_ANSWERS | {"get", "set"}
Waiting = Deferred[Any] | None


class Router:
    """Takes each stanza to its handler, its session, or back to its sender as an error."""

    _log = Logger()

    def __init__(
        self,
        hosts: Hosts,
        registry: SessionRegistry,
        directory: AccountDirectory,
        requests: PendingRequests,
        storage: Storage,
    ):
        self._hosts = hosts
        self._registry = registry
        self._directory = directory
        self._requests = requests
        self._storage = storage
        self._sessions = registry.by_full

    @property
    def storage(self) -> Storage:
        """Where what stanzas change is committed."""
        return self._storage

    # -- the two doors ----------------------------------------------------------------------------------------------

    def from_client(self, session: Session, stanza: Stanza) -> Routed:
        """Route what a local client sent. Raises `StreamError` where its ``from`` is forged (RFC 6120 8.1.2.1).

        The client's next stanza waits for the Deferred, if there is one; what becomes of the commit is for its stream.
        """
        if stanza.from_ is not None and stanza.from_ != session.full_jid:
            _check_from(session, stanza.from_)
        sender = session.jid
        assert sender is not None, "only connected resources route stanzas"
        is_about_subscription = stanza.name == "presence" and stanza.type in SUBSCRIPTION_TYPES
        stanza = stanza.replace(
            from_=sender.bare if is_about_subscription else sender.full, lang=stanza.lang or session.lang
        )
        try:
            traffic = Traffic(stanza, sender, self._target(stanza.to, sender), session)
        except StanzaError as error:
            self.refuse(stanza, error, session)
            return None
        try:
            waiting = self._client_stanza(traffic)
        except StanzaError as error:
            waiting = None
            traffic.changes[:] = changes_of_sender(traffic)
            self.refuse(stanza, error, session)
        return self._settle(traffic, waiting)

    def route(self, stanza: Stanza, origin: Session | None = None) -> Waiting:
        """Route a stanza with true ``from`` and ``to``: of a service of ours, a component, or another server."""
        try:
            traffic = Traffic(stanza, JID.parse(stanza.from_ or ""), JID.parse(stanza.to or ""), origin)
            if stanza.name == "iq" and stanza.type not in IQ_ANSWERS:
                check_iq(stanza)
            routed = self._settle(traffic, self._deliver(traffic))
            return routed if isinstance(routed, Deferred) else None
        except InvalidJID:
            self.refuse(stanza, StanzaError("jid-malformed"), origin)
        except StanzaError as error:
            self.refuse(stanza, error, origin)
        return None

    def request(self, stanza: Stanza, timeout_s: float = 30.0) -> Deferred[Stanza]:
        """Send an IQ get or set of ours; fires with the result, fails with `StanzaError`, at the latest in time."""
        answer = self._requests.expect(stanza, timeout_s)
        self.route(stanza)
        return answer

    def refuse(self, stanza: Stanza, error: StanzaError, origin: Session | None = None) -> None:
        """Send *error* back to the sender; silently nothing where an error must not be answered (RFC 6120 8.3.1)."""
        if stanza.type == "error" or (stanza.name == "iq" and stanza.type == "result"):
            return
        reply = stanza.error_reply(error)
        self._reply(reply, origin)
        if origin is not None and origin.jid is not None and stanza.name == "message":
            refused = Traffic(reply, origin.jid, origin.jid, origin)
            self._hosts[origin.jid.domainpart].hooks.notify(events.MESSAGE_REFUSED, refused)

    def _settle(self, traffic: Traffic, waiting: Waiting) -> Routed:
        """See that what a stanza changed is committed: now, or when its handlers are done."""
        if waiting is not None:
            return waiting.addCallback(lambda _: self._commit(traffic))
        if traffic.changes or (traffic.inlet is not None and traffic.inlet.ledger is not None):
            return self._commit(traffic)
        return None

    def _commit(self, traffic: Traffic) -> Commit | None:
        inlet = traffic.inlet
        if inlet is not None and inlet.ledger is not None:
            inlet.ledger.routing(traffic.changes)
        if not traffic.changes:
            return None
        commit = Commit(traffic, self._not_kept)
        self._storage.submit(tuple(traffic.changes), commit.decided)
        return commit

    def _not_kept(self, _: StorageError, traffic: Traffic) -> None:
        """The sender hears that its stanza could not be kept."""
        error = StanzaError("resource-constraint", "The server cannot store this now", type="wait")
        self.refuse(traffic.stanza, error, traffic.origin)

    # -- from a client ----------------------------------------------------------------------------------------------

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
        host = self._hosts[traffic.sender.domainpart]
        stanza = traffic.stanza
        if stanza.to != traffic.target.full and (stanza.to is not None or stanza.name == "message"):
            traffic.stanza = stanza = stanza.replace(to=traffic.target.full)
        if stanza.name == "iq":
            check_iq(stanza)
        return self._ask(host, events.CLIENT_STANZA, traffic, self._client_routed)

    def _client_routed(self, traffic: Traffic) -> Waiting:
        if traffic.stanza.name == "presence":
            host = self._hosts[traffic.sender.domainpart]
            return self._ask(host, events.CLIENT_PRESENCE, traffic, self._deliver)
        return self._deliver(traffic)

    # -- delivery ---------------------------------------------------------------------------------------------------

    def _deliver(self, traffic: Traffic) -> Waiting:
        target = traffic.target
        host = self._hosts.get(target.domainpart)
        if host is None:
            return self._remote(traffic)
        if target.localpart is None:
            return self._to_host(host, traffic)
        if traffic.stanza.name == "presence":
            return self._finish(host.hooks.ask(events.ACCOUNT_PRESENCE, traffic), traffic)
        return self._ask(host, events.ACCOUNT_STANZA, traffic, self._to_account)

    def _to_account(self, traffic: Traffic) -> Waiting:
        host = self._hosts[traffic.target.domainpart]
        if traffic.stanza.name == "message":
            return self._message(host, traffic)
        if traffic.target.resourcepart is None:
            return self._iq(host, traffic, "account")
        stanza = traffic.stanza
        if stanza.child_names:
            guard = host.iq_handlers.get((stanza.type or "", *stanza.child_names[0], "resource"))
            if guard is not None:
                return self._guarded(guard, host, traffic)
        return self._to_resource(traffic)

    def _guarded(self, guard: Callable[[IQRequest], Any], host: Host, traffic: Traffic) -> Waiting:
        """Ask who watches over such requests to clients, before one of them sees it."""
        answer = guard(IQRequest(traffic.stanza, traffic.sender, traffic.target, traffic.origin, host))
        if isinstance(answer, Deferred):
            return self._after(answer, traffic, self._to_resource)
        return self._to_resource(traffic)

    def _to_resource(self, traffic: Traffic) -> Waiting:
        session = self._sessions.get(traffic.target.full)
        is_taken = session is not None and session.send(traffic.stanza)
        if not is_taken and traffic.stanza.type in ("get", "set"):
            raise StanzaError("service-unavailable")
        return None

    def _message(self, host: Host, traffic: Traffic) -> Waiting:
        session = self._sessions.get(traffic.target.full)
        if session is not None:
            sessions: tuple[Session, ...] = (session,)
        else:
            sessions = recipients(self._registry, traffic.stanza, traffic.target)
        return self._ask(host, events.MESSAGE_DELIVERING, Delivery(traffic, sessions), self._hand_over)

    def _hand_over(self, delivery: Delivery) -> Waiting:
        is_taken = False
        for session in delivery.sessions:
            if session.ledger is not None:
                session.ledger.delivering(delivery.stanza, delivery.changes, delivery.sessions)
            is_taken = session.send(delivery.stanza) or is_taken
        if is_taken:
            return None
        return self._undelivered(delivery)

    def _undelivered(self, delivery: Delivery) -> Waiting:
        rule = rule_of(delivery.stanza, delivery.target)
        if rule.otherwise is Otherwise.KEEP and self._directory.exists(delivery.target.bare):
            host = self._hosts[delivery.target.domainpart]
            return self._ask(host, events.MESSAGE_UNDELIVERED, delivery, self._no_taker)
        return self._no_taker(delivery)

    def _no_taker(self, traffic: Traffic) -> Waiting:
        if rule_of(traffic.stanza, traffic.target).otherwise is not Otherwise.DROP:
            raise StanzaError("service-unavailable")
        return None

    def _to_host(self, host: Host, traffic: Traffic) -> Waiting:
        stanza = traffic.stanza
        if stanza.name == "iq":
            return self._iq(host, traffic, "host")
        return self._ask(host, events.HOST_STANZA, traffic, self._nobody_here)

    def _nobody_here(self, traffic: Traffic) -> Waiting:
        return None if traffic.stanza.name == "presence" else self._no_taker(traffic)

    def _remote(self, traffic: Traffic) -> Waiting:
        sender_host = self._hosts.get(traffic.sender.domainpart)
        if sender_host is None:
            return self._not_found(traffic)
        return self._ask(sender_host, events.REMOTE_STANZA, traffic, self._not_found)

    def _not_found(self, traffic: Traffic) -> Waiting:
        raise StanzaError("remote-server-not-found")

    # -- IQ ---------------------------------------------------------------------------------------------------------

    def _iq(self, host: Host, traffic: Traffic, kind: str) -> Waiting:
        stanza = traffic.stanza
        if stanza.type in IQ_ANSWERS:
            self._requests.answer(traffic.sender, stanza)
            return None
        namespace, name = stanza.child_names[0]
        handler = self._iq_handler(host, (stanza.type or "", namespace, name), kind, traffic)
        request = IQRequest(stanza, traffic.sender, traffic.target, traffic.origin, host)
        answer = handler(request)
        if isinstance(answer, Deferred):
            return answer.addCallback(lambda payload: self._answer(traffic, payload)).addErrback(
                self._failed, traffic
            )
        self._answer(traffic, answer)
        return None

    def _iq_handler(
        self, host: Host, key: tuple[str, str, str], kind: str, traffic: Traffic
    ) -> Callable[..., Any]:
        handler = host.iq_handlers.get((*key, kind))
        if kind == "account":
            own = host.iq_handlers.get((*key, "own"))
            if own is not None and traffic.sender.bare == traffic.target.bare:
                handler = own
            elif own is not None and handler is None:
                raise StanzaError("forbidden")
        if handler is None:
            raise StanzaError("service-unavailable")
        return handler

    def _answer(self, traffic: Traffic, payload: Any) -> None:
        reply = traffic.stanza.result(*(() if payload is None else (payload,)))
        self._reply(reply, traffic.origin)

    # -- replies and waiting ----------------------------------------------------------------------------------------

    def _reply(self, reply: Stanza, origin: Session | None) -> None:
        if origin is not None:
            origin.send(reply if reply.to else reply.replace(to=origin.full_jid))
        elif reply.to is not None:
            self.route(reply)

    def _ask(self, host: Host, hook: Hook[Any], traffic: Any, go_on: Callable[[Any], Waiting]) -> Waiting:
        """Ask the handlers of *hook*; unless one of them deals with the stanza, *go_on* with it."""
        handlers = host.hooks.handlers(hook)
        answer = ask_these(handlers, traffic) if handlers else None
        if answer is None:  # as nearly always, and to ask what kind of answer it is would cost more
            return go_on(traffic)
        if isinstance(answer, Deferred):
            return self._after(answer, traffic, go_on)
        return None if answer else go_on(traffic)

    def _after(self, answer: Deferred[Any], traffic: Any, go_on: Callable[[Any], Waiting]) -> Deferred[Any]:
        return answer.addCallback(lambda taken: None if taken else go_on(traffic)).addErrback(
            self._failed, traffic
        )

    def _finish(self, answer: Any, traffic: Traffic) -> Waiting:
        return answer.addErrback(self._failed, traffic) if isinstance(answer, Deferred) else None

    def _failed(self, failure: Failure, traffic: Traffic) -> None:
        error = failure.value
        if isinstance(error, StorageError):
            traffic.changes.clear()
            error = StanzaError("resource-constraint", "The server cannot do this now", type="wait")
        if not isinstance(error, StanzaError):
            if isinstance(error, StreamError):
                failure.raiseException()
            self._log.failure(
                "A stanza could not be handled: {name} {type}",
                failure,
                name=traffic.stanza.name,
                type=traffic.stanza.type,
            )
            error = StanzaError("internal-server-error")
            traffic.changes.clear()
        traffic.changes[:] = changes_of_sender(traffic)
        self.refuse(traffic.stanza, error, traffic.origin)


def _check_from(session: Session, from_: str) -> None:
    try:
        claimed = JID.parse(from_)
    except InvalidJID:
        raise StreamError("invalid-from") from None
    if claimed.full not in (session.full_jid, session.bare_jid):
        raise StreamError("invalid-from")


def changes_of_sender(traffic: Traffic) -> list[Change]:
    """Give what stays of a stanza that its recipient's side refuses: its sender has sent it (XEP-0313 6.1.1)."""
    own = traffic.sender.bare
    return [] if own == traffic.target.bare else [each for each in traffic.changes if each.owner == own]


def check_iq(stanza: Stanza) -> None:
    """RFC 6120 8.2.3: an id, a known type, and for get and set exactly one child; `StanzaError` otherwise."""
    if stanza.type not in IQ_TYPES:
        raise StanzaError("bad-request", "An IQ needs a type of get, set, result or error")
    if stanza.id is None:
        raise StanzaError("bad-request", "An IQ needs an id")
    if stanza.type in ("get", "set") and len(stanza.child_names) != 1:
        raise StanzaError("bad-request", "An IQ of type get or set has exactly one child element")
