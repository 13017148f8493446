"""The control socket as a part of the server: it listens while the server runs."""

import os
import stat
from pathlib import Path

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IReactorUNIX
from twisted.logger import Logger

from xmppd.admin.control import (
    alike,
    announcements,
    certificates,
    components,
    contacts,
    hosts,
    invitations,
    lending,
    log,
    messages,
    modules,
    nodes,
    peers,
    people,
    reports,
    rooms,
    server,
    sessions,
    stats,
    uploads,
    users,
)
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.path import foreign_folder, socket_path
from xmppd.admin.control.protocol import ControlFactory
from xmppd.admin.operations.catalogue import SUBJECTS
from xmppd.core.operations.running import Operations, runnable_in

SOURCES = (
    uploads,
    users,
    people,
    lending,
    contacts,
    alike,
    announcements,
    messages,
    nodes,
    invitations,
    hosts,
    sessions,
    rooms,
    components,
    peers,
    reports,
    modules,
    certificates,
    log,
    server,
    stats,
)
"""The files of what does the operations."""
_NOT_FOR_OTHERS = 0o177
"""The umask under which the socket comes to be: nobody else can connect, not even for a moment."""


def offer(operations: Operations, parts: ControlParts) -> None:
    """Have all operations be done with *parts*."""
    operations.add(parts, runnable_in(SUBJECTS, *SOURCES))


class Control(Service):
    """Listens on the control socket. Whoever holds the data lock may start it: a socket found there is a dead one."""

    _log = Logger()

    def __init__(self, reactor: IReactorUNIX, operations: Operations, data_dir: Path):
        """Nothing happens before `startService`."""
        self._reactor = reactor
        self._operations = operations
        self._data_dir = data_dir
        self._port: IListeningPort | None = None

    @property
    def path(self) -> Path:
        """Where the socket is."""
        return socket_path(self._data_dir)

    def startService(self) -> None:
        """Listen. Where that fails, say so in the log and run on without: the server is of use all the same."""
        super().startService()  # type: ignore[no-untyped-call]  # Twisted's
        try:
            self._port = self._listen()
        except (OSError, CannotListenError) as error:
            self._log.error(
                "There is no control socket {path}: {reason}; xmppctl cannot reach this server",
                path=str(self.path),
                reason=str(getattr(error, "socketError", error)),
            )

    def stopService(self) -> Deferred[None] | None:
        """Take the socket away. Open connections stay until the process ends: that is how xmppctl sees the end."""
        super().stopService()  # type: ignore[no-untyped-call]  # Twisted's
        port, self._port = self._port, None
        return port.stopListening() if port is not None else None

    def _listen(self) -> IListeningPort:
        path = self.path
        self._make_room(path)
        factory = ControlFactory(self._operations)
        before = os.umask(_NOT_FOR_OTHERS)
        try:
            port: IListeningPort = self._reactor.listenUNIX(str(path), factory, mode=0o600)
        finally:
            os.umask(before)
        return port

    def _make_room(self, path: Path) -> None:
        if path.parent != self._data_dir.resolve():
            path.parent.mkdir(mode=0o700, exist_ok=True)
        why = foreign_folder(path, self._data_dir)
        if why is not None:
            raise OSError(why)
        if path.exists() and stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()
