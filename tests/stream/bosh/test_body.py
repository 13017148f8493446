"""Bodies to events: XEP-0124 6, XEP-0206 3."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from xmppd.stanza.errors import StreamError
from xmppd.stanza.stanza import Stanza
from xmppd.stream.bosh.body import NS, Body, NoBody, read_body, write_body
from xmppd.stream.events import Event
from xmppd.stream.limits import StreamLimits
from xmppd.stream.parser_pool import ParserPool

OPEN = f"<body xmlns='{NS}' rid='1'"


def events(text: str) -> list[Event]:
    """What is in a body."""
    return read_body(text.encode()).events(StreamLimits(), None, ParserPool())


class ReadTests(SynchronousTestCase):
    """`read_body` and `Body.events`."""

    def test_attributes(self) -> None:
        """Plain ones by their names, those of XEP-0206 by their namespace, whatever the prefix."""
        body = read_body(
            f"\n<?xml version='1.0'?>\n{OPEN} xmlns:x='urn:xmpp:xbosh' x:restart='true' to='a'/>\n".encode()
        )
        self.assertEqual((body.number("rid"), body.attrs["to"], body.is_true("restart")), (1, "a", True))
        self.assertTrue(body.is_empty)

    def test_payloads(self) -> None:
        """Each with the content namespace, with another, or with none, which is taken for the content's."""
        found = events(
            f"{OPEN}><message xmlns='jabber:client' to='a'><body>x &lt;</body></message> "
            "<presence/><auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>AA==</auth></body>"
        )
        message, presence, auth = found
        assert isinstance(message, Stanza)
        assert isinstance(presence, Stanza)
        self.assertEqual((message.name, message.inner), ("message", b"<body>x &lt;</body>"))
        self.assertEqual((presence.name, getattr(auth, "name", "")), ("presence", "auth"))

    def test_a_prefix_for_all(self) -> None:
        """Declared at the body, in force in it, also for the body itself."""
        (message,) = events(
            f"<b:body xmlns:b='{NS}' rid='1' xmlns:p='urn:p'><message xmlns='jabber:client'><p:a/></message></b:body>"
        )
        assert isinstance(message, Stanza)
        self.assertIn(b"urn:p", message.inner)

    def test_no_body(self) -> None:
        """What is no start tag of a body."""
        for text in (
            "",
            "text",
            "<body rid='1'/>",
            f"<other xmlns='{NS}'/>",
            OPEN,
            f"{OPEN} a=b/>",
            f"{OPEN} {'a' * 10_000}=''/>",
            f"{OPEN}/><presence/>",
            f"<!DOCTYPE a>{OPEN}/>",
            f"<!-- -->{OPEN}/>",
            OPEN + "".join(f" xmlns:p{n}='urn:{n}'" for n in range(20)) + "/>",
        ):
            self.assertRaises(NoBody, read_body, text.encode())

    def test_no_number(self) -> None:
        """A rid is a positive number of at most sixteen digits."""
        for text in ("-1", "1.0", "", " 1", "1" * 40, "\u0661"):
            body = Body({"rid": text}, "body", {}, b"")
            self.assertRaises(NoBody, body.number, "rid")

    def test_what_is_wrong_inside(self) -> None:
        """The stream hears of it, behind what was right before it."""
        table = (
            (f"{OPEN}><presence/>text</body>", "bad-format"),
            (f"{OPEN}><presence></body>", "bad-format"),
            (f"{OPEN}><presence></a></body>", "not-well-formed"),
            (f"{OPEN}><presence/>", "bad-format"),
            (f"{OPEN}><presence/></body><presence/>", "bad-format"),
            (f"{OPEN}><presence/></body><presence/></body>", "bad-format"),
            (f"{OPEN}><presence/></other>", "bad-format"),
            (f"{OPEN}><![CDATA[</body>", "bad-format"),
            (f"{OPEN}><!-- c --></body>", "restricted-xml"),
        )
        for text, condition in table:
            last = events(text)[-1]
            assert isinstance(last, StreamError), text
            self.assertEqual(last.condition, condition, text)

    def test_write(self) -> None:
        """With and without a payload."""
        self.assertEqual(write_body({}), f"<body xmlns='{NS}'/>".encode())
        self.assertEqual(
            write_body({"a": "'"}, b"<x/>"), f"<body xmlns='{NS}' a='&apos;'><x/></body>".encode()
        )


class UsualTagTests(SynchronousTestCase):
    """Start tags that are read without a parser."""

    @settings(max_examples=300, deadline=None)
    @given(
        st.lists(
            st.sampled_from([" rid='1'", ' to="a"', " a='\"'", " rid='2'", " xmlns='x'", " x:b=''", " /"])
        ),
        st.lists(st.tuples(st.integers(0, 90), st.integers(0, 255)), max_size=2),
    )
    def test_as_the_parser(self, attrs: list[str], changes: list[tuple[int, int]]) -> None:
        """Whatever comes is read, or refused, as with a declaration before it, which no such tag has."""
        data = bytearray(f"{OPEN.replace(chr(39), chr(34), 1)}{''.join(attrs)}>x</body>".encode())
        for place, value in changes:
            if place < len(data):
                data[place] = value
        results: list[object] = []
        for start in (b"", b"<?xml version='1.0'?>"):
            try:
                results.append(read_body(start + bytes(data)))
            except NoBody:
                results.append(None)
        self.assertEqual(results[0], results[1])
