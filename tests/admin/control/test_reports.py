"""What an operator sees of reports (XEP-0377)."""

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.control.bench import ControlBench
from xmppd.admin.control.wire import ControlError

BLOCK = """<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'><item jid='romeo@example.net'>
<report xmlns='urn:xmpp:reporting:1' reason='urn:xmpp:reporting:abuse'><text>He climbs</text></report>
</item></block></iq>"""


class ReportTests(SynchronousTestCase):
    """``xmppctl report``."""

    def setUp(self) -> None:
        self.bench = ControlBench('[hosts."localhost"]')
        juliet = self.bench.memory.logged_in("juliet@localhost/x")
        juliet.send(BLOCK)
        self.bench.memory.settle()

    def test_life(self) -> None:
        """It is listed, shown with what it is about, and removed."""
        (row,) = self.bench.do("report.list")
        self.assertEqual(
            (row["reason"], row["reported"], row["reporter"], row["messages"]),
            ("abuse", "romeo@example.net", "juliet@localhost", 0),
        )
        shown = self.bench.do("report.show", id=row["id"])
        self.assertEqual((shown["text"], shown["messages"]), ("He climbs", []))
        self.assertEqual(self.bench.do("report.list", about="someone@example.net"), [])
        self.assertEqual(self.bench.do("report.remove", id=row["id"]), {"removed": [row["id"]]})
        self.assertEqual(self.bench.do("report.list", host="localhost"), [])

    def test_admins_are_told(self) -> None:
        """In words, with what to type."""
        bench = ControlBench('[hosts."localhost"]\nadmins = ["nurse@localhost"]')
        juliet, nurse = (bench.memory.logged_in(f"{name}@localhost/x") for name in ("juliet", "nurse"))
        nurse.send("<presence/>")
        bench.memory.settle()
        nurse.inbox.clear()
        juliet.send(BLOCK)
        bench.memory.settle()
        (row,) = bench.do("report.list")
        words = "juliet@localhost has blocked romeo@example.net and reports abuse: He climbs"
        self.assertEqual(
            nurse.inbox.popleft().findtext("{*}body"), f"{words} (xmppctl report show {row['id']})"
        )

    def test_what_is_not_there(self) -> None:
        """It is said, with what to do."""
        for command, args, code in (
            ("report.show", {"id": "x"}, "no-such-report"),
            ("report.remove", {"id": "x"}, "no-such-report"),
            ("report.list", {"host": "elsewhere.example"}, "no-such-host"),
        ):
            self.assertEqual(self.assertRaises(ControlError, self.bench.do, command, **args).id, code)
