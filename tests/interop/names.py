"""A name server on loopback that knows what it was told, in a thread of its own."""

import socket
from collections.abc import Mapping, Sequence
from threading import Thread

from twisted.names import dns

SRV, A = dns.SRV, dns.A


class TLSA(dns.UnknownRecord):
    """What the certificate of a service is (RFC 6698); twisted.names does not know it by name."""

    TYPE = 52  # type: ignore[assignment]  # of an unknown one it is None


Record = dns.Record_SRV | dns.Record_A | TLSA


class NameServer:
    """Answers questions by UDP on 127.0.0.1."""

    def __init__(self, records: Mapping[str, Sequence[Record]], *, is_authentic: bool = False):
        """*records* by name; a name that is not there does not exist.

        *is_authentic*: who asks for that is told that DNSSEC vouches for them.
        """
        self.records = dict(records)
        self._is_authentic = is_authentic
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                data, peer = self._socket.recvfrom(4_096)
            except OSError:
                return
            self._socket.sendto(self._answer(data), peer)

    def _answer(self, data: bytes) -> bytes:
        message = dns.Message()
        message.fromStr(data)
        message.answer = 1
        message.recAv = message.auth = True
        message.additional = []
        message.authenticData = message.authenticData and self._is_authentic
        for query in message.queries:
            name = query.name.name.decode().lower()
            self.asked.append(name)
            known = self.records.get(name)
            if known is None:
                message.rCode = dns.ENAME
            message.answers += [
                dns.RRHeader(query.name.name, each.TYPE, ttl=1, payload=each, auth=True)
                for each in known or ()
                if query.type == each.TYPE
            ]
        encoded: bytes = message.toStr()
        return encoded


def serving(
    domain: str, port: int, address: str = "127.0.0.1", direct_port: int = 0, target: str = ""
) -> dict[str, list[Record]]:
    """Give the records of a domain whose server is at *port*, and at *direct_port* with direct TLS.

    Its host is *target*, where that is not the domain itself.
    """
    records: dict[str, list[Record]] = {
        domain: [dns.Record_A(address)],
        f"_xmpp-server._tcp.{domain}": [dns.Record_SRV(5, 0, port, target or domain)],
    }
    if direct_port:
        records[f"_xmpps-server._tcp.{domain}"] = [dns.Record_SRV(1, 0, direct_port, target or domain)]
    return records
