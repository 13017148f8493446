"""The pages about moving and backups: every command of xmppctl and of tar that they show is run, in their order."""

import re
import shlex
import subprocess

from twisted.trial.unittest import SynchronousTestCase

from tests.checkout import ROOT
from tests.forked import xmppctl
from tests.temporary import temporary_folder

PAGES = ("moving-from-prosody", "moving-from-ejabberd", "backup")
CONFIG = """data_dir = "{folder}/data"
[c2s]
listen = ["127.0.0.1:0"]
"""
_COMMAND = re.compile(r"^ +# ((?:xmppctl|tar) .*)$", re.MULTILINE)
_TOML = re.compile(r"^ *\.\. code-block:: toml\n\n((?: {6}.*\n|\n)+)", re.MULTILINE)
_NAMED = re.compile(r"xmppd-\d{8}T\d{6}Z\.tar\.gz")
DUMP = """{tables,[{passwd,[{record_name,passwd},{attributes,[us,password]}]}]}.
{passwd,{<<"juliet">>,<<"town.example">>},<<"secret">>}.
"""
ACCOUNT = 'return {\n\t["password"] = "secret";\n};\n'


class DocumentationTests(SynchronousTestCase):
    """On a machine that has what the pages speak of, in a folder of its own."""

    def setUp(self) -> None:
        """The data of another server, a configuration, a place for backups."""
        self.folder = temporary_folder(self)
        accounts = self.folder / "var" / "lib" / "prosody" / "town%2eexample" / "accounts"
        for folder in (accounts, self.folder / "var" / "lib" / "ejabberd", self.folder / "backup"):
            folder.mkdir(parents=True)
        (accounts / "juliet.dat").write_text(ACCOUNT)
        (self.folder / "var" / "lib" / "ejabberd" / "dump.txt").write_text(DUMP)
        self.config = self.folder / "etc" / "xmppd" / "xmppd.toml"
        self.config.parent.mkdir(parents=True)

    def run_(self, command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of a page, with all its paths in our folder."""
        program, *words = shlex.split(command)
        words = [f"{self.folder}{word}" if word.startswith("/") else word for word in words]
        words = [_NAMED.sub(self.newest(), word) for word in words]
        if program == "xmppctl":
            return xmppctl(*words, folder=self.folder)
        return subprocess.run([program, *words], capture_output=True, text=True, check=False)

    def newest(self) -> str:
        """Give the name of the newest backup."""
        return max((each.name for each in (self.folder / "backup").glob("*.tar.gz")), default="none")

    def test_every_command(self) -> None:
        """What an operator copies from the pages works."""
        moving = [(ROOT / "docs" / f"{page}.rst").read_text() for page in PAGES]
        hosts = _TOML.search(moving[0])
        assert hosts is not None
        lines = [line.strip() for line in hosts[1].splitlines()]
        self.config.write_text(CONFIG.format(folder=self.folder) + "\n".join(lines))
        commands = [command for page in moving for command in _COMMAND.findall(page)]
        self.assertGreater(len(commands), 12)
        for command in commands:
            done = self.run_(command)
            self.assertEqual(done.returncode, 0, (command, done))
