"""The light element: reading, writing, looking into it."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from xmppd.stanza import ns
from xmppd.stanza.element import Element, FixedElement, escape_attr, escape_text, parse_element

LETTERS = "ab<>&'\"\t\n\r ü\U0001f600]"
texts = st.text(LETTERS, max_size=6)
names = st.sampled_from(("a", "body", "ü", "x-y.z"))
spaces = st.sampled_from(("", ns.CLIENT, "urn:x", "a b'&<>\"}", ns.XML))
keys = st.sampled_from(("a", "b", "xml:lang", "xml:space", "{urn:x}a", "{urn:y}a", "{a}'}b", "{urn:x}to"))
elements = st.recursive(
    st.builds(Element, names, spaces, st.dictionaries(keys, texts, max_size=3)),
    lambda inner: st.builds(
        Element, names, spaces, st.dictionaries(keys, texts, max_size=2), st.lists(inner | texts, max_size=4)
    ),
    max_leaves=8,
)

NOT_ELEMENTS = (
    b"",
    b"text",
    b"<a/><b/>",
    b"<a/>text",
    b"<a>",
    b"<a",
    b"</x>",
    b"<a/></x>",
    b"</x><x>",
    b"<a></b>",
    b"<p:a/>",
    b"<a>&x;</a>",
    b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
    b"<?xml version='1.0'?><a/>",
    b"<a>\xff</a>",
    b"<a>\x00</a>",
    "<a/>".encode("utf-16"),
)


class ElementTests(SynchronousTestCase):
    """Looking into an element."""

    def setUp(self) -> None:
        self.element = parse_element(
            b"<iq id='1' xml:lang='de'>x<query xmlns='urn:q'>y<item n='1'/><item n='2'>z</item></query><e/>w</iq>"
        )

    def test_children(self) -> None:
        """A child is found by its name, in the parent's namespace or another."""
        query = self.element.child("query", "urn:q")
        assert query is not None
        self.assertIsNone(self.element.child("query"))
        self.assertEqual([child.name for child in self.element.elements()], ["query", "e"])
        item = query.child("item")
        assert item is not None
        self.assertEqual(item.get("n"), "1")
        self.assertEqual(item.get("m"), None)
        self.assertEqual(item.get("m", "0"), "0")

    def test_text(self) -> None:
        """The text is the element's own, not that of its children."""
        self.assertEqual(self.element.text, "xw")
        self.assertEqual(self.element.child_text("query", "urn:q"), "y")
        self.assertEqual(self.element.child_text("e"), "")
        self.assertIsNone(self.element.child_text("f"))

    def test_equality(self) -> None:
        """Elements are equal where names, attributes and content are; how text is cut does not matter."""
        self.assertEqual(Element("a", "", None, ("x", "y", "")), Element("a", "", {}, ("xy",)))
        for other in (
            Element("b"),
            Element("a", "urn:x"),
            Element("a", "", {"b": "c"}),
            Element("a", "", None, ("x",)),
            Element("a", "", None, (Element("x"),)),
        ):
            self.assertNotEqual(Element("a"), other)
        self.assertNotEqual(Element("a", "", None, ("x",)), Element("a", "", None, (Element("x"),)))
        self.assertNotEqual(Element("a"), "a")
        self.assertRaises(TypeError, hash, Element("a"))


