"""``xmppctl import`` and ``export`` from the command line, on data folders of their own."""

import json
import os
from pathlib import Path
from subprocess import CompletedProcess
from unittest import skipUnless

from twisted.trial.unittest import SynchronousTestCase

from tests.forked import xmppctl
from tests.temporary import temporary_folder
from xmppd.storage.lock import DataLock

CONFIG = """data_dir = "{folder}/data"
[c2s]
listen = ["127.0.0.1:0"]
[hosts."a.example"]
[components."rooms.a.example"]
module = "muc"
"""
PIE = """<?xml version='1.0'?><server-data xmlns='urn:xmpp:pie:0'><host jid='a.example'>{users}</host>
<host jid='b.example'><user name='x' password='secret'/></host></server-data>"""
USERS = "<user name='romeo' password='one &amp; two'/><user name='juliet' password='secret'><magic xmlns='m'/></user>"


class CommandTests(SynchronousTestCase):
    """xmppctl on data that no server works with."""

    def setUp(self) -> None:
        """A configuration, and something to import."""
        self.folder = temporary_folder(self)
        (self.folder / "xmppd.toml").write_text(CONFIG.format(folder=self.folder))
        self.pie = self.folder / "all.xml"
        self.pie.write_text(PIE.format(users=USERS))

    def run_(self, *words: object, status: int = 0) -> "CompletedProcess[str]":
        """Run xmppctl; it ends with *status*."""
        done = xmppctl("--config", self.folder / "xmppd.toml", *words, folder=self.folder)
        self.assertEqual(done.returncode, status, done)
        return done

    def accounts(self) -> list[str]:
        """Give the accounts that there are."""
        return [each["jid"] for each in json.loads(self.run_("user", "list", "--json").stdout)]

    def test_import(self) -> None:
        """What came, what did not and why; a dry run makes nothing; twice is once."""
        dry = self.run_("import", "xep0227", self.pie, "--dry-run", "--hash", "SHA-256")
        self.assertRegex(dry.stdout, r"accounts +2\n")
        self.assertIn("dry run", dry.stdout)
        self.assertFalse((self.folder / "data").exists())
        done = self.run_("import", "xep0227", self.pie, "--hash", "SHA-256")
        self.assertIn(
            "1 account or room of b.example, which is not served here: put it into the", done.stderr
        )
        self.assertIn("not carried: 1 elements <magic xmlns='m'/>; for example juliet@a.example", done.stderr)
        self.assertEqual(self.accounts(), ["juliet@a.example", "romeo@a.example"])
        again = json.loads(self.run_("import", "xep0227", self.pie, "--json").stdout)
        self.assertEqual((again["carried"], again["present"]), ({}, {"a.example": 2}))

    def test_another_name(self) -> None:
        """``--host``: a domain here takes the accounts of one there; what cannot be is said before anything is read."""
        self.run_("import", "ejabberd", self.pie, "--host", "b.example=a.example", "--hash", "SHA-1")
        self.assertIn("x@a.example", self.accounts())
        for host, why in (
            ("b.example", "OLD=NEW"),
            ("b.example=c.example", "not served"),
            ("a b=a.example", "a b"),
        ):
            refused = self.run_("import", "xep0227", self.pie, "--host", host, status=1)
            self.assertIn(why, refused.stderr)
            self.assertEqual(refused.stderr.count("\n"), 1)

    def test_what_leaves_soon(self) -> None:
        """Messages that are older than the archives keep them are told of, with what to do about it."""
        result = (
            "<result xmlns='urn:xmpp:mam:2' id='1'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' "
            "stamp='2010-07-10T23:08:25Z'/><message xmlns='jabber:client' from='r@b.example'><body>x</body></message>"
            "</forwarded></result>"
        )
        archive = f"<archive xmlns='urn:xmpp:pie:0#mam'>{result}</archive>"
        self.pie.write_text(PIE.format(users=f"<user name='u' password='x'>{archive}</user>"))
        told = self.run_("import", "xep0227", self.pie, "--dry-run")
        self.assertIn("1 archived message older than what is kept: gone soon after the start", told.stderr)
        config = self.folder / "xmppd.toml"
        config.write_text(config.read_text() + "[modules.mam]\nkeep_days = 0\n")
        self.assertNotIn("older", self.run_("import", "xep0227", self.pie, "--dry-run").stderr)

    @skipUnless(os.geteuid() == 0, "only root can give files away")
    def test_root(self) -> None:
        """Root may read what is another's, and leaves nothing in the data folder that its owner cannot use."""
        nobody = 65_534
        data = self.folder / "data"
        data.mkdir()
        os.chown(data, nobody, nobody)
        self.run_("import", "xep0227", self.pie, "--hash", "SHA-1")
        self.run_("backup", self.folder / "x.tar")
        self.run_("restore", self.folder / "x.tar", "--replace")
        self.run_("export", self.folder / "x.xml")
        found = {path.relative_to(data): path.stat().st_uid for path in data.rglob("*")}
        self.assertIn(Path("xmppd.sqlite"), found)
        self.assertEqual(set(found.values()), {nobody}, found)

    def test_wrong_sources(self) -> None:
        """What is not what it should be is one line, with what would be right."""
        text = self.folder / "text"
        text.write_text("hello\n")
        for words in (
            ("prosody", self.folder),
            ("prosody", text),
            ("prosody", self.folder / "nowhere"),
            ("ejabberd", text),
            ("ejabberd", self.folder),
            ("ejabberd", self.folder / "nowhere"),
            ("xep0227", text),
            ("xep0227", self.folder),
            ("xep0227", self.folder / "nowhere"),
        ):
            refused = self.run_("import", *words, status=1)
            self.assertEqual((refused.stdout, refused.stderr.count("\n")), ("", 1), refused)
            self.assertTrue(refused.stderr.startswith("xmppctl: "), refused)
            if "nowhere" in str(words[1]):
                self.assertIn("there is no such file or folder", refused.stderr)

    def test_under_a_server(self) -> None:
        """An import and a restore need the data for themselves; which process has them is said."""
        self.run_("import", "xep0227", self.pie, "--hash", "SHA-1")
        self.run_("backup", self.folder / "x.tar")
        lock = DataLock(self.folder / "data")
        lock.acquire()
        self.addCleanup(lock.release)
        for words in (("import", "xep0227", self.pie), ("restore", self.folder / "x.tar", "--replace")):
            refused = self.run_(*words, status=1)
            self.assertIn(f"process {os.getpid()}", refused.stderr)
            self.assertIn("xmppctl stop", refused.stderr)
        said = self.run_("import", "xep0227", self.pie, "--dry-run").stdout
        self.assertIn("2 accounts and rooms of a.example there already", said)
        self.run_("backup", self.folder / "y.tar")
        self.run_("export", self.folder / "y.xml")
        self.assertIn("romeo", (self.folder / "y.xml").read_text())

    def test_export(self) -> None:
        """All, one domain, one account; to a file for us alone, or to standard output; and in again."""
        self.run_("import", "xep0227", self.pie, "--hash", "SHA-1")
        target = self.folder / "out.xml"
        self.run_("export", target)
        self.assertEqual(target.stat().st_mode & 0o777, 0o600)
        whole = target.read_text()
        self.assertEqual(whole, self.run_("export", "-").stdout)
        one = self.run_("export", "-", "--user", "romeo@a.example").stdout
        self.assertIn("romeo", one)
        self.assertNotIn("juliet", one)
        self.assertEqual(self.run_("export", "-", "--host", "a.example").stdout, whole)
        for words, why in (
            (("--host", "c.example"), "no data of it"),
            (("--user", "nobody@a.example"), "no account"),
            (("--user", "a.example"), "NAME@HOST"),
            (("--user", "@"), "@"),
        ):
            refused = self.run_("export", "-", *words, status=1)
            self.assertIn(why, refused.stderr)
        self.run_("export", self.folder / "nowhere" / "x.xml", status=1)

    def test_backup_and_restore(self) -> None:
        """What is said, and what comes back."""
        self.assertIn("no data yet", self.run_("backup", self.folder, status=1).stderr)
        self.run_("import", "xep0227", self.pie, "--hash", "SHA-1")
        said = self.run_("backup", self.folder / "x.tar.gz").stdout
        self.assertRegex(said, r"x\.tar\.gz: 2 accounts, \d+ files, [\d.]+ KiB\n")
        self.run_("user", "del", "romeo", "--now", "--yes")
        refused = self.run_("restore", self.folder / "x.tar.gz", status=1)
        self.assertIn("--replace", refused.stderr)
        restored = json.loads(self.run_("restore", self.folder / "x.tar.gz", "--replace", "--json").stdout)
        self.assertEqual(restored["accounts"], {"a.example": 2})
        self.assertEqual(self.accounts(), ["juliet@a.example", "romeo@a.example"])
        for file, why in (
            (self.pie, "no backup"),
            (self.folder / "data", "there is none in it"),
            (self.folder / "nowhere.tar", "there is no such file"),
        ):
            refused = self.run_("restore", file, "--replace", status=1)
            self.assertIn(why, refused.stderr)
            self.assertEqual(refused.stderr.count("\n"), 1)
        self.run_("backup", self.folder)
        newest = self.run_("restore", self.folder, "--replace", status=1).stderr
        self.assertRegex(newest, r"is a folder: name a backup; the newest in it is .*/xmppd-.*Z\.tar\.gz\n")

    def test_a_storage_that_keeps_nothing(self) -> None:
        """There is nothing to be taken, given, or backed up."""
        config = self.folder / "xmppd.toml"
        config.write_text(config.read_text() + '[storage]\nurl = "memory:"\n')
        for words in (("import", "xep0227", self.pie), ("export", "-"), ("backup", self.folder)):
            self.assertIn("keeps nothing", self.run_(*words, status=1).stderr)
