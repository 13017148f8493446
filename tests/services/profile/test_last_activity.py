"""When accounts were last there."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.profile.last_activity import STATUS_CHARS, STORE, Activity, LastActivity
from xmppd.stanza.jid import JID
from xmppd.testing.server import START, MemoryServer, now


class LastActivityTests(SynchronousTestCase):
    """`LastActivity` behind a whole server."""

    def setUp(self) -> None:
        """A server."""
        self.memory = MemoryServer()
        self.activity = self.memory.server.services[LastActivity]

    def of_romeo(self) -> Activity | None:
        """When Romeo was last there."""
        return now(self.activity.of("romeo@localhost"))  # type: ignore[no-any-return]  # the result of a Deferred

    def test_last_resource(self) -> None:
        """Only when the last resource leaves is an account away (XEP-0012 3)."""
        self.assertIsNone(self.of_romeo())
        one, two = (self.memory.logged_in(f"romeo@localhost/{name}") for name in ("one", "two"))
        one.send("</stream:stream>")
        self.assertEqual(self.of_romeo(), Activity(None))
        self.memory.clock.advance(10)
        two.send("<presence type='unavailable'><status>bye</status></presence></stream:stream>")
        self.assertEqual(self.of_romeo(), Activity(START + 10, "bye"))

    def test_long_status(self) -> None:
        """What is kept of a status has a limit."""
        romeo = self.memory.logged_in("romeo@localhost/orchard")
        text = "x" * (STATUS_CHARS + 1)
        romeo.send(f"<presence type='unavailable'><status>{text}</status></presence></stream:stream>")
        activity = self.of_romeo()
        assert activity is not None
        self.assertEqual(len(activity.status), STATUS_CHARS)

    def test_account_that_is_gone(self) -> None:
        """Nothing is kept of an account that was removed."""
        romeo = self.memory.logged_in("romeo@localhost/orchard")
        now(self.memory.server.accounts.remove(JID.parse("romeo@localhost")))
        romeo.send("</stream:stream>")
        self.assertEqual(now(self.memory.storage.owners(STORE)), [])
