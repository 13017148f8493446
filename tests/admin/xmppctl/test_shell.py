"""``xmppctl shell``: lines, history and completion; and what may stand for an argument."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.xmppctl.fakes import Bench
from tests.checkout import ROOT
from tests.temporary import temporary_folder
from xmppd.admin.xmppctl.app import app
from xmppd.admin.xmppctl.shell import completions

PATIENCE_S = 60.0


class PipeTests(SynchronousTestCase):
    """Commands from a pipe."""

    def test_lines(self) -> None:
        """One after the other; an empty line and a remark are nothing."""
        bench = Bench(session_list=[], room_list=[])
        result = bench.run("shell", typed="session list\n\n# a remark\nroom list --json\n")
        self.assertEqual((result.exit_code, result.stdout), (0, "nobody is connected\n[]\n"), result.output)
        self.assertEqual([command for command, _ in bench.asked], ["session.list", "room.list"])

    def test_the_first_that_fails(self) -> None:
        """Ends it, with its status; options of the shell hold for each."""
        bench = Bench(session_list=[])
        result = bench.run("--json", "shell", typed="session list\nsession lst\nsession list\n")
        self.assertEqual(result.exit_code, 1)
        self.assertEqual([command for command, _ in bench.asked], ["session.list"])
        self.assertTrue(result.stdout.startswith("[]\n{"), result.stdout)

    def test_quotes(self) -> None:
        """Words with blanks stand in quotes; one that is not closed is told."""
        bench = Bench(announce_send={"host": "a", "told": 1})
        self.assertEqual(bench.run("shell", typed='announce send "a b"\n').exit_code, 0)
        self.assertEqual(bench.asked[0][1]["text"], "a b")
        self.assertIn("close the quotes", bench.run("shell", typed='announce send "a b\n').stderr)

    def test_words_of_its_own(self) -> None:
        """help shows what there is, and "xmppctl" before a command does no harm."""
        bench = Bench(session_list=[])
        self.assertIn("Rooms: list", bench.run("shell", typed="help\n").stdout)
        self.assertIn("Usage: xmppctl room list", bench.run("shell", typed="help room list\n").stdout)
        self.assertEqual(bench.run("shell", typed="xmppctl session list\n").exit_code, 0)


class CompletionTests(SynchronousTestCase):
    """`completions`."""

    def complete(self, line: str) -> list[str]:
        """Give what the last word of a line may become."""
        return list(completions(app, line, line.rpartition(" ")[2]))

    def test_commands_and_options(self) -> None:
        """Groups, commands, choices, options; and the words of the shell at the beginning."""
        self.assertEqual(self.complete("roo"), ["room"])
        self.assertEqual(self.complete("room aff"), ["affiliation"])
        self.assertEqual(self.complete("log level d"), ["debug"])
        self.assertIn("--reason", self.complete("room destroy coven --r"))
        self.assertEqual(self.complete("exi"), ["exit"])
        self.assertEqual(self.complete('room "'), [])

    def test_what_the_server_knows(self) -> None:
        """Accounts, hosts and rooms that begin so; nothing where none runs."""
        rows = [{"jid": "romeo@a"}, {"jid": "rosa@a"}, {"jid": "juliet@a"}]
        bench = Bench(user_list=rows, room_list=[{"room": "coven@rooms.a"}])
        found = bench.complete("user", "passwd", word="ro")
        self.assertEqual(found, ["romeo@a", "rosa@a"])
        self.assertEqual(bench.complete("room", "show", word="c"), ["coven@rooms.a"])
        self.assertEqual(Bench(is_running=False).complete("user", "passwd", word="ro"), [])


class TerminalTests(SynchronousTestCase):
    """On a terminal of its own."""

    _unread = ""

    def test_session(self) -> None:
        """A prompt, the Tab key, a history that has no passwords, and an end."""
        folder = temporary_folder(self)
        end, terminal = pty.openpty()
        self.addCleanup(os.close, end)
        shell = subprocess.Popen(
            [sys.executable, "-m", "xmppd.admin.xmppctl", "shell"],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder), "TERM": "dumb"},
        )
        os.close(terminal)
        self.addCleanup(shell.wait)
        self.addCleanup(shell.kill)
        self.expect(end, "xmppctl> ")
        for typed, expected in (
            ("conf\texpl\tlimits.roster_items\n", "Contacts of one account."),
            ("user passwd a@b --password=hunter2 --x\n", "xmppctl: "),
        ):
            os.write(end, typed.encode())
            self.expect(end, expected)
            self.expect(end, "xmppctl> ")
        os.write(end, b"exit\n")
        self.assertEqual(shell.wait(PATIENCE_S), 0)
        kept = Path(folder, "xmppctl", "history")
        self.assertEqual(kept.stat().st_mode & 0o077, 0)
        self.assertIn("config explain limits.roster_items", kept.read_text())
        self.assertNotIn("hunter2", kept.read_text())

    def expect(self, end: int, text: str) -> None:
        """Read until a text comes, behind what was expected before."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self._unread and time.monotonic() < deadline:
            if select.select([end], [], [], 0.1)[0]:
                self._unread += os.read(end, 4_096).decode(errors="replace")
        self.assertIn(text, self._unread)
        self._unread = self._unread.partition(text)[2]
