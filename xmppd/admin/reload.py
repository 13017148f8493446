"""Reading settings anew while the server runs, for SIGHUP and ``xmppctl reload``.

Certificates, the log and limits follow the file at once, without a session noticing. What needs a restart is named. A
file with a mistake changes nothing; a certificate that cannot be used leaves its host the old one.
"""

from collections.abc import Callable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from twisted.logger import Logger

from xmppd.admin.log_file import unusable_log
from xmppd.config.findings import ConfigErrors, Finding
from xmppd.config.model import OF_C2S, OF_HTTP, OF_S2S, WHAT_A_COMPONENT_IS, Config
from xmppd.core.log import LogWriter
from xmppd.net.tls.certificates import utc_now
from xmppd.net.tls.contexts import TLSContexts
from xmppd.net.tls.flaws import in_force
from xmppd.net.tls.options import host_files, tls_settings

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
        tls: TLSContexts,
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
        self._tls = tls
        self._take = take
        self._writer = log
        self._log_file = log_file
        self._begins, self._ends = begins, ends

    def __call__(self) -> Reloaded:
        """Put the file in force, and say what is now; raises `ConfigErrors`, and then all is as it was."""
        self._begins()
        try:
            return self._reload()
        finally:
            self._ends()

    def _reload(self) -> Reloaded:
        pending = self._read()
        config = pending.under(self._running)
        findings = [*config.warnings, *self._reload_certificates(config), *self._reload_log(config)]
        self._take(config)
        for finding in findings:
            self._tell(finding)
        self._log.info("Settings are read anew")
        lines = [*(str(finding) for finding in findings), *self._in_force(config, pending)]
        return Reloaded(lines, sum(finding.severity == "error" for finding in findings))

    def on_signal(self) -> None:
        """Do it for SIGHUP: what is wrong is logged."""
        try:
            self()
        except ConfigErrors as errors:
            for finding in errors.findings:
                self._tell(finding)
            self._log.error("The configuration has mistakes: the old settings stay")

    def _reload_certificates(self, config: Config) -> list[Finding]:
        """What cannot be read leaves its host the old one; what can be and is no good is told as well."""
        unread = self._tls.reload(host_files(config), tls_settings(config))
        return [*unread, *in_force(self._tls.store.by_host(), utc_now())]

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
        for host, certificate in self._tls.store.by_host().items():
            yield f"certificate of {host}: SHA-256 {certificate.fingerprint}"
        yield f"log level: {config.log.level}"
        yield "limits: as the file says"
        waiting = [name for name in _NEED_RESTART if getattr(pending, name) != getattr(self._running, name)]
        for name, what in _WATCHED:
            if what(pending) != what(self._running):
                waiting.append(name)
        if waiting:
            yield f"changed, and in force after a restart: {', '.join(waiting)}"

    def _tell(self, finding: Finding) -> None:
        if finding.severity == "error":
            self._log.error("{finding}", finding=str(finding))
        else:
            self._log.warn("{finding}", finding=str(finding))


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
