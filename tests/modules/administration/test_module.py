"""Service Administration: XEP-0133, and the other operations, by those who have the right to them."""

from xml.etree.ElementTree import Element

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.control.bench import ControlBench
from xmppd.modules.administration.module import NODE
from xmppd.modules.administration.standard import MOST, NS
from xmppd.services.discovery.commands import NS as COMMANDS
from xmppd.testing.client import Client

FORMS = "{jabber:x:data}"
OPTIONS = """
admins = ["root@localhost", "boss@localhost"]
[hosts."localhost"]
admins = ["romeo@localhost"]
members = ["juliet@localhost"]
[hosts."localhost".rights]
"user.list" = "member"
"session.*" = "operator"
[hosts."example.org"]
[components."rooms.localhost"]
module = "muc"
admins = ["romeo@localhost"]
[components."nodes.localhost"]
module = "pubsub"
admins = ["romeo@localhost"]
"""


class AdministrationCase(SynchronousTestCase):
    """A server with an operator, an admin of one host, a member, and anybody."""

    def setUp(self) -> None:
        self.bench = ControlBench(OPTIONS)
        self.memory = self.bench.memory
        self.root, self.romeo, self.juliet, self.nurse = (
            self.memory.logged_in(f"{name}@localhost/x") for name in ("root", "romeo", "juliet", "nurse")
        )

    def ask(self, client: Client, payload: str, to: str = "localhost", type: str = "set") -> Element:
        """Send an IQ and give the payload of the result, or the error."""
        client.inbox.clear()
        client.send(f"<iq type='{type}' id='1' to='{to}'>{payload}</iq>")
        self.memory.settle()
        (answer,) = [each for each in client.inbox if each.tag.endswith("}iq")]
        return answer[0]

    def nodes(self, client: Client, to: str = "localhost") -> list[str]:
        """Give the nodes of the commands that somebody is offered."""
        query = f"<query xmlns='http://jabber.org/protocol/disco#items' node='{COMMANDS}'/>"
        return [item.get("node", "") for item in self.ask(client, query, to, "get")]

    def run_command(
        self, client: Client, node: str, to: str = "localhost", /, **fields: str | list[str]
    ) -> Element:
        """Begin a command and fill its form in; gives the command element of the last stage, or the error."""
        begun = self.ask(client, f"<command xmlns='{COMMANDS}' node='{node}'/>", to)
        if not fields or begun.get("sessionid") is None:
            return begun
        filled = "".join(
            f"<field var='{var.replace('_', '-') if var.startswith('password') else var}'>"
            + "".join(f"<value>{each}</value>" for each in (text if isinstance(text, list) else [text]))
            + "</field>"
            for var, text in fields.items()
        )
        form = f"<x xmlns='jabber:x:data' type='submit'>{filled}</x>"
        id = begun.get("sessionid")
        return self.ask(
            client, f"<command xmlns='{COMMANDS}' node='{node}' sessionid='{id}'>{form}</command>", to
        )

    def values(self, command: Element, var: str) -> list[str]:
        """Give the values of a field of the form in *command*."""
        return [
            value.text or ""
            for field in command.iter(f"{FORMS}field")
            if field.get("var") == var
            for value in field.iter(f"{FORMS}value")
        ]

    def notes(self, command: Element) -> list[str]:
        """Give what is said."""
        return [note.text or "" for note in command.iter(f"{{{COMMANDS}}}note")]


