"""Operations on reports: what users say of those whom they have blocked (XEP-0377)."""

from collections.abc import Iterable
from typing import Final

from xmppd.admin.control.answers import ReportDetails, ReportsRemoved
from xmppd.core.operations.declaring import Args, Argument, Kind, Operation, Subject, option
from xmppd.core.operations.showing import Block, Heading, Line, moment, rows, table

COLUMNS: Final[dict[str, Heading]] = {
    "id": "Report",
    "at": moment("At"),
    "reason": "Reason",
    "reported": "About",
    "reporter": "By",
    "messages": "Messages",
}
ID: Final = Argument("id", "the report")
_one = rows(**COLUMNS)


def _shown(found: ReportDetails, args: Args) -> Iterable[Block]:
    yield _one([found["report"]])
    if found["text"]:
        yield Line(found["text"])
    for message in found["messages"]:
        yield Line(message)


def _removed(result: ReportsRemoved, args: Args) -> Iterable[Block]:
    return [Line(f"{each} removed") for each in result["removed"]]


SUBJECT: Final = Subject(
    "report",
    "Reports",
    "What users report of those whom they have blocked (XEP-0377).",
    (
        Operation(
            "report.list",
            "List the newest reports of all hosts.",
            (
                option("host", "only of this host", Kind.DOMAIN),
                option("about", "only about this address, as NAME@DOMAIN"),
            ),
            shows=table("there are no reports", **COLUMNS),
        ),
        Operation("report.show", "Show the report ID with the messages that it is about.", (ID,), _shown),
        Operation("report.remove", "Forget the report ID.", (ID,), _removed),
    ),
)
