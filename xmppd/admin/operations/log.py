"""Operations on the log, and watching what goes on."""

from collections.abc import Iterable
from typing import Final

from xmppd.core.operations.declaring import Argument, Kind, Operation, Subject, option
from xmppd.core.operations.role import Role
from xmppd.core.operations.showing import Block, Line, line

LEVELS: Final = ("debug", "info", "warn", "error")
ABOUT: Final = option("jid", "Only what is about this account or session.", Kind.ADDRESS)

_WAYS: Final = {"in": ">", "out": "<"}


def _logged(content: dict[str, str]) -> Iterable[Block]:
    yield Line(content["line"])


def _passed(content: dict[str, str]) -> Iterable[Block]:
    yield Line(f"{_WAYS[content['way']]} {content['jid']} {content['stanza']}")


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
            details="With --jid what is about one account's sessions, and whatever names it.",
            role=Role.OPERATOR,
            tells=_logged,
        ),
    ),
)
WATCH: Final = Subject(
    "watch",
    "Watching",
    "Watching: the stanzas of an account as they pass.",
    (
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
