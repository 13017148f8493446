"""Headers that were read before: the same comes of them as of others, and few are kept."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.stanza import ns
from xmppd.stanza.errors import StreamError
from xmppd.stream.events import Event, StreamClosed, StreamOpened
from xmppd.stream.framer import Framer
from xmppd.stream.limits import StreamLimits
from xmppd.stream.parser_pool import HEADER_BYTES, HEADERS, ParserPool

DECLARATION = b"<?xml version='1.0'?>"
TAG = (
    b"<stream:stream to='localhost' from='%b' version='1.0' xml:lang='de' "
    b"xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
)
MANY_BYTES = 10_000


def header(who: bytes = b"a@localhost") -> bytes:
    """A header as clients send it."""
    return DECLARATION + TAG % who


class KnownHeaderTests(SynchronousTestCase):
    """`ParserPool.known_header`, as a framer uses it."""

    def setUp(self) -> None:
        """A pool that knows none."""
        self.pool = ParserPool()

    def read(self, *pieces: bytes, limits: StreamLimits | None = None) -> tuple[list[Event], Framer]:
        """Give what a new framer makes of it, and the framer."""
        framer = Framer(limits or StreamLimits(), self.pool)
        return [event for piece in pieces for event in framer.feed(piece)], framer

    def is_known(self, data: bytes, content_ns: str = ns.CLIENT) -> bool:
        """Whether *data* begins with a known header."""
        return self.pool.known_header(data, content_ns, MANY_BYTES) is not None

    def test_the_same_comes_of_it(self) -> None:
        """The first time as the second, whole or in pieces, with or without an XML declaration."""
        for data in (header(), TAG % b"a@localhost"):
            (first, one), (second, other) = self.read(data), self.read(data)
            self.assertTrue(self.is_known(data))
            (third, _) = self.read(data[:30], data[30:])
            self.assertEqual((first, first), (second, third))
            self.assertEqual((one.lang, other.lang), ("de", "de"))

    def test_what_follows_is_read(self) -> None:
        """In the same piece or the next one; of a stream that begins anew as well (RFC 6120 4.3.3)."""
        for _ in range(2):
            events, framer = self.read(header() + b"<a/>", b"", b"<b/>")
            self.assertEqual([getattr(event, "name", "") for event in events], ["stream", "a", "b"])
            framer.restart()
            self.assertEqual(framer.feed(header() + b"<c/>"), events[:1])
            self.assertEqual([getattr(event, "name", "") for event in framer.feed(b"")], ["c"])

    def test_another_one_is_another(self) -> None:
        """One byte is enough; so is another content namespace."""
        self.read(header())
        for data in (header(b"b@localhost"), b" " + header(), header()[:-1]):
            self.assertFalse(self.is_known(data))
        self.assertFalse(self.is_known(header(), ns.SERVER))
        [event], _ = self.read(header(b"b@localhost"))
        assert isinstance(event, StreamOpened)
        self.assertEqual(event.attrs["from"], "b@localhost")

    def test_the_limit_holds(self) -> None:
        """A header may be known from a stream that had more room."""
        self.read(header())
        [event], _ = self.read(header(), limits=StreamLimits(tag_bytes=len(header()) - 1))
        assert isinstance(event, StreamError)
        self.assertEqual(event.condition, "policy-violation")

    def test_what_is_not_kept(self) -> None:
        """One that ends its stream at once, is long or declares something odd; no error."""
        ended = TAG.replace(b"'>", b"'/>") % b"a@localhost"
        odd = TAG.replace(b" xmlns:stream", b" xmlns:odd='urn:odd' xmlns:stream") % b"a@localhost"
        long = header(b"a" * HEADER_BYTES + b"@localhost")
        wrong = TAG.replace(b"etherx", b"other") % b"a@localhost"
        for data in (ended, odd, long, wrong):
            events = [self.read(data)[0] for _ in range(2)]
            self.assertEqual(*[[type(event) for event in each] for each in events])
            self.assertFalse(self.is_known(data))
        self.assertEqual([type(event) for event in self.read(ended)[0]], [StreamOpened, StreamClosed])

    def test_few_are_kept(self) -> None:
        """However many there are: whoever sends another one each time makes the others be read again, no more."""
        headers = [header(b"u%d@localhost" % number) for number in range(5 * HEADERS)]
        for each in headers:
            self.read(each)
            self.assertTrue(self.is_known(each))
        self.assertLessEqual(sum(map(self.is_known, headers)), HEADERS)

    def test_a_greater_sign_in_a_value_ends_nothing(self) -> None:
        """It is a header like any other, though its end is not found that quickly."""
        data = TAG.replace(b" version", b" x='>' version") % b"a@localhost"
        (first, _), (second, _) = self.read(data), self.read(data)
        self.assertEqual(first, second)
        [event] = first
        assert isinstance(event, StreamOpened)
        self.assertEqual(event.attrs["x"], ">")
