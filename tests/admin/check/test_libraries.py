"""``library.*``: libraries that do not fit are found before a user finds them."""

import socket

from OpenSSL import SSL
from precis_i18n.baseclass import FreeFormClass
from twisted.internet import reactor
from twisted.internet.interfaces import IReactorFDSet
from twisted.trial.unittest import SynchronousTestCase

from tests.admin.check.machine import check_text
from tests.temporary import temporary_folder
from xmppd.admin.check.run import CHECK_NAMES
from xmppd.admin.xmppctl.server import check
from xmppd.config.findings import Finding
from xmppd.stanza.jid import forget_prepared


class LibraryTests(SynchronousTestCase):
    """A login with ourselves."""

    def look(self, transport: str = "xmppd") -> list[Finding]:
        text = f'[hosts.localhost]\n[net]\ntransport = "{transport}"\n'
        return check_text(temporary_folder(self), text, None, "libraries")

    def broken(self, owner: object, name: str) -> Finding:
        """Give the finding where a method of a library is not there."""

        def missing(*_: object, **__: object) -> None:
            raise AttributeError(name)

        self.patch(owner, name, missing)
        (found,) = self.look()
        self.flushLoggedErrors(AttributeError)
        self.assertEqual((found.id, found.severity), ("library.login", "error"))
        self.assertIn("; there are Python 3.", found.why)
        return found

    def test_all_is_well(self) -> None:
        """The libraries that are here fit; nothing is left behind."""
        assert IReactorFDSet.providedBy(reactor)
        before = {*reactor.getReaders(), *reactor.getWriters()}
        for transport in ("xmppd", "twisted"):
            self.assertEqual(self.look(transport), [])
        self.assertLessEqual({*reactor.getReaders(), *reactor.getWriters()}, before)

    def test_tls(self) -> None:
        """As with pyOpenSSL 26.1, whose connections had no such method: every login over TLS died."""
        self.assertIn("AttributeError: set_options;", self.broken(SSL.Connection, "set_options").why)

    def test_channel_binding(self) -> None:
        """What is called once TLS is there."""
        found = self.broken(SSL.Connection, "export_keying_material")
        self.assertIn("AttributeError: export_keying_material;", found.why)

    def test_names(self) -> None:
        """What is no TLS."""
        forget_prepared()
        self.broken(FreeFormClass, "enforce")

    def test_no_loopback(self) -> None:
        """Where a machine does not reach itself, that is nothing about libraries."""

        def refuse(*_: object) -> None:
            raise OSError("Network is unreachable")

        self.patch(socket, "create_server", refuse)
        self.assertEqual(self.look(), [])

    def test_help(self) -> None:
        """It names every check that there is."""
        self.assertEqual([name for name in CHECK_NAMES if name not in (check.help or "")], [])
