"""Certificates are read anew while the server runs: in short turns, since each takes a millisecond or so.

One reading follows the other, whoever asks for them; what was read is in force for all hosts in one step.
"""

from collections.abc import Mapping

from twisted.internet.defer import DeferredLock

from xmppd.config.findings import Finding
from xmppd.core.turns import StepsTo, Turns, in_turns
from xmppd.net.tls.certificates import Certificate, HostFiles
from xmppd.net.tls.context import TLSSettings
from xmppd.net.tls.contexts import TLSContexts


class Renewal:
    """Reads all certificates anew; call it."""

    def __init__(self, tls: TLSContexts, turns: Turns) -> None:
        self._tls = tls
        self._turns = turns
        self._lock = DeferredLock()

    async def __call__(
        self, files: StepsTo[list[HostFiles]] | None = None, settings: Mapping[str, TLSSettings] | None = None
    ) -> list[Finding]:
        """*files* says where they lie, and *settings* what is negotiated; None: where, and what, they are.

        Gives what is wrong: of that the old is in force.
        """
        await self._lock.acquire()
        try:
            return await in_turns(self._turns, self._steps(files, settings))
        finally:
            self._lock.release()

    def by_host(self) -> Mapping[str, Certificate]:
        """Give what is in force."""
        return self._tls.store.by_host()

    def _steps(
        self, files: StepsTo[list[HostFiles]] | None, settings: Mapping[str, TLSSettings] | None
    ) -> StepsTo[list[Finding]]:
        hosts = None if files is None else (yield from files)
        return (yield from self._tls.reloading(hosts, settings))
