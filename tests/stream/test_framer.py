"""The framer: bytes of a stream to events (RFC 6120 4)."""

from twisted.trial.unittest import SynchronousTestCase

from tests.stream.framers import BODY, HEADER, condition, one, opened, stanza
from xmppd.stanza import ns
from xmppd.stanza.element import Element, parse_element
from xmppd.stanza.errors import StreamError
from xmppd.stanza.stanza import Stanza
from xmppd.stream.events import ElementBegun, StreamClosed, StreamOpened
from xmppd.stream.framer import Framer
from xmppd.stream.limits import PRE_AUTH, StreamLimits


class BegunTests(SynchronousTestCase):
    """RFC 6120 4.9.3.24: the name of an element is enough to refuse it."""

    def test_told_once(self) -> None:
        """What comes in pieces is told of when its start tag is there, and once; stanzas are not."""
        framer = opened()
        framer.tells_begun = True
        self.assertIsInstance(one(framer, b"<message/><foo xmlns='urn:f'"), Stanza)
        self.assertEqual(framer.feed(b"><a>"), [ElementBegun("urn:f", "foo")])
        self.assertEqual(framer.feed(b"</a>"), [])
        self.assertIsInstance(one(framer, b"</foo>"), Element)
        self.assertEqual(framer.feed(b"<message><a>"), [])
        self.assertEqual([type(event) for event in framer.feed(b"</a></message><b>")], [Stanza, ElementBegun])

    def test_not_told_where_it_comes_at_once(self) -> None:
        """Step by step as well: what is there as a whole is judged as a whole, not twice."""
        framer = opened()
        framer.tells_begun = framer.stepwise = True
        self.assertIsInstance(one(framer, b"<foo xmlns='urn:f'><a>b</a></foo><bar>"), Element)
        self.assertEqual(framer.feed(b""), [ElementBegun(ns.CLIENT, "bar")])

    def test_not_told_where_nobody_asks(self) -> None:
        """A stream that does not know the names of its elements is not asked."""
        self.assertEqual(opened().feed(b"<foo>"), [])


class HeaderTests(SynchronousTestCase):
    """RFC 6120 4.7, 4.8."""

    def test_header_is_reported(self) -> None:
        """The attributes and namespaces of a header are for the caller to judge (RFC 6120 4.7)."""
        framer = Framer(PRE_AUTH)
        event = one(framer, HEADER)
        self.assertEqual(
            event,
            StreamOpened(
                {"to": "localhost", "version": "1.0", "xml:lang": "en"}, ns.CLIENT, ns.STREAMS, "stream"
            ),
        )
        self.assertEqual(framer.lang, "en")

    def test_other_default_namespace_is_reported(self) -> None:
        """Whether the content namespace is acceptable is for the caller to judge (RFC 6120 4.8.2)."""
        event = one(Framer(PRE_AUTH), HEADER.replace(b"jabber:client", b"urn:other"))
        assert isinstance(event, StreamOpened)
        self.assertEqual(event.default_ns, "urn:other")

    def test_white_space_before_header(self) -> None:
        """White space left over from before a restart does not spoil the next header."""
        framer = Framer(PRE_AUTH)
        self.assertEqual(framer.feed(b"\r\n "), [])
        self.assertIsInstance(one(framer, b"\n" + HEADER), StreamOpened)

    def test_root_in_another_namespace(self) -> None:
        """RFC 6120 4.9.3.10: a root outside the streams namespace is invalid-namespace."""
        for header in (b"<stream xmlns='jabber:client'>", b"<a>", HEADER.replace(b"etherx", b"ethery")):
            self.assertEqual(condition(Framer(PRE_AUTH).feed(header)), "invalid-namespace")

    def test_root_with_another_name(self) -> None:
        """RFC 6120 4.8.1: the root is named stream."""
        self.assertEqual(
            condition(Framer(PRE_AUTH).feed(HEADER.replace(b"stream:stream", b"stream:river"))), "bad-format"
        )

    def test_header_too_long(self) -> None:
        """A header that never ends is refused while it comes."""
        framer = Framer(StreamLimits())
        events = [event for _ in range(200) for event in framer.feed(b"<stream a='" + b"x" * 100)]
        self.assertIn(condition(events), ("policy-violation", "not-well-formed"))

    def test_language_that_is_none(self) -> None:
        """RFC 6120 4.7.4: a tag by RFC 5646; anything else would go with each stanza, and says nothing."""

        def lang_of(text: str) -> tuple[str | None, str | None]:
            framer = opened(header=HEADER.replace(b"xml:lang='en'", f"xml:lang='{text}'".encode()))
            return framer.lang, stanza(framer, b"<presence/>").lang

        for text in ("de", "zh-Hant-TW", "x-" + "-".join(["abcdefgh"] * 14)):
            self.assertEqual(lang_of(text), (text, text))
        for text in ("", " ", "d e", "de_AT", "-", "e" * 9, "de-" + "a" * 9_000, "x" + "-a" * 16, "&#10;de"):
            self.assertEqual(lang_of(text), (None, None), text)

    def test_too_many_prefixes(self) -> None:
        """What a header declares is read again with each odd stanza: no more than a few."""
        for number, expected in ((15, StreamOpened), (16, StreamError), (400, StreamError)):
            declared = b"".join(b" xmlns:a%d='b'" % each for each in range(number))
            event = one(Framer(StreamLimits()), HEADER.replace(b" to=", declared + b" to="))
            self.assertIsInstance(event, expected)

    def test_header_byte_by_byte(self) -> None:
        """The pieces in which a header comes make no difference."""
        framer = Framer(PRE_AUTH)
        events = [event for byte in HEADER for event in framer.feed(bytes([byte]))]
        self.assertEqual(events, Framer(PRE_AUTH).feed(HEADER))

    def test_empty_stream(self) -> None:
        """A header that is an empty element opens and closes the stream."""
        framer = Framer(PRE_AUTH)
        self.assertEqual(
            [type(event) for event in framer.feed(HEADER[:-1] + b"/>")], [StreamOpened, StreamClosed]
        )
        self.assertEqual(framer.feed(b"<a/>"), [])


