"""Accounts of a host whose users are known elsewhere."""

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.control.bench import ControlBench
from xmppd.admin.control.wire import ControlError

HOST = '[hosts."localhost"]\nauth = "http"\n[hosts."localhost".auth_http]\nurl = "https://login.example/"\n'


class ElsewhereTests(SynchronousTestCase):
    """A password that would mean nothing is not taken."""

    def test_passwords(self) -> None:
        """Neither a new account's nor another one; it is said where they are."""
        bench = ControlBench(HOST)
        for command, args in (
            ("user.may-add", {}),
            ("user.add", {"password": "x"}),
            ("user.passwd", {"password": "x"}),
        ):
            error = self.assertRaises(ControlError, bench.do, command, jid="romeo@localhost", **args)
            self.assertEqual(error.id, "kept-elsewhere", command)
            self.assertIn('auth = "http"', error.message)
