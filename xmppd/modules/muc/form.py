"""The owners' form: XEP-0045 10.1.3, 10.2, muc#roomconfig; each option is a row of a table.

A submitted form may leave fields out: what they are for stays as it is.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

from xmppd.services.rooms.room import KEPT
from xmppd.services.rooms.settings import ALL_ROLES, ANYBODY, MODERATORS, NOBODY, VOICED, RoomSettings
from xmppd.stanza import forms
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID, InvalidJID

FORM_TYPE: Final = "http://jabber.org/protocol/muc#roomconfig"
NS_VALIDATE: Final = "http://jabber.org/protocol/xdata-validate"
_C: Final = "muc#roomconfig_"
PROTECTED, SECRET = f"{_C}passwordprotectedroom", f"{_C}roomsecret"
ADMINS, OWNERS = f"{_C}roomadmins", f"{_C}roomowners"
MAX_TEXT, MAX_SECONDS, MAX_LISTED = 1_000, 86_400, 1_000


@dataclass(frozen=True, slots=True)
class Option:
    """A row: the field, and the setting that it is for."""

    var: str
    type: str
    label: str
    setting: str
    choices: tuple[tuple[str, str], ...] = ()
    highest: int = 0
    """Of a number."""


_ROLES: Final = tuple((role, role.capitalize()) for role in ALL_ROLES)
OPTIONS: Final[tuple[Option, ...]] = (
    Option(f"{_C}roomname", "text-single", "Name", "name"),
    Option(f"{_C}roomdesc", "text-single", "Description", "description"),
    Option(f"{_C}lang", "text-single", "Language of the discussion", "language"),
    Option(f"{_C}persistentroom", "boolean", "The room stays when nobody is in it", "is_persistent"),
    Option(f"{_C}publicroom", "boolean", "The room is listed", "is_public"),
    Option(f"{_C}membersonly", "boolean", "Only members may enter", "is_members_only"),
    Option(f"{_C}moderatedroom", "boolean", "Only who has voice may speak", "is_moderated"),
    Option(
        f"{_C}whois",
        "list-single",
        "Who sees the real addresses of occupants",
        "whois",
        ((MODERATORS, "Moderators"), (ANYBODY, "Anybody")),
    ),
    Option(f"{_C}changesubject", "boolean", "Participants may change the subject", "change_subject"),
    Option(f"{_C}allowinvites", "boolean", "Members may invite others", "allow_invites"),
    Option(
        f"{_C}allowpm",
        "list-single",
        "Who may send private messages",
        "allow_pm",
        (
            (ANYBODY, "Anybody"),
            (VOICED, "Who has voice"),
            (MODERATORS, "Moderators"),
            (NOBODY, "Nobody"),
        ),
    ),
    Option(f"{_C}allowvoicerequests", "boolean", "Visitors may ask for voice", "allow_voice_requests"),
    Option(
        f"{_C}allow_registration",
        "boolean",
        "Who registers is a member, where all may enter and speak",
        "allow_registration",
    ),
    Option(f"{_C}lock_nicks", "boolean", "Who has a reserved nick enters by that one alone", "lock_nicks"),
    Option(
        f"{_C}maxusers",
        "text-single",
        "Occupants at most (0: as many as fit)",
        "max_users",
        highest=1_000_000,
    ),
    Option(
        f"{_C}presencebroadcast", "list-multi", "Roles whose presence all see", "presence_broadcast", _ROLES
    ),
    Option(
        f"{_C}thins_out", "boolean", "Only moderators see who enters while the room is large", "thins_out"
    ),
    Option(
        f"{_C}getmemberlist", "list-multi", "Roles that may see the member list", "get_member_list", _ROLES
    ),
    Option("muc#maxhistoryfetch", "text-single", "Messages shown to who enters", "history", highest=KEPT),
    Option(f"{_C}enablearchiving", "boolean", "Messages are kept in the room's archive", "is_archived"),
    Option(f"{_C}contactjid", "jid-multi", "Whom to ask about the room", "contacts"),
    Option(
        f"{_C}slow_mode_duration",
        "text-single",
        "Seconds between two messages of an occupant",
        "slow_mode_s",
        highest=MAX_SECONDS,
    ),
    Option(
        f"{_C}voice_after",
        "text-single",
        "Seconds until who has no affiliation may speak",
        "voice_after_s",
        highest=MAX_SECONDS,
    ),
    Option(f"{_C}welcome", "text-single", "What who enters is told", "welcome"),
    Option(f"{_C}pubsub", "text-single", "Address of a related node", "pubsub"),
)


def config_form(settings: RoomSettings, room: str, admins: list[str], owners: list[str]) -> Element:
    """Make the form as it is for a room (a bare JID) now."""
    fields = [_field(option, getattr(settings, option.setting)) for option in OPTIONS]
    fields += [
        forms.field(PROTECTED, "boolean", (_flag(bool(settings.password)),), label="A password is needed"),
        forms.field(SECRET, "text-private", (settings.password,), label="The password"),
        forms.field(ADMINS, "jid-multi", admins, label="Admins"),
        forms.field(OWNERS, "jid-multi", owners, label="Owners"),
    ]
    return forms.form("form", FORM_TYPE, fields, title=f"Configuration of {room}")


def read_settings(submission: forms.Submission, before: RoomSettings) -> RoomSettings:
    """Give the settings that are submitted, on top of those *before*.

    Raises `StanzaError`: bad-request for what is no such form, not-acceptable for a value that cannot be.
    """
    if submission.values and submission.form_type != FORM_TYPE:
        raise StanzaError("bad-request", f"The FORM_TYPE must be {FORM_TYPE}")
    values: dict[str, Any] = {}
    for option in OPTIONS:
        if option.var in submission.values:
            values[option.setting] = _read(submission, option)
    return replace(before, **values, password=_password(submission, before))


def read_jids(submission: forms.Submission, var: str) -> list[str] | None:
    """Give the bare JIDs in a field; None where it is left out. Raises jid-malformed, not-acceptable."""
    if var not in submission.values:
        return None
    listed = [_bare(text) for text in submission.all(var) if text.strip()]
    if len(listed) > MAX_LISTED:
        raise StanzaError("not-acceptable", f"At most {MAX_LISTED} addresses are taken at once")
    return listed


def _read(submission: forms.Submission, option: Option) -> Any:
    if option.type == "boolean":
        try:
            return bool(submission.flag(option.var))
        except ValueError as error:
            raise StanzaError("bad-request", str(error)) from error
    if option.type == "list-multi":
        chosen = submission.all(option.var)
        _check_choices(option, chosen)
        return tuple(role for role in ALL_ROLES if role in chosen)
    if option.type == "jid-multi":
        return tuple(read_jids(submission, option.var) or ())
    text = (submission.first(option.var) or "").strip()
    if option.type == "list-single":
        _check_choices(option, (text,))
        return text
    return _number(option, text) if option.highest else _text(option, text)


def _check_choices(option: Option, chosen: tuple[str, ...]) -> None:
    possible = {value for value, _ in option.choices}
    for value in chosen:
        if value not in possible:
            raise StanzaError("not-acceptable", f"{option.label}: {value!r} is no choice")


def _number(option: Option, text: str) -> int:
    if text in ("", "none"):
        return 0
    if not (text.isascii() and text.isdecimal()) or len(text) > 9 or int(text) > option.highest:
        raise StanzaError("not-acceptable", f"{option.label}: a number up to {option.highest} is wanted")
    return int(text)


def _text(option: Option, text: str) -> str:
    if len(text) > MAX_TEXT:
        raise StanzaError("not-acceptable", f"{option.label}: at most {MAX_TEXT} characters")
    return text


def _password(submission: forms.Submission, before: RoomSettings) -> str:
    """10.1.3: a password counts where one is needed, and then there must be one."""
    try:
        is_needed = submission.flag(PROTECTED)
    except ValueError as error:
        raise StanzaError("bad-request", str(error)) from error
    password = submission.first(SECRET)
    if is_needed is None:
        return before.password if password is None else password
    if not is_needed:
        return ""
    password = before.password if password is None else password
    if not password or len(password) > MAX_TEXT:
        raise StanzaError("not-acceptable", "A password is needed, and is missing or too long")
    return password


def _bare(text: str) -> str:
    try:
        return JID.parse(text.strip()).bare
    except InvalidJID as error:
        raise StanzaError("jid-malformed", f"{text!r} is no address") from error


def _field(option: Option, value: Any) -> Element:
    if isinstance(value, bool):
        values: tuple[str, ...] = (_flag(value),)
    elif isinstance(value, tuple):
        values = value
    else:
        values = (str(value),)
    choices = [
        Element("option", forms.NS, {"label": label}, [Element("value", forms.NS, children=[each])])
        for each, label in option.choices
    ]
    return forms.field(
        option.var, option.type, values, label=option.label, extra=[*choices, *_bounds(option)]
    )


def _bounds(option: Option) -> list[Element]:
    """XEP-0122: between which numbers (XEP-0500 4.1)."""
    if not option.highest:
        return []
    between = Element("range", NS_VALIDATE, {"min": "0", "max": str(option.highest)})
    return [Element("validate", NS_VALIDATE, {"datatype": "xs:integer"}, [between])]


def _flag(value: bool) -> str:
    return "1" if value else "0"
