"""Asks name servers, and waits for them: for a check, which has no reactor."""

import socket
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from random import randrange
from typing import Any, Final

from twisted.names import dns

from xmppd.config.section import Address
from xmppd.core.outgoing import CannotResolve, Pin, Service
from xmppd.net.dns import PIN_BYTES, TLSA
from xmppd.net.tls.self_signed import to_ascii

TIMEOUT_S: Final = 2.0
PORT: Final = 53
ANSWER_BYTES: Final = 4_096
LENGTH_BYTES: Final = 2
IDS: Final = 65_536


def services(name: str, servers: Sequence[Address]) -> tuple[Service, ...]:
    """Give the SRV records of *name*; waits some seconds at most, raises `CannotResolve`."""
    found = _ask(name, dns.SRV, servers)
    return tuple(
        Service(each.priority, each.weight, each.port, each.target.name.decode().rstrip("."))
        for each in found
    )


def addresses(name: str, servers: Sequence[Address]) -> tuple[str, ...]:
    """Give the IP addresses of *name*, of both versions; as `services`."""
    found = [(socket.AF_INET, each.address) for each in _ask(name, dns.A, servers)]
    found += [(socket.AF_INET6, each.address) for each in _ask(name, dns.AAAA, servers)]
    return tuple(socket.inet_ntop(family, packed) for family, packed in found)


def pins(host: str, port: int, servers: Sequence[Address]) -> tuple[Pin, ...]:
    """Give the TLSA records of the service at *port* of *host*, whoever vouches for them; as `services`."""
    data = [each.data for each in _ask(f"_{port}._tcp.{host}", TLSA, servers)]
    return tuple(Pin(each[0], each[1], each[2], each[PIN_BYTES:]) for each in data if len(each) > PIN_BYTES)


def vouches(servers: Sequence[Address]) -> bool:
    """Say whether these name servers, or the system's, check DNSSEC on this machine; raises `CannotResolve`."""
    asked = [each.host for each in servers] or [host for host, _ in _of_this_system()]
    if not all(ip_address(host).is_loopback for host in asked):
        return False
    return bool(_answer("", dns.SOA, servers).authenticData)


def _ask(name: str, kind: int, servers: Sequence[Address]) -> list[Any]:
    return [each.payload for each in _answer(name, kind, servers).answers if each.type == kind]


def _answer(name: str, kind: int, servers: Sequence[Address]) -> dns.Message:
    question = dns.Message(randrange(IDS), recDes=1, authenticData=1)
    question.addQuery(to_ascii(name).encode(), kind)
    sent = question.toStr()
    for host, port in [(each.host, each.port) for each in servers] or _of_this_system():
        try:
            answer = _by_datagram(host, port, sent)
            if answer.trunc:
                answer = _by_stream(host, port, sent)
        except (OSError, EOFError, ValueError):
            continue
        if answer.id == question.id and answer.rCode in (dns.OK, dns.ENAME):
            return answer
    raise CannotResolve("no name server answers")


def _by_datagram(host: str, port: int, sent: bytes) -> dns.Message:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(TIMEOUT_S)
        asking.connect((host, port))
        asking.send(sent)
        return _read(asking.recv(ANSWER_BYTES))


def _by_stream(host: str, port: int, sent: bytes) -> dns.Message:
    """What is too long for a datagram, as TLSA records of whole certificates are (RFC 1035 4.2.2)."""
    with socket.create_connection((host, port), TIMEOUT_S) as asking, asking.makefile("rb") as answer:
        asking.sendall(len(sent).to_bytes(LENGTH_BYTES, "big") + sent)
        return _read(answer.read(int.from_bytes(answer.read(LENGTH_BYTES), "big")))


def _read(data: bytes) -> dns.Message:
    answer = dns.Message()
    answer.fromStr(data)
    return answer


def _of_this_system(file: Path = Path("/etc/resolv.conf")) -> list[tuple[str, int]]:
    try:
        lines = [line.split() for line in file.read_text().splitlines()]
    except OSError:
        return []
    return [(words[1], PORT) for words in lines if words[:1] == ["nameserver"] and len(words) > 1]
