"""``xmppctl status``, ``reload``, ``stop``; sessions and modules."""

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.xmppctl.fakes import Bench
from tests.temporary import temporary_folder
from xmppd.admin.operations.server import duration

STATUS = {
    "version": "1.2",
    "pid": 77,
    "started": "2026-01-02T03:04:05+00:00",
    "uptime_s": 3_725,
    "data_dir": "/srv/data",
    "memory_bytes": 61_027_123,
    "sessions": 3,
    "hosts": [
        {"name": "a.example", "sessions": 2, "available": 1, "modules": 9},
        {"name": "b.example", "sessions": 1, "available": 1, "modules": 8},
    ],
    "components": [
        {"name": "echo.a.example", "module": "echo", "modules": 7},
        {"name": "irc.a.example", "module": None, "modules": 0},
    ],
    "listening": ["127.0.0.1:5222 (STARTTLS)", "[::1]:5222 (STARTTLS)"],
    "versions": {"python": "3.11", "twisted": "26.10", "openssl": "3.0", "sqlite": "3.40"},
}
SESSION = {
    "jid": "a@b/[red]x",
    "address": "::1",
    "tls": True,
    "priority": -1,
    "since": "2026-01-02T03:04:05+00:00",
    "available": True,
    "interested": True,
    "attached": True,
    "software": "Awesome",
    "device": "Phone",
    "tag": "",
}


def squeezed(text: str) -> list[str]:
    """Give the lines with runs of blanks made one."""
    return [" ".join(line.split()) for line in text.splitlines()]


class ServerTests(SynchronousTestCase):
    """The server as a whole."""

    def test_status(self) -> None:
        """Uptime, memory, versions and the sessions of each host, in a few lines."""
        lines = squeezed(Bench(status=STATUS).run("status").stdout)
        self.assertEqual(lines[0], "xmppd 1.2, process 77")
        self.assertTrue(lines[1].startswith("up 1 h 2 min, since 2026-01-0"), lines[1])
        self.assertEqual(
            lines[2:8],
            [
                "sessions 3",
                "memory 58.2 MiB",
                "data folder /srv/data",
                "listens on 127.0.0.1:5222 (STARTTLS)",
                "[::1]:5222 (STARTTLS)",
                "versions Python 3.11, Twisted 26.10, OpenSSL 3.0, SQLite 3.40",
            ],
        )
        self.assertEqual(
            lines[9:],
            [
                "Host Sessions Available Modules",
                "a.example 2 1 9",
                "b.example 1 1 8",
                "",
                "Component Is Modules",
                "echo.a.example echo 7",
                "irc.a.example a program 0",
            ],
        )

    def test_status_without_components(self) -> None:
        """Where there are none, nothing is said of them."""
        result = Bench(status={**STATUS, "components": []}).run("status")
        self.assertEqual((result.exit_code, squeezed(result.stdout)[-1]), (0, "b.example 1 1 8"))

    def test_status_as_json(self) -> None:
        """What the server gave, unchanged."""
        self.assertEqual(json.loads(Bench(status=STATUS).run("status", "--json").stdout), STATUS)

    def test_reload(self) -> None:
        """What is in force now; status 1 where something of the file is not, so that a script hears of it."""
        for mistakes, status in ((0, 0), (2, 1)):
            result = Bench(reload={"lines": ["a", "b"], "mistakes": mistakes}).run("reload")
            self.assertEqual((result.exit_code, result.stdout), (status, "a\nb\n"))

    def test_stop(self) -> None:
        """The server is told to stop; how many sessions that ended is told."""
        bench = Bench(stop={"sessions": 1, "pid": 77})
        result = bench.run("stop")
        self.assertEqual((result.exit_code, result.stdout), (0, "the server has stopped; 1 session ended\n"))

    def test_durations(self) -> None:
        """The two largest units of a time."""
        for seconds, text in (
            (0, "0 s"),
            (59.9, "59 s"),
            (3_600, "1 h"),
            (90_061, "1 d 1 h"),
            (86_401, "1 d"),
        ):
            self.assertEqual(duration(seconds), text)


