"""promises#rooms-come-back: a server with a room, killed at random moments while it is spoken in and changed.

What was acknowledged to a speaker is in the room's archive afterwards, once, in the speaker's order; affiliations and
configurations that were answered with a result are so; the room is there, and whoever was in it enters it again: it is
for members alone, so that what it knows of them decides that.
"""

import asyncio
import time
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element

from benchmarks.soak.client import PATIENCE_S
from tests.faults.contract import OPTIONS
from tests.faults.device import LAST, PASSWORD, Device
from tests.faults.parties import Broken
from tests.sockets.process import ServerProcess

ROOM: Final = "room@rooms.localhost"
ROOMS: Final = """
[components."rooms.localhost"]
module = "muc"
[components."rooms.localhost".modules.muc]
lock = false
persistent = true
messages_per_minute = 0
room_messages_per_minute = 0
"""
ADMIN: Final = "http://jabber.org/protocol/muc#admin"
OWNER: Final = "http://jabber.org/protocol/muc#owner"
DATA: Final = "jabber:x:data"
ITEMS: Final = "http://jabber.org/protocol/disco#items"
CONFIG: Final = "http://jabber.org/protocol/muc#roomconfig"
AGAIN_S: Final = 0.05
FIELD: Final = "<field var='{}'><value>{}</value></field>"


class Visitor(Device):
    """A device that is in the room."""

    def __init__(self, account: str) -> None:
        super().__init__(account, "d")
        self.count = 0
        """Messages sent, or changes asked for."""
        self.done: set[int] = set()
        """Members, by number, whose affiliation was answered with a result."""
        self.named = self.configured = 0
        """The last name of the room that was answered with a result, by number; and how many of them there were."""

    async def come(self, port: int) -> None:
        """Log in afresh and enter the room; what was not promised is not sent again."""
        self.waiting.clear()
        await self.connect(port, is_resuming=False)
        nick = self.account.partition("@")[0]
        x = "<x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x>"
        self.send(f"<presence to='{ROOM}/{nick}'>{x}</presence>".encode())

    async def ask_room(self, payload: str, id: str, type: str) -> Element:
        """Send a request to the room and give the answer."""
        answer = self.answers[id] = asyncio.get_running_loop().create_future()
        self.send(f"<iq type='{type}' id='{id}' to='{ROOM}'>{payload}</iq>".encode())
        return await asyncio.wait_for(answer, PATIENCE_S)

    async def speak(self) -> None:
        """Say one thing after the other until the connection is lost."""
        while await self.room():
            id = f"{self.account.partition('@')[0]}-{self.count}"
            self.send(
                f"<message to='{ROOM}' type='groupchat' id='{id}'><body>{id}</body></message>".encode(), id
            )
            self.count += 1
            await asyncio.sleep(0)

    async def change(self) -> None:
        """Make a member and give the room another name, in turn, until the connection is lost."""
        while self.is_connected:
            self.count += 1
            try:
                if self.count % 2:
                    await self.order(self.membership(f"m{self.count}@localhost"))
                    self.done.add(self.count)
                else:
                    await self.order(self.configuration(("roomname", str(self.count))))
                    self.named = self.count
                    self.configured += 1
            except asyncio.CancelledError:
                return

    async def order(self, payload: str) -> None:
        """Ask for a change, and see that it is done."""
        answer = await self.ask_room(payload, f"c{self.count}", "set")
        if answer.get("type") != "result":
            raise Broken("a change was refused")

    def membership(self, *jids: str) -> str:
        """Write a request that makes these bare JIDs members."""
        items = "".join(f"<item jid='{jid}' affiliation='member'/>" for jid in jids)
        return f"<query xmlns='{ADMIN}'>{items}</query>"

    def configuration(self, *settings: tuple[str, str]) -> str:
        """Write a form with these settings."""
        fields = "".join(FIELD.format(f"muc#roomconfig_{name}", value) for name, value in settings)
        x = f"<x xmlns='{DATA}' type='submit'>{FIELD.format('FORM_TYPE', CONFIG)}{fields}</x>"
        return f"<query xmlns='{OWNER}'>{x}</query>"

    async def name(self) -> int:
        """Give the room's name, by number."""
        form = await self.ask_room(f"<query xmlns='{OWNER}'/>", f"n{self.count}-{len(self.done)}", "get")
        names = [
            each for each in form.iter(f"{{{DATA}}}field") if each.get("var") == "muc#roomconfig_roomname"
        ]
        return int(names[0].findtext(f"{{{DATA}}}value") or 0)

    async def nicks(self) -> set[str]:
        """Give who is in the room."""
        answer = await self.ask_room(f"<query xmlns='{ITEMS}'/>", f"i{self.count}-{len(self.done)}", "get")
        return {(each.get("jid") or "").partition("/")[2] for each in answer.iter(f"{{{ITEMS}}}item")}

    async def read_room(self) -> list[str]:
        """Give the ids of all messages in the archive."""
        self.archived.clear()
        last: str | None = ""
        while last is not None:
            after = f"<after>{last}</after>" if last else ""
            page = f"<set xmlns='http://jabber.org/protocol/rsm'><max>250</max>{after}</set>"
            answer = await self.ask_room(f"<query xmlns='urn:xmpp:mam:2'>{page}</query>", f"p{last}", "set")
            last = next((each.text for each in answer.iter(LAST)), None)
        return self.archived

    async def members(self) -> set[int]:
        """Give who is a member, by number."""
        query = f"<query xmlns='{ADMIN}'><item affiliation='member'/></query>"
        answer = await self.ask_room(query, f"l{self.count}-{id(query)}", "get")
        items = answer.iter(f"{{{ADMIN}}}item")
        jids = [item.get("jid") or "" for item in items]
        return {int(jid[1:].partition("@")[0]) for jid in jids if jid.startswith("m")}


