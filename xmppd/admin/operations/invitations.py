"""Operations on invitations (XEP-0401). They work on a running server, and as well straight on the store."""

from collections.abc import Iterable
from typing import Final

from xmppd.admin.control.answers import Invited
from xmppd.core.operations.declaring import Args, Argument, Kind, Operation, Subject, option
from xmppd.core.operations.showing import Block, Facts, Line, Moment, line, moment, table

USES: Final = option("uses", "How often it can be used; once unless it is said.", Kind.NUMBER)
DAYS: Final = option(
    "days", "It ends after so many days; 7 unless it is said, 1 for a password.", Kind.NUMBER
)


def _shown(result: Invited, args: Args) -> Iterable[Block]:
    facts = (("Page", result["url"]), ("URI", result["uri"]), ("Ends", Moment(result["expires"])))
    yield Facts(tuple(fact for fact in facts if fact[1]))
    if not result["uri"] and not result["url"]:
        why = "Nobody can use this: it needs a page, which [http] shows with the extra web (pip install xmppd[web])."
        yield Line(why)


def _inviting(name: str, summary: str, *arguments: Argument, details: str = "") -> Operation:
    return Operation(name, summary, arguments, _shown, details, is_on_store=True)


INVITING: Final = (
    _inviting(
        "invite.account",
        "Invite somebody to make an account: with the name of JID, or with any name on a host.",
        Argument("jid", kind=Kind.ADDRESS, is_required=False),
        option("inviter", "Whose contact the new account is.", Kind.ACCOUNT, shown_as="from"),
        option("contacts", "More contacts of the new account: JIDs with commas between."),
        option("groups", "The groups of these contacts in the new roster, with commas between."),
        USES,
        DAYS,
        details="A name is nobody else's until the invitation ends. Without JID it is the only host.",
    ),
    _inviting(
        "invite.contact",
        "Invite somebody to become a contact of JID.",
        Argument("jid", kind=Kind.ACCOUNT),
        option("register", "Who has no account may make one here.", Kind.FLAG),
        USES,
        DAYS,
    ),
    _inviting(
        "invite.reset",
        "Let the owner of the account JID set another password.",
        Argument("jid", kind=Kind.ACCOUNT),
        DAYS,
        details="It ends when it is used, or the password is changed otherwise.",
    ),
)
SUBJECT: Final = Subject(
    "invite",
    "Invitations",
    "Invitations: to make an account, to become a contact, to set another password.",
    (
        *INVITING,
        Operation(
            "invite.list",
            "List the open invitations of HOST, or of all hosts.",
            (Argument("host", kind=Kind.DOMAIN, is_required=False),),
            table(
                "no open invitations; to make one: xmppctl invite account",
                id="Id",
                kind="For",
                host="Host",
                username="Name",
                inviter="From",
                uses="Uses left",
                created=moment("Made"),
                expires=moment("Ends"),
            ),
            is_on_store=True,
        ),
        Operation(
            "invite.revoke",
            "Take back the invitation ID, as it is listed.",
            (Argument("id"),),
            line("the invitation {id} is taken back"),
            is_on_store=True,
        ),
    ),
    "What opens an invitation is shown once, when it is made, and kept nowhere.",
)
