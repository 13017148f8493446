"""What the files of this module share."""

from dataclasses import dataclass, field

from xmppd.core.domains.service import ServiceDomain
from xmppd.core.events import IQRequest
from xmppd.core.host import Host
from xmppd.core.module import ModuleAPI
from xmppd.core.roles import Roles
from xmppd.core.router import Router
from xmppd.modules.muc.options import MucOptions
from xmppd.modules.muc.passed_on import PassedOn
from xmppd.modules.muc.telling import Telling
from xmppd.services.presence.blocking import covers
from xmppd.services.rooms.remotes import Remotes
from xmppd.services.rooms.roles import Affiliation
from xmppd.services.rooms.room import Room
from xmppd.services.rooms.rooms import Rooms
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID


@dataclass(slots=True)
class MucParts:
    """The service and what it uses."""

    api: ModuleAPI
    options: MucOptions
    rooms: Rooms
    telling: Telling
    way: ServiceDomain
    roles: Roles
    blocked: frozenset[str]
    """Addresses and domains that have no part in any room."""
    remotes: Remotes
    passed_on: PassedOn = field(init=False)

    def __post_init__(self) -> None:
        self.passed_on = PassedOn(self.router)

    @property
    def host(self) -> Host:
        """The domain of the service."""
        return self.api.host

    @property
    def router(self) -> Router:
        """Where stanzas go on."""
        return self.api.router

    def is_admin(self, bare_jid: str) -> bool:
        """Whether somebody administers the service, and with it each of its rooms."""
        return self.roles.is_admin(self.host, bare_jid)

    def standing(self, room: Room, bare_jid: str) -> Affiliation:
        """Give the affiliation by which somebody may do things: admins of the service are as owners."""
        return Affiliation.OWNER if self.is_admin(bare_jid) else room.affiliation(bare_jid)

    def check_blocked(self, sender: JID) -> None:
        """Raise `StanzaError` for whom the service blocks."""
        if self.blocked and covers(self.blocked, sender):
            raise StanzaError("forbidden", "You are blocked from this service")

    def check_pace(self, room: Room, bare_jid: str) -> None:
        """Raise `StanzaError` for who says too much, to all or to one."""
        allowed = self.options.messages_per_minute
        if allowed and not room.pace.take(bare_jid, allowed, self.rooms.now()):
            raise StanzaError("policy-violation", "You say too much at once", type="wait")

    async def room_of(self, request: IQRequest) -> Room:
        """Give the room that a request is for, unless who asks is blocked. Waits for the storage."""
        self.check_blocked(request.sender)
        return await self.room(request.target)

    async def room(self, address: JID) -> Room:
        """Give the room at a bare JID; item-not-found where there is none. Waits for the storage."""
        room = await self.rooms.open(address)
        if room is None:
            raise StanzaError("item-not-found", "There is no such room")
        return room
