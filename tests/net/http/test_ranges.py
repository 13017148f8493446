"""Conditions and ranges: RFC 9110 13 and 14."""

from email.utils import formatdate

from twisted.trial.unittest import SynchronousTestCase

from xmppd.net.http.ranges import NoSuchRange, byte_range, precondition

TAG, AT, SIZE = "abc", 1_700_000_000.7, 1_000


def date(seconds: float) -> str:
    """A date of HTTP, so many seconds behind the file's."""
    return formatdate(AT + seconds, usegmt=True)


class PreconditionTests(SynchronousTestCase):
    """`precondition`."""

    def test_table(self) -> None:
        """RFC 9110 13.2.2: tags go before dates, what must hold before what makes it needless."""
        table: tuple[tuple[dict[str, str], int | None], ...] = (
            ({}, None),
            ({"if-none-match": '"abc"'}, 304),
            ({"if-none-match": 'W/"abc"'}, 304),
            ({"if-none-match": '"x", "abc"'}, 304),
            ({"if-none-match": "*"}, 304),
            ({"if-none-match": '"x"'}, None),
            ({"if-none-match": "abc"}, None),
            ({"if-match": '"abc"'}, None),
            ({"if-match": 'W/"abc"'}, 412),
            ({"if-match": '"x"'}, 412),
            ({"if-match": "*"}, None),
            ({"if-modified-since": date(0)}, 304),
            ({"if-modified-since": date(-5)}, None),
            ({"if-modified-since": date(5)}, 304),
            ({"if-modified-since": "yesterday"}, None),
            ({"if-unmodified-since": date(-5)}, 412),
            ({"if-unmodified-since": date(0)}, None),
            ({"if-none-match": '"x"', "if-modified-since": date(0)}, None),
            ({"if-match": '"abc"', "if-unmodified-since": date(-5)}, None),
            ({"if-match": '"x"', "if-none-match": '"abc"'}, 412),
        )
        for headers, status in table:
            self.assertEqual(precondition(headers, TAG, AT), status, headers)


class RangeTests(SynchronousTestCase):
    """`byte_range`."""

    def test_table(self) -> None:
        """RFC 9110 14.1.2; what is none is as if it were not there."""
        table: tuple[tuple[str, tuple[int, int] | None], ...] = (
            ("", None),
            ("bytes=0-0", (0, 1)),
            ("bytes=0-", (0, 1_000)),
            ("bytes=500-599", (500, 100)),
            ("bytes=900-5000", (900, 100)),
            ("bytes=-100", (900, 100)),
            ("bytes=-5000", (0, 1_000)),
            ("bytes=600-500", None),
            ("bytes=-", None),
            ("bytes=a-b", None),
            ("lines=1-2", None),
            ("bytes=0-1,5-6", None),
            (f"bytes=0-{'9' * 30}", None),
        )
        for text, found in table:
            self.assertEqual(byte_range({"range": text}, TAG, AT, SIZE), found, text)

    def test_outside(self) -> None:
        """RFC 9110 15.5.17: nothing of it is there."""
        for text in ("bytes=1000-", "bytes=1000-1001", "bytes=-0"):
            self.assertRaises(NoSuchRange, byte_range, {"range": text}, TAG, AT, SIZE)

    def test_if_range(self) -> None:
        """RFC 9110 13.1.5: only of what is still the same; a weak tag is not enough."""
        table = (
            ('"abc"', (0, 10)),
            ('W/"abc"', None),
            ('"x"', None),
            (date(0), (0, 10)),
            (date(-5), None),
            (date(5), None),
        )
        for condition, found in table:
            headers = {"range": "bytes=0-9", "if-range": condition}
            self.assertEqual(byte_range(headers, TAG, AT, SIZE), found, condition)
