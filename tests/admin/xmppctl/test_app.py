"""How xmppctl is called, how it fails, and with which status."""

import json
import os
import socket
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.xmppctl.fakes import Bench
from tests.temporary import temporary_folder
from xmppd import __version__
from xmppd.admin.control.wire import ControlError
from xmppd.admin.xmppctl import locate
from xmppd.config import read


class UsageTests(SynchronousTestCase):
    """Wrong usage is one line and status 1."""

    def test_version(self) -> None:
        """``--version`` names the program and its version."""
        result = Bench().run("--version")
        self.assertEqual((result.exit_code, result.stdout), (0, f"xmppctl {__version__}\n"))

    def test_help(self) -> None:
        """``--help`` succeeds and lists the commands; without arguments the same is shown, as a failure."""
        result = Bench().run("--help")
        self.assertEqual(result.exit_code, 0)
        for name in ("user", "session", "module", "status", "reload", "stop", "check", "completion"):
            self.assertIn(f"\n  {name} ", result.stdout)
        bare = Bench().run()
        self.assertEqual((bare.exit_code, bare.stdout), (1, result.stdout))

    def test_wrong_usage_is_one_line(self) -> None:
        """Unknown commands and options, missing and superfluous arguments: a line with what to do."""
        for args in (
            ("usr",),
            ("user", "ad"),
            ("user", "add"),
            ("--jsn", "status"),
            ("status", "now"),
            ("completion",),
        ):
            result = Bench().run(*args)
            self.assertEqual(result.exit_code, 1, args)
            self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
            self.assertTrue(result.stderr.startswith("xmppctl: "), result.stderr)
            self.assertRegex(result.stderr, r"([^.?]; t|[?] T)o see what there is: xmppctl .*--help$")

    def test_a_name_that_begins_with_a_hyphen(self) -> None:
        """It is taken for an option, and a word says how it is not; behind ``--`` it is a name like any other."""
        result = Bench().run("room", "show", "-x")
        self.assertTrue(
            result.stderr.endswith("; a name that begins with - stands behind --\n"), result.stderr
        )
        self.assertNotIn("option", Bench().run("room", "show", "--", "-x").stderr)

    def test_wrong_usage_as_json(self) -> None:
        """With ``--json``, wherever it stands, wrong usage is an object too."""
        for args in (("--json", "usr"), ("user", "--json", "ad"), ("status", "now", "--json"), ("--json",)):
            result = Bench().run(*args)
            self.assertEqual(result.exit_code, 1, args)
            self.assertEqual(json.loads(result.stdout)["error"]["id"], "bad-usage")
            self.assertEqual(result.stderr.count("\n"), 1, result.stderr)

    def test_argument_too_many(self) -> None:
        """It may be a password, and is not shown again; a word of how one is handed over."""
        result = Bench().run("user", "add", "alice@localhost", "hunter2")
        self.assertEqual(result.exit_code, 1)
        self.assertNotIn("hunter2", result.output)
        self.assertIn(
            "1 argument too many: it takes JID; the password is asked for, or handed", result.stderr
        )
        self.assertNotIn("hunter", Bench().run("session", "list", "a@b", "hunter1", "hunter2").output)

    def test_error_of_the_server(self) -> None:
        """What the server refuses is its line on standard error, and status 1."""
        bench = Bench(session_kick=ControlError("no-such-session", "x@y is not connected"))
        result = bench.run("session", "kick", "x@y")
        self.assertEqual((result.exit_code, result.stdout), (1, ""))
        self.assertEqual(result.stderr, "xmppctl: x@y is not connected\n")
        self.assertTrue(bench.connection.is_closed)

    def test_error_as_json(self) -> None:
        """With ``--json`` the error's identifier is on standard output."""
        bench = Bench(session_kick=ControlError("no-such-session", "x@y is not connected"))
        result = bench.run("--json", "session", "kick", "x@y")
        self.assertEqual(result.exit_code, 1)
        error = {"error": {"id": "no-such-session", "message": "x@y is not connected"}}
        self.assertEqual(json.loads(result.stdout), error)

    def test_never_a_traceback(self) -> None:
        """A bug is one line too."""
        result = Bench(status=RuntimeError("boom")).run("status")
        self.assertEqual(result.exit_code, 1)
        self.assertEqual(result.stderr.count("\n"), 1)
        self.assertIn("RuntimeError: boom", result.stderr)

    def test_options_anywhere(self) -> None:
        """``--json`` and ``--config`` are understood before and behind the command."""
        config = temporary_folder(self) / "xmppd.toml"
        config.write_text('data_dir = "/srv/xmppd"')
        for args in (
            ("--json", "--config", str(config), "session", "list"),
            ("session", "--json", "list", "--config", str(config)),
            ("session", "list", "--json", "--config", str(config)),
        ):
            bench = Bench(session_list=[])
            result = bench.run(*args)
            self.assertEqual((result.exit_code, result.stdout), (0, "[]\n"), result.stderr)
            self.assertEqual(bench.reached, [Path("/srv/xmppd")])

    def test_completion_scripts(self) -> None:
        """Each shell gets a script that calls xmppctl back."""
        for shell in ("bash", "zsh", "fish"):
            result = Bench().run("completion", shell)
            self.assertEqual(result.exit_code, 0, result.stderr)
            self.assertIn(f"_XMPPCTL_COMPLETE={shell}_complete", result.stdout)


