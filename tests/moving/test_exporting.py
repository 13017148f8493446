"""What a server has stored by itself, as it is written out."""

from twisted.trial.unittest import SynchronousTestCase

from tests.moving.stores import MemoryStore, exported
from xmppd.testing.server import MemoryServer

SEND = "<message to='juliet@localhost' type='chat' id='1'><body>{}</body></message>"
PUBLISH = (
    "<iq type='set' id='p'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:x'><item id='i'>"
    "<x xmlns='urn:x'/></item></publish></pubsub></iq>"
)


class ServerTests(SynchronousTestCase):
    """A server in memory, and people who use it."""

    def setUp(self) -> None:
        """Two accounts; romeo is there."""
        self.memory = MemoryServer('[components."rooms.localhost"]\nmodule = "muc"')
        self.memory.add_account("juliet@localhost")
        self.romeo = self.memory.logged_in("romeo@localhost/orchard")

    def text(self) -> str:
        """Write all of it out."""
        self.memory.pass_time(1.0)
        return exported(MemoryStore(self.memory.storage)).decode()

    def offline(self) -> str:
        """Give the part with offline messages."""
        return self.text().partition("<offline-messages>")[2].partition("</offline-messages>")[0]

    def test_what_waits(self) -> None:
        """A message that waits is there with its time, its content from the archive and the id there; one that was
        delivered is in the archive alone."""
        self.romeo.send(SEND.format("hello"))
        waiting = self.offline()
        self.assertIn("<body>hello</body>", waiting)
        self.assertEqual((waiting.count("<delay"), waiting.count("<stanza-id")), (1, 1))
        juliet = self.memory.logged_in("juliet@localhost/balcony")
        juliet.send("<presence/>")
        self.assertEqual(self.offline(), "")
        self.assertEqual(self.text().count("<body>hello</body>"), 2)

    def test_what_was_published(self) -> None:
        """A node with all of its options, and the item with its time."""
        self.romeo.send(PUBLISH)
        text = self.text()
        self.assertIn("<configure node='urn:x'", text)
        self.assertIn("<field var='pubsub#access_model'><value>presence</value></field>", text)
        self.assertRegex(
            text, r"<item id='i' publisher='romeo@localhost/orchard' xmlns:xmppd='urn:xmppd:pie:0' xmppd:at="
        )

    def test_a_room(self) -> None:
        """Settings, owner, archive with who said what; what is left of one that was destroyed is not."""
        room = "play@rooms.localhost"
        self.romeo.send(f"<presence to='{room}/r'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
        owner = "http://jabber.org/protocol/muc#owner"
        form = f"<query xmlns='{owner}'><x xmlns='jabber:x:data' type='submit'/></query>"
        self.romeo.send(f"<iq type='set' id='c' to='{room}'>{form}</iq>")
        self.romeo.send(f"<message to='{room}' type='groupchat' id='2'><body>in the room</body></message>")
        text = self.text()
        self.assertIn("<room xmlns='urn:xmppd:pie:0' name='play' creator='romeo@localhost'", text)
        self.assertIn("<affiliation jid='romeo@localhost' affiliation='owner'/>", text)
        self.assertIn("xmppd:by='romeo@localhost/orchard'", text)
        self.romeo.send(f"<iq type='set' id='d' to='{room}'><query xmlns='{owner}'><destroy/></query></iq>")
        self.assertNotIn("<room ", self.text())
