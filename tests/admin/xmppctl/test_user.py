"""``xmppctl user``: accounts, passwords and the import of many."""

import json
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.xmppctl.fakes import Bench
from tests.temporary import temporary_folder
from xmppd.admin.control.wire import MAX_REQUEST_BYTES, ControlError, Progress, encode_request
from xmppd.admin.xmppctl import generated, importing

STAMP = "2026-01-02T03:04:05+00:00"


class UserTests(SynchronousTestCase):
    """One account."""

    def test_add_asks_twice(self) -> None:
        """The password is asked for and repeated; it is not shown."""
        bench = Bench(user_add={"jid": "alice@localhost"})
        result = bench.run("user", "add", "alice@localhost", typed="secret\nsecret\n")
        self.assertEqual((result.exit_code, result.stdout), (0, "alice@localhost added\n"), result.stderr)
        self.assertEqual(bench.asked, [("user.add", {"jid": "alice@localhost", "password": "secret"})])
        self.assertNotIn("secret", result.output)

    def test_add_who_looks_like_another(self) -> None:
        """That is told in a line of its own."""
        bench = Bench(user_add={"jid": "a1ice@localhost", "alike": ["alice@localhost"]})
        result = bench.run("user", "add", "a1ice@localhost", "--password-stdin", typed="secret\n")
        self.assertIn("its name looks like that of alice@localhost\n", result.stdout)

    def test_add_without_a_password(self) -> None:
        """Nobody answers: one line, status 1, and nothing is done."""
        bench = Bench(user_add={})
        result = bench.run("user", "add", "alice@localhost", typed="")
        self.assertEqual((result.exit_code, bench.asked), (1, []))

    def test_password_options(self) -> None:
        """From standard input a line without its end, as it stands; or as an option."""
        for args, typed in (
            (("--password-stdin",), " pass word \nmore\n"),
            (("--password", " pass word "), ""),
        ):
            bench = Bench(user_passwd={"jid": "a@b", "ended": []})
            result = bench.run("user", "passwd", "a@b", *args, typed=typed)
            self.assertEqual(result.stdout, "the password of a@b is changed\n", result.stderr)
            self.assertEqual(bench.asked[0][1]["password"], " pass word ")

    def test_password_options_that_do_not_fit(self) -> None:
        """Two of them, or an empty password, are wrong usage."""
        for args in (("--password-stdin",), ("--password", ""), ("--password", "x", "--password-stdin")):
            bench = Bench(user_add={})
            result = bench.run("user", "add", "a@b", *args, typed="\n")
            self.assertEqual((result.exit_code, bench.asked, result.stderr.count("\n")), (1, [], 1))

    def test_sessions_after_a_new_password(self) -> None:
        """Sessions that ended are counted."""
        result = Bench(user_passwd={"jid": "a@b", "ended": ["a@b/x", "a@b/y"]}).run(
            "user", "passwd", "a@b", "--password", "x"
        )
        self.assertEqual(result.stdout, "the password of a@b is changed, 2 sessions ended\n")

    def test_del_disable_enable(self) -> None:
        """Each names the account and the sessions that it ended."""
        for action, done in (("del --now", "removed"), ("disable", "disabled"), ("enable", "enabled")):
            name, *options = action.split()
            bench = Bench.answering(f"user.{name}", {"jid": "a@b", "ended": ["a@b/x"], "erased": None})
            result = bench.run("user", name, "a@b", *options)
            ended = "" if action == "enable" else ", 1 session ended"
            self.assertEqual((result.exit_code, result.stdout), (0, f"a@b {done}{ended}\n"))

    def test_grace(self) -> None:
        """Data are erased a week later, or when one says; until then there is a way back."""
        for args, grace in (
            ((), {"grace_s": 604_800}),
            (("--days", "30"), {"grace_s": 2_592_000}),
            (("--now",), {}),
        ):
            bench = Bench.answering("user.del", {"jid": "a@b", "ended": [], "erased": STAMP})
            said = bench.run("user", "del", "a@b", *args).stdout
            self.assertEqual(bench.asked[0][1], {"jid": "a@b", **grace})
            self.assertEqual("until then: xmppctl user restore a@b" in said, bool(grace), said)
        bench = Bench.answering("user.del", {})
        refused = bench.run("user", "del", "a@b", "--now", "--days", "3").stderr
        self.assertIn("--now and --days exclude each other; to see", refused)
        self.assertEqual(bench.asked, [])
        bench = Bench.answering("user.restore", {"jid": "a@b"})
        self.assertEqual(bench.run("user", "restore", "a@b").stdout, "a@b is back, with all its data\n")
        rows = [{"jid": "a@b", "created": STAMP, "disabled": True, "erased": STAMP}]
        self.assertRegex(Bench(user_list=rows).run("user", "list").stdout, r"a@b +removed, erased on 20")

    def test_name_before_password(self) -> None:
        """A name that cannot be is refused before anybody is asked for a password, twice; the server may be older."""
        refused = ControlError("unknown-host", "typo is not served here")
        for command, args in (("may-add", ("add",)), ("look", ("passwd",)), ("look", ("del",))):
            bench = Bench.answering(f"user.{command}", refused)
            result = bench.run("user", *args, "bob@typo")
            self.assertEqual((result.exit_code, result.stderr), (1, "xmppctl: typo is not served here\n"))
            self.assertEqual(bench.asked, [(f"user.{command}", {"jid": "bob@typo"})])

    def test_del_on_a_terminal(self) -> None:
        """It is asked; who is no terminal, or says so, is not."""
        self.patch(generated, "is_terminal", lambda: True)
        for args, typed, done in (
            ((), "n\n", False),
            ((), "y\n", True),
            ((), "", False),
            (("--yes",), "", True),
        ):
            bench = Bench.answering("user.del", {"jid": "a@b", "ended": [], "erased": STAMP})
            result = bench.run("user", "del", "a@b", *args, typed=typed)
            self.assertEqual((result.exit_code == 0, bench.asked != []), (done, done), result.stderr)

    def test_list(self) -> None:
        """A table; machine output with stable keys."""
        accounts: list[dict[str, Any]] = [{"jid": "a@b", "created": STAMP, "disabled": False}]
        accounts.append({**accounts[0], "jid": "long.name@b", "disabled": True})
        accounts[0] |= {"role": "admin", "sessions": 2}
        bench = Bench(user_list=accounts)
        lines = bench.run("user", "list").stdout.splitlines()
        self.assertEqual(lines[0], "JID          Enabled  Role   Sessions  Created")
        self.assertTrue(lines[1].startswith("a@b          yes      admin  2         2026-01-0"), lines[1])
        self.assertRegex(lines[2], r"^long\.name@b  no +2026-01-0")
        self.assertEqual(json.loads(bench.run("user", "list", "b", "--json").stdout), accounts)
        self.assertEqual([args for _, args in bench.asked], [{}, {"host": "b"}])

    def test_empty_list(self) -> None:
        """Without accounts: how to add one."""
        self.assertIn("xmppctl user add", Bench(user_list=[]).run("user", "list").stdout)

    def test_on_the_store(self) -> None:
        """Where no server runs, the store is opened; the configuration file goes with it."""
        config = temporary_folder(self) / "xmppd.toml"
        config.write_text('data_dir = "/srv/data"')
        bench = Bench(is_running=False, user_list=[])
        self.assertEqual(bench.run("user", "list", "--config", str(config)).exit_code, 0)
        self.assertEqual(bench.opened, [config])
        self.assertTrue(bench.connection.is_closed)

    def test_no_store_by_accident(self) -> None:
        """Where nothing but the working folder names a data folder, none is made."""
        bench = Bench(is_running=False, env={}, user_list=[])
        result = bench.run("user", "list")
        self.assertEqual((result.exit_code, bench.opened), (1, []))
        self.assertIn("there is no data folder", result.stderr)


