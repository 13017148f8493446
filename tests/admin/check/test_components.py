"""What ``xmppctl check`` says of components: secrets in files and in the configuration."""

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.check.machine import check_text
from tests.temporary import temporary_folder

TEXT = '[components."x.example"]\nsecret_file = "x.secret"\n'


class SecretFileTests(SynchronousTestCase):
    """``secret_file``."""

    def setUp(self) -> None:
        """A folder for the configuration."""
        self.folder = temporary_folder(self)

    def found(self) -> list[tuple[str, str]]:
        """Check `TEXT`; give identifiers and lines."""
        found = check_text(self.folder, TEXT, None, "config")
        return [(f.id, f.place.rpartition(":")[2]) for f in found]

    def write(self, secret: bytes, mode: int = 0o600) -> None:
        """Write the file."""
        file = self.folder / "x.secret"
        file.write_bytes(secret)
        file.chmod(mode)

    def test_absent(self) -> None:
        """A file that is not there is told."""
        self.assertEqual(self.found(), [("config.secret-unreadable", "2")])

    def test_folder(self) -> None:
        """A folder is no file."""
        (self.folder / "x.secret").mkdir()
        self.assertEqual(self.found(), [("config.secret-unreadable", "2")])

    def test_empty(self) -> None:
        """An empty first line is no secret."""
        self.write(b"\nsecret\n")
        self.assertEqual(self.found(), [("config.secret-empty", "2")])

    def test_right(self) -> None:
        """A file with a secret is right, whatever its bytes."""
        self.write(b"\xff secret of more than 16 bytes\n")
        self.assertEqual(self.found(), [])

    def test_short(self) -> None:
        """One that can be found by trying is told."""
        self.write(b"fifteen bytes..")
        self.assertEqual(self.found(), [("config.weak-secret", "2")])

    def test_open_to_others(self) -> None:
        """A file that every user of the machine can read is told, one that a group can read is not."""
        self.write(b"a secret of more than 16 bytes", 0o644)
        self.assertEqual(self.found(), [("config.secret-readable", "2")])
        self.write(b"a secret of more than 16 bytes", 0o640)
        self.assertEqual(self.found(), [])


class SecretTests(SynchronousTestCase):
    """``secret``, and where programs connect."""

    def found(self, text: str) -> set[tuple[str, str]]:
        """Check *text*, in a file that every user can read; give identifiers and lines."""
        found = check_text(temporary_folder(self), text, None, "config")
        return {(f.id, f.place.rpartition(":")[2]) for f in found}

    def test_in_the_configuration(self) -> None:
        """One that is short is told, and a configuration with secrets in it that every user can read."""
        weak, readable = ("config.weak-secret", "2"), ("config.secret-readable", "2")
        self.assertEqual(self.found('[components."x.example"]\nsecret = "x"\n'), {weak, readable})
        self.assertEqual(
            self.found('[components."x.example"]\nsecret = "of more than 16 bytes"\n'), {readable}
        )

    def test_listening_for_the_world(self) -> None:
        """Components have no TLS: an address for other machines is told."""
        text = '[components]\nlisten = ["0.0.0.0:5347"]\n'
        component = '[components."x.example"]\nsecret = "of more than 16 bytes"\n'
        self.assertEqual(self.found(text), set())
        self.assertIn(("config.plain-components", "2"), self.found(text + component))

    def test_a_name_more(self) -> None:
        """``connection_of`` names a component with a secret, or it is a mistake."""
        text = '[components."x.example"]\nsecret = "of more than 16 bytes"\n[components."y.example"]\n'
        self.assertEqual(self.found(text + 'connection_of = "x.example"'), {("config.secret-readable", "2")})
        for other in ("z.example", "y.example", "localhost"):
            self.assertIn(("config.unknown-component", "4"), self.found(f'{text}connection_of = "{other}"'))


class CertificateTests(SynchronousTestCase):
    """Certificates of components."""

    def test_none_is_missed(self) -> None:
        """Nobody connects to a component by TLS: it needs no certificate, in a searched folder neither."""
        folder = temporary_folder(self)
        (folder / "certificates").mkdir()
        text = '[tls]\ncertificates = "certificates"\n[hosts."a.example"]\n[components."x.example"]\nmodule = "x"\n'
        found = check_text(folder, text, None, "certificates")
        self.assertEqual([f.what for f in found], ['certificate of "a.example"'])

    def test_named(self) -> None:
        """One that is named is looked at."""
        folder = temporary_folder(self)
        text = '[components."x.example"]\nmodule = "x"\ncertificate = "x.pem"\n'
        found = check_text(folder, text, None, "certificates")
        self.assertEqual(
            {(f.id, f.place.rpartition(":")[2]) for f in found}, {("certificate.unreadable", "3")}
        )


class RightsTests(SynchronousTestCase):
    """XEP-0355 and XEP-0356: rights of components that are none."""

    TEXT = (
        '[components."x.example"]\nsecret = "of more than 16 bytes"\n'
        '[components."rooms.example"]\nmodule = "muc"\n[hosts."example"]\n'
    )

    def found(self, text: str) -> list[tuple[str, str]]:
        """Check the configuration; give what is said of rights: where, and why."""
        found = check_text(temporary_folder(self), self.TEXT + text, None, "config")
        return [(f.what, f.why) for f in found if f.id == "config.unknown-component"]

    def test_those_that_are_there(self) -> None:
        """Nothing is said."""
        self.assertEqual(
            self.found('[modules.privilege.components."x.example"]\nroster = "get"\n'),
            [],
        )

    def test_unknown(self) -> None:
        """A name that is mistyped, for all hosts or for one."""
        for table in ("modules", "hosts.example.modules"):
            ((what, why),) = self.found(f'[{table}.privilege.components."y.example"]\nroster = "get"\n')
            self.assertEqual(what, f'{table}.privilege.components."y.example"')
            self.assertIn("no component here", why)

    def test_delegated(self) -> None:
        """Who manages a namespace, likewise; a module of this server does not."""
        ((what, why),) = self.found('[modules.delegation.namespaces."urn:example"]\nto = "rooms.example"\n')
        self.assertEqual(what, 'modules.delegation.namespaces."urn:example".to')
        self.assertIn("module of this server", why)
