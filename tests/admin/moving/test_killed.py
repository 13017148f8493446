"""An import that is killed, as a process, over real data: what was there before stays usable (promises#moving-in)."""

import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.moving.test_commands import CONFIG, PIE
from tests.temporary import temporary_folder
from xmppd.admin.moving import taking
from xmppd.admin.moving.data import opened
from xmppd.config.model import Config
from xmppd.moving.importing import BlockingStore
from xmppd.storage.interface import Change

NEW = [f"user{number}" for number in range(6)]
USER = "<user name='{0}' password='secret'><vCard xmlns='vcard-temp'><FN>{0}</FN></vCard></user>"
OLD = "<user name='tybalt' password='secret'><vCard xmlns='vcard-temp'><FN>tybalt</FN></vCard></user>"


class KilledStore:
    """A storage whose process is killed at a commit: before it is asked for, or when it may be half written."""

    def __init__(self, store: BlockingStore, last: int, is_begun: bool):
        self._store = store
        self._left = last
        self._is_begun = is_begun
        self.get, self.settle = store.get, store.settle

    def commit(self, changes: Sequence[Change]) -> None:
        """Queue *changes*; the last that is let through takes the process along."""
        self._left -= 1
        if self._left < 0 and not self._is_begun:
            os.kill(os.getpid(), signal.SIGKILL)
        self._store.commit(changes)
        if self._left < 0:
            os.kill(os.getpid(), signal.SIGKILL)


class KilledTests(SynchronousTestCase):
    """`xmppctl import` of six accounts where there is one."""

    def setUp(self) -> None:
        """One account, by an import that nobody kills."""
        self.folder = temporary_folder(self)
        self.config = self.folder / "xmppd.toml"
        self.config.write_text(CONFIG.format(folder=self.folder))
        self.old = self.written("old.xml", OLD)
        self.new = self.written("new.xml", "".join(USER.format(name) for name in NEW))
        self.assertTrue(self.take(self.old))

    def written(self, name: str, users: str) -> Path:
        """Write a file to import."""
        file = self.folder / name
        file.write_text(PIE.format(users=users))
        return file

    def take(self, file: Path, last: int | None = None, *, is_begun: bool = False) -> bool:
        """Import in a process of its own, which dies at a commit; whether it lived."""
        pid = os.fork()
        if not pid:
            try:
                self._take(file, last, is_begun)
            except BaseException:  # noqa: BLE001 - the process of a test has no other way to say so
                os._exit(1)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.assertIn(status, (0, -signal.SIGKILL))
        return status == 0

    def _take(self, file: Path, last: int | None, is_begun: bool) -> None:
        @contextmanager
        def killed(config: Config) -> Iterator[object]:
            with opened(config) as storage:
                yield storage if last is None else KilledStore(storage, last, is_begun)

        self.patch(taking, "opened", killed)
        taking.take("xep0227", file, self.config, {}, (), ("SHA-1",), False, lambda done, total: None)

    def people(self) -> dict[str, str]:
        """Give the accounts that a server would find, each with the name in its vCard."""
        with closing(sqlite3.connect(self.folder / "data" / "xmppd.sqlite")) as connection:
            self.assertEqual(connection.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            rows = connection.execute("SELECT store, owner, key, value FROM kv").fetchall()
        cards = {owner.partition("@")[0]: value for store, owner, _, value in rows if store == "vcard"}
        names = [key for store, _, key, _ in rows if store == "accounts"]
        return {name: "whole" if name.encode() in bytes(cards.get(name, b"")) else "half" for name in names}

    def test_killed(self) -> None:
        """At each commit: nothing half is there, what was there is; the second run brings what is missing."""
        seen, data, before = set[int](), self.folder / "data", self.folder / "before"
        shutil.copytree(data, before)
        for is_begun in (False, True):
            for last in range(len(NEW)):
                shutil.rmtree(data)
                shutil.copytree(before, data)
                self.assertFalse(self.take(self.new, last, is_begun=is_begun))
                found = self.people()
                self.assertEqual(set(found.values()), {"whole"})
                self.assertIn("tybalt", found)
                seen.add(len(found))
        self.assertTrue(self.take(self.new))
        self.assertEqual(sorted(self.people()), sorted([*NEW, "tybalt"]))
        self.assertGreater(len(seen), 2)
