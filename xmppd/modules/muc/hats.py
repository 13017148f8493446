"""Hats: XEP-0317 0.3.1; commands (XEP-0050) of a room by which they are made, destroyed, given and taken away.

Owners make and destroy them, admins give and take them; who may be in the room sees which there are, and who wears
which where addresses are no secret.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from xmppd.core.host import Host
from xmppd.core.waiting import deferred
from xmppd.modules.muc.owner import Owner
from xmppd.modules.muc.parts import MucParts
from xmppd.modules.muc.view import CONFIGURATION_CHANGED
from xmppd.services.discovery.commands import Command, Execution, Menu, Stage, Step, refused
from xmppd.services.rooms.hats import MAX_TITLE, MAX_URI, Hat, Hats, TooMany
from xmppd.services.rooms.roles import Affiliation
from xmppd.services.rooms.room import Room
from xmppd.stanza import forms
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.forms import Submission
from xmppd.stanza.jid import JID, InvalidJID

FORM_TYPE: Final = "urn:xmpp:hats:commands"
TITLE, URI, HUE, WHO = "hats#title", "hats#uri", "hats#hue", "hats#jid"
FULL_CIRCLE: Final = 360.0
MAX_HUE: Final = 20
COLUMNS: Final = {TITLE: "Title", URI: "URI", HUE: "Hue"}

Changed = Callable[[Hats, Submission], Hats]


class _Change(NamedTuple):
    """A command that changes something."""

    verb: str
    name: str
    fields: tuple[str, ...]
    lowest: Affiliation
    change: Changed
    is_of_list: bool
    """Whether the hats that there are become others."""


class HatCommands:
    """Offers the commands and runs them."""

    def __init__(self, parts: MucParts, owner: Owner):
        self._parts = parts
        self._owner = owner

    @deferred
    async def offer(self, menu: Menu) -> None:
        """Add the commands of a room."""
        room = await self._parts.rooms.open(menu.target)
        if room is None:
            return
        for change in CHANGES:
            steps = (partial(self._ask, room, change), partial(self._do, change))
            menu.commands.append(
                self._command(change.verb, change.name, steps, self._at_least(room, change.lowest))
            )
        listing = (partial(self._list, room),)
        menu.commands.append(self._command("list", "List hats", listing, partial(self._is_in, room)))
        assigned = (partial(self._list_assigned, room),)
        menu.commands.append(
            self._command("list-assigned", "List who wears hats", assigned, partial(self._sees_wearers, room))
        )

    def _command(
        self,
        verb: str,
        name: str,
        steps: tuple[Step, ...],
        may_run: Callable[[Host, JID], bool],
    ) -> Command:
        return Command(f"{FORM_TYPE}:{verb}", name, steps, may_run)

    # -- who may what -------------------------------------------------------------------------------------------------

    def _at_least(self, room: Room, lowest: Affiliation) -> Callable[[Host, JID], bool]:
        return lambda host, sender: self._parts.standing(room, sender.bare) >= lowest

    def _is_in(self, room: Room, host: Host, sender: JID) -> bool:
        return sender.full in room.by_jid or self._parts.standing(room, sender.bare) >= Affiliation.MEMBER

    def _sees_wearers(self, room: Room, host: Host, sender: JID) -> bool:
        occupant = room.by_jid.get(sender.full)
        sees = occupant is not None and room.sees_jids(occupant)
        return sees or self._parts.standing(room, sender.bare) >= Affiliation.ADMIN

    # -- what they do -------------------------------------------------------------------------------------------------

    def _ask(self, room: Room, change: _Change, execution: Execution) -> Stage:
        fields = [_field(var, room.hats, change.is_of_list) for var in change.fields]
        return Stage(forms.form("form", FORM_TYPE, fields, title=change.name))

    @deferred
    async def _do(self, change: _Change, execution: Execution) -> Stage:
        room = await self._parts.room(execution.target)
        async with room.lock:
            if room.is_gone:
                raise StanzaError("item-not-found")
            before = room.hats
            try:
                after = change.change(before, execution.answers[0])
            except TooMany as error:
                raise StanzaError("not-allowed", str(error)) from error
            await self._parts.rooms.set_hats(room, after)
            self._tell(room, before)
            if change.is_of_list:
                self._owner.tell_statuses(room, [CONFIGURATION_CHANGED])
        return Stage()

    def _tell(self, room: Room, before: Hats) -> None:
        """Show all the occupants as they are now whose hats are others."""
        for occupant in room.occupants.values():
            if room.hats.of(occupant.bare_jid) != before.of(occupant.bare_jid):
                occupant.shown = None
                self._parts.telling.presence(room, occupant)

    def _list(self, room: Room, execution: Execution) -> Stage:
        rows = [(hat.title, uri, hat.hue) for uri, hat in room.hats.known.items()]
        return Stage(forms.table(COLUMNS, rows, title="Hats"))

    def _list_assigned(self, room: Room, execution: Execution) -> Stage:
        rows = [
            (jid, uri, hat.title, hat.hue) for jid in sorted(room.hats.worn) for uri, hat in room.hats.of(jid)
        ]
        columns = {WHO: "Address", URI: "URI", TITLE: "Title", HUE: "Hue"}
        return Stage(forms.table(columns, rows, title="Hats that are worn"))


# -- what is filled in ------------------------------------------------------------------------------------------------


def _create(hats: Hats, submission: Submission) -> Hats:
    title = (submission.first(TITLE) or "").strip()
    uri = (submission.first(URI) or "").strip()
    if not title or len(title) > MAX_TITLE:
        raise refused("bad-payload", f"A title of 1 to {MAX_TITLE} characters is needed")
    scheme, colon, rest = uri.partition(":")
    if not (scheme and colon and rest) or len(uri) > MAX_URI or any(char.isspace() for char in uri):
        raise refused("bad-payload", f"A URI of at most {MAX_URI} characters is needed")
    return hats.made(uri, Hat(title, _hue((submission.first(HUE) or "").strip())))


def _destroy(hats: Hats, submission: Submission) -> Hats:
    return hats.destroyed(_known(hats, submission))


def _assign(hats: Hats, submission: Submission) -> Hats:
    return hats.assigned(_who(submission), _known(hats, submission))


def _unassign(hats: Hats, submission: Submission) -> Hats:
    return hats.unassigned(_who(submission), _known(hats, submission))


def _known(hats: Hats, submission: Submission) -> str:
    uri = submission.first(URI)
    if uri is None or uri not in hats.known:
        raise StanzaError("item-not-found", "There is no such hat")
    return uri


def _who(submission: Submission) -> str:
    try:
        jid = JID.parse(submission.first(WHO) or "")
    except InvalidJID as error:
        raise refused("bad-payload", str(error)) from error
    if jid.localpart is None:
        raise refused("bad-payload", "A hat is for an account")
    return jid.bare


def _hue(text: str) -> str:
    """XEP-0392 5.1: an angle."""
    if not text:
        return ""
    try:
        is_angle = len(text) <= MAX_HUE and 0.0 <= float(text) <= FULL_CIRCLE
    except ValueError:
        is_angle = False
    if not is_angle:
        raise refused("bad-payload", "A hue is a number from 0 to 360")
    return text


def _field(var: str, hats: Hats, is_of_list: bool) -> Element:
    required = [Element("required", forms.NS)]
    if var == WHO:
        return forms.field(WHO, "jid-single", label="Whose it is", extra=required)
    if var == URI and not is_of_list:
        return forms.choice(URI, [(uri, hat.title) for uri, hat in hats.known.items()], label="The hat")
    if var == HUE:
        return forms.field(HUE, "text-single", label="Hue, from 0 to 360")
    return forms.field(var, "text-single", label="Title" if var == TITLE else "URI", extra=required)


CHANGES: Final = (
    _Change("create", "Make or change a hat", (TITLE, URI, HUE), Affiliation.OWNER, _create, True),
    _Change("destroy", "Destroy a hat", (URI,), Affiliation.OWNER, _destroy, True),
    _Change("assign", "Give a hat to somebody", (WHO, URI), Affiliation.ADMIN, _assign, False),
    _Change("unassign", "Take a hat away from somebody", (WHO, URI), Affiliation.ADMIN, _unassign, False),
)
