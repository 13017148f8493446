"""XEP-0045 15.1.2 "Ghost Users": who is there no more without having said so."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.modules.muc.test_rooms_and_views import ROOM, join
from xmppd.modules.muc.ghosts import GONE, MOST_ASKED
from xmppd.services.rooms.rooms import Rooms
from xmppd.stanza.stanza import Stanza
from xmppd.testing.doors import FakeDoor
from xmppd.testing.server import MemoryServer

SILENT_S, ANSWER_S, LOOKS_S = 600, 100, 60
OPTIONS = f"""
[components."rooms.localhost"]
module = "muc"
[components."rooms.localhost".modules.muc]
lock = false
persistent = true
create = "anybody"
silent_s = {SILENT_S}
answer_s = {ANSWER_S}
"""
FAR = "romeo@montague.example/garden"
OTHER_ROOM = "heath@rooms.localhost"
NS_ERRORS = "urn:ietf:params:xml:ns:xmpp-stanzas"
NS_PING, NS_DISCO = "urn:xmpp:ping", "http://jabber.org/protocol/disco#info"
INVITE = "<x xmlns='http://jabber.org/protocol/muc#user'><invite to='juliet@capulet.example'/></x>"
STAY = (
    "bad-request",
    "feature-not-implemented",
    "forbidden",
    "internal-server-error",
    "jid-malformed",
    "not-acceptable",
    "not-allowed",
    "policy-violation",
    "resource-constraint",
    "undefined-condition",
)


class GhostTests(SynchronousTestCase):
    """A room of ours, and somebody of another server in it."""

    def setUp(self) -> None:
        """Enter two rooms from afar."""
        self.server = MemoryServer(OPTIONS)
        self.rooms = self.server.server.services[Rooms]
        self.owner = self.server.logged_in("owner@localhost/1")
        self.owner.send(join("one"))
        self.server.settle()
        self.door = FakeDoor()
        self.server.server.router.remote.open(self.door)
        self.enter(FAR, f"{ROOM.bare}/far")
        self.clear()

    def enter(self, full_jid: str, occupant_jid: str) -> None:
        """Let somebody of another server enter."""
        self.says("presence", b"<x xmlns='http://jabber.org/protocol/muc'/>", full_jid, to=occupant_jid)

    def says(self, name: str, inner: bytes, from_: str = FAR, **attrs: str) -> None:
        """Let a stanza come from another server."""
        self.server.server.router.route(Stanza.make(name, inner, from_=from_, **attrs))
        self.server.settle()

    def refuses(self, name: str, condition: str, ns: str = NS_ERRORS) -> None:
        """Let an error come in answer to a stanza of the room."""
        error = f"<error type='cancel'><{condition} xmlns='{ns}'/></error>".encode()
        self.says(name, error, to=f"{ROOM.bare}/one", type="error")

    def clear(self) -> None:
        """Forget what was told so far."""
        self.door.traffics.clear()
        self.owner.inbox.clear()

    def asked(self) -> list[Stanza]:
        """Give the questions that went out since."""
        found = [each for each in self.door.stanzas if each.type == "get"]
        self.door.traffics.clear()
        return found

    def answers(self, condition: str = "") -> str:
        """Answer the one question that went out with a result or an error; give what it asked for."""
        (question,) = self.asked()
        inner, type_ = b"", "result"
        if condition:
            inner, type_ = (
                f"<error type='cancel'><{condition} xmlns='{NS_ERRORS}'/></error>".encode(),
                "error",
            )
        self.says("iq", inner, question.to or "", to=question.from_ or "", type=type_, id=question.id or "")
        return question.child_names[0][0]

    def is_there(self, room: str = ROOM.bare) -> bool:
        """Whether the one from afar is in a room, as the room has it."""
        return FAR in self.rooms.loaded[room].by_jid

    def codes(self) -> list[str | None]:
        """Give the status codes in the one presence that the other occupant got."""
        (gone,) = self.owner.inbox
        self.assertEqual((gone.get("from"), gone.get("type")), (f"{ROOM.bare}/far", "unavailable"))
        return [each.get("code") for each in gone.iter() if each.tag.endswith("}status")]

    # -- errors -------------------------------------------------------------------------------------------------------

    def test_service_unavailable(self) -> None:
        """RFC 6121 8.5.3.2.1: a server that has no such resource may say so; two questions have to be refused, too."""
        self.refuses("message", "service-unavailable")
        self.assertTrue(self.is_there())
        self.assertEqual(self.answers("service-unavailable"), NS_PING)
        self.assertTrue(self.is_there())
        self.assertEqual(self.answers("service-unavailable"), NS_DISCO)
        self.assertFalse(self.is_there())
        self.assertEqual(self.codes(), ["333"])

    def test_a_condition_of_somebody_else(self) -> None:
        """RFC 6120 8.3.4: what an application calls by the same name is no delivery-related error."""
        self.refuses("message", "gone", ns="urn:example:mine")
        self.assertTrue(self.is_there())

    def test_an_error_of_a_stranger(self) -> None:
        """Nobody is removed by an error of somebody else."""
        error = f"<error type='cancel'><gone xmlns='{NS_ERRORS}'/></error>".encode()
        self.says("message", error, "romeo@montague.example/other", to=f"{ROOM.bare}/far", type="error")
        self.assertTrue(self.is_there())
        self.assertEqual(list(self.owner.inbox), [])

    def test_a_private_message(self) -> None:
        """7.5: who has sent one hears of the error that removes who it was for; and of one of an invitation (7.8.2)."""
        for to, inner, said, answered in (
            (f"{ROOM.bare}/far", "<body>Hail</body>", f"{ROOM.bare}/one", FAR),
            (ROOM.bare, INVITE, ROOM.bare, "juliet@capulet.example"),
        ):
            self.owner.send(f"<message to='{to}' id='p'>{inner}</message>")
            error = f"<error type='cancel'><item-not-found xmlns='{NS_ERRORS}'/></error>".encode()
            self.says("message", error, answered, to=said, id="p", type="error")
            told = self.owner.inbox[0]
            self.assertEqual((told.get("from"), told.get("type"), told.get("id")), (to, "error", "p"))
            self.clear()
        self.assertFalse(self.is_there())

    def test_a_request(self) -> None:
        """One that is refused as if nobody were there is reason to ask, and to nobody else; another error is none."""
        for condition, asked in (("feature-not-implemented", 0), ("item-not-found", 1)):
            self.owner.send(
                f"<iq type='get' id='v' to='{ROOM.bare}/far'><query xmlns='jabber:iq:version'/></iq>"
            )
            self.answers(condition)
            self.assertEqual([each.get("type") for each in self.owner.inbox], ["error"])
            self.owner.inbox.clear()
            self.assertEqual(len(self.asked()), asked)
            self.assertTrue(self.is_there())

    # -- silence ------------------------------------------------------------------------------------------------------

    def test_no_answer(self) -> None:
        """Who is silent is asked once, for all its rooms, then its server; without an answer it leaves them all."""
        self.enter(FAR, f"{OTHER_ROOM}/far")
        self.clear()
        self.server.pass_time(SILENT_S - 1)
        self.assertEqual(self.asked(), [])
        self.server.pass_time(LOOKS_S)
        (question,) = self.asked()
        self.assertEqual((question.to, question.child_names[0][0]), (FAR, NS_PING))
        self.server.pass_time(ANSWER_S)
        (question,) = self.asked()
        self.assertEqual((question.to, question.child_names[0][0]), ("montague.example", NS_PING))
        self.assertTrue(self.is_there())
        self.server.pass_time(ANSWER_S)
        self.assertFalse(self.is_there())
        self.assertFalse(self.is_there(OTHER_ROOM))
        self.assertEqual(self.codes(), ["333"])
        self.server.pass_time(2 * SILENT_S)
        self.assertEqual(self.asked(), [])

    def test_an_answer(self) -> None:
        """A result says that somebody is there; so does an error of a client that knows no pings."""
        self.server.pass_time(SILENT_S)
        for condition in ("", "feature-not-implemented", "not-allowed"):
            self.server.pass_time(LOOKS_S)
            self.assertEqual(self.answers(condition), NS_PING)
            self.server.pass_time(SILENT_S - LOOKS_S)
            self.assertEqual(self.asked(), [])
            self.assertTrue(self.is_there())
        self.assertEqual(list(self.owner.inbox), [])

    def test_a_server_that_answers(self) -> None:
        """XEP-0198 5: who cannot answer since its connection is lost is still there, as long as its server is."""
        for condition in ("", "service-unavailable"):
            self.server.pass_time(SILENT_S - LOOKS_S)
            self.assertEqual(self.asked(), [])
            self.server.pass_time(2 * LOOKS_S)
            self.assertEqual([each.to for each in self.asked()], [FAR])
            self.server.pass_time(ANSWER_S)
            self.answers(condition)
        self.server.pass_time(ANSWER_S)
        self.assertTrue(self.is_there())

    def test_a_server_that_is_not_reached(self) -> None:
        """Federation says so by an error: with it go all who are there."""
        self.server.pass_time(SILENT_S + LOOKS_S)
        self.answers("remote-server-timeout")
        self.answers("remote-server-not-found")
        self.assertFalse(self.is_there())

    def test_a_client_without_pings(self) -> None:
        """XEP-0199 4.2: it may say service-unavailable; what answers the other question is there."""
        self.server.pass_time(SILENT_S + LOOKS_S)
        self.assertEqual(self.answers("service-unavailable"), NS_PING)
        self.assertEqual(self.answers(), NS_DISCO)
        self.server.pass_time(ANSWER_S)
        self.assertTrue(self.is_there())

    def test_heard_meanwhile(self) -> None:
        """Who says something while it is asked stays, whatever becomes of the question."""
        self.server.pass_time(SILENT_S + LOOKS_S)
        self.assertEqual(len(self.asked()), 1)
        self.says("message", b"<body>Here</body>", to=ROOM.bare, type="groupchat")
        self.server.pass_time(ANSWER_S)
        self.assertTrue(self.is_there())

    def test_who_speaks_is_not_asked(self) -> None:
        """Presence, messages and requests to others all count."""
        for name, attrs in (
            ("message", {"to": ROOM.bare, "type": "groupchat"}),
            ("presence", {"to": f"{ROOM.bare}/far"}),
            ("iq", {"to": f"{ROOM.bare}/one", "type": "get", "id": "v"}),
        ):
            self.server.pass_time(SILENT_S - 1)
            self.says(name, b"<query xmlns='jabber:iq:version'/>", **attrs)
        self.server.pass_time(SILENT_S - 1)
        self.assertEqual(self.asked(), [])

    def test_local_occupants_are_not_asked(self) -> None:
        """The server knows itself when their sessions end."""
        self.says("presence", b"", to=f"{ROOM.bare}/far", type="unavailable")
        self.clear()
        self.server.pass_time(2 * SILENT_S)
        self.assertEqual([each.tag for each in self.owner.inbox], [])

    def test_only_so_many(self) -> None:
        """The questions are bounded; the others are asked when there are answers."""
        for number in range(MOST_ASKED):
            self.enter(f"r{number}@montague.example/x", f"{ROOM.bare}/r{number}")
        self.clear()
        self.server.pass_time(SILENT_S + LOOKS_S)
        first = self.asked()
        self.assertEqual(len(first), MOST_ASKED)
        for question in first:
            self.says(
                "iq", b"", question.to or "", to=question.from_ or "", type="result", id=question.id or ""
            )
        self.server.pass_time(LOOKS_S)
        self.assertEqual([each.to for each in self.asked()], [f"r{MOST_ASKED - 1}@montague.example/x"])

    def test_a_room_that_is_destroyed(self) -> None:
        """Nobody is asked about it."""
        destroy = "<query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query>"
        self.owner.send(f"<iq type='set' id='d' to='{ROOM.bare}'>{destroy}</iq>")
        self.server.settle()
        self.clear()
        self.server.pass_time(2 * SILENT_S)
        self.assertEqual(self.asked(), [])


def _test_error(name: str, condition: str, *, leaves: bool) -> Any:
    def test(self: GhostTests) -> None:
        self.refuses(name, condition)
        self.assertEqual(self.is_there(), not leaves)
        self.assertEqual(self.asked(), [])
        if leaves:
            self.assertEqual(self.codes(), ["333"])
        else:
            self.assertEqual(list(self.owner.inbox), [])

    test.__doc__ = (
        f"A {name} that is refused with {condition} {'removes' if leaves else 'does not remove'} who does."
    )
    return test


for _name in ("message", "presence"):
    for _condition in sorted((*GONE, *STAY)):
        _method = f"test_{_name}_{_condition.replace('-', '_')}"
        setattr(GhostTests, _method, _test_error(_name, _condition, leaves=_condition in GONE))
