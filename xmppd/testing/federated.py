"""Plays dialogues with the parties at two servers, which talk to each other in memory.

The accounts of a dialogue, in the order in which they are named, take turns: the first stays at home (``localhost``),
the second is at ``elsewhere.example``, the third at home … What the dialogue says of them is rewritten.
"""

import re
from dataclasses import replace
from typing import Final

from twisted.internet.defer import Deferred

from xmppd.core.module import Module
from xmppd.testing.client import Carrier, Client
from xmppd.testing.component import ComponentClient
from xmppd.testing.peers import PeerServer, network
from xmppd.testing.script import Script, Step

HOME: Final = "localhost"
ELSEWHERE: Final = "elsewhere.example"
_DELAYED: Final = re.compile(rf"(<delay [^>]*from=)'{HOME}'")


class SettlingCarrier:
    """The client's end of a connection: whatever it sends has reached the other server before anything else is done."""

    def __init__(self, carrier: Carrier, server: PeerServer):
        self._carrier = carrier
        self._server = server
        self.start_tls = carrier.start_tls
        self.wait = carrier.wait

    def write(self, data: bytes) -> None:
        """Send *data*."""
        self._carrier.write(data)
        self._server.settle()

    def lose(self) -> None:
        """Break the connection."""
        self._carrier.lose()
        self._server.settle()


class FederatedStage:
    """Two servers in memory, each with the options of the dialogue."""

    is_in_memory = True

    def __init__(self, options: str, modules: tuple[type[Module], ...] = ()):
        """*options* is TOML for that at home."""
        text = options if "[hosts" in options else f'{options}\n[hosts."{HOME}"]\n'
        world = network()
        self.home = PeerServer(text, world, modules=modules)
        self.elsewhere = PeerServer(text.replace(HOME, ELSEWHERE), world, modules=modules)

    def add_account(self, address: str) -> None:
        """Make an account where it belongs."""
        self._server_of(address).add_account(address)

    def connect(self, client: Client) -> None:
        """Open a connection."""
        host = HOME if isinstance(client, ComponentClient) else client.host
        server = self._server_of(host)
        server.connect(client)
        assert client.carrier is not None
        client.carrier = SettlingCarrier(client.carrier, server)

    def pass_time(self, seconds: float) -> Deferred[None] | None:
        """Move the clock, which both share."""
        self.home.pass_time(seconds)
        return None

    def _server_of(self, address: str) -> PeerServer:
        domain = address.partition("/")[0].rpartition("@")[2]
        return self.elsewhere if domain == ELSEWHERE else self.home


def moved(script: Script) -> Script | None:
    """Give *script* with every second account elsewhere; None where there is one account only.

    What its clients get late has waited there, too (XEP-0203).
    """
    accounts = {step.who: step.what.partition("/")[0] for step in script.steps if step.verb == "is"}
    at_home = [each for each in dict.fromkeys(accounts.values()) if each.endswith(f"@{HOME}")]
    if len(at_home) < 2:
        return None
    there = {each: each.replace(f"@{HOME}", f"@{ELSEWHERE}") for each in at_home[1::2]}

    def rewritten(step: Step) -> Step:
        text = step.what
        for old, new in there.items():
            text = text.replace(old, new)
        if accounts.get(step.who) in there:
            text = _DELAYED.sub(rf"\1'{ELSEWHERE}'", text)
        return replace(step, what=text)

    return replace(script, steps=tuple(map(rewritten, script.steps)))
