"""Reports that come with a block: XEP-0377. They are kept for the operators, and the host's admins are told.

Nothing is handed on to other servers or to third parties (section 5 leaves that to us), whatever the user allows.
"""

from collections.abc import Iterator
from typing import Annotated, Final

from xmppd.config.fields import Field
from xmppd.core.module import XEP, Module, Options, on
from xmppd.core.waiting import deferred, spawn
from xmppd.services.presence.blocking import BLOCKED, Blocked
from xmppd.services.reports.reports import TEXT_CHARS, Report, Reports, word_of
from xmppd.stanza.element import Element
from xmppd.stanza.ns import CLIENT
from xmppd.stanza.stanza import Stanza

NS: Final = "urn:xmpp:reporting:1"
NS_STANZA_ID: Final = "urn:xmpp:sid:0"


class ReportsOptions(Options):
    """What becomes of reports."""

    tell_admins: bool = True
    """Whether the host's admins get a message about each report."""
    reports_per_day: Annotated[int, Field(ge=1)] = 20
    """Reports of one account within a day that are kept; who is blocked is blocked in any case."""


class ReportsModule(Module):
    """Keeps reports, and tells of them."""

    name = "reports"
    summary = "Blocking Command Reports"
    xep = XEP(377, "0.4.1", "kept for the operators, handed on to nobody")
    features = (NS,)
    requires = ("blocking",)
    uses = (Reports,)
    options = ReportsOptions
    opt: ReportsOptions

    @on(BLOCKED)
    def on_blocked(self, blocked: Blocked) -> None:
        """Section 6: a report applies to the JID of its item; the block holds already."""
        for report in _reports(blocked):
            spawn("keeping a report", self._keep(report))

    @deferred
    async def _keep(self, report: Report) -> None:
        host = self.api.host
        kept = await self.api.services[Reports].add(host.name, report, self.opt.reports_per_day)
        if kept is None or not self.opt.tell_admins:
            return
        said = f": {report.text}" if report.text else ""
        words = f"{report.reporter} has blocked {report.reported} and reports {word_of(report.reason)}{said}"
        subject = Element("subject", CLIENT, children=[f"Report about {report.reported}"])
        body = Element("body", CLIENT, children=[f"{words} (xmppctl report show {kept.id})"])
        for admin in host.settings.admins:
            waiting = self.api.router.route(
                Stanza.make("message", subject, body, from_=host.name, to=admin, id=kept.id, type="normal")
            )
            if waiting is not None:
                spawn("a message to an admin", waiting)


def _reports(blocked: Blocked) -> Iterator[Report]:
    for item in blocked.command.elements():
        said = item.child("report", NS)
        if said is None or not said.get("reason"):
            continue
        yield Report(
            blocked.owner.bare,
            item.get("jid") or "",
            said.get("reason") or "",
            (said.child_text("text") or "").strip()[:TEXT_CHARS],
            tuple(_named(said)),
        )


def _named(report: Element) -> Iterator[str]:
    """Section 6: the ids of the messages that are meant; one that the reporter's archive has not is passed over."""
    for each in report.elements():
        if (each.ns, each.name) == (NS_STANZA_ID, "stanza-id") and each.get("id"):
            yield each.get("id") or ""
