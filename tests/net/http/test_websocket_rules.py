"""RFC 6455 5 and 7, byte by byte: what a client sends, and what becomes of it.

Each row is sent in one piece and in pieces of one byte, which must make no difference. A frame is written out here by
its parts, so that no library stands between the table and the specification.
"""

from tests.net.http.test_websocket import PING, WebSocketTestCase
from xmppd.testing.websocket import WebSocketClient

CONT, TEXT, BINARY, CLOSE, PING_FRAME, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
MASK = b"\x37\xfa\x21\x3d"
STANZA = PING.encode()
NO_CODE = 1005
"""What stands for a close without a code, which nobody sends (7.1.5)."""

Row = tuple[str, bytes, object]


def frame(
    opcode: int, data: bytes = b"", fin: int = 1, rsv: int = 0, mask: bytes | None = MASK, long: int = 0
) -> bytes:
    """A frame (5.2); *long* is the number of bytes of its length, 0 for as few as it takes."""
    size = len(data)
    long = long or (1 if size < 126 else 2 if size < 65_536 else 8)
    first, bit = fin << 7 | rsv << 4 | opcode, 0 if mask is None else 0x80
    if long == 1:
        head = bytes([first, bit | size])
    else:
        head = bytes([first, bit | (126 if long == 2 else 127)]) + size.to_bytes(long, "big")
    masked = data if mask is None else bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
    return head + (mask or b"") + masked


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    """A close frame (5.5.1)."""
    return frame(CLOSE, b"" if code is None else code.to_bytes(2, "big") + reason)


ANSWERED: tuple[Row, ...] = (
    ("5.2: a text", frame(TEXT, STANZA), 1),
    ("5.2: a mask of zeros", frame(TEXT, STANZA, mask=bytes(4)), 1),
    ("5.4: in two fragments", frame(TEXT, STANZA[:9], fin=0) + frame(CONT, STANZA[9:]), 1),
    ("5.4: in three, one of them empty", frame(TEXT, b"", 0) + frame(CONT, STANZA, 0) + frame(CONT), 1),
    (
        "5.4: two messages, both in fragments",
        2 * (frame(TEXT, STANZA[:9], fin=0) + frame(CONT, STANZA[9:])),
        2,
    ),
    (
        "5.4, 5.6: a character that is cut in two",
        frame(TEXT, STANZA.replace(b"id='p'", "id='é'".encode())[:34], fin=0)
        + frame(CONT, STANZA.replace(b"id='p'", "id='é'".encode())[34:]),
        1,
    ),
    (
        "5.4, 5.5: a ping and a pong between fragments",
        frame(TEXT, STANZA[:9], fin=0) + frame(PING_FRAME, b"x") + frame(PONG) + frame(CONT, STANZA[9:]),
        1,
    ),
    ("5.5.3: a pong that nobody has asked for", frame(PONG, b"x") + frame(TEXT, STANZA), 1),
    ("5.2: a longer length than it takes, two bytes", frame(TEXT, STANZA, long=2), 1),
    ("5.2: a longer length than it takes, eight bytes", frame(TEXT, STANZA, long=8), 1),
)
"""What goes on: each with the number of answers to it."""

