"""Domains, and the data of those that are not served any more."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.control.bench import ControlBench
from xmppd.admin.control.service import offer
from xmppd.stanza.jid import JID
from xmppd.storage.interface import StorageFailed

LEFT = "left.example"
COMPONENT = """[components."irc.example"]
secret = "a secret that is long enough, forty of them"
[hosts."localhost"]
"""


class HostTests(SynchronousTestCase):
    """A server that served another domain once."""

    def setUp(self) -> None:
        self.bench = ControlBench(COMPONENT)
        self.accounts = self.bench.server.accounts
        for jid in ("ann@localhost", f"bob@{LEFT}", f"ann@{LEFT}"):
            self.successResultOf(self.accounts.create(JID.parse(jid), "x"))

    def renamed(self, error: Exception | None = None) -> list[tuple[str, str]]:
        """Let names be changed, as where no server runs; gives what was asked for."""
        asked: list[tuple[str, str]] = []

        def rename(old: str, new: str) -> None:
            asked.append((old, new))
            if error is not None:
                raise error

        offer(self.bench.commands, replace(self.bench.parts, rename=rename))
        return asked

    def test_list(self) -> None:
        """Those that are served, with or without accounts, and those that have some all the same."""
        self.assertEqual(
            self.bench.do("host.list"),
            [
                {"host": LEFT, "served": False, "accounts": 2},
                {"host": "localhost", "served": True, "accounts": 1},
            ],
        )

    def test_purge(self) -> None:
        """All of it is gone; nothing of others."""
        self.assertEqual(self.bench.do("host.purge", host=LEFT), {"host": LEFT, "accounts": 2})
        self.assertEqual([each["host"] for each in self.bench.do("host.list")], ["localhost"])
        self.assertFalse(self.accounts.exists(f"bob@{LEFT}"))
        storage = self.bench.server.storage
        for store, owner in (("accounts", LEFT), ("credentials", f"bob@{LEFT}")):
            self.assertEqual(self.successResultOf(storage.get_all(store, owner)), {})
        self.assertEqual(len(self.bench.do("user.list")), 1)

    def test_what_is_served_is_not_touched(self) -> None:
        """A slip would lose everything; nor is a name taken that nobody has."""
        self.renamed()
        for command, args in (
            ("host.purge", {"host": "localhost"}),
            ("host.rename", {"old": "localhost", "new": "x"}),
        ):
            self.assertEqual(self.bench.refusal(command, **args)[0], "served")
        self.assertEqual(self.bench.refusal("host.purge", host="none.example")[0], "unknown-host")

    def test_rename(self) -> None:
        """To a domain that is served, while no server runs; two accounts of one name would become one."""
        self.assertEqual(self.bench.refusal("host.rename", old=LEFT, new="localhost")[0], "running")
        asked = self.renamed()
        id, message = self.bench.refusal("host.rename", old=LEFT, new="localhost")
        self.assertEqual(id, "account-exists")
        self.assertIn(f"ann@{LEFT} and ann@localhost are two accounts", message)
        self.assertEqual(self.bench.refusal("host.rename", old=LEFT, new="typo")[0], "unknown-host")
        self.assertEqual(self.bench.refusal("host.rename", old=LEFT, new="irc.example")[0], "unknown-host")
        self.assertEqual(asked, [])
        self.bench.do("user.del", jid="ann@localhost")
        self.assertEqual(self.bench.do("host.rename", old=LEFT, new="localhost")["accounts"], 2)
        self.assertEqual(asked, [(LEFT, "localhost")])

    def test_rename_that_fails(self) -> None:
        """The reason is told."""
        self.bench.do("user.del", jid="ann@localhost")
        self.renamed(StorageFailed("no"))
        self.assertIn(
            "no; nothing is changed", self.bench.refusal("host.rename", old=LEFT, new="localhost")[1]
        )
