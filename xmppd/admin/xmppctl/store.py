"""Accounts without a running server: the same commands, straight on the store, under its lock.

This is a composition point of its own: it opens the storage of the configuration and runs Twisted's reactor in a
thread, so that the rest of xmppctl, which is blocking, calls it as it calls a server. Loaded only where it is needed.
"""

import errno
import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any, Final, NoReturn

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import blockingCallFromThread, deferToThread
from twisted.logger import globalLogBeginner, textFileLogObserver

from xmppd.admin.control import hosts, invitations, users
from xmppd.admin.control.client import Connection
from xmppd.admin.control.parts import ControlParts, gathered
from xmppd.admin.control.path import socket_path
from xmppd.admin.control.wire import ControlError, Progress
from xmppd.admin.folder import FolderError, FolderOfAnother, make_data_folder, who
from xmppd.admin.operations.catalogue import SUBJECTS
from xmppd.admin.rights import ROOT, User, become
from xmppd.config.findings import ConfigErrors
from xmppd.config.model import Config
from xmppd.config.obstacles import Obstacle, obstacle_to, user_name
from xmppd.config.read import load
from xmppd.core import events
from xmppd.core.environment import CurrentConfiguration, Environment
from xmppd.core.loader import Loader
from xmppd.core.operations.declaring import Args
from xmppd.core.operations.running import Operations, runnable_in
from xmppd.core.stations import SUBSCRIBING
from xmppd.services.parts import make_parts
from xmppd.services.roster.subscription_states import TYPES
from xmppd.services.roster.subscriptions import Subscriptions
from xmppd.storage.interface import Storage, StorageError
from xmppd.storage.lock import DataLock, DataLocked
from xmppd.storage.memory import MemoryStorage
from xmppd.storage.open import open_storage
from xmppd.storage.sqlite.rename import rename_domain

_MAKING: Final = frozenset(("user.add", "user.import", "invite.account", "invite.contact"))
"""What keeps something where nothing was before."""
TRACEBACK_VARIABLE = "XMPPCTL_TRACEBACK"

reactor: Any = _reactor


def open_store(config_file: Path | None, env: Mapping[str, str]) -> Connection:
    """Open the storage of a configuration, its lock held; `ControlError` where that is not possible."""
    try:
        config = load(config_file, env)
    except ConfigErrors as error:
        raise ControlError("config-errors", str(error)) from error
    if config.storage_file is None:
        why = f'[storage] url = "{config.storage.url}" keeps nothing while the server does not run'
        raise ControlError("no-store", f"{why}; start it first: xmppd")
    return Store(config)


class Store:
    """An opened store that does commands about accounts; as a `ControlClient` to those who call it.

    Where there is no data folder yet, an empty one in memory stands for it until a command is to keep something: who
    only looks, or is refused, makes nothing.
    """

    def __init__(self, config: Config):
        """Start the storage. Raises `ControlError` where its data cannot be used."""
        self._config = config
        self._lock = DataLock(config.data_dir)
        self._is_open = False
        self._use(MemoryStorage())
        if not _is_missing(config.data_dir):
            self._open()
        observers = [textFileLogObserver(sys.stderr)] if TRACEBACK_VARIABLE in os.environ else []
        globalLogBeginner.beginLoggingTo(observers, redirectStandardIO=False, discardBuffer=True)
        self._thread = Thread(target=reactor.run, kwargs={"installSignalHandlers": False}, daemon=True)
        self._thread.start()
        blockingCallFromThread(reactor, self._storage.start)

    def _open(self) -> None:
        """Take the lock, and what is in the folder, which is made where it is missing."""
        config = self._config
        _take(self._lock, config.data_dir)
        try:
            storage = open_storage(config.storage.url, config.data_dir, reactor, config.storage.durability)
            storage.prepare()
        except StorageError as error:
            self._lock.release()
            raise ControlError("storage-failed", str(error)) from error
        self._is_open = True
        self._use(storage)

    def _use(self, storage: Storage) -> None:
        self._storage = storage
        self._operations = Operations()
        self._operations.add(_parts(self._config, storage), runnable_in(SUBJECTS, users, hosts, invitations))

    def call(self, command: str, args: Args, on_progress: Progress = lambda content: None) -> Any:
        """Do a command and give its result; raises `ControlError`. Progress is told in another thread."""
        if not self._is_open and command in _MAKING:
            self._open()
            blockingCallFromThread(reactor, self._storage.start)
        return blockingCallFromThread(reactor, self._operations.run, command, args, on_progress)

    def close(self) -> None:
        """Wait until all is on disk, and let go of the lock."""
        stop: Any = self._storage.stop  # a Deferred of None, which the type of the next function cannot say
        blockingCallFromThread(reactor, stop)
        reactor.callFromThread(reactor.stop)
        self._thread.join()
        self._lock.release()


