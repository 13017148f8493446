"""What the service and its rooms show of themselves: XEP-0045 6, with the forms of XEP-0128 and XEP-0486."""

from typing import Final

from xmppd.core.host import Identity
from xmppd.modules.muc import admin, moderation, owner, registration, searching, view
from xmppd.modules.muc.archive import FEATURES as ARCHIVE_FEATURES
from xmppd.modules.muc.form import FORM_TYPE
from xmppd.modules.muc.parts import MucParts
from xmppd.services.discovery.commands import NS as NS_COMMANDS
from xmppd.services.discovery.disco import Info, Item, Items
from xmppd.services.rooms.room import Room
from xmppd.stanza import forms
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.result_sets import page_element
from xmppd.stanza.stanza_ids import NS as NS_STANZA_ID
from xmppd.storage.interface import MAX_PAGE

NS_ROOMINFO: Final = "http://jabber.org/protocol/muc#roominfo"
NS_ROOMS: Final = "http://jabber.org/protocol/muc#rooms"
NS_UNIQUE: Final = "http://jabber.org/protocol/muc#unique"
NS_TRAFFIC: Final = "http://jabber.org/protocol/muc#traffic"
RESERVED_NICK: Final = "x-roomuser-item"
OF_SERVICE: Final = (
    view.NS,
    "http://jabber.org/protocol/muc#stable_id",
    NS_UNIQUE,
    "muc_rooms",
    view.NS_OCCUPANT_ID,
    "vcard-temp",
    searching.NS,
)
OF_ROOM: Final = (
    view.NS,
    admin.NS,
    owner.NS,
    FORM_TYPE,
    NS_ROOMINFO,
    "http://jabber.org/protocol/muc#request",
    "http://jabber.org/protocol/muc#stable_id",
    "http://jabber.org/protocol/muc#self-ping-optimization",
    "http://jabber.org/protocol/disco#info",
    "http://jabber.org/protocol/disco#items",
    view.NS_HATS,
    view.NS_OCCUPANT_ID,
    NS_STANZA_ID,
    "vcard-temp",
)
PAGE: Final = 100
COMMANDS_MODULE: Final = "commands"


class Showing:
    """Answers disco about rooms."""

    def __init__(self, parts: MucParts):
        self._parts = parts

    # -- the service --------------------------------------------------------------------------------------------------

    async def rooms(self, items: Items) -> None:
        """List the public rooms, a page at a time (6.3)."""
        page, service = items.page, items.host.name
        limit = min(PAGE if page.max is None else page.max, PAGE)
        is_backward = page.before is not None
        after, before = _name(page.after), _name(page.before)
        found: list[str] = []
        titles: dict[str, str] = {}
        while len(found) <= limit:
            listed = await self._parts.rooms.listed(
                service, after, before, limit=MAX_PAGE, reverse=is_backward
            )
            ordered = listed.rooms[::-1] if is_backward else listed.rooms
            for each in ordered:
                if each.is_public:
                    found.append(each.name)
                    titles[each.name] = each.title
            if listed.last is None:
                break
            after, before = (after, listed.last) if is_backward else (listed.last, before)
        is_more = len(found) > limit
        shown = found[:limit][::-1] if is_backward else found[:limit]
        items.items.extend(Item(f"{name}@{service}", name=titles[name] or name) for name in shown)
        if is_more or page.max is not None or page.after or page.before is not None:
            first, last = (items.items[0].jid, items.items[-1].jid) if shown else (None, None)
            items.page_given = page_element(first, last)

    # -- a room -------------------------------------------------------------------------------------------------------

    async def room(self, info: Info) -> bool:
        """Say what a room is and can do (6.4)."""
        room = await self._parts.rooms.open(info.target)
        if room is None or room.is_locked:
            return False
        info.identities.append(
            Identity("conference", "text", room.settings.name or room.address.localpart or "")
        )
        info.features.update(OF_ROOM)
        info.features.update(features_of(room))
        if COMMANDS_MODULE in info.host.modules:
            info.features.add(NS_COMMANDS)
        if room.settings.is_archived:
            info.features.update((*ARCHIVE_FEATURES, moderation.NS, moderation.NS_0))
        info.forms.append(info_form(room, self._parts.rooms.now()))
        return True

    async def node(self, info: Info) -> bool | None:
        """The well-known nodes of a room: one's reserved nick (7.12), what is let through (15.1.1): everything."""
        if info.node not in (RESERVED_NICK, NS_TRAFFIC):
            return None
        room = await self._parts.room(info.target)
        if info.node == NS_TRAFFIC:
            raise StanzaError("service-unavailable")
        known = room.affiliations.get(info.sender.bare) if info.sender else None
        if known is not None and known.nick:
            info.identities.append(Identity("conference", "text", known.nick))
        return True

    async def occupants(self, items: Items) -> bool:
        """Who is there is told to who is there too (6.5)."""
        room = await self._parts.rooms.open(items.target)
        if room is None:
            return False
        if items.sender.full in room.by_jid:
            items.items.extend(Item(occupant.occupant_jid) for occupant in room.occupants.values())
        return True


