"""The options of a service of rooms: ``[components."NAME".modules.muc]``."""

from typing import Annotated, Literal

from pydantic import Field

from xmppd.core.module import Options
from xmppd.services.rooms.room import KEPT


class MucOptions(Options):
    """``[modules.muc]``."""

    create: Literal["anybody", "local", "admins"] = "local"
    """Who may make rooms: anybody, accounts of this server, or the service's admins alone."""
    lock: bool = True
    """Whether a new room is closed to others until its owner has configured it (XEP-0045 10.1.1)."""
    persistent: bool = False
    """Whether new rooms stay when the last occupant has left, unless their owner says otherwise."""
    public: bool = True
    """Whether new rooms are listed, unless their owner says otherwise."""
    history: Annotated[int, Field(ge=0, le=KEPT)] = 20
    """Messages that who enters a new room is shown."""
    max_occupants: Annotated[int, Field(ge=1)] = 10_000
    """Occupants of a room at most."""
    nick_chars: Annotated[int, Field(ge=1, le=1_023)] = 64
    """Characters of a nick at most."""
