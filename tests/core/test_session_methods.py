"""The methods of a session, row by row of the seed, and what a test must observe of them."""

from twisted.trial.unittest import SynchronousTestCase

from tests.core.connected import HEADER, SessionCase
from xmppd.core.attachment import Attachment
from xmppd.core.filters import FilterStage
from xmppd.core.registry import SessionRegistry
from xmppd.core.session import OutboundFilter, Session
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StreamError
from xmppd.stanza.stanza import Stanza
from xmppd.testing.sessions import FakeConnection, bound_session


class MethodTests(SynchronousTestCase):
    """4b: methods."""

    def setUp(self) -> None:
        """Bind a session on a connection that keeps what is written."""
        self.left: list[str | None] = []
        self.registry = SessionRegistry(lambda session, status: self.left.append(session.full_jid))
        self.session = bound_session(self.registry, "alice@localhost/desk", 0)
        assert isinstance(self.session.conn, FakeConnection)
        self.connection = self.session.conn

    def test_send_takes_stanza_element_text_and_bytes(self) -> None:
        """send: each is written once, in call order, and the answer is true."""
        things = (Stanza.make("message", id="1"), Element("a", "urn:x"), "<b/>", b"<c/>")
        self.assertEqual([self.session.send(thing) for thing in things], [True] * 4)
        expected = [b"<message id='1'></message>", b"<a xmlns='urn:x'/>", b"<b/>", b"<c/>"]
        self.assertEqual(self.connection.written, expected)

    def test_send_after_close_writes_nothing(self) -> None:
        """send: false after close and after destruction, and nothing more is written."""
        self.session.close()
        ended = self.connection.data
        self.assertFalse(self.session.send(b"<late/>"))
        self.registry.destroy(self.session)
        self.assertFalse(self.session.send("<later/>"))
        self.assertEqual(self.connection.data, ended)

    def test_send_without_connection_is_kept_by_a_filter(self) -> None:
        """send: a hibernating session's filter keeps the stanza, and the answer is true."""
        kept: list[object] = []
        self.session.add_filter(FilterStage.COUNT, lambda session, x: kept.append(x))
        self.session.conn = None
        stanza = Stanza.make("message")
        self.assertTrue(self.session.send(stanza))
        self.assertEqual(kept, [stanza])

    def test_send_filters(self) -> None:
        """send: stanza filters see what is no bytes, byte filters see all."""
        stanzas: list[object] = []
        sizes: list[int] = []

        def see(session: Session, x: Stanza | bytes) -> Stanza | bytes:
            stanzas.append(x)
            return x

        def measure(session: Session, data: bytes) -> bytes:
            sizes.append(len(data))
            return data

        self.session.add_filter(FilterStage.WATCH, see)
        self.session.bytes_filters = (measure,)
        stanza = Stanza.make("message")
        self.session.send(stanza)
        self.session.send(b"<raw/>")
        self.assertEqual((stanzas, len(sizes)), ([stanza], 2))

    def test_attachments(self) -> None:
        """What is kept is found by the name of its key, as long as the session lives."""
        key = Attachment[int]("count")
        self.assertEqual(self.session.attached(key), None)
        self.session.attach(key, 3)
        self.assertEqual(self.session.attached(Attachment[int]("count")), 3)
        self.session.attach(key, None)
        self.assertEqual(self.session.attached(key), None)

    def test_filters_see_the_kind(self) -> None:
        """send: a stanza is one to filters however it is written; what is none is the bytes that are written."""
        seen: list[object] = []
        self.session.add_filter(FilterStage.COUNT, lambda session, x: seen.append(x))
        message = Stanza.make("message", b"<body>1</body>", to="a@b")
        for x in (
            message,
            message.to_bytes().decode(),
            message.element,
            Element("r", "urn:x"),
            " ",
            "<message",
        ):
            self.session.send(x)
        self.assertEqual(seen, [message, message, message, b"<r xmlns='urn:x'/>", b" ", b"<message"])

    def test_filters_by_stage(self) -> None:
        """send: filters are passed by their stages, at one stage in the order of adding, until they are removed."""
        passed: list[str] = []

        def filter_named(name: str) -> OutboundFilter:
            return lambda session, x: [passed.append(name), x][1]  # type: ignore[func-returns-value]

        inactive = filter_named("inactive")
        self.session.add_filter(FilterStage.COUNT, filter_named("count"))
        self.session.add_filter(FilterStage.LOGIN, filter_named("login"))
        self.session.add_filter(FilterStage.INACTIVE, inactive)
        self.session.add_filter(FilterStage.WATCH, filter_named("watch"))
        self.session.add_filter(FilterStage.WATCH, filter_named("watch too"))
        self.session.send("x")
        self.assertEqual(passed, ["login", "watch", "watch too", "inactive", "count"])
        self.session.remove_filter(inactive)
        self.session.remove_filter(inactive)
        passed.clear()
        self.session.send("x")
        self.assertEqual(passed, ["login", "watch", "watch too", "count"])

    def test_close_without_reason(self) -> None:
        """close: None writes the end tag alone."""
        self.session.close()
        self.assertEqual(self.connection.data, b"</stream:stream>")

    def test_close_with_a_condition(self) -> None:
        """close: a text is an RFC 6120 4.9.3 condition; error first, end tag after it."""
        self.session.close("conflict")
        self.assertRegex(
            self.connection.data, rb"^<stream:error><conflict [^>]*/></stream:error></stream:stream>$"
        )

    def test_close_with_condition_text_and_extra(self) -> None:
        """close: a stream error brings condition, text and application element."""
        self.session.close(
            StreamError("policy-violation", "Too big", extra=Element("stanza-too-big", "urn:xmpp:errors"))
        )
        for part in (b"<policy-violation", b">Too big</text>", b"<stanza-too-big"):
            self.assertIn(part, self.connection.data)

    def test_close_with_a_stanza(self) -> None:
        """close: a stanza is sent as it stands."""
        self.session.close(Stanza.make("message", id="bye"))
        self.assertEqual(self.connection.data, b"<message id='bye'></message></stream:stream>")

    def test_close_twice_is_harmless(self) -> None:
        """close: the second time writes nothing, and those who must know are told once."""
        self.session.close()
        data = self.connection.data
        self.session.close("conflict")
        self.assertEqual((self.connection.data, self.left), (data, ["alice@localhost/desk"]))

    def test_close_frees_the_resource_at_once(self) -> None:
        """close: the registry's entry is gone and the name can be bound again."""
        self.session.close()
        again = bound_session(self.registry, "alice@localhost/desk")
        self.assertIs(self.registry.get("alice@localhost/desk"), again)

    def test_disconnect_is_close(self) -> None:
        """disconnect: the older name of close."""
        self.assertIs(Session.disconnect, Session.close)

    def test_destroy_leaves_a_resting_object(self) -> None:
        """destroy_session: out of both indexes, told once, and send gives false."""
        self.registry.destroy(self.session, "bye")
        self.registry.destroy(self.session)
        self.assertEqual((len(self.registry), self.left), (0, ["alice@localhost/desk"]))
        self.assertFalse(self.session.send(b"<x/>"))
        self.assertEqual(self.connection.data, b"")


class ClosingHandshakeTests(SessionCase):
    """4b, close: who waits for whom."""

    def test_close_waits_for_the_peer(self) -> None:
        """close: after our end tag the connection is dropped when the peer's comes."""
        self.bind()
        self.session.close()
        self.assertTrue(self.client.is_connected)
        self.client.send("</stream:stream>")
        self.assertFalse(self.client.is_connected)

    def test_close_waits_five_seconds_at_most(self) -> None:
        """close: a peer that does not answer is dropped after the limit."""
        self.bind()
        self.session.close()
        self.memory.clock.advance(4.9)
        self.assertTrue(self.client.is_connected)
        self.memory.clock.advance(0.2)
        self.assertFalse(self.client.is_connected)

    def test_close_by_the_peer(self) -> None:
        """close: the peer's end tag is answered with ours, and the connection is dropped."""
        self.bind()
        self.client.send("</stream:stream>")
        self.assertTrue(self.client.inbox[-1].tag.endswith("}end"))
        self.assertFalse(self.client.is_connected)

    def test_close_before_authentication_drops_at_once(self) -> None:
        """close: nobody waits for a peer that has not authenticated."""
        self.say(HEADER.format("localhost"))
        self.session.close()
        self.assertFalse(self.client.is_connected)
