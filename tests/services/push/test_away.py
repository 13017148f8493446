"""Notifications for who is away: streams that are gone and kept, and who is looked after elsewhere."""

from tests.services.push.pushing import COUNT, ENABLE_SM, SERVICE, PushCase, enable, lose
from xmppd.services.push.push import Push
from xmppd.testing.server import MemoryServer


class AwayTests(PushCase):
    """Another client takes the message; the phone's session is over."""

    archive = "[modules.mam]\nenabled = true\n"

    def setUp(self) -> None:
        """The phone has gone, a desk is there."""
        self.memory = MemoryServer(self.archive)
        self.push = self.memory.server.services[Push]
        self.phone = self.memory.logged_in("romeo@localhost/phone")
        self.juliet = self.memory.logged_in("juliet@localhost/balcony")
        self.service = self.memory.logged_in(SERVICE)
        self.desk = self.memory.logged_in("romeo@localhost/desk")
        self.desk.send("<presence/>")
        enable(self.phone)
        enable(self.desk, node="desk")
        self.phone.send("</stream:stream>")

    def counts(self) -> list[str | None]:
        """Take how many messages wait, as told."""
        return [request.findtext(COUNT) for request in self.told()]

    def test_told(self) -> None:
        """A message that the archive keeps is told to the client without a session, and to no other."""
        self.write()
        self.assertEqual(self.nodes(), ["n1"])
        self.write("romeo@localhost/desk")
        self.memory.clock.advance(1)
        self.assertEqual(self.nodes(), ["n1"])

    def test_what_is_not_worth_it(self) -> None:
        """A chat state, a receipt, and what the desk sends itself wake nobody."""
        for inner in (
            "<composing xmlns='http://jabber.org/protocol/chatstates'/>",
            "<received xmlns='urn:xmpp:receipts' id='m'/>",
        ):
            self.juliet.send(f"<message to='romeo@localhost' type='chat' id='s'>{inner}</message>")
        self.desk.send("<message to='juliet@localhost' type='chat' id='o'><body>hi</body></message>")
        self.juliet.send(
            "<message to='romeo@localhost' type='chat' id='n'><body>hi</body>"
            "<no-store xmlns='urn:xmpp:hints'/></message>"
        )
        self.assertEqual(self.nodes(), [])

    def test_no_more_once_it_is_there(self) -> None:
        """A phone with a session gets the message itself, or a copy."""
        phone = self.memory.logged_in("romeo@localhost/phone")
        self.write()
        self.assertEqual(self.nodes(), [])
        phone.send("</stream:stream>")
        self.write()
        self.assertEqual(self.counts(), ["1"])

    def test_another_client_comes(self) -> None:
        """What the archive keeps waits for the phone on, though another client is handed it."""
        self.desk.send("</stream:stream>")
        self.write()
        self.assertEqual(sorted(self.nodes()), ["desk", "n1"])
        self.write()
        desk = self.memory.logged_in("romeo@localhost/desk")
        desk.send("<presence/>")
        self.memory.clock.advance(1)
        (request,) = self.told()
        self.assertEqual(request.findtext(COUNT), "2")

    def test_counted_once(self) -> None:
        """A message that waits for a session without a connection, too, is counted once for a client that is away."""
        self.desk.send(
            "<iq type='set' id='d'><disable xmlns='urn:xmpp:push:0' jid='push@localhost/app' node='desk'/></iq>"
        )
        self.desk.send(ENABLE_SM)
        lose(self.desk)
        self.write("romeo@localhost/desk")
        self.assertEqual(self.counts(), ["1"])
        self.memory.clock.advance(1)
        self.assertEqual(self.counts(), [])

    def test_without_an_archive(self) -> None:
        """What the phone could not fetch is no reason to wake it."""
        self.archive = "[modules.mam]\nenabled = false\n"
        self.setUp()
        self.write()
        self.assertEqual(self.nodes(), [])