class RoomContract:
    """One data folder, many lives of its server."""

    def __init__(self, folder: Path, speakers: int = 3) -> None:
        self.folder = folder
        self.owner = Visitor("owner@localhost")
        self.speakers = [Visitor(f"r{number}@localhost") for number in range(speakers)]
        self.life = 0
        self._server: ServerProcess | None = None

    async def live(self, durability: str, load_s: float) -> None:
        """Start the server, check what the last life has promised, put load on it, kill it."""
        self.life += 1
        everyone = [self.owner, *self.speakers]
        accounts = tuple((each.account, PASSWORD) for each in everyone) if self.life == 1 else ()
        options = OPTIONS.format(durability=durability) + ROOMS
        self._server = ServerProcess(self.folder, options, accounts)
        await self.owner.come(self._server.ports["STARTTLS"])
        if self.life == 1:
            await self.owner.order(self.owner.membership(*(each.account for each in self.speakers)))
            await self.owner.order(self.owner.configuration(("membersonly", "1"), ("roomname", "0")))
        for each in self.speakers:
            await each.come(self._server.ports["STARTTLS"])
        await self._check()
        working = [asyncio.ensure_future(each.speak()) for each in self.speakers]
        working.append(asyncio.ensure_future(self.owner.change()))
        await asyncio.sleep(load_s)
        self._server.kill()
        await asyncio.gather(*working)
        for each in everyone:
            await each.lost()

    async def _check(self) -> None:
        archived = await self.owner.read_room()
        if len(archived) != len(set(archived)):
            raise Broken("the archive of the room has something twice")
        for speaker in self.speakers:
            missing = speaker.promised.keys() - set(archived)
            if missing:
                raise Broken(f"the archive of the room lacks {sorted(missing)[:5]}, {len(missing)} in all")
            name = speaker.account.partition("@")[0]
            own = [int(id.partition("-")[2]) for id in archived if id.startswith(f"{name}-")]
            if own != sorted(own):
                raise Broken(f"what {name} said is out of order")
        missing_members = self.owner.done - await self.owner.members()
        if missing_members:
            raise Broken(f"the room lacks the members {sorted(missing_members)[:5]}")
        called = await self.owner.name()
        if not self.owner.named <= called <= self.owner.count:
            raise Broken(f"the room is called {called} where {self.owner.named} was promised")
        nicks = {each.account.partition("@")[0] for each in (self.owner, *self.speakers)}
        until = time.monotonic() + PATIENCE_S
        while await self.owner.nicks() != nicks:
            if time.monotonic() > until:
                raise Broken("not all are in the room again")
            await asyncio.sleep(AGAIN_S)

    def stop(self) -> None:
        """End the server, whatever it does."""
        if self._server is not None:
            self._server.kill()

    def report(self) -> str:
        """Say what was looked at."""
        promised = sum(len(each.promised) for each in self.speakers)
        changes = f"{len(self.owner.done)} affiliations and {self.owner.configured} configurations"
        return f"rooms: {self.life} lives; promised {promised} messages, {changes}, none lost"