class ImportTests(SynchronousTestCase):
    """Many accounts."""

    def file(self, text: str | bytes) -> str:
        """Make a file to import."""
        path: Path = temporary_folder(self) / "users.tsv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    def test_lines(self) -> None:
        """Names and passwords as they stand; empty lines and line ends of other systems do not matter."""
        bench = Bench(user_import=lambda args, progress: {"added": len(args["users"]), "failed": []})
        result = bench.run(
            "user", "import", self.file("\ufeffanna\tp w 1\r\n\nbo@x.example\tü\n"), "--host", "h"
        )
        self.assertEqual(result.exit_code, 0, result.stderr)
        self.assertTrue(result.stdout.startswith("2 accounts added in "), result.stdout)
        users = [["anna", "p w 1"], ["bo@x.example", "ü"]]
        self.assertEqual(bench.asked, [("user.import", {"users": users, "host": "h"})])
        bench.run("user", "import", self.file("anna\tx\n"), "--hash", "SHA-256")
        self.assertEqual(bench.asked[-1][1], {"users": [["anna", "x"]], "hash": "SHA-256"})

    def test_batches(self) -> None:
        """A large file goes in requests that each fit the server's limit; the failures keep their lines."""

        def answer(args: dict[str, Any], progress: Progress) -> dict[str, Any]:
            progress(1)
            failed = [
                {"index": index, "id": "account-exists", "message": f"{name} exists"}
                for index, (name, _) in enumerate(args["users"])
                if name in ("u7", "u499")
            ]
            return {"added": len(args["users"]) - len(failed), "failed": failed}

        password = "\U0001f600" * 600
        bench = Bench(user_import=answer)
        file = self.file("".join(f"u{number}\t{password}\n" for number in range(500)))
        result = bench.run("user", "import", file, "--json")
        self.assertEqual(result.exit_code, 1)
        report = json.loads(result.stdout)
        self.assertEqual(report["added"], 498)
        self.assertEqual(
            [(failed["line"], failed["user"]) for failed in report["failed"]], [(8, "u7"), (500, "u499")]
        )
        self.assertGreater(len(bench.asked), 1)
        for command, args in bench.asked:
            self.assertLess(len(encode_request(command, args)), MAX_REQUEST_BYTES)

    def test_failures_are_told_by_line(self) -> None:
        """What was not added is listed with file and line; status 1."""
        failed = [{"index": 1, "id": "account-exists", "message": "b@h exists already"}]
        file = self.file("a\tx\nb\tx\n")
        result = Bench(user_import={"added": 1, "failed": failed}).run("user", "import", file)
        self.assertEqual((result.exit_code, result.stderr), (1, f"xmppctl: {file}:2: b@h exists already\n"))

    def test_broken_file(self) -> None:
        """Every wrong line is named, and then nothing is imported."""
        bench = Bench(user_import={})
        file = self.file(b"good\tx\nno tab\n\tnobody\nempty\t\n\xff\tx\n" + b"long\t" + b"x" * 5_000 + b"\n")
        result = bench.run("user", "import", file)
        self.assertEqual((result.exit_code, bench.asked), (1, []))
        places = [line.split(";")[0].split(f"{file}:")[-1] for line in result.stderr.splitlines()]
        self.assertEqual(
            places,
            [
                "2: there is no tab between user and password",
                "3: there is no user before the tab",
                "4: there is no password behind the tab",
                "5: the line is no UTF-8",
                "6: the line is longer than 4096 bytes",
                "xmppctl: nothing was imported",
            ],
        )
        self.assertNotIn("no tab\t", result.stderr)

    def test_file_without_an_end(self) -> None:
        """What is larger than any list of accounts is not read into memory."""
        self.patch(importing, "MAX_FILE_BYTES", 1 << 20)
        result = Bench().run("user", "import", "/dev/zero")
        self.assertEqual(result.exit_code, 1)
        self.assertEqual(
            result.stderr, "xmppctl: /dev/zero: it has more than 1 MiB: split it; nothing was imported\n"
        )

    def test_files_of_other_kinds(self) -> None:
        """UTF-16, a third column and a heading are called what they are; nothing is imported."""
        for content, line, why in (
            (
                "a\tb\n".encode("utf-16"),
                "",
                "the file is UTF-16, or no text at all; save it in the encoding UTF-8",
            ),
            ("a\tb\n".encode("utf-16-be"), "", "the file is UTF-16, or no text at all"),
            (
                "a\tb\tc\n",
                ":1",
                "there are 3 columns, and a password has no tab in it; remove all columns but",
            ),
            ("username\tpassword\na\tb\n", ":1", "this is a heading and no account; remove the line"),
            ("JID\tPass\na\tb\n", ":1", "this is a heading and no account; remove the line"),
        ):
            bench = Bench(user_import={})
            file = self.file(content)
            result = bench.run("user", "import", file)
            self.assertEqual((result.exit_code, bench.asked), (1, []))
            self.assertTrue(result.stderr.startswith(f"xmppctl: {file}{line}: {why}"), result.stderr)
        bench = Bench(user_import={"added": 2, "failed": []})
        self.assertEqual(bench.run("user", "import", self.file("a\tb\nuser\tpassword\n")).exit_code, 0)

    def test_from_standard_input(self) -> None:
        """``-`` reads standard input."""
        bench = Bench(user_import={"added": 1, "failed": []})
        self.assertEqual(bench.run("user", "import", "-", typed="a\tb\n").exit_code, 0)
        self.assertEqual(bench.asked[0][1]["users"], [["a", "b"]])

    def test_no_file(self) -> None:
        """A file that is not there is one line."""
        result = Bench().run("user", "import", "/nowhere/users")
        self.assertEqual((result.exit_code, result.stderr.count("\n")), (1, 1))
