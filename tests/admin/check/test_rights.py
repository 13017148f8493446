"""Root looks with the rights of the user whose data they are; "not there" is told from "not permitted"."""

import errno
import os
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.admin.check.machine import check_text
from tests.temporary import temporary_folder
from xmppd.config.findings import Finding
from xmppd.config.obstacles import Obstacle, user_name
from xmppd.storage.sqlite.schema import bring_up

NOBODY = 65_534
WHO = user_name(NOBODY)


class OwnerTests(SynchronousTestCase):
    """A data folder of nobody's, and files around it that nobody may not use."""

    def setUp(self) -> None:
        if os.geteuid() != 0:
            raise SkipTest("only root can look with the rights of another")
        self.folder = temporary_folder(self)
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.data.mkdir(mode=0o700)
        os.chown(self.data, NOBODY, NOBODY)
        self.config = self.folder / "xmppd.toml"
        self.config.touch(0o644)

    def look(self, text: str, *only: str) -> list[Finding]:
        """Give what is found by root."""
        found = check_text(self.folder, text, None, *only)
        self.assertEqual(os.geteuid(), 0)
        return found

    def test_fine(self) -> None:
        """What is the owner's may be used."""
        self.assertEqual(self.look("", "data", "config"), [])

    def test_keys(self) -> None:
        """A key that only root can read is no key for the server."""
        for name in ("a.crt", "a.key"):
            (self.folder / name).touch(0o600)
        text = '[hosts."localhost"]\ncertificate = "a.crt"\nkey = "a.key"\n'
        found = self.look(text, "certificates")
        self.assertEqual([f.id for f in found], ["certificate.unreadable", "certificate.key-unreadable"])
        why = f"the user {WHO} may not use {self.folder / 'a.key'} (mode 0600, of root)"
        self.assertEqual((found[1].why, found[1].remedy), (why, "let the server's user read it"))

    def test_folder_of_a_certificate(self) -> None:
        """One that is closed is not one in which there is none; nor is the folder around it."""
        (self.folder / "c" / "localhost").mkdir(parents=True)
        (self.folder / "c" / "localhost").chmod(0o700)
        (found,) = self.look('[tls]\ncertificates = "c"\n', "certificates")
        self.assertEqual(found.id, "certificate.unreadable")
        self.assertIn(f"the user {WHO} may not enter {self.folder / 'c' / 'localhost'} (mode 0700", found.why)
        (self.folder / "c").chmod(0)
        found, *_ = self.look('[tls]\ncertificates = "c"\n', "certificates")
        self.assertEqual(found.id, "certificate.no-folder")
        self.assertIn(f"may not use {self.folder / 'c'} (mode 0000, of root)", found.why)

    def test_links_of_certbot(self) -> None:
        """What a link leads to is in a folder that is closed: that one is named, and then the key in it."""
        live, archive = self.folder / "live", self.folder / "archive"
        (live / "a.example").mkdir(parents=True)
        (archive / "a.example").mkdir(parents=True)
        for name in ("fullchain", "privkey"):
            (archive / "a.example" / f"{name}1.pem").touch(0o600)
            (live / "a.example" / f"{name}.pem").symlink_to(f"../../archive/a.example/{name}1.pem")
        archive.chmod(0o700)
        text = '[hosts."a.example"]\n[tls]\ncertificates = "live"\n'
        (found,) = self.look(text, "certificates")
        self.assertEqual(found.why, f"the user {WHO} may not enter {archive} (mode 0700, of root)")
        archive.chmod(0o755)
        file = archive / "a.example" / "privkey1.pem"
        self.assertIn(
            f"the user {WHO} may not use {file} (mode 0600, of root)",
            [each.why for each in self.look(text, "certificates")],
        )

    def test_folder_of_the_log(self) -> None:
        """Root could write there, the server cannot."""
        (found,) = self.look('[log]\nfile = "x.log"\n', "config")
        self.assertEqual(found.id, "log.file")
        self.assertIn(f"the user {WHO} may not use {self.folder} (mode 0755, of root)", found.why)

    def test_configuration(self) -> None:
        """The server reads it again at a reload."""
        self.config.chmod(0o600)
        (found,) = self.look("", "names")
        self.assertEqual(found.id, "config.unreadable")
        self.assertIn(f"the user {WHO} may not use {self.config}", found.why)

    def test_files_below(self) -> None:
        """What root has left anywhere in the folder is told."""
        (self.data / "certificates").mkdir(mode=0o755)
        os.chown(self.data / "certificates", NOBODY, NOBODY)
        (self.data / "certificates" / "x.key").touch(0o600)
        (found,) = self.look("", "data")
        self.assertEqual(found.id, "data.foreign-file")
        self.assertIn("certificates/x.key in it belongs to another user", found.why)

    def test_data_file_and_secret(self) -> None:
        """They must be read and written, whoever they belong to."""
        bring_up(self.data / "xmppd.sqlite")
        (self.data / "secret").write_bytes(bytes(32))
        for name in ("xmppd.sqlite", "secret"):
            os.chown(self.data / name, NOBODY, NOBODY)
            (self.data / name).chmod(0o400)
        (found,) = self.look("", "data")
        self.assertEqual((found.id, found.place), ("data.not-writable", str(self.data / "xmppd.sqlite")))
        (self.data / "xmppd.sqlite").chmod(0o600)
        (self.data / "secret").chmod(0)
        (found,) = self.look("", "data")
        self.assertEqual(found.id, "data.secret")
        self.assertIn("(mode 0000", found.why)


class ReasonTests(SynchronousTestCase):
    """The remedy is that of the reason."""

    def test_read_only_file_system(self) -> None:
        """No chown helps there."""
        folder = temporary_folder(self)
        (folder / "data").mkdir(mode=0o700)

        def read_only(path: Path) -> Obstacle:
            return Obstacle.of(path, OSError(errno.EROFS, os.strerror(errno.EROFS)))

        (found,) = check_text(folder, "", None, "data", obstacle_to_using=read_only)
        self.assertEqual(found.id, "data.not-writable")
        self.assertIn("is read-only", found.why)
        self.assertTrue(found.remedy.startswith("mount it for writing"), found.remedy)
        (folder / "data").rmdir()
        (found,) = check_text(folder, "", None, "data", obstacle_to_using=read_only)
        self.assertEqual(found.id, "data.cannot-create")
        self.assertTrue(found.remedy.startswith("mount it for writing"), found.remedy)
