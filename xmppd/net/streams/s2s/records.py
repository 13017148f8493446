"""What DNS says of the certificates of other servers: TLSA records behind SRV records, RFC 7673 3.

Both only where DNSSEC vouches for them. Of a server that we go to it is asked at each target; of one that comes in for
all targets together, since it does not say which of them it is: its certificate has to be one that would do at one of
them if we went there. So it is no easier to come in under the name of a domain than to be taken for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from xmppd.config.s2s import S2s
from xmppd.core.outgoing import CannotResolve, Resolver
from xmppd.core.waiting import deferred
from xmppd.net.streams.s2s.targets import Target, targets_of
from xmppd.net.tls.dane import Pinned, usable
from xmppd.services.federation.outbound import Failed, Unreachable

LOOKUPS: Final = 500
"""Domains that are asked about at a time where one stream may claim many: strangers can claim as many as they like."""


@dataclass(frozen=True, slots=True)
class Said:
    """What DNS says of the certificate of a domain, at its targets together."""

    pinned: tuple[Pinned, ...]
    """Of each target of which it says something."""
    is_open: bool
    """Whether an authority's word will do: it says nothing of some target, or there is none."""
    failed: Failed | None = None
    """Why it is not known of some target."""


async def pinned_at(domain: str, target: Target, settings: S2s, resolver: Resolver) -> Pinned | None:
    """Give what DNS says of the certificate of *domain* at *target*; None where it says nothing.

    Fails with `Unreachable` where that is forged, or cannot be found out: nobody there is to be trusted (RFC 7673 3.3).
    """
    if not settings.dane or not target.is_vouched:
        return None
    try:
        pins = usable(await resolver.pins(target.host, target.port))
    except CannotResolve as problem:
        text = f"What the certificate of {domain} is cannot be found out: {problem}"
        raise Unreachable(Failed("remote-server-timeout", text)) from problem
    return Pinned(domain, target.host, pins) if pins else None


class Records:
    """Asks for who comes in."""

    def __init__(self, settings: Callable[[], S2s], resolver: Resolver):
        self._settings = settings
        self._resolver = resolver
        self._asking = 0

    @property
    def is_busy(self) -> bool:
        """Whether more is asked at this time than one stream should add to."""
        return self._asking >= LOOKUPS

    @deferred
    async def of(self, domain: str) -> Said:
        """Say what the certificate of *domain* has to be; waits for name servers, may be cancelled, does not fail."""
        self._asking += 1
        try:
            return await self._ask(domain)
        finally:
            self._asking -= 1

    async def _ask(self, domain: str) -> Said:
        settings = self._settings()
        try:
            targets = await targets_of(domain, settings, self._resolver, lambda: 0.0)
        except Unreachable as problem:
            # a domain that says that it takes no connections may begin some itself
            is_open = problem.failed.is_final
            return Said((), is_open, None if is_open else problem.failed)
        pinned: list[Pinned] = []
        is_open, failed = False, None
        for target in targets:
            try:
                found = await pinned_at(domain, target, settings, self._resolver)
            except Unreachable as problem:
                failed = problem.failed
                continue
            if found is None:
                is_open = True
            else:
                pinned.append(found)
        return Said(tuple(pinned), is_open, failed)
