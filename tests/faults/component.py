"""A component that notes what it has read: ``python -m tests.faults.component FOLDER``, to be killed.

The file ``port`` says where the server is, at each attempt to connect; ``read`` gets the body of each message.
"""

import os
import socket
import sys
import time
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred

from xmppd.testing.component import NS_COMPONENT, ComponentClient

GATEWAY: Final = "gateway.localhost"
AGAIN_S: Final = 0.05
READ_BYTES: Final = 65_536


class NotingComponent(ComponentClient):
    """Notes a message before anything else, so that what stands before an answer of its is noted."""

    def __init__(self, notes: int):
        super().__init__("gateway", GATEWAY)
        self._notes = notes

    def _came(self, element: Element) -> None:
        body = element.findtext(f"{{{NS_COMPONENT}}}body")
        if body is not None:
            os.write(self._notes, f"{body}\n".encode())
        super()._came(element)
        self.inbox.clear()


class SocketCarrier:
    """What it writes to."""

    def __init__(self, sock: socket.socket):
        self._socket = sock

    def write(self, data: bytes) -> None:
        """Send *data*."""
        self._socket.sendall(data)

    def lose(self) -> None:
        """Nobody asks for that, nor for what follows."""

    def start_tls(self) -> None:
        """There is none."""

    def wait(self, deferred: Deferred[None]) -> Deferred[None]:
        """It is read when something comes."""
        return deferred


def serve(port: int, notes: int) -> None:
    """Connect, and read until the server is gone; OSError."""
    client = NotingComponent(notes)
    with socket.create_connection(("127.0.0.1", port)) as sock:
        client.connected(SocketCarrier(sock))
        client.send_header()
        is_shown = False
        while data := sock.recv(READ_BYTES):
            client.received(data)
            if client.root is not None and not is_shown:
                is_shown = True
                client.send_handshake(client.root.get("id") or "")


def main(folder: Path) -> None:
    """Go on until it is killed."""
    notes = os.open(folder / "read", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    while True:
        try:
            serve(int((folder / "port").read_text()), notes)
        except (OSError, ValueError):
            time.sleep(AGAIN_S)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
