"""Whether the certificate of a server that comes in is believed for a domain: by authorities, or by what DNS says.

Where DNS says what it is (`xmppd.net.streams.s2s.records`), no other is taken, whoever has issued it, and dialback does
not help either, as for servers that we go to: who stands between two servers can pass on what they say to each other,
but has not the key.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from xmppd.net.streams.s2s.records import Records, Said
from xmppd.net.tls.dane import Pinned
from xmppd.services.federation.outbound import Failed

BY_AUTHORITY: Final = "certificate"
BY_DNS: Final = "DANE"


class Belief(NamedTuple):
    """What a certificate is worth for one domain."""

    by: str = ""
    """`BY_AUTHORITY` or `BY_DNS`; "" where it is not believed."""
    failed: Failed | None = None
    """Why the domain cannot be proved by other means either."""


def belief(
    domain: str, said: Said, is_as_pinned: Callable[[Pinned], bool], is_covered: Callable[[str], bool]
) -> Belief:
    """Hold the certificate to what DNS says; *is_covered* tells whether authorities believe it for a domain."""
    if any(map(is_as_pinned, said.pinned)):
        return Belief(BY_DNS)
    if said.is_open:
        return Belief(BY_AUTHORITY if is_covered(domain) else "")
    hosts = ", ".join(dict.fromkeys(each.host for each in said.pinned))
    wrong = Failed("not-authorized", f"The certificate of {domain} is not what DNS says (TLSA of {hosts})")
    return Belief(failed=said.failed or wrong)


class Lookups:
    """What one stream has asked DNS; given up when it ends."""

    __slots__ = ("_records", "_waiting")

    def __init__(self, records: Records):
        self._records = records
        self._waiting: dict[Deferred[Said], None] = {}

    def ask(self, domain: str, then: Callable[[Said], None]) -> Deferred[None]:
        """Have *then* called with what DNS says of *domain*, and fire; where it is given up, fire without."""
        asked = self._records.of(domain)
        self._waiting[asked] = None

        def found(said: Said | Failure) -> None:
            self._waiting.pop(asked, None)
            if not isinstance(said, Failure):
                then(said)
            elif not said.check(CancelledError):
                said.raiseException()

        return asked.addBoth(found)

    def give_up(self) -> None:
        """Nobody wants to know any more."""
        for each in list(self._waiting):
            each.cancel()
