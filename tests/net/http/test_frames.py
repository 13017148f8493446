"""Whole texts, and what is left to the library: RFC 6455 5."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from websockets.frames import Frame, Opcode
from websockets.protocol import SERVER, Protocol

from xmppd.net.http.frames import whole_texts

LIMIT = 70_000


def frame(data: bytes, opcode: Opcode = Opcode.TEXT, fin: bool = True, mask: bool = True) -> bytes:
    """A frame as a client sends it."""
    return Frame(opcode, data, fin).serialize(mask=mask)


class WholeTextsTests(SynchronousTestCase):
    """`whole_texts`."""

    def test_taken(self) -> None:
        """One or several, of any size that two bytes tell."""
        for size in (0, 1, 125, 126, 65_535):
            data = b"<" * size
            self.assertEqual(whole_texts(frame(data) * 3, LIMIT), ([data] * 3, 3 * len(frame(data))), size)

    def test_left(self) -> None:
        """Everything else, and all that stands behind it."""
        text = frame(b"<a/>")
        for other in (
            frame(b"x", fin=False),
            frame(b"x", Opcode.BINARY),
            frame(b"x", Opcode.CONT),
            frame(b"", Opcode.PING),
            frame(b"", Opcode.CLOSE),
            frame(b"x", mask=False),
            frame(b"x" * 65_536),
            b"\xc1" + frame(b"x")[1:],
            b"\x81\xfe\x00\x01" + bytes(5),
        ):
            self.assertEqual(whole_texts(text + other + text, LIMIT), ([b"<a/>"], len(text)), other[:4])

    def test_a_part(self) -> None:
        """Of a frame is left until the rest is there."""
        for part in (
            frame(b"x" * 200)[:-1],
            frame(b"x")[:-1],
            frame(b"")[:-1],
            b"\x81\xfe\x00",
            b"\x81",
            b"",
        ):
            text = frame(b"<a/>")
            self.assertEqual(whole_texts(text + part, LIMIT), ([b"<a/>"], len(text)), part)

    def test_too_big(self) -> None:
        """The limit is the library's to enforce."""
        self.assertEqual(whole_texts(frame(b"x" * 200), 199), ([], 0))

    @settings(max_examples=200, deadline=None)
    @given(st.lists(st.binary(max_size=300), max_size=6), st.integers(0, 2_000), st.integers(0, 255))
    def test_as_the_library(self, texts: list[bytes], place: int, value: int) -> None:
        """What is taken is what the library makes of the same bytes, whatever they are."""
        data = bytearray(b"".join(map(frame, texts)))
        if place < len(data):
            data[place] = value
        taken, end = whole_texts(bytes(data), LIMIT)
        library = Protocol(SERVER, max_size=LIMIT)
        library.receive_data(bytes(data[:end]))
        events = library.events_received()
        self.assertEqual([bytes(event.data) for event in events if isinstance(event, Frame)], taken)
        self.assertEqual((len(library.reader.buffer), library.writes), (0, []))
