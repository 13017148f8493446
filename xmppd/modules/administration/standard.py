"""The commands that XEP-0133 1.3.1 names: their nodes, the fields of their forms, and what is answered.

Not there, since the configuration says it: lists of who is blocked (4.11, 4.12) and of administrators (4.30). Activity
is not counted (4.16, 4.17, 4.21, 4.22), passwords are not kept (4.6), and who starts a server does that again (4.31).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from xmppd.stanza.element import Element

NS: Final = "http://jabber.org/protocol/admin"
NS_ROSTER: Final = "jabber:iq:roster"
MAX_ITEMS: Final = "max_items"
COUNTS: Final = ("25", "50", "75", "100", "150", "200")
GRACE_S: Final = 7 * 86_400
"""What was deleted by a slip can be restored for so long."""
MOST: Final = 1_000
"""So many are listed where all are wanted: an answer is one stanza."""

Values = Mapping[str, Sequence[str]]
Row = Mapping[str, Any]
Rows = Iterable[Row]
Choose = Callable[[Rows], list[str]]


@dataclass(frozen=True, slots=True)
class Standard:
    """One of them."""

    node: str
    """Its name in the namespace."""
    name: str
    operation: str
    fields: Mapping[str, str] = field(default_factory=dict)
    """The ``var`` of an argument, where it has another name in the form; arguments that are not here are not asked."""
    also: Mapping[str, object] = field(default_factory=dict)
    """Arguments that are not asked."""
    is_many: bool = False
    """Whether the form takes several accounts, for each of which the operation is done."""
    repeated: str = ""
    """A field in which a password stands once more."""
    answer: Callable[[Any], Values] | None = None
    """The fields of the result, out of that of the operation."""
    extra: Callable[[Any], Element] | None = None
    """What stands beside the account in the answer, out of the result."""
    was: Callable[[Any], Mapping[str, str]] | None = None
    """What the fields hold when the form is shown, out of the result of the operation where nothing is asked."""
    is_list: bool = False
    """Whether the form asks how many are to be shown."""


def _accounts(are: Callable[[Row], bool]) -> Choose:
    return lambda rows: [row["jid"] for row in rows if are(row)]


def _number(var: str, choose: Choose) -> Callable[[Any], Values]:
    return lambda rows: {var: [str(len(choose(rows)))]}


def _list(var: str, choose: Choose) -> Callable[[Any], Values]:
    return lambda rows: {var: choose(rows)}


def _online(rows: Rows) -> list[str]:
    """Give those who are there, each once: sessions that are available."""
    return sorted({row["jid"].partition("/")[0] for row in rows if row["available"]})


def _roster(contacts: Rows) -> Element:
    """Give the contacts as RFC 6121 2.1.1 writes them."""
    items = []
    for contact in contacts:
        attrs = {"jid": contact["jid"], "subscription": contact["subscription"]}
        attrs |= {"name": contact["name"]} if contact["name"] else {}
        attrs |= {"ask": "subscribe"} if contact["asked"] else {}
        groups = [Element("group", NS_ROSTER, children=[group]) for group in contact["groups"]]
        items.append(Element("item", NS_ROSTER, attrs, groups))
    return Element("query", NS_ROSTER, children=items)


_all, _disabled = _accounts(lambda row: True), _accounts(lambda row: bool(row["disabled"]))
_ONE: Final = {"jid": "accountjid"}
_MANY: Final = {"jid": "accountjids"}

STANDARD: Final = (
    Standard(
        "add-user", "Add User", "user.add", {**_ONE, "password": "password"}, repeated="password-verify"
    ),
    Standard("delete-user", "Delete User", "user.del", _MANY, {"grace_s": GRACE_S}, is_many=True),
    Standard("disable-user", "Disable User", "user.disable", _MANY, is_many=True),
    Standard("reenable-user", "Re-Enable User", "user.enable", _MANY, is_many=True),
    Standard("end-user-session", "End User Session", "session.kick", _MANY, is_many=True),
    Standard("change-user-password", "Change User Password", "user.passwd", {**_ONE, "password": "password"}),
    Standard(
        "get-registered-users-num",
        "Get Number of Registered Users",
        "user.list",
        answer=_number("registeredusersnum", _all),
    ),
    Standard(
        "get-disabled-users-num",
        "Get Number of Disabled Users",
        "user.list",
        answer=_number("disabledusersnum", _disabled),
    ),
    Standard(
        "get-online-users-num",
        "Get Number of Online Users",
        "session.list",
        answer=_number("onlineusersnum", _online),
    ),
    Standard(
        "get-registered-users-list",
        "Get List of Registered Users",
        "user.list",
        answer=_list("registereduserjids", _all),
        is_list=True,
    ),
    Standard(
        "get-disabled-users-list",
        "Get List of Disabled Users",
        "user.list",
        answer=_list("disableduserjids", _disabled),
        is_list=True,
    ),
    Standard(
        "get-online-users-list",
        "Get List of Online Users",
        "session.list",
        answer=_list("onlineuserjids", _online),
        is_list=True,
    ),
    Standard("announce", "Send Announcement to Online Users", "announce.send", {"text": "announcement"}),
    Standard("set-motd", "Set Message of the Day", "announce.motd", {"text": "motd"}),
    Standard(
        "edit-motd",
        "Edit Message of the Day",
        "announce.motd",
        {"text": "motd"},
        was=lambda said: {"motd": said["text"] or ""},
    ),
    Standard("delete-motd", "Delete Message of the Day", "announce.motd", also={"clear": True}),
    Standard("set-welcome", "Set Welcome Message", "announce.welcome", {"text": "welcome"}),
    Standard("delete-welcome", "Delete Welcome Message", "announce.welcome", also={"clear": True}),
    Standard(
        "get-user-roster",
        "Get User Roster",
        "roster.show",
        {"jid": "accountjids"},
        answer=lambda contacts: {},
        extra=_roster,
    ),
    Standard(
        "get-user-lastlogin",
        "Get User Last Login Time",
        "user.show",
        _ONE,
        answer=lambda user: {"accountjids": [user["jid"]], "lastlogin": [user["last_seen"] or "never"]},
    ),
    Standard(
        "user-stats",
        "Get User Statistics",
        "user.show",
        _ONE,
        answer=lambda user: {"rostersize": [str(user["contacts"])], "onlineresources": user["sessions"]},
    ),
    Standard("shutdown", "Shut Down Service", "stop"),
)
