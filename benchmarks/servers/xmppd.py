"""xmppd itself: configuration, accounts and rosters; the one file that knows its option names."""

import importlib.metadata
import importlib.util
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import xmppd.modules
from benchmarks.servers.base import Profile, Server, Unsupported
from benchmarks.servers.xmppd_seed import seed
from xmppd.core.loader import find_modules

ROOT = Path(__file__).parent.parent.parent
TURNS = "turns.json"
TURNS_LIMIT_S = 5.0
POLL_S = 0.01
LEAN = ("roster", "disco", "private", "vcard", "blocking", "offline")
DEVICES = ("mam", "carbons", "sm", "csi")
"""The modules that the lean profile turns off, those of them that exist."""
EVENTING = ("avatars", "bookmarks", "pep", "vcard4")
"""Personal eventing, and what is built on it."""
CONFIGURATION = """\
data_dir = "{folder}/data"
[hosts."localhost"]
certificate = "{chain}"
key = "{key}"
[c2s]
listen = ["127.0.0.1:{port}"]
direct_tls_listen = []
require_tls = false
allow_plain_without_tls = true
[http]
listen = [{http}]
[storage]
url = "sqlite:xmppd.sqlite"
[log]
level = "warn"
[limits]
connections_per_address = 100_000
"""
ROOMS = """\
[components."rooms.localhost"]
module = "muc"
[components."rooms.localhost".modules.muc]
lock = false
messages_per_minute = 0
room_messages_per_minute = 0
"""
FILES = """\
[components."upload.localhost"]
module = "upload"
[components."upload.localhost".modules.upload]
max_bytes = 1_000_000_000
account_bytes = 0
day_bytes = 0
total_bytes = 0
"""
NODES = """\
[components."pubsub.localhost"]
module = "pubsub"
"""


class Xmppd(Server):
    """xmppd as it ships, its caps for one address raised, since all clients come from one."""

    name = "xmppd"
    more = ""
    """What is added to the configuration."""
    times_turns = True
    durability = 'durability = "power" (WAL, fsync at each group commit)'

    @classmethod
    def missing(cls) -> str:
        """Say why xmppd cannot be run here."""
        return "" if importlib.util.find_spec("xmppd") else "xmppd is not installed for this Python"

    @classmethod
    def version(cls) -> str:
        """Give the version of the installed package."""
        return importlib.metadata.version("xmppd")

    @classmethod
    def lacks(cls) -> Sequence[str]:
        """Name the modules of the lean profile that are not written yet."""
        return [name for name in LEAN if not _has_module(name)]

    def command(self) -> Sequence[str]:
        """Run the command ``xmppd`` with the reactor it chooses itself, as its unit for systemd does."""
        timed = ("benchmarks.turns", f"{self.folder}/{TURNS}")
        what = timed if self.needs.turns else ("xmppd.admin.launch",)
        return [sys.executable, "-m", *what, "--config", f"{self.folder}/xmppd.toml"]

    def environment(self) -> dict[str, str]:
        """Let it find this package, and keep compiled what it was installed with compiled."""
        path = os.pathsep.join((str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])))
        return {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": ""}

    def turns(self) -> dict[str, float]:
        """Ask by a signal, and wait for the file."""
        file = self.folder / TURNS
        file.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        until = time.monotonic() + TURNS_LIMIT_S
        while not file.exists():
            if time.monotonic() > until:
                raise Unsupported("it does not tell how long its turns are")
            time.sleep(POLL_S)
        noted: dict[str, float] = json.loads(file.read_text())
        return noted

    def prepare(self) -> None:
        """Write the configuration and make the accounts."""
        profile = self.needs.profile
        if profile is Profile.DURABLE_FILES:
            raise Unsupported("SQLite is its only durable storage")
        lacking = [name for name in self._needed() if not _has_module(name)]
        if lacking:
            raise Unsupported(f"it does not have yet: {', '.join(lacking)}")
        if self.needs.rooms and not _has_module("muc"):
            raise Unsupported("it has no rooms yet")
        text = CONFIGURATION.format(
            folder=self.folder,
            chain=self.certificate.chain,
            key=self.certificate.key,
            port=self.port,
            http=f'"127.0.0.1:{self.http_port}"' if self.needs.web else "",
        )
        text += "".join(f"[modules.{name}]\nenabled = false\n" for name in self._off())
        (self.folder / "xmppd.toml").write_text(text + "".join(self._services()) + self.more)
        data = self.folder / "data"
        data.mkdir(mode=0o700)
        seed(data / "xmppd.sqlite", self.needs.accounts, self.needs.contacts, self.needs.archived)

    def _services(self) -> Iterator[str]:
        if self.needs.rooms:
            yield ROOMS
            if self.needs.profile is Profile.LEAN:
                yield "archive = false\n"
        if self.needs.nodes:
            yield NODES
        if self.needs.web:
            yield FILES

    def _needed(self) -> Sequence[str]:
        if self.needs.archived:
            return ("mam",)
        return () if self.needs.profile is Profile.LEAN else DEVICES

    def _off(self) -> Sequence[str]:
        if self.needs.profile is not Profile.LEAN:
            return ()
        eventing = () if self.needs.pep else EVENTING
        return [name for name in (*DEVICES, *eventing) if _has_module(name)]


class XmppdOnTwisted(Xmppd):
    """The same on Twisted's own transport and reactor: what ours are worth."""

    name = "xmppd-on-twisted"
    times_turns = False
    more = '[net]\ntransport = "twisted"\nreactor = "default"\n'


def _has_module(name: str) -> bool:
    return name in _modules()


@cache
def _modules() -> frozenset[str]:
    """The names that modules have, which are not all those of their files."""
    return frozenset(find_modules(xmppd.modules))
