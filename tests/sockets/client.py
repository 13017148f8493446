"""The soak's client for tests that wait: a call here runs it until it has its answer."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from xml.etree.ElementTree import Element

from benchmarks.soak.client import Client, Lost, Silent

T = TypeVar("T")

TIMEOUT_S = 15.0
NOW_S = 0.01
_running = threading.local()


def run(waiting: Coroutine[Any, Any, T]) -> T:
    """Run *waiting* on this thread's loop, which is nobody else's, and give what it gives."""
    if not hasattr(_running, "loop"):
        _running.loop = asyncio.new_event_loop()
    result: T = _running.loop.run_until_complete(waiting)
    return result


class SocketClient:
    """One connection; closed at the end of a ``with`` block."""

    def __init__(
        self,
        port: int,
        *,
        is_tls: bool = False,
        receive_bytes: int | None = None,
        certificate: Path | None = None,
        domain: str = "localhost",
    ) -> None:
        """*receive_bytes* is the size of the kernel's buffer, small for a client that will not read.

        *certificate* is a PEM file with the client's own certificate and its key.
        """
        self._client = run(
            Client.connect(port, receive_bytes, is_tls=is_tls, domain=domain, tls=_context(certificate))
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""

        async def close() -> None:
            self._client.close()
            await asyncio.sleep(0)

        run(close())

    def send(self, data: bytes | str) -> None:
        """Send *data*; `Lost` where the server has cut the connection."""

        async def send() -> None:
            self._client.send(data if isinstance(data, bytes) else data.encode())
            await self._client.sent()

        run(send())

    def until(self, *marks: bytes, timeout_s: float = TIMEOUT_S) -> bytes:
        """Read up to one of *marks*; `Lost` where the connection ends before it, `Silent` where nothing comes."""
        return run(self._client.until(*marks, timeout_s=timeout_s))

    def open(self) -> bytes:
        """Send a header and give the features."""
        return run(self._client.open())

    def start_tls(self) -> None:
        """Header, STARTTLS, TLS."""
        self.open()
        run(self._client.start_tls())

    def begin_tls(self) -> None:
        """Begin TLS here and now."""
        run(self._client.begin_tls())

    def authenticate(self, username: str, password: str) -> bytes:
        """Send the password by PLAIN and give the answer."""
        return run(self._client.authenticate_plain(username, password))

    def log_in(self, username: str, password: str, resource: str) -> None:
        """Header, PLAIN, header, binding."""
        self.open()
        answer = self.authenticate(username, password)
        if b"<success" not in answer:
            raise Lost(answer.decode())
        self.open()
        run(self._client.bind_only(resource))

    def read_now(self, timeout_s: float = NOW_S) -> bytes:
        """Give what is there to be read; `Silent` where nothing is, `Lost` at the end."""
        return run(self._client.read(timeout_s=timeout_s))

    def until_closed(self) -> bytes:
        """Wait until the server has ended the connection, in whatever way; give what came before."""
        return run(self._client.until_closed())

    def is_closed(self) -> bool:
        """Whether the server has closed the connection by now; what it has sent is thrown away."""
        try:
            while True:
                self.read_now()
        except Silent:
            return False
        except Lost:
            return True

    def element(self, timeout_s: float = TIMEOUT_S) -> Element:
        """Give the next element; `Lost`."""
        return run(self._client.element(timeout_s))


class PlainClient(SocketClient):
    """One connected resource, logged in without TLS, at any server that lets it; it reads whole elements."""

    def __init__(self, address: tuple[str, int], jid: str, password: str):
        """Log in at *address* as *jid*, a full JID; OSError or `Lost` where that fails."""
        account, _, self.resource = jid.partition("/")
        self.user, _, self.domain = account.partition("@")
        self.jid = jid
        self.bare = account
        super().__init__(address[1], domain=self.domain)
        try:
            self.log_in(self.user, password, self.resource)
        except BaseException:
            self.close()
            raise

    def receive(self, is_wanted: object = None, timeout_s: float = TIMEOUT_S) -> Element:
        """Give the next element for which *is_wanted* holds, and forget those before it; `Lost`."""

        async def receive() -> Element:
            while True:
                element = await self._client.element(timeout_s)
                if not callable(is_wanted) or is_wanted(element):
                    return element

        async def in_time() -> Element:
            try:
                return await asyncio.wait_for(receive(), timeout_s)
            except TimeoutError as error:
                raise Silent(f"nothing for {self.jid}") from error

        return run(in_time())

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


def connect_many(number: int, port: int) -> contextlib.ExitStack:
    """Open idle sockets; closed with what is given."""
    stack = contextlib.ExitStack()
    for _ in range(number):
        stack.enter_context(SocketClient(port))
    return stack


def _context(certificate: Path | None) -> ssl.SSLContext:
    """Whose certificate the server has does not matter here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        context.load_cert_chain(certificate)
    return context
