"""Where the server of a domain is: SRV by priority and weight (RFC 2782), ``_xmpps-server`` beside ``_xmpp-server``
(XEP-0368 3), the domain itself at port 5269 where there is neither (RFC 6120 3.2.2)."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from xmppd.config.s2s import S2s
from xmppd.core.outgoing import CannotResolve, Resolver, Service
from xmppd.services.federation.outbound import Failed, Unreachable

PORT: Final = 5269
MOST: Final = 16
"""Targets of one domain that are tried, however many it names."""


@dataclass(frozen=True, slots=True)
class Target:
    """A host that may serve the domain."""

    host: str
    port: int
    is_direct: bool = False
    """Whether TLS comes before the first byte."""
    is_configured: bool = False
    """Whether an operator says so, and not DNS."""
    is_vouched: bool = False
    """Whether DNSSEC vouches for it (RFC 7673 3.1)."""


async def targets_of(
    domain: str, settings: S2s, resolver: Resolver, random: Callable[[], float]
) -> list[Target]:
    """Give the targets in the order in which they are to be tried; fails with `Unreachable`."""
    own = settings.of(domain)
    if own.route is not None:
        return [Target(own.route.host, own.route.port, own.direct_tls, True)]
    if is_address(domain):
        return [Target(domain.strip("[]"), PORT)]
    found: list[tuple[Service, bool]] = []
    trouble: CannotResolve | None = None
    for name, is_direct in (("_xmpps-server", True), ("_xmpp-server", False)):
        try:
            found += [(record, is_direct) for record in await resolver.services(f"{name}._tcp.{domain}")]
        except CannotResolve as problem:
            trouble = problem
    if trouble is not None and not found:
        raise Unreachable(
            Failed("remote-server-timeout", f"Where {domain} is cannot be found out: {trouble}")
        )
    usable = [(record, is_direct) for record, is_direct in found if record.target]
    if found and not usable:
        raise Unreachable(
            Failed("remote-server-not-found", f"{domain} says that it serves no other servers", is_final=True)
        )
    ordered = in_order(usable, random)
    targets = [
        Target(each.target, each.port, is_direct, is_vouched=each.is_vouched) for each, is_direct in ordered
    ]
    return targets[:MOST] or [Target(domain, PORT)]


def in_order(records: list[tuple[Service, bool]], random: Callable[[], float]) -> list[tuple[Service, bool]]:
    """Give SRV records by priority, and within one at random by weight (RFC 2782)."""
    ordered: list[tuple[Service, bool]] = []
    for priority in sorted({record.priority for record, _ in records}):
        left = sorted(
            (each for each in records if each[0].priority == priority), key=lambda each: each[0].weight
        )
        while left:
            ordered.append(left.pop(_chosen([record.weight for record, _ in left], random())))
    return ordered


def _chosen(weights: list[int], at: float) -> int:
    """Give the place of the one that is chosen; those without weight come first, and are chosen rarely."""
    limit, passed = at * sum(weights), 0
    for place, weight in enumerate(weights):
        passed += weight
        if passed >= limit:
            return place
    return len(weights) - 1


def is_address(text: str) -> bool:
    """Whether *text* is an IP address, of version 6 with or without brackets."""
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def may_go_to(address: str, settings: S2s) -> bool:
    """Whether DNS may send us to *address*."""
    ip = ipaddress.ip_address(address)
    mapped = getattr(ip, "ipv4_mapped", None) or ip
    if mapped.is_unspecified or mapped.is_multicast:
        return False
    return settings.allow_loopback or not (mapped.is_loopback or mapped.is_link_local)
