"""Announcements, the message of the day and the welcome: who is told, when, and how often."""

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.control.bench import HOSTS, ControlBench
from tests.modules.administration.test_module import AdministrationCase
from xmppd.modules.administration.standard import NS
from xmppd.testing.client import Client


def said(client: Client) -> list[str]:
    """Give what a client was told by the host, and forget it."""
    bodies = [
        each.findtext("{jabber:client}body") or ""
        for each in client.inbox
        if each.tag == "{jabber:client}message" and each.get("from") == "localhost"
    ]
    client.inbox.clear()
    return bodies


class AnnouncementsTests(SynchronousTestCase):
    """`announce.send`, `announce.motd`, `announce.welcome`."""

    def setUp(self) -> None:
        self.bench = ControlBench(HOSTS)
        self.memory = self.bench.memory

    def come(self, address: str) -> Client:
        """Have somebody be there."""
        client = self.memory.logged_in(address)
        client.send("<presence/>")
        self.memory.settle()
        self.memory.pass_time(1)
        return client

    def test_to_who_is_there(self) -> None:
        """Each session of the host that is available; nobody of another host, and nothing waits."""
        romeo, other = self.come("romeo@localhost/x"), self.come("a@example.org/x")
        self.memory.add_account("juliet@localhost")
        done = self.bench.do("announce.send", text="We stop at <10>", subject="Stop")
        self.assertEqual(done, {"host": "localhost", "told": 1})
        self.assertEqual((said(romeo), said(other)), (["We stop at <10>"], []))
        self.assertEqual(said(self.come("juliet@localhost/x")), [])

    def test_to_all(self) -> None:
        """It waits for who is not there."""
        romeo = self.come("romeo@localhost/x")
        self.memory.add_account("juliet@localhost")
        self.assertEqual(self.bench.do("announce.send", text="Hear", to_all=True)["told"], 2)
        self.memory.settle()
        self.assertEqual((said(romeo), said(self.come("juliet@localhost/x"))), (["Hear"], ["Hear"]))

    def test_message_of_the_day(self) -> None:
        """Once for each account, at the first login after it was set; a new one again; after a restart too."""
        self.assertEqual(self.bench.do("announce.motd")["text"], None)
        self.bench.do("announce.motd", text="One")
        self.assertEqual(said(self.come("romeo@localhost/x")), ["One"])
        self.assertEqual(said(self.come("romeo@localhost/y")), [])
        module = self.bench.server.hosts["localhost"].modules["announcements"].name
        self.bench.do("module.reload", name=module)
        self.assertEqual(self.bench.do("announce.motd")["text"], "One")
        self.assertEqual(said(self.come("romeo@localhost/z")), [])
        self.memory.pass_time(1)
        self.bench.do("announce.motd", text="Two")
        self.assertEqual(said(self.come("romeo@localhost/u")), ["Two"])
        self.bench.do("announce.motd", clear=True)
        self.assertEqual(said(self.come("juliet@localhost/x")), [])
        self.assertEqual(self.bench.refusal("announce.motd", text="a", clear=True)[0], "bad-usage")

    def test_welcome(self) -> None:
        """Each account that is made is told, and those that were there before are not; nor once the module is gone."""
        self.memory.add_account("romeo@localhost")
        self.bench.do("announce.welcome", text="Welcome")
        self.memory.add_account("juliet@localhost")
        self.memory.settle()
        self.assertEqual(said(self.come("juliet@localhost/x")), ["Welcome"])
        self.assertEqual(said(self.come("romeo@localhost/x")), [])
        self.bench.do("module.unload", name="announcements")
        self.memory.add_account("nurse@localhost")
        self.assertEqual(said(self.come("nurse@localhost/x")), [])
        self.assertEqual(self.bench.refusal("announce.welcome")[0], "no-module")


class CommandTests(AdministrationCase):
    """XEP-0133 4.23 to 4.29, 4.9, 4.10."""

    def test_announce(self) -> None:
        """By an admin, to who is there."""
        self.nurse.send("<presence/>")
        self.memory.settle()
        self.run_command(self.romeo, f"{NS}#announce", announcement=["Hear", "ye"])
        self.assertEqual(said(self.nurse), ["Hear\nye"])

    def test_texts(self) -> None:
        """The message of the day and the welcome are set and taken away."""
        for name in ("motd", "welcome"):
            self.run_command(self.romeo, f"{NS}#set-{name}", **{name: "Hello"})
            self.assertEqual(self.bench.do(f"announce.{name}")["text"], "Hello")
            self.run_command(self.romeo, f"{NS}#delete-{name}")
            self.assertEqual(self.bench.do(f"announce.{name}")["text"], None)

    def test_about_a_user(self) -> None:
        """When they were last there, how many contacts they have, and where they are."""
        found = self.run_command(self.romeo, f"{NS}#user-stats", accountjid="nurse@localhost")
        self.assertEqual(self.values(found, "onlineresources"), ["nurse@localhost/x"])
        found = self.run_command(self.romeo, f"{NS}#get-user-lastlogin", accountjid="nurse@localhost")
        self.assertEqual(self.values(found, "accountjids"), ["nurse@localhost"])

    def test_edit(self) -> None:
        """XEP-0133 4.25: the form has the message as it is, line by line; what comes back is the new one."""
        node = f"{NS}#edit-motd"
        self.assertEqual(self.values(self.run_command(self.romeo, node), "motd"), [])
        self.bench.do("announce.motd", text="One\nTwo")
        self.assertEqual(self.values(self.run_command(self.romeo, node), "motd"), ["One", "Two"])
        self.run_command(self.romeo, node, motd=["One", "Three"])
        self.assertEqual(self.bench.do("announce.motd")["text"], "One\nThree")