FAILED: tuple[Row, ...] = (
    ("5.1: not masked", frame(TEXT, STANZA, mask=None), 1002),
    ("5.1: a ping that is not masked", frame(PING_FRAME, mask=None), 1002),
    *((f"5.2: reserved bit {rsv}", frame(TEXT, STANZA, rsv=rsv), 1002) for rsv in (1, 2, 4, 7)),
    *(
        (f"5.2: reserved opcode {opcode}", frame(opcode), 1002)
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
    ),
    ("5.2: a length with its highest bit set", b"\x81\xff" + b"\x80" + bytes(7) + MASK, (1002, 1009)),
    ("5.4: a continuation of nothing", frame(CONT, STANZA), 1002),
    ("5.4: one behind a whole message", frame(TEXT, STANZA) + frame(CONT, b"x"), 1002),
    ("5.4: a message within a message", frame(TEXT, b"<", fin=0) + frame(TEXT, STANZA), 1002),
    *(
        (f"5.5: control frame {opcode} in fragments", frame(opcode, fin=0), 1002)
        for opcode in (CLOSE, PING_FRAME, PONG)
    ),
    *(
        (f"5.5: control frame {opcode} of 126 bytes", frame(opcode, b"x" * 126), 1002)
        for opcode in (PING_FRAME, PONG)
    ),
    ("5.5.1: a close of one byte", frame(CLOSE, b"x"), 1002),
    ("5.6, RFC 7395 3.2: a binary message", frame(BINARY, STANZA), 1003),
    ("8.1: no UTF-8", frame(TEXT, b"<a>\xff</a>"), 1007),
    ("8.1: a surrogate", frame(TEXT, b"<a>\xed\xa0\x80</a>"), 1007),
    ("8.1: an overlong slash", frame(TEXT, b"<a>\xc0\xaf</a>"), 1007),
    ("8.1: beyond Unicode", frame(TEXT, b"<a>\xf4\x90\x80\x80</a>"), 1007),
    ("8.1: half a character at the end", frame(TEXT, b"<a>\xc3", fin=0) + frame(CONT), 1007),
    ("8.1: no UTF-8 over fragments", frame(TEXT, b"<a>\xc3", fin=0) + frame(CONT, b"</a>"), 1007),
    ("8.1: a reason that is none", close(1000, b"\xff"), (1002, 1007)),
    ("7.4.2: too big by its length alone", b"\x81\xff" + (1 << 40).to_bytes(8, "big") + MASK, 1009),
)
"""What ends the connection: each with the code, or one of those, that the server says."""

GOOD_CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
BAD_CODES = (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
"""7.4: what may stand in a close frame, and what may not."""


class RuleTests(WebSocketTestCase):
    """A client that has logged in sends it."""

    def pieces(self, data: bytes, size: int) -> WebSocketClient:
        """Send *data* in pieces of so many bytes."""
        client = self.bound()
        for start in range(0, len(data), size):
            if not client.is_gone:
                self.web.send(client.transport, data[start : start + size])
        return client

    def test_what_goes_on(self) -> None:
        """Nothing is lost, nothing is answered twice."""
        for name, data, answers in ANSWERED:
            for size in (len(data), 1):
                client = self.pieces(data, size)
                texts = client.read()
                self.assertEqual((len(texts), client.is_gone), (answers, False), (name, size, texts))

    def test_a_mask_like_a_head(self) -> None:
        """5.3: a mask is any four bytes, also where it comes in a piece of its own."""
        data = frame(TEXT, STANZA, mask=b"\x81\x80\x81\xfe")
        head = len(data) - len(STANZA) - len(MASK)
        client = self.bound()
        for piece in (data[:head], data[head:], data):
            self.web.send(client.transport, piece)
        self.assertEqual((len(client.read()), client.is_gone), (2, False))

    def test_what_fails(self) -> None:
        """7.1.7: with its code, and whatever stands behind is not looked at."""
        for name, data, code in FAILED:
            codes = code if isinstance(code, tuple) else (code,)
            for size in (len(data), 1):
                client = self.pieces(data + frame(TEXT, STANZA), size if size == 1 else len(data) * 2 + 99)
                texts = client.read()
                self.assertIn(client.close_code, codes, (name, size))
                self.assertTrue(client.is_gone, (name, size))
                self.assertLessEqual(len(texts), 1 if "behind a whole" in name else 0, (name, texts))

    def test_pings_are_answered(self) -> None:
        """5.5.2, 5.5.3: each with what it has, of up to 125 bytes."""
        for data in (b"", b"x", b"\x00\xff", b"x" * 125):
            client = self.pieces(frame(PING_FRAME, data), 1_000)
            self.assertIn(bytes([0x8A, len(data)]) + data, bytes(client.transport.written), data)

    def test_closing(self) -> None:
        """7.1.2, 7.4: a close is answered with one, whose code is the same; one that may not be is an error."""
        for codes, is_good in ((GOOD_CODES, True), (BAD_CODES, False)):
            for code in codes:
                client = self.pieces(close(code, b"so long"), 1)
                client.read()
                self.assertEqual(client.close_code, code if is_good else 1002, code)
                self.assertTrue(client.is_gone, code)
        client = self.pieces(close(), 1)
        client.read()
        self.assertIn(client.close_code, (1000, NO_CODE))

    def test_nothing_behind_a_close(self) -> None:
        """5.5.1: it is not looked at."""
        client = self.pieces(close(1000) + frame(TEXT, STANZA), 1_000)
        self.assertEqual(client.read(), [])