class StandardTests(AdministrationCase):
    """XEP-0133 4."""

    def test_add_user(self) -> None:
        """4.1: the form has the fields of the XEP; the account is made, of this domain, and by its name alone, too."""
        form = self.run_command(self.romeo, f"{NS}#add-user")
        self.assertEqual(form.get("status"), "executing")
        self.assertEqual(self.values(form, "FORM_TYPE"), [NS])
        names = [each.get("var") for each in form.iter(f"{FORMS}field")]
        self.assertEqual(names, ["FORM_TYPE", "accountjid", "password", "password-verify"])
        for jid in ("tybalt@localhost", "paris"):
            done = self.run_command(
                self.romeo, f"{NS}#add-user", accountjid=jid, password="x", password_verify="x"
            )
            self.assertEqual(done.get("status"), "completed")
        self.assertTrue(self.bench.server.accounts.exists("tybalt@localhost"))
        self.assertTrue(self.bench.server.accounts.exists("paris@localhost"))

    def test_what_cannot_be_added(self) -> None:
        """Two passwords, another domain, an account that is there: errors with reasons, and nothing is made."""
        for fields in (
            {"accountjid": "x@localhost", "password": "x", "password_verify": "y"},
            {"accountjid": "x@example.org", "password": "x"},
            {"accountjid": "x@localhost"},
            {"accountjid": "@", "password": "x"},
            {"accountjid": "nurse@localhost", "password": "x"},
        ):
            error = self.run_command(self.romeo, f"{NS}#add-user", **fields)
            self.assertTrue(error.tag.endswith("}error"), fields)
        self.assertFalse(self.bench.server.accounts.exists("x@localhost"))

    def test_many_users(self) -> None:
        """4.2 to 4.4: several at once are disabled, let in again, and removed with a time to think better of it."""
        jids = ["juliet@localhost", "nurse@localhost"]
        done = self.run_command(self.romeo, f"{NS}#disable-user", accountjids=jids)
        self.assertEqual(len(self.notes(done)), 2)
        self.assertTrue(all(self.bench.server.accounts.is_disabled(jid) for jid in jids))
        listed = self.run_command(self.romeo, f"{NS}#get-disabled-users-num")
        self.assertEqual(self.values(listed, "disabledusersnum"), ["2"])
        self.run_command(self.romeo, f"{NS}#reenable-user", accountjids=jids)
        self.assertFalse(any(self.bench.server.accounts.is_disabled(jid) for jid in jids))
        self.run_command(self.romeo, f"{NS}#delete-user", accountjids=jids[0])
        self.bench.do("user.restore", jid=jids[0])

    def test_password(self) -> None:
        """4.7."""
        done = self.run_command(
            self.romeo, f"{NS}#change-user-password", accountjid="nurse@localhost", password="new"
        )
        self.assertEqual(self.notes(done), ["the password of nurse@localhost is changed, 1 session ended"])

    def test_roster(self) -> None:
        """4.8: the contacts of one account, as a roster."""
        self.bench.do("roster.add", jid="nurse@localhost", contact="a@b.example", name="A", group="G")
        self.memory.settle()
        found = self.run_command(self.romeo, f"{NS}#get-user-roster", accountjids="nurse@localhost")
        self.assertEqual(self.values(found, "accountjids"), ["nurse@localhost"])
        (item,) = found.iter("{jabber:iq:roster}item")
        self.assertEqual(item.attrib, {"jid": "a@b.example", "name": "A", "subscription": "none"})
        self.assertEqual([group.text for group in item], ["G"])

    def test_lists(self) -> None:
        """4.13, 4.18: how many there are, and which, as many as were asked for."""
        number = self.run_command(self.romeo, f"{NS}#get-registered-users-num")
        self.assertEqual(self.values(number, "registeredusersnum"), ["4"])
        found = self.run_command(self.romeo, f"{NS}#get-registered-users-list", max_items="none")
        jids = [f"{name}@localhost" for name in ("juliet", "nurse", "romeo", "root")]
        self.assertEqual(self.values(found, "registereduserjids"), jids)
        for each in range(30):
            self.memory.add_account(f"a{each}@localhost")
        found = self.run_command(self.romeo, f"{NS}#get-registered-users-list", max_items="25")
        self.assertEqual(len(self.values(found, "registereduserjids")), 25)
        self.assertEqual(self.notes(found), ["There are 9 more"])
        self.assertGreater(MOST, 25)


