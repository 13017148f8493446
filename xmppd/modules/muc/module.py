"""Multi-User Chat: XEP-0045 1.35.5; a service with a domain name of its own: ``[components."NAME"] module = "muc"``."""

from collections.abc import Sequence
from typing import Any

from xmppd.core.domains.door import Taken
from xmppd.core.events import IQRequest, Traffic
from xmppd.core.host import Identity
from xmppd.core.module import XEP, iq, on
from xmppd.core.service import Service
from xmppd.core.waiting import deferred
from xmppd.modules.muc import admin, owner
from xmppd.modules.muc.admin import Admin
from xmppd.modules.muc.disco import OF_SERVICE, Showing
from xmppd.modules.muc.entering import UNREACHABLE, Entering
from xmppd.modules.muc.invitations import Invitations
from xmppd.modules.muc.options import MucOptions
from xmppd.modules.muc.owner import Owner
from xmppd.modules.muc.parts import MucParts
from xmppd.modules.muc.private import Private, is_unreachable
from xmppd.modules.muc.speaking import Speaking
from xmppd.modules.muc.standing import Standing
from xmppd.modules.muc.telling import Telling
from xmppd.services.discovery.disco import ADDRESS_INFO, ADDRESS_ITEMS, HOST_ITEMS, NODE_INFO, Info, Items
from xmppd.services.recipients import Recipients
from xmppd.services.rooms.room import Room
from xmppd.services.rooms.rooms import Rooms
from xmppd.stanza.errors import StanzaError


class Muc(Service):
    """Rooms."""

    name = "muc"
    summary = "Multi-User Chat"
    xep = (XEP(45, "1.35.5"), XEP(410, "1.1.0"), XEP(421, "1.0.1"))
    identities = (Identity("conference", "text", "Rooms"),)
    features = OF_SERVICE
    options = MucOptions
    uses = (Rooms, Recipients)
    opt: MucOptions

    def start(self) -> None:
        """Find the services, and open the door."""
        super().start()
        services = self.api.services
        telling = Telling(services[Recipients], self._lost)
        parts = self.parts = MucParts(self.api, self.opt, services[Rooms], telling, self.way)
        self._entering = Entering(parts)
        self._speaking = Speaking(parts)
        self._private = Private(parts)
        self._invitations = Invitations(parts)
        self.standing = Standing(parts, self._entering)
        self._admin = Admin(parts, self.standing, self._invitations)
        self.owner = Owner(parts, self.standing, self._entering)
        self._showing = Showing(parts)

    # -- what comes in at the door ------------------------------------------------------------------------------------

    def take(self, traffic: Traffic) -> Taken:
        """Take messages and presence for rooms, and IQs for their occupants."""
        stanza, target = traffic.stanza, traffic.target
        if target.localpart is None:
            return False
        if stanza.name == "message":
            if stanza.type == "groupchat" and target.resourcepart is None:
                return self._speaking.groupchat(traffic)
            return self._message(traffic)
        if stanza.name == "presence":
            return self._entering.presence(traffic)
        return self._private.iq(traffic) if target.resourcepart is not None else False

    def _lost(self, room: Room, missing: Sequence[str]) -> None:
        self._entering.lost(room, missing)

    def _message(self, traffic: Traffic) -> Taken:
        if traffic.stanza.type == "error":
            return self._error(traffic)
        if traffic.target.resourcepart is not None:
            return self._private.message(traffic)
        return self._to_room(traffic)

    def _error(self, traffic: Traffic) -> Taken:
        """An error of an occupant that cannot be reached removes it (12.1); all others say nothing to a room."""
        room = self.parts.rooms.loaded.get(traffic.target.bare)
        if room is not None and traffic.sender.full in room.by_jid and is_unreachable(traffic.stanza):
            self._entering.leave(room, traffic.sender.full, change=UNREACHABLE)
        return True

    @deferred
    async def _to_room(self, traffic: Traffic) -> bool:
        """A message to the room itself: an invitation (7.8.2), its refusal, a request for voice (7.13)."""
        room = await self.parts.room(traffic.target)
        if await self._invitations.take(traffic, room):
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
