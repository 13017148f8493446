"""Control commands about what users report of those whom they block."""

from datetime import UTC, datetime

from xmppd.admin.control.answers import ReportDetails, ReportRow, ReportsRemoved
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.wire import ControlError
from xmppd.core.operations.running import does
from xmppd.core.waiting import deferred
from xmppd.services.reports.reports import KeptReport, word_of


@does("report.list")
@deferred
async def report_list(
    parts: ControlParts, host: str | None = None, about: str | None = None
) -> list[ReportRow]:
    """Give the newest reports of all hosts or of one, the newest first. Waits."""
    found = [
        _row(name, each) for name in _hosts(parts, host) for each in await parts.reports.listed(name, about)
    ]
    return sorted(found, key=lambda row: row["at"], reverse=True)


@does("report.show")
@deferred
async def report_show(parts: ControlParts, id: str) -> ReportDetails:
    """Give one of them, with the messages that it is about. Waits."""
    host, kept = await _find(parts, id)
    return {"report": _row(host, kept), "text": kept.report.text, "messages": list(kept.stanzas)}


@does("report.remove")
@deferred
async def report_remove(parts: ControlParts, id: str) -> ReportsRemoved:
    """Forget one of them. Waits."""
    host, kept = await _find(parts, id)
    await parts.reports.remove(host, id)
    return {"removed": [kept.id]}


async def _find(parts: ControlParts, id: str) -> tuple[str, KeptReport]:
    for name in _hosts(parts, None):
        kept = await parts.reports.get(name, id)
        if kept is not None:
            return name, kept
    raise ControlError("no-such-report", f"there is no report {id}; to see which: xmppctl report list")


def _hosts(parts: ControlParts, host: str | None) -> list[str]:
    names = [each.name for each in parts.hosts.of_accounts]
    if host is None:
        return names
    if host not in names:
        raise ControlError("no-such-host", f"{host} is no host with accounts: {', '.join(names)}")
    return [host]


def _row(host: str, kept: KeptReport) -> ReportRow:
    report = kept.report
    return {
        "id": kept.id,
        "at": datetime.fromtimestamp(kept.at, UTC).isoformat(timespec="seconds"),
        "host": host,
        "reason": word_of(report.reason),
        "reported": report.reported,
        "reporter": report.reporter,
        "messages": len(kept.stanzas),
    }
