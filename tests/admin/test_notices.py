"""What admins are told by message."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.admin.notices import Notices
from xmppd.testing.server import MemoryServer

LINE = "the certificate of a.example (a.crt): it expires within a week, on 2030-01-01; renew it"
TEXT = """
admins = ["crone@b.example"]
[hosts."a.example"]
admins = ["romeo@a.example", "nurse@b.example"]
[hosts."b.example"]
"""


class NoticeTests(SynchronousTestCase):
    """`Notices`."""

    def notices(self, options: str = TEXT) -> tuple[MemoryServer, Notices]:
        """Give a server and what tells its admins."""
        memory = MemoryServer(options)
        return memory, Notices(memory.server.hosts, memory.server.router)

    def test_admins_of_the_domain(self) -> None:
        """They are told, and who administers another domain is not; who is not there hears of it later."""
        memory, notices = self.notices()
        romeo, crone = (memory.logged_in(address) for address in ("romeo@a.example/x", "crone@b.example/x"))
        memory.add_account("nurse@b.example")
        romeo.send("<presence/>")
        memory.settle()
        romeo.inbox.clear()
        notices.certificate("a.example", LINE)
        memory.settle()
        (message,) = romeo.inbox
        self.assertEqual((message.get("from"), message.get("to")), ("a.example", "romeo@a.example"))
        self.assertEqual(message.findtext("{jabber:client}subject"), "Certificate of a.example")
        self.assertEqual(message.findtext("{jabber:client}body"), LINE)
        self.assertEqual(len(crone.inbox), 0)
        nurse = memory.logged_in("nurse@b.example/x")
        nurse.send("<presence/>")
        memory.settle()
        self.assertIn(LINE, [each.findtext("{jabber:client}body") for each in nurse.inbox])

    def test_who_does_not_want_to_hear_of_it(self) -> None:
        """It is logged alone; so it is for what is no domain here any more."""
        memory, notices = self.notices(TEXT + '[hosts."a.example".tls]\ntell_admins = false\n')
        romeo = memory.logged_in("romeo@a.example/x")
        romeo.send("<presence/>")
        memory.settle()
        romeo.inbox.clear()
        notices.certificate("a.example", LINE)
        notices.certificate("gone.example", LINE)
        memory.settle()
        self.assertEqual(len(romeo.inbox), 0)
