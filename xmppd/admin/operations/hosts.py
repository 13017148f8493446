"""Operations on domains, and the data of those that are served no more."""

from collections.abc import Iterable
from typing import Final

from xmppd.admin.control.answers import LeftOver, Renamed
from xmppd.core.operations.declaring import Args, Argument, Operation, Subject
from xmppd.core.operations.role import Role
from xmppd.core.operations.showing import Block, Line, count, table


def _renamed(result: Renamed, args: Args) -> Iterable[Block]:
    yield Line(f"{count(result['accounts'], 'account')} of {result['old']} now of {result['new']}")


def _purged(result: LeftOver, args: Args) -> Iterable[Block]:
    yield Line(f"{result['host']} removed, with {count(result['accounts'], 'account')}")


HOST: Final = Argument("host")
LOOK: Final = Operation(
    "host.look",
    "Fail where HOST has no data, or is served.",
    (HOST,),
    role=Role.OPERATOR,
    is_on_store=True,
    is_inner=True,
)
SUBJECT: Final = Subject(
    "host",
    "Domains",
    "Domains: those that are served, and those that have data and are not.",
    (
        Operation(
            "host.list",
            "List the domains that are served or have accounts.",
            shows=table("there are none", host="Host", served="Served", accounts="Accounts"),
            is_on_store=True,
        ),
        LOOK,
        Operation(
            "host.rename",
            "Give the data of OLD, served no more, to NEW, which is.",
            (Argument("old"), Argument("new")),
            _renamed,
            "While the server is stopped. Accounts keep all that they have, and each other as contacts; contacts on "
            "other servers know them by the old name, and what was sent keeps it.",
            Role.OPERATOR,
            is_on_store=True,
        ),
        Operation(
            "host.purge",
            "Remove all data of HOST, which is not served.",
            (HOST,),
            _purged,
            "On a terminal it is asked first.",
            Role.OPERATOR,
            is_on_store=True,
            looks_first=LOOK,
            confirm="Remove the {accounts:,} accounts of {host} with all data? They cannot be brought back",
        ),
    ),
    "A domain is served where the configuration has it. One that was renamed there leaves its accounts behind under "
    "the old name.",
)
