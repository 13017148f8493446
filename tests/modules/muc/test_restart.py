"""What comes back after SIGKILL, after a stop, and after a time without anybody."""

from twisted.trial.unittest import SynchronousTestCase

from tests.modules.muc.test_rooms_and_views import ROOM, admin, as_kept, join
from xmppd.modules.muc.left_behind import RETRY_S, TELL_AFTER_S
from xmppd.services.rooms.room import Room
from xmppd.services.rooms.rooms import Rooms
from xmppd.services.rooms.sweeping import EVERY_S, LEFT_OVER_S
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import StorageFailed
from xmppd.testing.doors import FakeDoor
from xmppd.testing.server import MemoryServer, now

OPTIONS = """
[components."rooms.localhost"]
module = "muc"
[components."rooms.localhost".modules.muc]
lock = false
create = "anybody"
"""
LATE_S = 0.5
FAR = "romeo@montague.example/garden"


class RestartTests(SynchronousTestCase):
    """Rooms and the storage that a killed server leaves behind."""

    def setUp(self) -> None:
        """A room, in which some things have happened."""
        self.server = MemoryServer(OPTIONS)
        self.owner = self.server.logged_in("owner@localhost/1")
        self.do(join("one"))
        self.do(f"<message to='{ROOM.bare}' type='groupchat' id='s'><subject>Fire</subject></message>")
        self.do(f"<message to='{ROOM.bare}' type='groupchat' id='m'><body>Hail</body></message>")
        self.do(admin("<item jid='ann@localhost' affiliation='member' nick='ann'/>"))

    def do(self, text: str) -> None:
        """Let the owner send something."""
        self.owner.send(text)
        self.server.settle()

    def room(self, server: MemoryServer) -> Room | None:
        """Give the room as a server has it."""
        found: Room | None = now(server.server.services[Rooms].open(ROOM))
        return found

    def again(self) -> MemoryServer:
        """Kill the server, and give the one that is started then."""
        return MemoryServer(OPTIONS, storage=self.server.storage.killed(), first_id=1_000)

    def test_killed(self) -> None:
        """A room comes back whole: settings, affiliations, subject, secret, what was said."""
        before = self.room(self.server)
        assert before is not None
        after = self.room(self.again())
        assert after is not None
        self.assertEqual(as_kept(after), as_kept(before))
        self.assertEqual((len(after.history), after.occupants), (1, {}))

    def test_left_over(self) -> None:
        """A temporary room that nobody comes back to ends after a while, with all that belongs to it."""
        server = self.again()
        server.pass_time(LEFT_OVER_S + EVERY_S)
        self.assertIsNone(self.room(server))
        for store in ("room", "room_affiliations", "archive", "rooms"):
            self.assertNotIn(ROOM.bare, now(server.storage.owners(store)))
        self.assertEqual(now(server.storage.parts("archive", ROOM.bare)), [])

    def test_temporary(self) -> None:
        """A temporary room ends with its last occupant (7.14); the next one of the name shows nothing of it."""
        self.do(f"<presence to='{ROOM.bare}/one' type='unavailable'/>")
        self.assertIsNone(self.room(self.server))
        self.owner.inbox.clear()
        self.do(join("one"))
        self.assertEqual(
            [each.get("id") for each in self.owner.inbox if each.tag.endswith("}message")], [None]
        )

    def test_unloaded(self) -> None:
        """A room that stays leaves memory when nobody has been in it for a time, and comes back as it was."""
        persistent = "<field var='muc#roomconfig_persistentroom'><value>1</value></field>"
        kind = "<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>"
        form = f"<x xmlns='jabber:x:data' type='submit'>{kind}{persistent}</x>"
        query = f"<query xmlns='http://jabber.org/protocol/muc#owner'>{form}</query>"
        self.do(f"<iq type='set' id='c' to='{ROOM.bare}'>{query}</iq>")
        before = self.room(self.server)
        assert before is not None
        self.server.pass_time(2 * 3_600.0)
        self.assertIs(self.room(self.server), before)
        self.do(f"<presence to='{ROOM.bare}/one' type='unavailable'/>")
        self.server.pass_time(3_600.0 + EVERY_S)
        self.assertEqual(self.server.server.services[Rooms].loaded, {})
        after = self.room(self.server)
        assert after is not None
        self.assertEqual(as_kept(after), as_kept(before))

    def test_stop(self) -> None:
        """A service that ends tells who is there, by 332, and deletes nothing."""
        self.owner.inbox.clear()
        host = self.server.server.hosts["rooms.localhost"]
        self.server.server.loader.unload(host, "muc")
        self.server.settle()
        (gone,) = self.owner.inbox
        codes = [each.get("code") for each in gone.iter() if each.tag.endswith("}status")]
        self.assertEqual((gone.get("type"), codes), ("unavailable", ["110", "332"]))
        self.assertIsNotNone(self.room(self.again()))

    def test_remote_occupants_are_told(self) -> None:
        """Who is of another server and was there when it was killed is told so, once; local ones know it."""
        self.enter_from_afar(self.server)
        server = self.again()
        door = FakeDoor()
        server.server.router.remote.open(door)
        server.pass_time(TELL_AFTER_S)
        (gone,) = door.stanzas
        self.assertEqual((gone.to, gone.from_, gone.type), (FAR, f"{ROOM.bare}/far", "unavailable"))
        self.assertIn(b"code='332'", gone.inner)
        last = MemoryServer(OPTIONS, storage=server.storage.killed(), first_id=2_000)
        last.server.router.remote.open(door)
        last.pass_time(TELL_AFTER_S)
        self.assertEqual(len(door.stanzas), 1)

    def test_told_once_the_store_works(self) -> None:
        """Where it cannot be read or written at the start they are told a while later, once."""
        for fails in ("failing", "failing_reads"):
            self.setUp()
            self.enter_from_afar(self.server)
            server, door = self.again(), FakeDoor()
            server.server.router.remote.open(door)
            setattr(server.storage, fails, StorageFailed("no disk"))
            server.pass_time(TELL_AFTER_S + RETRY_S)
            self.assertEqual(door.stanzas, [])
            setattr(server.storage, fails, None)
            server.pass_time(RETRY_S - LATE_S)
            self.assertEqual(door.stanzas, [])
            server.pass_time(LATE_S)
            self.assertEqual([each.to for each in door.stanzas], [FAR])
            server.pass_time(2 * RETRY_S)
            self.assertEqual(len(door.stanzas), 1)

    def test_not_told_after_the_end(self) -> None:
        """A service that has ended meanwhile tries it no more."""
        self.enter_from_afar(self.server)
        server, door = self.again(), FakeDoor()
        server.server.router.remote.open(door)
        server.storage.failing = StorageFailed("no disk")
        server.pass_time(TELL_AFTER_S)
        server.server.loader.unload(server.server.hosts["rooms.localhost"], "muc")
        server.storage.failing = None
        server.pass_time(2 * RETRY_S)
        self.assertEqual(door.stanzas, [])

    def test_by_the_nick_that_is_theirs(self) -> None:
        """Who has changed the nick is told so by the new one."""
        self.enter_from_afar(self.server)
        self.server.server.router.route(Stanza.make("presence", b"", from_=FAR, to=f"{ROOM.bare}/away"))
        self.server.settle()
        server, door = self.again(), FakeDoor()
        server.server.router.remote.open(door)
        server.pass_time(TELL_AFTER_S)
        self.assertEqual([each.from_ for each in door.stanzas], [f"{ROOM.bare}/away"])

    def test_unreachable(self) -> None:
        """12.1: an error that says that a remote occupant is not there removes it, with 333."""
        self.enter_from_afar(self.server)
        self.owner.inbox.clear()
        condition = b"<recipient-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
        error = Stanza.make(
            "message",
            b"<error type='wait'>" + condition + b"</error>",
            from_=FAR,
            to=f"{ROOM.bare}/one",
            type="error",
        )
        self.server.server.router.route(error)
        self.server.settle()
        (gone,) = self.owner.inbox
        codes = [each.get("code") for each in gone.iter() if each.tag.endswith("}status")]
        self.assertEqual((gone.get("from"), codes), (f"{ROOM.bare}/far", ["333"]))

    def enter_from_afar(self, server: MemoryServer) -> None:
        """Let somebody of another server enter."""
        server.server.router.remote.open(FakeDoor())
        x = b"<x xmlns='http://jabber.org/protocol/muc'/>"
        server.server.router.route(Stanza.make("presence", x, from_=FAR, to=f"{ROOM.bare}/far"))
        server.settle()
