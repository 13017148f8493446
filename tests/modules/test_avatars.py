"""Photos of vCards as avatars: what is converted, where the operator wants that."""

import io
from base64 import b64decode, b64encode
from hashlib import sha1
from importlib.util import find_spec
from typing import Any
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from xmppd.services.profile.pictures import PNG, Pictures
from xmppd.testing.server import MemoryServer

PUBSUB = "{http://jabber.org/protocol/pubsub}"
CONVERT = "[modules.avatars]\nconvert = true\n"


class ConversionTests(SynchronousTestCase):
    """One account with a client, whose photo is a JPEG."""

    def start(self, options: str = CONVERT) -> None:
        """Start a server."""
        self.server = MemoryServer(options + '[hosts."localhost"]\n')
        self.server.add_account("juliet@localhost")
        self.juliet = self.server.logged_in("juliet@localhost/x")

    def photo(self) -> bytes:
        """Give one."""
        if find_spec("PIL") is None:
            raise SkipTest("Pillow is not installed")
        from PIL import Image

        written = io.BytesIO()
        Image.new("RGB", (20, 10)).save(written, "JPEG")
        return written.getvalue()

    def ask(self, type: str, payload: str) -> Element:
        """Send a request and give the answer."""
        self.juliet.inbox.clear()
        self.juliet.send(f"<iq type='{type}' id='q'>{payload}</iq>")
        self.server.settle()
        (answer,) = [each for each in self.juliet.inbox if each.tag.endswith("}iq")]
        return answer

    def set_photo(self, image: bytes) -> None:
        """Put a photo into the vCard."""
        photo = f"<PHOTO><TYPE>image/jpeg</TYPE><BINVAL>{b64encode(image).decode()}</BINVAL></PHOTO>"
        self.ask("set", f"<vCard xmlns='vcard-temp'><FN>Juliet</FN>{photo}</vCard>")

    def published(self) -> tuple[list[dict[str, str]], list[bytes]]:
        """Give what is told of the avatar, and the images that there are."""
        items = (
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:avatar:{}'/></pubsub>"
        )
        told = self.ask("get", items.format("metadata")).iter("{urn:xmpp:avatar:metadata}info")
        infos = [dict(each.attrib) for each in told]
        images = self.ask("get", items.format("data")).iter("{urn:xmpp:avatar:data}data")
        return infos, [b64decode(each.text or "") for each in images]

    def in_vcard(self) -> bytes:
        """Give the photo in the vCard."""
        vcard = self.ask("get", "<vCard xmlns='vcard-temp'/>")
        return b64decode(vcard.findtext(".//{vcard-temp}BINVAL") or "")

    def test_converted(self) -> None:
        """XEP-0084 4.2.1: it is published as PNG, and the vCard has the same; setting it again changes nothing."""
        self.start()
        photo = self.photo()
        for _ in range(2):
            self.set_photo(photo)
            infos, (image,) = self.published()
            self.assertTrue(image.startswith(PNG))
            digest = sha1(image, usedforsecurity=False).hexdigest()
            self.assertEqual(infos, [{"id": digest, "type": "image/png", "bytes": str(len(image))}])
            self.assertEqual(self.in_vcard(), image)

    def test_not_wanted(self) -> None:
        """XEP-0398 3.2: by default a photo is published as it is."""
        self.start("")
        photo = self.photo()
        self.set_photo(photo)
        infos, images = self.published()
        self.assertEqual((infos[0]["type"], images), ("image/jpeg", [photo]))

    def test_what_cannot_be_converted(self) -> None:
        """Is published as it is, too."""
        self.start()
        self.set_photo(b"\xff\xd8\xff and no more")
        infos, images = self.published()
        self.assertEqual((infos[0]["type"], images), ("image/jpeg", [b"\xff\xd8\xff and no more"]))

    def test_another_photo_meanwhile(self) -> None:
        """The one that is there at the end is the avatar."""
        self.start()
        converting: list[Deferred[Any]] = []

        def png_of(self: Pictures, picture: bytes, most_bytes: int) -> Deferred[Any]:
            converting.append(Deferred())
            return converting[-1]

        self.patch(Pictures, "png_of", png_of)
        self.set_photo(b"\xff\xd8\xff first")
        self.set_photo(b"\xff\xd8\xff second")
        for each, png in zip(converting, (PNG + b"1", PNG + b"2"), strict=True):
            each.callback(png)
            self.server.settle()
        self.assertEqual(self.published()[1], [PNG + b"2"])
        self.assertEqual(self.in_vcard(), PNG + b"2")
