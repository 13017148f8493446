"""Programs that connect as a service (XEP-0114): their domains, their secrets, and who of them is connected.

Rules that live here: each domain has one connection at most, and its ``conflict`` says what becomes of a second one.
A connection has the domain of its header, and those whose ``connection_of`` names that domain.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from xmppd.config.kinds import DomainKind
from xmppd.config.options import HostSettings
from xmppd.core.bounded import Bounded
from xmppd.core.environment import Environment
from xmppd.core.hooks import Hook
from xmppd.core.host import Hosts
from xmppd.core.router import Router
from xmppd.core.timers import Timers
from xmppd.services.components.door import ComponentDoor, ComponentStream
from xmppd.services.components.queue import ComponentQueue
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StreamError
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Storage

__all__ = ["CONNECTED", "DISCONNECTED", "ComponentStream", "Components", "Connection"]

PING: Final = Element("ping", "urn:xmpp:ping")
REMEMBERED: Final = 10_000
"""Of so many it is known what a component has heard last, so that it hears that once (XEP-0356 8.2)."""
CONFLICT: Final = StreamError("conflict", "Another connection is this service")


class Connection(NamedTuple):
    """A component that has connected, or is no longer connected, with one of its domains."""

    name: str


CONNECTED = Hook[Connection](
    "component-connected",
    "Notified at each host with accounts when a component has connected, for each of its domains.",
)
DISCONNECTED = Hook[Connection](
    "component-disconnected",
    "Notified at each host with accounts when a component is no longer connected, for each of its domains.",
)


class Components:
    """All components of the configuration that connect from outside."""

    _log = Logger()

    def __init__(
        self, hosts: Hosts, router: Router, storage: Storage, timers: Timers, environment: Environment
    ):
        """Open the door of each domain."""
        self._hosts = hosts
        self._router = router
        self.new_id = environment.own_id
        """Gives so many unguessable bytes as text, for what is sent to components."""
        self.told: Bounded[tuple[str, str], object] = Bounded(REMEMBERED)
        """What presence each component (by name) was told last, of whom (by full JID), whichever host has told it."""
        self._doors: dict[str, ComponentDoor] = {}
        for host in hosts:
            if host.kind is DomainKind.COMPONENT:
                queue = ComponentQueue(host, storage, timers, environment.now, environment.own_id)
                door = self._doors[host.name] = ComponentDoor(host, queue, self._ping, timers)
                router.service(host.name).open(door)

    def __iter__(self) -> Iterator[ComponentDoor]:
        return iter(self._doors.values())

    def get(self, name: str | None) -> ComponentDoor | None:
        """Give the door of the component with this (prepared) name, connected or not; None where there is none."""
        return self._doors.get(name) if name is not None else None

    def is_connected(self, name: str) -> bool:
        """Whether there is a component of this (prepared) name, and it is connected."""
        door = self._doors.get(name)
        return door is not None and door.stream is not None

    def secret_of(self, name: str) -> bytes:
        """Give the secret of a component; nothing where its file cannot be read, which the log tells.

        Reads a small file, so that a new secret needs no new start.
        """
        settings = self._hosts[name].settings
        if settings.secret is not None:
            return settings.secret.get_secret_value().encode()
        try:
            return _first_line(settings)
        except OSError as error:
            self._log.error("The secret of {name} cannot be read: {reason}", name=name, reason=str(error))
            return b""

    def connect(self, stream: ComponentStream, name: str) -> tuple[str, ...] | None:
        """Let *stream*, which has shown the secret of *name*, be that service; gives its domains.

        None where another connection is it and stays.
        """
        names = (name, *self._beside(name))
        before = {door.stream for door in map(self._doors.__getitem__, names) if door.stream is not None}
        if before and self._hosts[name].settings.conflict == "refuse":
            return None
        for other in before:
            other.fail(CONFLICT)
        return names

    def connected(self, stream: ComponentStream) -> None:
        """*stream* has heard that it is connected, and takes stanzas for its domains from now on."""
        for name in stream.names:
            self._doors[name].connected(stream)
        self._notify(CONNECTED, stream.names)

    def disconnected(self, stream: ComponentStream) -> None:
        """*stream* is gone; harmless the second time."""
        gone = [name for name in stream.names if self._doors[name].stream is stream]
        for name in gone:
            self._doors[name].disconnected(stream)
        self._notify(DISCONNECTED, gone)

    def _ping(self, name: str) -> Deferred[Stanza]:
        """Ask a component whether it is there; fires as `Router.request`."""
        asking = next(
            (host for host in self._hosts.of_accounts if name.endswith(f".{host.name}")),
            self._hosts.of_accounts[0],
        )
        ping = Stanza.make("iq", PING, from_=asking.name, to=name, id=self.new_id(9), type="get")
        return self._router.request(ping)

    def _beside(self, name: str) -> Iterator[str]:
        return (other for other, door in self._doors.items() if door.host.settings.connection_of == name)

    def _notify(self, hook: Hook[Connection], names: tuple[str, ...] | list[str]) -> None:
        for name in names:
            for host in self._hosts.of_accounts:
                host.hooks.notify(hook, Connection(name))


def _first_line(settings: HostSettings) -> bytes:
    if settings.secret_file is None:
        return b""
    return settings.secret_file.read_bytes().partition(b"\n")[0].strip()
