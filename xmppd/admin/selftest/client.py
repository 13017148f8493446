"""A blocking client of a few lines, as a stranger would write: sockets and TLS of the standard library."""

import json
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final
from xml.etree.ElementTree import Element, XMLPullParser
from xml.sax.saxutils import quoteattr

from xmppd.admin.check.stranger import LOOPBACK
from xmppd.config.section import Address
from xmppd.net.tls.self_signed import to_ascii

TIMEOUT_S: Final = 10.0
_READ_BYTES: Final = 65_536
_STREAMS: Final = "{http://etherx.jabber.org/streams}"
_TLS: Final = "urn:ietf:params:xml:ns:xmpp-tls"
_SASL: Final = "urn:ietf:params:xml:ns:xmpp-sasl"
_BIND: Final = "urn:ietf:params:xml:ns:xmpp-bind"
_HEADER: Final = (
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
    " version='1.0' to={}>"
)


class Failed(Exception):
    """Something else came than should; the text is one line."""


class TrialClient:
    """One client of a throw-away account, logged in once it is made."""

    def __init__(self, address: Address, jid: str, password: str, *, is_direct: bool) -> None:
        """Connect, turn TLS on, log in and bind; `Failed`, OSError."""
        self.username, _, self.domain = jid.partition("@")
        self._events: list[Element] = []
        self._number = 0
        reached = LOOPBACK.get(address.host, address.host)
        self._socket: socket.socket = socket.create_connection((reached, address.port), TIMEOUT_S)
        try:
            if not is_direct:
                self._open()
                self._ask(f"<starttls xmlns='{_TLS}'/>", f"{{{_TLS}}}proceed")
            self._start_tls()
            self._open()
            secret = b64encode(f"\0{self.username}\0{password}".encode()).decode()
            self._ask(f"<auth xmlns='{_SASL}' mechanism='PLAIN'>{secret}</auth>", f"{{{_SASL}}}success")
            self._open()
            bound = self.request(f"<bind xmlns='{_BIND}'/>")
            self.jid = "".join(bound.itertext())
        except BaseException:
            self.close()
            raise

    @property
    def tls(self) -> str:
        """What was negotiated: version and cipher."""
        return tls_of(self._socket)

    def send(self, text: str) -> None:
        """Send a stanza."""
        self._socket.sendall(text.encode())

    def request(self, payload: str, to: str = "", type: str = "set") -> Element:
        """Send an IQ and give its result; `Failed` for an error."""
        self._number += 1
        id = f"selftest-{self._number}"
        target = f" to={quoteattr(to)}" if to else ""
        self.send(f"<iq type='{type}' id='{id}'{target}>{payload}</iq>")
        answer = self.wait(lambda stanza: stanza.tag.endswith("}iq") and stanza.get("id") == id)
        if answer.get("type") == "error":
            raise Failed(_error_in(answer))
        return answer

    def wait(self, is_meant: Callable[[Element], bool]) -> Element:
        """Give the next stanza that *is_meant*, others are passed over; `Failed` where none comes in time."""
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            while self._events:
                stanza = self._events.pop(0)
                if is_meant(stanza):
                    return stanza
            self._read()
        raise Failed(f"no answer within {TIMEOUT_S:.0f} s")

    def close(self) -> None:
        """Hang up politely; harmless the second time."""
        with suppress(OSError):
            self._socket.sendall(b"</stream:stream>")
        self._socket.close()

    def _open(self) -> None:
        self._parser: Any = XMLPullParser(("start", "end"))
        self._depth = 0
        self.send(_HEADER.format(quoteattr(self.domain)))
        self._expect(f"{_STREAMS}features")

    def _start_tls(self) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the check looks at certificates
        self._socket = context.wrap_socket(self._socket, server_hostname=to_ascii(self.domain))

    def _ask(self, text: str, tag: str) -> Element:
        self.send(text)
        return self._expect(tag)

    def _expect(self, tag: str) -> Element:
        got = self.wait(lambda stanza: True)
        if got.tag != tag:
            raise Failed(f"{got.tag.rpartition('}')[2]} came: {_error_in(got)}")
        return got

    def _read(self) -> None:
        try:
            data = self._socket.recv(_READ_BYTES)
        except TimeoutError as error:
            raise Failed(f"no answer within {TIMEOUT_S:.0f} s") from error
        if not data:
            raise Failed("the server has closed the connection")
        self._parser.feed(data)
        events: Any = self._parser.read_events()  # pairs: no others are asked for
        for kind, element in events:
            self._depth += 1 if kind == "start" else -1
            if kind == "end" and self._depth == 1:
                self._events.append(element)


def tls_of(connection: socket.socket) -> str:
    """Say which version of TLS and which cipher a connection has."""
    if not isinstance(connection, ssl.SSLSocket):
        return "no TLS"
    cipher = connection.cipher()
    return f"{connection.version()}, {cipher[0] if cipher else 'no cipher'}"


def _error_in(stanza: Element) -> str:
    """Give what an error says: its text, else its condition."""
    names = [each.tag.rpartition("}")[2] for each in stanza.iter()]
    text = next((each.text for each in stanza.iter() if each.tag.endswith("}text") and each.text), "")
    known = [name for name in names if name not in ("iq", "error", "failure", "text", "presence", "message")]
    return json.dumps(text) if text else ", ".join(known[-1:]) or "an error without a reason"
