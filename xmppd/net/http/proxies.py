"""Who asks, behind proxies that are trusted: RFC 7239 and the older X-Forwarded headers. No I/O."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xmppd.config.section import Network
from xmppd.core.networks import is_among

FORWARDING = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"})
"""The headers by which a proxy says something; without any of them it has said nothing."""
_PAIR = re.compile(r'\s*([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^",;\s]*))\s*')


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and how it came to us or to the first proxy that we trust."""

    address: str
    scheme: str | None
    """"http" or "https" as a proxy says; None where none says anything."""
    host: str | None
    """The Host header that a proxy got; None where none says it."""
    is_behind_proxy: bool


@dataclass(frozen=True, slots=True)
class _Hop:
    address: str
    scheme: str | None = None
    host: str | None = None


def asker_of(peer: str, headers: Mapping[str, str], trusted: Sequence[Network]) -> Asker:
    """Give who asks; *peer* is who has connected. What an untrusted one says of others is not read."""
    if not is_among(peer, trusted):
        return Asker(peer, None, None, False)
    hops = _forwarded(headers["forwarded"]) if "forwarded" in headers else _x_forwarded(headers)
    address, scheme, host = peer, None, None
    for hop in reversed(hops):
        scheme, host = hop.scheme or scheme, hop.host or host
        known = _address(hop.address)
        if known is None:  # hidden, or unknown to the proxy: RFC 7239 6.3
            break
        address = known
        if not is_among(address, trusted):
            break
    return Asker(address, scheme, host, bool(hops))


def _forwarded(text: str) -> list[_Hop]:
    """RFC 7239 4: elements with pairs, the proxy that is nearest to us last; empty where it is none."""
    hops, pairs, place = [], {}, 0
    while place <= len(text):
        found = _PAIR.match(text, place)
        if found is not None:
            value = found[3] if found[2] is None else re.sub(r"\\(.)", r"\1", found[2])
            pairs[found[1].lower()] = value
            place = found.end()
        end = text[place : place + 1]
        if end in (",", ""):
            hops.append(_Hop(pairs.get("for", ""), _scheme([pairs.get("proto", "")]), pairs.get("host")))
            pairs = {}
        elif end != ";":
            return []
        place += 1
    return hops


def _x_forwarded(headers: Mapping[str, str]) -> list[_Hop]:
    """The addresses are a list; of the others the one that the nearest proxy has written holds."""
    addresses = _items(headers.get("x-forwarded-for"))
    scheme = _scheme(_items(headers.get("x-forwarded-proto"))[-1:])
    hosts = _items(headers.get("x-forwarded-host"))
    host = hosts[-1] if hosts else None
    if not addresses and scheme is None and host is None:
        return []
    hops = [_Hop(address) for address in addresses]
    last = hops.pop().address if hops else ""
    return [*hops, _Hop(last, scheme, host)]


def _items(text: str | None) -> list[str]:
    return [item for item in (part.strip() for part in (text or "").split(",")) if item]


def _scheme(given: list[str]) -> str | None:
    lowered = given[0].lower() if given else ""
    return lowered if lowered in ("http", "https") else None


def _address(text: str) -> str | None:
    """Give the IP address in ``192.0.2.1:4711``, ``[2001:db8::1]`` or the like; None where it is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
