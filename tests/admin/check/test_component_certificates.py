"""Whether a certificate here covers the name of a component."""

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.check.certificates import BEGAN, CONFIG, make_certificate, write_private
from tests.admin.check.machine import check_text
from tests.certificates import dns, make_key, pem_of
from tests.temporary import temporary_folder


class ComponentTests(SynchronousTestCase):
    """Other servers reach a component where a certificate here covers its name, whosever it is."""

    COMPONENTS = (
        '[components."rooms.a.example"]\nmodule = "muc"\n[components."rooms.localhost"]\nmodule = "muc"\n'
    )

    def found(self, *names: str, more: str = "") -> list[tuple[str, str]]:
        """Check a host with a certificate for *names*; give what is said of components, with the line."""
        folder, key = temporary_folder(self), make_key()
        write_private(folder / "a.crt", pem_of(make_certificate(key, dns(*names), BEGAN)))
        write_private(folder / "a.key", pem_of(key))
        found = check_text(folder, CONFIG + self.COMPONENTS + more, None, "certificates")
        return [
            (each.what, each.place.rpartition(":")[2]) for each in found if each.id == "certificate.component"
        ]

    def test_covered(self) -> None:
        """By the host's, by name or by a wildcard."""
        self.assertEqual(self.found("a.example", "rooms.a.example"), [])
        self.assertEqual(self.found("a.example", "*.a.example"), [])

    def test_not_covered(self) -> None:
        """It is told; not of a name of this machine."""
        self.assertEqual(self.found("a.example"), [('certificate of "rooms.a.example"', "4")])

    def test_not_federated(self) -> None:
        """Nobody comes by TLS who would miss it."""
        self.assertEqual(self.found("a.example", more="[s2s]\nenabled = false\n"), [])
