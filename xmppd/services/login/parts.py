"""Builds the services of who logs in, and how."""

from twisted.internet.defer import Deferred

from xmppd.core.parts import CoreParts
from xmppd.core.session import Session
from xmppd.core.timers import Timers
from xmppd.services.accounts.accounts import AccountEvent, Accounts
from xmppd.services.accounts.sessions import AccountSessions
from xmppd.services.login.authentication import Authentication, Delay
from xmppd.services.login.binding import Binding
from xmppd.services.login.clients import Clients
from xmppd.services.login.fast import Fast
from xmppd.services.login.throttle import Throttle
from xmppd.services.roster.roster import Rosters


def add_services(parts: CoreParts) -> None:
    """Add authentication, resource binding, the clients of accounts, and their tokens."""
    services, environment = parts.services, parts.environment
    accounts, account_sessions = services[Accounts], services[AccountSessions]
    clients = _clients(parts)

    def may_bind(session: Session) -> bool:
        return account_sessions.may_bind(session) and clients.may_bind(session)

    services.add(
        clients,
        Fast(clients, environment.now, environment.random_text),
        Authentication(
            accounts, _throttle(parts), _delay(parts.timers), environment.secret, environment.random_text
        ),
        Binding(parts.hosts, parts.registry, services[Rosters], may_bind, environment.random_text),
    )


def _clients(parts: CoreParts) -> Clients:
    accounts = parts.services[Accounts]
    clients = Clients(parts.storage, accounts, parts.registry, parts.environment.now)
    accounts.beside_password.append(clients.without_tokens)
    accounts.subscribe(AccountEvent.PASSWORD_CHANGED, clients.password_changed)
    accounts.subscribe(AccountEvent.REMOVED, clients.forget)
    return clients


def _throttle(parts: CoreParts) -> Throttle:
    current, environment = parts.current, parts.environment
    return Throttle(
        environment.steady or environment.clock.seconds,
        lambda: current.limits.auth_failures_per_address,
        lambda: current.limits.auth_failure_window_s,
        lambda: current.limits.auth_delay_s,
    )


def _delay(timers: Timers) -> Delay:
    def delay(seconds: float) -> Deferred[None]:
        waited: Deferred[None] = Deferred()
        timers.add(seconds, lambda now, timer, param: waited.callback(None))
        return waited

    return delay
