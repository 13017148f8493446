"""User names and authorization identities of a host (RFC 6120 6.3.7, 6.3.8)."""

from twisted.trial.unittest import SynchronousTestCase

from tests.stream.sasl.client import HOST, REALM
from xmppd.stanza.jid import JID
from xmppd.stream.sasl.realm import Realm
from xmppd.stream.sasl.steps import SaslError

NO_ACCOUNTS = (
    "localhost",
    "@localhost",
    "alice@",
    "alice@example.org",
    "alice@localhost/phone",
    "x/y@localhost",
)


class RealmTests(SynchronousTestCase):
    """A realm takes names of its own host's accounts, and no other."""

    def test_username(self) -> None:
        """RFC 6120 6.3.7: the localpart alone, prepared."""
        for text in ("alice", "ALICE", "al\u00adice"):
            self.assertEqual(REALM.username(text), "alice")

    def test_no_username(self) -> None:
        """What could be read as another address is no name, however JIDs are prepared."""
        lenient = Realm(HOST, lambda text: JID.parse(text).bare)
        for realm in (REALM, lenient):
            for text in (
                "alice@localhost/x",
                "alice@localhost",
                "alice/x",
                "example.org/alice",
                "",
                "/",
                "@",
            ):
                self.assertRaises(SaslError, realm.username, text)

    def test_authorized(self) -> None:
        """RFC 6120 6.3.8: a name or a bare JID of the host."""
        for authzid in ("alice", "Alice@LocalHost", "alice@localhost"):
            self.assertEqual(REALM.authorized(authzid), "alice@localhost")

    def test_not_authorized(self) -> None:
        """Other hosts, full JIDs and what is no address."""
        for authzid in NO_ACCOUNTS[1:]:
            self.assertIsNone(REALM.authorized(authzid), authzid)

    def test_authzid(self) -> None:
        """None stands for one's own; another's is invalid-authzid."""
        REALM.check_authzid(None, "alice")
        REALM.check_authzid("Alice", "alice")
        for authzid in (*NO_ACCOUNTS, "bob", "bob@localhost", ""):
            error = self.assertRaises(SaslError, REALM.check_authzid, authzid, "alice")
            self.assertEqual(error.condition, "invalid-authzid")
