"""The options of a service of rooms: ``[components."NAME".modules.muc]``."""

from typing import Annotated, Literal

from xmppd.config.fields import Field
from xmppd.core.module import Options
from xmppd.services.rooms.room import KEPT
from xmppd.services.rooms.settings import RoomSettings


class MucOptions(Options):
    """``[modules.muc]``."""

    create: Literal["anybody", "local", "members", "admins"] = "local"
    """Who may make rooms: anybody, accounts of this server, the service's members, or its admins alone."""
    lock: bool = True
    """Whether a new room is closed to others until its owner has configured it (XEP-0045 10.1.1)."""
    persistent: bool = False
    """Whether new rooms stay when the last occupant has left, unless their owner says otherwise."""
    public: bool = True
    """Whether new rooms are listed, unless their owner says otherwise."""
    archive: bool = True
    """Whether new rooms keep an archive, unless their owner says otherwise."""
    history: Annotated[int, Field(ge=0, le=KEPT)] = 20
    """Messages that who enters a new room is shown."""
    rooms_per_user: Annotated[int, Field(ge=1)] = 100
    """Rooms that one account may have made on this service at the same time."""
    max_occupants: Annotated[int, Field(ge=1)] = 10_000
    """Occupants of a room at most."""
    large: Annotated[int, Field(ge=1)] = 500
    """A room with more occupants is large: presence of who enters then is told to moderators alone, who see everybody;
    presence of moderators is told to all. Its owner may want otherwise."""
    affiliations: Annotated[int, Field(ge=1)] = 20_000
    """Members, admins, owners and outcasts of a room together at most."""
    nick_chars: Annotated[int, Field(ge=1, le=1_023)] = 64
    """Characters of a nick at most."""
    messages_per_minute: Annotated[int, Field(ge=0)] = 600
    """Messages of one occupant within a minute at most, to all or to one; 0 is no limit."""
    room_messages_per_minute: Annotated[int, Field(ge=0)] = 6_000
    """Messages in a room of all occupants together within a minute at most; 0 is no limit."""
    presence_per_minute: Annotated[int, Field(ge=0)] = 120
    """How often one occupant may enter a room and change nick or presence within a minute; 0 is no limit."""
    idle_minutes: Annotated[int, Field(ge=1)] = 60
    """A room that nobody has been in for so long leaves memory; it comes back when somebody asks for it."""
    silent_s: Annotated[int, Field(ge=0, le=604_800)] = 3_600
    """Who is of another server and has sent nothing for so many seconds is asked whether it is still there, and its
    server where no answer comes; 0 asks nobody."""
    answer_s: Annotated[float, Field(gt=0, le=3_600)] = 60.0
    """So many seconds there is for each answer. Where neither comes, the occupant is not in the room any more."""
    blocked: tuple[str, ...] = ()
    """Addresses and domains from which nobody is let into any room, nor heard."""
    keep_days: Annotated[int, Field(ge=0)] = 365
    """After so many days messages leave the archives of rooms; 0 keeps them for good."""
    page: Annotated[int, Field(ge=1, le=250)] = 50
    """Messages in a page of an archive whose size a client does not name."""
    max_page: Annotated[int, Field(ge=1, le=250)] = 250
    """Messages in a page at most."""

    def settings(self, *, is_persistent: bool) -> RoomSettings:
        """Give the settings of a new room."""
        return RoomSettings(
            is_persistent=is_persistent,
            is_public=self.public,
            history=self.history,
            is_archived=self.archive,
        )
