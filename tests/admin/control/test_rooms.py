"""Control commands about rooms."""

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.control.bench import HOSTS, ControlBench
from xmppd.testing.client import Client

ROOMS = '[components."rooms.localhost"]\nmodule = "muc"\n'


class RoomTests(SynchronousTestCase):
    """`room.list`, `show`, `create`, `destroy`, `affiliation`, `occupants`, `kick`."""

    def setUp(self) -> None:
        """A host with rooms, and one room with somebody in it."""
        self.bench = ControlBench(HOSTS + ROOMS)
        self.bench.do("room.create", room="coven", owner="crone@localhost")
        self.hag = self.enter("hag@localhost/pda", "hag")

    def enter(self, address: str, nick: str) -> Client:
        """Give a client that is in the room."""
        client = self.bench.memory.logged_in(address)
        client.send(
            f"<presence to='coven@rooms.localhost/{nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>"
        )
        self.bench.memory.settle()
        client.inbox.clear()
        return client

    def test_list_and_show(self) -> None:
        """What there is, who made it, and who has which affiliation."""
        row = {
            "room": "coven@rooms.localhost",
            "title": "",
            "public": True,
            "persistent": True,
            "occupants": 1,
            "creator": "crone@localhost",
        }
        self.assertEqual(self.bench.do("room.list"), [row])
        shown = self.bench.do("room.show", room="coven@rooms.localhost")
        self.assertEqual({key: shown[key] for key in row}, row)
        owner = {"jid": "crone@localhost", "affiliation": "owner", "nick": "", "reason": ""}
        self.assertEqual(shown["affiliations"], [owner])

    def test_create(self) -> None:
        """There is one room of a name."""
        refused = self.bench.refusal("room.create", room="coven", owner="crone@localhost")
        self.assertEqual(refused[0], "room-exists")
        self.assertEqual(self.bench.refusal("room.show", room="heath")[0], "no-such-room")
        self.assertEqual(self.bench.refusal("room.show", room="a@b@c")[0], "invalid-name")

    def test_destroy(self) -> None:
        """All are told, and the name can be used again by the operator."""
        self.bench.do("room.destroy", room="coven", reason="Over", venue="heath@rooms.localhost")
        self.assertEqual([each.get("type") for each in self.hag.inbox], ["unavailable"])
        self.assertEqual(self.bench.do("room.list"), [])
        self.bench.do("room.create", room="coven", owner="crone@localhost")

    def test_affiliation(self) -> None:
        """An affiliation is given, and who is there is told."""
        self.bench.do("room.affiliation", room="coven", jid="hag@localhost", affiliation="admin")
        self.assertEqual(
            self.bench.do("room.occupants", room="coven"),
            [{"nick": "hag", "jids": ["hag@localhost/pda"], "affiliation": "admin", "role": "moderator"}],
        )
        self.bench.memory.settle()
        self.assertEqual(len(self.hag.inbox), 1)
        refused = self.bench.refusal(
            "room.affiliation", room="coven", jid="crone@localhost", affiliation="none"
        )
        self.assertEqual(refused, ("room-error", "a room has at least one owner"))

    def test_kick(self) -> None:
        """An occupant is removed; who is not there cannot be."""
        self.bench.do("room.kick", room="coven", nick="hag", reason="Enough")
        self.assertEqual(self.bench.do("room.occupants", room="coven"), [])
        self.assertEqual(self.bench.refusal("room.kick", room="coven", nick="hag")[0], "room-error")

    def test_after_a_reload(self) -> None:
        """The class is another one then; the rooms are the same."""
        self.bench.do("module.reload", name="muc")
        self.assertEqual([row["room"] for row in self.bench.do("room.list")], ["coven@rooms.localhost"])

    def test_no_service(self) -> None:
        """Where there are no rooms that is said, with what to write."""
        self.assertEqual(ControlBench().refusal("room.list")[0], "no-rooms")
        _, message = self.bench.refusal("room.list", service="localhost")
        self.assertEqual(message, "localhost has no rooms; they are at rooms.localhost")
