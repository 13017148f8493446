"""What every command has at hand: the options that hold for all, and the way to the server or to its store."""

import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xmppd.admin.control.client import Connection, ControlClient, ServerNotRunning
from xmppd.admin.control.wire import ControlError
from xmppd.admin.xmppctl.locate import DATA_VARIABLE, DataFolder, data_folder, owner_of, running_here
from xmppd.admin.xmppctl.output import complain
from xmppd.core.operations.declaring import Args


def _open_store(config_file: Path | None, env: Mapping[str, str]) -> Connection:
    """Load what works on the store only where it is needed: it brings Twisted with it."""
    opened: Connection = importlib.import_module("xmppd.admin.xmppctl.store").open_store(config_file, env)
    return opened


def _mistakes(config_file: Path | None, env: Mapping[str, str]) -> str:
    """Say what is wrong with a configuration in the server's words; only then its reader is loaded."""
    findings = importlib.import_module("xmppd.config.read").examine(config_file, env).findings
    return "\n".join(str(finding) for finding in findings)


@dataclass
class Tool:
    """The options of this call, and the doors to the data: a running server's, or the store's own."""

    config_file: Path | None = None
    is_json: bool = False
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    reach_server: Callable[[Path], Connection] = ControlClient.connect
    running_here: Callable[[], list[Path]] = running_here
    """The data folders of the servers that run on this machine."""
    open_store: Callable[[Path | None, Mapping[str, str]], Connection] = _open_store

    @contextmanager
    def server(self) -> Iterator[Connection]:
        """Give a connection to the running server; `ControlError` ``not-running`` where there is none."""
        folder = self._folder()
        try:
            connection = self._reach(folder)
        except ServerNotRunning as error:
            raise self._not_running(folder) from error
        with closing(connection):
            yield connection

    @contextmanager
    def accounts(self) -> Iterator[Connection]:
        """Give a connection to the running server, else to the store, whose lock is held meanwhile."""
        folder = self._folder()
        try:
            connection = self._reach(folder)
        except ServerNotRunning as error:
            if not folder.is_named and not folder.path.is_dir():
                raise self._no_folder(folder) from error
            connection = self.open_store(self.config_file, self.env)
        with closing(connection):
            yield connection

    def ask_server(self, command: str, **args: object) -> Any:
        """Have the running server do one command; arguments that are None are left out."""
        with self.server() as connection:
            return connection.call(command, _given(args))

    def ask_accounts(self, command: str, **args: object) -> Any:
        """Do one command on the running server, else on the store; arguments that are None are left out."""
        with self.accounts() as connection:
            return connection.call(command, _given(args))

    def data_dir(self) -> Path:
        """Give the data folder, whether it is there or not; `ControlError` where the configuration cannot be read."""
        return self._folder().path

    def _folder(self) -> DataFolder:
        try:
            return data_folder(self.config_file, self.env)
        except (OSError, ValueError) as error:
            raise ControlError(
                "config-errors", _mistakes(self.config_file, self.env) or str(error)
            ) from error

    def _reach(self, folder: DataFolder) -> Connection:
        """Reach the server of *folder*; where nobody has named one, and there is none, the only one of this user."""
        try:
            return self.reach_server(folder.path)
        except ServerNotRunning:
            if folder.is_named or self.config_file is not None or folder.path.exists():
                raise
        ours = [found for found in self.running_here() if owner_of(found) == os.geteuid()]
        if not ours:
            raise ServerNotRunning(str(folder.path))
        if len(ours) > 1:
            which = ", ".join(map(str, ours))
            raise ControlError(
                "several-servers",
                f"several servers run here: {which}; say which: {DATA_VARIABLE}={ours[0]} xmppctl …",
            )
        complain(f"there is no {folder.path}: taking the server on {ours[0]}")
        return self.reach_server(ours[0])

    def _no_folder(self, folder: DataFolder) -> ControlError:
        """Say where was looked, and what there is else."""
        others = [found for found in self.running_here() if found != folder.path]
        names = ", ".join(f"{found} (user {_owner_name(found)})" for found in others)
        running = f"; servers run on {names}" if others else ""
        is_unsaid = self.config_file is not None and not folder.is_named
        unsaid = f", and {self.config_file} has no data_dir" if is_unsaid else ""
        if folder.path.exists():
            return ControlError(
                "no-data-folder", f"{folder.path} is a file and no data folder; see xmppctl check"
            )
        return ControlError(
            "no-data-folder",
            f"there is no data folder {folder.path}{unsaid}{running}; start the server once, or say where its data "
            f"are: data_dir in the file of --config, or ${DATA_VARIABLE}",
        )

    def _not_running(self, folder: DataFolder) -> ControlError:
        if not folder.path.is_dir():
            return self._no_folder(folder)
        start = "xmppd" if self.config_file is None else f"xmppd --config {self.config_file}"
        return ControlError("not-running", f"no server is running on {folder.path}; to start it: {start}")


def _owner_name(folder: Path) -> str:
    """Whose *folder* is, by name."""
    owner = owner_of(folder)
    return (
        "unknown"
        if owner is None
        else str(importlib.import_module("xmppd.config.obstacles").user_name(owner))
    )


def _given(args: Args) -> Args:
    return {name: value for name, value in args.items() if value is not None}
