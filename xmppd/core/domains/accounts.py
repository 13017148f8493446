"""A domain with accounts: RFC 6120 10.5 and RFC 6121 8.5 as a table.

======================  =========================================================================
target                  what happens
======================  =========================================================================
the domain itself       IQ: its handler, else service-unavailable; message: error; presence: dropped
an account (bare JID)   IQ: its handler on behalf of the account (what strangers get: `xmppd.core.domains.strangers`);
                        message: RFC 6121 8.5.2; presence: service
a resource (full JID)   the session, else RFC 6121 8.5.3.2
======================  =========================================================================
"""

from twisted.internet.defer import Deferred

from xmppd.core import events
from xmppd.core.delivery import Otherwise, no_taker, recipients, rule_of
from xmppd.core.directory import AccountDirectory
from xmppd.core.domains.strangers import ANSWERED, refused
from xmppd.core.events import Delivery, IQAnswerer, IQRequest, Traffic
from xmppd.core.host import Host
from xmppd.core.iq import IQ_ANSWERS
from xmppd.core.registry import SessionRegistry
from xmppd.core.replies import Replies
from xmppd.core.requests import PendingRequests
from xmppd.core.session import Session
from xmppd.core.waiting import Waiting


class AccountDomain:
    """Takes stanzas to the domain's handlers, its accounts and their resources."""

    __slots__ = ("_ask", "_directory", "_host", "_registry", "_replies", "_requests", "_sessions")

    def __init__(
        self,
        host: Host,
        registry: SessionRegistry,
        directory: AccountDirectory,
        requests: PendingRequests,
        replies: Replies,
    ):
        """*requests* are those that this server sends in the name of the domain and its accounts."""
        self._host = host
        self._registry = registry
        self._sessions = registry.by_full
        self._directory = directory
        self._requests = requests
        self._replies = replies
        self._ask = replies.ask

    def deliver(self, traffic: Traffic) -> Waiting:
        """Deal with a stanza for this domain; see `Domain`."""
        if traffic.target.localpart is None:
            return self._to_host(traffic)
        if traffic.stanza.name == "presence":
            return self._replies.done(self._host.hooks.ask(events.ACCOUNT_PRESENCE, traffic), traffic)
        if traffic.origin is None and traffic.stanza.name == "message":
            return self._ask(self._host, events.FOREIGN_MESSAGE, traffic, self._to_somebody)
        return self._ask(self._host, events.ACCOUNT_STANZA, traffic, self._to_account)

    def _to_somebody(self, traffic: Traffic) -> Waiting:
        return self._ask(self._host, events.ACCOUNT_STANZA, traffic, self._to_account)

    def _to_host(self, traffic: Traffic) -> Waiting:
        if traffic.stanza.type in IQ_ANSWERS and traffic.stanza.name == "iq":
            return self._iq(traffic, "host")
        return self._ask(self._host, events.HOST_STANZA, traffic, self._at_host)

    def _at_host(self, traffic: Traffic) -> Waiting:
        if traffic.stanza.name == "iq":
            return self._iq(traffic, "host")
        return None if traffic.stanza.name == "presence" else no_taker(traffic)

    def _to_account(self, traffic: Traffic) -> Waiting:
        if traffic.stanza.name == "message":
            return self._message(traffic)
        if traffic.target.resourcepart is None:
            return self._iq(traffic, "account")
        stanza = traffic.stanza
        if stanza.child_names:
            guard = self._host.iq_handlers.get((stanza.type or "", *stanza.child_names[0], "resource"))
            if guard is not None:
                return self._guarded(guard, traffic)
        return self._to_resource(traffic)

    # -- messages (RFC 6121 8.5) --------------------------------------------------------------------------------------

    def _message(self, traffic: Traffic) -> Waiting:
        session = self._sessions.get(traffic.target.full)
        if session is not None:
            sessions: tuple[Session, ...] = (session,)
        else:
            sessions = recipients(self._registry, traffic.stanza, traffic.target)
        return self._ask(self._host, events.MESSAGE_DELIVERING, Delivery(traffic, sessions), self._hand_over)

    def _hand_over(self, delivery: Delivery) -> Waiting:
        if delivery.hand_over is not None:
            return None if delivery.hand_over(delivery) else self._undelivered(delivery)
        is_taken = False
        for session in delivery.sessions:
            is_taken = session.send(delivery.stanza) or is_taken
        return None if is_taken else self._undelivered(delivery)

    def _undelivered(self, delivery: Delivery) -> Waiting:
        rule = rule_of(delivery.stanza, delivery.target)
        if rule.otherwise is Otherwise.KEEP and self._directory.exists(delivery.target.bare):
            return self._ask(self._host, events.MESSAGE_UNDELIVERED, delivery, no_taker)
        return no_taker(delivery)

    # -- IQ (RFC 6120 8.2.3, RFC 6121 8.5.1, 8.5.3) -------------------------------------------------------------------

    def _iq(self, traffic: Traffic, kind: str) -> Waiting:
        stanza = traffic.stanza
        if stanza.type in IQ_ANSWERS:
            self._requests.answer(traffic.sender, stanza)
            return None
        return self._replies.handle(self._handler(traffic, kind), self._host, traffic)

    def _handler(self, traffic: Traffic, kind: str) -> IQAnswerer:
        handlers, key = self._host.iq_handlers, (traffic.stanza.type or "", *traffic.stanza.child_names[0])
        handler = handlers.get((*key, kind))
        if kind == "account":
            if traffic.sender.bare == traffic.target.bare:
                handler = handlers.get((*key, "own"), handler)
            elif not self._directory.exists(traffic.target.bare) and key not in ANSWERED:
                raise refused()
        if handler is None:
            raise refused()
        return handler

    def _guarded(self, guard: IQAnswerer, traffic: Traffic) -> Waiting:
        """Ask who watches over such requests to clients, before one of them sees it."""
        if traffic.target.full not in self._sessions:
            raise refused()
        answer = guard(IQRequest(traffic.stanza, traffic.sender, traffic.target, traffic.origin, self._host))
        if isinstance(answer, Deferred):
            return self._replies.after(answer, traffic, self._to_resource)
        return self._to_resource(traffic)

    def _to_resource(self, traffic: Traffic) -> Waiting:
        session = self._sessions.get(traffic.target.full)
        is_taken = session is not None and session.send(traffic.stanza)
        if not is_taken and traffic.stanza.type in ("get", "set"):
            raise refused()
        return None