class CheckTests(SynchronousTestCase):
    """``xmppctl check``; what it finds is tested beside the checks."""

    def config(self, host: str) -> str:
        """Write a configuration with one host."""
        path = temporary_folder(self) / "xmppd.toml"
        path.write_text(f'[hosts."{host}"]\n')
        return str(path)

    def test_fine(self) -> None:
        """Status 0, and a line that says so; no server is needed."""
        bench = Bench(is_running=False)
        result = bench.run("check", "names", "--config", self.config("example.org"))
        self.assertEqual((result.exit_code, result.stdout), (0, "no mistakes found\n"), result.output)

    def test_problems(self) -> None:
        """Status 2; a wrongly encoded name is reported with its right spelling."""
        config = self.config("xn--bcher-kva.example")
        result = Bench().run("--config", config, "check", "names")
        self.assertEqual(result.exit_code, 2, result.output)
        self.assertIn("bücher.example", result.stdout)
        found = json.loads(Bench().run("--config", config, "--json", "check", "names").stdout)
        self.assertEqual(found["status"], 2)

    def test_unknown_check(self) -> None:
        """Wrong usage is status 1, and says what there is."""
        result = Bench().run("check", "dsn")
        self.assertEqual((result.exit_code, result.stderr.count("\n")), (1, 1))
        self.assertIn("names", result.stderr)


CLIENT: dict[str, Any] = {
    "client": "c1",
    "software": "Awesome",
    "device": "Phone",
    "tag": "",
    "resource": "x",
    "address": "::1",
    "tls": True,
    "since": "2026-01-02T03:04:05+00:00",
    "last_seen": "2026-01-02T03:04:05+00:00",
    "knows_password": True,
    "token_until": "2026-01-02T03:04:05+00:00",
    "jids": ["a@b/x"],
}


COMPONENT = {
    "name": "irc.example",
    "connected": True,
    "connection_of": None,
    "address": "127.0.0.1",
    "since": "2026-01-02T03:04:05+00:00",
    "stanzas_in": 1_234,
    "stanzas_out": 5,
    "unsent_bytes": 0,
    "queue": True,
    "waiting": 3,
}


class ComponentTests(SynchronousTestCase):
    """Programs that connect as a service."""

    def test_list(self) -> None:
        """A row for each, whether it is there or not."""
        absent: dict[str, Any] = {**COMPONENT, "name": "b.example", "connected": False, "address": None}
        absent |= {"connection_of": "irc.example", "since": None}
        found = squeezed(Bench(component_list=[COMPONENT, absent]).run("component", "list").stdout)
        self.assertEqual(found[0], "Component State Address Since In Out Waiting")
        self.assertTrue(found[1].startswith("irc.example connected 127.0.0.1 2026-01-0"), found[1])
        self.assertTrue(found[1].endswith(" 1,234 5 3"), found[1])
        self.assertTrue(found[2].startswith("b.example absent (by irc.example) 1,234"), found[2])
        nobody = Bench(component_list=[]).run("component", "list").stdout
        self.assertEqual(nobody, "there is no component that a program connects as\n")

    def test_show(self) -> None:
        """What it may do, by host."""
        rights = {"a.example": {"roster": "both", "message": "outgoing"}}
        details = {"component": COMPONENT, "privileges": rights, "delegated": {"a.example": ["urn:x"]}}
        found = squeezed(Bench(component_show=details).run("component", "show", "irc.example").stdout)
        self.assertEqual(
            found[2:], ["at a.example: roster both, message outgoing", "manages at a.example: urn:x"]
        )

    def test_close(self) -> None:
        """The name goes to the server, and its domains come back."""
        bench = Bench(component_close={"closed": ["irc.example", "b.example"]})
        self.assertEqual(
            bench.run("component", "close", "irc.example").stdout, "irc.example ended\nb.example ended\n"
        )
        self.assertEqual(bench.asked, [("component.close", {"name": "irc.example"})])


