"""The manual: it is built without a warning, is in step with the program, and shows what can be typed and written."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.checkout import ROOT
from tests.docs.pages import DOCS, blocks, commands, pages
from tests.temporary import temporary_folder
from xmppd.admin import doap
from xmppd.admin.metrics.table import TABLE
from xmppd.admin.xmppctl.app import app
from xmppd.config.read import parse

NOT_RUN = {
    "docker": "needs a daemon; .ci/image builds by buildah and runs it, hadolint looks at the file",
    "ejabberdctl": "another server's, as tests/moving uses it where that is installed",
    "install": "gives files to the user xmppd: what make install does (tests/test_install.py, .ci/run)",
    "ln": "the same",
    "make": "make install: test_newcomer.py; make benchmark takes an hour, tests/benchmarks has its parts",
    "python": "benchmarks and soaks of many minutes; tests/benchmarks has their parts",
    "systemctl": "needs systemd; test_newcomer.py and tests/sockets/test_systemd.py stand in for it",
    "useradd": "changes the machine",
}
"""Commands that are shown and that no test runs, by program, and why."""
RUN = {
    "apt": "test_newcomer.py passes it over, since it changes the machine, and has what it brings",
    "certbot": "test_newcomer.py stands in for it",
    "curl": "tests/sockets/test_upload.py",
    "pip": "test_newcomer.py",
    "python3": "test_newcomer.py",
    "tar": "tests/moving/test_documentation.py",
    "xmppctl": "test_newcomer.py, test_commands.py, tests/moving/test_documentation.py",
    "xmppd": "test_newcomer.py",
}
"""Commands that are shown and run, and where."""
WORDS = {"REPORT": "r1", "CLIENT": "c1", "…": ""}
"""What stands for something that a reader puts in."""
LITERAL = re.compile(r"``xmppctl ([^`]+)``")
LINK = re.compile(r"(?<!`)\bhttps?://[^\s`<>\"')]+")
PRETENDED = (".example", "example.org", "jabber.org")
"""Domains of examples, and of namespaces."""


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
        """Each is named as one that is run or not, with the reason; and no other is."""
        programs = {Path(words[0]).name for _, words in commands()}
        self.assertEqual(programs, NOT_RUN.keys() | RUN.keys())

    def test_commands_in_the_text(self) -> None:
        """What stands between double backquotes in a sentence exists, too; what is in capitals is an argument."""
        found = [(page, literal.split()) for page in pages() for literal in LITERAL.findall(page.read_text())]
        self.assertGreater(len(found), 50)
        for page, words in found:
            group, *rest = [word for word in words if not word.startswith("-") and not word.isupper()] or [""]
            self.assertIn(group, app.commands.keys() | {""}, (page, words))
            command = app.commands.get(group)
            if isinstance(command, click.Group):
                for name in rest[0].split("|") if rest and words.index(rest[0]) == 1 else ():
                    self.assertIn(name, command.commands, (page, words))

    def test_links_to_elsewhere(self) -> None:
        """They have the form of an address, under TLS where it is not this machine's or a namespace."""
        found = {link for page in pages() for link in LINK.findall(page.read_text())}
        self.assertGreater(len(found), 3)
        for link in found:
            parts = urlsplit(link)
            is_near = parts.hostname in ("localhost", "127.0.0.1") or (parts.hostname or "").endswith(
                PRETENDED
            )
            self.assertTrue(parts.hostname and (parts.scheme == "https" or is_near), link)

    def test_metrics_that_pages_name(self) -> None:
        """There are such."""
        named = {name for page in pages() for name in re.findall(r"``(xmppd_\w+)``", page.read_text())}
        self.assertEqual(named - {metric.name for metric in TABLE} - {"xmppd_tally"}, set())
