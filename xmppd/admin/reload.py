"""Reading settings anew while the server runs, for SIGHUP and ``xmppctl reload``.

Certificates, the log and limits follow the file at once, without a session noticing. What needs a restart is named. A
file with a mistake changes nothing; a certificate that cannot be used leaves its host the old one. The file is read in
a thread and certificates in short turns, so that others are served; what was read is in force in one turn.
"""

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple

from twisted.internet.defer import DeferredLock
from twisted.logger import Logger

from xmppd.admin.log_file import unusable_log
from xmppd.config.findings import ConfigErrors, Finding
from xmppd.config.model import OF_C2S, OF_HTTP, OF_S2S, WHAT_A_COMPONENT_IS, Config
from xmppd.core.environment import InThread
from xmppd.core.log import LogWriter
from xmppd.core.turns import StepsTo, Turns, in_turns
from xmppd.core.waiting import deferred, spawn
from xmppd.net.tls.certificates import utc_now
from xmppd.net.tls.flaws import in_force
from xmppd.net.tls.options import finding_files, tls_settings
from xmppd.net.tls.renewal import Renewal

TOLD: Final = 100
"""The cost of a line of the log (`xmppd.core.turns`)."""
_NEED_RESTART = ("data_dir", "storage", "metrics", "net")


class Reloaded(NamedTuple):
    """What came of it."""

    lines: list[str]
    """What was wrong, and what is in force now."""
    mistakes: int
    """How much of the file could not be put in force; the old settings stay there."""


class Reload:
    """One way to read settings anew; call it."""

    _log = Logger()

    def __init__(
        self,
        running: Config,
        read: Callable[[], Config],
        renewal: Renewal,
        turns: Turns,
        in_thread: InThread,
        take: Callable[[Config], None],
        log: LogWriter | None = None,
        log_file: Path | None = None,
        begins: Callable[[], object] = lambda: None,
        ends: Callable[[], object] = lambda: None,
    ) -> None:
        """*read* raises `ConfigErrors`; *take* puts the limits of a configuration in force; *log_file* is where the log
        goes where the configuration names no file; *begins* and *ends* are called around each reload."""
        self._running = running
        self._read = read
        self._renewal = renewal
        self._turns = turns
        self._in_thread = in_thread
        self._lock = DeferredLock()
        self._take = take
        self._writer = log
        self._log_file = log_file
        self._begins, self._ends = begins, ends

    @deferred
    async def __call__(self) -> Reloaded:
        """Put the file in force, and say what is now; fails with `ConfigErrors`, and then all is as it was.

        One reload follows the other.
        """
        await self._lock.acquire()
        self._begins()
        try:
            return await self._reload()
        finally:
            self._ends()
            self._lock.release()

    async def _reload(self) -> Reloaded:
        pending: Config = await self._in_thread(self._read)
        config = pending.under(self._running)
        unread = await self._renewal(finding_files(config), tls_settings(config))
        of_log = self._reload_log(config)
        self._take(config)
        flaws = await in_turns(self._turns, in_force(self._renewal.by_host(), utc_now()))
        findings = [*config.warnings, *unread, *flaws, *of_log]
        await in_turns(self._turns, self._tell(findings))
        self._log.info("Settings are read anew")
        lines = [*(str(finding) for finding in findings), *self._in_force(config, pending)]
        return Reloaded(lines, sum(finding.severity == "error" for finding in findings))

    def on_signal(self) -> None:
        """Do it for SIGHUP: what is wrong is logged."""
        spawn("a reload", self._log_mistakes())

    async def _log_mistakes(self) -> None:
        try:
            await self()
        except ConfigErrors as errors:
            await in_turns(self._turns, self._tell(errors.findings))
            self._log.error("The configuration has mistakes: the old settings stay")

    def _reload_log(self, config: Config) -> list[Finding]:
        """Take the level, and open the file again: it may have been moved away."""
        if self._writer is None:
            return []
        file = config.log.file or self._log_file
        try:
            self._writer.apply(config.log.level, config.log.format, file)
        except OSError as error:
            return [unusable_log(config, file, error)]
        return []

    def _in_force(self, config: Config, pending: Config) -> Iterator[str]:
        for host, certificate in self._renewal.by_host().items():
            yield f"certificate of {host}: SHA-256 {certificate.fingerprint}"
        yield f"log level: {config.log.level}"
        yield "limits: as the file says"
        waiting = [name for name in _NEED_RESTART if getattr(pending, name) != getattr(self._running, name)]
        for name, what in _WATCHED:
            if what(pending) != what(self._running):
                waiting.append(name)
        if waiting:
            yield f"changed, and in force after a restart: {', '.join(waiting)}"

    def _tell(self, findings: Sequence[Finding]) -> StepsTo[None]:
        for finding in findings:
            write = self._log.error if finding.severity == "error" else self._log.warn
            write("{finding}", finding=str(finding))
            yield TOLD


def _modules(config: Config) -> object:
    return config.modules, {domain.name: domain.modules for domain in config.domains if domain.modules}


def _components(config: Config) -> object:
    return {
        name: tuple(getattr(component, key) for key in WHAT_A_COMPONENT_IS)
        for name, component in config.components.items()
    }


_WATCHED: tuple[tuple[str, Callable[[Config], object]], ...] = (
    ("modules", _modules),
    *((f"c2s.{name}", attrgetter(f"c2s.{name}")) for name in OF_C2S),
    *((f"s2s.{name}", attrgetter(f"s2s.{name}")) for name in OF_S2S),
    *((f"http.{name}", attrgetter(f"http.{name}")) for name in OF_HTTP),
    ("hosts", lambda config: config.hosts.keys()),
    ("components", _components),
    ("components.listen", lambda config: config.component_listen),
)
"""What else needs a restart, and what is compared for it."""
