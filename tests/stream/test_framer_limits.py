"""The framer and hostile peers: limits (RFC 6120 13.12) and restricted XML (RFC 6120 11)."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.stream.framers import HEADER, condition, opened
from xmppd.stanza import ns
from xmppd.stanza.errors import StreamError
from xmppd.stanza.stanza import Stanza
from xmppd.stream import parser
from xmppd.stream.events import Event
from xmppd.stream.framer import Framer
from xmppd.stream.limits import PRE_AUTH, StreamLimits
from xmppd.stream.parser_pool import ParserPool
from xmppd.stream.scope import NAME_CHARS, NAMES_KEPT
from xmppd.stream.xml_rules import NAMESPACE_CHARS, new_expat

READ_TIMES = 20
"""So often expat reads a byte on average, at most."""
SMALL = StreamLimits(stanza_bytes=2000, depth=4, elements=5, tag_bytes=1500)

REFUSED = (  # what stands behind the header, and the condition (RFC 6120 4.9.3)
    (b"<!DOCTYPE a>", "restricted-xml"),
    (b"<!DOCTYPE a [<!ENTITY b 'c'>]>", "restricted-xml"),
    (b"<message><!ENTITY b 'c'></message>", "restricted-xml"),
    (b"<!-- a -->", "restricted-xml"),
    (b"<message><!-- 'a --></message>", "restricted-xml"),
    (b"<?a b?>", "restricted-xml"),
    (b"<message><body><?a?></body></message>", "restricted-xml"),
    (b"<message><body>&nbsp;</body></message>", "not-well-formed"),
    (b"<message to='&nbsp;'/>", "not-well-formed"),
    (b"<message>&#0;</message>", "not-well-formed"),
    (b"<message>\x00</message>", "not-well-formed"),
    (b"\x00", "not-well-formed"),
    (b"<message>\xc0\x80</message>", "not-well-formed"),
    (b"<message>\xed\xa0\x80</message>", "not-well-formed"),
    (b"<message>\xff</message>", "not-well-formed"),
    (b"<message to='\xe9'/>", "not-well-formed"),
    (b"<message><x:body/></message>", "not-well-formed"),
    (b"<message x:to='a'/>", "not-well-formed"),
    (b"<message to='a' to='b'/>", "not-well-formed"),
    (b"<message xmlns:a='u' xmlns:b='u' a:c='' b:c=''/>", "not-well-formed"),
    (b"<message xmlns:a=''/>", "not-well-formed"),
    (b"<message></presence>", "not-well-formed"),
    (b"<message to=a/>", "not-well-formed"),
    (b"<message to='<'/>", "not-well-formed"),
    (b"<message>]]></message>", "not-well-formed"),
    (b"</message>", "not-well-formed"),
    (b"<?xml version='1.0'?>", "not-well-formed"),
)

REFUSED_HEADERS = (
    (b"PROXY TCP4 192.0.2.7 192.0.2.1 1 2\r\n", "not-well-formed"),
    (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", "unsupported-encoding"),
    (b"\xff\xfe<\x00s\x00", "unsupported-encoding"),
    (b"\xfe\xff\x00<\x00s", "unsupported-encoding"),
    (b"<\x00s\x00t\x00", "unsupported-encoding"),
    (b"\x00<\x00s\x00", "unsupported-encoding"),
    (b"\x00\x00\x00<", "unsupported-encoding"),
    (b"<?xml version='1.0' encoding='UTF-16'?>", "unsupported-encoding"),
    (b"<?xml version='1.0' encoding='ISO-8859-1'?>", "unsupported-encoding"),
    (b"\xef\xbb\xbf" + HEADER, "not-well-formed"),
    (b"<!DOCTYPE stream [<!ENTITY a 'b'>]>" + HEADER, "restricted-xml"),
    (b"<!DOCTYPE stream SYSTEM 'x'>" + HEADER, "restricted-xml"),
    (b"<!-- a -->" + HEADER, "restricted-xml"),
    (b"<?a?>" + HEADER, "restricted-xml"),
    (b"GET / HTTP/1.1\r\n", "not-well-formed"),
    (b"<stream:stream>", "not-well-formed"),
    (b"\x16\x03\x01\x02\x00", "not-well-formed"),
)


def byte_by_byte(framer: Framer, data: bytes) -> list[Event]:
    """What *framer* makes of *data* in the smallest pieces."""
    return [event for place in range(len(data)) for event in framer.feed(data[place : place + 1])]


class RestrictedTests(SynchronousTestCase):
    """RFC 6120 11: what XML a stream cannot hold."""

    def test_refused_in_a_stream(self) -> None:
        """Each kind of forbidden or broken XML has its condition, in one piece and byte by byte."""
        for data, expected in REFUSED:
            self.assertEqual(condition(opened().feed(data)), expected, data)
            self.assertEqual(condition(byte_by_byte(opened(), data)), expected, data)

    def test_refused_before_the_root(self) -> None:
        """The same before and in the header (RFC 6120 11.6)."""
        for data, expected in REFUSED_HEADERS:
            self.assertEqual(condition(Framer(PRE_AUTH).feed(data)), expected, data)
            self.assertEqual(condition(byte_by_byte(Framer(PRE_AUTH), data)), expected, data)

    def test_a_balancer_that_is_not_known(self) -> None:
        """Its PROXY header is no XML; the text, which is logged too, says what is missing."""
        for header in (b"PROXY TCP4 192.0.2.7 192.0.2.1 1 2\r\n", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"):
            (error,) = Framer(PRE_AUTH).feed(header)
            assert isinstance(error, StreamError)
            self.assertIn("of which none is expected", error.text or "")

    def test_utf_8_may_be_declared(self) -> None:
        """RFC 6120 11.6: UTF-8 in any case of letters is what we speak."""
        for name in (b"utf-8", b"UTF-8"):
            header = HEADER.replace(b"'1.0'?", b"'1.0' encoding='" + name + b"'?")
            self.assertEqual(len(Framer(PRE_AUTH).feed(header)), 1)

    def test_events_before_the_error_are_kept(self) -> None:
        """What was complete before the mistake still counts."""
        events = opened().feed(b"<presence/><iq/><!-- -->")
        self.assertEqual([type(event) for event in events], [Stanza, Stanza, StreamError])


class LimitTests(SynchronousTestCase):
    """RFC 6120 13.12: limits are checked while parsing."""

    def assert_too_big(self, events: list[Event]) -> None:
        """The error says that it was about the size."""
        error = events[-1]
        assert isinstance(error, StreamError)
        assert error.extra is not None
        self.assertEqual(error.condition, "policy-violation")
        self.assertEqual((error.extra.name, error.extra.ns), ("stanza-too-big", ns.ERRORS))

    def test_stanza_at_the_limit(self) -> None:
        """A stanza of exactly the allowed size passes, a byte more does not."""
        frame = len(b"<message></message>")
        for size, fits in ((2000, True), (2001, False)):
            data = b"<message>" + b"x" * (size - frame) + b"</message>"
            for events in (opened(limits=SMALL).feed(data), byte_by_byte(opened(limits=SMALL), data)):
                if fits:
                    self.assertIsInstance(events[0], Stanza)
                else:
                    self.assert_too_big(events)

    def test_white_space_does_not_count(self) -> None:
        """The size counts from the first byte of the stanza."""
        events = opened(limits=SMALL).feed(b" " * 5000 + b"<presence/>" + b"\n" * 5000)
        self.assertEqual(len(events), 1)
        framer = opened(limits=SMALL)
        self.assertEqual(byte_by_byte(framer, b" " * 5000), [])

    def test_refused_early(self) -> None:
        """A huge stanza is refused once the limit is passed, not when it ends."""
        framer = opened(limits=SMALL)
        framer.feed(b"<message><body>")
        self.assertEqual(framer.feed(b"x" * 1900), [])
        self.assert_too_big(framer.feed(b"x" * 200))
        self.assertIsNone(framer._parser)

    def test_many_small_stanzas_are_fine(self) -> None:
        """The limits are those of one stanza."""
        self.assertEqual(len(opened(limits=SMALL).feed(b"<message><a/><b/></message>" * 500)), 500)

    def test_depth(self) -> None:
        """The stanza itself is the first level."""
        for depth, expected in ((4, None), (5, "policy-violation")):
            data = b"<iq>" + b"<a>" * (depth - 1) + b"</a>" * (depth - 1) + b"</iq>"
            self.assertEqual(condition(opened(limits=SMALL).feed(data)), expected)
            self.assertEqual(condition(byte_by_byte(opened(limits=SMALL), data)), expected)

    def test_elements(self) -> None:
        """The stanza itself is the first element; each stanza counts anew."""
        for count, expected in ((5, None), (6, "policy-violation")):
            data = b"<presence/><iq>" + b"<a/>" * (count - 1) + b"</iq>"
            self.assertEqual(condition(opened(limits=SMALL).feed(data)), expected)
            self.assertEqual(condition(byte_by_byte(opened(limits=SMALL), data)), expected)

    def test_one_tag(self) -> None:
        """One tag has its own limit, whether it comes whole or in pieces, at every level."""
        frame = len(b"<a b=''/>")
        for size, expected in ((1500, None), (1501, "policy-violation")):
            tag = b"<a b='" + b"x" * (size - frame) + b"'/>"
            for data in (tag, b"<message>" + tag + b"</message>"):
                self.assertEqual(condition(opened(limits=SMALL).feed(data)), expected)
                self.assertEqual(condition(byte_by_byte(opened(limits=SMALL), data)), expected)

    def test_namespace_too_long(self) -> None:
        """Expat repeats a namespace with every name in it, so its length is bounded, in the header too."""
        declaration = b" xmlns:f='" + b"u" * (NAMESPACE_CHARS + 1) + b"'"
        for data in (b"<message" + declaration + b"/>", b"<message><x" + declaration + b"/></message>"):
            self.assertEqual(condition(opened().feed(data)), "policy-violation")
            self.assertIsInstance(opened().feed(data.replace(b"'u", b"'"))[0], Stanza)
        header = HEADER.replace(b" xmlns:stream", declaration + b" xmlns:stream")
        self.assertEqual(condition(Framer(StreamLimits()).feed(header)), "policy-violation")

    def test_growth_in_rewriting(self) -> None:
        """Prefixes cannot be used to make much of little."""
        declarations = b"".join(b" xmlns:f%d='%s'" % (number, b"u" * 200) for number in range(2))
        for child in (b"<f0:a/><b/>", b"<a f0:a=''/>"):
            self.assert_too_big(
                opened().feed(b"<message" + declarations + b">" + child * 4900 + b"</message>")
            )

    def test_names_are_not_hoarded(self) -> None:
        """The memory of names of children is bounded in number and length."""
        pool = ParserPool()
        framer = opened(pool)
        for number in range(10):
            names = b"".join(b"<a%d/>" % (1000 * number + child) for child in range(900))
            framer.feed(b"<message>" + names + b"<" + b"x" * 60_000 + b"/></message>")
        [shelf] = pool._shelves.values()
        self.assertLessEqual(len(shelf._scope.names), NAMES_KEPT)
        self.assertLessEqual(max(map(len, shelf._scope.names)), NAME_CHARS)

    def test_before_authentication(self) -> None:
        """The limits before authentication: 10 kB, 16 levels, 32 elements."""
        for data in (b"<a>" * 17, b"<a>" + b"<b/>" * 32, b"<a b='" + b"x" * 10_000, b"<a>" + b"x" * 10_000):
            framer = Framer(PRE_AUTH)
            framer.feed(HEADER)
            self.assertEqual(condition(framer.feed(data)), "policy-violation")

    def test_deepest_tree(self) -> None:
        """The deepest stanza that passes can be read, written and read again."""
        limits = StreamLimits()
        levels = limits.depth - 1
        data = b"<iq a='b'>" + b"<a>" * levels + b"</a>" * levels + b"</iq>"
        [event] = opened().feed(data)
        assert isinstance(event, Stanza)
        self.assertEqual(Stanza.parse(event.to_bytes()).element, event.element)
        self.assertEqual(
            condition(opened().feed(data.replace(b"<iq a='b'>", b"<iq><a>"))), "policy-violation"
        )


class _BytesRead:
    count = 0


class _CountingExpat:
    """An expat parser; counts the bytes that it reads: at each piece anew, from where its last token began."""

    def __init__(self, expat: Any, read: _BytesRead) -> None:
        self.__dict__.update(_expat=expat, _read=read, _fed=0)

    def Parse(self, data: bytes, is_final: bool) -> Any:
        """Count, and parse."""
        self.__dict__["_fed"] += len(data)
        self._read.count += self._fed - max(0, self._expat.CurrentByteIndex)
        return self._expat.Parse(data, is_final)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._expat, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._expat, name, value)


class CostTests(SynchronousTestCase):
    """promises#one-second: expat reads each byte a few times at most, in whatever pieces a stanza comes."""

    def cost(self, data: bytes) -> tuple[float, list[Event]]:
        """Give how often expat reads each byte of *data* that come one by one, and what came of it."""
        read = _BytesRead()
        self.patch(parser, "new_expat", lambda: _CountingExpat(new_expat(), read))
        framer = opened()
        events: list[Event] = []
        for place in range(len(data)):
            events = framer.feed(data[place : place + 1])
            if events:
                break
        return read.count / (place + 1), events

    def test_long_attribute(self) -> None:
        """Expat reads an unfinished tag anew at each piece, so long ones are held back, then refused."""
        for filling in (b"x", b">", b'"', b"&#9;"):
            times, events = self.cost(b"<message to='" + filling * (80_000 // len(filling)))
            self.assertEqual(condition(events), "policy-violation")
            self.assertLess(times, READ_TIMES)

    def test_many_long_tags(self) -> None:
        """Tags just below the limit, one after another."""
        times, events = self.cost(b"<message>" + (b"<a b='" + b">" * 60_000 + b"'/>") * 2 + b"</message>")
        self.assertIsInstance(events[0], Stanza)
        self.assertLess(times, READ_TIMES)

    def test_long_text(self) -> None:
        """Text and CDATA sections as long as a stanza may be."""
        for before, after in ((b"<body>", b"</body>"), (b"<body><![CDATA[", b"]]></body>")):
            times, events = self.cost(b"<message>" + before + b"]" * 60_000 + after + b"</message>")
            self.assertIn(len(events), (0, 1))
            self.assertLess(times, READ_TIMES)

    def test_long_comment_and_reference(self) -> None:
        """Other tokens that expat reads anew."""
        for begin, filling in (
            (b"<!--", b"0"),
            (b"<?a ", b"0"),
            (b"&#", b"0"),
            (b"&a", b"a"),
            (b"</message ", b" "),
            (b"<a ", b"\n"),
            (b"<a", b"a"),
        ):
            times, events = self.cost(b"<message>" + begin + filling * 80_000)
            self.assertIsInstance(events[-1], StreamError, begin)
            self.assertLess(times, READ_TIMES)
