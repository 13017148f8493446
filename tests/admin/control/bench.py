"""The control commands over a whole server in memory."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.service import offer
from xmppd.admin.control.wire import ControlError
from xmppd.admin.metrics.measuring import measured
from xmppd.core.log import LogWriter
from xmppd.core.module import Module
from xmppd.core.operations.running import Operations
from xmppd.core.turns import SPACE_S
from xmppd.services.uploads.uploads import Uploads
from xmppd.testing.server import MemoryServer

HOSTS = '[hosts."localhost"]\n[hosts."example.org"]\n'


TURNS = 50
"""So many turns a command may take."""


class ControlBench:
    """A server in memory, and its commands."""

    def __init__(self, options: str = HOSTS, modules: Iterable[type[Module]] = ()):
        self.memory = MemoryServer(options, modules=modules)
        self.server = self.memory.server
        self.started_at = self.server.streams.now()
        self.reloaded: Any = []
        self.stops = 0
        self.progress: list[Any] = []
        self.parts = ControlParts(
            hosts=self.server.hosts,
            registry=self.server.registry,
            uploads=self.server.services[Uploads],
            loader=self.server.loader,
            services=self.server.services,
            storage=self.server.storage,
            timers=self.server.timers,
            log=LogWriter(descriptor=-1),
            measured=measured(
                self.server.core,
                self.server.addresses,
                self.server.peers(None),
                (self.memory.factory,),
                dict,
            ),
            data_dir=Path("/srv/data"),
            version="1.2",
            started_at=self.started_at,
            now=self.server.streams.now,
            reload=self._reload,
            stop=self._stop,
            listening=lambda: ["127.0.0.1:5222 (STARTTLS)"],
        )
        self.commands = self.server.services[Operations]
        offer(self.commands, self.parts)

    def do(self, command: str, **args: Any) -> Any:
        """Do a command and give its result; raises `ControlError`."""
        results: list[Any] = []
        errors: list[ControlError] = []
        running = self.commands.run(command, args, self.progress.append)
        running.addCallbacks(results.append, lambda failure: errors.append(failure.value))
        for _ in range(TURNS):
            if not results and not errors:
                self.memory.clock.advance(SPACE_S)
        for error in errors:
            raise error
        return results[0]

    def begin(self, command: str, **args: Any) -> Deferred[Any]:
        """Begin a command without an end; what it tells is in `progress`. To be cancelled."""
        running = self.commands.run(command, args, self.progress.append)
        running.addErrback(lambda failure: failure.trap(ControlError) and None)
        return running

    def refusal(self, command: str, **args: Any) -> tuple[str, str]:
        """Do a command that must fail; gives the error's id and message."""
        try:
            result = self.do(command, **args)
        except ControlError as error:
            return error.id, error.message
        raise AssertionError(f"{command} gave {result!r}")

    async def _reload(self) -> Any:
        if isinstance(self.reloaded, Exception):
            raise self.reloaded
        return self.reloaded

    def _stop(self) -> None:
        self.stops += 1
