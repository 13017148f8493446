"""Domains of others: who reaches them, both ways, for clients, services and components alike."""

from tests.core.routing import ALICE, REQUEST, RouterTestCase
from xmppd.core.events import Traffic
from xmppd.core.router import Router
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StreamError
from xmppd.stanza.stanza import Stanza
from xmppd.testing.doors import Component, FakeDoor, FakeInlet

FAR = "juliet@far.example/balcony"
BODY = Element("body", "jabber:client", children=["hi"])
PROVEN = {"far.example": {"a.example", "gateway.example"}}


class FarServer:
    """Another server, by a script: it keeps what it gets, and sends what a test says."""

    def __init__(self, router: Router):
        self.router = router
        self.inlet = FakeInlet()
        self.got: list[Stanza] = []
        router.remote.open(self)

    def take(self, traffic: Traffic) -> bool:
        """Take what is for its domain."""
        if traffic.target.domainpart != "far.example":
            return False
        self.got.append(Stanza.parse(traffic.stanza.to_bytes()))
        return True

    def send(self, stanza: Stanza) -> None:
        """Send *stanza*."""
        self.router.from_server(self.inlet, Stanza.parse(stanza.to_bytes()), PROVEN)


class RemoteTests(RouterTestCase):
    """The way to other servers."""

    def test_doors_are_asked_in_order(self) -> None:
        """The first that takes a stanza has it; where none does, the sender hears remote-server-not-found."""
        first, second = FakeDoor(lambda traffic: False), FakeDoor()
        for door in (first, second):
            self.router.remote.open(door)
        self.send("message", BODY, to=FAR)
        self.assertEqual((len(first.stanzas), len(second.stanzas), self.condition()), (1, 1, ""))
        self.router.remote.close(second)
        self.send("message", BODY, to=FAR)
        self.assertEqual((len(second.stanzas), self.condition()), (1, "remote-server-not-found"))

    def test_a_component_and_another_server(self) -> None:
        """promises#components: both ways, IQs and their answers too."""
        far = FarServer(self.router)
        got: list[Stanza] = []
        component = Component(self.router.service("gateway.example"), got.append)
        component.send(Stanza.make("message", BODY, from_="a@gateway.example", to=FAR, id="1"))
        component.send(Stanza.make("iq", REQUEST, from_="a@gateway.example", to=FAR, type="get", id="2"))
        self.assertEqual((far.got[0].from_, far.got[0].to), ("a@gateway.example", FAR))
        far.send(far.got[1].result(REQUEST))
        far.send(Stanza.make("message", BODY, from_=FAR, to="a@gateway.example", id="3"))
        far.send(Stanza.make("presence", from_=FAR, to="gateway.example"))
        self.assertEqual([s.id for s in got], ["2", "3", None])
        self.assertEqual((got[0].type, got[0].from_), ("result", FAR))

    def test_a_component_and_nobody(self) -> None:
        """It hears remote-server-not-found."""
        got: list[Stanza] = []
        component = Component(self.router.service("gateway.example"), got.append)
        component.send(Stanza.make("message", BODY, from_="a@gateway.example", to=FAR, id="1"))
        self.assertEqual((got[0].type, got[0].from_), ("error", FAR))
        self.assertIn(b"remote-server-not-found", got[0].inner)


class FromServerTests(RouterTestCase):
    """RFC 6120 8.1.1.2, 8.1.2.2: what a stream may send that has proved to be far.example, to two of our domains."""

    def setUp(self) -> None:
        """Let errors be seen that go back."""
        super().setUp()
        self.far = FarServer(self.router)

    def sent(self, from_: str | None, to: str | None, name: str = "message") -> str:
        """Let the other server send something; give the condition of the stream error or of the one it gets back."""
        self.far.got.clear()
        try:
            self.far.send(Stanza.make(name, BODY, from_=from_, to=to, id="1"))
        except StreamError as error:
            return f"stream {error.condition}"
        return "".join(next(stanza.element.elements()).to_bytes("").decode() for stanza in self.far.got)

    def test_right_addresses(self) -> None:
        """They are prepared: compared, delivered and answered as such."""
        self.assertEqual(self.sent("JULIET@Far.example/balcony", "ALICE@A.example/desk"), "")
        (got,) = self.received(self.alice)
        self.assertEqual((got.get("from"), got.get("to")), (FAR, ALICE))

    def test_wrong_addresses(self) -> None:
        """What is missing or no address, or not proven, ends the stream."""
        for from_, to, condition in (
            (None, ALICE, "improper-addressing"),
            ("", ALICE, "improper-addressing"),
            ("@", ALICE, "improper-addressing"),
            (FAR, None, "improper-addressing"),
            (FAR, "", "improper-addressing"),
            (FAR, "@", "improper-addressing"),
            ("x@other.example", ALICE, "invalid-from"),
            ("x@sub.far.example", ALICE, "invalid-from"),
            (ALICE, ALICE, "invalid-from"),
            (FAR, "carol@b.example", "invalid-from"),
            (FAR, "x@third.example", "invalid-from"),
        ):
            self.assertEqual(self.sent(from_, to), f"stream {condition}", (from_, to))
        self.assertEqual(self.received(self.alice), [])

    def test_a_name_that_is_none(self) -> None:
        """A user's mistake is answered: others' stanzas on the stream go on."""
        self.assertIn("jid-malformed", self.sent(FAR, "a b@a.example"))
        self.assertEqual((self.far.got[0].from_, self.far.got[0].to), ("a.example", FAR))

    def test_never_to_a_third_server(self) -> None:
        """A domain that the stream was proved for and that is gone is not looked for elsewhere."""
        other = FakeDoor()
        self.router.remote.open(other)
        proven = {"far.example": {"gone.example"}}
        self.router.from_server(
            self.far.inlet, Stanza.make("message", BODY, from_=FAR, to="x@gone.example"), proven
        )
        self.assertEqual(other.stanzas, [])
        self.assertIn(b"remote-server-not-found", self.far.got[0].inner)

    def test_what_is_counted(self) -> None:
        """Each stanza, refused ones too."""
        self.sent(FAR, ALICE)
        self.sent(FAR, "nobody@a.example")
        self.sent(FAR, "a@a.example", "presence")
        self.assertEqual(self.far.inlet.ledger.routed, [0, 0, 0])
