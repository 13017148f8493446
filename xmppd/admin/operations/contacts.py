"""Operations on the contacts of an account."""

from typing import Final

from xmppd.core.operations.declaring import Argument, Kind, Operation, Subject, option
from xmppd.core.operations.showing import line, table

JID: Final = Argument("jid", kind=Kind.ACCOUNT)
CONTACT: Final = Argument("contact")

SUBJECT: Final = Subject(
    "roster",
    "Contacts",
    "Contacts of an account.",
    (
        Operation(
            "roster.show",
            "List the contacts of the account JID.",
            (JID,),
            table(
                "{jid} has no contacts",
                jid="JID",
                name="Name",
                subscription="Subscription",
                asked="Asked",
                groups="Groups",
                shared="Shared",
            ),
        ),
        Operation(
            "roster.add",
            "Give the account JID a CONTACT, or change it.",
            (
                JID,
                CONTACT,
                option("name", "What it is called."),
                option("group", "The group that it is in."),
                option(
                    "subscription",
                    "Whose presence is seen: to, the contact's; from, the account's; both; none.",
                    Kind.CHOICE,
                    choices=("none", "to", "from", "both"),
                ),
                option("mutual", "Make each a contact of the other, who see each other.", Kind.FLAG),
            ),
            line("{contact} is a contact of {jid}"),
            "A client that is connected sees it at once. Nobody else is asked: with --subscription say what the other "
            "side has agreed to. With --mutual both are accounts here.",
        ),
        Operation(
            "roster.remove",
            "Take the CONTACT from the account JID; subscriptions end on both sides.",
            (JID, CONTACT),
            line("{contact} is no contact of {jid} any more"),
        ),
    ),
    "JID is name@host, or the name alone where only one host is served.",
)
