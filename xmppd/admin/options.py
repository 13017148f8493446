"""The command line of ``twistd xmppd``, and what follows from it before anything starts."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from twisted.python import usage

import xmppd.net.transport.reactor
from xmppd import __version__
from xmppd.admin.settings import known_modules, read_settings
from xmppd.config.findings import ConfigErrors, has_errors
from xmppd.config.model import Config
from xmppd.storage.lock import DataLock, DataLocked

LOG_NAME = "xmppd.log"
"""Where a daemon's log goes if nobody says otherwise: in the data folder."""
CHECKS = ("config", "names", "certificates")
"""What ``--check`` looks at. Not whether ports are free: a server may be running."""

_REACTOR = "twisted.internet.reactor"
_STATUS_OF_PROBLEMS = 2


class Options(usage.Options):
    """The command line. After parsing, `settings` is the configuration, and our reactor is installed."""

    synopsis = "[options]"
    longdesc = "An XMPP server. Without a configuration it serves localhost to this machine."
    optParameters = [
        ["config", "c", None, "The configuration file (TOML); without it the defaults hold."],
    ]
    optFlags = [["check", None, "Check the configuration and end: status 0 if it is fine, 2 if it is not."]]
    settings: Config

    def opt_version(self) -> None:
        """Show the version and end."""
        print(f"xmppd {__version__}")
        raise SystemExit(0)

    def postOptions(self) -> None:
        """Read the configuration, or end with everything that is wrong in it."""
        if self["check"]:
            raise SystemExit(_check(self["config"]))
        try:
            self.settings = read_settings(self["config"], os.environ)
        except ConfigErrors as errors:
            from xmppd.admin.refusal import refusal  # a start has no need of it

            raise SystemExit(refusal(errors, self["config"])) from errors
        if self.of_twistd("pidfile"):
            self._look_for_another()
            self._look_at_pid_file(Path(self.of_twistd("pidfile")))
        install_reactor(self.settings.net.reactor)

    def _look_for_another(self) -> None:
        """Say in our one line that a server works with these data, before twistd tells of its pid file in four."""
        folder = self.settings.data_dir
        try:
            if folder.is_dir():
                lock = DataLock(folder)
                lock.acquire()
                lock.release()
        except DataLocked as error:
            raise SystemExit(f"xmppd: {error}") from error
        except OSError:
            return  # it is told when the lock is taken for good

    def _look_at_pid_file(self, file: Path) -> None:
        """Say in a line what a number means that a server left when it was killed: it may be any process's by now."""
        try:
            pid = int(file.read_text())
            os.kill(pid, 0)
        except (OSError, ValueError, OverflowError):
            return  # it is nobody's, and twistd removes the file; or twistd says in a line what is wrong with it
        who = f"process {pid}, which {file.absolute()} names, is alive, and no server with these data"
        raise SystemExit(
            f"xmppd: {who}: remove the file if it was left over, or name another with --pidfile="
        )

    @property
    def log_file(self) -> Path | None:
        """The file of the log: the configuration's, else twistd's, else a daemon's own; None is standard output."""
        given = self.of_twistd("logfile")
        if self.settings.log.file is not None or (given and given != "-"):
            return self.settings.log.file or Path(os.path.abspath(given))
        return self.settings.data_dir / LOG_NAME if self.is_daemon else None

    def of_twistd(self, name: str) -> Any:
        """Give an option of twistd's own; None where something else has parsed these."""
        parent = getattr(self, "parent", None)
        return None if parent is None else parent[name]

    @property
    def is_daemon(self) -> bool:
        """Whether twistd will fork; its ``--debug`` keeps it from that."""
        return self.of_twistd("nodaemon") == 0 and not self.of_twistd("debug")


def install_reactor(name: str) -> None:
    """Install the reactor of ``[net] reactor`` unless there is one already, which ``twistd --reactor`` chose."""
    if name == "xmppd" and _REACTOR not in sys.modules:
        xmppd.net.transport.reactor.install()


def _check(path: str | None) -> int:
    from xmppd.admin.check.run import run_checks  # a start has no need of it

    findings = run_checks(path, os.environ, only=CHECKS, modules=known_modules())
    is_fine = not has_errors(findings)
    lines = [f"{finding.severity}: {finding}" for finding in findings]
    _show([*lines, "The configuration is fine."] if is_fine else lines)
    return 0 if is_fine else _STATUS_OF_PROBLEMS


def _show(lines: Iterable[str]) -> None:
    """Print, to a terminal of any encoding; a disk that is full is no reason for a traceback either."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        for line in lines:
            print(line.encode(encoding, "backslashreplace").decode(encoding), flush=True)
    except OSError as error:
        raise SystemExit(f"xmppd: what was found cannot be written: {error.strerror}") from error
