"""``[s2s]``: connections to and from other servers."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from xmppd.config.fields import BeforeValidator, Field, FolderValidator, Mistake
from xmppd.config.limits import KIB, MIB, Count, Seconds
from xmppd.config.names import check_domain
from xmppd.config.section import MAX_PORT, Address, Listeners, Networks, Section, file_path

SYSTEM = "system"
"""The authorities that this system believes."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where another server is to be found, whatever DNS says: a name or an IP address, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _route(value: object) -> object:
    if not isinstance(value, str):
        return value
    host, colon, port = value.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) <= MAX_PORT:
        why = "a host and a port are wanted"
        raise Mistake("config.bad-address", why, 'write for example "xmpp.example.net:5269" or "[::1]:5269"')
    return Route(host.strip("[]"), int(port))


def _domain(value: object) -> object:
    if not isinstance(value, str):
        return value
    problem = check_domain(value)
    if problem is not None:
        remedy = f'write "{problem.spelling}"' if problem.spelling else "write a domain, as example.org"
        raise Mistake("config.bad-domain", problem.why, remedy)
    return value


def _authorities(value: object, folder: Path) -> object:
    return value if value == SYSTEM else file_path(value, folder)


@dataclass(frozen=True, slots=True)
class DomainList:
    """A file of domains that are not talked to."""

    file: Path
    domains: frozenset[str]


def _domain_list(value: object, folder: Path) -> object:
    """Read the file; a line that is no domain is passed over: a list of others' keeps no server from starting."""
    path = file_path(value, folder)
    if not isinstance(path, Path):
        return value
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError as error:
        why = f"{path} cannot be read: {error.strerror}"
        raise Mistake("config.unreadable", why, "name a file that the server's user may read") from None
    return DomainList(path, frozenset(filter(None, map(_listed_domain, lines))))


def _listed_domain(line: str) -> str | None:
    word = line.partition("#")[0].strip().lower()
    problem = check_domain(word) if word else None
    return word if problem is None else problem.spelling


DomainLists = tuple[Annotated[DomainList, FolderValidator(_domain_list)], ...]
Domain = Annotated[str, BeforeValidator(_domain)]
Domains = tuple[Domain, ...]
Authorities = Annotated[Path | Literal["system"], FolderValidator(_authorities)]
_LOOPBACK = (Address("127.0.0.1", 5269), Address("::1", 5269))


class S2sDomain(Section):
    """``[s2s.domains."NAME"]``: what is different for one other server."""

    route: Annotated[Route | None, BeforeValidator(_route), Field(examples=["xmpp.example.net:5269"])] = None
    """Where it is, in place of what DNS says."""
    direct_tls: bool = False
    """Whether TLS begins at once there (with a route)."""
    require_certificate: bool | None = None
    """Whether it needs a certificate that covers its name; without it what holds for all."""
    ca: Authorities | None = None
    """Who certifies it: a file (PEM), or "system"; without it what holds for all."""


class S2s(Section):
    """``[s2s]``: connections to and from other servers. None of it is used by a server of localhost alone."""

    enabled: bool = True
    """Whether other servers are talked to at all."""
    listen: Listeners = _LOOPBACK
    """Addresses for servers that begin without TLS and turn it on (STARTTLS)."""
    direct_tls_listen: Listeners = ()
    """Addresses for servers that begin with TLS (XEP-0368)."""
    proxy_protocol_from: Networks = ()
    """Load balancers whose connections begin with a PROXY protocol header: addresses and networks of them."""
    require_tls: bool = True
    """Whether connections must be under TLS before anything is said on them."""
    require_certificate: bool = True
    """Whether another server needs a certificate that covers its name; without it dialback over TLS may do."""
    dialback: bool = True
    """Whether servers may prove who they are by dialback (XEP-0220)."""
    bidirectional: bool = True
    """Whether one connection may serve both directions (XEP-0288), where both servers can."""
    ca: Authorities = "system"
    """Who certifies other servers: "system", or a file (PEM)."""
    allow: Domains = ()
    """Domains that are talked to; with any here, no others are."""
    block: Domains = ()
    """Domains that are not talked to, nor those below them."""
    block_lists: DomainLists = ()
    """Files with more of these, a domain a line; "#" begins a comment. They are read again at a reload."""
    resolvers: Listeners = ()
    """Name servers that are asked ("IP:PORT"); without any those of this system."""
    dane: bool = False
    """Whether TLSA records are believed (DANE, RFC 7673): name servers here are needed, which check DNSSEC."""
    allow_loopback: bool = False
    """Whether DNS may point to addresses of this machine alone; never to where this server listens itself."""
    connect_timeout_s: Seconds = 20.0
    """How long it may take to reach another server and to be authenticated there, at each of its addresses."""
    idle_s: Seconds = 600.0
    """A connection that nothing was sent on for so long is closed, unless something waits."""
    retry_min_s: Seconds = 5.0
    """How long a server that could not be reached is left alone at first; twice as long each time."""
    retry_max_s: Seconds = 300.0
    """How long at most."""
    queue_stanzas: Count = 10_000
    """Stanzas that wait for one other server, from one domain of ours."""
    queue_bytes: Annotated[int, Field(ge=64 * KIB)] = 8 * MIB
    """Their size."""
    queue_age_s: Seconds = 900.0
    """How long a message waits; then its sender gets an error."""
    queues: Count = 10_000
    """Pairs of our domains and others' that anything waits for, or that are connected, at a time."""
    connections: Count = 2_000
    """Connections from other servers at a time."""
    domains: Annotated[
        dict[Domain, S2sDomain],
        Field(
            examples=[{"example.net": {"ca": "certificates/example.net-ca.pem", "require_certificate": True}}]
        ),
    ] = {}
    """Other servers for which something else holds."""

    def check_whole(self) -> None:
        """DANE needs a name server that nobody stands before."""
        far = [each.host for each in self.resolvers if not ip_address(each.host).is_loopback]
        if self.dane and far:
            why = f"{far[0]} is another machine: who stands between could forge what DNSSEC says"
            raise Mistake(
                "config.conflicting-keys", why, "name one on this machine that checks DNSSEC, as 127.0.0.1:53"
            )

    def of(self, domain: str) -> S2sDomain:
        """Give what holds for the (prepared) *domain*."""
        found = self.domains.get(domain) or S2sDomain()
        return found.model_copy(
            update={
                "require_certificate": self.require_certificate
                if found.require_certificate is None
                else found.require_certificate,
                "ca": self.ca if found.ca is None else found.ca,
            }
        )

    def may_talk_to(self, domain: str) -> bool:
        """Whether the policy lets the (prepared) *domain* in and out; who is blocked is so with all subdomains."""
        if self.allow and domain not in self.allow:
            return False
        return not any(self._blocks(above) for above in _domain_and_above(domain))

    def _blocks(self, domain: str) -> bool:
        return domain in self.block or any(domain in each.domains for each in self.block_lists)


def _domain_and_above(domain: str) -> Iterator[str]:
    while domain:
        yield domain
        domain = domain.partition(".")[2]
