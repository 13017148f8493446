"""Stanzas: the top tag and the raw bytes inside (RFC 6120 8)."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.stanza.test_element import elements, texts
from xmppd.stanza import ns
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.stanza import Stanza

BODY = Element("body", ns.CLIENT, None, ("hi",))
X = Element("x", "urn:x")
maybe = st.none() | texts
payloads = st.lists(elements, max_size=3)

NOT_STANZAS = (
    b"",
    b"<message>",
    b"<message/><message/>",
    b" <message/>",
    b"<message/>\n",
    b"<body/>",
    b"<message xmlns='urn:x'/>",
    b"<message></presence>",
    b"x",
    b"<!-- --><message/>",
)


class MakingTests(SynchronousTestCase):
    """New stanzas."""

    def test_make(self) -> None:
        """Elements and bytes may be mixed; the names of the children are known without parsing."""
        stanza = Stanza.make("message", BODY, b"<x xmlns='urn:x'/><y/>", to="a@b", type="chat", lang="en")
        self.assertEqual(
            stanza.to_bytes(),
            b"<message to='a@b' type='chat' xml:lang='en'><body>hi</body><x xmlns='urn:x'/><y/></message>",
        )
        self.assertEqual(stanza.child_names, ((ns.CLIENT, "body"), ("urn:x", "x"), (ns.CLIENT, "y")))
        self.assertTrue(stanza.has("x", "urn:x"))
        self.assertFalse(stanza.has("x", ns.CLIENT))

    def test_not_a_stanza(self) -> None:
        """There are three kinds, and their content is well-formed."""
        self.assertRaises(ValueError, Stanza.make, "body")
        for payload in (b"<x>", b"</message>", b"<p:x/>", b"<x/></x><x>"):
            self.assertRaises(ValueError, Stanza.make, "message", payload)

    def test_head(self) -> None:
        """Values of attributes are escaped, whichever of them are there."""
        value = "a'&<\"\n"
        escaped = "a&apos;&amp;&lt;&quot;&#10;"
        stanza = Stanza.make("iq", to="a", from_="b", id=value, type="get")
        self.assertEqual(stanza.head(), f"<iq to='a' from='b' id='{escaped}' type='get'>")
        self.assertEqual(stanza.replace(from_=None).head(), f"<iq to='a' id='{escaped}' type='get'>")
        self.assertEqual(
            stanza.replace(id="1", lang=value).head(),
            f"<iq to='a' from='b' id='1' type='get' xml:lang='{escaped}'>",
        )

    def test_child(self) -> None:
        """A child is parsed when it is asked for."""
        stanza = Stanza.make("message", BODY)
        self.assertEqual(stanza.child("body", ns.CLIENT), BODY)
        self.assertIsNone(stanza.child("body", "urn:x"))
        self.assertIs(stanza.element, stanza.element)
        self.assertEqual((stanza.element.name, stanza.element.ns), ("message", ns.CLIENT))


class ParsingTests(SynchronousTestCase):
    """Stanzas from storage."""

    def test_not_a_stanza(self) -> None:
        """Exactly one stanza and nothing around it."""
        for data in NOT_STANZAS:
            self.assertRaises(ValueError, Stanza.parse, data)
        for element in (BODY, Element("message", "urn:x")):
            self.assertRaises(ValueError, Stanza.from_element, element)

    def test_declared_prefixes(self) -> None:
        """A prefix that the top tag declares is not lost with it."""
        stanza = Stanza.parse(b"<message xmlns:f='urn:f' f:a='1'><f:x/></message>")
        self.assertEqual((stanza.inner, stanza.child_names), (b"<x xmlns='urn:f'/>", (("urn:f", "x"),)))
        self.assertEqual(stanza.element.attrs, {"{urn:f}a": "1"})

    @settings(max_examples=100, deadline=None, database=None)
    @given(st.sampled_from(("message", "presence", "iq")), maybe, maybe, maybe, maybe, maybe, payloads)
    def test_round_trip(
        self,
        name: str,
        to: str | None,
        from_: str | None,
        id_: str | None,
        type_: str | None,
        lang: str | None,
        payload: list[Element],
    ) -> None:
        """Whatever is written can be read back, the same."""
        stanza = Stanza.make(name, *payload, to=to, from_=from_, id=id_, type=type_, lang=lang)
        again = Stanza.parse(stanza.to_bytes())
        self.assertEqual(again, stanza)
        self.assertEqual(hash(again), hash(stanza))
        for slot in ("name", "to", "from_", "id", "type", "lang", "extra", "inner", "child_names"):
            self.assertEqual(getattr(again, slot), getattr(stanza, slot))
        self.assertEqual(list(again.element.elements()), payload)
        self.assertEqual(Stanza.from_element(again.element), stanza)

    @settings(max_examples=50, deadline=None, database=None)
    @given(st.dictionaries(st.sampled_from(("a", "xml:space", "{urn:x}a", "{urn:y}to")), texts))
    def test_extra_attributes(self, attrs: dict[str, str]) -> None:
        """Attributes without a meaning here survive reading and writing."""
        stanza = Stanza.from_element(Element("iq", ns.CLIENT, {"to": "a", **attrs}, (X,)))
        again = Stanza.parse(stanza.to_bytes())
        self.assertEqual(again.element.attrs, {"to": "a", **attrs})
        self.assertEqual(again, stanza)


class ChangingTests(SynchronousTestCase):
    """Stanzas made of others, which stay as they are."""

    def test_replace(self) -> None:
        """The content is shared; None takes an attribute away."""
        stanza = Stanza.make("message", BODY, to="a", id="1")
        before = stanza.to_bytes()
        other = stanza.replace(from_="b", id=None)
        self.assertEqual(other.to_bytes(), b"<message to='a' from='b'><body>hi</body></message>")
        self.assertIs(other.inner, stanza.inner)
        self.assertEqual(stanza.to_bytes(), before)

    def test_sent_by(self) -> None:
        """The sender is replaced, and a language of the stanza's own counts more than the stream's."""
        stanza = Stanza.make("message", BODY, to="a", from_="x", id="1")
        self.assertEqual(stanza.sent_by("b", "it"), stanza.replace(from_="b", lang="it"))
        self.assertEqual(stanza.replace(lang="la").sent_by("b", "it"), stanza.replace(from_="b", lang="la"))
        self.assertEqual(stanza.sent_by("b", None), stanza.replace(from_="b"))

    def test_with_child(self) -> None:
        """A child is added as the last one."""
        stanza = Stanza.make("message", BODY).with_child(X).with_child(b"<y/>")
        self.assertEqual(stanza.inner, b"<body>hi</body><x xmlns='urn:x'/><y/>")
        self.assertEqual(stanza.child_names[1:], (("urn:x", "x"), (ns.CLIENT, "y")))
        self.assertRaises(ValueError, stanza.with_child, b"</message>")

    def test_without(self) -> None:
        """Children are cut at their offsets: what only looks like one stays."""
        inner = b"a<x xmlns='urn:x' y='>'/>b<body><![CDATA[<x xmlns='urn:x'/>]]></body><x xmlns='urn:x'><x/></x >c"
        stanza = Stanza.make("message", inner)
        cut = stanza.without(lambda namespace, name, _index: (namespace, name) == ("urn:x", "x"))
        self.assertEqual(cut.inner, b"ab<body><![CDATA[<x xmlns='urn:x'/>]]></body>c")
        self.assertEqual(cut.child_names, ((ns.CLIENT, "body"),))
        self.assertEqual(
            stanza.without(lambda _namespace, _name, index: index == 2).child_names, stanza.child_names[:2]
        )
        self.assertIs(stanza.without(lambda *_: False), stanza)

    @settings(max_examples=80, deadline=None, database=None)
    @given(payloads, st.sets(st.integers(0, 2)))
    def test_without_any(self, payload: list[Element], doomed: set[int]) -> None:
        """Whichever children go, the others stay as they were."""
        stanza = Stanza.make("iq", *payload).without(lambda _namespace, _name, index: index in doomed)
        kept = [element for index, element in enumerate(payload) if index not in doomed]
        self.assertEqual(list(stanza.element.elements()), kept)
        self.assertEqual(stanza.child_names, tuple((element.ns, element.name) for element in kept))


class AnsweringTests(SynchronousTestCase):
    """RFC 6120 8.2.3, 8.3.1."""

    def test_result(self) -> None:
        """A result goes back with the same id (RFC 6120 8.2.3)."""
        request = Stanza.make("iq", X, to="a", from_="b", id="1", type="get")
        self.assertEqual(
            request.result(X).to_bytes(), b"<iq to='b' from='a' id='1' type='result'><x xmlns='urn:x'/></iq>"
        )

    def test_error(self) -> None:
        """An error goes back with the same id, without the payload (RFC 6120 8.3.1)."""
        for name in ("message", "presence", "iq"):
            reply = Stanza.make(name, BODY, to="a", from_="b", id="1").error_reply(StanzaError("forbidden"))
            self.assertEqual(
                (reply.name, reply.to, reply.from_, reply.id, reply.type), (name, "b", "a", "1", "error")
            )
            self.assertEqual(reply.child_names, ((ns.CLIENT, "error"),))
            self.assertEqual(reply.child("error", ns.CLIENT), StanzaError("forbidden").to_element())

    def test_never_an_error_for_an_error(self) -> None:
        """RFC 6120 8.3.1: an error or a result is never answered with an error."""
        answers = [Stanza.make(name, type="error") for name in ("message", "presence", "iq")]
        for stanza in [*answers, Stanza.make("iq", type="result")]:
            self.assertRaises(ValueError, stanza.error_reply, StanzaError("forbidden"))
        self.assertEqual(Stanza.make("message", type="result").error_reply(StanzaError("gone")).type, "error")

    def test_only_requests_have_results(self) -> None:
        """RFC 6120 8.2.3: a result answers a get or a set."""
        for stanza in (
            Stanza.make("message"),
            Stanza.make("iq", type="error"),
            Stanza.make("iq", type="result"),
        ):
            self.assertRaises(ValueError, stanza.result)
