"""Contacts on other servers: which nodes their clients want to be told of, by the presence they send (XEP-0163 4.2).

Rules that live here: only of contacts that may see the account's presence anything is kept, until their client is
unavailable; what it can do is asked in the account's name, once for each description whose hash is right (XEP-0115
5.4). All of it is bounded, and what is forgotten comes back with the next presence.
"""

from collections.abc import Callable, Iterator
from typing import Final

from xmppd.core.bounded import Bounded
from xmppd.core.router import Router
from xmppd.core.waiting import spawn
from xmppd.services.discovery.capabilities import Capabilities, Caps
from xmppd.services.roster.roster import Rosters
from xmppd.stanza.jid import JID
from xmppd.storage.interface import StorageError

CONTACTS: Final = 20_000
"""Pairs of an account and a contact elsewhere of which something is known."""
RESOURCES: Final = 20
"""Clients of one such contact."""
Learnt = Callable[[str, JID, frozenset[str]], None]
NOTHING: Final[frozenset[str]] = frozenset()


class _Client:
    __slots__ = ("caps", "features")

    def __init__(self, caps: Caps):
        self.caps = caps
        self.features: frozenset[str] = NOTHING


class RemoteContacts:
    """What is known of the clients of contacts elsewhere."""

    def __init__(self, router: Router, rosters: Rosters, capabilities: Capabilities):
        self._router = router
        self._rosters = rosters
        self._capabilities = capabilities
        self._known: Bounded[tuple[str, str], Bounded[str, _Client]] = Bounded(CONTACTS)
        self.learnt: list[Learnt] = []
        """Called with the account, the client and its features when they are known or have changed."""

    def __len__(self) -> int:
        return len(self._known)

    def interested(self, owner: str, contact: str, feature: str) -> Iterator[str]:
        """Give the full JIDs of a contact's clients that have *feature*."""
        clients = self._known.get((owner, contact))
        for full_jid, client in [*clients.items()] if clients else ():
            if feature in client.features:
                yield full_jid

    def left(self, owner: str, who: JID) -> None:
        """A client has told an account that it is unavailable."""
        clients = self._known.get((owner, who.bare))
        if clients is not None:
            clients.pop(who.full, None)
            if not clients:
                del self._known[owner, who.bare]

    def came(self, owner: str, who: JID, caps: Caps) -> None:
        """A client has sent an account presence with its capabilities."""
        clients = self._known.get((owner, who.bare))
        known = clients.get(who.full) if clients else None
        if known is None or known.caps != caps:
            spawn("capabilities of a contact elsewhere", self._learn(owner, who, caps))

    async def _learn(self, owner: str, who: JID, caps: Caps) -> None:
        try:
            roster = await self._rosters.load(owner)
        except StorageError:
            return
        if not roster.may_see_presence(who.bare):
            return
        clients = self._known.use((owner, who.bare))
        if clients is None:
            clients = Bounded(RESOURCES)
            self._known.keep((owner, who.bare), clients)
        client = _Client(caps)
        clients.keep(who.full, client)
        features = await self._capabilities.of_other(caps, who.full, owner)
        if features is None or clients.get(who.full) is not client:
            return
        client.features = features
        for tell in self.learnt:
            tell(owner, who, features)

    def let_go(self, owner: JID) -> None:
        """Keep nothing of an account."""
        for key in [key for key in self._known if key[0] == owner.bare]:
            del self._known[key]