class DataFolderTests(SynchronousTestCase):
    """xmppctl finds the server by the server's own rule."""

    def setUp(self) -> None:
        self.addCleanup(os.chdir, Path.cwd())

    def test_same_words_as_the_server(self) -> None:
        """The names that `locate` repeats, to be quick, are those of the configuration."""
        self.assertEqual(locate.DATA_VARIABLE, read.DATA_VARIABLE)
        self.assertEqual(locate.DEFAULT_DATA_DIR, read.DEFAULT_DATA_DIR)

    def test_same_folder_as_the_server(self) -> None:
        """The file's data_dir, else $XMPPD_DATA, else ./xmppd-data: both agree in each case."""
        folder = temporary_folder(self)
        for text in ("", 'data_dir = "deep/data"', 'data_dir = "/srv/xmppd/../data"', '\ufeffdata_dir = "x"'):
            for env in ({}, {"XMPPD_DATA": "other"}, {"XMPPD_DATA": ""}):
                config = folder / "xmppd.toml"
                config.write_text(text)
                found = locate.data_folder(config, env)
                self.assertEqual(found.path, read.load(config, env).data_dir, (text, env))
                self.assertEqual(found.is_named, bool(text or env.get("XMPPD_DATA")))

    def test_no_configuration_file(self) -> None:
        """A file that is not there is named, with what to do."""
        result = Bench(status={}).run("--config", "/nowhere/x.toml", "status")
        self.assertEqual((result.exit_code, result.stderr.count("\n")), (1, 1))
        self.assertTrue(result.stderr.startswith("xmppctl: /nowhere/x.toml: "), result.stderr)
        self.assertIn("No such file or directory", result.stderr)
        self.assertIn("--config", result.stderr)

    def test_broken_configuration_file(self) -> None:
        """A file that is no TOML is one line, with the place."""
        config = temporary_folder(self) / "xmppd.toml"
        for text in ("data_dir = ", "data_dir = 3", 'data_dir = ""'):
            config.write_text(text)
            result = Bench(status={}).run("status", "--config", str(config))
            self.assertEqual((result.exit_code, result.stderr.count("\n")), (1, 1), result.stderr)
            self.assertTrue(result.stderr.startswith(f"xmppctl: {config}:1: "), result.stderr)

    def test_server_not_running(self) -> None:
        """Which data folder was looked at, and how to start the server."""
        folder = temporary_folder(self)
        result = Bench(is_running=False, env={"XMPPD_DATA": str(folder)}).run("status")
        self.assertEqual(result.exit_code, 1)
        self.assertEqual(result.stderr, f"xmppctl: no server is running on {folder}; to start it: xmppd\n")

    def test_from_another_folder(self) -> None:
        """Where nobody has named a server, the only one that this user runs is taken, and that is said."""
        folder = temporary_folder(self)
        os.chdir(folder)
        data = temporary_folder(self)
        bench = Bench(is_running=False, env={}, session_list=[])
        bench.running = [data]
        result = bench.run("session", "list", "--json")
        self.assertEqual((result.exit_code, result.stdout), (0, "[]\n"))
        self.assertEqual(
            result.stderr, f"xmppctl: there is no {folder / 'xmppd-data'}: taking the server on {data}\n"
        )

    def test_several_servers(self) -> None:
        """Nobody guesses among them, nor takes one that another user runs, nor another than the file's."""
        os.chdir(temporary_folder(self))
        data, other = temporary_folder(self), temporary_folder(self)
        bench = Bench(is_running=False, env={}, session_list=[])
        bench.running = [data, other]
        result = bench.run("session", "list")
        self.assertEqual(result.exit_code, 1)
        self.assertIn(
            f"several servers run here: {data}, {other}; say which: XMPPD_DATA={data} xmppctl", result.stderr
        )
        config = data / "xmppd.toml"
        config.touch()
        bench.running = [other]
        result = bench.run("--config", str(config), "session", "list")
        self.assertIn(f"and {config} has no data_dir; servers run on {other} (user ", result.stderr)
        self.patch(os, "geteuid", lambda: 54321)
        self.assertIn(f"servers run on {other} (user ", bench.run("session", "list").stderr)
        self.assertNotIn(other, bench.reached)

    def test_sockets_that_the_kernel_knows(self) -> None:
        """Those that are listened on, by their names."""
        folder = temporary_folder(self)
        with socket.socket(socket.AF_UNIX) as sock, socket.socket(socket.AF_UNIX) as client:
            sock.bind(str(folder / "control.sock"))
            self.assertNotIn(folder, locate.running_here())
            sock.listen()
            client.connect(str(folder / "control.sock"))
            self.assertEqual(locate.running_here().count(folder), 1)
        self.assertNotIn(folder, locate.running_here())
        self.assertEqual(locate.running_here(folder / "none"), [])

    def test_no_data_folder(self) -> None:
        """A folder that is not there is told apart: mostly one is in another working folder."""
        result = Bench(is_running=False).run("status")
        self.assertIn("there is no data folder /nowhere/data; start the server once, or say", result.stderr)
