"""The costs of what goes to many: that they are measured of the right thing."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.fanout import MESSAGE, measure, send, sessions


class FanoutTests(SynchronousTestCase):
    """`benchmarks.fanout`."""

    def test_each_gets_the_message(self) -> None:
        """With and without XEP-0198; who acknowledges keeps it until then."""
        for with_acks in (False, True):
            those = sessions(3, with_acks)
            send(those)
            for session in those:
                conn: Any = session.conn
                self.assertEqual(conn.written, [MESSAGE.replace(to=session.full_jid).to_bytes()])
                ledger: Any = session.ledger
                self.assertEqual(0 if ledger is None else len(ledger.outgoing), int(with_acks))

    def test_what_is_told(self) -> None:
        """Four figures: median and best, the last copy, what is kept."""
        median, best, last, kept = measure(3, True, 3)
        self.assertTrue(0 < best <= median and last > 0 and kept > 0)
