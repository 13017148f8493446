"""The files of the chat in the browser: known by their hash, whole or not at all."""

import base64
import gzip
import hashlib
import io
import shutil
import tarfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.admin import web_client
from xmppd.admin.web_client import VERSION, CannotInstall, install, installed_version


def release(folder: Path, **files: bytes) -> Path:
    """Make an archive as npm packs it; names have ``__`` for a slash and ``_`` for a dot."""
    path = folder / "release.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("__", "/").replace("_", "."))
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


class InstallTests(SynchronousTestCase):
    """`install`."""

    def setUp(self) -> None:
        """Give each test a folder."""
        self.folder = temporary_folder(self)
        self.data = self.folder / "data"

    def trusted(self, path: Path) -> Path:
        """Have the hash of *path* be the right one."""
        digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
        self.patch(web_client, "INTEGRITY", digest)
        return path

    def test_the_released_files(self) -> None:
        """Those that a browser wants, compressed beside where that is worth it; nothing of what is around them."""
        archive = release(
            self.folder,
            package__dist__converse_min_js=b"js " * 100,
            package__dist__converse_js=b"long",
            package__dist__a_map=b"map",
            package__dist__images__a_png=b"png",
            package__src__b_js=b"source",
        )
        folder = install(self.data, self.trusted(archive))
        found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        self.assertEqual(found, ["VERSION", "converse.min.js", "converse.min.js.gz", "images/a.png"])
        self.assertEqual(gzip.decompress((folder / "converse.min.js.gz").read_bytes()), b"js " * 100)
        self.assertEqual(installed_version(self.data), VERSION)

    def test_another_file(self) -> None:
        """What has not the hash of the release is not looked into, and what was there stays."""
        install(self.data, self.trusted(release(self.folder, package__dist__converse_min_js=b"js")))
        other = release(self.folder, package__dist__converse_min_js=b"evil")
        error = self.assertRaises(CannotInstall, install, self.data, other)
        self.assertIn("its hash is another one", str(error))
        self.assertEqual((self.data / "web-client" / "converse.min.js").read_bytes(), b"js")

    def test_names_that_lead_elsewhere(self) -> None:
        """Nothing is written outside the folder."""
        path = self.folder / "release.tgz"
        with tarfile.open(path, "w:gz") as archive:
            for name in (
                "package/dist/../../../evil.js",
                "package/dist//etc/evil.js",
                "package/dist/converse.min.js",
            ):
                archive.addfile(tarfile.TarInfo(name), io.BytesIO(b""))
            link = tarfile.TarInfo("package/dist/link.js")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(link)
        folder = install(self.data, self.trusted(path))
        self.assertEqual([each.name for each in self.folder.rglob("evil.js")], [])
        self.assertFalse((folder / "link.js").exists())

    def test_a_newer_one(self) -> None:
        """It takes the place of the older one, whole."""
        install(
            self.data,
            self.trusted(release(self.folder, package__dist__converse_min_js=b"1", package__dist__a_js=b"")),
        )
        folder = install(self.data, self.trusted(release(self.folder, package__dist__converse_min_js=b"2")))
        self.assertEqual((folder / "converse.min.js").read_bytes(), b"2")
        self.assertFalse((folder / "a.js").exists())
        self.assertEqual([path.name for path in self.data.iterdir()], ["web-client"])

    def test_what_cannot_be(self) -> None:
        """No file, no release in it, nowhere to write: a line each."""
        self.assertRaises(CannotInstall, install, self.data, self.folder / "absent.tgz")
        self.assertRaises(
            CannotInstall, install, self.data, self.trusted(release(self.folder, package__a=b""))
        )
        blocked = self.folder / "file"
        blocked.write_text("")
        archive = self.trusted(release(self.folder, package__dist__converse_min_js=b"js"))
        self.assertRaises(CannotInstall, install, blocked, archive)

    def test_without_npm(self) -> None:
        """It says what to do."""
        self.patch(shutil, "which", lambda name: None)
        error = self.assertRaises(CannotInstall, install, self.data)
        self.assertIn("--from", str(error))
