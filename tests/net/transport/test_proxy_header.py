"""The header of the PROXY protocol, both versions; the numbers are those of its specification."""

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from xmppd.net.transport.proxy_header import MAX_BYTES, BadHeader, ProxyHeader

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
HERE = "192.0.2.1"
STREAM = b"<?xml version='1.0'?><stream:stream"
LINES = [
    (b"PROXY TCP4 198.51.100.7 192.0.2.1 56324 5222\r\n", ("198.51.100.7", 56324)),
    (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", ("255.255.255.255", 65535)),
    (b"PROXY TCP4 198.51.100.7 192.0.2.1 0 0\r\n", ("198.51.100.7", 0)),
    (b"PROXY TCP6 2001:DB8::7 2001:db8::1 1 5222\r\n", ("2001:db8::7", 1, 0, 0)),
    (
        b"PROXY TCP6 " + b" ".join([b"ffff:" * 7 + b"ffff"] * 2) + b" 65535 65535\r\n",
        (":".join(["ffff"] * 8), 65535, 0, 0),
    ),
    (b"PROXY TCP6 ::ffff:198.51.100.7 ::1 1 2\r\n", ("198.51.100.7", 1)),
    (b"PROXY UNKNOWN\r\n", None),
    (b"PROXY UNKNOWN ffff::1 whatever\r\n", None),
    (b"PROXY UNKNOWN " + b"x" * 91 + b"\r\n", None),
]
BAD = [
    b"<?xml version='1.0'?>",
    b"\x16\x03\x01",
    b"PROXX",
    b"PROXY",  # and then no space
    b"PROXY TCP4 198.51.100.7 192.0.2.1 56324\r\n",
    b"PROXY TCP4 198.51.100.7 192.0.2.1 56324 5222 1\r\n",
    b"PROXY TCP4  198.51.100.7 192.0.2.1 56324 5222\r\n",
    b"PROXY TCP4 198.51.100.07 192.0.2.1 56324 5222\r\n",
    b"PROXY TCP4 198.51.100.256 192.0.2.1 56324 5222\r\n",
    b"PROXY TCP4 2001:db8::7 192.0.2.1 56324 5222\r\n",
    b"PROXY TCP6 198.51.100.7 192.0.2.1 56324 5222\r\n",
    b"PROXY TCP6 fe80::1%lo ::1 56324 5222\r\n",
    b"PROXY TCP6 2001:db8::\xff7 ::1 56324 5222\r\n",
    b"PROXY TCP4 198.51.100.7 192.0.2.1 056324 5222\r\n",
    b"PROXY TCP4 198.51.100.7 192.0.2.1 65536 5222\r\n",
    b"PROXY TCP4 198.51.100.7 192.0.2.1 -1 5222\r\n",
    b"PROXY TCP4 198.51.100.7 192.0.2.1 \xb2 5222\r\n",
    b"PROXY TCP4 198.51.100.7 192.0.2.1 1 5222\n\r\n",
    b"PROXY UDP4 198.51.100.7 192.0.2.1 1 5222\r\n",
    b"PROXY \r\n",
    b"PROXY UNKNOWN " + b"x" * 93,
]


def binary(kind: int, block: bytes = b"", command: int = 0x21, length: int | None = None) -> bytes:
    """A header of version 2."""
    return (
        SIGNATURE
        + bytes([command, kind])
        + (len(block) if length is None else length).to_bytes(2, "big")
        + block
    )


def block(source: str, port: int, more: bytes = b"") -> bytes:
    """The addresses of one."""
    address = ip_address(source)
    here = ip_address(HERE if address.version == 4 else "::1")
    return address.packed + here.packed + port.to_bytes(2, "big") + (5222).to_bytes(2, "big") + more


TLV = b"\x02\x00\x0bexample.org\x04\x00\x02\0\0"
BINARY = [
    (binary(0x11, block("198.51.100.7", 56324)), ("198.51.100.7", 56324)),
    (binary(0x11, block("198.51.100.7", 56324, TLV)), ("198.51.100.7", 56324)),
    (binary(0x21, block("2001:db8::7", 1)), ("2001:db8::7", 1, 0, 0)),
    (binary(0x21, block("2001:db8::7", 1, TLV)), ("2001:db8::7", 1, 0, 0)),
    (binary(0x21, block("::ffff:198.51.100.7", 1)), ("198.51.100.7", 1)),
    (binary(0x00), None),
    (binary(0x00, TLV), None),
    (binary(0x12, block("198.51.100.7", 1)), None),  # UDP
    (binary(0x31, bytes(216)), None),  # a UNIX socket
    (binary(0x01, b"x"), None),
    (binary(0x11, block("198.51.100.7", 1), command=0x20), None),  # LOCAL
    (binary(0xFF, b"", command=0x20), None),  # whose family is ignored
    (binary(0x00, bytes(MAX_BYTES - 16)), None),
]
BAD_BINARY = [
    SIGNATURE[:-1] + b"X",
    binary(0x11, block("198.51.100.7", 1), command=0x11),
    binary(0x11, block("198.51.100.7", 1), command=0x22),
    binary(0x11, block("198.51.100.7", 1)[:-1]),
    binary(0x21, block("198.51.100.7", 1)),
    binary(0x41, bytes(40)),
    binary(0x13, bytes(40)),
    binary(0x00, length=MAX_BYTES - 15),
    binary(0x11, length=0xFFFF),
]
ALL = LINES + BINARY


class ProxyHeaderTests(SynchronousTestCase):
    """`ProxyHeader`."""

    def test_clients(self) -> None:
        """2.1 and 2.2: the source is the client; what is unknown, LOCAL or no TCP leaves the balancer's address."""
        for data, client in ALL:
            header = ProxyHeader()
            self.assertEqual(header.take(data + STREAM), len(data), data)
            self.assertEqual((header.is_complete, header.client), (True, client), data)

    def test_bad(self) -> None:
        """Any sequence that does not match exactly is refused, as soon as that can be seen."""
        for data in BAD + BAD_BINARY:
            with self.assertRaises(BadHeader, msg=data):
                ProxyHeader().take(data + (STREAM if data.startswith(b"PROX") and b"\r" not in data else b""))

    def test_nothing_is_refused_too_early(self) -> None:
        """What may become a header is waited for."""
        for data, _ in ALL:
            for size in range(len(data)):
                header = ProxyHeader()
                self.assertEqual(header.take(data[:size]), size)
                self.assertFalse(header.is_complete)

    @given(st.sampled_from(ALL), st.lists(st.integers(1, 40)))
    def test_pieces(self, case: "tuple[bytes, object]", sizes: list[int]) -> None:
        """However it is cut, it takes just the header."""
        data, client = case
        header, rest = ProxyHeader(), data + STREAM
        for size in [*sizes, len(rest)]:
            if header.is_complete:
                break
            rest = rest[header.take(rest[:size]) :]
        self.assertEqual((header.client, rest), (client, STREAM))

    @given(
        st.binary(max_size=150),
        st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21"]),
    )
    def test_anything(self, rest: bytes, begin: bytes) -> None:
        """Whatever comes is taken, waited for, or refused, and bounded."""
        header = ProxyHeader()
        try:
            taken = header.take(begin + rest)
        except BadHeader:
            return
        self.assertLessEqual(taken, len(begin + rest))
        if not header.is_complete:
            self.assertEqual(taken, len(begin + rest))
