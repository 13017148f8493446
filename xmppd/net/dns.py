"""Names by DNS, by twisted.names: SRV (RFC 2782), A and AAAA (RFC 3596), TLSA (RFC 6698).

``/etc/hosts`` goes before, for addresses. Answers are kept as long as they say, an hour at most, and so many; that a
name is not there for half a minute. DNSSEC is the name server's work: where that is on this machine, so that nobody
stands between, its word is taken that an answer is authentic (RFC 4035 4.9.3, RFC 6840 5.7 and 5.8); where it finds one
that is forged it does not answer.
"""

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as NoAnswer
from twisted.internet.error import CannotListenError
from twisted.names import dns, error
from twisted.names.client import Resolver as Client
from twisted.names.hosts import searchFileForAll
from twisted.python.failure import Failure
from twisted.python.filepath import FilePath

from xmppd.core.bounded import Bounded
from xmppd.core.outgoing import CannotResolve, Pin, Service
from xmppd.core.waiting import deferred
from xmppd.net.tls.self_signed import to_ascii

TIMEOUTS_S: Final = (2, 3, 5)
"""How long a server of names is waited for, each time it is asked."""
APART_S: Final = 0.25
"""How long who has an address waits for those of the other family (RFC 8305 3)."""
KEPT: Final = 2_000
KEPT_S: Final = 3_600.0
ABSENT_S: Final = 30.0
LABEL_BYTES: Final = 63
NAME_BYTES: Final = 253
"""RFC 1035 2.3.4, without the dot at the end."""
_FAMILIES: Final = (dns.AAAA, dns.A)
_NO_ANSWER: Final = (NoAnswer, error.DNSQueryTimeoutError)
_UNKNOWN: Final = (error.DNSNameError, error.AuthoritativeDomainError)
_TROUBLE: Final = (
    error.DomainError,
    *_NO_ANSWER,
    error.ResolverError,
    CannotListenError,
    OSError,
)


TLSA: Final = 52
"""RFC 6698 7.1; twisted.names does not know it by name."""
PIN_BYTES: Final = 3
"""Before the data of a TLSA record (RFC 6698 2.1)."""


