"""What the control commands reach: the parts of the running server, or of the store alone."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xmppd import __version__
from xmppd.admin.metrics.measured import Measured
from xmppd.core.host import Hosts
from xmppd.core.loader import Loader
from xmppd.core.log import LogWriter
from xmppd.core.parts import CoreParts
from xmppd.core.registry import SessionRegistry
from xmppd.core.services import Services
from xmppd.core.timers import Timers
from xmppd.net.streams.s2s.peers import Peers
from xmppd.net.tls.certificates import Certificate
from xmppd.services.accounts.accounts import Accounts
from xmppd.services.accounts.departures import Departures
from xmppd.services.accounts.removal import Removal
from xmppd.services.components.components import Components
from xmppd.services.invitations.invitation import Invitation
from xmppd.services.invitations.invitations import Invitations
from xmppd.services.invitations.landing import LandingPages
from xmppd.services.login.clients import Clients
from xmppd.services.reports.reports import Reports
from xmppd.services.uploads.uploads import Uploads
from xmppd.storage.interface import Storage


def _nothing() -> None:
    return None


def _no_page(invitation: Invitation, token: str) -> str:
    return ""


async def _nothing_read() -> tuple[list[str], int]:
    return [], 0


@dataclass(frozen=True, slots=True)
class ControlParts:
    """The parts that commands work with. Straight on the store, there are no sessions, no modules and no server."""

    hosts: Hosts
    registry: SessionRegistry
    loader: Loader
    services: Services
    """All else that there is, by class."""
    storage: Storage
    timers: Timers
    data_dir: Path
    version: str
    started_at: float
    """Wall time in seconds."""
    now: Callable[[], float]
    """Wall time in seconds."""
    uploads: Uploads | None = None
    """Uploaded files; None where no server runs."""
    measured: Measured | None = None
    """What the numbers of the running server are read from."""
    peers: Peers | None = None
    """What is connected to other servers; None where they are not talked to."""
    invitation_page: Callable[[Invitation, str], str] = _no_page
    """The page of an invitation and its token; "" where no web server shows one."""
    certificates: Callable[[], Mapping[str, Certificate]] = dict
    """What each host shows."""
    log: LogWriter | None = None
    """Where the log goes; None where it is another's, such as syslog's."""
    rename: Callable[[str, str], object] | None = None
    """Give the data of one domain to another name; None while a server works with them."""
    reload: Callable[[], Awaitable[tuple[list[str], int]]] = field(default=_nothing_read)
    """Read the configuration anew; gives a `Reloaded`. Fails with `ConfigErrors` where the file is broken."""
    stop: Callable[[], None] = field(default=_nothing)
    """Begin to stop the server; returns at once."""
    listening: Callable[[], Sequence[str]] = field(default=tuple)
    """What the server listens on, in words, such as ``127.0.0.1:5222 (STARTTLS)``."""

    @property
    def accounts(self) -> Accounts:
        """Who may log in."""
        return self.services[Accounts]

    @property
    def removal(self) -> Removal:
        """What removes accounts, whole."""
        return self.services[Removal]

    @property
    def departures(self) -> Departures:
        """Accounts that are removed and not erased yet."""
        return self.services[Departures]

    @property
    def clients(self) -> Clients:
        """The clients of accounts."""
        return self.services[Clients]

    @property
    def invitations(self) -> Invitations:
        """Invitations that are open."""
        return self.services[Invitations]

    @property
    def reports(self) -> Reports:
        """What users have reported."""
        return self.services[Reports]

    @property
    def components(self) -> Components:
        """The programs that connect as a service."""
        return self.services[Components]


def gathered(core: CoreParts, loader: Loader, data_dir: Path, *, is_running: bool) -> ControlParts:
    """Give what commands work with, as far as it is the core's and the services'; what the process has is put in later.

    Straight on the store nothing *is_running*.
    """
    services, now = core.services, core.environment.now
    return ControlParts(
        hosts=core.hosts,
        registry=core.registry,
        invitation_page=services[LandingPages].url,
        uploads=services[Uploads] if is_running else None,
        loader=loader,
        services=services,
        storage=core.storage,
        timers=core.timers,
        data_dir=data_dir,
        version=__version__,
        started_at=now(),
        now=now,
    )
