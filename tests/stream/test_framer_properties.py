"""Properties of the framer over generated streams."""

from itertools import pairwise
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.stream.framers import HEADER, opened
from xmppd.stanza import ns
from xmppd.stanza.element import Element, parse_element
from xmppd.stanza.errors import StreamError
from xmppd.stanza.stanza import Stanza
from xmppd.stream.events import Event, StreamOpened
from xmppd.stream.framer import Framer
from xmppd.stream.limits import StreamLimits
from xmppd.stream.parser_pool import ParserPool
from xmppd.stream.simple_stanzas import SimpleStanzas

bounded = settings(
    max_examples=100, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
KINDS = (ns.CLIENT, ns.SERVER, ns.COMPONENT)
LIMITS = StreamLimits(stanza_bytes=4000, depth=8, elements=12, tag_bytes=1500)

DECLARATIONS = (
    " xmlns='jabber:client'",
    " xmlns='jabber:server'",
    " xmlns='jabber:component:accept'",
    " xmlns=''",
    " xmlns='urn:x'",
    ' xmlns="a&gt;b\'>"',
    " xmlns:f='urn:f'",
    " xmlns:f='jabber:client'",
    " xmlns:f=' a}b '",
    " xmlns:stream='urn:z'",
    " xmlns:db='urn:db'",
    " xmlns:ns0='urn:n'",
    " xmlns:ns0='jabber:client'",
)
ATTRIBUTES = (
    " to='a@b/c'",
    " id='&#10;&lt;>&amp;\"&apos;'",
    ' type = "it\'s\t\n>"',
    " xml:lang='de'",
    " xml:space='preserve'",
    " a='ü'",
    " f:a='1'",
    " ns0:a='2'",
    " stream:a='3'",
    " db:to='4'",
)
NAMES = (
    "body",
    "x",
    "message",
    "a",
    "b",
    "iq",
    "f:x",
    "ns0:body",
    "stream:error",
    "db:x",
    "xml:a",
    "ü",
    "result",
)
TEXTS = (
    "text",
    " ",
    "\n",
    "\r\n",
    "&#13;",
    "&amp;&lt;>",
    "]]&gt;",
    "ü\U0001f600",
    "stream:x",
    "<![CDATA[</message><x>]]>",
    "<![CDATA[]]]]><![CDATA[>]]>",
    "&#x1F600;",
)
STANZAS = ("message", "iq", "presence", "message", "iq", "f:message")
BROKEN = (
    b"<!-- x -->",
    b"<!DOCTYPE a>",
    b"<?a?>",
    b"text",
    b"\xff",
    b"\x00",
    b"\xc3",
    b"&x;",
    b"<a b='" + b"x" * 1600 + b"'/>",
    b"<message>" + b"x" * 4100 + b"</message>",
    b"<iq>" + b"<a>" * 9,
    b"<iq>" + b"<a/>" * 13 + b"</iq>",
    b"</stream:stream>",
    b"</a>",
    b"<![CDATA[x]]>",
)


def tag(name: str, extras: list[str], content: str) -> str:
    """One element; an attribute that comes twice is written once."""
    attributes = "".join(dict.fromkeys(extras))
    return f"<{name}{attributes}>{content}</{name}>" if content else f"<{name}{attributes}/>"


extras = st.lists(st.sampled_from(DECLARATIONS + ATTRIBUTES), max_size=3)
contents = st.recursive(
    st.sampled_from(TEXTS),
    lambda inner: st.lists(
        st.builds(tag, st.sampled_from(NAMES), extras, inner) | inner, min_size=1, max_size=3
    ).map("".join),
    max_leaves=6,
)
stanzas = st.builds(tag, st.sampled_from(STANZAS), extras, contents | st.just("")).map(str.encode)
streams = st.lists(
    stanzas
    | st.sampled_from(BROKEN)
    | st.sampled_from((b" ", b"\r\n", b"<r xmlns='urn:sm'/>", b"<presence/>")),
    max_size=5,
).map(b"".join)


def comparable(events: list[Event]) -> list[object]:
    """The events, with errors as their conditions."""
    return [event.condition if isinstance(event, StreamError) else event for event in events]


def meanings(events: list[Event]) -> list[object]:
    """The same with stanzas as their elements: the bytes differ where a parser has written them anew."""
    return [event.element if isinstance(event, Stanza) else event for event in comparable(events)]


def of_kind(content_ns: str, limits: StreamLimits | None = None) -> Framer:
    """A framer of a stream with that content namespace, behind its header."""
    return opened(
        header=HEADER.replace(b"jabber:client", content_ns.encode()), content_ns=content_ns, limits=limits
    )


def neutral(element: Element, content_ns: str) -> Element:
    """The element with all that inherits the content namespace from it in ``jabber:client``."""
    inherits = element.ns in (content_ns, ns.XML)
    children = [
        neutral(each, content_ns) if isinstance(each, Element) and inherits else each
        for each in element.children
    ]
    return Element(
        element.name, ns.CLIENT if element.ns == content_ns else element.ns, element.attrs, children
    )


def with_language(element: Element, lang: str) -> Element:
    """The element as the stream's xml:lang makes it (RFC 6120 4.7.4)."""
    element.attrs.setdefault("xml:lang", lang)
    return element


class FramerProperties(SynchronousTestCase):
    """What must hold for whatever a peer sends."""

    @bounded
    @given(streams, st.lists(st.integers(0, 4000), max_size=6))
    def test_pieces_make_no_difference(self, data: bytes, cuts: list[int]) -> None:
        """However the bytes are cut, the events are the same."""
        whole = comparable(opened(limits=LIMITS).feed(data))
        framer = opened(ParserPool(), limits=LIMITS)
        places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
        events: list[Event] = []
        for start, end in pairwise(places):
            events += framer.feed(data[start:end])
        self.assertEqual(comparable(events), whole)

    @bounded
    @given(st.lists(streams | st.just(b"<message><body>x</body></message>"), max_size=4).map(b"".join))
    def test_looking_for_ends_makes_no_difference(self, data: bytes) -> None:
        """Where a parser is left behind each element, as in what is long, the events are the same as of one parser."""
        with patch("xmppd.stream.framer.WORTH_BYTES", 1):
            often = opened(limits=LIMITS).feed(data)
        with patch.object(SimpleStanzas, "read", lambda self, data, place, *_: place):
            once = opened(limits=LIMITS).feed(data)
        self.assertEqual(meanings(often), meanings(once))

    @bounded
    @given(streams)
    def test_single_bytes_make_no_difference(self, data: bytes) -> None:
        """The smallest pieces, from the header on."""
        framer = Framer(LIMITS)
        events = [event for place in range(len(HEADER)) for event in framer.feed(HEADER[place : place + 1])]
        self.assertEqual([type(event) for event in events], [StreamOpened])
        framer.stepwise = False
        events = [event for place in range(len(data)) for event in framer.feed(data[place : place + 1])]
        self.assertEqual(comparable(events), comparable(opened(limits=LIMITS).feed(data)))

    @bounded
    @given(streams, st.integers(1, 50))
    def test_steps_make_no_difference(self, data: bytes, size: int) -> None:
        """One element a call gives the same events in the end."""
        framer = opened(limits=LIMITS)
        framer.stepwise = True
        events: list[Event] = []
        for place in range(0, len(data), size):
            found = framer.feed(data[place : place + size])
            while found:
                self.assertLessEqual(len(found), 2)
                events += found
                found = framer.feed(b"")
        self.assertEqual(comparable(events), comparable(opened(limits=LIMITS).feed(data)))

    @bounded
    @given(stanzas)
    def test_meaning_survives(self, data: bytes) -> None:
        """What is accepted means the same on another stream, and what is not well-formed is refused."""
        around = {"stream": ns.STREAMS}
        [event] = opened().feed(data)
        try:
            meant = parse_element(data, ns.CLIENT, around)
        except ValueError:
            self.assertIsInstance(event, StreamError)
            return
        if isinstance(event, Element):
            self.assertEqual(event, meant)
            return
        assert isinstance(event, Stanza), event
        with_language(meant, "en")
        self.assertEqual(event.element, meant)
        self.assertEqual(event.child_names, tuple((child.ns, child.name) for child in meant.elements()))
        self.assertEqual(Stanza.parse(event.to_bytes()), event)
        [again] = opened(
            header=HEADER.replace(b" xmlns:stream", b" xmlns:db='jabber:server:dialback' xmlns:stream")
        ).feed(event.to_bytes())
        assert isinstance(again, Stanza)
        self.assertEqual(again.element, meant)
        self.assertEqual(again.child_names, event.child_names)

    @bounded
    @given(stanzas, st.sampled_from(KINDS), st.sampled_from(KINDS))
    def test_meaning_survives_between_kinds_of_streams(self, data: bytes, kind: str, other: str) -> None:
        """A stanza is the same one on any kind of stream, raw or written anew (RFC 6120 4.8.2, XEP-0114)."""
        data = data.replace(b"jabber:client", kind.encode())
        [event] = of_kind(kind).feed(data)
        try:
            meant = neutral(parse_element(data, kind, {"stream": ns.STREAMS}), kind)
        except ValueError:
            self.assertIsInstance(event, StreamError)
            return
        if isinstance(event, Element):
            self.assertEqual(event, meant)
            return
        assert isinstance(event, Stanza), event
        with_language(meant, "en")
        self.assertEqual(event.element, meant)
        self.assertEqual(event.child_names, tuple((child.ns, child.name) for child in meant.elements()))
        if any(f"'{each}'".encode() in event.inner for each in ns.CONTENT):
            return  # what has that namespace by a declaration of its own keeps it, whatever it is there
        [there] = of_kind(other).feed(event.to_bytes())
        assert isinstance(there, Stanza)
        self.assertEqual((there.element, there.child_names), (meant, event.child_names))

    @bounded
    @given(streams, st.sampled_from(KINDS))
    def test_no_kind_of_stream_raises(self, data: bytes, kind: str) -> None:
        """Whatever comes is an event, of a server or a component as of a client; stanzas are ``jabber:client``."""
        for event in of_kind(kind, limits=LIMITS).feed(data.replace(b"jabber:client", kind.encode())):
            if isinstance(event, Stanza):
                self.assertEqual(event.element.ns, ns.CLIENT)

    @bounded
    @given(stanzas)
    def test_parser_is_not_kept(self, data: bytes) -> None:
        """After a whole stanza a framer holds nothing, accepted or not."""
        framer = opened()
        framer.feed(data)
        self.assertIsNone(framer._parser)
        self.assertEqual(framer._backlog, b"")
