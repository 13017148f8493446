"""Multi-User Chat: XEP-0045 1.35.5; a service with a domain name of its own: ``[components."NAME"] module = "muc"``."""

from collections.abc import Sequence
from typing import Any

from xmppd.core.domains.door import Taken
from xmppd.core.events import IQRequest, Traffic
from xmppd.core.host import Identity
from xmppd.core.module import XEP, iq, on
from xmppd.core.roles import Roles
from xmppd.core.service import Service
from xmppd.core.waiting import deferred
from xmppd.modules.muc import admin, avatar, moderation, owner, registration, searching
from xmppd.modules.muc.admin import Admin
from xmppd.modules.muc.archive import RoomArchive
from xmppd.modules.muc.avatar import Avatar
from xmppd.modules.muc.departing import Departing
from xmppd.modules.muc.disco import NS_UNIQUE, OF_SERVICE, Showing
from xmppd.modules.muc.entering import Entering
from xmppd.modules.muc.ghosts import MOST_ASKED, Ghosts
from xmppd.modules.muc.hats import HatCommands
from xmppd.modules.muc.invitations import Invitations
from xmppd.modules.muc.left_behind import LeftBehind
from xmppd.modules.muc.moderation import Moderation
from xmppd.modules.muc.operations import RoomOperations
from xmppd.modules.muc.options import MucOptions
from xmppd.modules.muc.owner import Owner
from xmppd.modules.muc.parts import MucParts
from xmppd.modules.muc.private import Private
from xmppd.modules.muc.registration import Registration
from xmppd.modules.muc.searching import Searching
from xmppd.modules.muc.speaking import Speaking
from xmppd.modules.muc.standing import Standing
from xmppd.modules.muc.telling import Telling
from xmppd.modules.muc.voice import Voice
from xmppd.services.accounts.accounts import Accounts
from xmppd.services.archive.query import NS as NS_MAM
from xmppd.services.archive.retention import Retention, Rules
from xmppd.services.archive.search import ArchiveSearch
from xmppd.services.discovery.commands import ADDRESS_GATHERING, Menu
from xmppd.services.discovery.disco import ADDRESS_INFO, ADDRESS_ITEMS, HOST_ITEMS, NODE_INFO, Info, Items
from xmppd.services.recipients import Recipients
from xmppd.services.rooms.remotes import Remotes
from xmppd.services.rooms.room import Room
from xmppd.services.rooms.rooms import Rooms
from xmppd.services.rooms.sweeping import Sweeping
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError

MINUTE_S = 60.0
ENDING = frozenset(("unavailable", "error"))


