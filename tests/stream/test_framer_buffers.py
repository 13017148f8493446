"""What a framer holds between two reads: what waits behind an element, and no more memory than that needs."""

from twisted.trial.unittest import SynchronousTestCase

from tests.stream.framers import HEADER, condition, one, opened, stanza
from xmppd.stanza import ns
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StreamError
from xmppd.stream.events import StreamOpened
from xmppd.stream.framer import BACKLOG_BYTES, TIRED_BYTES, Framer
from xmppd.stream.limits import PRE_AUTH, StreamLimits
from xmppd.stream.parser_pool import WORN_BYTES, ParserPool


class StepwiseTests(SynchronousTestCase):
    """One element at a time, so that the caller can change the rules."""

    def test_rest_waits(self) -> None:
        """After the header and after each element the rest waits, unread (RFC 6120 5.4.3.3)."""
        framer = Framer(PRE_AUTH)
        self.assertIsInstance(one(framer, HEADER + b"<a/> <b><c/></b>\x00"), StreamOpened)
        self.assertEqual(one(framer, b""), Element("a", ns.CLIENT))
        self.assertEqual(one(framer, b""), Element("b", ns.CLIENT, None, (Element("c", ns.CLIENT),)))
        self.assertEqual(condition(framer.feed(b"")), "not-well-formed")

    def test_restart_keeps_what_waits(self) -> None:
        """RFC 6120 4.3.3: after success the client may have sent its new header already."""
        framer = Framer(PRE_AUTH)
        framer.feed(HEADER + b"<auth/>" + HEADER.replace(b"'en'", b"'de'") + b"<iq/>")
        self.assertEqual(one(framer, b""), Element("auth", ns.CLIENT))
        framer.restart()
        framer.limits = StreamLimits()
        self.assertIsInstance(one(framer, b""), StreamOpened)
        framer.stepwise = False
        self.assertEqual(stanza(framer, b"").lang, "de")

    def test_discard(self) -> None:
        """RFC 6120 5.4.3.3: bytes buffered behind starttls are never read."""
        framer = Framer(PRE_AUTH)
        framer.feed(HEADER + b"<starttls/><auth/>")
        framer.feed(b"")
        framer.discard()
        framer.restart()
        self.assertEqual(framer.feed(b""), [])
        self.assertIsInstance(one(framer, HEADER), StreamOpened)

    def test_half_an_element_waits(self) -> None:
        """An element may come in pieces, and what follows it waits."""
        framer = Framer(PRE_AUTH)
        framer.feed(HEADER)
        self.assertEqual(framer.feed(b"<a><b"), [])
        self.assertEqual(framer.feed(b"/>"), [])
        self.assertEqual(one(framer, b"</a><x>"), Element("a", ns.CLIENT, None, (Element("b", ns.CLIENT),)))
        self.assertEqual(one(framer, b"</x>"), Element("x", ns.CLIENT))

    def test_too_much_sent_ahead(self) -> None:
        """What waits is bounded."""
        framer = Framer(PRE_AUTH)
        framer.feed(HEADER)
        events = framer.feed(b"<a/>" + b"<b/>" * (BACKLOG_BYTES // 4 + 1))
        self.assertEqual([type(event) for event in events], [Element, StreamError])
        self.assertEqual(condition(events), "policy-violation")
        self.assertEqual(framer.feed(b""), [])


class MemoryTests(SynchronousTestCase):
    """A parser is held only while an element is half received."""

    def test_idle_framer_holds_nothing(self) -> None:
        """Between stanzas there is no parser and there are no bytes."""
        pool = ParserPool()
        framer = opened(pool)
        for data in (b"<presence/>", b"\n", b" <presence/> ", b"<message><body>x</body></message>"):
            framer.feed(data)
            self.assertIsNone(framer._parser)
            self.assertEqual(framer._backlog, b"")
        self.assertEqual(len(pool), 1)

    def test_parser_is_shared(self) -> None:
        """Streams with the same declarations use the same parser in turn."""
        pool = ParserPool()
        first, second = opened(pool), opened(pool, header=HEADER.replace(b"localhost", b"example.org"))
        for framer in (first, second, first):
            framer.feed(b"<presence><x><y/></x></presence>")
        self.assertEqual(len(pool), 1)
        first.feed(b"<message>")
        second.feed(b"<message>")
        self.assertEqual(len(pool), 0)
        first.feed(b"</message>")
        second.feed(b"</message>")
        self.assertEqual(len(pool), 2)

    def test_never_pooled_after_an_error(self) -> None:
        """A parser that saw an error serves nobody else."""
        pool = ParserPool()
        for data in (b"<a></b>", b"x", b"</stream:stream>", b"<a", b"<!DOCTYPE a>"):
            framer = opened(pool)
            framer.feed(data)
            framer.close()
        self.assertEqual(len(pool), 0)

    def test_pool_is_bounded(self) -> None:
        """A burst of half-received stanzas leaves only so many parsers."""
        pool = ParserPool(2)
        framers = [opened(pool) for _ in range(5)]
        for data in (b"<message>", b"</message>"):
            for framer in framers:
                framer.feed(data)
        self.assertEqual(len(pool), 2)

    def test_kinds_of_headers_are_bounded(self) -> None:
        """Odd headers do not grow the pool."""
        pool = ParserPool()
        for number in range(50):
            tag = f"s{number}:stream xmlns:s{number}=".encode()
            framer = opened(
                pool, header=HEADER.replace(b"stream:stream", tag + b"'http://etherx.jabber.org/streams'")
            )
            self.assertEqual(stanza(framer, b"<presence/>").name, "presence")
        self.assertEqual(len(pool), 0)
        self.assertLessEqual(len(pool._shelves), 8)

    def test_worn_parser_is_thrown_away(self) -> None:
        """Expat's tables only grow, so a parser that has read much is not kept."""
        pool = ParserPool()
        opened(pool).feed(b"<message>" + b"x" * WORN_BYTES + b"</message>")
        self.assertEqual(len(pool), 0)

    def test_tired_parser_is_replaced(self) -> None:
        """A stream that is never between two stanzas at the end of a piece gets a new parser all the same."""
        framer = opened()
        framer.feed(b"<message><body>")
        fed = 0
        for number in range(2 * TIRED_BYTES // 1000):
            event = stanza(framer, b"%d</body>" % number + b"<x/>" * 250 + b"</message><message><body>")
            self.assertEqual(event.element.child_text("body"), str(number))
            assert framer._parser is not None
            fed = max(fed, framer._parser.fed)
        self.assertLess(fed, TIRED_BYTES + 5000)

    def test_close_gives_everything_back(self) -> None:
        """A closed framer is dead and holds nothing."""
        framer = opened(ParserPool())
        framer.feed(b"<message>")
        framer.close()
        self.assertIsNone(framer._parser)
        self.assertEqual(framer.feed(b"</message>"), [])
