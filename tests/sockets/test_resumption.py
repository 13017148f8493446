"""Connections that are cut in the middle of traffic both ways (XEP-0198 5), as slixmpp sees them.

``XMPPD_CUTS`` in the environment is how often; 200 times take a minute.
"""

import asyncio
import os
import random
from typing import Any

from slixmpp import JID
from twisted.trial.unittest import SynchronousTestCase

from tests.sockets.process import ServerProcess, shared_server
from tests.sockets.test_slixmpp import ALICE, BOB, PASSWORDS, TIMEOUT_S, SlixmppClient

CUTS = int(os.environ.get("XMPPD_CUTS", "20"))
BETWEEN_S = 0.004
"""Between two messages of one client."""
LIFE_S = 0.05
"""How long a connection lives, on average."""


class Resuming(SlixmppClient):
    """A client with stream management, which comes back when its connection is lost."""

    def __init__(self, address: str, password: str, server: ServerProcess) -> None:
        super().__init__(address, password, server)
        self.register_plugin("xep_0198")
        self.up = asyncio.Event()
        self.resumed = 0
        self.failed = 0
        self.got: list[str] = []
        self._is_leaving = False
        self.add_event_handler("session_resumed", self._resumed)
        self.add_event_handler("sm_failed", self._failed)
        self.add_event_handler("disconnected", self._come_back)
        self.add_event_handler("message", lambda message: self.got.append(message["body"]))

    def cut(self) -> None:
        """Lose the connection, with whatever is on its way in both directions."""
        self.up.clear()
        if self.transport is not None:
            self.transport.abort()

    async def leave(self) -> None:
        """Close the stream for good."""
        self._is_leaving = True
        await super().leave()

    def _resumed(self, stanza: Any) -> None:
        self.resumed += 1
        self.up.set()

    def _failed(self, stanza: Any) -> None:
        self.failed += 1

    def _come_back(self, reason: Any) -> None:
        if not self._is_leaving:
            self.connect("127.0.0.1", self._port)


class ResumptionTests(SynchronousTestCase):
    """One server, two clients."""

    def test_cut_in_the_middle_of_traffic(self) -> None:
        """Every message arrives once and in order, in both directions, however often connections are cut."""

        async def script() -> None:
            server = shared_server(accounts=tuple(PASSWORDS.items()))
            alice = Resuming(f"{ALICE}/desk", PASSWORDS[ALICE], server)
            bob = Resuming(f"{BOB}/home", PASSWORDS[BOB], server)
            sent: dict[Resuming, list[str]] = {alice: [], bob: []}
            for client in (alice, bob):
                self.assertEqual(await client.log_in(), "session_start")
                await client.be_available()
                client.up.set()
            is_over = asyncio.Event()

            async def talk(sender: Resuming, to: Resuming) -> None:
                while not is_over.is_set():
                    await sender.up.wait()  # slixmpp would send what is new before what it has to send again
                    body = f"{len(sent[sender])}"
                    sent[sender].append(body)
                    sender.send_message(mto=JID(to.boundjid.full), mbody=body, mtype="chat")
                    await asyncio.sleep(BETWEEN_S)

            talking = [asyncio.ensure_future(talk(alice, bob)), asyncio.ensure_future(talk(bob, alice))]
            for _ in range(CUTS):
                await asyncio.sleep(random.uniform(0.0, 2 * LIFE_S))
                client = random.choice((alice, bob))
                client.cut()
                await asyncio.wait_for(client.up.wait(), TIMEOUT_S)
            is_over.set()
            await asyncio.gather(*talking)
            for sender, recipient in ((alice, bob), (bob, alice)):
                await self._until(lambda r=recipient, s=sender: len(r.got) >= len(sent[s]))
            await asyncio.sleep(0.2)  # for what might come twice
            for sender, recipient in ((alice, bob), (bob, alice)):
                self.assertEqual(recipient.got, sent[sender])
            self.assertEqual((alice.resumed + bob.resumed, alice.failed + bob.failed), (CUTS, 0))
            await alice.leave()
            await bob.leave()

        asyncio.run(script())

    async def _until(self, condition: Any) -> None:
        for _ in range(int(TIMEOUT_S / 0.05)):
            if condition():
                return
            await asyncio.sleep(0.05)