def features_of(room: Room) -> list[str]:
    """Give the features that say of which type a room is (4.2, 6.4)."""
    settings = room.settings
    pairs = (
        (settings.password, "muc_passwordprotected", "muc_unsecured"),
        (settings.is_public, "muc_public", "muc_hidden"),
        (settings.is_persistent, "muc_persistent", "muc_temporary"),
        (settings.is_members_only, "muc_membersonly", "muc_open"),
        (settings.is_moderated, "muc_moderated", "muc_unmoderated"),
        (settings.is_anonymous, "muc_semianonymous", "muc_nonanonymous"),
    )
    found = [yes if is_so else no for is_so, yes, no in pairs]
    if settings.lets_register:
        found += (registration.NS, registration.FORM_TYPE)
    return found


def info_form(room: Room, now: float) -> Element:
    """Make the form with what may be known of a room by who is not there (6.4)."""
    settings = room.settings
    subject = ""
    if room.subject is not None:
        subject = room.subject.stanza.element.child_text("subject") or ""
    rows: list[tuple[str, str, tuple[str, ...]]] = [
        ("muc#roominfo_description", "text-single", (settings.description,)),
        ("muc#roominfo_occupants", "text-single", (str(len(room.occupants)),)),
        ("muc#roominfo_lang", "text-single", (settings.language,)),
        ("muc#roominfo_contactjid", "jid-multi", settings.contacts),
        ("muc#roomconfig_roomname", "text-single", (settings.name,)),
        ("muc#roomconfig_changesubject", "boolean", ("1" if settings.change_subject else "0",)),
        ("muc#roominfo_subjectmod", "boolean", ("1" if settings.change_subject else "0",)),
        ("muc#maxhistoryfetch", "text-single", (str(settings.history),)),
        ("muc#roomconfig_pubsub", "text-single", (settings.pubsub,)),
        ("hats#hash", "text-single", (room.hats.digest,)),
        ("muc#roominfo_avatarhash", "text-multi", room.avatar_hashes),
    ]
    if settings.is_open:
        rows.append(("muc#roominfo_subject", "text-single", (subject,)))
    is_shown = settings.is_public and settings.is_open and settings.is_persistent
    activity = room.activity.per_hour(now) if is_shown else None
    if activity is not None:
        rows.append(("{urn:xmpp:muc-activity}message-activity", "text-single", (f"{activity:.2f}",)))
    if settings.slow_mode_s:
        rows.append(("muc#roominfo_slow_mode_duration", "text-single", (str(settings.slow_mode_s),)))
    fields = [forms.field(var, type_, values) for var, type_, values in rows if any(values)]
    return forms.form("result", NS_ROOMINFO, fields)


def _name(jid: str | None) -> str | None:
    return jid.partition("@")[0] if jid else None
