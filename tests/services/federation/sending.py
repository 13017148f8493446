"""Two servers in memory, of which one sends, and what it has written of that."""

from functools import partial
from typing import Any

from twisted.internet.defer import Deferred

from tests.net.streams.s2s.two import CAPULET, MONTAGUE, Two, options
from xmppd.services.federation.holding import TICK_S, TICKS
from xmppd.services.federation.rows import STORE
from xmppd.services.stream_management.records import SESSIONS
from xmppd.storage.interface import part_of
from xmppd.testing.client import Client
from xmppd.testing.network import Wire
from xmppd.testing.peers import PeerServer
from xmppd.testing.server import now

OWNER = part_of(CAPULET, MONTAGUE)
JULIET = f"juliet@{CAPULET}"
NS = "urn:xmpp:sm:3"
MOMENT_S = 0.001
HELD_S = TICK_S * (TICKS + 1)


class Sending(Two):
    """Juliet, whose server has no archive, is acknowledged; Romeo has been written to."""

    s2s = "retry_min_s = 1\nretry_max_s = 2\n[modules.mam]\nenabled = false"

    def setUp(self) -> None:
        """Have stanzas acknowledged, and a stream between the two servers."""
        super().setUp()
        self.montague.vanish()
        self.montague = PeerServer(options(MONTAGUE, "retry_min_s = 1"), self.network)
        self.romeo = self.montague.logged_in(f"romeo@{MONTAGUE}/orchard")
        self.enable()
        self.romeo.send("<presence/>")
        self.speak("first")
        self.settle()
        self.came(self.juliet)
        self.came(self.romeo)
        self.written: list[str] = []
        rows = self.capulet.peers.federation.rows
        self.patch(rows, "new_id", partial(self.note, rows.new_id))

    def note(self, new_id: Any) -> str:
        """One more entry gets an id."""
        self.written.append(new_id())
        return self.written[-1]

    def enable(self) -> None:
        """Begin the acknowledgements of Juliet's client."""
        self.juliet.send(f"<enable xmlns='{NS}' resume='true'/>")
        self.sm_id = self.juliet.inbox[-1].get("id") or ""

    def speak(self, text: str, to: str = f"romeo@{MONTAGUE}") -> None:
        """Say something; time stands still."""
        self.juliet.send(f"<message to='{to}' type='chat' id='{text}'><body>{text}</body></message>")

    def authenticated(self) -> Client:
        """Give a client of Juliet's that has not bound yet."""
        client = self.capulet.client(f"{JULIET}/balcony")
        now(Deferred.fromCoroutine(client.authenticate()))
        return client

    def ask(self) -> None:
        """Ask for an acknowledgement."""
        self.juliet.send(f"<r xmlns='{NS}'/>")

    def h(self) -> int | None:
        """Give the latest acknowledgement."""
        found = [element for element in self.juliet.inbox if element.tag == f"{{{NS}}}a"]
        return int(found[-1].get("h") or 0) if found else None

    def recorded(self) -> int:
        """Give how much of Juliet's session the disk says was handled."""
        found = now(self.capulet.storage.get_all(SESSIONS, JULIET))
        assert isinstance(found, dict)
        return int(found[self.sm_id].split()[0])

    def rows(self) -> int:
        """Give how many messages the disk holds."""
        count = now(self.capulet.storage.count(STORE, OWNER))
        assert isinstance(count, int)
        return count

    def wire(self) -> Wire:
        """Give Capulet's end of the stream to Montague."""
        found = [wire for wire in self.network.wires if wire.peer is not None and wire.protocol is not None]
        return next(wire for wire in found if wire.protocol in self.capulet.peers.connections.all)

    def heard(self, client: Client | None = None) -> list[str]:
        """Give what Romeo was told."""
        came = self.came(client or self.romeo)
        return [each.removeprefix("message chat ") for each in came if each.startswith("message chat")]
