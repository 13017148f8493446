"""Prosody's rooms (``muc``, ``muc_mam``): a table in store ``config`` for each, its archive in ``muc_log``."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from xmppd.moving.lua import Table
from xmppd.moving.model import Archived, NotCarried, Piece, Room, RoomSubject
from xmppd.moving.names import jid_or_none
from xmppd.moving.prosody.data import ProsodyData
from xmppd.moving.rooms import said, settings_of
from xmppd.services.rooms.roles import AFFILIATIONS, Affiliation
from xmppd.services.rooms.room import Affiliated
from xmppd.services.rooms.settings import ALL_ROLES, RoomSettings
from xmppd.stanza.element import Element
from xmppd.stanza.jid import JID
from xmppd.stanza.ns import CLIENT
from xmppd.stanza.stanza import Stanza

CONFIG, ARCHIVE = "config", "muc_log"
STORES: Final = frozenset((CONFIG, ARCHIVE))
PASSED_OVER: Final = frozenset(("state", "vcard_muc"))
"""Who is there now; and pictures, which are told of one by one."""
_NAMES: Final = {
    "name": "name",
    "description": "description",
    "language": "language",
    "persistent": "is_persistent",
    "members_only": "is_members_only",
    "moderated": "is_moderated",
    "password": "password",
    "whois": "whois",
    "changesubject": "change_subject",
    "allow_member_invites": "allow_invites",
    "allow_pm": "allow_pm",
    "history_length": "history",
    "archiving": "is_archived",
}
"""Prosody's name of an option → ours, where the value means the same."""
_NO_OPTION: Final = frozenset(
    ("subject", "subject_from", "subject_time", "occupant_id_salt", "hidden", "public", "presence_broadcast",
     "default_role", "roomname")
)  # fmt: skip


def room(data: ProsodyData, host: str, name: str, address: JID) -> Iterator[Piece]:
    """Give a room with its archive."""
    try:
        stored = data.table(host, name, CONFIG)
        if not stored:
            return
        config = stored.get("_data") or {}
        settings, unknown = settings_of(_wanted(config))
        affiliations = _affiliations(stored)
    except (ValueError, TypeError, AttributeError) as error:
        yield NotCarried("rooms that cannot be read", f"{address.bare}: {error}")
        return
    unknown += [key for key in config if isinstance(key, str) and key not in _NAMES and key not in _NO_OPTION]
    yield from (NotCarried("options of rooms", f"{each} of {address.bare}") for each in unknown)
    owners = [jid for jid, each in affiliations.items() if each.affiliation is Affiliation.OWNER]
    yield Room(address, settings, min(owners, default=""), None, affiliations)
    yield from _subject(config, address)
    yield from _archive(data, host, name, address, settings)


def _wanted(config: Table) -> dict[str, Any]:
    """Give the options by our names."""
    wanted = {_NAMES[key]: value for key, value in config.items() if key in _NAMES}
    wanted["is_public"] = not config.get("hidden", config.get("public") is False)
    wanted["is_persistent"] = bool(config.get("persistent", True))
    shown = config.get("presence_broadcast")
    if isinstance(shown, Mapping):
        wanted["presence_broadcast"] = tuple(role for role in ALL_ROLES if shown.get(role, True))
    if not wanted.get("password"):
        wanted.pop("password", None)
    return wanted


def _affiliations(stored: Table) -> dict[str, Affiliated]:
    """Beside the configuration since 0.11; in a table of their own before."""
    details = stored.get("_affiliation_data") or {}
    found: dict[str, Affiliated] = {}
    for key, word in {**(stored.get("_affiliations") or {}), **stored}.items():
        jid = jid_or_none(key)
        if jid is None or word not in AFFILIATIONS or AFFILIATIONS[word] is Affiliation.NONE:
            continue
        detail = details.get(key) or {}
        nick, reason = detail.get("reserved_nickname"), detail.get("reason")
        found[jid.bare] = Affiliated(
            AFFILIATIONS[word],
            nick if isinstance(nick, str) else "",
            reason if isinstance(reason, str) else "",
        )
    return found


def _subject(config: Table, address: JID) -> Iterator[Piece]:
    text, at = config.get("subject"), config.get("subject_time")
    if not isinstance(text, str) or not text:
        return
    sender = jid_or_none(config.get("subject_from"))
    by = sender.full if sender is not None and sender.bare == address.bare else address.bare
    stanza = Stanza.make("message", Element("subject", CLIENT, None, [text]), from_=by, type="groupchat")
    yield RoomSubject(float(at) if isinstance(at, int | float) else None, stanza)


def _archive(
    data: ProsodyData, host: str, name: str, address: JID, settings: RoomSettings
) -> Iterator[Archived | NotCarried]:
    for kept in data.archive(host, name, ARCHIVE):
        try:
            if isinstance(kept, ValueError):
                raise kept
            if kept.element.name != "message":
                continue  # who came and went
            yield said(address, kept.key, kept.at, Stanza.from_element(kept.element))
        except ValueError as error:
            yield NotCarried("messages of rooms that cannot be read", f"{address.bare}: {error}")
