"""Operations on the log, and watching what goes on."""

from collections.abc import Iterable
from typing import Final, TypedDict

from xmppd.core.operations.declaring import Argument, Kind, Operation, Subject, option
from xmppd.core.operations.role import Role
from xmppd.core.operations.showing import Block, Line, line

LEVELS: Final = ("debug", "info", "warn", "error")
ABOUT: Final = option("jid", "Only what is about this account or session.", Kind.ADDRESS)


class Reason(TypedDict):
    """What became of a message for one account, and why; nothing of what it says."""

    jid: str
    """The account, or the client of it that this is about."""
    stanza: str
    type: str
    id: str
    sender: str
    recipient: str
    what: str
    """"archived", "copied", "given", "held back", "kept", "pushed" or "let through"."""
    is_so: bool
    why: str


def sentence(reason: Reason) -> str:
    """Give a reason in one line."""
    kind = " ".join(part for part in (reason["type"], reason["stanza"], reason["id"]) if part)
    way = f"from {reason['sender'] or '?'} to {reason['recipient'] or '?'}"
    verdict = reason["what"] if reason["is_so"] else f"not {reason['what']}"
    return f"{reason['jid']}: {kind} {way}: {verdict}: {reason['why']}"


_WAYS: Final = {"in": ">", "out": "<"}


def _logged(content: dict[str, str]) -> Iterable[Block]:
    yield Line(content["line"])


def _passed(content: dict[str, str]) -> Iterable[Block]:
    yield Line(f"{_WAYS[content['way']]} {content['jid']} {content['stanza']}")


def _because(content: Reason) -> Iterable[Block]:
    yield Line(sentence(content))


SUBJECT: Final = Subject(
    "log",
    "The log",
    "The log: its level, and following it.",
    (
        Operation(
            "log.level",
            "Show the least important level that is written, or set another LEVEL.",
            (Argument("level", kind=Kind.CHOICE, is_required=False, choices=LEVELS),),
            line("lines of the level {level} and above are written"),
            "It holds until the next reload or restart; the configuration says what holds then.",
            Role.OPERATOR,
        ),
        Operation(
            "log.follow",
            "Show what the server logs from now on, until you press Ctrl-C.",
            (
                option("level", "The least important level; debug too, whatever is written.", choices=LEVELS),
                ABOUT,
            ),
            details="With --jid what is about one account's sessions, and whatever names it; at the level debug also"
            " what became of each message, and why (see watch reasons).",
            role=Role.OPERATOR,
            tells=_logged,
        ),
    ),
)
WATCH: Final = Subject(
    "watch",
    "Watching",
    "Watching: the stanzas of an account as they pass, and what becomes of them.",
    (
        Operation(
            "watch.reasons",
            "Show why messages of JID are archived, copied, pushed, held back, kept, or not, until you press Ctrl-C.",
            (Argument("jid", kind=Kind.ACCOUNT),),
            details="A line for each of these and each client, and nothing of what they say. Costs nothing while nobody"
            " watches.",
            role=Role.OPERATOR,
            tells=_because,
        ),
        Operation(
            "watch.stanzas",
            "Show the stanzas that the clients of JID send and are sent, until you press Ctrl-C.",
            (
                Argument("jid", kind=Kind.ADDRESS),
                option("bodies", "What they contain, too; else it is left out.", Kind.FLAG),
            ),
            details="JID is an account, or a session. Costs nothing while nobody watches.",
            role=Role.OPERATOR,
            tells=_passed,
        ),
    ),
)
