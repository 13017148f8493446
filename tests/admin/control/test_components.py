"""Control commands on a server with components: accounts are on hosts, modules anywhere."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.control.bench import ControlBench
from tests.dialogues.services import SERVICES

OPTIONS = (
    '[hosts."localhost"]\n[components."echo.localhost"]\nmodule = "echo"\n'
    '[components."irc.localhost"]\nsecret = "x"\n'
)
PROGRAMS = """[hosts."localhost"]
[components."gateway.localhost"]
secret = "open sesame"
queue = true
[components."irc.localhost"]
connection_of = "gateway.localhost"
[modules.privilege.components."gateway.localhost"]
roster = "both"
iq = { "jabber:iq:private" = "get" }
[modules.delegation.namespaces."urn:example:mood"]
to = "gateway.localhost"
"""


class ComponentTests(SynchronousTestCase):
    """A host, a service inside, a program outside."""

    def setUp(self) -> None:
        """Make the server."""
        self.bench = ControlBench(OPTIONS, SERVICES)

    def refusal(self, command: str, **args: Any) -> tuple[str, str]:
        """Do a command that must fail."""
        return self.bench.refusal(command, **args)

    def test_lone_name(self) -> None:
        """A name without a host is an account of the only host that has accounts."""
        self.assertEqual(self.bench.do("user.add", jid="ann", password="x")["jid"], "ann@localhost")
        self.assertEqual(self.bench.do("user.import", users=[["bob", "x"]])["added"], 1)
        listed = [row["jid"] for row in self.bench.do("user.list")]
        self.assertEqual(listed, ["ann@localhost", "bob@localhost"])
        self.assertEqual(self.bench.do("session.list", jid="ann"), [])

    def test_no_accounts(self) -> None:
        """An account on a component's domain is refused in a line that names the hosts."""
        expected = "echo.localhost is a component and has no accounts, the host is localhost"
        for command, args in (
            ("user.add", {"jid": "ann@echo.localhost", "password": "x"}),
            ("user.add", {"jid": "echo.localhost", "password": "x"}),
            ("user.list", {"host": "echo.localhost"}),
            ("user.import", {"users": [], "host": "echo.localhost"}),
            ("session.list", {"jid": "echo.localhost"}),
            ("session.list", {"jid": "ann@echo.localhost/a"}),
        ):
            self.assertEqual(self.refusal(command, **args), ("no-accounts", expected), command)
        self.assertEqual(
            self.refusal("user.add", jid="a@ech.localhost", password="x"),
            ("unknown-host", "ech.localhost is not served here, the host is localhost"),
        )

    def test_status(self) -> None:
        """Hosts have sessions, components have not."""
        status = self.bench.do("status")
        self.assertEqual([each["name"] for each in status["hosts"]], ["localhost"])
        self.assertEqual(
            status["components"],
            [
                {"name": "echo.localhost", "module": "echo", "modules": 8},
                {"name": "irc.localhost", "module": None, "modules": 0},
            ],
        )

    def test_modules(self) -> None:
        """A module is unloaded and loaded on every domain that it serves; elsewhere it is refused."""
        unloaded = self.bench.do("module.unload", name="ping")["hosts"]
        self.assertEqual(unloaded, ["localhost", "echo.localhost"])
        self.assertEqual(self.bench.do("module.load", name="ping")["hosts"], unloaded)
        self.bench.do("module.unload", name="last_activity")
        self.assertEqual(self.bench.do("module.load", name="last_activity")["hosts"], ["localhost"])
        id, message = self.refusal("module.load", name="roster", host="echo.localhost")
        self.assertEqual(id, "module-error")
        self.assertIn(
            "echo.localhost is a domain of the kind service: roster is not for such domains", message
        )

    def test_programs(self) -> None:
        """Who is connected, since when, how much came and went, and what waits; each name of a program is listed."""
        bench = ControlBench(PROGRAMS)
        (gateway, irc) = bench.do("component.list")
        self.assertEqual(
            (gateway["name"], gateway["connected"], gateway["since"]), ("gateway.localhost", False, None)
        )
        self.assertEqual((irc["name"], irc["connection_of"]), ("irc.localhost", "gateway.localhost"))
        romeo = bench.memory.logged_in("romeo@localhost/orchard")
        romeo.send("<message to='a@gateway.localhost' type='chat'><body>hello</body></message>")
        self.assertEqual([row["waiting"] for row in bench.do("component.list")], [1, 0])
        program = bench.memory.component("gateway.localhost")
        program.send("<message from='a@irc.localhost' to='romeo@localhost/orchard'/>" * 2)
        bench.memory.pass_time(1)  # it has answered whether it has read the message, too
        (gateway, irc) = bench.do("component.list")
        for row in (gateway, irc):
            self.assertEqual((row["connected"], row["address"], row["stanzas_in"]), (True, "127.0.0.1", 3))
            self.assertEqual((row["since"], row["waiting"]), ("2026-05-28T20:26:40+00:00", 0))
        self.assertGreaterEqual(gateway["stanzas_out"], 1)

    def test_rights(self) -> None:
        """What a component may do, and what is delegated to it, by host."""
        details = ControlBench(PROGRAMS).do("component.show", name="gateway.localhost")
        rights = {"roster": "both", "iq jabber:iq:private": "get"}
        self.assertEqual(details["privileges"], {"localhost": rights})
        self.assertEqual(details["delegated"], {"localhost": ["urn:example:mood"]})

    def test_closing_one(self) -> None:
        """Its stream ends, with all its domains; one that is not there, and one that is none, are refused in a line."""
        bench = ControlBench(PROGRAMS)
        program = bench.memory.component("gateway.localhost")
        closed = bench.do("component.close", name="irc.localhost")["closed"]
        self.assertEqual(closed, ["gateway.localhost", "irc.localhost"])
        self.assertFalse(program.is_connected)
        self.assertEqual(bench.refusal("component.close", name="irc.localhost")[0], "not-connected")
        for name in ("localhost", "nobody.example", "@"):
            self.assertEqual(bench.refusal("component.show", name=name)[0], "no-such-component")

    def test_module_without_a_domain(self) -> None:
        """A module for services, where there are none, is refused in a line."""
        bench = ControlBench(modules=SERVICES)
        id, message = bench.refusal("module.load", name="echo")
        self.assertEqual(id, "module-error")
        self.assertIn("echo is for domains of the kind service, and none is served", message)