class RightsTests(AdministrationCase):
    """Who is offered what."""

    def test_by_role(self) -> None:
        """An admin has what concerns the domain, the operator all, a member what the rights say, others nothing."""
        ours = (NS, NODE)
        self.assertEqual([node for node in self.nodes(self.nurse) if node.startswith(ours)], [])
        of_member = [node for node in self.nodes(self.juliet) if node.startswith(ours)]
        lists = ("registered-users-num", "disabled-users-num", "registered-users-list", "disabled-users-list")
        self.assertEqual(of_member, [*(f"{NS}#get-{each}" for each in lists), f"{NODE}user.list"])
        of_admin = self.nodes(self.romeo)
        self.assertIn(f"{NS}#delete-user", of_admin)
        for node in (f"{NS}#shutdown", f"{NS}#end-user-session", f"{NODE}host.purge", f"{NODE}s2s.list"):
            self.assertNotIn(node, of_admin)
            self.assertIn(node, self.nodes(self.root))
        self.assertNotIn(f"{NODE}user.import", self.nodes(self.root))

    def test_refused(self) -> None:
        """Who may not is told so, whether it was listed or not; an admin of one domain is none of another."""
        for client, node, to in (
            (self.nurse, f"{NS}#add-user", "localhost"),
            (self.romeo, f"{NS}#shutdown", "localhost"),
            (self.romeo, f"{NS}#add-user", "example.org"),
            (self.juliet, f"{NODE}room.list", "rooms.localhost"),
        ):
            error = self.run_command(client, node, to)
            self.assertTrue(error[0].tag.endswith("}forbidden"), (node, to))
        self.assertEqual(self.bench.stops, 0)

    def test_operators_are_left_alone(self) -> None:
        """An admin of a domain cannot become an operator by an operator's account."""
        self.memory.add_account("boss@localhost")
        fields = {"accountjid": "boss@localhost", "password": "mine"}
        error = self.run_command(self.romeo, f"{NS}#change-user-password", **fields)
        self.assertTrue(error[0].tag.endswith("}forbidden"))
        done = self.run_command(self.root, f"{NS}#change-user-password", **fields)
        self.assertEqual(done.get("status"), "completed")

    def test_shutdown(self) -> None:
        """4.32: by the operator."""
        self.run_command(self.root, f"{NS}#shutdown")
        self.assertEqual(self.bench.stops, 1)