class StanzaTests(SynchronousTestCase):
    """What becomes of first-level elements."""

    def test_raw_message(self) -> None:
        """A plain message keeps its inner bytes (RFC 6120 8)."""
        event = stanza(opened(), b"<message to='b@x' id=\"1\" type='chat'><body>a &amp; b</body> </message>")
        self.assertEqual((event.to, event.from_, event.id, event.type), ("b@x", None, "1", "chat"))
        self.assertEqual(event.inner, b"<body>a &amp; b</body> ")
        self.assertEqual(event.child_names, (BODY,))

    def test_language_of_the_stream(self) -> None:
        """RFC 6120 4.7.4: a stanza without xml:lang has that of the stream."""
        framer = opened()
        self.assertEqual(stanza(framer, b"<message/>").lang, "en")
        self.assertEqual(stanza(framer, b"<message xml:lang='de'/>").lang, "de")
        self.assertEqual(stanza(framer, b"<message a='b'/>").lang, "en")

    def test_greater_than_in_attributes(self) -> None:
        """The top tag ends where XML says, not at the first '>'."""
        event = stanza(opened(), b"<message id='a>b' to='/>'><body>x</body></message>")
        self.assertEqual((event.id, event.inner), ("a>b", b"<body>x</body>"))
        event = stanza(opened(), b"<message id='a/&gt;'/>")
        self.assertEqual((event.id, event.inner), ("a/>", b""))
        event = stanza(opened(), b"<message xmlns:a='x>y' id='1'>t</message>")
        self.assertEqual((event.id, event.inner), ("1", b"t"))

    def test_several_in_one_piece(self) -> None:
        """White space between stanzas means nothing (RFC 6120 4.6.1)."""
        events = opened().feed(b" <presence/>\n<iq type='get'/><message  >x</message  >\t")
        self.assertEqual(
            [event.name for event in events if isinstance(event, Stanza)], ["presence", "iq", "message"]
        )

    def test_other_elements_are_trees(self) -> None:
        """What is not a stanza comes as an element with its namespace."""
        framer = opened()
        self.assertEqual(one(framer, b"<r xmlns='urn:sm'/>"), Element("r", "urn:sm"))
        self.assertEqual(
            one(framer, b"<a xmlns='urn:sm' h='1' xml:lang='x'>t<b/></a>"),
            Element("a", "urn:sm", {"h": "1", "xml:lang": "x"}, ("t", Element("b", "urn:sm"))),
        )
        self.assertEqual(one(framer, b"<message xmlns='urn:sm'/>"), Element("message", "urn:sm"))
        self.assertEqual(one(framer, b"<foo/>"), Element("foo", ns.CLIENT))
        self.assertEqual(one(framer, b"<stream:error><a/></stream:error>").__class__, Element)

    def test_text_of_other_elements(self) -> None:
        """Text is what XML makes of the bytes, whether it can be taken as it stands or not."""
        framer = opened()
        texts = (b"plain", "\u00fc\u2028".encode(), b"a\r\nb\rc", b"&lt;&#x41;", b"a<![CDATA[<&]]>b", b" ")
        for text in texts:
            data = b"<auth xmlns='urn:x' a='1' xml:lang='de'>%b</auth>" % text
            self.assertEqual(one(framer, data), parse_element(data), text)

    def test_cdata_is_not_markup(self) -> None:
        """What stands in a CDATA section is no element and no end."""
        inner = b"<body><![CDATA[</body></message><x xmlns='a'>]]></body>"
        event = stanza(opened(), b"<message>" + inner + b"</message>")
        self.assertEqual((event.inner, event.child_names), (inner, (BODY,)))

    def test_closed(self) -> None:
        """The end tag ends all; what follows is not looked at (RFC 6120 4.4)."""
        framer = opened()
        self.assertEqual(
            framer.feed(b"<presence/> </stream:stream>\x00<a"),
            [Stanza.make("presence", lang="en"), StreamClosed()],
        )
        self.assertEqual(framer.feed(b"<presence/>"), [])

    def test_text_between_stanzas(self) -> None:
        """Text at the first level is bad-format, in whatever pieces it comes."""
        for text in (
            b"x",
            b"&lt;",
            b"<![CDATA[ ]]>",
            b"\xc3\xa4",
            b"\xef\xbb\xbf",
            b"x\xff",
            b"&#32;",
            b"]]>",
        ):
            whole = opened().feed(b"<presence/>" + text + b"<presence/></stream:stream>")
            framer = opened()
            pieces = [event for byte in b"<presence/>" + text for event in framer.feed(bytes([byte]))]
            self.assertEqual((condition(whole), condition(pieces)), ("bad-format", "bad-format"), text)
            self.assertEqual(len(whole), 2)

    def test_text_before_the_end_tag(self) -> None:
        """The same holds in front of the stream's end tag."""
        self.assertEqual(condition(opened().feed(b"x</stream:stream>")), "bad-format")

    def test_dead_after_an_error(self) -> None:
        """After an error nothing more comes."""
        framer = opened()
        self.assertEqual(condition(framer.feed(b"<a></b>")), "not-well-formed")
        self.assertEqual(framer.feed(b"<presence/>"), [])
        self.assertIsNone(framer._parser)


