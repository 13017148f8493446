"""A large file up and down over real sockets: memory stays as it is, whatever its size."""

import asyncio
import hashlib
import http.client
import random
from collections.abc import Iterator
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from twisted.trial.unittest import SynchronousTestCase

from tests.sockets.process import ServerProcess, shared_server
from tests.sockets.test_slixmpp import ALICE, PASSWORDS, TIMEOUT_S, SlixmppClient

NS = "{urn:xmpp:http:upload:0}"
HERE, SERVICE = "127.0.0.1", "upload.localhost"
OPTIONS = f"""
[http]
listen = ["127.0.0.1:0"]
[components."{SERVICE}"]
module = "upload"
[components."{SERVICE}".modules.upload]
keep_free_bytes = 0
"""
PIECES, PIECE = 40, random.Random(363).randbytes(1_000_000)
MORE_BYTES = 12_000_000
"""What the server may need more at its most than before; a third of the file."""


class UploadTests(SynchronousTestCase):
    """A running server."""

    def test_memory(self) -> None:
        """It takes and gives a file piece by piece."""
        server = shared_server(OPTIONS, tuple(PASSWORDS.items()))
        put, get = asyncio.run(self.slot(server))
        before = server.resident_bytes()
        most = before

        def pieces() -> Iterator[bytes]:
            nonlocal most
            for _ in range(PIECES):
                yield PIECE
                most = max(most, server.resident_bytes())

        headers = {"Host": "localhost", "Content-Length": str(PIECES * len(PIECE))}
        connection = http.client.HTTPConnection(HERE, server.ports["HTTP"], timeout=TIMEOUT_S)
        self.addCleanup(connection.close)
        connection.request("PUT", put, pieces(), headers)
        response = connection.getresponse()
        self.assertEqual((response.status, response.read()), (http.client.CREATED, b""))
        connection.request("GET", get, headers={"Host": "localhost"})
        response = connection.getresponse()
        read = hashlib.sha256()
        while data := response.read(len(PIECE)):
            read.update(data)
            most = max(most, server.resident_bytes())
        self.assertEqual(read.digest(), hashlib.sha256(PIECES * PIECE).digest())
        self.assertLess(most - before, MORE_BYTES)

    async def slot(self, server: ServerProcess) -> list[str]:
        """Give the paths to put to and to get from."""
        client = SlixmppClient(f"{ALICE}/x", PASSWORDS[ALICE], server)
        self.assertEqual(await client.log_in(), "session_start")
        request = client.make_iq_get(ito=SERVICE)
        request.append(Element(f"{NS}request", {"filename": "large.bin", "size": str(PIECES * len(PIECE))}))
        answer = await request.send(timeout=TIMEOUT_S)  # type: ignore[no-untyped-call]  # slixmpp's own
        await client.leave()
        return [urlsplit(each.get("url")).path for each in answer.xml.iter() if each.get("url")]
