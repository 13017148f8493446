"""What the load generator does with bytes: counting tokens over reads, and SCRAM."""

import base64

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.load.client import counted
from benchmarks.load.scram import ScramClient


class CountedTest(SynchronousTestCase):
    """Counting without a parser."""

    def test_any_split_counts_the_same(self) -> None:
        """A token split over two reads counts once, wherever the split is."""
        data = b"<message><body>x</body></message>" * 3
        for place in range(len(data)):
            counts: list[int] = []
            receive = counted(b"</message>", counts.append)
            receive(data[:place])
            receive(data[place:])
            self.assertEqual(sum(counts), 3)

    def test_byte_by_byte(self) -> None:
        """Single bytes add up as well."""
        counts: list[int] = []
        receive = counted(b"</message>", counts.append)
        for byte in b"<message/></message></message>":
            receive(bytes([byte]))
        self.assertEqual(sum(counts), 2)


class ScramClientTest(SynchronousTestCase):
    """SCRAM-SHA-1 as RFC 5802 5 shows it."""

    def test_example_of_the_specification(self) -> None:
        """The example exchange gives the example's proof."""
        client = ScramClient("user", "pencil", "fyko+d2lbbFgONRv9qkxdawL")
        self.assertEqual(base64.b64decode(client.first()), b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL")
        challenge = b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"
        self.assertEqual(
            base64.b64decode(client.final(base64.b64encode(challenge))),
            b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        )

    def test_foreign_nonce_is_refused(self) -> None:
        """A challenge that does not continue our nonce raises ValueError (RFC 5802 5.1)."""
        client = ScramClient("user", "pencil", "mine")
        self.assertRaises(ValueError, client.final, base64.b64encode(b"r=yours,s=QSXCR+Q6sek8bf92,i=1"))