class _Answer(NamedTuple):
    """The records of one name and type."""

    until: float
    """How long they may be kept."""
    records: list[Any]
    is_vouched: bool


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
        has_dnssec: bool = False,
    ) -> None:
        """*servers* are (IPv4 address, port); None means those of *resolv_conf*.

        *has_dnssec*: they look at what vouches for their answers, and are believed that if they are on this machine.
        """
        self._has_dnssec = has_dnssec
        self._reactor = reactor
        self._servers = servers
        self._resolv_conf = resolv_conf
        self._hosts = FilePath(hosts.encode())
        self._timeouts_s = tuple(timeouts_s)
        self._client: _Vouching | None = None
        self._kept: Bounded[tuple[str, int], _Answer] = Bounded(KEPT)
        """By name and type."""

    @deferred
    async def services(self, name: str) -> tuple[Service, ...]:
        """Give the SRV records of *name*; none where it has none."""
        _, records, is_vouched = await self._ask(name, dns.SRV)
        return tuple(
            Service(each.priority, each.weight, each.port, _text(each.target), is_vouched) for each in records
        )

    @deferred
    async def pins(self, host: str, port: int) -> tuple[Pin, ...]:
        """Give the TLSA records of a service, if DNSSEC vouches for them."""
        _, records, is_vouched = await self._ask(f"_{port}._tcp.{host}", TLSA)
        data = [each.data for each in records if is_vouched and len(each.data) > PIN_BYTES]
        return tuple(Pin(each[0], each[1], each[2], each[PIN_BYTES:]) for each in data)

    @deferred
    async def addresses(self, name: str) -> tuple[str, ...]:
        """Give the addresses of the host *name*; none where there is no such host."""
        known = (name,) if _is_address(name) else tuple(self._in_hosts_file(name))
        if known:
            return known
        answers: list[_Answer | Failure | None] = [None, None]
        await self._heard(answers, [Deferred.fromCoroutine(self._ask(name, kind)) for kind in _FAMILIES])
        known = tuple(
            str(ipaddress.ip_address(record.address))
            for answer in answers
            if isinstance(answer, _Answer)
            for record in answer.records
        )
        trouble = next((answer for answer in answers if isinstance(answer, Failure)), None)
        if trouble is not None and not known:
            trouble.raiseException()
        return known

    def _heard(
        self, answers: list[_Answer | Failure | None], asked: list[Deferred[_Answer]]
    ) -> Deferred[None]:
        """Fire when all *answers* are there, or some address is, and the others take too long (RFC 8305 3).

        What comes later is kept for the next time.
        """
        enough: Deferred[None] = Deferred()
        late: list[Any] = []

        def over() -> None:
            if not enough.called:
                enough.callback(None)

        def hear(answer: _Answer | Failure, place: int) -> None:
            answers[place] = answer
            if None not in answers:
                for call in late:
                    if call.active():
                        call.cancel()
                over()
            elif isinstance(answer, _Answer) and answer.records:
                late.append(self._reactor.callLater(APART_S, over))

        for place, each in enumerate(asked):
            each.addBoth(hear, place)
        return enough

    def stop(self) -> None:
        """Ask nobody any more."""
        client, self._client = self._client, None
        call = getattr(client, "_parseCall", None)  # it looks at resolv.conf from time to time, for ever
        if call is not None and call.active():
            call.cancel()

    async def _ask(self, name: str, kind: int) -> _Answer:
        """Give the records of one type; the server that is asked follows CNAMEs."""
        query = to_ascii(name)
        kept = self._kept.use((query, kind))
        if kept is not None and kept.until > self._reactor.seconds():
            return kept
        records, ttl_s, is_vouched = await self._fetch(name, query, kind)
        found = _Answer(self._reactor.seconds() + min(ttl_s, KEPT_S), records, is_vouched)
        self._kept.keep((query, kind), found)
        return found

    async def _fetch(self, name: str, query: str, kind: int) -> tuple[list[Any], float, bool]:
        """Give the records, how long they may be kept, in seconds, and whether DNSSEC vouches for them."""
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
            TLSA: client.lookup_tlsa,
        }[kind]
        try:
            answers, _, is_vouched = await ask(query, self._timeouts_s)
        except _UNKNOWN:
            return [], ABSENT_S, False
        except _TROUBLE as problem:
            raise CannotResolve(f"{name}: {_reason(problem)}") from problem
        found = [answer for answer in answers if answer.type == kind]
        ttl_s = min((answer.ttl for answer in answers), default=ABSENT_S)
        return [answer.payload for answer in found], ttl_s, bool(is_vouched) and self._are_believed(client)

    def _are_believed(self, client: Client) -> bool:
        """Whether nobody stands between the name servers and us."""
        servers = [host for host, _ in (*client.servers, *(client.dynServers or ()))]
        return self._has_dnssec and all(ipaddress.ip_address(host).is_loopback for host in servers)

    def _asked(self) -> "_Vouching":
        if self._client is None:
            servers = None if self._servers is None else list(self._servers)
            conf = self._resolv_conf if servers is None else None
            self._client = _Vouching(conf, servers, self._timeouts_s, self._reactor)  # type: ignore[no-untyped-call]
        return self._client

    def _in_hosts_file(self, name: str) -> Iterator[str]:
        for found in searchFileForAll(self._hosts, to_ascii(name).encode()):
            if _is_address(found):
                yield found


class _Vouching(Client):
    """Asks whether answers are authentic, and gives that in place of their third section."""

    def lookup_tlsa(self, name: str, timeout: Sequence[int]) -> Deferred[Any]:
        """Look up the TLSA records of *name*."""
        asked: Deferred[Any] = self.queryUDP([dns.Query(name, TLSA, dns.IN)], timeout)  # type: ignore[no-untyped-call]
        return asked.addCallback(self.filterAnswers)

    def filterAnswers(self, message: dns.Message) -> Any:
        """Keep the bit that says so."""
        found = super().filterAnswers(message)  # type: ignore[no-untyped-call]  # Twisted's
        return (*found[:2], bool(message.authenticData)) if isinstance(found, tuple) else found

    def _connectedProtocol(self, interface: str = "") -> Any:
        return _asking(super()._connectedProtocol(interface))  # type: ignore[no-untyped-call]  # as above

    def connectionMade(self, protocol: Any) -> None:
        """The same by TCP."""
        super().connectionMade(_asking(protocol))  # type: ignore[no-untyped-call]  # as above


def _asking(protocol: Any) -> Any:
    """Let a protocol set the bit by which a question asks for it (RFC 6840 5.7)."""
    write = protocol.writeMessage

    def write_message(message: dns.Message, *to: object) -> None:
        message.authenticData = True
        write(message, *to)

    protocol.writeMessage = write_message
    return protocol


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
