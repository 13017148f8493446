"""A third-party client for terminals, profanity, in a room of a real server; slixmpp beside it sees what it does."""

import asyncio
import os
import pty
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest import skipUnless

from twisted.trial.unittest import SynchronousTestCase

from tests.sockets.process import ServerProcess, shared_server
from tests.sockets.test_rooms import OPTIONS, ROOM, Witch
from tests.sockets.test_slixmpp import ALICE, PASSWORDS, TIMEOUT_S

PROGRAM = "profanity"
CAROL, PASSWORD = "carol@localhost", "carols-secret"
TERMINAL = {"LINES": "40", "COLUMNS": "120", "TERM": "xterm", "LANG": "C.UTF-8"}
AGAIN_S, LOOK_S, END_S = 3.0, 0.05, 10.0
READ_BYTES = 65_536
ACCOUNT = """[{jid}]
enabled=true
jid={jid}
server=127.0.0.1
port={port}
tls.policy=trust
password={password}
"""


class Profanity:
    """One profanity on a terminal of its own, logged in, to which lines are typed; what it shows is read away."""

    def __init__(self, home: Path, server: ServerProcess):
        """*home* is an empty folder."""
        accounts = home / "data" / PROGRAM / "accounts"
        accounts.parent.mkdir(parents=True)
        accounts.write_text(ACCOUNT.format(jid=CAROL, port=server.ports["STARTTLS"], password=PASSWORD))
        folders = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_DATA_HOME": str(home / "data")}
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [PROGRAM, "-a", CAROL],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, **TERMINAL, **folders},
        )
        os.close(theirs)
        asyncio.get_running_loop().add_reader(self._ours, lambda: os.read(self._ours, READ_BYTES))

    async def type_until(self, line: str, is_done: Callable[[], bool]) -> None:
        """Type a line, and once more where nothing comes of it, since it may not have been ready for the first."""
        for _ in range(round(TIMEOUT_S / AGAIN_S)):
            os.write(self._ours, f"{line}\r".encode())
            for _ in range(round(AGAIN_S / LOOK_S)):
                await asyncio.sleep(LOOK_S)
                if is_done():
                    return
        raise AssertionError(f"nothing has come of {line}")

    def end(self) -> None:
        """End the program."""
        asyncio.get_running_loop().remove_reader(self._ours)
        os.close(self._ours)
        self._process.terminate()
        self._process.wait(END_S)


@skipUnless(shutil.which(PROGRAM), f"{PROGRAM} is not installed")
class ProfanityRoomTests(SynchronousTestCase):
    """XEP-0045 as another implementation understands it."""

    def test_room(self) -> None:
        """It enters, speaks, has another nick, is kicked, and comes back."""
        server = shared_server(OPTIONS, (*PASSWORDS.items(), (CAROL, PASSWORD)))
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)

        async def script() -> None:
            alice = Witch(f"{ALICE}/cauldron", server)
            await alice.enter("alice")
            form = await alice.rooms.get_room_config(ROOM)
            form["type"] = "submit"
            await alice.rooms.set_room_config(ROOM, form)
            carol = Profanity(Path(home.name), server)
            try:
                await play(alice, carol)
            finally:
                carol.end()
            await alice.leave()

        async def play(alice: Witch, carol: Profanity) -> None:
            def is_there(nick: str) -> Callable[[], bool]:
                return lambda: nick in alice.rooms.get_roster(ROOM)

            await carol.type_until(f"/join {ROOM} nick carol", is_there("carol"))
            await carol.type_until("Harpier cries ✓", lambda: not alice.said.empty())
            self.assertEqual(await alice.hears(), "Harpier cries ✓")
            await carol.type_until("/nick caroline", is_there("caroline"))
            await alice.rooms.set_role(ROOM, "caroline", "none", reason="Avaunt")
            gone = [await asyncio.wait_for(alice.gone.get(), TIMEOUT_S) for _ in range(2)]
            self.assertEqual([each["from"].resource for each in gone], ["carol", "caroline"])
            self.assertEqual([each["muc"]["status_codes"] for each in gone], [{303}, {307}])
            await carol.type_until(f"/join {ROOM} nick carol", is_there("carol"))

        asyncio.run(script())