def _is_missing(folder: Path) -> bool:
    """Whether there is no *folder*, and nothing in its place or in the way to it."""
    obstacle = obstacle_to(folder)
    return obstacle is not None and obstacle.errno == errno.ENOENT and not folder.is_symlink()


def _take(lock: DataLock, data_dir: Path) -> None:
    try:
        _become_owner(data_dir)
        make_data_folder(data_dir)
        lock.acquire()
    except FolderOfAnother as error:
        owner = data_dir.stat().st_uid
        why = f"{data_dir} belongs to the user {user_name(owner)}"
        remedy = f"run xmppctl as that user, or as root: sudo -u {who(owner)} xmppctl …"
        raise ControlError("not-owner", f"{why}; {remedy}") from error
    except FolderError as error:
        raise ControlError("no-data-folder", str(error)) from error
    except DataLocked as error:
        holder = f"process {error.pid}" if error.pid else "another process"
        raise ControlError(
            "locked",
            f"{holder} works with {data_dir}, but nobody answers on {socket_path(data_dir)}; if it is just starting or "
            "stopping, try again, else stop it",
        ) from error
    except OSError as error:
        why = Obstacle.of(data_dir, error).why
        raise ControlError(
            "no-data-folder", f"{data_dir} cannot be used: {why}; see xmppctl check"
        ) from error


def _become_owner(data_dir: Path) -> None:
    """Root works as the user whose data they are, for good: this process does nothing else."""
    if os.geteuid() == ROOT and data_dir.is_dir():
        become(User.of(data_dir.stat().st_uid))


def _parts(config: Config, storage: Storage) -> ControlParts:
    parts = make_parts(CurrentConfiguration(config), storage, _environment())
    services = parts.services
    for host in parts.hosts:
        host.hooks.add(
            events.ACCOUNT_PRESENCE, lambda traffic: _told(services[Subscriptions], traffic), SUBSCRIBING
        )
    loader = Loader({}, _no_modules, _no_modules)
    return replace(gathered(parts, loader, config.data_dir, is_running=False), rename=_renaming(config))


def _renaming(config: Config) -> Callable[[str, str], object]:
    """What finds words goes with the old names, and is made again."""

    def rename(old: str, new: str) -> int:
        assert config.storage_file is not None, "a store without a file is not opened here"
        renamed = rename_domain(config.storage_file, old, new)
        Path(f"{config.storage_file}.words").unlink(missing_ok=True)
        return renamed

    return rename


def _environment() -> Environment:
    """Nobody logs in here, so that there is no secret for decoys."""
    return Environment(reactor, time.time, deferToThread, secrets.token_urlsafe, b"")


def _told(subscriptions: Subscriptions, traffic: events.Traffic) -> Deferred[bool] | bool:
    """A contact of this server learns at once that an account is gone, one of another when it asks next."""
    if traffic.stanza.type not in TYPES:
        return True
    owner, contact = (jid.with_resource(None) for jid in (traffic.target, traffic.sender))
    return subscriptions.receive(traffic.stanza, owner, contact).addCallback(lambda _: True)


def _no_modules(*args: object) -> NoReturn:
    raise LookupError("no module is loaded without a server")
