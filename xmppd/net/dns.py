"""Names by DNS: SRV (RFC 2782), A and AAAA (RFC 3596), by twisted.names; ``/etc/hosts`` goes before, for addresses.

Answers are kept as long as they say, an hour at most, and so many; that a name is not there for half a minute. Not
covered: DNSSEC.
"""

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as NoAnswer
from twisted.internet.error import CannotListenError
from twisted.names import dns, error
from twisted.names.client import Resolver as Client
from twisted.names.hosts import searchFileForAll
from twisted.python.filepath import FilePath

from xmppd.core.bounded import Bounded
from xmppd.core.outgoing import CannotResolve, Service
from xmppd.core.waiting import deferred
from xmppd.net.tls.self_signed import to_ascii

TIMEOUTS_S: Final = (2, 3, 5)
"""How long a server of names is waited for, each time it is asked."""
KEPT: Final = 2_000
KEPT_S: Final = 3_600.0
ABSENT_S: Final = 30.0
LABEL_BYTES: Final = 63
NAME_BYTES: Final = 253
"""RFC 1035 2.3.4, without the dot at the end."""
_NO_ANSWER: Final = (NoAnswer, error.DNSQueryTimeoutError)
_UNKNOWN: Final = (error.DNSNameError, error.AuthoritativeDomainError)
_TROUBLE: Final = (
    error.DomainError,
    *_NO_ANSWER,
    error.ResolverError,
    CannotListenError,
    OSError,
)


class DNS:
    """A `xmppd.core.outgoing.Resolver`, by the name servers of this machine. Nothing runs before the first question."""

    def __init__(
        self,
        reactor: Any,
        servers: Sequence[tuple[str, int]] | None = None,
        *,
        resolv_conf: str = "/etc/resolv.conf",
        hosts: str = "/etc/hosts",
        timeouts_s: Sequence[int] = TIMEOUTS_S,
    ) -> None:
        """*servers* are (IPv4 address, port); None means those of *resolv_conf*."""
        self._reactor = reactor
        self._servers = servers
        self._resolv_conf = resolv_conf
        self._hosts = FilePath(hosts.encode())
        self._timeouts_s = tuple(timeouts_s)
        self._client: Client | None = None
        self._kept: Bounded[tuple[str, int], tuple[float, list[Any]]] = Bounded(KEPT)
        """By name and type: until when, and the records."""

    @deferred
    async def services(self, name: str) -> tuple[Service, ...]:
        """Give the SRV records of *name*; none where it has none."""
        records = await self._ask(name, dns.SRV)
        return tuple(Service(each.priority, each.weight, each.port, _text(each.target)) for each in records)

    @deferred
    async def addresses(self, name: str) -> tuple[str, ...]:
        """Give the addresses of the host *name*; none where there is no such host."""
        known = (name,) if _is_address(name) else tuple(self._in_hosts_file(name))
        if known:
            return known
        found: list[str] = []
        trouble: list[CannotResolve] = []
        for waiting in [Deferred.fromCoroutine(self._ask(name, kind)) for kind in (dns.AAAA, dns.A)]:
            try:
                found += [str(ipaddress.ip_address(record.address)) for record in await waiting]
            except CannotResolve as problem:
                trouble.append(problem)
        if trouble and not found:
            raise trouble[0]
        return tuple(found)

    def stop(self) -> None:
        """Ask nobody any more."""
        client, self._client = self._client, None
        call = getattr(client, "_parseCall", None)  # it looks at resolv.conf from time to time, for ever
        if call is not None and call.active():
            call.cancel()

    async def _ask(self, name: str, kind: int) -> list[Any]:
        """Give the records of one type; the server that is asked follows CNAMEs."""
        query = to_ascii(name)
        kept = self._kept.use((query, kind))
        if kept is not None and kept[0] > self._reactor.seconds():
            return kept[1]
        records, ttl_s = await self._fetch(name, query, kind)
        self._kept.keep((query, kind), (self._reactor.seconds() + min(ttl_s, KEPT_S), records))
        return records

    async def _fetch(self, name: str, query: str, kind: int) -> tuple[list[Any], float]:
        """Give the records, and how long they may be kept, in seconds."""
        labels = query.split(".")
        if (
            not query.isascii()
            or len(query) > NAME_BYTES
            or not all(0 < len(each) <= LABEL_BYTES for each in labels)
        ):
            raise CannotResolve(f"{name}: not a name for DNS")
        client = self._asked()
        ask = {
            dns.SRV: client.lookupService,
            dns.A: client.lookupAddress,
            dns.AAAA: client.lookupIPV6Address,
        }[kind]
        try:
            answers, _, _ = await ask(query, self._timeouts_s)  # type: ignore[no-untyped-call]  # Twisted's
        except _UNKNOWN:
            return [], ABSENT_S
        except _TROUBLE as problem:
            raise CannotResolve(f"{name}: {_reason(problem)}") from problem
        found = [answer for answer in answers if answer.type == kind]
        ttl_s = min((answer.ttl for answer in answers), default=ABSENT_S)
        return [answer.payload for answer in found], ttl_s

    def _asked(self) -> Client:
        if self._client is None:
            servers = None if self._servers is None else list(self._servers)
            conf = self._resolv_conf if servers is None else None
            self._client = Client(conf, servers, self._timeouts_s, self._reactor)
        return self._client

    def _in_hosts_file(self, name: str) -> Iterator[str]:
        for found in searchFileForAll(self._hosts, to_ascii(name).encode()):
            if _is_address(found):
                yield found


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _text(name: dns.Name) -> str:
    return name.name.decode("ascii", "replace").rstrip(".").lower()


def _reason(problem: BaseException) -> str:
    """The name servers' answer is in the class alone."""
    if isinstance(problem, _NO_ANSWER):
        return "no name server answers"
    return "the name server cannot say" if isinstance(problem, error.DomainError) else str(problem)