class WritingTests(SynchronousTestCase):
    """Elements to bytes."""

    def test_declares_where_it_differs(self) -> None:
        """A namespace is declared where it is not the parent's already."""
        element = Element("a", "urn:x", None, (Element("b", "urn:x"), Element("c"), Element("d", "urn:y")))
        inner = b"<b/><c xmlns=''/><d xmlns='urn:y'/></a>"
        self.assertEqual(element.to_bytes(), b"<a xmlns='urn:x'>" + inner)
        self.assertEqual(element.to_bytes("urn:x"), b"<a>" + inner)

    def test_escaping(self) -> None:
        """White space in attributes and CR in text survive as references; the unspeakable is replaced."""
        self.assertEqual(escape_attr("&<>'\"\t\n\r"), "&amp;&lt;>&apos;&quot;&#9;&#10;&#13;")
        self.assertEqual(escape_text("&<>'\"\t\n\r"), "&amp;&lt;&gt;'\"\t\n&#13;")
        self.assertEqual(escape_text("a\x00\ud800\uffff"), "a\ufffd\ufffd\ufffd")
        self.assertEqual(escape_attr("\x1f\x7f"), "\ufffd\x7f")

    def test_namespaced_attributes(self) -> None:
        """Attributes in namespaces get prefixes made for the purpose, xml: its own."""
        element = Element("a", "", {"{urn:x}b": "1", "{urn:y}b": "2", "{urn:x}c": "3", "xml:lang": "de"})
        self.assertEqual(
            element.to_bytes(),
            b"<a xmlns:ns0='urn:x' ns0:b='1' xmlns:ns1='urn:y' ns1:b='2' ns0:c='3' xml:lang='de'/>",
        )

    @settings(max_examples=150, deadline=None, database=None)
    @given(elements, st.sampled_from(("", ns.CLIENT, "urn:x")))
    def test_round_trip(self, element: Element, around: str) -> None:
        """What is written is read back equal, wherever it stands."""
        self.assertEqual(parse_element(element.to_bytes(around), around), element)


class ReadingTests(SynchronousTestCase):
    """Bytes to elements."""

    def test_default_namespace(self) -> None:
        """The namespace around an element is that of its unprefixed names."""
        self.assertEqual(parse_element(b"<a/>"), Element("a", ns.CLIENT))
        self.assertEqual(parse_element(b"<a/>", "urn:&'"), Element("a", "urn:&'"))
        self.assertEqual(parse_element(b" <p:a/>\n", "", {"p": "urn:p"}), Element("a", "urn:p"))

    def test_comments_are_dropped(self) -> None:
        """From storage or a file, a comment or processing instruction is just not there."""
        self.assertEqual(parse_element(b"<a>x<!-- y --><?z?>w</a>"), Element("a", ns.CLIENT, None, ("xw",)))

    def test_not_an_element(self) -> None:
        """Whatever is not exactly one element is refused, DTDs and entities with it."""
        for data in NOT_ELEMENTS:
            self.assertRaises(ValueError, parse_element, data)

    def test_depth(self) -> None:
        """Depth costs no stack: reading, comparing and writing go on beyond Python's recursion limit."""
        data = b"<a>" * 5000 + b"</a>" * 5000
        element = parse_element(data, "")
        self.assertEqual(element, parse_element(data, ""))
        self.assertEqual(len(element.to_bytes()), len(data) - len(b"</a>") + len(b"/"))


class FixedElementTests(SynchronousTestCase):
    """What is written once."""

    def test_is_written_as_any_element(self) -> None:
        """Its bytes are those of an element with the same content, in whatever namespace it stands, each time."""
        children: list[Element | str] = [Element("c", ns.CLIENT), "<"]
        fixed, usual = (kind("a", "urn:x", {"b": "'"}, children) for kind in (FixedElement, Element))
        for parent_ns in ("", ns.CLIENT, ns.CLIENT, "urn:x", ""):
            self.assertEqual(fixed.to_bytes(parent_ns), usual.to_bytes(parent_ns))
        self.assertEqual(Element("p", "urn:x", children=[fixed]), Element("p", "urn:x", children=[usual]))

    def test_is_equal_to_the_same_content(self) -> None:
        """For who compares or reads it, it is an element like others."""
        fixed = FixedElement("a", "urn:x", {"b": "c"})
        self.assertEqual(fixed, Element("a", "urn:x", {"b": "c"}))
        self.assertEqual(fixed.get("b"), "c")
