"""A server that is killed at random moments while files are uploaded and invitations are used.

Of each file either all is served or nothing; one whose upload was answered with 201 is served. By each invitation one
account is made at most, however many try; one that was answered for is there, and a good one is good still.
"""

import asyncio
import hashlib
import http.client
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep as pause
from typing import Final
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree

from slixmpp import JID

from tests.faults.parties import Broken
from tests.sockets.process import ServerProcess
from tests.sockets.test_slixmpp import TIMEOUT_S, SlixmppClient
from xmppd.admin.control.client import ControlClient

HERE: Final = "127.0.0.1"
ROMEO, PASSWORD = "romeo@localhost", "a secret of theirs"
NS: Final = "{urn:xmpp:http:upload:0}"
OPTIONS: Final = """
[http]
listen = ["127.0.0.1:0"]
[storage]
durability = "{durability}"
[components."upload.localhost"]
module = "upload"
[modules.upload]
keep_free_bytes = 0
account_bytes = 0
day_bytes = 0
[modules.invitations]
attempts_per_hour = 1_000_000
"""
FILES, INVITATIONS, RIVALS = 12, 6, 2
"""Of one life; so many try to use each invitation."""
MAX_BYTES: Final = 600_000
PIECE_BYTES: Final = 16 * 1024
PAUSE_S: Final = 0.005
PIECE_PAUSE_S: Final = 0.06
"""At most between two pieces of an upload, so that the kill comes in the middle of many."""
PATIENCE: Final = 1_000
"""So many times something is looked at that is done soon after a start."""
PASSED_ON: Final = (OSError, http.client.HTTPException)
"""What a client meets when the server is killed."""


@dataclass(slots=True)
class File:
    """A file that somebody uploads."""

    data: bytes
    put: str
    get: str
    is_acknowledged: bool = False


@dataclass(slots=True)
class Chance:
    """An invitation, the names that somebody tries to get by it, and those who were told that they have."""

    token: str
    names: list[str]
    done: set[str] = field(default_factory=set)


