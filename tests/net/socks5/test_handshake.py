"""SOCKS5 as XEP-0065 5.2.3 uses it (RFC 1928): whatever comes, and in whatever pieces."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from xmppd.net.socks5.handshake import Handshake, Step

KEY = b"a1" * 20
METHODS = b"\x05\x01\x00"
REQUEST = b"\x05\x01\x00\x03\x28" + KEY + b"\x00\x00"


def shaken(*pieces: bytes) -> tuple[Handshake, bytes]:
    """Give the handshake behind these pieces, and what it answered."""
    handshake = Handshake()
    return handshake, b"".join(handshake.feed(piece) for piece in pieces)


class HandshakeTests(SynchronousTestCase):
    """`Handshake`."""

    def test_right(self) -> None:
        """The key is known; the answer names the address that was asked for."""
        handshake, answer = shaken(METHODS, REQUEST)
        self.assertEqual((handshake.step, handshake.key, answer), (Step.WAITING, KEY.decode(), b"\x05\x00"))
        self.assertEqual(handshake.answer(True), b"\x05\x00\x00\x03\x28" + KEY + b"\x00\x00")
        self.assertEqual(handshake.step, Step.WAITING)

    def test_not_taken(self) -> None:
        """Who may not wait is told so."""
        handshake, _ = shaken(METHODS, REQUEST)
        self.assertEqual(handshake.answer(False)[:2], b"\x05\x01")
        self.assertEqual(handshake.step, Step.FAILED)

    def test_pieces(self) -> None:
        """Byte by byte, and all at once with something behind it."""
        handshake, answer = shaken(*(bytes((byte,)) for byte in METHODS + REQUEST))
        self.assertEqual((handshake.step, answer), (Step.WAITING, b"\x05\x00"))
        handshake, _ = shaken(METHODS + REQUEST + b"early")
        self.assertEqual((handshake.step, handshake.rest), (Step.WAITING, b"early"))

    def test_refused(self) -> None:
        """Another version, method, command, kind of address, port, and what is no hash."""
        for sent, answer in (
            (b"\x04\x01", b""),
            (b"GET / HTTP/1.1\r\n", b""),
            (b"\x05\x01\x02", b"\x05\xff"),
            (b"\x05\x00", b"\x05\xff"),
            (METHODS + b"\x04", b"\x05\x00"),
            (METHODS + REQUEST.replace(b"\x05\x01\x00\x03", b"\x05\x03\x00\x03"), b"\x05\x00\x05\x07"),
            (METHODS + b"\x05\x01\x00\x01", b"\x05\x00\x05\x08"),
            (METHODS + REQUEST[:-1] + b"\x50", b"\x05\x00\x05\x01"),
            (METHODS + REQUEST.replace(b"a1", b"A1"), b"\x05\x00\x05\x01"),
            (METHODS + b"\x05\x01\x00\x03\x03abc\x00\x00", b"\x05\x00\x05\x01"),
            (METHODS + b"\x05\x01\x00\x03\x00\x00\x00", b"\x05\x00\x05\x01"),
        ):
            handshake, answered = shaken(sent)
            self.assertEqual(handshake.step, Step.FAILED, sent)
            self.assertTrue(answered.startswith(answer) and bool(answered) == bool(answer), (sent, answered))

    @given(st.lists(st.binary(max_size=300), max_size=8))
    def test_anything(self, pieces: list[bytes]) -> None:
        """Nothing that comes raises; what waits for a request is bounded by one."""
        handshake = Handshake()
        for piece in pieces:
            if handshake.step in (Step.METHODS, Step.REQUEST):
                handshake.feed(piece)
        if handshake.step in (Step.METHODS, Step.REQUEST):
            self.assertLess(len(handshake.rest), 262)
