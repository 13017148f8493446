"""What a room shows of itself by service discovery: features by its settings, and the form of muc#roominfo."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.modules.muc.test_rooms_and_views import OPTIONS, ROOM, join
from xmppd.modules.muc.disco import features_of
from xmppd.services.rooms.room import Room
from xmppd.services.rooms.settings import RoomSettings
from xmppd.testing.server import MemoryServer

INFO = "http://jabber.org/protocol/disco#info"
ACTIVITY = "{urn:xmpp:muc-activity}message-activity"
CONFIG = "http://jabber.org/protocol/muc#roomconfig"
FEATURES = {
    "password": ("muc_passwordprotected", "muc_unsecured"),
    "is_public": ("muc_public", "muc_hidden"),
    "is_persistent": ("muc_persistent", "muc_temporary"),
    "is_members_only": ("muc_membersonly", "muc_open"),
    "is_moderated": ("muc_moderated", "muc_unmoderated"),
    "whois": ("muc_nonanonymous", "muc_semianonymous"),
}
"""XEP-0045 15.3: the setting, and what is shown where it is on and off."""
ON: dict[str, Any] = {"password": "secret", "whois": "anyone"}
OFF: dict[str, Any] = {"password": "", "whois": "moderators"}


class FeatureTests(SynchronousTestCase):
    """15.3, 4.2: each kind of room has its feature, and never that of its opposite."""

    def test_kinds(self) -> None:
        """On and off, one after the other."""
        for setting, (on, off) in FEATURES.items():
            for value, is_, is_not in ((ON.get(setting, True), on, off), (OFF.get(setting, False), off, on)):
                room = Room(ROOM, RoomSettings(**{setting: value}), b"", 0.0)
                self.assertIn(is_, features_of(room))
                self.assertNotIn(is_not, features_of(room))

    def test_registration(self) -> None:
        """7.10: where one can register."""
        room = Room(ROOM, RoomSettings(allow_registration=False), b"", 0.0)
        self.assertNotIn("jabber:iq:register", features_of(room))
        room.settings = RoomSettings()
        self.assertIn("http://jabber.org/protocol/muc#register", features_of(room))


class InfoTests(SynchronousTestCase):
    """6.4, XEP-0500, XEP-0502, XEP-0317."""

    def setUp(self) -> None:
        """A room with two people in it."""
        self.server = MemoryServer(OPTIONS)
        self.owner, self.other = (self.server.logged_in(f"{name}@localhost/1") for name in ("owner", "ann"))
        for client, nick in ((self.owner, "one"), (self.other, "two")):
            client.send(join(nick))
        self.server.settle()

    def say(self, content: str, to: str = ROOM.bare, type: str = "groupchat") -> None:
        """Let the owner send a message."""
        self.owner.send(f"<message to='{to}' type='{type}' id='m'>{content}</message>")

    def configure(self, **values: str) -> None:
        """Change settings."""
        fields = "".join(
            f"<field var='muc#roomconfig_{k}'><value>{v}</value></field>" for k, v in values.items()
        )
        kind = f"<field var='FORM_TYPE'><value>{CONFIG}</value></field>"
        form = f"<x xmlns='jabber:x:data' type='submit'>{kind}{fields}</x>"
        query = f"<query xmlns='http://jabber.org/protocol/muc#owner'>{form}</query>"
        self.owner.send(f"<iq type='set' id='c' to='{ROOM.bare}'>{query}</iq>")
        self.server.settle()

    def info(self) -> dict[str, list[str | None]]:
        """Ask the room; give the fields of its form."""
        self.server.settle()
        self.other.inbox.clear()
        self.other.send(f"<iq type='get' id='d' to='{ROOM.bare}'><query xmlns='{INFO}'/></iq>")
        self.server.settle()
        (answer,) = self.other.inbox
        fields = answer.iter("{jabber:x:data}field")
        return {each.get("var", ""): [value.text for value in each] for each in fields}

    def test_what_is_there(self) -> None:
        """What the owners have written, who is there, what it is about, how fast one may speak."""
        self.configure(roomname="A Dark Cave", roomdesc="Toil", lang="en", slow_mode_duration="20")
        self.say("<subject>Fire Burn</subject>")
        info = self.info()
        self.assertEqual(info["muc#roominfo_occupants"], ["2"])
        self.assertEqual(info["muc#roominfo_subject"], ["Fire Burn"])
        self.assertEqual(info["muc#roominfo_description"], ["Toil"])
        self.assertEqual(info["muc#roominfo_lang"], ["en"])
        self.assertEqual(info["muc#roominfo_slow_mode_duration"], ["20"])
        self.assertNotIn("hats#hash", info)
        self.configure(membersonly="1", slow_mode_duration="0")
        info = self.info()
        self.assertNotIn("muc#roominfo_subject", info)
        self.assertNotIn("muc#roominfo_slow_mode_duration", info)

    def test_activity(self) -> None:
        """XEP-0502 3, 4: what was said in hours that are over, with a body and no correction; of open rooms alone."""
        for content in (
            "<body>1</body>",
            "<body>2</body>",
            "<body>3</body><replace xmlns='urn:xmpp:message-correct:0' id='m'/>",
            "<composing xmlns='http://jabber.org/protocol/chatstates'/>",
        ):
            self.say(content)
        self.say("<body>Psst</body>", f"{ROOM.bare}/two", "chat")
        self.assertNotIn(ACTIVITY, self.info())
        self.server.pass_time(2 * 3_600.0)
        self.assertEqual(self.info()[ACTIVITY], ["1.00"])
        for setting in (
            {"publicroom": "0"},
            {"publicroom": "1", "membersonly": "1"},
            {"persistentroom": "0"},
        ):
            self.configure(**setting)
            self.assertNotIn(ACTIVITY, self.info(), setting)