class WebContract:
    """What holds of files and invitations from life to life."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: ServerProcess | None = None
        self._files: list[File] = []
        self._chances: list[Chance] = []
        self._number = 0

    def stop(self) -> None:
        """End the server, whatever has happened."""
        if self._server is not None:
            self._server.kill()

    def report(self) -> str:
        """Say what there was."""
        acknowledged = sum(file.is_acknowledged for file in self._files)
        used = sum(bool(chance.done) for chance in self._chances)
        return (
            f"{len(self._files)} uploads, {acknowledged} acknowledged; {len(self._chances)} invitations, "
            f"{used} used"
        )

    async def live(self, durability: str, seconds: float, *, is_over: bool = False) -> None:
        """Start a server, look at what the last one left, have it work for so long, and kill it; `Broken`."""
        options = OPTIONS.format(durability=durability)
        accounts = () if self._server is not None else ((ROMEO, PASSWORD),)
        self._server = server = ServerProcess(self._folder, options, accounts)
        await asyncio.to_thread(self._check, server)
        if is_over:
            return
        files = await self._slots(server)
        chances = self._invite(server)
        self._files += files
        self._chances += chances
        with ThreadPoolExecutor(FILES + INVITATIONS * RIVALS) as working:
            for file in files:
                working.submit(self._upload, server, file)
            for chance in chances:
                for name in chance.names:
                    working.submit(self._register, server, chance, name)
            await asyncio.sleep(seconds)
            server.kill()

    # -- work ---------------------------------------------------------------------------------------------------------

    async def _slots(self, server: ServerProcess) -> list[File]:
        client = SlixmppClient(f"{ROMEO}/desk", PASSWORD, server)
        if await client.log_in() != "session_start":
            raise Broken("nobody can log in")
        files = []
        for _ in range(FILES):
            data = random.randbytes(random.randint(1, MAX_BYTES))
            request = client.make_iq_get(ito=JID("upload.localhost"))
            attrs = {"filename": "a file.bin", "size": str(len(data))}
            request.append(ElementTree.Element(f"{NS}request", attrs))
            answer = await request.send(timeout=TIMEOUT_S)  # type: ignore[no-untyped-call]  # slixmpp's own
            put, get = (urlsplit(each.get("url")).path for each in answer.xml.iter() if each.get("url"))
            files.append(File(data, put, get))
        await client.leave()
        return files

    def _invite(self, server: ServerProcess) -> list[Chance]:
        chances = []
        control = ControlClient.connect(server.folder / "data")
        for _ in range(INVITATIONS):
            url = control.call("invite.account", {"jid": "localhost"})["url"]
            names = []
            for _ in range(RIVALS):
                self._number += 1
                names.append(f"guest{self._number}")
            chances.append(Chance(url.rpartition("/")[2], names))
        control.close()
        return chances

    def _upload(self, server: ServerProcess, file: File) -> None:
        """Send a file slowly."""

        def pieces() -> Iterator[bytes]:
            for start in range(0, len(file.data), PIECE_BYTES):
                pause(PIECE_PAUSE_S * random.random())
                yield file.data[start : start + PIECE_BYTES]

        with suppress(*PASSED_ON):
            headers = {"Host": "localhost", "Content-Length": str(len(file.data))}
            file.is_acknowledged = (
                self._ask(server, "PUT", file.put, pieces(), headers)[0] == http.client.CREATED
            )

    def _register(self, server: ServerProcess, chance: Chance, name: str) -> None:
        with suppress(*PASSED_ON):
            pause(random.random() / 2)
            if self._sent(server, chance, name) == http.client.OK:
                chance.done.add(name)

    def _sent(self, server: ServerProcess, chance: Chance, name: str) -> int:
        form = {"username": name, "password": PASSWORD, "repeat": PASSWORD}
        headers = {"Host": "localhost", "Content-Type": "application/x-www-form-urlencoded"}
        return self._ask(server, "POST", f"/register/{chance.token}", urlencode(form).encode(), headers)[0]

    def _ask(
        self,
        server: ServerProcess,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] = b"",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(HERE, server.ports["HTTP"], timeout=TIMEOUT_S)
        try:
            connection.request(method, path, body, headers or {"Host": "localhost"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    # -- what holds ---------------------------------------------------------------------------------------------------

    def _check(self, server: ServerProcess) -> None:
        served = sum([self._check_file(server, file) for file in self._files])
        control = ControlClient.connect(server.folder / "data")
        there = {row["jid"].partition("@")[0] for row in control.call("user.list", {})}
        control.close()
        for chance in self._chances:
            self._check_chance(server, chance, there)
        self._check_folder(server, served)

    def _check_file(self, server: ServerProcess, file: File) -> bool:
        """Whether it is served, and all of it."""
        for _ in range(PATIENCE):
            status, data = self._ask(server, "GET", file.get)
            if status == http.client.OK or not file.is_acknowledged:
                break
            pause(PAUSE_S)  # what the last life had not moved to its place is moved after the start
        if status == http.client.OK and hashlib.sha256(data).digest() != hashlib.sha256(file.data).digest():
            raise Broken(f"{file.get}: {len(data)} bytes are served, of {len(file.data)}")
        if status != http.client.OK and file.is_acknowledged:
            raise Broken(f"{file.get} was acknowledged, and is answered with {status}")
        return status == http.client.OK

    def _check_chance(self, server: ServerProcess, chance: Chance, there: set[str]) -> None:
        """By each invitation one account was made at most; where none was, it is good still."""
        made = there & set(chance.names)
        if len(made) > 1 or len(chance.done) > 1:
            raise Broken(f"{made or chance.done} were made by one invitation")
        if chance.done - made:
            raise Broken(f"{chance.done} was told of an account that is not there")
        if chance.done != made:
            chance.done = made
        self._number += 1
        status = self._sent(server, chance, f"late{self._number}")
        if (status == http.client.OK) == bool(made):
            raise Broken(f"an invitation by which {made or 'none'} was made is answered with {status}")
        if not made:
            chance.names.append(f"late{self._number}")
            chance.done = {f"late{self._number}"}

    def _check_folder(self, server: ServerProcess, served: int) -> None:
        """No half file is left, and no file that nobody can have."""
        folder = server.folder / "data" / "uploads"
        for _ in range(PATIENCE):
            left = [path for path in folder.rglob("*") if path.is_file()]
            if len(left) == served and not any(path.parent.name == "moving" for path in left):
                return
            pause(PAUSE_S)
        raise Broken(f"{served} files are served, and there are {left}")