class Muc(Service):
    """Rooms."""

    name = "muc"
    summary = "Multi-User Chat"
    xep = (
        XEP(45, "1.35.5"),
        XEP(307, "0.1"),
        XEP(317, "0.3.1"),
        XEP(410, "1.1.0"),
        XEP(421, "1.0.1"),
        XEP(425, "0.3.0"),
        XEP(433, "0.1.0"),
        XEP(486, "0.1.0"),
        XEP(500, "0.1.1"),
        XEP(502, "0.1.0"),
    )
    identities = (Identity("conference", "text", "Rooms"),)
    features = OF_SERVICE
    options = MucOptions
    uses = (Accounts, Rooms, Recipients, ArchiveSearch, Roles)
    opt: MucOptions

    def start(self) -> None:
        """Find the services, and open the door."""
        super().start()
        services = self.api.services
        telling = Telling(services[Recipients], self.api.timers, self._lost)
        blocked = frozenset(self.opt.blocked)
        remotes = Remotes(self.api.timers.seconds, MOST_ASKED)
        parts = self.parts = MucParts(
            self.api, self.opt, services[Rooms], telling, self.way, services[Roles], blocked, remotes
        )
        self._entering = Entering(parts)
        self._ghosts = Ghosts(parts, self._entering)
        self.at_end(self._ghosts.stop)
        self._moderation = Moderation(parts)
        self._speaking = Speaking(parts, self._moderation)
        self._private = Private(parts, self._ghosts)
        self.standing = Standing(parts, self._entering)
        self._invitations = Invitations(parts, self.standing)
        self._admin = Admin(parts, self.standing, self._invitations)
        self.owner = Owner(parts, self.standing, self._entering)
        self._voice = Voice(parts, self.standing)
        self.at_end(Departing(parts, self.standing).watch(services[Accounts]))
        self._registration = Registration(parts, self.standing)
        self._avatar = Avatar(parts, self.owner)
        self._hats = HatCommands(parts, self.owner)
        self._archive = RoomArchive(parts, services[ArchiveSearch])
        self._showing = Showing(parts)
        self._searching = Searching(parts)
        self.operations = RoomOperations(parts, self.standing, self.owner)
        idle_s = self.opt.idle_minutes * MINUTE_S
        name, timers = self.api.host.name, self.api.timers
        sweeping = Sweeping(parts.rooms, timers, name, idle_s, self._entering.emptied)
        self.at_end(sweeping.stop)
        rules = Rules(self.opt.keep_days, 0)
        retention = Retention(self.api.storage, timers, self.api.now, name, rules, _nobody_waits)
        self.at_end(retention.stop)
        retention.start()
        self.at_end(LeftBehind(parts).stop)

    def stop(self) -> None:
        """Tell who is there, and close the door."""
        self._entering.shut_down()
        super().stop()

    # -- what comes in at the door ------------------------------------------------------------------------------------

    def take(self, traffic: Traffic) -> Taken:
        """Take messages and presence for rooms, and IQs for their occupants."""
        stanza, target = traffic.stanza, traffic.target
        if target.localpart is None:
            return False
        if stanza.type not in ENDING:
            self.parts.check_blocked(traffic.sender)
        self.parts.remotes.heard(traffic.sender.full)
        if stanza.type == "error" and stanza.name != "iq":
            return self._error(traffic)
        if stanza.name == "message":
            if stanza.type == "groupchat" and target.resourcepart is None:
                return self._speaking.groupchat(traffic)
            return self._message(traffic)
        if stanza.name == "presence":
            return self._entering.presence(traffic)
        return self._private.iq(traffic) if target.resourcepart is not None else False

    def _error(self, traffic: Traffic) -> Taken:
        waiting = self.parts.passed_on.came_back(traffic) if traffic.stanza.name == "message" else None
        self._ghosts.error(traffic)
        return True if waiting is None else waiting.addCallback(lambda _: True)

    def _lost(self, room: Room, missing: Sequence[str]) -> None:
        self._entering.lost(room, missing)

    def _message(self, traffic: Traffic) -> Taken:
        if traffic.target.resourcepart is not None:
            return self._private.message(traffic)
        return self._to_room(traffic)

    @deferred
    async def _to_room(self, traffic: Traffic) -> bool:
        """A message to the room itself: an invitation (7.8.2), its refusal, a request for voice (7.13)."""
        room = await self.parts.room(traffic.target)
        if await self._invitations.take(traffic, room) or await self._voice.take(traffic, room):
            return True
        if room.by_jid.get(traffic.sender.full) is None:
            raise StanzaError("not-acceptable", "You are not in the room")
        raise StanzaError("bad-request", "A message to all is of type groupchat")

    # -- requests -----------------------------------------------------------------------------------------------------

    @iq("get", admin.NS, "query", to="node")
    @deferred
    async def on_admin_get(self, request: IQRequest) -> Any:
        """Lists of roles and affiliations."""
        return await self._admin.get(request)

    @iq("set", admin.NS, "query", to="node")
    @deferred
    async def on_admin_set(self, request: IQRequest) -> Any:
        """Changes of roles and affiliations."""
        return await self._admin.set(request)

    @iq("get", owner.NS, "query", to="node")
    @deferred
    async def on_owner_get(self, request: IQRequest) -> Any:
        """The form of a room."""
        return await self.owner.get(request)

    @iq("set", owner.NS, "query", to="node")
    @deferred
    async def on_owner_set(self, request: IQRequest) -> Any:
        """A form of a room, or its end."""
        return await self.owner.set(request)

    @iq("get", registration.NS, "query", to="node")
    @deferred
    async def on_register_get(self, request: IQRequest) -> Any:
        """How one becomes a member (7.10)."""
        return await self._registration.get(request)

    @iq("set", registration.NS, "query", to="node")
    @deferred
    async def on_register_set(self, request: IQRequest) -> Any:
        """Somebody becomes a member (7.10)."""
        return await self._registration.set(request)

    @iq("set", moderation.NS, "moderate", to="node")
    @deferred
    async def on_moderate(self, request: IQRequest) -> Any:
        """A moderator takes back what was said (XEP-0425)."""
        return await self._moderation.moderate(request)

    @iq("set", moderation.NS_FASTEN, "apply-to", to="node")
    @deferred
    async def on_moderate_0(self, request: IQRequest) -> Any:
        """The same as older clients say it."""
        return await self._moderation.moderate_0(request)

    @iq("get", avatar.NS, "vCard", to="node")
    @deferred
    async def on_vcard_get(self, request: IQRequest) -> Any:
        """A room's picture (XEP-0486)."""
        return await self._avatar.get(request)

    @iq("set", avatar.NS, "vCard", to="node")
    @deferred
    async def on_vcard_set(self, request: IQRequest) -> Any:
        """Another picture for a room (XEP-0486)."""
        return await self._avatar.set(request)

    @iq("get", NS_MAM, "query", to="node")
    @deferred
    async def on_archive_form(self, request: IQRequest) -> Any:
        """What an archive can be asked for (XEP-0313)."""
        return await self._archive.form(request)

    @iq("set", NS_MAM, "query", to="node")
    @deferred
    async def on_archive_query(self, request: IQRequest) -> Any:
        """A page of an archive (XEP-0313)."""
        return await self._archive.query(request)

    @iq("get", NS_MAM, "metadata", to="node")
    @deferred
    async def on_archive_metadata(self, request: IQRequest) -> Any:
        """How far an archive goes (XEP-0313)."""
        return await self._archive.metadata(request)

    @iq("get", searching.NS, "search")
    @deferred
    async def on_search(self, request: IQRequest) -> Element:
        """Which public rooms have some words (XEP-0433)."""
        return await self._searching.search(request)

    @iq("get", NS_UNIQUE, "unique")
    def on_unique(self, request: IQRequest) -> Element:
        """A name that no room has (XEP-0307)."""
        return Element("unique", NS_UNIQUE, None, [self.parts.rooms.unique_name()])

    @on(ADDRESS_GATHERING)
    def on_commands(self, menu: Menu) -> object:
        """The commands of a room (XEP-0317)."""
        return self._hats.offer(menu)

    # -- discovery ----------------------------------------------------------------------------------------------------

    @on(HOST_ITEMS)
    def on_items(self, items: Items) -> Any:
        """The public rooms."""
        return deferred(self._showing.rooms)(items)

    @on(ADDRESS_INFO)
    def on_room_info(self, info: Info) -> Any:
        """What a room is."""
        return deferred(self._showing.room)(info)

    @on(ADDRESS_ITEMS)
    def on_room_items(self, items: Items) -> Any:
        """Who is in a room."""
        return deferred(self._showing.occupants)(items)

    @on(NODE_INFO)
    def on_room_node(self, info: Info) -> Any:
        """What a room says of a node."""
        return deferred(self._showing.node)(info) if info.target.localpart else None


@deferred
async def _nobody_waits(archive: str) -> None:
    """Nobody's messages wait in the archive of a room."""
