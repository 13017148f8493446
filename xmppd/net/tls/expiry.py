"""Tells while the server runs that a host's certificate ends: 30, 14, 7 and 1 days before, each host by itself."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from twisted.logger import Logger

from xmppd.core.timers import Timer, Timers
from xmppd.core.turns import StepsTo, Turns, in_turns, whole
from xmppd.core.waiting import spawn
from xmppd.net.tls.certificates import Certificate
from xmppd.net.tls.flaws import Flaw, dates
from xmppd.net.tls.renewal import Renewal

PERIOD_S: Final = 3_600.0
SEEN: Final = 15
"""The cost of looking at a certificate (`xmppd.core.turns`)."""
TOLD: Final = 300
"""Of a line of the log, and of a message to each administrator."""

_Found = tuple[str, Certificate, Flaw]
"""A host, what it shows, and what is wrong with that."""


class ExpiryWatch:
    """Looks every hour; what a start or a reload has told already is not told again until it gets worse."""

    _log = Logger()

    def __init__(
        self,
        timers: Timers,
        turns: Turns,
        renewal: Renewal,
        now: Callable[[], datetime],
        tell: Callable[[str, str], None] = lambda host, line: None,
    ) -> None:
        """*tell* is given the host and the line of what is logged, too."""
        self._tell = tell
        self._timers = timers
        self._turns = turns
        self._renewal = renewal
        self._now = now
        self._told: dict[str, str] = {}
        """By the fingerprint of a certificate: the last of the identifiers of `dates`."""

    def start(self) -> None:
        """Begin, after a start has told what is wrong now."""
        self._told = {shown.fingerprint: flaw.id for _, shown, flaw in whole(self._flaws())}
        self._look_later()

    def _look_later(self, looked: object = None) -> None:
        self._timers.add(PERIOD_S, self._look)

    def _look(self, now: float, timer: Timer, param: object) -> None:
        spawn("the watch over the dates of certificates", self._compare()).addBoth(self._look_later)

    async def _compare(self) -> None:
        """Tell what has changed for the worse since the last look; what the server makes itself is renewed."""
        flaws = await in_turns(self._turns, self._flaws())
        if any(shown.files.is_self_made for _, shown, _ in flaws):
            for finding in await self._renewal():
                self._log.warn("{finding}", finding=str(finding))
            flaws = await in_turns(self._turns, self._flaws())
        await in_turns(self._turns, self._tell_of(flaws))

    def _flaws(self) -> StepsTo[list[_Found]]:
        found: list[_Found] = []
        for host, shown in self._renewal.by_host().items():
            found += [(host, shown, flaw) for flaw in dates(shown.chain[0], self._now())]
            yield SEEN
        return found

    def _tell_of(self, flaws: list[_Found]) -> StepsTo[None]:
        before, self._told = self._told, {shown.fingerprint: flaw.id for _, shown, flaw in flaws}
        for host, shown, flaw in flaws:
            if before.get(shown.fingerprint) != flaw.id:
                line = f"the certificate of {host} ({shown.files.certificate}): {flaw.why}; {flaw.remedy}"
                self._log.warn("{finding}", finding=line)
                self._tell(host, line)
                yield TOLD
