"""Operations by which the operator speaks to users."""

from collections.abc import Iterable
from typing import Final, TypedDict

from xmppd.core.operations.declaring import Args, Argument, Kind, Operation, Shows, Subject, option
from xmppd.core.operations.showing import Block, Line, Moment, count


class Announced(TypedDict):
    """Who was told: accounts, or sessions."""

    host: str
    told: int


class Said(TypedDict):
    """What is said from now on; None: nothing."""

    host: str
    text: str | None
    since: str | None


HOST: Final = option("host", "The host; else the first.", Kind.HOST)
TEXT: Final = Argument("text", "What is said.", kind=Kind.LINES, is_required=False)
CLEAR: Final = option("clear", "Say it no more.", Kind.FLAG)


def _announced(result: Announced, args: Args) -> Iterable[Block]:
    who = count(result["told"], "account") if args.get("to_all") else count(result["told"], "session")
    yield Line(f"{who} of {result['host']} told")


def _said(what: str) -> Shows:
    def shows(result: Said, args: Args) -> Iterable[Block]:
        if result["text"] is None:
            yield Line(f"{result['host']} has no {what}")
        else:
            yield Line(f"{what} of {result['host']}, since ", Moment(result["since"] or ""), ":")
            yield Line(result["text"])

    return shows


SUBJECT: Final = Subject(
    "announce",
    "Announcements",
    "Announcements: what users are told by the operator.",
    (
        Operation(
            "announce.send",
            "Send TEXT to everybody who is there now.",
            (
                Argument("text", "What is said.", kind=Kind.LINES),
                HOST,
                option(
                    "to_all", "To all accounts; it waits for who is not there.", Kind.FLAG, shown_as="all"
                ),
                option("subject", "What it is about."),
            ),
            _announced,
        ),
        Operation(
            "announce.motd",
            "Set the message of the day to TEXT, or show it.",
            (TEXT, HOST, CLEAR),
            _said("message of the day"),
            "Each account is told once, when it logs in next.",
        ),
        Operation(
            "announce.welcome",
            "Set what new accounts are told to TEXT, or show it.",
            (TEXT, HOST, CLEAR),
            _said("welcome"),
        ),
    ),
)
