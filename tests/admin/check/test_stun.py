"""A client of STUN and TURN beside a small server of the same: RFC 8489, RFC 8656."""

import hmac
import socket
from collections.abc import Callable
from hashlib import md5, sha1
from threading import Thread

from twisted.trial.unittest import SynchronousTestCase

from xmppd.admin.check.stun import Refused, Server, mapped, relayed

COOKIE = bytes.fromhex("2112a442")
NAME, PASSWORD = "1000:somebody", "a password"
KEY = md5(f"{NAME}:example.org:{PASSWORD}".encode()).digest()
Answer = Callable[[bytes], bytes]


def attribute(kind: int, value: bytes) -> bytes:
    """RFC 8489 14."""
    return kind.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value + bytes(-len(value) % 4)


def message(kind: int, id: bytes, *attributes: bytes) -> bytes:
    """RFC 8489 5."""
    content = b"".join(attributes)
    return kind.to_bytes(2, "big") + len(content).to_bytes(2, "big") + COOKIE + id + content


def at(address: str, kind: int) -> bytes:
    """RFC 8489 14.2, of IP version 4."""
    packed = bytes(a ^ b for a, b in zip(socket.inet_aton(address), COOKIE, strict=True))
    return attribute(kind, b"\0\1" + bytes(2) + packed)


def is_signed(question: bytes) -> bool:
    """RFC 8489 14.5: by who has the password."""
    covered, signature = question[:-24], question[-20:]
    return hmac.new(KEY, covered, sha1).digest() == signature and attribute(0x0006, NAME.encode()) in question


def turn(question: bytes) -> bytes:
    """A server that lets one user in."""
    kind, id = int.from_bytes(question[:2], "big"), question[8:20]
    if kind == 0x001:
        return message(0x101, id, at("192.0.2.7", 0x0020))
    if is_signed(question):
        return message(kind | 0x100, id, at("192.0.2.8", 0x0016))
    error = attribute(0x0009, b"\0\0\4\1Unauthorized")
    return message(kind | 0x110, id, error, attribute(0x0014, b"example.org"), attribute(0x0015, b"nonce"))


class StunTests(SynchronousTestCase):
    """`mapped` and `relayed`, by UDP and by TCP on the loopback address."""

    def serve(self, answer: Answer, is_stream: bool = False) -> Server:
        """Give the place of a server that answers so, as long as the test runs."""
        listening = socket.socket(type=socket.SOCK_STREAM if is_stream else socket.SOCK_DGRAM)
        listening.bind(("127.0.0.1", 0))
        if is_stream:
            listening.listen()
        serving = Thread(target=_stream if is_stream else _datagrams, args=(listening, answer))
        serving.start()
        self.addCleanup(listening.close)
        self.addCleanup(serving.join)
        self.addCleanup(_wake, listening, is_stream)
        return Server("127.0.0.1", listening.getsockname()[1], is_stream)

    def test_mapped(self) -> None:
        """The address that a server sees us at."""
        for is_stream in (False, True):
            self.assertEqual(mapped(self.serve(turn, is_stream)), "192.0.2.7")

    def test_relayed(self) -> None:
        """Credentials are shown with the realm and the nonce that the server has said."""
        for is_stream in (False, True):
            self.assertEqual(relayed(self.serve(turn, is_stream), (NAME, PASSWORD)), "192.0.2.8")

    def test_refused(self) -> None:
        """Without credentials, and with wrong ones."""
        server = self.serve(turn)
        for credentials in (None, (NAME, "another")):
            error = self.assertRaises(Refused, relayed, server, credentials)
            self.assertEqual((error.code, str(error)), (401, "401 Unauthorized"))

    def test_nonsense(self) -> None:
        """What answers is no STUN server, or says nothing that could be used."""
        table: tuple[tuple[Answer, str], ...] = (
            (lambda question: message(0x0001, question[8:20]), "no STUN server"),
            (lambda question: message(0x0111, question[8:20]), "no STUN server"),
            (lambda question: message(0x0101, question[8:20]), "no address"),
        )
        for answer, words in table:
            self.assertIn(words, str(self.assertRaises(OSError, mapped, self.serve(answer))))
        silent = self.serve(lambda question: message(0x0113, question[8:20], attribute(0x0009, b"\0\0\4\1")))
        self.assertIn("without a realm", str(self.assertRaises(Refused, relayed, silent, (NAME, PASSWORD))))

    def test_closed(self) -> None:
        """A connection that ends instead of an answer."""
        error = self.assertRaises(OSError, mapped, self.serve(lambda question: b"", is_stream=True))
        self.assertIn("closes the connection", str(error))


def _datagrams(listening: socket.socket, answer: Answer) -> None:
    while True:
        question, sender = listening.recvfrom(2_048)
        if not question:
            return
        listening.sendto(answer(question), sender)


def _stream(listening: socket.socket, answer: Answer) -> None:
    while True:
        with listening.accept()[0] as connection:
            question = connection.recv(2_048)
            if not question:
                return
            while question and (said := answer(question)):
                connection.sendall(said)
                question = connection.recv(2_048)


def _wake(listening: socket.socket, is_stream: bool) -> None:
    """Nothing, which ends the server."""
    address = listening.getsockname()
    with socket.socket(type=socket.SOCK_STREAM if is_stream else socket.SOCK_DGRAM) as waking:
        waking.connect(address)
        if not is_stream:
            waking.send(b"")
