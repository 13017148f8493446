"""What is accepted can be stored and read back: odd but legal messages come unchanged from offline store and archive.

promises#content-unchanged; RFC 6120 11 says what is legal.
"""

from collections.abc import Callable
from typing import NamedTuple
from xml.etree.ElementTree import Element, fromstring
from xml.sax.saxutils import escape, quoteattr

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from xmppd.testing.client import Client
from xmppd.testing.server import MemoryServer

CLIENT = "{jabber:client}"
ARCHIVED = "{urn:xmpp:mam:2}result"
DELAY, STANZA_ID = "{urn:xmpp:delay}delay", "{urn:xmpp:sid:0}stanza-id"
LAST_ONE = (
    "<iq type='set' id='page'><query xmlns='urn:xmpp:mam:2'>"
    "<set xmlns='http://jabber.org/protocol/rsm'><max>1</max><before/></set></query></iq>"
)
STREAM = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
ALICE, BOB = "alice@localhost/desk", "bob@localhost"

# -- odd messages -----------------------------------------------------------------------------------------------------

TEXT = st.text(
    st.characters(
        exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff", include_characters="\t\n\r"
    ),
    max_size=12,
) | st.sampled_from(("stream:", "db:", "</body>", "]]>", "&amp;", "<x/>", "\r\n", "'\"", " ", "x" * 3_000))
LOCAL = st.sampled_from(("x", "body", "message", "stanza-id", "delay", "données", "a.b-c_1", "sent", "error"))
NAMESPACE = st.sampled_from(
    (
        "urn:x",
        "jabber:client",
        "http://etherx.jabber.org/streams",
        "urn:xmpp:sid:0",
        "urn:xmpp:delay",
        "a b",
        "é'&",
    )
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(("id", "from", "xmlns-", "xml:lang", "xml:space", "t:id", "ünï")), TEXT, max_size=3
)
WRITTEN: tuple[Callable[[str], str], ...] = (
    escape,
    lambda text: "".join(f"&#{ord(letter)};" for letter in text[:40]),
    lambda text: "".join(f"&#x{ord(letter):X};" for letter in text[:40]),
    lambda text: "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>",
)
"""The ways in which a text can stand in a document."""


class Tag(NamedTuple):
    """How one element is written: with a prefix or without, its attributes in this or that sort of quotes."""

    local: str
    namespace: str
    is_prefixed: bool
    attributes: dict[str, str]
    is_tight: bool

    def around(self, content: str) -> str:
        """Write the element."""
        name, bound = (f"p:{self.local}", "xmlns:p") if self.is_prefixed else (self.local, "xmlns")
        attributes = "".join(f"\n {key}={in_quotes(value)}" for key, value in self.attributes.items())
        start = f"<{name} {bound}={quoteattr(self.namespace)} xmlns:t='urn:t'{attributes}"
        return f"{start}/>" if self.is_tight and not content else f"{start} >{content}</{name}\n>"


def in_quotes(text: str) -> str:
    """Write an attribute's value: references for what is not text, line ends as they are or as references."""
    return quoteattr(text, {"\n": "&#10;"} if len(text) % 2 else {})


PIECE = st.builds(lambda write, text: write(text), st.sampled_from(WRITTEN), TEXT)
TAG = st.builds(Tag, LOCAL, NAMESPACE, st.booleans(), ATTRIBUTES, st.booleans())
CONTENT = st.recursive(
    PIECE,
    lambda inner: st.builds(lambda tag, parts: tag.around("".join(parts)), TAG, st.lists(inner, max_size=3)),
    max_leaves=6,
)
TOP = st.sampled_from(
    (
        "",
        " xml:lang='de'",
        " xmlns:t='urn:t' t:a='&#10;'",
        " odd='&apos;&lt;'",
        " xmlns='jabber:client'",
        " xmlns:p='urn:p'",
    )
)
MESSAGES = st.builds(
    lambda top, id_, before, after: (
        f"<message to='{BOB}' type='chat' id={in_quotes(id_)}{top}>{before}<body>b</body>{''.join(after)}</message>"
    ),
    TOP,
    TEXT,
    CONTENT,
    st.lists(CONTENT, max_size=3),
)


# -- comparing --------------------------------------------------------------------------------------------------------


def shape(element: Element) -> tuple[object, ...]:
    """Give what two elements must have in common to be the same."""
    children = tuple((shape(child), child.tail or "") for child in element)
    return element.tag, dict(element.attrib), element.text or "", children


def without(element: Element, *tags: str) -> Element:
    """Take the last children off, which must be these."""
    for tag in reversed(tags):
        last = element[-1]
        assert last.tag == tag, f"{last.tag} instead of {tag}"
        element.remove(last)
    return element


class ContentTests(SynchronousTestCase):
    """One server, one sender, and a recipient who comes and goes."""

    def setUp(self) -> None:
        """Log both in."""
        self.memory = MemoryServer()
        self.alice = self.memory.logged_in(ALICE)
        self.bob = self.memory.logged_in(f"{BOB}/home")

    @settings(max_examples=80, deadline=None, report_multiple_bugs=False)
    @given(MESSAGES)
    def test_read_back_unchanged(self, sent: str) -> None:
        """From the offline store, and from both archives."""
        self.start()
        expected = fromstring(STREAM + sent + "</stream:stream>")[0]
        expected.set("from", ALICE)
        self.alice.send(sent)
        self.assertEqual(self.come(self.alice), [])
        self.bob.send("<presence/>")
        (offline,) = [element for element in self.come(self.bob) if element.tag == f"{CLIENT}message"]
        self.assertEqual(shape(without(offline, STANZA_ID, DELAY)), shape(expected))
        for client in (self.alice, self.bob):
            client.send(LAST_ONE)
            archived = self.come(client)[0].find(
                f"{ARCHIVED}/{{urn:xmpp:forward:0}}forwarded/{CLIENT}message"
            )
            assert archived is not None
            self.assertEqual(shape(archived), shape(expected))

    def start(self) -> None:
        """Begin with a connected sender and an unavailable recipient, whatever the example before has left."""
        if not self.alice.is_connected:
            self.alice = self.memory.logged_in(ALICE)
        self.bob.send("<presence type='unavailable'/>")
        self.come(self.bob)

    def come(self, client: Client) -> list[Element]:
        """Give all that has come to *client*."""
        self.memory.clock.advance(0.1)
        came = list(client.inbox)
        client.inbox.clear()
        return came