class RewritingTests(SynchronousTestCase):
    """What cannot be passed on as raw bytes is parsed and written again."""

    def test_prefixes_are_resolved(self) -> None:
        """A prefix that the recipient's stream does not have is written out."""
        event = stanza(opened(), b"<message xmlns:f='urn:f' id='1'><f:x f:a='1'/><body/></message>")
        self.assertEqual(event.child_names, (("urn:f", "x"), BODY))
        self.assertEqual(event.inner, b"<x xmlns='urn:f' xmlns:ns0='urn:f' ns0:a='1'/><body/>")

    def test_stream_prefix_inside(self) -> None:
        """Use of the header's own prefixes inside a stanza is resolved, text that looks like it survives."""
        event = stanza(opened(), b"<message><stream:x/></message>")
        self.assertEqual(event.inner, f"<x xmlns='{ns.STREAMS}'/>".encode())
        event = stanza(opened(), b"<message><body>my stream: db:x</body></message>")
        self.assertEqual(event.inner, b"<body>my stream: db:x</body>")

    def test_redeclared_content_namespace(self) -> None:
        """A child that declares the content namespace anew is an ordinary child."""
        for child in (b"<body xmlns='jabber:client'>x</body>", b"<c:body xmlns:c='jabber:client'>x</c:body>"):
            event = stanza(opened(), b"<message>" + child + b"</message>")
            self.assertEqual((event.inner, event.child_names), (b"<body>x</body>", (BODY,)))

    def test_redeclared_default_at_the_top(self) -> None:
        """The content namespace as the top tag's own declaration changes nothing."""
        event = stanza(opened(), b"<message xmlns='jabber:client' id='>'><body/></message>")
        self.assertEqual((event.inner, event.extra), (b"<body/>", ""))

    def test_extra_attributes(self) -> None:
        """Other attributes of the top tag survive, those in namespaces with their declarations."""
        event = stanza(opened(), b"<message xmlns:f='urn:f' f:a='&apos;' b='&#10;'>x</message>")
        self.assertEqual(event.element.attrs, {"{urn:f}a": "'", "b": "\n", "xml:lang": "en"})

    def test_prefixed_stanza(self) -> None:
        """A stanza is one by its namespace, whatever its prefix."""
        event = stanza(opened(), b"<c:message xmlns:c='jabber:client' to='a'><c:body/></c:message>")
        self.assertEqual((event.to, event.inner), ("a", b"<body/>"))

    def test_header_with_more_prefixes(self) -> None:
        """Behind a header that declares more, every stanza is written again (RFC 6120 4.8.5)."""
        header = HEADER.replace(b"xmlns:stream=", b"xmlns:f='urn:f' xmlns:stream=")
        event = stanza(opened(header=header), b"<message><f:x/></message>")
        self.assertEqual(event.inner, b"<x xmlns='urn:f'/>")

    def test_header_with_a_misleading_prefix(self) -> None:
        """The usual prefixes count as usual only with their usual namespaces."""
        header = HEADER.replace(b"xmlns:stream=", b"xmlns:db='jabber:client' xmlns:stream=")
        event = stanza(opened(header=header), b"<db:message><db:body/></db:message>")
        self.assertEqual(event.inner, b"<body/>")

    def test_streams_namespace_as_default(self) -> None:
        """RFC 6120 4.8.2: the content namespace may be bound to a prefix and the streams one be default."""
        header = f"<stream xmlns='{ns.STREAMS}' xmlns:c='{ns.CLIENT}'>".encode()
        framer = opened(header=header)
        event = stanza(framer, b"<c:message to='a'><c:body/><error/></c:message>")
        self.assertEqual(event.inner, f"<body/><error xmlns='{ns.STREAMS}'/>".encode())
        self.assertEqual(framer.feed(b"</stream>"), [StreamClosed()])

    def test_server_streams(self) -> None:
        """On a server stream the content namespace is jabber:server, and a stanza looks the same to us."""
        header = HEADER.replace(b"jabber:client", b"jabber:server")
        framer = opened(header=header, content_ns=ns.SERVER)
        for child in (b"<body/>", b"<body xmlns='jabber:server'/>", b"<body xmlns='jabber:client'/>"):
            event = stanza(framer, b"<message>" + child + b"</message>")
            self.assertEqual((event.inner, event.child_names), (b"<body/>", (BODY,)))
            self.assertIsNotNone(event.child("body", ns.CLIENT))
        event = stanza(framer, b"<message a=''><xml:a><body/></xml:a></message>")
        self.assertEqual(event.inner, b"<xml:a><body/></xml:a>")
        event = stanza(framer, b"<message><body><x xmlns='jabber:server'/></body></message>")
        self.assertEqual(event.inner, b"<body><x/></body>")
        event = stanza(framer, b"<message a=''><x xmlns='urn:x'><y xmlns='jabber:server'/></x></message>")
        self.assertEqual(event.inner, b"<x xmlns='urn:x'><y xmlns='jabber:server'/></x>")

    def test_component_streams(self) -> None:
        """XEP-0114: on a component's stream it is jabber:component:accept, on the raw path and off it."""
        header = HEADER.replace(b"jabber:client", b"jabber:component:accept")
        framer = opened(header=header, content_ns=ns.COMPONENT)
        bodies = (
            b"<body/>",
            b"<body xmlns='jabber:component:accept'/>",
            b"<body xmlns='jabber:client'/>",
        )
        for child in bodies:
            for tag in (b"<message>", b"<message a=''>", b"<message xmlns='jabber:component:accept'>"):
                event = stanza(framer, tag + child + b"</message>")
                self.assertEqual((event.inner, event.child_names), (b"<body/>", (BODY,)))
        self.assertEqual(
            one(framer, b"<handshake>x&amp;y</handshake>"), Element("handshake", ns.CLIENT, None, ["x&y"])
        )
