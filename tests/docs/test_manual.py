"""The manual: it is built without a warning, is in step with the program, and shows what can be typed and written."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.checkout import ROOT
from tests.sockets.process import PATIENCE_S, ServerProcess
from tests.temporary import temporary_folder
from xmppd.admin import doap
from xmppd.admin.metrics.table import TABLE
from xmppd.admin.xmppctl.app import app
from xmppd.config.read import parse

DOCS = ROOT / "docs"
BLOCK = re.compile(r"^( *)\.\. code-block:: (\w+)\n\n((?:\1   .*\n|\n)+)", re.MULTILINE)
COMMENT = re.compile(r"(?:^|\s)#.*")
NOT_RUN = {
    "apt": "changes the machine",
    "cd": "goes where the next command is to be typed",
    "certbot": "asks an authority on the network",
    "ejabberdctl": "another server's, as tests/moving uses it where that is installed",
    "docker": "needs a builder of images; hadolint looks at the file (tests/test_container.py)",
    "install": "what make install does (tests/test_install.py)",
    "journalctl": "needs systemd",
    "ln": "what make install does",
    "make": "tests/test_install.py, tests/test_readme.py and .ci/run",
    "mv": "the operator's own files",
    "pip": "installs, as .ci/run does from nothing",
    "python": "benchmarks and the suite itself",
    "python3": "makes an environment, as .ci/run does",
    "rm": "the operator's own files",
    "sqlite3": "a program of others",
    "systemctl": "needs systemd; tests/sockets/test_systemd.py stands in for it",
    "tar": "the operator's own files",
    "twistd": "tests/test_tap.py",
    "useradd": "changes the machine",
    "xmppd": "the server that the test has started",
}
"""Commands that are shown and not run here, by program, and why."""
WORDS = {"REPORT": "r1", "CLIENT": "c1", "…": ""}
"""What stands for something that a reader puts in."""
PASSWORD = "a good password"


def pages() -> Iterator[Path]:
    """Give the pages but for the records of decisions."""
    for page in sorted(DOCS.rglob("*.rst")):
        if not {"decisions", "_build"} & set(page.relative_to(DOCS).parts):
            yield page


def blocks(language: str) -> Iterator[tuple[Path, str]]:
    """Give each block of code in *language*, with its page."""
    for page in pages():
        for indent, found, text in BLOCK.findall(page.read_text()):
            if found == language:
                yield page, "\n".join(line.removeprefix(f"{indent}   ") for line in text.splitlines())


def commands() -> Iterator[tuple[Path, list[str]]]:
    """Give each command that is shown, in words, with its page; comments and redirections are left out."""
    for page, text in blocks("console"):
        for line in text.replace("\\\n", " ").splitlines():
            if line.startswith(("$ ", "# ")):
                for command in COMMENT.sub("", line[2:]).split("; "):
                    words = shlex.split(command)
                    yield page, words[: words.index(">")] if ">" in words else words


class ManualTests(SynchronousTestCase):
    """What stands in it."""

    def test_it_is_built(self) -> None:
        """Without a warning: every reference leads somewhere; the man pages are there."""
        for library in ("sphinx", "furo", "sphinx_click"):
            if importlib.util.find_spec(library) is None:
                raise SkipTest(f"{library} is not installed: pip install '.[dev]'")
        folder = temporary_folder(self)
        command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "man", str(DOCS), str(folder)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertLessEqual(
            {"xmppd.8", "xmppctl.1", "xmppd.toml.5"}, {each.name for each in folder.iterdir()}
        )
        self.assertIn("stanza_bytes", (folder / "xmppd.toml.5").read_text())
        self.assertIn("resource_conflict", (folder / "xmppd.toml.5").read_text())

    def test_doap(self) -> None:
        """``doap.xml`` is what the modules declare."""
        self.assertEqual(doap.FILE.read_text("utf-8"), doap.current(), "run: python -m xmppd.admin.xep_table")

    def test_configurations(self) -> None:
        """Every piece of a configuration that is shown is one."""
        for page, text in blocks("toml"):
            whole = text if "[hosts" in text else text + '\n[hosts."example.org"]\n'
            config, findings = parse(whole, str(page))
            self.assertIsNotNone(config, [str(finding) for finding in findings])

    def test_commands_of_xmppctl(self) -> None:
        """Each one that is shown is understood by it, with its options and arguments."""
        found = [(page, words[1:]) for page, words in commands() if Path(words[0]).name == "xmppctl"]
        self.assertGreater(len(found), 10)
        for page, words in found:
            self.understood(page, [WORDS.get(word, word) for word in words])

    def understood(self, page: Path, words: list[str]) -> None:
        """Let click read *words*, and do nothing."""
        command: click.Command = app
        try:
            context = command.make_context("xmppctl", list(words))
            while isinstance(command, click.Group):
                name, found, words = command.resolve_command(
                    context, [*context._protected_args, *context.args]
                )
                assert found is not None
                command, context = found, found.make_context(name, list(words), parent=context)
        except click.UsageError as error:
            self.fail(f"{page}: {' '.join(words)}: {error.format_message()}")

    def test_other_commands(self) -> None:
        """Each is named as one that is not run, with the reason."""
        programs = {Path(words[0]).name for _, words in commands()}
        self.assertEqual(programs - NOT_RUN.keys() - {"xmppctl"}, set())

    def test_metrics_that_pages_name(self) -> None:
        """There are such."""
        named = {name for page in pages() for name in re.findall(r"``(xmppd_\w+)``", page.read_text())}
        self.assertEqual(named - {metric.name for metric in TABLE} - {"xmppd_tally"}, set())


class TutorialTests(SynchronousTestCase):
    """The first part of the tutorial, as it stands, but for the place of the programs."""

    def test_on_your_own_machine(self) -> None:
        """Accounts are made, and the server says how it is."""
        folder = temporary_folder(self)
        server = ServerProcess(folder)
        self.addCleanup(server.stop)
        shown = [
            words
            for page, words in commands()
            if page.name == "tutorial.rst" and words[0] == "xmpp/bin/xmppctl"
        ]
        self.assertEqual([words[1] for words in shown], ["user", "user", "status"])
        for words in shown:
            arguments = [*words[1:], "--password-stdin"] if words[1] == "user" else words[1:]
            done = subprocess.run(
                [sys.executable, "-m", "xmppd.admin.xmppctl", *arguments],
                input=f"{PASSWORD}\n",
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE_S,
                env={**os.environ, "PYTHONPATH": str(ROOT), "XMPPD_DATA": str(folder / "data")},
            )
            self.assertEqual(done.returncode, 0, done.stderr)
