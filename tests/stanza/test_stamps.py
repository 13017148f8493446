"""Points in time as text (XEP-0082)."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.stanza.stamps import parse_stamp, stamp_of, to_milliseconds


class StampTests(SynchronousTestCase):
    """`stamp_of` and `parse_stamp`."""

    def test_written_in_utc(self) -> None:
        """XEP-0082 3.2: UTC, with a fraction only where there is one."""
        self.assertEqual(stamp_of(0.0), "1970-01-01T00:00:00Z")
        self.assertEqual(stamp_of(1_469_107_206.5), "2016-07-21T13:20:06.500Z")
        self.assertEqual(stamp_of(1.9996), "1970-01-01T00:00:02Z")

    def test_read_with_offset_and_fraction(self) -> None:
        """XEP-0082 3.2: a time zone is a numeric offset or Z; fractions of a second are optional."""
        self.assertEqual(parse_stamp("1970-01-01T01:00:00+01:00"), 0.0)
        self.assertEqual(parse_stamp("1969-12-31T22:30:00.25-01:30"), 0.25)
        self.assertEqual(parse_stamp(" 1970-01-01T00:00:00.123456789Z "), 0.123456789)

    def test_the_farthest_offsets(self) -> None:
        """XML Schema part 2, 3.2.7.3: 14 hours either way."""
        self.assertEqual(parse_stamp("1970-01-01T14:00:00+14:00"), 0.0)
        self.assertEqual(parse_stamp("1969-12-31T10:00:00-14:00"), 0.0)

    def test_what_is_shown_can_be_asked_for(self) -> None:
        """A stamp that we wrote means the moment that it was written of."""
        for tenth in range(0, 1_000, 7):
            moment = to_milliseconds(1_780_000_000 + tenth / 999)
            self.assertEqual(parse_stamp(stamp_of(moment)), moment)

    def test_what_is_no_stamp(self) -> None:
        """Anything else is refused."""
        for text in (
            "",
            "yesterday",
            "2010-06-07",
            "2010-06-07T00:00:00",
            "2010-13-07T00:00:00Z",
            "２010-06-07T00:00:00Z",
            "2017-01-09T24:10:50Z",
            "2017-01-09T09:60:50Z",
            "2017-02-29T09:10:50Z",
            "2017-01-09T09:10:50+25:00",
            "2017-01-09T09:10:50+05:60",
            "2017-01-09T09:10:50-99:99",
            "2017-01-09T09:10:50+14:01",
            "2017-01-09T09:10:50-1400",
        ):
            self.assertRaises(ValueError, parse_stamp, text)
