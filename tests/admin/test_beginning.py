"""What a new domain begins with, and bringing certificates."""

import stat
from datetime import UTC, datetime
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.check.machine import check_text
from tests.temporary import temporary_folder
from xmppd.admin.beginning import Beginning, CannotBegin, checked, commands, records, text_of, write
from xmppd.admin.bringing import CannotBring, bring, make
from xmppd.admin.settings import known_modules
from xmppd.config.read import load
from xmppd.net.tls.folder import search
from xmppd.net.tls.names import covers
from xmppd.net.tls.reading import chain_in, read_file

NOW = datetime.now(UTC)


class BeginningTests(SynchronousTestCase):
    """`xmppd.admin.beginning`."""

    def begin(self, domain: str = "example.org", *addresses: str) -> Beginning:
        """Decide about a domain."""
        folder = temporary_folder(self)
        return Beginning(
            domain, folder / "x.toml", folder / "data", f"admin@{domain}", f"xmpp.{domain}", addresses
        )

    def test_written(self) -> None:
        """It is right without a warning but for what only the operator can bring, and serves what it says."""
        new = self.begin("bücher.example")
        files = write(new, NOW)
        self.assertEqual([stat.S_IMODE(file.stat().st_mode) & 0o007 for file in files[::2]], [0, 0])
        config = load(new.file, {})
        self.assertEqual((list(config.hosts), config.admins), (["bücher.example"], ("admin@bücher.example",)))
        self.assertEqual(list(config.components), list(new.services))
        found = check_text(
            new.file.parent, new.file.read_text(), {}, modules=known_modules(), now=lambda: NOW
        )
        ids = {each.id for each in found} - {"web.host-meta"}  # which is for the web server of the domain
        self.assertEqual(ids, {"certificate.self-signed"}, [str(each) for each in found])
        chain = chain_in(files[1], read_file(files[1]))
        self.assertTrue(all(covers(chain[0], name) for name in new.names))

    def test_nothing_is_overwritten(self) -> None:
        """A file that is there stays, the certificate too."""
        new = self.begin()
        files = write(new, NOW)
        before = [file.read_bytes() for file in files]
        self.assertRaises(CannotBegin, write, new, NOW)
        new.file.unlink()
        self.assertRaises(CannotBegin, write, new, NOW)
        self.assertEqual([file.read_bytes() for file in files[1:]], before[1:])
        self.assertFalse(new.file.exists())

    def test_a_folder_that_cannot_be_written(self) -> None:
        """One line says which."""
        folder = temporary_folder(self)
        (folder / "file").write_text("")
        new = Beginning("a.example", folder / "file" / "x.toml", folder, "a@a.example", "a.example", ())
        self.assertIn("cannot be written", str(self.assertRaises(CannotBegin, write, new, NOW)))

    def test_names(self) -> None:
        """What cannot be served is refused, with its right spelling."""
        self.assertEqual(checked("bücher.example"), "bücher.example")
        for wrong, right in (("xn--bcher-kva.example", "bücher.example"), ("Example.org", "example.org")):
            self.assertIn(f"write {right}", str(self.assertRaises(CannotBegin, checked, wrong)))

    def test_records(self) -> None:
        """SRV records for clients and servers, for the services too, by A-labels; then the machine's addresses."""
        lines = [line.split() for line in records(self.begin("bücher.example", "192.0.2.7", "2001:db8::7"))]
        found = {fields[0]: fields[3:] for fields in lines if fields[0] != ";"}
        name, machine = "xn--bcher-kva.example.", "xmpp.xn--bcher-kva.example."
        self.assertEqual(found[f"_xmpp-client._tcp.{name}"], ["SRV", "0", "5", "5222", machine])
        self.assertEqual(found[f"_xmpps-server._tcp.rooms.{name}"], ["SRV", "0", "5", "5270", machine])
        self.assertNotIn(f"_xmpp-client._tcp.rooms.{name}", found)
        self.assertEqual(
            [f[3:] for f in lines if f[0] == machine], [["A", "192.0.2.7"], ["AAAA", "2001:db8::7"]]
        )
        self.assertIn("does not know", " ".join(records(self.begin())))

    def test_commands(self) -> None:
        """A certificate for all names, and the first account."""
        said = dict(commands(self.begin()))
        certbot = next(command for command in said.values() if command.startswith("certbot"))
        self.assertIn("-d example.org -d rooms.example.org", certbot)
        self.assertTrue(said["the first account"].endswith("user add admin@example.org"))
        self.assertIn("admins = ", text_of(self.begin()))


class BringingTests(SynchronousTestCase):
    """`xmppd.admin.bringing`."""

    def setUp(self) -> None:
        """A configuration with two hosts, and a folder as certbot's."""
        self.folder = temporary_folder(self)
        self.file = self.folder / "x.toml"
        self.file.write_text(
            '[hosts."a.example"]\n[hosts."b.example"]\n[tls]\ncertificates = "certificates"\n'
        )
        self.source = self.folder / "live"

    def issue(self, host: str) -> None:
        """Lay a certificate there as certbot does."""
        certificate, key = make(self.folder / "made", (host,), NOW)
        live = self.source / host
        live.mkdir(parents=True)
        (live / "fullchain.pem").symlink_to(certificate)
        (live / "privkey.pem").symlink_to(key)

    def test_brought(self) -> None:
        """Each host's own, with its key, where nobody else reads it and the server finds it; the others are named."""
        self.issue("a.example")
        one, other = bring(load(self.file, {}), self.source, NOW)
        self.assertEqual((one.host, one.why, other.host, other.file), ("a.example", "", "b.example", ""))
        file = Path(one.file)
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.assertEqual(search(self.folder / "certificates", "a.example", NOW), (file, file))
        self.assertIn("there is none", other.why)

    def test_again(self) -> None:
        """A renewed one takes the place of the old one."""
        self.issue("a.example")
        before = Path(bring(load(self.file, {}), self.source, NOW)[0].file).read_bytes()
        for name in ("crt", "key"):
            (self.folder / "made" / f"a.example.{name}").unlink()
        make(self.folder / "made", ("a.example",), NOW)
        self.assertNotEqual(Path(bring(load(self.file, {}), self.source, NOW)[0].file).read_bytes(), before)

    def test_what_cannot_be(self) -> None:
        """A source that is not there, and a configuration without a folder."""
        self.assertRaises(CannotBring, bring, load(self.file, {}), self.folder / "none", NOW)
        self.file.write_text('[hosts."a.example"]\n')
        why = str(self.assertRaises(CannotBring, bring, load(self.file, {}), self.folder, NOW))
        self.assertIn('write [tls] certificates = "certificates"', why)

    def test_made_ones_are_not_replaced(self) -> None:
        """Nor half of them."""
        make(self.folder, ("a.example",), NOW)
        self.assertRaises(CannotBring, make, self.folder, ("a.example",), NOW)
