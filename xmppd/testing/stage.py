"""Plays dialogues in memory."""

from pathlib import Path

from twisted.internet.defer import Deferred

from xmppd.testing.client import Client
from xmppd.testing.runner import Runner
from xmppd.testing.script import Script, parse_script, read_script
from xmppd.testing.server import MemoryServer, now


class MemoryStage:
    """A dialogue's server in memory."""

    is_in_memory = True

    def __init__(self, options: str, server: MemoryServer | None = None):
        """*options* is TOML for a server of this stage's own; without it, *server* is played against."""
        self.server = MemoryServer(options) if server is None else server

    def add_account(self, address: str) -> None:
        """Make an account, except on hosts whose users have none."""
        if self.server.server.hosts[address.partition("/")[0].partition("@")[2]].settings.auth == "internal":
            self.server.add_account(address)

    def connect(self, client: Client) -> None:
        """Open a connection."""
        self.server.connect(client)

    def pass_time(self, seconds: float) -> None:
        """Move the clock."""
        self.server.pass_time(seconds)


def play(dialogue: str | Path, server: MemoryServer | None = None) -> None:
    """Play a dialogue, a text or a file with one, against *server* or one that is made for it.

    It is over when this returns. AssertionError names the line where something else came than was expected,
    `BadScript` one that means nothing. The language is that of `xmppd.testing.script`.
    """
    script = read_script(dialogue) if isinstance(dialogue, Path) else parse_script(dialogue)
    now(Deferred.fromCoroutine(_play(script, MemoryStage(script.options, server))))


async def _play(script: Script, stage: MemoryStage) -> None:
    runner = Runner(script, stage)
    try:
        await runner.run()
    finally:
        runner.finish()
