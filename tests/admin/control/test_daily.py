"""What an operator does every day: contacts, messages that are kept, nodes, accounts as they are used."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.control.bench import ControlBench
from xmppd.core.operations.role import Role

OPTIONS = """
[hosts."localhost"]
admins = ["juliet@localhost"]
[components."rooms.localhost"]
module = "muc"
[components."nodes.localhost"]
module = "pubsub"
"""
ROMEO, JULIET = "romeo@localhost", "juliet@localhost"
PUBLISH = (
    "<iq type='set' id='1'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='{node}'>"
    "<item id='i'><a xmlns='b'/></item></publish></pubsub></iq>"
)


class DailyCase(SynchronousTestCase):
    """A server with two accounts."""

    def setUp(self) -> None:
        self.bench = ControlBench(OPTIONS)
        self.memory = self.bench.memory
        for jid in (ROMEO, JULIET):
            self.memory.add_account(jid)

    def do(self, command: str, **args: Any) -> Any:
        """Do a command."""
        running = self.bench.commands.run(command, args, self.bench.progress.append)
        self.memory.settle()
        self.memory.pass_time(1)
        return self.successResultOf(running)

    def say(self, text: str, to: str = ROMEO) -> None:
        """Have Juliet say something."""
        juliet = self.memory.logged_in(f"{JULIET}/x")
        juliet.send("<presence/>")
        juliet.send(f"<message to='{to}' type='chat'><body>{text}</body></message>")
        self.memory.settle()
        juliet.send("</stream:stream>")
        self.memory.pass_time(1)


class ContactTests(DailyCase):
    """`roster.show`, `add`, `remove`."""

    def test_one(self) -> None:
        """A contact is there with what was said, a client is told; and gone again."""
        client = self.memory.logged_in(f"{ROMEO}/x")
        client.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>")
        self.memory.settle()
        client.inbox.clear()
        self.do("roster.add", jid="romeo", contact="a@b.example", name="A", group="G", subscription="to")
        row = {"jid": "a@b.example", "name": "A", "subscription": "to", "asked": False, "groups": ["G"]}
        self.assertEqual(self.do("roster.show", jid=ROMEO), [{**row, "shared": False}])
        self.assertEqual(len(client.inbox), 1)
        self.do("roster.remove", jid=ROMEO, contact="a@b.example")
        self.assertEqual(self.do("roster.show", jid=ROMEO), [])

    def test_mutual(self) -> None:
        """Each has the other, and they see each other."""
        self.do("roster.add", jid=ROMEO, contact=JULIET, mutual=True)
        for one, other in ((ROMEO, JULIET), (JULIET, ROMEO)):
            (row,) = self.do("roster.show", jid=one)
            self.assertEqual((row["jid"], row["subscription"]), (other, "both"))

    def test_refused(self) -> None:
        """Accounts and contacts that are none."""
        for command, args, id in (
            ("roster.show", {"jid": "nobody"}, "no-such-account"),
            ("roster.add", {"jid": ROMEO, "contact": "a@@b"}, "invalid-name"),
            ("roster.add", {"jid": ROMEO, "contact": "a@b/c"}, "invalid-name"),
            ("roster.add", {"jid": ROMEO, "contact": "nobody@localhost", "mutual": True}, "no-such-account"),
            ("roster.remove", {"jid": ROMEO, "contact": "a@b.example"}, "not-done"),
        ):
            self.assertEqual(self.bench.refusal(command, **args)[0], id, (command, args))


class MessageTests(DailyCase):
    """`archive.purge`, `offline.show`, `offline.purge`."""

    def test_waiting(self) -> None:
        """Who has sent what waits, and how much, and not what it says; it is removed, and the archive is not."""
        self.say("a secret")
        (row,) = self.do("offline.show", jid="romeo")
        self.assertEqual((row["sender"], row["kind"], row["state"]), (f"{JULIET}/x", "chat", "waits"))
        self.assertNotIn("secret", str(row))
        self.assertEqual(self.do("offline.purge", jid="romeo"), {"jid": ROMEO, "messages": 1})
        self.assertEqual(self.do("offline.show", jid="romeo"), [])
        self.assertEqual(self.do("user.show", jid="romeo")["archived"], 1)
        romeo = self.memory.logged_in(f"{ROMEO}/x")
        romeo.send("<presence/>")
        self.memory.settle()
        self.assertEqual([each.tag for each in romeo.inbox if each.tag.endswith("message")], [])

    def test_not_of_who_is_there(self) -> None:
        """It is being delivered then."""
        self.memory.logged_in(f"{ROMEO}/x")
        self.assertEqual(self.bench.refusal("offline.purge", jid="romeo")[0], "connected")
        for command in ("offline.show", "offline.purge", "archive.purge"):
            self.assertEqual(self.bench.refusal(command, jid="nobody")[0], "no-such-account")

    def test_archive(self) -> None:
        """All of it, or what is older; what waits is delivered still."""
        self.say("old")
        self.memory.clock.advance(3 * 86_400)
        self.say("new")
        self.assertEqual(self.do("archive.purge", jid=ROMEO, days=1), {"jid": ROMEO, "messages": 1})
        self.assertEqual(self.do("archive.purge", jid="localhost")["messages"], 3)
        self.assertEqual(self.do("user.show", jid="juliet")["archived"], 0)
        romeo = self.memory.logged_in(f"{ROMEO}/x")
        romeo.send("<presence/>")
        self.memory.settle()
        bodies = ["".join(each.itertext()) for each in romeo.inbox if each.tag.endswith("message")]
        self.assertEqual(len(bodies), 2)


class UserTests(DailyCase):
    """`user.show`, `away`, `alike`; why an account is disabled."""

    def test_show(self) -> None:
        """Its role, sessions, contacts, messages, and when it was last there."""
        shown = self.do("user.show", jid="juliet")
        self.assertEqual((shown["role"], shown["last_seen"], shown["sessions"]), (Role.ADMIN.word, None, []))
        self.say("hello")
        self.assertNotEqual(self.do("user.show", jid="juliet")["last_seen"], None)
        self.do("user.disable", jid="romeo", reason="spam")
        shown = self.do("user.show", jid="romeo")
        self.assertEqual((shown["disabled"], shown["reason"], shown["waiting"]), (True, "spam", 1))
        self.do("user.enable", jid="romeo")
        self.assertEqual(self.do("user.show", jid="romeo")["reason"], "")
        self.assertEqual(self.bench.refusal("user.show", jid="nobody")[0], "no-such-account")

    def test_away(self) -> None:
        """Who was not there for so long, or never; not who is there, nor who is new."""
        self.say("hello")
        self.assertEqual(self.do("user.away", days=10), [])
        self.memory.clock.advance(20 * 86_400)
        found = {row["jid"]: row["last_seen"] for row in self.do("user.away", days=10)}
        self.assertEqual((set(found), found[ROMEO]), ({ROMEO, JULIET}, None))
        self.memory.logged_in(f"{ROMEO}/x")
        self.assertEqual([row["jid"] for row in self.do("user.away", days=10, host="localhost")], [JULIET])

    def test_alike(self) -> None:
        """Names that a reader cannot tell apart."""
        self.memory.add_account("róméo@localhost")
        self.assertEqual(self.do("user.alike"), [{"jids": [ROMEO, "róméo@localhost"]}])

    def test_list(self) -> None:
        """With roles and sessions."""
        self.memory.logged_in(f"{ROMEO}/x")
        rows = {row["jid"]: (row["role"], row["sessions"]) for row in self.do("user.list")}
        self.assertEqual(rows, {ROMEO: ("registered", 1), JULIET: ("admin", 0)})


class NodeTests(DailyCase):
    """`pubsub.list`, `show`, `delete`."""

    def test_of_an_account(self) -> None:
        """Its nodes, without what their items say."""
        juliet = self.memory.logged_in(f"{JULIET}/x")
        juliet.send(PUBLISH.format(node="urn:x"))
        self.memory.settle()
        (row,) = self.do("pubsub.list", where=JULIET)
        self.assertEqual((row["node"], row["access"], row["items"]), ("urn:x", "presence", 1))
        self.assertEqual(self.do("pubsub.show", where="juliet", node="urn:x")["where"], JULIET)
        self.do("pubsub.delete", where=JULIET, node="urn:x")
        self.assertEqual(self.do("pubsub.list", where=JULIET), [])

    def test_of_a_service(self) -> None:
        """An operator owns all nodes; what is not there is told."""
        romeo = self.memory.logged_in(f"{ROMEO}/x")
        create = "<pubsub xmlns='http://jabber.org/protocol/pubsub'><create node='n'/></pubsub>"
        romeo.send(f"<iq type='set' id='c' to='nodes.localhost'>{create}</iq>")
        self.memory.settle()
        shown = self.do("pubsub.show", where="nodes.localhost", node="n")
        self.assertEqual(shown["affiliations"], [{"jid": ROMEO, "affiliation": "owner"}])
        self.do("pubsub.delete", where="nodes.localhost", node="n")
        for where, node, id in (
            ("nodes.localhost", "n", "no-such-node"),
            ("rooms.localhost", "n", "no-nodes"),
            ("nobody", "n", "no-such-account"),
        ):
            self.assertEqual(self.bench.refusal("pubsub.delete", where=where, node=node)[0], id)


class RoomConfigTests(DailyCase):
    """`room.config`."""

    def test_changed(self) -> None:
        """By their names; who is there is told, and what does not fit is refused as a whole."""
        self.do("room.create", room="coven", owner=JULIET)
        shown = self.do("room.config", room="coven", settings=["is_members_only=true", "name=The Coven"])
        self.assertEqual((shown["title"], shown["settings"]["is_members_only"]), ("The Coven", "true"))
        for wrong in ("max_users=many", "is_public=maybe", "whois=nobody", "color=red", "nothing"):
            refused = self.bench.refusal("room.config", room="coven", settings=["name=Other", wrong])
            self.assertEqual(refused[0], "bad-arguments", wrong)
        self.assertEqual(self.do("room.show", room="coven")["title"], "The Coven")