class SessionTests(SynchronousTestCase):
    """Who is connected."""

    def test_list(self) -> None:
        """Each session is a row; brackets in a resource are no markup."""
        waiting: dict[str, Any] = {**SESSION, "priority": None, "tls": False, "available": False}
        waiting |= {"interested": False, "attached": False}
        head, first, second = squeezed(Bench(session_list=[SESSION, waiting]).run("session", "list").stdout)
        self.assertEqual(head, "JID Address TLS Priority Since State Client")
        self.assertTrue(first.startswith("a@b/[red]x ::1 yes -1 2026-01-0"), first)
        self.assertTrue(first.endswith("available, interested Awesome (Phone)"), first)
        self.assertTrue(second.startswith("a@b/[red]x ::1 no 2026-01-0"), second)
        self.assertTrue(second.endswith("connected, waiting for its client Awesome (Phone)"), second)

    def test_list_of_one_account(self) -> None:
        """The JID goes to the server; nobody there is an answer, no failure."""
        bench = Bench(session_list=[])
        self.assertEqual(bench.run("session", "list", "a@b").stdout, "a@b is not connected\n")
        self.assertEqual(bench.run("session", "list").stdout, "nobody is connected\n")
        self.assertEqual(bench.asked, [("session.list", {"jid": "a@b"}), ("session.list", {})])

    def test_kick(self) -> None:
        """Each session that was ended is named."""
        bench = Bench(session_kick={"jids": ["a@b/x", "a@b/y"]})
        self.assertEqual(
            bench.run("session", "kick", "a@b", "--reason", "go").stdout, "a@b/x ended\na@b/y ended\n"
        )
        self.assertEqual(bench.asked, [("session.kick", {"jid": "a@b", "reason": "go"})])


class ModuleTests(SynchronousTestCase):
    """What is loaded."""

    def test_list(self) -> None:
        """Name, hosts, XEPs and summary of each."""
        ping = {"name": "ping", "summary": "XMPP Ping", "xeps": [199], "hosts": ["a", "b"]}
        idle = {"name": "idle", "summary": "Nothing", "xeps": [], "hosts": []}
        lines = squeezed(Bench(module_list=[ping, idle]).run("module", "list").stdout)
        self.assertEqual(
            lines, ["Module Loaded on XEPs What it is", "ping a, b 0199 XMPP Ping", "idle - Nothing"]
        )

    def test_changes(self) -> None:
        """Load, unload and reload, on all hosts or one."""
        for action in ("load", "unload", "reload"):
            bench = Bench.answering(f"module.{action}", {"name": "ping", "hosts": ["a", "b"]})
            self.assertEqual(bench.run("module", action, "ping").stdout, f"ping {action}ed on a, b\n")
            bench.run("module", action, "ping", "--host", "a")
            expected = [{"name": "ping"}, {"name": "ping", "host": "a"}]
            self.assertEqual([args for _, args in bench.asked], expected)

    def test_hooks(self) -> None:
        """A row a handler; a hook without stations and a handler of no module have a dash."""
        named = {"host": "a", "hook": "host-stanza", "station": "acting", "module": "echo"}
        plain = {"host": "a", "hook": "resource-bound", "station": None, "module": ""}
        bench = Bench(module_hooks=[named, plain])
        self.assertEqual(
            squeezed(bench.run("module", "hooks", "--host", "a").stdout),
            ["Host Hook Station Module", "a host-stanza acting echo", "a resource-bound - -"],
        )
        self.assertEqual(bench.asked, [("module.hooks", {"host": "a"})])

    def test_clients(self) -> None:
        """A row a client, also of those that are away."""
        away = {**CLIENT, "jids": [], "token_until": None}
        lines = squeezed(Bench(session_clients=[CLIENT, away]).run("session", "clients", "a@b").stdout)
        self.assertEqual(lines[0], "Client Name Resource Address TLS Since Last seen Token until State")
        self.assertTrue(lines[1].startswith("c1 Awesome (Phone) x ::1 yes 2026-01-0"), lines[1])
        self.assertTrue(lines[1].endswith("connected") and lines[2].endswith("away"), lines)
        self.assertEqual(
            Bench(session_clients=[]).run("session", "clients", "a@b").stdout, "a@b has no clients\n"
        )

    def test_revoke(self) -> None:
        """What was revoked and ended is named, and who can come again."""
        bench = Bench(session_revoke={"clients": ["c1"], "ended": ["a@b/x"], "knowing_password": ["c1"]})
        self.assertEqual(
            bench.run("session", "revoke", "a@b", "c1").stdout,
            "c1 revoked; it knows the password and can come again\na@b/x ended\n",
        )
        self.assertEqual(bench.asked, [("session.revoke", {"jid": "a@b", "client": "c1"})])
