"""An echo component by Twisted's own library in a process of its own: ``python -m tests.sockets.words_echo PORT DOMAIN
SECRET``. (wokkel, which is built on it, does not work with the Twisted of today.)

It runs until it is killed, and prints a line when it is connected.
"""

import sys
from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.words.protocols.jabber import component

reactor: Any = global_reactor


class Echo(component.Service):
    """Sends each chat message back."""

    def componentConnected(self, xmlstream: Any) -> None:
        """The handshake was right."""
        self.stream = xmlstream
        xmlstream.addObserver("/message[@type='chat']/body", self.on_message)
        print("connected", flush=True)

    def on_message(self, message: Any) -> None:
        """Turn it round."""
        message.swapAttributeValues("to", "from")
        self.stream.send(message)


def main() -> None:
    """Connect, and stay."""
    port, domain, secret = sys.argv[1:]
    manager = component.buildServiceManager(domain, secret, f"tcp:127.0.0.1:{port}")
    Echo().setServiceParent(manager)
    manager.startService()
    reactor.run()


if __name__ == "__main__":
    main()
