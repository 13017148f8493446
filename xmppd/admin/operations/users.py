"""Operations on accounts. They work on a running server, and as well straight on the store."""

from collections.abc import Iterable
from typing import Any, Final

from xmppd.admin.control.answers import AccountRow, Ended, Named, Removed
from xmppd.core.operations.declaring import Args, Argument, Kind, Operation, Shows, Subject, option
from xmppd.core.operations.role import Role
from xmppd.core.operations.showing import (
    Block,
    Cell,
    Facts,
    Line,
    Moment,
    computed,
    count,
    line,
    moment,
    table,
)
from xmppd.stream.sasl.credentials import HASHES

JID: Final = Argument("jid", kind=Kind.ACCOUNT)
PASSWORD: Final = Argument("password", kind=Kind.SECRET)
REUSE: Final = option("reuse", "Even if the name was another account's a short while ago.", Kind.FLAG)
LOOK: Final = Operation(
    "user.look", "Fail where there is no such account.", (JID,), is_on_store=True, is_inner=True
)
MAY_ADD: Final = Operation(
    "user.may-add",
    "Fail as user.add would whatever the password is.",
    (JID, REUSE),
    is_on_store=True,
    is_inner=True,
)


class Added(Named, total=False):
    """An account that was made."""

    alike: list[str]
    """Accounts whose names a reader cannot tell from its; not there where there are none."""


def _added(result: Added, args: Args) -> Iterable[Block]:
    yield Line(f"{result['jid']} added")
    if result.get("alike"):
        yield Line(f"its name looks like that of {', '.join(result['alike'])}")


def _enabled(account: AccountRow) -> Cell:
    erased = account.get("erased")  # an older server does not say it
    if erased is not None:
        return Line("removed, erased on ", Moment(erased))
    return not account["disabled"]


def _role(account: AccountRow) -> str:
    role = account.get("role", "")  # an older server does not say it
    return "" if role == Role.REGISTERED.word else role


def _shown(user: dict[str, Any], args: Args) -> Iterable[Block]:
    seen = Moment(user["last_seen"]) if user["last_seen"] else "never"
    state = "no" + (f": {user['reason']}" if user["reason"] else "") if user["disabled"] else "yes"
    yield Facts(
        (
            ("Account", user["jid"]),
            ("Created", Moment(user["created"])),
            ("Enabled", state),
            ("Role", user["role"]),
            ("Last seen", seen),
            ("Sessions", ", ".join(user["sessions"])),
            ("Clients", user["clients"]),
            ("Contacts", user["contacts"]),
            ("In the archive", user["archived"]),
            ("In the inbox", user["waiting"]),
        )
    )


def _sessions(result: Ended) -> str:
    return f", {count(len(result['ended']), 'session')} ended" if result["ended"] else ""


def _ended(text: str) -> Shows:
    return lambda result, args: [Line(text.format_map(result) + _sessions(result))]


def _removed(result: Removed, args: Args) -> Iterable[Block]:
    said = f"{result['jid']} removed{_sessions(result)}"
    if "grace_s" in args:
        back = f", until then: xmppctl user restore {result['jid']}"
        yield Line(f"{said}; erased on ", Moment(result["erased"]), back)
    else:
        yield Line(said)


SUBJECT: Final = Subject(
    "user",
    "Accounts",
    "Accounts.",
    (
        Operation(
            "user.add",
            "Make an account; the password is asked for.",
            (JID, PASSWORD, REUSE),
            _added,
            is_on_store=True,
            looks_first=MAY_ADD,
        ),
        MAY_ADD,
        LOOK,
        Operation(
            "user.passwd",
            "Change the password of an account; its sessions end.",
            (JID, PASSWORD),
            _ended("the password of {jid} is changed"),
            is_on_store=True,
            looks_first=LOOK,
        ),
        Operation(
            "user.del",
            "Remove an account; its sessions end.",
            (JID, option("grace_s", "Erase the data so many seconds later.", Kind.NUMBER)),
            _removed,
            is_on_store=True,
            looks_first=LOOK,
        ),
        Operation(
            "user.restore",
            "Bring back an account that was removed and is not erased yet.",
            (JID,),
            line("{jid} is back, with all its data"),
            is_on_store=True,
        ),
        Operation(
            "user.disable",
            "Let nobody into an account, and keep its data; its sessions end.",
            (JID, option("reason", "Why, for whoever looks at the account later.")),
            _ended("{jid} disabled"),
            is_on_store=True,
        ),
        Operation(
            "user.enable",
            "Let the owner of a disabled account in again.",
            (JID,),
            line("{jid} enabled"),
            is_on_store=True,
        ),
        Operation(
            "user.list",
            "List the accounts of HOST, or of all hosts.",
            (Argument("host", kind=Kind.HOST, is_required=False),),
            table(
                "no accounts; to add one: xmppctl user add NAME@HOST",
                jid="JID",
                disabled=computed("Enabled", _enabled),
                role=computed("Role", _role),
                sessions=computed("Sessions", lambda row: row.get("sessions") or None),
                created=moment("Created"),
            ),
            is_on_store=True,
        ),
        Operation("user.show", "Show all of the account JID but what it says.", (JID,), _shown),
        Operation(
            "user.away",
            "List the accounts that nobody has used for so many DAYS.",
            (Argument("days", kind=Kind.NUMBER), option("host", "Of this host only.", Kind.HOST)),
            table("there are none", jid="JID", last_seen=moment("Last seen"), created=moment("Created")),
        ),
        Operation(
            "user.alike",
            "List the accounts whose names look alike.",
            (option("host", "Of this host only.", Kind.HOST),),
            table("there are none", jids="Accounts"),
            "A reader cannot tell them apart, in case, accents or invisible characters.",
        ),
        Operation(
            "user.lend",
            "Make accounts for as long as who asked is there.",
            (Argument("number", kind=Kind.NUMBER), option("host", "Where.", Kind.HOST)),
            role=Role.OPERATOR,
            is_inner=True,
            tells=lambda content: (),
        ),
        Operation(
            "user.import",
            "Make many accounts.",
            (
                Argument("users", kind=Kind.LIST),
                option("host", "The host of names without one.", Kind.HOST),
                option("hash", "Keep keys for this hash alone.", choices=HASHES),
            ),
            is_on_store=True,
            is_inner=True,
        ),
    ),
    "JID is name@host, or the name alone where only one host is served.",
)
