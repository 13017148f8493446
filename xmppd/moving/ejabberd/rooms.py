"""ejabberd's rooms (``mod_muc``): a list of options for each, and an archive as accounts have it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from xmppd.moving.ejabberd.records import Record, jid_of, stanza_of, text, time_of
from xmppd.moving.erlang import Atom
from xmppd.moving.model import NotCarried, Piece, Room, RoomSubject, VCard
from xmppd.moving.rooms import said, settings_of
from xmppd.services.pubsub.items import payload_of
from xmppd.services.rooms.roles import AFFILIATIONS, Affiliation
from xmppd.services.rooms.room import Affiliated
from xmppd.services.rooms.settings import ALL_ROLES, ANYBODY, MODERATORS, NOBODY, VOICED
from xmppd.stanza.element import Element, parse_element
from xmppd.stanza.jid import JID
from xmppd.stanza.ns import CLIENT
from xmppd.stanza.stanza import Stanza

_NAMES: Final = {
    "title": "name",
    "description": "description",
    "lang": "language",
    "public": "is_public",
    "persistent": "is_persistent",
    "members_only": "is_members_only",
    "allow_change_subj": "change_subject",
    "allow_user_invites": "allow_invites",
    "allow_voice_requests": "allow_voice_requests",
    "mam": "is_archived",
    "pubsub": "pubsub",
}
"""ejabberd's name of an option → ours, where the value means the same."""


def room(address: JID, record: Record) -> Iterator[Piece]:
    """Give a room without its archive."""
    try:
        options = {str(key): value for key, value in (each for each in record.get("opts") if len(each) == 2)}
        settings, unknown = settings_of(_wanted(options))
        affiliations = dict(_affiliations(options.get("affiliations") or []))
    except (ValueError, TypeError, KeyError) as error:
        yield NotCarried("rooms that cannot be read", f"{address.bare}: {error}")
        return
    yield from (NotCarried("options of rooms", f"{each} of {address.bare}") for each in unknown)
    owners = [jid for jid, each in affiliations.items() if each.affiliation is Affiliation.OWNER]
    yield Room(address, settings, min(owners, default=""), None, affiliations)
    try:
        yield from _subject(address, options)
        if options.get("vcard"):
            yield VCard(payload_of(parse_element(options["vcard"])))
    except (ValueError, TypeError, IndexError) as error:
        yield NotCarried("subjects and vCards of rooms that cannot be read", f"{address.bare}: {error}")
    for each in options.get("subscribers") or []:
        yield NotCarried("subscribers of rooms (MUC/Sub)", f"{str(each)[:60]} of {address.bare}")


def message(address: JID, record: Record) -> Piece:
    """Give a message of the archive: it stands there as it came, with the nick beside it."""
    return said(
        address,
        text(record.get("id")),
        time_of(record.get("timestamp")),
        stanza_of(record.get("packet")),
        jid_of(record.get("peer")),
        text(record.get("nick")),
    )


def _wanted(options: Mapping[str, Any]) -> dict[str, Any]:
    wanted: dict[str, Any] = {_NAMES[key]: _value(each) for key, each in options.items() if key in _NAMES}
    wanted["whois"] = MODERATORS if _value(options.get("anonymous", True)) else ANYBODY
    has_voice = _value(options.get("members_by_default", True))
    wanted["is_moderated"] = bool(_value(options.get("moderated", False)) and not has_voice)
    if _value(options.get("password_protected", False)) and options.get("password"):
        wanted["password"] = text(options["password"])
    wanted["allow_pm"] = _private_messages(options)
    most = options.get("max_users")
    wanted["max_users"] = most if isinstance(most, int) else 0
    shown = options.get("presence_broadcast")
    if isinstance(shown, list):
        wanted["presence_broadcast"] = tuple(role for role in ALL_ROLES if role in shown)
    return wanted


def _private_messages(options: Mapping[str, Any]) -> str:
    """One option since 23.04, two before."""
    new = options.get("allowpm")
    if isinstance(new, Atom):
        return str(new)
    if not _value(options.get("allow_private_messages", True)):
        return NOBODY
    return VOICED if options.get("allow_private_messages_from_visitors") == "nobody" else ANYBODY


def _value(value: Any) -> Any:
    if isinstance(value, Atom):
        return {"true": True, "false": False}.get(value, str(value))
    return text(value) if isinstance(value, bytes) else value


def _affiliations(listed: list[Any]) -> Iterator[tuple[str, Affiliated]]:
    for who, given in listed:
        word, reason = given if isinstance(given, tuple) else (given, b"")
        affiliation = AFFILIATIONS[str(word)]
        if affiliation is not Affiliation.NONE:
            yield jid_of(who).bare, Affiliated(affiliation, "", text(reason or b""))


def _subject(address: JID, options: Mapping[str, Any]) -> Iterator[Piece]:
    """Since 18.12 a list of texts by language, before one text; nobody says when it was set."""
    subject, author = options.get("subject") or b"", options.get("subject_author") or b""
    texts = [text(each[2]) for each in subject] if isinstance(subject, list) else [text(subject)]
    nick = text(author[0] if isinstance(author, tuple) else author)
    if texts and texts[0]:
        by = address.with_resource(nick) if nick else address
        element = Element("subject", CLIENT, None, [texts[0]])
        yield RoomSubject(None, Stanza.make("message", element, from_=by.full, type="groupchat"))
