"""The README's commands do what it says (promises#two-commands): they are taken from it and run."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
from slixmpp import ClientXMPP
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.sockets.process import ServerProcess
from tests.temporary import temporary_folder
from tests.terminal import typed
from xmppd.admin.xmppctl.app import app
from xmppd.config.read import parse

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.rst").read_text()
PASSWORD = "a good password"
PATIENCE_S = 30.0
BLOCK = re.compile(r"^\.\. code-block:: (\w+)\n\n((?:   .*\n|\n)+)", re.MULTILINE)


def blocks(language: str) -> list[str]:
    """Give the README's code blocks in *language*."""
    return [text for found, text in BLOCK.findall(README) if found == language]


def commands() -> list[str]:
    """Give what the README tells to type, in its order."""
    lines = [line.strip() for block in blocks("console") for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


class CommandTests(SynchronousTestCase):
    """What can be looked at without a server."""

    def recipe(self, target: str) -> str:
        """Give what ``make`` would do, from nothing, though the suite itself may run under make."""
        done = subprocess.run(
            ["make", "--dry-run", target, f"VENV={temporary_folder(self) / '.venv'}"],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.startswith("M")},
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE_S,
        )
        return done.stdout

    def test_make(self) -> None:
        """``make run`` and ``make test`` are the two commands; each makes the environment and installs first."""
        self.assertEqual([line for line in commands() if line.startswith("make")], ["make run", "make test"])
        if shutil.which("make") is None:
            raise SkipTest("make is not installed")
        for target, last in (("run", "twistd -n --pidfile= xmppd"), ("test", "python -m pytest")):
            steps = self.recipe(target)
            self.assertRegex(steps, r"-m venv .*\.venv\n")
            self.assertIn("pip install", steps)
            self.assertIn(last, steps.splitlines()[-1])

    def test_each_command_of_xmppctl_exists(self) -> None:
        """Also each of those that stand between bars; what is in capitals is an argument."""
        named = [line.partition("#")[0].split() for line in commands() if line.startswith("xmppctl ")]
        self.assertGreater(len(named), 5)
        for _, group, *rest in named:
            found: click.Command = app.commands[group]
            for name in rest[0].split("|") if rest and not rest[0].isupper() else ():
                assert isinstance(found, click.Group), group
                self.assertIn(name, found.commands, group)

    def test_each_group_of_xmppctl_is_named(self) -> None:
        """The README leaves no group out but the one for shells."""
        named = {line.split()[1] for line in commands() if line.startswith("xmppctl ")}
        self.assertEqual(set(app.commands) - {"completion"}, named)

    def test_configuration(self) -> None:
        """The example has no mistakes."""
        for block in blocks("toml"):
            text = "\n".join(line.strip() for line in block.splitlines())
            config, findings = parse(text, "README.rst")
            self.assertIsNotNone(config, findings)

    def test_files_that_are_named(self) -> None:
        """What the README points to is there."""
        named = re.findall(r"``((?:docs|etc)/[\w./-]+)``", README)
        self.assertEqual({path for path in named if not (ROOT / path).exists()}, set())


class RunTests(SynchronousTestCase):
    """The commands themselves, as they stand but for the place of the programs and the port."""

    def setUp(self) -> None:
        """Start a server in a folder of its own."""
        self.folder = temporary_folder(self)
        self.server = ServerProcess(self.folder)
        self.addCleanup(self.server.stop)
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "XMPPD_DATA": str(self.folder / "data"),
            "HOME": str(self.folder),
        }

    def type(self, command: str) -> str:
        """Run *command* on a terminal of its own and type the password at each prompt; give what was shown."""
        words = command.split()
        self.assertTrue(words[0].endswith("xmppctl"), command)
        program = [sys.executable, "-m", "xmppd.admin.xmppctl", *words[1:]]
        status, shown = typed(program, self.environment, PASSWORD)
        self.assertEqual(status, 0, shown)
        return shown

    def test_two_accounts_and_a_message(self) -> None:
        """Two accounts are made, and a message of go-sendxmpp reaches bob, who is logged in with another client."""
        for name in ("alice", "bob"):
            (command,) = [line for line in commands() if line.endswith(f"user add {name}@localhost")]
            self.assertIn(f"{name}@localhost added", self.type(command))
        (command,) = [line for line in commands() if "go-sendxmpp" in line]
        if shutil.which("go-sendxmpp") is None:
            raise SkipTest("go-sendxmpp is not installed: apt install go-sendxmpp")
        for word, ours in (
            ("PASSWORD", f"'{PASSWORD}'"),
            (":5222", f":{self.server.ports['STARTTLS']}"),
        ):
            self.assertIn(word, command)
            command = command.replace(word, ours)
        sender, text = asyncio.run(self.received_by_bob(command))
        self.assertEqual((sender, text), ("alice@localhost", "hi"))

    async def received_by_bob(self, command: str) -> tuple[str, str]:
        """Log bob in, run *command*, and give sender and text of the message that comes."""
        bob = ClientXMPP("bob@localhost/slixmpp", PASSWORD)
        bob.ca_certs = self.server.certificate
        bob.enable_direct_tls = False
        loop = asyncio.get_running_loop()
        available, message = loop.create_future(), loop.create_future()
        bob.add_event_handler("session_start", lambda event: bob.send_presence())
        bob.add_event_handler("presence_available", available.set_result, disposable=True)
        bob.add_event_handler("message", message.set_result, disposable=True)
        bob.connect("127.0.0.1", self.server.ports["STARTTLS"])
        async with asyncio.timeout(PATIENCE_S):
            await available
            sending = await asyncio.create_subprocess_shell(command, env=self.environment)
            self.assertEqual(await sending.wait(), 0)
            got = await message
            await bob.disconnect()
        return got["from"].bare, got["body"].rstrip("\n")
