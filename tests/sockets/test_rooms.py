"""A third-party client, slixmpp, in a room of a real server: enter, speak, subject, kick, destroy."""

import asyncio
from typing import Any

from slixmpp import JID
from twisted.trial.unittest import SynchronousTestCase

from tests.sockets.process import shared_server
from tests.sockets.test_slixmpp import ALICE, BOB, PASSWORDS, TIMEOUT_S, SlixmppClient

ROOM = JID("coven@rooms.localhost")
OPTIONS = '[components."rooms.localhost"]\nmodule = "muc"\n'


class Witch(SlixmppClient):
    """A client that knows rooms, and keeps what comes in one."""

    def __init__(self, address: str, server: Any):
        super().__init__(address, PASSWORDS[address.partition("/")[0]], server)
        self.rooms: Any = None
        self.said: asyncio.Queue[Any] = asyncio.Queue()
        self.gone: asyncio.Queue[Any] = asyncio.Queue()
        self.register_plugin("xep_0045")
        self.add_event_handler("groupchat_message", self.said.put_nowait)
        self.add_event_handler(f"muc::{ROOM}::got_offline", self.gone.put_nowait)

    async def enter(self, nick: str) -> None:
        """Log in and enter the room."""
        assert await self.log_in() == "session_start"
        await self.be_available()
        self.rooms = self.plugin["xep_0045"]
        await self.rooms.join_muc_wait(ROOM, nick, timeout=TIMEOUT_S)

    async def hears(self) -> str:
        """Give the body of the next message in the room."""
        return str((await asyncio.wait_for(self.said.get(), TIMEOUT_S))["body"])


class SlixmppRoomTests(SynchronousTestCase):
    """XEP-0045 as another implementation understands it."""

    def test_room(self) -> None:
        """Two witches in a room, one of which owns it."""
        server = shared_server(OPTIONS, tuple(PASSWORDS.items()))

        async def script() -> None:
            alice, bob = Witch(f"{ALICE}/cauldron", server), Witch(f"{BOB}/broom", server)
            await alice.enter("alice")
            form = await alice.rooms.get_room_config(ROOM)
            form["type"] = "submit"
            form["values"] = {**form["values"], "muc#roomconfig_changesubject": True}
            await alice.rooms.set_room_config(ROOM, form)
            await bob.enter("bob")
            self.assertEqual(sorted(bob.rooms.get_roster(ROOM)), ["alice", "bob"])
            bob.send_message(mto=ROOM, mbody="Harpier cries <&> ✓", mtype="groupchat")
            self.assertEqual(await alice.hears(), "Harpier cries <&> ✓")
            self.assertEqual(await bob.hears(), "Harpier cries <&> ✓")
            members = await alice.rooms.get_users_by_affiliation(ROOM, affiliation="owner")
            self.assertEqual(len(members), 1)
            await alice.rooms.set_role(ROOM, "bob", "none", reason="Avaunt")
            gone = await asyncio.wait_for(alice.gone.get(), TIMEOUT_S)
            self.assertIn(307, gone["muc"]["status_codes"])
            await alice.rooms.destroy(ROOM, reason="Over")
            await alice.leave()
            await bob.leave()

        asyncio.run(script())
