"""Third-party components for the tests over sockets: slixmpp's, with the rights of XEP-0356 in use."""

import asyncio
from typing import Any

from slixmpp import ComponentXMPP

TIMEOUT_S = 20.0


class SlixmppComponent(ComponentXMPP):
    """A component that sends each message back, and is there for everybody."""

    def __init__(self, domain: str, secret: str, port: int):
        super().__init__(domain, secret, "127.0.0.1", port)  # type: ignore[no-untyped-call]  # slixmpp's
        self.auto_reconnect = False
        self.outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.advertised: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for plugin in ("xep_0030", "xep_0199", "xep_0356"):
            self.register_plugin(plugin)
        for event in ("session_start", "disconnected", "connection_failed"):
            self.add_event_handler(event, lambda data, event=event: self._settle(event))
        self.add_event_handler("privileges_advertised", self._told)
        self.add_event_handler("message", self._echo)

    async def join(self) -> str:
        """Connect and show the secret; gives the name of the event that says how it went."""
        self.connect()
        return await asyncio.wait_for(self.outcome, TIMEOUT_S)

    async def leave(self) -> None:
        """Close the stream."""
        await asyncio.wait_for(self.disconnect(wait=1.0), TIMEOUT_S)

    def _echo(self, message: Any) -> None:
        if message["type"] in ("chat", "normal"):
            message.reply(message["body"]).send()

    def _told(self, _: Any) -> None:
        if not self.advertised.done():
            self.advertised.set_result(None)

    def _settle(self, event: str) -> None:
        if not self.outcome.done():
            self.outcome.set_result(event)
