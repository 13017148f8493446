"""``xmppctl invite``: what is shown of an invitation, with its QR code."""

import sys

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.xmppctl.fakes import Bench

INVITED = {
    "id": "abcdef12",
    "kind": "account",
    "uri": "xmpp:localhost?register;preauth=x",
    "url": "https://localhost/register/x",
    "expires": "2026-05-30T20:26:40+00:00",
}
BLOCKS = "█▀▄"


class InviteTests(SynchronousTestCase):
    """What people see."""

    def test_shown(self) -> None:
        """Page, URI and end; without a terminal there is no code."""
        bench = Bench.answering("invite.account", INVITED)
        result = bench.run("invite", "account", "localhost", "--from", "ann", "--uses", "3")
        self.assertEqual(result.exit_code, 0, result.stderr)
        self.assertEqual(bench.asked[0][1], {"jid": "localhost", "inviter": "ann", "uses": 3})
        for shown in (INVITED["url"], INVITED["uri"]):
            self.assertIn(shown, result.stdout)
        self.assertFalse(set(BLOCKS) & set(result.stdout))

    def test_code(self) -> None:
        """It is shown where it is asked for."""
        result = Bench.answering("invite.contact", INVITED).run("invite", "contact", "ann", "--qr")
        self.assertTrue(set(BLOCKS) & set(result.stdout))
        self.assertLess(max(map(len, result.stdout.splitlines())), 80)

    def test_without_segno(self) -> None:
        """A line says how it can be had, and all else is shown."""
        self.patch(sys, "modules", {**sys.modules, "segno": None})
        result = Bench.answering("invite.contact", INVITED).run("invite", "contact", "ann", "--qr")
        self.assertEqual(result.exit_code, 0)
        self.assertIn("pip install segno", result.stderr)
        self.assertIn(INVITED["url"], result.stdout)

    def test_json(self) -> None:
        """A program gets JSON and nothing else."""
        result = Bench.answering("invite.contact", INVITED).run("invite", "contact", "ann", "--qr", "--json")
        self.assertEqual(result.stdout.count("{"), 1)
        self.assertFalse(set(BLOCKS) & set(result.stdout))

    def test_reset_without_a_page(self) -> None:
        """It is of no use, and that is said."""
        bench = Bench.answering("invite.reset", {**INVITED, "uri": "", "url": ""})
        self.assertIn("it needs a page", bench.run("invite", "reset", "ann", "--qr").stdout)
