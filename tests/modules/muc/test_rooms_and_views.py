"""Random rooms: whatever happens, each occupant sees the room as it is, and the stored room is the one in memory."""

from xml.etree.ElementTree import Element

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.rooms.occupants import Occupant
from xmppd.services.rooms.roles import Role
from xmppd.services.rooms.room import Room
from xmppd.services.rooms.rooms import Rooms
from xmppd.services.rooms.settings import ALL_ROLES
from xmppd.stanza.jid import JID
from xmppd.testing.client import Client
from xmppd.testing.server import MemoryServer, now

OPTIONS = """
[components."rooms.localhost"]
module = "muc"
[components."rooms.localhost".modules.muc]
lock = false
persistent = true
presence_per_minute = 0
"""
ROOM = JID.parse("coven@rooms.localhost")
PEOPLE = ("owner@localhost/1", "ann@localhost/1", "ann@localhost/2", "bob@localhost/1", "cid@localhost/1")
SETTINGS = ("moderatedroom", "membersonly", "publicroom", "lock_nicks", "allowinvites", "allow_registration")
NICKS = ("one", "two", "three", "four")
NS_USER = "{http://jabber.org/protocol/muc#user}"
ADMIN = "http://jabber.org/protocol/muc#admin"
COMMANDS = "http://jabber.org/protocol/commands"
HATS = ("urn:host", "urn:guest")
View = dict[str, tuple[str, str, tuple[str, ...]]]
"""By nick: affiliation, role, and the hats that are worn."""


class Seen:
    """A client, and what it takes for true from what it was told: nick → what is shown."""

    def __init__(self, client: Client):
        self.client = client
        self.view: View = {}
        self.is_there = False

    def look(self) -> None:
        """Take in what has come."""
        while self.client.inbox:
            self._take(self.client.inbox.popleft())

    def _take(self, stanza: Element) -> None:
        sender = stanza.get("from", "")
        if stanza.tag != "{jabber:client}presence" or not sender.startswith(f"{ROOM.bare}/"):
            return
        if stanza.get("type") == "error":
            return
        nick, x = sender.partition("/")[2], stanza.find(f"{NS_USER}x")
        assert x is not None
        codes = {status.get("code") for status in x.iter(f"{NS_USER}status")}
        item = x.find(f"{NS_USER}item")
        assert item is not None
        if stanza.get("type") == "unavailable":
            self.view.pop(nick, None)
            if "110" in codes and "303" not in codes:
                self.view, self.is_there = {}, False
            return
        if "110" in codes:
            self.is_there = True
        hats = tuple(hat.get("uri", "") for hat in stanza.iter("{urn:xmpp:hats:0}hat"))
        self.view[nick] = (item.get("affiliation", ""), item.get("role", ""), hats)


