"""Stanzas that are read without a parser: docs/decisions/0026. The parser is the judge of each."""

from collections.abc import Iterable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from xmppd.stanza import ns
from xmppd.stanza.stanza import Stanza
from xmppd.stream.events import Event
from xmppd.stream.limits import StreamLimits
from xmppd.stream.parser import StreamParser
from xmppd.stream.scope import Scope
from xmppd.stream.simple_stanzas import HEAD_CHARS, HEADS_KEPT, MOST_CHILDREN, SimpleStanzas

bounded = settings(
    max_examples=500, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
LIMITS = StreamLimits(stanza_bytes=4000, depth=8, elements=12, tag_bytes=1500)
KINDS = (ns.CLIENT, ns.SERVER, ns.COMPONENT)
BODY = "<body>x</body>"

SIMPLE = (
    "<presence/>",
    "<presence></presence>",
    "<presence><show>away</show><status>x</status><priority>5</priority></presence>",
    "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
    "<iq type='result' id='1' to='a@b/c' from='b'/>",
    '<message to="a@b" type="chat" id="1"><body>it\'s "so" &lt; &amp; &gt;</body></message>',
    "<message from='a@b/c' xml:lang='de'><body>ü\t\n\U0001f600</body></message>",
    "<message xmlns='jabber:client' to='a@b'><body/><x xmlns='urn:x' id='1'/></message>",
    "<message><body xml='1'>stream:x db:y</body></message>",
    "<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='x' ver='y='/></presence>",
    "<message><body/><delay from='a' xml='b' stamp='c'/></message>",
    f"<message>{BODY * MOST_CHILDREN}</message>",
)
OTHER = (
    "<message>text</message>",
    "<message> <body/></message>",
    "<message to='a'  id='b'/>",
    "<message to='a' />",
    "<message to ='a'/>",
    "<message to='a' to='b'/>",
    "<message to='a' id=\"b\"/>",
    "<message to='ü'/>",
    "<message to='a&amp;b'/>",
    "<message to='a>b'/>",
    "<message to='a\tb'/>",
    "<message other='a'/>",
    "<message xmlns='jabber:server'/>",
    "<message xmlns='urn:x'/>",
    "<message xmlns:x='urn:x'/>",
    "<message><body>a > b</body></message>",
    "<message><body>&#65;</body></message>",
    "<message><body>\r\n</body></message>",
    "<message><body><![CDATA[x]]></body></message>",
    "<message><body>x<!-- x --></body></message>",
    "<message><body>\x01</body></message>",
    "<message><body>\ufffe</body></message>",
    "<message><body>\uffff</body></message>",
    "<message><a><b/></a></message>",
    "<message><a:b/></message>",
    "<message><stream:x/></message>",
    "<message><body></bodies></message>",
    "<message><body></message>",
    "<message><body/></iq>",
    "<message><x xmlns=''/></message>",
    "<message><x xmlns='jabber:server'/></message>",
    "<message><x xmlns='jabber:client'/></message>",
    "<message><x xmlns='http://www.w3.org/XML/1998/namespace'/></message>",
    "<message><x xmlns='http://www.w3.org/2000/xmlns/'/></message>",
    "<message><x id='1' id='1'/></message>",
    "<message><x xmlns='urn:x' xmlns='urn:x'/></message>",
    "<message><x id='1' by='2' id='3'/></message>",
    "<message><body/><x id='1' by='2' id='3'/></message>",
    "<message><x a='1' b='2' c='3' d='4' e='5'/></message>",
    "<message><x id='1' xmlns='urn:x'/></message>",
    "<message><x xmlns:y='urn:x'/></message>",
    f"<message>{BODY * (MOST_CHILDREN + 1)}</message>",
    f"<message><x xmlns='{'u' * HEAD_CHARS}'/></message>",
    f"<message to='{'a' * LIMITS.tag_bytes}'/>",
    f"<message><body>{'a' * LIMITS.stanza_bytes}</body></message>",
    "<r xmlns='urn:xmpp:sm:3'/>",
    "<messages/>",
    " <message/>",
    "</stream:stream>",
    "<message><body>half",
    "<message",
    "<message/",
    "<message to=",
    "",
)


def read(
    data: bytes, content_ns: str = ns.CLIENT, limits: StreamLimits = LIMITS, sender: str | None = None
) -> tuple[int, list[Event]]:
    """How far it is read, and what was found."""
    events: list[Event] = []
    return SimpleStanzas(content_ns).read(data, 0, limits, "en", sender, events), events


def parsed(data: bytes, content_ns: str = ns.CLIENT) -> list[Event]:
    """What the parser finds."""
    parser = StreamParser(Scope("stream:stream", content_ns, {"stream": ns.STREAMS}, content_ns))
    parser.limits, parser.lang = LIMITS, "en"
    return parser.feed(data)


def facts(events: Iterable[Event]) -> list[object]:
    """All that one may ask of stanzas, to be compared; the bytes may differ where the parser has written them anew."""
    return [
        (each.name, each.to, each.from_, each.id, each.type, each.lang, each.child_names, each.element)
        if isinstance(each, Stanza)
        else each
        for each in events
    ]


class SimpleStanzasTests(SynchronousTestCase):
    """What is read, and what is left to the parser."""

    def test_simple(self) -> None:
        """These are read to their end, and are what the parser finds; also one behind the other."""
        for text in SIMPLE:
            data = text.encode()
            place, events = read(data)
            self.assertEqual((place, facts(events)), (len(data), facts(parsed(data))), text)
        data = "".join(text for text in SIMPLE if '"a@b"' not in text).encode()
        place, events = read(data)
        self.assertEqual((place, facts(events)), (len(data), facts(parsed(data))))

    def test_other(self) -> None:
        """All else is not touched, whether it is well-formed or not."""
        for text in OTHER:
            self.assertEqual(read(text.encode()), (0, []), text)

    def test_bytes_that_are_no_utf8(self) -> None:
        """RFC 6120 11.6: the parser says what is wrong with them."""
        for text in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf"):
            self.assertEqual(read(b"<message><body>" + text + b"</body></message>"), (0, []), text)

    def test_stops_at_what_is_other(self) -> None:
        """What stands before it is given, and where it begins."""
        for text in OTHER:
            place, events = read(b"<presence/><iq/>" + text.encode())
            self.assertEqual((place, facts(events)), (16, facts(parsed(b"<presence/><iq/>"))), text)

    def test_kinds_of_streams(self) -> None:
        """The content namespace is that of the stream, and ``jabber:client`` in what is found (RFC 6120 4.8.2)."""
        for kind in KINDS:
            data = f"<iq xmlns='{kind}' type='set'><x/><y xmlns='urn:y'/></iq>".encode()
            place, events = read(data, kind)
            self.assertEqual((place, facts(events)), (len(data), facts(parsed(data, kind))), kind)
            for other in KINDS:
                if other != kind:
                    self.assertEqual(read(data, other), (0, []))

    def test_who_sends(self) -> None:
        """Whose stanza it is that does not say it is told; what says it is left as it is (RFC 6120 8.1.2.1)."""
        data = b"<presence/><presence from='b@x/r'/><presence from=''/>"
        _, events = read(data, sender="a@x/r")
        self.assertEqual(
            [event.from_ for event in events if isinstance(event, Stanza)], ["a@x/r", "b@x/r", ""]
        )

    def test_equal(self) -> None:
        """One that is written as it came is what the parser finds, though the bytes are others."""
        data = b'<message id="1" to="a@b"><body>hi</body></message>'
        ((event,), [found]) = read(data, sender="a@x/r")[1], parsed(data)
        assert isinstance(found, Stanza)
        found = found.replace(from_="a@x/r")
        self.assertEqual((event, hash(event)), (found, hash(found)))
        self.assertNotEqual(event, found.replace(id="2"))

    def test_narrow_limits(self) -> None:
        """Where a stanza of this shape may be against the limits, none is read."""
        for limits in (StreamLimits(elements=MOST_CHILDREN), StreamLimits(depth=1)):
            self.assertEqual(read(b"<presence/>", limits=limits), (0, []))

    def test_bounded(self) -> None:
        """Names of children are forgotten, and then learnt anew."""
        simple = SimpleStanzas(ns.CLIENT)
        for number in (*range(HEADS_KEPT + 1), 0):
            events: list[Event] = []
            simple.read(f"<iq><x xmlns='urn:{number}'/></iq>".encode(), 0, LIMITS, None, None, events)
            [event] = events
            assert isinstance(event, Stanza)
            self.assertEqual(event.child_names, ((f"urn:{number}", "x"),))
        self.assertLessEqual(len(simple._heads), HEADS_KEPT)


values = st.text(st.sampled_from("ab@/ ;=-.:#\"'<>&\tü"), max_size=4)
names = st.sampled_from(("to", "from", "id", "type", "xmlns", "xml:lang", "x", "xmlns:x", "xml:x", "x:y"))
quotes = st.sampled_from(("'", "'", "'", '"'))
spaces = st.sampled_from((" ", " ", " ", " ", "  ", "\n", ""))
namespaces = st.sampled_from(("urn:x", "jabber:client", "jabber:server", "", "http://www.w3.org/2000/xmlns/"))
declarations = st.builds("{1} xmlns={0}{2}{0}".format, quotes, spaces, namespaces)
attributes = st.lists(
    st.builds("{2}{0}={1}{3}{1}".format, names, quotes, spaces, values) | declarations, max_size=4
).map("".join)
texts = st.lists(
    st.sampled_from(
        (
            "x",
            " ",
            "\n",
            "\r",
            "&amp;",
            "&lt;",
            "&x;",
            "&",
            ">",
            "]]>",
            "ü",
            "\ufffe",
            "\x7f",
            "\x00",
            "db:",
            "'",
            '"',
        )
    ),
    max_size=3,
).map("".join)
tags = st.sampled_from(("body", "x", "origin-id", "B", "x1", "a:b", "stream:x", "ä", "message"))
closed = st.builds("<{0}{1}/>".format, tags, attributes)
children = closed | st.builds("<{0}{1}>{2}</{0}>".format, tags, attributes, texts)
nested = st.builds("<{0}{1}>{2}</{0}>".format, tags, attributes, children)
inner = st.lists(children | nested | texts, max_size=3).map("".join)
stanza_tags = st.sampled_from(("message", "presence", "iq", "message", "r", "x:iq"))
stanzas = st.builds("<{0}{1}>{2}</{0}>".format, stanza_tags, attributes, inner) | st.builds(
    "<{0}{1}/>".format, stanza_tags, attributes
)
simple_values = st.text(st.sampled_from("ab@/ ;=-.:#"), max_size=4)
simple_attributes = st.dictionaries(
    st.sampled_from(("to", "from", "id", "type", "xml:lang")), simple_values
).map(lambda found: "".join(f" {name}='{value}'" for name, value in found.items()))
simple_heads = st.builds(
    "{0}{1}{2}".format,
    st.sampled_from(("body", "x", "origin-id", "x1")),
    st.sampled_from(("", " xmlns='urn:x'", " xmlns='urn:y'")),
    st.lists(st.sampled_from((" id='1'", " xml='&lt;'", " a=''", " b='2'")), max_size=3).map("".join),
)
simple_children = simple_heads.map("<{0}/>".format) | st.tuples(simple_heads, texts).map(
    lambda found: f"<{found[0]}>{found[1]}</{found[0].partition(' ')[0]}>"
)
nearly_simple = st.builds(
    "<{0}{1}>{2}</{0}>".format,
    st.sampled_from(("message", "presence", "iq")),
    simple_attributes,
    st.lists(simple_children, max_size=3).map("".join),
)
streams = (
    st.lists(nearly_simple | nearly_simple | stanzas, min_size=1, max_size=4).map("".join).map(str.encode)
)


class SimpleStanzasProperties(SynchronousTestCase):
    """Whatever is sent, what is read without the parser is what the parser finds."""

    @bounded
    @given(streams, st.sampled_from(KINDS))
    def test_as_the_parser(self, data: bytes, kind: str) -> None:
        """Up to where something else begins, and no byte more."""
        place, events = read(data, kind)
        self.assertEqual(facts(events), facts(parsed(data[:place], kind)))

    @bounded
    @given(streams, st.sampled_from(KINDS), st.sampled_from(("a@x/r", 'ä@x/it\'s <me> & "you"')))
    def test_as_the_parser_with_a_sender(self, data: bytes, kind: str, sender: str) -> None:
        """The same where it is known who sends: what is to be written says so, too (RFC 6120 8.1.2.1)."""
        place, events = read(data, kind, sender=sender)
        found = [
            each.replace(from_=sender) if isinstance(each, Stanza) and each.from_ is None else each
            for each in parsed(data[:place], kind)
        ]
        self.assertEqual(facts(events), facts(found))
        for event in events:
            assert isinstance(event, Stanza)
            self.assertEqual(facts([Stanza.parse(event.to_bytes())]), facts([event]))

    @bounded
    @given(st.lists(nearly_simple, min_size=1, max_size=3).map("".join).map(str.encode), st.data())
    def test_as_the_parser_with_a_byte_changed(self, data: bytes, draw: st.DataObject) -> None:
        """A byte that is another one, or is not there, makes it no other stanza than the parser finds."""
        at = draw.draw(st.integers(0, len(data) - 1))
        other = draw.draw(
            st.sampled_from((b"", b"<", b">", b"'", b"/", b" ", b"&", b"=", b"\xc3", b"\x00", b"a", b":"))
        )
        changed = data[:at] + other + data[at + 1 :]
        place, events = read(changed)
        self.assertEqual(facts(events), facts(parsed(changed[:place])))
