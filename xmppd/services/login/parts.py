"""Builds the services of who logs in, and how."""

from xmppd.core.parts import CoreParts
from xmppd.core.rate_limit import RateLimit
from xmppd.core.session import Session
from xmppd.services.accounts.accounts import AccountEvent, Accounts
from xmppd.services.accounts.sessions import AccountSessions
from xmppd.services.login.authentication import Authentication
from xmppd.services.login.basic import BasicLogin
from xmppd.services.login.binding import Binding
from xmppd.services.login.clients import Clients
from xmppd.services.login.delays import LoginDelays
from xmppd.services.login.elsewhere import AuthElsewhere
from xmppd.services.login.fast import Fast
from xmppd.services.roster.roster import Rosters
from xmppd.stream.sasl.scram import Decoys


def add_services(parts: CoreParts) -> None:
    """Add authentication, over HTTP too, resource binding, the clients of accounts, and their tokens."""
    services, environment = parts.services, parts.environment
    accounts, account_sessions = services[Accounts], services[AccountSessions]
    clients = _clients(parts)

    def may_bind(session: Session) -> bool:
        return account_sessions.may_bind(session) and clients.may_bind(session)

    authentication = Authentication(
        accounts,
        _delays(parts),
        parts.timers.wait,
        Decoys(environment.secret, environment.iterations),
        environment.random_text,
        AuthElsewhere(parts.hosts, accounts, environment),
    )
    services.add(
        clients,
        Fast(clients, environment.now, environment.random_text),
        authentication,
        BasicLogin(authentication, parts.hosts, parts.timers.seconds),
        Binding(parts.hosts, parts.registry, services[Rosters], may_bind, environment.random_text),
    )


def _clients(parts: CoreParts) -> Clients:
    accounts = parts.services[Accounts]
    clients = Clients(parts.storage, accounts, parts.registry, parts.environment.now)
    accounts.beside_password.append(clients.without_tokens)
    accounts.subscribe(AccountEvent.PASSWORD_CHANGED, clients.password_changed)
    accounts.subscribe(AccountEvent.REMOVED, clients.let_go)
    return clients


def _delays(parts: CoreParts) -> LoginDelays:
    current, environment = parts.current, parts.environment
    failures = RateLimit(
        environment.steady or environment.clock.seconds, lambda: current.limits.auth_failure_window_s
    )
    return LoginDelays(
        failures, lambda: current.limits.auth_failures_per_address, lambda: current.limits.auth_delay_s
    )
