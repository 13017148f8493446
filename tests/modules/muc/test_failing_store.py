"""A store that fails, at once or late, at each operation: no "result" without the change, nothing told or changed."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.modules.muc.test_rooms_and_views import OPTIONS, ROOM, admin, as_kept, join
from xmppd.modules.muc.left_behind import TELL_AFTER_S
from xmppd.services.rooms.rooms import Rooms
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import StorageFailed
from xmppd.testing.doors import FakeDoor
from xmppd.testing.server import MemoryServer, now

LATE_S = 1.0
FAR = "romeo@montague.example/garden"
NS_OWNER = "http://jabber.org/protocol/muc#owner"
FORM = "<field var='FORM_TYPE'><value>{}</value></field><field var='{}'><value>{}</value></field>"


def form(query: str, kind: str, var: str, value: str) -> str:
    """Write a request with a submitted form."""
    fields = FORM.format(kind, var, value)
    x = f"<x xmlns='jabber:x:data' type='submit'>{fields}</x>"
    return f"<iq type='set' id='a' to='{ROOM.bare}'><query xmlns='{query}'>{x}</query></iq>"


OPERATIONS = {
    "affiliation": admin("<item jid='cid@localhost' affiliation='member'/>"),
    "ban": admin("<item jid='ann@localhost' affiliation='outcast'/>"),
    "several affiliations": admin(
        "<item jid='cid@localhost' affiliation='admin'/><item jid='ann@localhost' affiliation='owner'/>"
    ),
    "configuration": form(
        NS_OWNER, "http://jabber.org/protocol/muc#roomconfig", "muc#roomconfig_membersonly", "1"
    ),
    "destruction": f"<iq type='set' id='a' to='{ROOM.bare}'><query xmlns='{NS_OWNER}'><destroy/></query></iq>",
    "registration": form(
        "jabber:iq:register",
        "http://jabber.org/protocol/muc#register",
        "muc#register_roomnick",
        "mine",
    ),
    "avatar": (
        f"<iq type='set' id='a' to='{ROOM.bare}'><vCard xmlns='vcard-temp'>"
        "<PHOTO><BINVAL>YWJj</BINVAL></PHOTO></vCard></iq>"
    ),
    "hat": (
        f"<iq type='set' id='a' to='{ROOM.bare}'><command xmlns='http://jabber.org/protocol/commands'"
        " node='urn:xmpp:hats:commands:create'><x xmlns='jabber:x:data' type='submit'>"
        "<field var='hats#title'><value>Host</value></field><field var='hats#uri'><value>urn:host</value></field>"
        "</x></command></iq>"
    ),
    "admins in the form": form(
        NS_OWNER,
        "http://jabber.org/protocol/muc#roomconfig",
        "muc#roomconfig_roomadmins",
        "ann@localhost",
    ),
    "moderation": (
        f"<iq type='set' id='a' to='{ROOM.bare}'><moderate xmlns='urn:xmpp:message-moderate:1' id='ID'>"
        "<retract xmlns='urn:xmpp:message-retract:1'/></moderate></iq>"
    ),
    "subject": f"<message type='groupchat' id='a' to='{ROOM.bare}'><subject>New</subject></message>",
}


class FailingStoreTests(SynchronousTestCase):
    """The answer comes after the commit."""

    def setUp(self) -> None:
        """A room with an owner and somebody else in it, and something said."""
        self.server = MemoryServer(OPTIONS)
        self.owner = self.server.logged_in("owner@localhost/1")
        self.other = self.server.logged_in("ann@localhost/1")
        for client, nick in ((self.owner, "one"), (self.other, "two")):
            client.send(join(nick))
        self.other.send(f"<message to='{ROOM.bare}' type='groupchat' id='m'><body>Hail</body></message>")
        self.server.settle()
        self.room = self.server.server.services[Rooms].loaded[ROOM.bare]
        self.owner.inbox.clear()
        self.other.inbox.clear()

    def test_creation(self) -> None:
        """A room that cannot be stored is not made."""
        self.server.storage.failing = StorageFailed("no disk")
        text = (
            "<presence to='heath@rooms.localhost/one'><x xmlns='http://jabber.org/protocol/muc'/></presence>"
        )
        self.owner.send(text)
        self.server.settle()
        self.assertEqual([each.get("type") for each in self.owner.inbox], ["error"])
        self.assertNotIn("heath@rooms.localhost", self.server.server.services[Rooms].loaded)

    def test_what_is_said(self) -> None:
        """What goes out at once and cannot be kept is an error for its sender."""
        self.server.storage.failing = StorageFailed("no disk")
        self.other.send(f"<message to='{ROOM.bare}' type='groupchat' id='n'><body>Hail</body></message>")
        self.server.settle()
        self.assertEqual([each.get("type") for each in self.other.inbox], ["groupchat", "error"])
        self.assertEqual(len(self.room.history), 1)

    def test_invitation(self) -> None:
        """Who is invited where only members enter is not one, and not told, unless that is stored."""
        config = "http://jabber.org/protocol/muc#roomconfig"
        self.owner.send(form(NS_OWNER, config, "muc#roomconfig_membersonly", "1"))
        guest = self.server.logged_in("cid@localhost/1")
        self.server.settle()
        before = as_kept(self.room)
        invite = "<x xmlns='http://jabber.org/protocol/muc#user'><invite to='cid@localhost/1'/></x>"
        for failing, told in ((StorageFailed("no disk"), ["error"]), (None, [None])):
            self.owner.inbox.clear()
            self.server.storage.failing = failing
            self.owner.send(f"<message to='{ROOM.bare}' id='i'>{invite}</message>")
            self.server.settle()
            self.assertEqual([each.get("type") for each in self.owner.inbox], told)
            self.assertEqual(as_kept(self.room) == before, failing is not None)
            self.assertEqual(len(guest.inbox) > 0, failing is None)

    def test_retraction(self) -> None:
        """What somebody takes back themselves stays in the archive where that cannot be stored; the sender is told."""
        said = self.room.history[0]
        retract = f"<retract xmlns='urn:xmpp:message-retract:1' id='{said.id}'/>"
        self.server.storage.failing = StorageFailed("no disk")
        self.other.send(f"<message to='{ROOM.bare}' type='groupchat' id='n'>{retract}</message>")
        self.server.settle()
        self.assertEqual(self.other.inbox[-1].get("type"), "error")
        self.assertEqual(list(self.room.history), [said])
        self.server.storage.failing = None
        self.assertEqual(now(self.server.server.services[Rooms].archived(self.room, said.id)), said)

    def fail_late(self) -> None:
        """Let commits take a second from now on, and fail."""
        self.server.pass_time(2 * TELL_AFTER_S)
        storage = self.server.storage
        storage.clock, storage.commit_delay_s = self.server.clock, LATE_S
        storage.failing = StorageFailed("no disk")

    def test_late_failures(self) -> None:
        """What is said and taken back shows at once, and no more when it turns out that it could not be kept."""
        before = list(self.room.history)
        retract = f"<retract xmlns='urn:xmpp:message-retract:1' id='{before[0].id}'/>"
        self.fail_late()
        for id, inner, shown in (("n", "<body>Ho</body>", 2), ("o", retract, 2)):
            self.other.send(f"<message to='{ROOM.bare}' type='groupchat' id='{id}'>{inner}</message>")
            self.assertEqual(len(self.room.history), shown)
            self.assertEqual(self.room.history[0] == before[0], id == "n")
            self.server.pass_time(LATE_S)
            self.assertEqual(list(self.room.history), before)
        self.assertEqual(
            [(each.get("id"), each.get("type")) for each in self.other.inbox],
            [("n", "groupchat"), ("n", "error"), ("o", "groupchat"), ("o", "error")],
        )

    def test_late_success(self) -> None:
        """What a late store keeps stays as it was told."""
        self.fail_late()
        self.server.storage.failing = None
        retract = f"<retract xmlns='urn:xmpp:message-retract:1' id='{self.room.history[0].id}'/>"
        self.other.send(f"<message to='{ROOM.bare}' type='groupchat' id='o'>{retract}</message>")
        self.server.pass_time(2 * LATE_S)
        self.assertEqual([said.stanza.id for said in self.room.history], ["m", "o"])
        self.assertNotIn(b"Hail", self.room.history[0].stanza.inner)

    def test_entering(self) -> None:
        """Whose entering cannot be recorded is there no more when it hears that."""
        self.server.server.router.remote.open(FakeDoor())
        self.fail_late()
        x = b"<x xmlns='http://jabber.org/protocol/muc'/>"
        self.server.server.router.route(Stanza.make("presence", x, from_=FAR, to=f"{ROOM.bare}/far"))
        self.assertIn(FAR, self.room.by_jid)
        self.server.pass_time(LATE_S)
        self.assertNotIn(FAR, self.room.by_jid)
        self.assertEqual([each.get("type") for each in self.owner.inbox], [None, "unavailable"])

    def test_another_nick(self) -> None:
        """Who hears that its new nick could not be recorded has the old one again, for all."""
        self.server.server.router.remote.open(FakeDoor())
        x = b"<x xmlns='http://jabber.org/protocol/muc'/>"
        router = self.server.server.router
        router.route(Stanza.make("presence", x, from_=FAR, to=f"{ROOM.bare}/far"))
        self.fail_late()
        router.route(Stanza.make("presence", x, from_=FAR, to=f"{ROOM.bare}/near"))
        self.assertIn("near", self.room.occupants)
        self.server.pass_time(LATE_S)
        self.assertEqual((self.room.by_jid[FAR].nick, "near" in self.room.occupants), ("far", False))
        self.assertEqual(
            [(each.get("from", "").partition("/")[2], each.get("type")) for each in self.owner.inbox],
            [("far", None), ("far", "unavailable"), ("near", None), ("near", "unavailable"), ("far", None)],
        )


def _test(operation: str) -> Any:
    def test(self: FailingStoreTests) -> None:
        before = as_kept(self.room)
        occupants = dict(self.room.occupants)
        text = OPERATIONS[operation].replace("ID", self.room.history[0].id)
        self.server.storage.failing = StorageFailed("no disk")
        self.owner.send(text)
        self.server.settle()
        answers = [(each.get("id"), each.get("type")) for each in self.owner.inbox]
        self.assertEqual(answers, [("a", "error")])
        self.assertEqual(list(self.other.inbox), [])
        self.assertEqual((as_kept(self.room), self.room.occupants), (before, occupants))
        self.server.storage.failing = None
        self.owner.inbox.clear()
        self.owner.send(text)
        self.server.settle()
        self.assertNotEqual([each.get("type") for each in self.owner.inbox], ["error"])
        self.assertNotEqual((as_kept(self.room), self.room.occupants), (before, occupants))

    test.__doc__ = (
        f"{operation}: an error, and nothing has happened; once the store is well again it happens."
    )
    return test


for _name in OPERATIONS:
    setattr(FailingStoreTests, f"test_{_name.replace(' ', '_')}", _test(_name))
