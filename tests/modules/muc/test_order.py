"""XEP-0045 8.2 – 8.4, 9: what a change of roles or affiliations tells, and its result, in the order of the text."""

from twisted.trial.unittest import SynchronousTestCase

from tests.modules.muc.test_rooms_and_views import OPTIONS, ROOM, admin, join
from xmppd.testing.server import MemoryServer

KICK = admin("<item nick='two' role='none'/>")
SAID = f"<message to='{ROOM.bare}' type='groupchat' id='m'><body>Hail</body></message>"


class OrderTests(SynchronousTestCase):
    """An owner and two others."""

    def setUp(self) -> None:
        """Let all enter."""
        self.server = MemoryServer(OPTIONS)
        self.clients = [self.server.logged_in(f"{name}@localhost/1") for name in ("owner", "ann", "cid")]
        self.owner, self.ann, self.cid = self.clients
        for client, nick in zip(self.clients, ("one", "two", "three"), strict=True):
            client.send(join(nick))
        self.server.settle()
        for client in self.clients:
            client.inbox.clear()

    def told(self) -> list[list[tuple[str, str | None]]]:
        """Give what each has received: which stanza, of which type."""
        return [
            [(each.tag.partition("}")[2], each.get("type")) for each in client.inbox]
            for client in self.clients
        ]

    def test_kick(self) -> None:
        """8.2: who is kicked hears it first, then the moderator of the success, then all others of it."""
        gone, result = ("presence", "unavailable"), ("iq", "result")
        self.owner.send(KICK)
        self.assertEqual(self.told(), [[result], [gone], []])
        self.server.settle()
        self.assertEqual(self.told(), [[result, gone], [gone], [gone]])

    def test_roles_and_affiliations(self) -> None:
        """8.3, 9.3: the result comes before what all are told."""
        for item in ("<item nick='two' role='visitor'/>", "<item jid='cid@localhost' affiliation='member'/>"):
            self.owner.send(admin(item))
            self.assertEqual(self.told(), [[("iq", "result")], [], []])
            self.server.settle()
            self.assertEqual(
                self.told(), [[("iq", "result"), ("presence", None)]] + 2 * [[("presence", None)]]
            )
            for client in self.clients:
                client.inbox.clear()

    def test_what_is_said_meanwhile(self) -> None:
        """All see the same order: what is said in the turn of the kick comes behind it."""
        self.owner.send(KICK)
        self.cid.send(SAID)
        self.assertEqual(self.told()[2], [("presence", "unavailable"), ("message", "groupchat")])

    def test_the_nick_is_taken_at_once(self) -> None:
        """Who takes the nick of who was kicked is there for all, and has not left."""
        self.owner.send(KICK)
        other = self.server.logged_in("dan@localhost/1")
        other.send(join("two"))
        self.server.settle()
        self.assertEqual(self.told()[2], [("presence", "unavailable"), ("presence", None)])
