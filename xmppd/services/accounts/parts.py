"""Builds the services of accounts: the accounts themselves first of all, since the router asks who exists."""

from functools import partial

from xmppd.core.environment import Environment
from xmppd.core.host import Hosts
from xmppd.core.parts import CoreParts
from xmppd.services.accounts.accounts import AccountEvent, Accounts
from xmppd.services.accounts.departures import Departures
from xmppd.services.accounts.removal import Removal
from xmppd.services.accounts.sessions import AccountSessions
from xmppd.services.roster.roster import Rosters
from xmppd.storage.interface import Storage
from xmppd.stream.sasl.credentials import derive


def make_accounts(storage: Storage, hosts: Hosts, environment: Environment) -> Accounts:
    """Make the accounts of these hosts; none is read yet."""

    def tombstone_s(host: str) -> float:
        return hosts[host].settings.limits.tombstone_s

    return Accounts(
        storage,
        environment.in_thread,
        now=environment.now,
        derive=partial(derive, iterations=environment.iterations),
        iterations=environment.iterations,
        tombstone_s=tombstone_s,
    )


def add_services(parts: CoreParts) -> None:
    """Add what ends sessions and accounts."""
    services = parts.services
    accounts = services[Accounts]
    sessions = AccountSessions(accounts, parts.registry)
    rosters = services[Rosters]
    accounts.subscribe(AccountEvent.REMOVED, rosters.let_go)
    removal = Removal(accounts, rosters, sessions)
    departures = Departures(parts.storage, accounts, removal, parts.timers, parts.environment.now)
    services.add(sessions, removal, departures)