class RoomMachine(RuleBasedStateMachine):
    """Joins, leaves, nicks, roles, affiliations, configurations, disconnections, unloading, in any order."""

    options = OPTIONS

    def __init__(self) -> None:
        super().__init__()
        self.server = MemoryServer(self.options)
        self.rooms = self.server.server.services[Rooms]
        self.people: dict[str, Seen] = {}

    @initialize()
    def begin(self) -> None:
        """The owner makes the room, and some others enter it."""
        for address in PEOPLE:
            self.people[address] = Seen(self.server.logged_in(address))
        for address, nick in zip(PEOPLE[:4], ("one", "two", "two", "three"), strict=True):
            self.send(address, join(nick))

    def send(self, address: str, text: str) -> None:
        """Let a client send something, and all that comes of it happen."""
        self.people[address].client.send(text)
        self.server.settle()

    @rule(who=st.sampled_from(PEOPLE), nick=st.sampled_from(NICKS))
    def joins(self, who: str, nick: str) -> None:
        """Somebody enters, or changes the nick, or does what cannot be."""
        self.send(who, join(nick))

    @rule(who=st.sampled_from(PEOPLE), nick=st.sampled_from(NICKS))
    def leaves(self, who: str, nick: str) -> None:
        """Somebody leaves, or says so without being there."""
        self.send(who, f"<presence to='{ROOM.bare}/{nick}' type='unavailable'/>")

    @rule(who=st.sampled_from(PEOPLE[1:]))
    def comes_back(self, who: str) -> None:
        """A connection is lost, and its client logs in again."""
        client = self.people[who].client
        assert client.carrier is not None
        client.carrier.lose()
        self.server.settle()
        self.people[who] = Seen(self.server.logged_in(who))
        self.send(who, join(NICKS[PEOPLE.index(who) % len(NICKS)]))

    @rule(
        who=st.sampled_from(PEOPLE[:2]),
        jid=st.sampled_from([address.partition("/")[0] for address in PEOPLE]),
        affiliation=st.sampled_from(("outcast", "none", "member", "admin", "owner")),
    )
    def affiliates(self, who: str, jid: str, affiliation: str) -> None:
        """Somebody's affiliation is changed, or not."""
        self.send(who, admin(f"<item jid='{jid}' affiliation='{affiliation}'/>"))

    @rule(
        who=st.sampled_from(PEOPLE[:2]),
        nick=st.sampled_from(NICKS),
        role=st.sampled_from(("none", "visitor", "participant", "moderator")),
    )
    def gives_role(self, who: str, nick: str, role: str) -> None:
        """An occupant's role is changed, or not."""
        self.send(who, admin(f"<item nick='{nick}' role='{role}'/>"))

    @rule(name=st.sampled_from(SETTINGS), value=st.sampled_from("01"))
    def configures(self, name: str, value: str) -> None:
        """The owner changes a setting."""
        self.submit(f"<field var='muc#roomconfig_{name}'><value>{value}</value></field>")

    def submit(self, fields: str) -> None:
        """Let the owner submit a form."""
        kind = "<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>"
        form = f"<x xmlns='jabber:x:data' type='submit'>{kind}{fields}</x>"
        query = f"<query xmlns='http://jabber.org/protocol/muc#owner'>{form}</query>"
        self.send(PEOPLE[0], f"<iq type='set' id='c' to='{ROOM.bare}'>{query}</iq>")

    @rule(who=st.sampled_from(PEOPLE))
    def speaks(self, who: str) -> None:
        """Somebody says something, or is not heard."""
        message = f"<message to='{ROOM.bare}' type='groupchat' id='m'><body>Hail</body></message>"
        self.send(who, message)

    @rule(who=st.sampled_from(PEOPLE), status=st.sampled_from(("away", "back")))
    def changes_presence(self, who: str, status: str) -> None:
        """Somebody tells how it is, under the nick that it has, or one that it has not."""
        room = self.rooms.loaded.get(ROOM.bare)
        occupant = room.by_jid.get(who) if room is not None else None
        nick = occupant.nick if occupant is not None else "one"
        self.send(who, f"<presence to='{ROOM.bare}/{nick}'><status>{status}</status></presence>")

    @rule(who=st.sampled_from(PEOPLE), nick=st.sampled_from(("", *NICKS)))
    def registers(self, who: str, nick: str) -> None:
        """Somebody becomes a member with a nick, or is none any more, or is refused."""
        kind = "<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field>"
        field = f"<field var='muc#register_roomnick'><value>{nick}</value></field>"
        form = f"<x xmlns='jabber:x:data' type='submit'>{kind}{field}</x>" if nick else "<remove/>"
        query = f"<query xmlns='jabber:iq:register'>{form}</query>"
        self.send(who, f"<iq type='set' id='r' to='{ROOM.bare}'>{query}</iq>")

    @rule(who=st.sampled_from(PEOPLE), other=st.sampled_from(PEOPLE))
    def invites(self, who: str, other: str) -> None:
        """Somebody invites another, who is a member by that where only members enter."""
        invite = f"<x xmlns='http://jabber.org/protocol/muc#user'><invite to='{other}'/></x>"
        self.send(who, f"<message to='{ROOM.bare}' id='i'>{invite}</message>")

    @rule(
        who=st.sampled_from(PEOPLE[:2]),
        verb=st.sampled_from(("create", "destroy", "assign", "unassign")),
        jid=st.sampled_from([address.partition("/")[0] for address in PEOPLE]),
        uri=st.sampled_from(HATS),
    )
    def wears(self, who: str, verb: str, jid: str, uri: str) -> None:
        """Hats are made, destroyed, given and taken away, or not."""
        values = {"hats#title": "Hat", "hats#uri": uri, "hats#jid": jid}
        fields = "".join(f"<field var='{k}'><value>{v}</value></field>" for k, v in values.items())
        form = f"<x xmlns='jabber:x:data' type='submit'>{fields}</x>"
        command = f"<command xmlns='{COMMANDS}' node='urn:xmpp:hats:commands:{verb}'>{form}</command>"
        self.send(who, f"<iq type='set' id='h' to='{ROOM.bare}'>{command}</iq>")

    @rule(who=st.sampled_from(PEOPLE[:3]), is_own=st.booleans())
    def takes_back(self, who: str, is_own: bool) -> None:
        """What was said last is taken back by a moderator, or by who has said it, or not."""
        room = self.rooms.loaded.get(ROOM.bare)
        id = room.history[-1].id if room is not None and room.history else "none"
        retract = "retract xmlns='urn:xmpp:message-retract:1'"
        if is_own:
            message = f"<message to='{ROOM.bare}' type='groupchat' id='t'><{retract} id='{id}'/></message>"
            self.send(who, message)
        else:
            moderate = f"<moderate xmlns='urn:xmpp:message-moderate:1' id='{id}'><{retract}/></moderate>"
            self.send(who, f"<iq type='set' id='t' to='{ROOM.bare}'>{moderate}</iq>")

    @rule(who=st.sampled_from(PEOPLE[:2]), picture=st.sampled_from(("", "YWJj", "ZGVm")))
    def shows_picture(self, who: str, picture: str) -> None:
        """The room has another picture, or none."""
        photo = f"<PHOTO><BINVAL>{picture}</BINVAL></PHOTO>" if picture else ""
        self.send(
            who, f"<iq type='set' id='p' to='{ROOM.bare}'><vCard xmlns='vcard-temp'>{photo}</vCard></iq>"
        )

    @rule(text=st.sampled_from(("Fire", "")))
    def sets_subject(self, text: str) -> None:
        """The subject changes, where the owner is there."""
        subject = f"<subject>{text}</subject>"
        self.send(PEOPLE[0], f"<message to='{ROOM.bare}' type='groupchat' id='s'>{subject}</message>")

    @rule()
    def is_unloaded(self) -> None:
        """All leave; a room that nobody is in leaves memory, and comes back when it is asked for."""
        for who in PEOPLE:
            self.send(who, f"<presence to='{ROOM.bare}/one' type='unavailable'/>")
        room = self.rooms.loaded.get(ROOM.bare)
        if room is not None and not room.occupants:
            self.rooms.let_go(room)
        for who, nick in zip(PEOPLE, ("one", "two", "two", "three", "four"), strict=True):
            self.send(who, join(nick))

    @invariant()
    def all_see_it_as_it_is(self) -> None:
        """What each occupant was told adds up to what is so."""
        if not self.people:
            return
        room = self.rooms.loaded.get(ROOM.bare)
        for address, seen in self.people.items():
            seen.look()
            is_there = room is not None and address in room.by_jid
            assert seen.is_there == is_there, (address, seen.is_there, is_there)
            if room is not None and is_there:
                truth = view_of(room, room.by_jid[address])
                assert seen.view == truth, (address, seen.view, truth)

    @invariant()
    def stored_as_in_memory(self) -> None:
        """The room that is stored is the one in memory."""
        room = self.rooms.loaded.get(ROOM.bare)
        if room is None:
            return
        environment = (lambda: 0.0, lambda size: "x" * size)
        again = now(Rooms(self.server.storage, *environment).open(ROOM))
        assert as_kept(again) == as_kept(room)


