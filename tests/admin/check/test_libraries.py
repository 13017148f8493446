"""``library.*``: libraries that do not fit are found before a user finds them."""

from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from tests.admin.check.machine import check_text
from tests.temporary import temporary_folder
from xmppd.config.findings import Finding


class LibraryTests(SynchronousTestCase):
    """A connection with ourselves."""

    def look(self) -> list[Finding]:
        return check_text(temporary_folder(self), "[hosts.localhost]\n", None, "libraries")

    def test_all_is_well(self) -> None:
        """The libraries that are here fit."""
        self.assertEqual(self.look(), [])

    def test_tls(self) -> None:
        """As with pyOpenSSL 26.1, whose connections had no such method: every login over TLS died."""

        def missing(connection: SSL.Connection, options: int) -> None:
            raise AttributeError("set_options")

        self.patch(SSL.Connection, "set_options", missing)
        (found,) = self.look()
        self.assertEqual((found.id, found.severity), ("library.tls", "error"))
        self.assertIn("AttributeError: set_options; there are Python 3.", found.why)
