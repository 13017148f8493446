"""Standard descriptors that a process was started without."""

import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder

OPEN = """
import os, sys
{before}
from xmppd.admin.descriptors import open_standard_descriptors
open_standard_descriptors("xmppd")
taken = os.open(os.devnull, os.O_RDONLY)
print(sys.stdin.read(), end="")
assert taken > 2, taken
os.write(os.open("{told}", os.O_WRONLY | os.O_CREAT), b"done")
"""


class DescriptorTests(SynchronousTestCase):
    """Nothing that is opened later gets one of their numbers."""

    def run_with(self, closed: str, before: str = "") -> tuple[int, str, bytes]:
        """Run a program with *closed* behind its command; gives its status, errors, and what it wrote at its end."""
        told: Path = temporary_folder(self) / "told"
        command = [sys.executable, "-c", OPEN.format(before=before, told=told)]
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {closed}', "sh", *command],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return done.returncode, done.stderr, told.read_bytes() if told.exists() else b""

    def test_each_and_all(self) -> None:
        """Any of the three, and all of them: they can be read and printed to."""
        for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-", ""):
            self.assertEqual(self.run_with(closed), (0, "", b"done"), closed)

    def test_taken_already(self) -> None:
        """A reactor that was chosen before may have the number: then there is a line, and no server that spins."""
        status, said, told = self.run_with("<&-", before="import select; poll = select.epoll()")
        self.assertEqual((status, told), (1, b""))
        self.assertEqual(
            said,
            "xmppd: stdin was closed, and another file has taken its number 0: start it with </dev/null\n",
        )
