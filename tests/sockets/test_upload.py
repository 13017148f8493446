"""Files over real sockets: memory stays as it is, however large one is; owners see and remove theirs."""

import asyncio
import hashlib
import http.client
import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.docs.pages import commands
from tests.sockets.process import ServerProcess, shared_server
from tests.sockets.test_slixmpp import ALICE, PASSWORDS, TIMEOUT_S, SlixmppClient

NS = "{urn:xmpp:http:upload:0}"
HERE, SERVICE = "127.0.0.1", "upload.localhost"
OPTIONS = f"""
[http]
listen = ["127.0.0.1:0"]
tls_listen = ["127.0.0.1:0"]
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

    def test_own_files(self) -> None:
        """The commands of the page about it, as curl understands them: a list, a file that goes, all files that go."""
        if shutil.which("curl") is None:
            raise SkipTest("curl is not installed")
        server = shared_server(OPTIONS, tuple(PASSWORDS.items()))
        paths = [self.uploaded(server, name) for name in ("first.txt", "second.txt")]
        lines = [words for page, words in commands() if page.name == "uploads.rst"]
        listed, removed, removed_all = (self.command(server, words, paths[0]) for words in lines)
        found = {urlsplit(each["url"]).path for each in self.curl(listed)["files"]}
        self.assertLessEqual(set(paths), found)
        self.assertEqual(self.curl(removed), {})
        found = {urlsplit(each["url"]).path for each in self.curl(listed)["files"]}
        self.assertEqual(found & set(paths), {paths[1]})
        self.assertEqual(self.curl(removed_all)["more"], False)
        self.assertEqual(self.curl(listed), {"files": [], "next": None})

    def command(self, server: ServerProcess, words: list[str], path: str) -> list[str]:
        """Give a command of the page for *server* and the file at *path*."""
        port = server.ports["HTTPS"]
        program, *rest = words
        base, shown = f"https://localhost:{port}", "https://upload.example.org"
        meant = [base + path if "/ID/" in word else word.replace(shown, base) for word in rest]
        meant = [word.replace("romeo@example.org", f"{ALICE}:{PASSWORDS[ALICE]}") for word in meant]
        return [program, "--cacert", str(server.certificate), "--resolve", f"localhost:{port}:{HERE}", *meant]

    def curl(self, command: list[str]) -> dict[str, Any]:
        """Run it; give what it prints."""
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        content: dict[str, Any] = json.loads(done.stdout or "{}")
        return content

    def uploaded(self, server: ServerProcess, name: str) -> str:
        """Upload a short file and give its path."""
        body = name.encode()
        put, get = asyncio.run(self.slot(server, name, len(body)))
        connection = http.client.HTTPConnection(HERE, server.ports["HTTP"], timeout=TIMEOUT_S)
        self.addCleanup(connection.close)
        connection.request("PUT", put, body, {"Host": "localhost"})
        self.assertEqual(connection.getresponse().status, http.client.CREATED)
        return get

    async def slot(
        self, server: ServerProcess, name: str = "large.bin", size: int = PIECES * len(PIECE)
    ) -> list[str]:
        """Give the paths to put to and to get from."""
        client = SlixmppClient(f"{ALICE}/x", PASSWORDS[ALICE], server)
        self.assertEqual(await client.log_in(), "session_start")
        request = client.make_iq_get(ito=SERVICE)
        request.append(Element(f"{NS}request", {"filename": name, "size": str(size)}))
        answer = await request.send(timeout=TIMEOUT_S)  # type: ignore[no-untyped-call]  # slixmpp's own
        await client.leave()
        return [urlsplit(each.get("url")).path for each in answer.xml.iter() if each.get("url")]
