"""Pictures become PNG in a process of their own, which is a match for what is not quite a picture."""

import io
from importlib.util import find_spec
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.services.profile import pictures
from xmppd.services.profile.pictures import PNG, WAITING, Pictures, convert

MOST = 100_000


def drawn(kind: str, width: int = 40, height: int = 30, mode: str = "RGB") -> bytes:
    """Give a picture."""
    from PIL import Image

    written = io.BytesIO()
    Image.new(mode, (width, height), 0).save(written, kind)
    return written.getvalue()


class ConversionTests(SynchronousTestCase):
    """The process."""

    def setUp(self) -> None:
        """It needs the library."""
        if find_spec("PIL") is None:
            raise SkipTest("Pillow is not installed")

    def size(self, png: bytes | None) -> tuple[int, int]:
        """Give width and height of what has come."""
        from PIL import Image

        assert png is not None
        self.assertTrue(png.startswith(PNG))
        return Image.open(io.BytesIO(png)).size

    def test_formats(self) -> None:
        """JPEG, GIF and WebP keep their size."""
        for kind in ("JPEG", "GIF", "WEBP"):
            self.assertEqual(self.size(convert(drawn(kind), MOST)), (40, 30), kind)

    def test_large_ones_are_made_smaller(self) -> None:
        """XEP-0084 4.2.1: a photo of a camera becomes a picture that fits, in its proportions."""
        self.assertEqual(self.size(convert(drawn("JPEG", 1_600, 800), MOST)), (512, 256))

    def test_too_large_when_written(self) -> None:
        """Ever smaller ones are tried, and there may be none."""
        from PIL import Image

        noise, written = Image.effect_noise((600, 600), 90.0), io.BytesIO()
        noise.save(written, "JPEG")
        self.assertEqual(self.size(convert(written.getvalue(), 30_000)), (128, 128))
        self.assertIs(convert(written.getvalue(), 100), None)

    def test_bombs(self) -> None:
        """A small file with ninety million pixels is not decoded, nor one with a few more than there may be."""
        bomb = drawn("GIF", 30_000, 3_000, "P")
        self.assertIs(convert(bomb, MOST), None)
        self.assertIs(convert(drawn("JPEG", 2_001, 2_001), MOST), None)

    def test_what_is_none(self) -> None:
        """Nothing, text, the beginning of a picture, and formats that nobody sends."""
        for data in (
            b"",
            b"GIF89a",
            b"<svg/>",
            drawn("JPEG")[:-200],
            drawn("BMP"),
            drawn("TIFF"),
            drawn("EPS"),
        ):
            self.assertIs(convert(data, MOST), None, data[:10])


class ProcessTests(SynchronousTestCase):
    """What it is held to."""

    def program(self, text: str) -> None:
        """Let another program run in its place."""
        file = temporary_folder(self) / "program.py"
        file.write_text(text)
        self.patch(pictures, "PROGRAM", Path(file))

    def test_one_that_hangs(self) -> None:
        """It is ended."""
        self.program("import time\ntime.sleep(60)")
        self.patch(pictures, "LIMIT_S", 0.2)
        self.assertIs(convert(b"x", MOST), None)

    def test_what_it_may_say(self) -> None:
        """What is too long, no PNG, or comes with a failure, is nothing."""
        for says in ("b'x'", f"{PNG!r} + bytes({MOST})"):
            self.program(f"import sys\nsys.stdout.buffer.write({says})")
            self.assertIs(convert(b"x", MOST), None, says)
        self.program(f"import sys\nsys.stdout.buffer.write({PNG!r})\nsys.exit(1)")
        self.assertIs(convert(b"x", MOST), None)


class QueueTests(SynchronousTestCase):
    """Who wants one."""

    def test_one_at_a_time(self) -> None:
        """A few wait for their turn; who comes then has none, and is not held up."""
        running: list[Deferred[bytes]] = []

        def in_thread(*args: object) -> Deferred[bytes]:
            running.append(Deferred())
            return running[-1]

        pictures_ = Pictures(in_thread)
        wanted = [Deferred.fromCoroutine(pictures_.png_of(b"x", MOST)) for _ in range(WAITING + 1)]
        self.assertEqual(len(running), 1)
        self.assertIs(self.successResultOf(wanted.pop()), None)
        for number in range(WAITING):
            running[number].callback(b"png")
            self.assertEqual(self.successResultOf(wanted[number]), b"png")
        self.assertEqual(len(running), WAITING)