class OtherOperationsTests(AdministrationCase):
    """Operations that XEP-0133 does not name."""

    def test_rooms(self) -> None:
        """They are asked for at the service of rooms; a table comes back as one."""
        self.assertNotIn(f"{NODE}room.list", self.nodes(self.romeo))
        self.assertNotIn(f"{NS}#add-user", self.nodes(self.romeo, "rooms.localhost"))
        made = self.run_command(
            self.romeo, f"{NODE}room.create", "rooms.localhost", room="coven", owner="crone@localhost"
        )
        self.assertEqual(self.notes(made), ["coven@rooms.localhost made"])
        listed = self.run_command(self.romeo, f"{NODE}room.list", "rooms.localhost")
        items = [[each.text for each in item.iter(f"{FORMS}value")] for item in listed.iter(f"{FORMS}item")]
        self.assertEqual(items, [["coven@rooms.localhost", None, "0", "yes", "yes", "crone@localhost"]])
        shown = self.run_command(self.romeo, f"{NODE}room.show", "rooms.localhost", room="coven")
        self.assertIn("crone@localhost | owner |  | ", self.values(shown, "table-0"))

    def make_node(self, client: Client, to: str) -> None:
        """Let somebody make a node."""
        create = "<pubsub xmlns='http://jabber.org/protocol/pubsub'><create node='news'/></pubsub>"
        client.send(f"<iq type='set' id='1' to='{to}'>{create}</iq>")
        self.memory.settle()

    def test_nodes(self) -> None:
        """Those of a pubsub service are asked for there, by its admin; those of an account at its domain."""
        for to in ("nodes.localhost", "nurse@localhost"):
            self.make_node(self.nurse, to)
        verbs = [f"{NODE}pubsub.{verb}" for verb in ("list", "show", "delete")]
        for to in ("localhost", "nodes.localhost"):
            self.assertTrue(set(verbs) <= {*self.nodes(self.romeo, to)})
            self.assertFalse(set(verbs) & {*self.nodes(self.nurse, to)})
        self.assertFalse(set(verbs) & {*self.nodes(self.root, "rooms.localhost")})
        listed = self.run_command(self.romeo, verbs[0], "nodes.localhost")
        (item,) = listed.iter(f"{FORMS}item")
        self.assertEqual([each.text for each in item.iter(f"{FORMS}value")][:3], ["news", None, "open"])
        shown = self.run_command(self.romeo, verbs[1], "nodes.localhost", node="news")
        self.assertIn("nurse@localhost | owner", self.values(shown, "table-0"))
        done = self.run_command(self.romeo, verbs[2], "nodes.localhost", node="news")
        self.assertEqual(self.notes(done), ["news of nodes.localhost deleted"])
        done = self.run_command(self.romeo, verbs[2], "localhost", where="nurse", node="news")
        self.assertEqual(self.notes(done), ["news of nurse@localhost deleted"])

    def test_nodes_of_others(self) -> None:
        """An admin reaches no operator's nodes, and none of another domain."""
        self.make_node(self.root, "root@localhost")
        for where, condition in (("root", "forbidden"), ("x@example.org", "bad-request")):
            error = self.run_command(
                self.romeo, f"{NODE}pubsub.delete", "localhost", where=where, node="news"
            )
            self.assertTrue(error[0].tag.endswith("}" + condition), where)

    def test_at_a_room(self) -> None:
        """At a room, those about it are offered to the service's admins, and do not ask which."""
        self.bench.do("room.create", room="coven", owner="crone@localhost")
        coven = "coven@rooms.localhost"
        of_admin = [node for node in self.nodes(self.romeo, coven) if node.startswith(NODE)]
        verbs = ("affiliation", "config", "create", "destroy", "kick", "occupants", "show")
        self.assertEqual(of_admin, [f"{NODE}room.{verb}" for verb in verbs])
        self.assertEqual(self.nodes(self.nurse, coven), [])
        fields = {"jid": "hag@localhost", "affiliation": "member", "reason": ""}
        error = self.run_command(self.nurse, f"{NODE}room.affiliation", coven, **fields)
        self.assertTrue(error[0].tag.endswith("}forbidden"))
        done = self.run_command(self.romeo, f"{NODE}room.affiliation", coven, **fields)
        self.assertEqual(self.notes(done), ["hag@localhost has the affiliation member"])
        shown = self.run_command(self.romeo, f"{NODE}room.show", coven)
        self.assertIn("hag@localhost | member |  | ", self.values(shown, "table-0"))
        self.run_command(self.romeo, f"{NODE}room.destroy", coven, reason="", venue="")
        self.assertEqual(self.bench.do("room.list"), [])

    def test_a_choice(self) -> None:
        """A choice is one in the form, and anything else is refused."""
        self.bench.do("room.create", room="coven", owner="crone@localhost")
        form = self.run_command(self.romeo, f"{NODE}room.affiliation", "rooms.localhost")
        options = [each.get("label") for each in form.iter(f"{FORMS}option")]
        self.assertEqual(options, ["owner", "admin", "member", "none", "outcast"])
        error = self.run_command(
            self.romeo,
            f"{NODE}room.affiliation",
            "rooms.localhost",
            room="coven",
            jid="hag@localhost",
            affiliation="king",
        )
        self.assertTrue(error[0].tag.endswith("}bad-request"))

    def test_modules_are_those_of_the_domain(self) -> None:
        """What names a domain by an option means the one that was asked, and no other."""
        self.run_command(self.romeo, f"{NODE}module.unload", name="ping")
        hosts = {row["name"]: row["hosts"] for row in self.bench.do("module.list")}["ping"]
        self.assertNotIn("localhost", hosts)
        self.assertIn("example.org", hosts)
