"""What was told to be durable is there after a stop and after a kill, as much as ``durability`` says."""

import signal
import sqlite3
import subprocess
import sys
from typing import cast

from twisted.trial.unittest import TestCase

from tests.storage.contract_base import ALICE, archive
from tests.storage.sqlite_storage import new_storage
from tests.temporary import temporary_folder
from xmppd.storage.interface import DeleteEntries, Put
from xmppd.storage.sqlite.connection import Durability, open_reader, open_writer
from xmppd.storage.sqlite.schema import bring_up

KILLED = """
import os, signal, sys
from pathlib import Path
from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from xmppd.storage.interface import Append, NewEntry, Put
from xmppd.storage.sqlite.store import SQLiteStorage

storage = SQLiteStorage(Path(sys.argv[1]), reactor, sys.argv[2])
storage.prepare()
storage.start()
commits = [
    storage.commit(
        Append("archive", "alice@localhost", NewEntry(str(n), n, "", b"<m/>")),
        Put("s", "alice@localhost", "", b"%d" % n),
    )
    for n in range(300)
]
commits[-1].addCallback(lambda _: os.kill(os.getpid(), signal.SIGKILL))
reactor.run()
"""


class DurabilityTests(TestCase):
    """What was told to be durable is there afterwards."""

    async def test_all_is_there_after_a_restart(self) -> None:
        """Values, entries, their order and the growth of seq survive; the stopped file is one file."""
        path = temporary_folder(self) / "data"
        first = new_storage(self, path)
        await first.commit(Put("s", ALICE, "k", b"v"), *archive(1, 2))
        (_, last) = await first.read("archive", ALICE)
        await first.commit(DeleteEntries("archive", ALICE, seqs=[last.seq]))
        await first.stop()
        self.assertEqual([file.name for file in path.parent.iterdir()], ["data"])
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        second = new_storage(self, path)
        self.assertEqual(await second.get("s", ALICE, "k"), b"v")
        await second.commit(*archive(3))
        one, three = await second.read("archive", ALICE)
        self.assertEqual((one.id, three.id), ("id1", "id3"))
        self.assertGreater(three.seq, last.seq)

    async def _kill(self, durability: Durability) -> None:
        path = temporary_folder(self) / "data"
        ended = subprocess.run([sys.executable, "-c", KILLED, str(path), durability], timeout=30, check=False)
        self.assertEqual(ended.returncode, -signal.SIGKILL)
        storage = new_storage(self, path)
        self.assertEqual(await storage.count("archive", ALICE), 300)
        self.assertEqual(await storage.get("s", ALICE), b"299")

    async def test_a_kill_right_after_the_answer_with_power(self) -> None:
        """SIGKILL in the turn in which the Deferred fired loses nothing, with durability "power"."""
        await self._kill("power")

    async def test_a_kill_right_after_the_answer_with_process(self) -> None:
        """SIGKILL in the turn in which the Deferred fired loses nothing, with durability "process"."""
        await self._kill("process")

    def test_the_modes_sync_as_they_say(self) -> None:
        """promises#durability:  "power" syncs at each commit (FULL = 2), "process" at checkpoints only (NORMAL = 1).

        Both use WAL.
        """
        path = temporary_folder(self) / "data"
        bring_up(path)
        for durability, synchronous in (("power", 2), ("process", 1)):
            connection = open_writer(path, cast(Durability, durability))
            self.addCleanup(connection.close)
            self.assertEqual(connection.execute("PRAGMA synchronous").fetchone(), (synchronous,))
            self.assertEqual(connection.execute("PRAGMA journal_mode").fetchone(), ("wal",))

    def test_readers_cannot_write(self) -> None:
        """A reader's connection refuses to write."""
        path = temporary_folder(self) / "data"
        bring_up(path)
        connection = open_reader(path)
        self.addCleanup(connection.close)
        with self.assertRaises(sqlite3.OperationalError):
            connection.execute("DELETE FROM kv")
