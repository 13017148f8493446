"""A disk without room: the sender hears of it, nothing old is lost, and service goes on once there is room.

promises#disk-full. A real server with its data on a small tmpfs, so that this needs the right to mount one.
"""

import asyncio
import subprocess
from collections.abc import Coroutine
from typing import Any
from xml.etree import ElementTree

from slixmpp import JID
from slixmpp.exceptions import IqError
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.sockets.process import ServerProcess
from tests.sockets.test_slixmpp import TIMEOUT_S, SlixmppClient
from tests.temporary import temporary_folder

PASSWORD = "a secret of theirs"
ALICE, BOB = "alice@localhost", "bob@localhost"
NS_PRIVATE = "jabber:iq:private"
DISK, BALLAST_BYTES = "3m", 600_000
LONG = "x" * 20_000
FLOOD = 60
"""So many long messages do not fit, since each is kept three times."""


class Sender(SlixmppClient):
    """Sends messages, and keeps the errors that come back, by the message's id."""

    def __init__(self, server: ServerProcess) -> None:
        super().__init__(f"{ALICE}/desk", PASSWORD, server)
        self.errors: dict[str, Any] = {}
        self.add_event_handler("message_error", self._failed)

    def say(self, body: str) -> str:
        """Send a message to bob; gives its id."""
        message = self.make_message(mto=JID(BOB), mbody=body, mtype="chat")
        message.send()
        return str(message["id"])

    async def store(self) -> str:
        """Store something of one's own that is larger than what may be left; gives the error, "" for none.

        It is decided behind all that was sent before.
        """
        request = self.make_iq_set()
        query = ElementTree.SubElement(request.xml, f"{{{NS_PRIVATE}}}query")
        ElementTree.SubElement(query, "{of:ours}notes").text = 3_000 * request["id"]  # other pages each time
        try:
            await request.send(timeout=TIMEOUT_S)  # type: ignore[no-untyped-call]  # slixmpp's own
        except IqError as error:
            return f"{error.etype} {error.condition}"
        return ""

    def _failed(self, message: Any) -> None:
        self.errors[message["id"]] = message["error"]


class DiskFullTests(SynchronousTestCase):
    """One life, told in order."""

    def setUp(self) -> None:
        """Mount a small disk, with something on it to remove later."""
        self.disk = temporary_folder(self) / "disk"
        self.disk.mkdir()
        mounting = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "xmppd-test", str(self.disk)]
        try:
            subprocess.run(mounting, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", "") or str(error)
            raise SkipTest(f"a tmpfs cannot be mounted here: {said.strip()}") from error
        self.addCleanup(subprocess.run, ["umount", str(self.disk)], check=True)
        self.ballast = [self.disk / "first", self.disk / "second"]
        for file in self.ballast:
            file.write_bytes(bytes(BALLAST_BYTES))

    def server(self, **options: Any) -> ServerProcess:
        """Start one over the disk."""
        server = ServerProcess(self.disk, **options)
        self.addCleanup(server.stop)
        return server

    def play(self, script: Coroutine[Any, Any, None]) -> None:
        """Run *script* in a loop of its own."""
        asyncio.run(asyncio.wait_for(script, 2 * TIMEOUT_S))

    def test_disk_full(self) -> None:
        """Errors while it is full, service when there is room; all that was not refused survives a restart in between.

        The restart is on the full disk, so that nothing needs room to end or to start.
        """
        server = self.server(accounts=((ALICE, PASSWORD), (BOB, PASSWORD)))
        accepted: list[str] = []

        async def fill() -> None:
            alice = Sender(server)
            self.assertEqual(await alice.log_in(), "session_start")
            accepted.extend(await self.flooded(alice))
            self.ballast[0].unlink()
            later = [alice.say(f"later {number}") for number in range(5)]
            self.assertEqual(await alice.store(), "")
            self.assertEqual(alice.errors.keys() & set(later), set())
            accepted.extend(later)
            accepted.extend(await self.flooded(alice))
            await alice.leave()

        self.play(fill())
        self.assertEqual(server.stop(), 0)
        server = self.server()
        self.ballast[1].unlink()

        async def fetch() -> None:
            bob = SlixmppClient(f"{BOB}/home", PASSWORD, server)
            self.assertEqual(await bob.log_in(), "session_start")
            bob.send_presence()
            messages = [await bob.next_message() for _ in accepted]
            self.assertEqual([message["id"] for message in messages], accepted)
            await bob.leave()

        self.play(fetch())

    async def flooded(self, alice: Sender) -> list[str]:
        """Fill the disk; gives the ids of the messages that were not refused."""
        sent = [alice.say(f"{number} {LONG}") for number in range(FLOOD)]
        self.assertEqual(await alice.store(), "wait resource-constraint")
        refused = [alice.errors[message_id] for message_id in sent if message_id in alice.errors]
        self.assertTrue(1 < len(refused) < FLOOD - 1, len(refused))
        for error in refused:
            self.assertEqual((error["condition"], error["type"]), ("resource-constraint", "wait"))
        return [message_id for message_id in sent if message_id not in alice.errors]
