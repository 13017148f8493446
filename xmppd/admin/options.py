"""The command line of ``twistd xmppd``, and what follows from it before anything starts."""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from twisted.python import usage

import xmppd.net.transport.reactor
from xmppd import __version__
from xmppd.admin.descriptors import open_standard_descriptors
from xmppd.admin.process import (
    check_pid_file,
    group_number,
    run_folder,
    user_number,
    user_to_serve,
)
from xmppd.admin.rights import User, rights_of
from xmppd.admin.settings import known_modules, read_settings
from xmppd.admin.working_folder import CannotRun, check_working_folder
from xmppd.config.findings import ConfigErrors, has_errors
from xmppd.config.model import Config
from xmppd.storage.lock import LOCK_NAME, DataLock, DataLocked

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
        ["uid", "u", None, "The user, by name or number, to serve as where root starts it."],
        ["gid", "g", None, "The group to serve in; without it the one of that user."],
    ]
    optFlags = [["check", None, "Check the configuration and end: status 0 if it is fine, 2 if it is not."]]
    settings: Config
    user: User | None = None
    """Who the process becomes before it serves; None where it stays who it is."""

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Parse; before anything of ours is opened, so that no file takes the number of a standard descriptor."""
        open_standard_descriptors("xmppd")
        super().parseOptions(options)  # type: ignore[no-untyped-call]  # Twisted's

    def getSynopsis(self) -> str:
        """Give what to type: the command ``xmppd`` is not twistd's."""
        if getattr(getattr(self, "parent", None), "is_xmppd", False):
            return "Usage: xmppd [options]"
        return str(super().getSynopsis())

    def opt_version(self) -> None:
        """Show the version and end."""
        print(f"xmppd {__version__}")
        raise SystemExit(0)

    def postOptions(self) -> None:
        """Read the configuration, or end with everything that is wrong in it."""
        try:
            check_working_folder()
            self.user = self._user()
            if self["config"] is not None:
                self["config"] = os.path.expanduser(self["config"])
            with rights_of(self.user):
                self._look_around()
            self._prepare_twistd()
        except CannotRun as error:
            raise SystemExit(f"xmppd: {error}") from error
        install_reactor(self.settings.net.reactor)

    def _look_around(self) -> None:
        """Read the configuration, as the user who serves, or end with what is wrong in it."""
        if self["check"]:
            raise SystemExit(_check(self["config"]))
        try:
            self.settings = read_settings(self["config"], os.environ)
        except ConfigErrors as errors:
            from xmppd.admin.refusal import refusal  # a start has no need of it

            raise SystemExit(refusal(errors, self["config"])) from errors
        if self.of_twistd("pidfile"):
            self._look_for_another()

    def _user(self) -> User | None:
        """The user of our own options, else of twistd's."""
        try:
            uid = user_number(self["uid"]) if self["uid"] else self.of_twistd("uid")
            gid = group_number(self["gid"]) if self["gid"] else self.of_twistd("gid")
        except ValueError as error:
            raise CannotRun(str(error)) from error
        return user_to_serve(uid, gid)

    def _prepare_twistd(self) -> None:
        """Tell twistd what it shall do to the process, and try first what it would fail at without a clear word."""
        twistd = getattr(self, "parent", None)
        if twistd is None:
            return
        if twistd["chroot"] is not None:
            raise CannotRun(
                "--chroot is not for xmppd, whose files are outside of it: use the unit's sandbox"
            )
        twistd["rundir"] = run_folder(twistd["rundir"])
        if self.user is not None:
            twistd["uid"], twistd["gid"] = self.user.uid, self.user.gid
        if twistd["pidfile"]:
            file = Path(os.path.abspath(twistd["pidfile"]))
            self._look_at_pid_file(file)
            check_pid_file(file)

    def _look_for_another(self) -> None:
        """Say in our one line that a server works with these data, before twistd tells of its pid file in four."""
        folder = self.settings.data_dir
        try:
            if (folder / LOCK_NAME).exists():
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
            pid = int(file.read_bytes())
            os.kill(pid, 0)
        except ValueError:
            raise CannotRun(
                f"{file} holds no process number: remove it, or name another with --pidfile="
            ) from None
        except (OSError, OverflowError):
            return  # it is nobody's, and twistd removes the file; or it is told when it is to be written
        who = f"process {pid}, which {file.absolute()} names, is alive, and no server with these data"
        raise CannotRun(f"{who}: remove the file if it was left over, or name another with --pidfile=")

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
