"""What a scenario needs of a server, and what every server under test can do."""

import enum
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.servers.certificate import Certificate
from benchmarks.servers.process import ServerProcess, free_port


class Profile(enum.Enum):
    """Which modules are on, alike on every server."""

    LEAN = "roster, disco, private, vCard, blocking, offline on; archive, carbons, XEP-0198, CSI off"
    DURABLE = "the same and archive (SQLite), carbons, XEP-0198, CSI on"
    DURABLE_FILES = "the same, the archive in the server's own files"
    SHIPPED = "modules as the server ships them, and the archive on"


@dataclass(frozen=True, slots=True)
class Needs:
    """What must exist before a scenario starts: accounts u0, u1, …, their rosters and archives."""

    profile: Profile = Profile.LEAN
    accounts: int = 0
    contacts: int = 0
    """How many of u1, u2, … have a mutual subscription with u0."""
    rooms: bool = False
    archived: int = 0
    """How many messages u0's archive holds."""
    pep: bool = False
    web: bool = False
    """Whether clients come over WebSocket and BOSH, too, and files are uploaded and downloaded."""
    nodes: bool = False
    """Whether there is a pubsub service, where u0 may make nodes."""
    turns: bool = False
    """Whether the turns of the server's reactor are timed."""


class Unsupported(Exception):
    """This server cannot do what the scenario asks; the reason goes into the table."""


class Server(ABC):
    """One server under test in a folder of its own; used once."""

    name = ""
    durability = ""
    """What an acknowledged message survives in the durable profile, in the words of the table."""
    times_turns = False
    """Whether ``turns`` can be asked."""

    def __init__(self, folder: Path, needs: Needs, certificate: Certificate) -> None:
        self.folder = folder
        self.needs = needs
        self.certificate = certificate
        self.port = free_port()
        self.http_port = free_port()
        self.started_in_s = 0.0
        self._process: ServerProcess | None = None

    @classmethod
    @abstractmethod
    def missing(cls) -> str:
        """Say why this server cannot be run here; empty when it can."""

    @classmethod
    @abstractmethod
    def version(cls) -> str:
        """Give the installed version."""

    @classmethod
    def lacks(cls) -> Sequence[str]:
        """Name the parts of the lean profile that do not exist yet, so that nobody compares unlike work."""
        return ()

    @abstractmethod
    def prepare(self) -> None:
        """Write configuration and seeds; may raise Unsupported."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Give the command line that runs the server in the foreground."""

    def environment(self) -> dict[str, str]:
        """Give what is added to the environment."""
        return {}

    def is_seeded(self) -> bool:
        """Whether all that seeds itself after the start is there."""
        return True

    def after_start(self) -> None:
        """Seed what can be seeded only in the running server."""
        return

    def turns(self) -> dict[str, float]:
        """Give what was seen of the reactor's turns since the last call, where that can be asked."""
        raise NotImplementedError

    def muc_host(self) -> str:
        """Give the domain of the room service."""
        return "rooms.localhost"

    def nodes_host(self) -> str:
        """Give the domain of the pubsub service."""
        return "pubsub.localhost"

    @property
    def pid(self) -> int:
        """Give the process identifier of the running server."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start and wait until streams are answered; ``started_in_s`` is what that took."""
        self._process = ServerProcess(self.command(), self.folder, self.environment())
        self.started_in_s = self._process.wait_for_port(self.port)
        self._process.wait_for(self.is_seeded)
        self.after_start()

    def last_words(self) -> str:
        """Say how the server ended by itself; nothing while it runs, or was never started."""
        return self._process.last_words() if self._process is not None else ""

    def stop(self) -> None:
        """End the server's processes, make sure that none is left, and remove its folder."""
        if self._process is not None:
            self._process.stop()
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)


def installed(program: str) -> str:
    """Say that a program is missing, or nothing."""
    return "" if shutil.which(program) else f"{program} is not installed"


def debian_version(package: str) -> str:
    """Ask the package system for the version without the packager's part."""
    asked = subprocess.run(
        ["dpkg-query", "-Wf", "${Version}", package], check=False, capture_output=True, text=True
    )
    return asked.stdout.split("-")[0] or "unknown"
