"""Tells while the server runs that a host's certificate ends: 30, 14, 7 and 1 days before, each host by itself."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from twisted.logger import Logger

from xmppd.core.timers import Timer, Timers
from xmppd.net.tls.contexts import TLSContexts
from xmppd.net.tls.flaws import dates

PERIOD_S: Final = 3_600.0


class ExpiryWatch:
    """Looks every hour; what a start or a reload has told already is not told again until it gets worse."""

    _log = Logger()

    def __init__(
        self,
        timers: Timers,
        tls: TLSContexts,
        now: Callable[[], datetime],
        tell: Callable[[str, str], None] = lambda host, line: None,
    ) -> None:
        """*tell* is given the host and the line of what is logged, too."""
        self._tell = tell
        self._timers = timers
        self._tls = tls
        self._now = now
        self._told: dict[str, str] = {}
        """By the fingerprint of a certificate: the last of the identifiers of `dates`."""

    def start(self) -> None:
        """Begin, after a start has told what is wrong now."""
        self._found()
        self._timers.add(PERIOD_S, self._look)

    def _look(self, now: float, timer: Timer, param: object) -> float:
        for host, line in self._found():
            self._log.warn("{finding}", finding=line)
            if host:
                self._tell(host, line)
        return PERIOD_S

    def _found(self) -> list[tuple[str, str]]:
        """By host, what has changed for the worse since it was asked last; what the server makes itself is renewed."""
        lines: list[tuple[str, str]] = []
        told: dict[str, str] = {}
        if any(dates_of for dates_of in self._self_made()):
            lines += [("", str(finding)) for finding in self._tls.reload()]
        for host, shown in self._tls.store.by_host().items():
            for flaw in dates(shown.chain[0], self._now()):
                told[shown.fingerprint] = flaw.id
                if self._told.get(shown.fingerprint) != flaw.id:
                    line = f"the certificate of {host} ({shown.files.certificate}): {flaw.why}; {flaw.remedy}"
                    lines.append((host, line))
        self._told = told
        return lines

    def _self_made(self) -> list[bool]:
        shown = self._tls.store.by_host().values()
        return [bool(list(dates(one.chain[0], self._now()))) for one in shown if one.files.is_self_made]
