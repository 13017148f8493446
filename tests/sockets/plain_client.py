"""A client of blocking sockets that logs in without TLS, to any server that lets it, and reads whole stanzas."""

import socket
import time
from base64 import b64encode
from types import TracebackType
from typing import Any, Self
from xml.etree.ElementTree import Element, XMLPullParser

TIMEOUT_S = 15.0
NS_BIND = "urn:ietf:params:xml:ns:xmpp-bind"
NS_SASL = "urn:ietf:params:xml:ns:xmpp-sasl"


class NothingCame(AssertionError):
    """What was waited for has not come."""


class PlainClient:
    """One connected resource."""

    def __init__(self, address: tuple[str, int], jid: str, password: str):
        """Log in at *address* as *jid*, a full JID; waits."""
        account, _, self.resource = jid.partition("/")
        self.user, _, self.domain = account.partition("@")
        self.jid = jid
        self.bare = account
        self._socket = socket.create_connection(address, TIMEOUT_S)
        self._header()
        token = b64encode(f"\0{self.user}\0{password}".encode()).decode()
        self.send(f"<auth xmlns='{NS_SASL}' mechanism='PLAIN'>{token}</auth>")
        answer = self._read(TIMEOUT_S)
        assert answer.tag.endswith("success"), answer.tag
        self._header()
        resource = f"<bind xmlns='{NS_BIND}'><resource>{self.resource}</resource></bind>"
        self.send(f"<iq id='bind' type='set'>{resource}</iq>")
        self.receive(lambda element: element.get("id") == "bind")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def send(self, text: str) -> None:
        """Send *text*."""
        self._socket.sendall(text.encode())

    def receive(self, is_wanted: object = None, timeout_s: float = TIMEOUT_S) -> Element:
        """Give the next element for which *is_wanted* holds, and forget those before it; `NothingCame`."""
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            element = self._read(left)
            if not callable(is_wanted) or is_wanted(element):
                return element
        raise NothingCame(f"nothing for {self.jid}")

    def message(self, timeout_s: float = TIMEOUT_S) -> Element:
        """Give the next message."""
        return self.receive(lambda element: element.tag == "{jabber:client}message", timeout_s)

    def body(self, timeout_s: float = TIMEOUT_S) -> str | None:
        """Give the text of the next message."""
        return self.message(timeout_s).findtext("{jabber:client}body")

    def presence(self, type_: str | None, timeout_s: float = TIMEOUT_S) -> Element:
        """Give the next presence of this type."""
        wanted = "{jabber:client}presence"
        return self.receive(
            lambda each: each.tag == wanted and each.get("type") == type_ and each.get("from") != self.jid,
            timeout_s,
        )

    def ask(self, to: str, payload: str, id_: str = "ask", timeout_s: float = TIMEOUT_S) -> Element:
        """Send an IQ get, and give its answer."""
        self.send(f"<iq to='{to}' id='{id_}' type='get'>{payload}</iq>")
        return self.receive(lambda element: element.get("id") == id_, timeout_s)

    def _header(self) -> None:
        self._parser: Any = XMLPullParser(("start", "end"))
        self._depth = 0
        self._read_already: list[Element] = []
        self.send(
            f"<stream:stream to='{self.domain}' version='1.0' xmlns='jabber:client' "
            "xmlns:stream='http://etherx.jabber.org/streams'>"
        )
        self._read(TIMEOUT_S)

    def _read(self, timeout_s: float) -> Element:
        deadline = time.monotonic() + timeout_s
        while not self._read_already:
            self._socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = self._socket.recv(65_536)
            except TimeoutError:
                raise NothingCame(f"nothing for {self.jid}") from None
            if not data:
                raise NothingCame(f"the connection of {self.jid} is closed")
            self._parser.feed(data)
            for kind, element in self._parser.read_events():
                assert isinstance(element, Element)
                self._depth += 1 if kind == "start" else -1
                if kind == "end" and self._depth == 1:
                    self._read_already.append(element)
        return self._read_already.pop(0)
