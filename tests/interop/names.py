"""A name server on loopback that knows what it was told, in threads of its own."""

import socket
from collections.abc import Mapping, Sequence
from threading import Thread

from twisted.names import dns

SRV, A = dns.SRV, dns.A
DATAGRAM_BYTES = 512
"""RFC 1035 4.2.1."""


class TLSA(dns.UnknownRecord):
    """What the certificate of a service is (RFC 6698); twisted.names does not know it by name."""

    TYPE = 52  # type: ignore[assignment]  # of an unknown one it is None


Record = dns.Record_SRV | dns.Record_A | TLSA


class NameServer:
    """Answers questions by UDP on 127.0.0.1; what is too long for that, by TCP."""

    def __init__(self, records: Mapping[str, Sequence[Record]], *, is_authentic: bool = False):
        """*records* by name; a name that is not there does not exist.

        *is_authentic*: who asks for that is told that DNSSEC vouches for them.
        """
        self.records = dict(records)
        self._is_authentic = is_authentic
        self.asked: list[str] = []
        self._socket, self._streams = _of_one_number()
        self.port: int = self._streams.getsockname()[1]
        for serve in (self._serve, self._serve_streams):
            Thread(target=serve, daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        self._socket.close()
        self._streams.shutdown(socket.SHUT_RDWR)
        self._streams.close()

    def _serve(self) -> None:
        while True:
            try:
                data, peer = self._socket.recvfrom(4_096)
            except OSError:
                return
            answer = self._answer(data)
            if len(answer) > DATAGRAM_BYTES:
                answer = self._answer(data, is_cut_off=True)
            self._socket.sendto(answer, peer)

    def _serve_streams(self) -> None:
        while True:
            try:
                stream, _ = self._streams.accept()
            except OSError:
                return
            with stream, stream.makefile("rb") as asked:
                answer = self._answer(asked.read(int.from_bytes(asked.read(2), "big")))
                stream.sendall(len(answer).to_bytes(2, "big") + answer)

    def _answer(self, data: bytes, *, is_cut_off: bool = False) -> bytes:
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
        if is_cut_off:
            message.trunc, message.answers = True, []
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


def _of_one_number() -> tuple[socket.socket, socket.socket]:
    """Give sockets for datagrams and for streams with the same port; others may have one half of a number."""
    while True:
        streams = socket.create_server(("127.0.0.1", 0))
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            datagrams.bind(streams.getsockname())
        except OSError:
            streams.close()
            datagrams.close()
        else:
            return datagrams, streams
