"""Operations on messages that are kept: archives, and what waits for who is not there."""

from collections.abc import Iterable
from typing import Final, TypedDict

from xmppd.core.operations.declaring import Args, Argument, Kind, Operation, Shows, Subject, option
from xmppd.core.operations.showing import Block, Line, count, moment, table


class Purged(TypedDict):
    """How many messages are gone."""

    jid: str
    messages: int


def _gone(what: str) -> Shows:
    def shows(result: Purged, args: Args) -> Iterable[Block]:
        yield Line(f"{count(result['messages'], 'message')} removed from the {what} of {result['jid']}")

    return shows


ARCHIVE: Final = Subject(
    "archive",
    "Archives",
    "Archives: what accounts have said and been told (XEP-0313).",
    (
        Operation(
            "archive.purge",
            "Remove messages from the archive of JID, an account, or of all accounts of a host.",
            (
                Argument("jid", kind=Kind.ADDRESS),
                option("days", "Only those that are older than so many days.", Kind.NUMBER),
            ),
            _gone("archive"),
            "What waits for its account still stays until it was delivered.",
            confirm="Remove messages of {jid} from the archive? They cannot be brought back",
        ),
    ),
)
OFFLINE: Final = Subject(
    "offline",
    "Waiting messages",
    "Messages that wait for an account that is not there.",
    (
        Operation(
            "offline.show",
            "List the messages that wait for the account JID, without what they say.",
            (Argument("jid", kind=Kind.ACCOUNT),),
            table(
                "nothing waits for {jid}",
                came=moment("Came"),
                sender="From",
                kind="Kind",
                size="Bytes",
                state="State",
            ),
        ),
        Operation(
            "offline.purge",
            "Remove the messages that wait for the account JID.",
            (Argument("jid", kind=Kind.ACCOUNT),),
            _gone("waiting messages"),
            "Not while it is connected: then they are being delivered. Its archive stays.",
            confirm="Remove the messages that wait for {jid}? They cannot be brought back",
        ),
    ),
)
