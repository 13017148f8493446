"""In-band registration: limits and failures; what is seen on the wire is in the dialogues."""

from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from xmppd.modules.register import Register
from xmppd.services.accounts.removal import Removal
from xmppd.stanza.jid import JID
from xmppd.storage.interface import StorageFull
from xmppd.testing.client import Client
from xmppd.testing.server import MemoryServer, now

OPEN = "[modules.register]\nallow_registration = true\nregistrations_per_hour = 2\n"
NS_ERRORS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"


class RegisterTests(SynchronousTestCase):
    """The module `register`."""

    def setUp(self) -> None:
        """A server where two accounts an hour can be made from an address."""
        self.memory = MemoryServer(OPEN)

    def stranger(self) -> Client:
        """Give a client that could authenticate now."""
        client = Client("stranger", "nobody@localhost/x")
        self.memory.connect(client)
        now(Deferred.fromCoroutine(client.secure()))
        client.inbox.clear()
        return client

    def registered(self, name: str) -> str:
        """Register *name* over a connection of its own; give "result" or the error's condition."""
        client = self.stranger()
        client.send(
            f"<iq type='set' id='r'><query xmlns='jabber:iq:register'><username>{name}</username>"
            "<password>x</password></query></iq>"
        )
        return outcome(client.inbox.popleft())

    def test_so_many_a_day(self) -> None:
        """From all addresses together so many accounts a day; what is refused is counted."""
        self.memory = MemoryServer(OPEN.replace("per_hour = 2", "per_day = 2"))
        found = [self.registered(name) for name in ("ann", "ben", "cat")]
        self.assertEqual(found, ["result", "result", "resource-constraint"])
        loaded = self.memory.server.hosts["localhost"].modules["register"]
        assert isinstance(loaded, Register)
        self.assertEqual((loaded.made, loaded.refused), (2, 1))
        self.memory.pass_time(86_400)
        self.assertEqual(self.registered("cat"), "result")

    def test_so_many_an_hour(self) -> None:
        """From one address so many accounts an hour; names that are taken do not count as accounts."""
        self.assertEqual(self.registered("ann"), "result")
        self.assertEqual(self.registered("ann"), "conflict")
        self.assertEqual(self.registered("ben"), "result")
        self.assertEqual(self.registered("cat"), "resource-constraint")
        self.memory.clock.advance(3_600)
        self.assertEqual(self.registered("cat"), "result")

    def test_so_many_attempts(self) -> None:
        """Nobody finds out by trying which names are taken."""
        self.memory.add_account("ann@localhost")
        outcomes = [self.registered("ann") for _ in range(11)]
        self.assertEqual(outcomes, ["conflict"] * 10 + ["resource-constraint"])

    def test_tombstone(self) -> None:
        """The name of an account that was removed a short while ago looks taken."""
        self.assertEqual(self.registered("ann"), "result")
        now(self.memory.server.services[Removal].remove(JID.parse("ann@localhost")))
        self.assertEqual(self.registered("ann"), "conflict")

    def test_disk_full(self) -> None:
        """What cannot be stored is refused, and the stream goes on."""
        self.memory.storage.failing = StorageFull("full")
        self.assertEqual(self.registered("ann"), "resource-constraint")
        self.memory.storage.failing = None
        self.assertFalse(self.memory.server.accounts.exists("ann@localhost"))

    def test_not_for_guests(self) -> None:
        """A host without accounts makes none, and its guests have nothing to change."""
        self.memory = MemoryServer(OPEN + '[hosts."localhost"]\nauth = "anonymous"\n')
        self.assertEqual(self.registered("ann"), "service-unavailable")
        client = Client("guest", "guest@localhost/x")
        self.memory.connect(client)
        now(Deferred.fromCoroutine(client.log_in()))
        client.send("<iq type='get' id='r' to='localhost'><query xmlns='jabber:iq:register'/></iq>")
        self.assertEqual(outcome(client.inbox.popleft()), "not-allowed")

    def test_what_is_turned_off(self) -> None:
        """Passwords and accounts may be the administrators' alone."""
        self.memory = MemoryServer(
            "[modules.register]\nallow_password_change = false\nallow_removal = false\n"
        )
        romeo = self.memory.logged_in("romeo@localhost/x")
        for content in ("<username>romeo</username><password>x</password>", "<remove/>"):
            romeo.send(f"<iq type='set' id='r'><query xmlns='jabber:iq:register'>{content}</query></iq>")
            self.assertEqual(outcome(romeo.inbox.popleft()), "not-allowed")
        self.assertTrue(self.memory.server.accounts.exists("romeo@localhost"))

    def test_removal_that_fails(self) -> None:
        """The user is told, and stays."""
        romeo = self.memory.logged_in("romeo@localhost/x")
        self.memory.storage.failing = StorageFull("full")
        romeo.send("<iq type='set' id='r'><query xmlns='jabber:iq:register'><remove/></query></iq>")
        self.assertEqual(outcome(romeo.inbox.popleft()), "resource-constraint")
        self.assertTrue(romeo.is_connected)

    def test_password_that_cannot_be(self) -> None:
        """A password that no client could type is refused, and the old one holds."""
        romeo = self.memory.logged_in("romeo@localhost/x")
        romeo.send(
            "<iq type='set' id='r'><query xmlns='jabber:iq:register'><username>Romeo</username>"
            f"<password>{'x' * 1_025}</password></query></iq>"
        )
        self.assertEqual(outcome(romeo.inbox.popleft()), "not-acceptable")
        self.memory.logged_in("romeo@localhost/y")


def outcome(answer: Element) -> str:
    """Give "result" or the condition of an error."""
    error = answer.find("{jabber:client}error")
    return answer.get("type") or "" if error is None else error[0].tag.removeprefix(NS_ERRORS)