class LargeRoomMachine(RoomMachine):
    """The same where three are many already, and with presence of some roles alone."""

    options = OPTIONS + "large = 2\n"

    @rule(
        roles=st.sampled_from((("moderator",), ("moderator", "participant"), ALL_ROLES)),
        thins=st.sampled_from("01"),
    )
    def broadcasts(self, roles: tuple[str, ...], thins: str) -> None:
        """The owner chooses whose presence is told to all."""
        values = "".join(f"<value>{role}</value>" for role in roles)
        self.submit(
            f"<field var='muc#roomconfig_presencebroadcast'>{values}</field>"
            f"<field var='muc#roomconfig_thins_out'><value>{thins}</value></field>"
        )


def view_of(room: Room, viewer: Occupant) -> View:
    """Give what somebody has to see of a room: a moderator all, others who is shown to all, and themselves."""
    return {
        each.nick: (
            room.affiliation(each.bare_jid).word,
            each.role.word,
            tuple(uri for uri, _ in room.hats.of(each.bare_jid)),
        )
        for each in room.occupants.values()
        if viewer.role is Role.MODERATOR or each.is_seen or each is viewer
    }


def as_kept(room: Room) -> tuple[object, ...]:
    """Give what has to come back of a room."""
    return (
        room.settings,
        dict(room.affiliations),
        room.subject,
        room.secret,
        room.created_at,
        room.creator,
        room.is_locked,
        room.avatar,
        room.avatar_hashes,
        room.hats,
        list(room.history),
    )


def join(nick: str) -> str:
    """Write presence that enters."""
    return f"<presence to='{ROOM.bare}/{nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>"


def admin(item: str) -> str:
    """Write a change of a role or an affiliation."""
    return f"<iq type='set' id='a' to='{ROOM.bare}'><query xmlns='{ADMIN}'>{item}</query></iq>"


class RandomRoomTests(SynchronousTestCase):
    """Rooms in which anything happens."""

    def test_views(self) -> None:
        """XEP-0045 7.1, 7.2.2: what is told adds up; to unload a room and load it makes no difference."""
        run_state_machine_as_test(
            RoomMachine,
            settings=settings(max_examples=40, stateful_step_count=25, deadline=None),
        )

    def test_views_of_large_rooms(self) -> None:
        """muc#roomconfig_presencebroadcast: nobody sees somebody who has gone, nor misses who is shown to all."""
        run_state_machine_as_test(
            LargeRoomMachine,
            settings=settings(max_examples=20, stateful_step_count=25, deadline=None),
        )
