"""One stanza to many who are known by full JID: the occupants of a room, the subscribers of a node.

Rules that live here: nobody keeps a session; each is looked up when it is its turn, so that who has gone or has come
back meanwhile is seen as they are. Who is connected here is sent its copy directly, all others through the router, as
`xmppd.core.router` knows where they are; bare JIDs go through it too, for RFC 6121 8.5.2 says who of them gets it.
An account that blocks the sender gets nothing and is not gone (XEP-0191 3.3). Work for one key keeps its order and is
bounded (`xmppd.core.lanes`); no turn is long, however many there are.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import chain
from typing import Final

from twisted.internet.defer import Deferred

from xmppd.core.fanout import Fanout
from xmppd.core.lanes import Lanes
from xmppd.core.registry import SessionRegistry
from xmppd.core.router import Router
from xmppd.core.turns import DELIVERED, EXAMINED, ROUTED, SHOWN, Steps
from xmppd.services.presence.blocking import Blocking, covers
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza

ForOne = Fanout | Stanza | Callable[[], Fanout]
"""What one taker is sent: a stanza, or what makes it when its turn has come."""
STEP: Final = 10 * DELIVERED
"""What is done before it is looked whether others have their turn; that look costs some tenth of a copy."""
Gone = Callable[[Sequence[str]], None]
"""Told, once, who of the takers would be a client of this server and is not connected."""


class Recipients:
    """Sends to many."""

    def __init__(self, registry: SessionRegistry, router: Router, lanes: Lanes, blocking: Blocking):
        self._sessions = registry.by_full
        self._router = router
        self._lanes = lanes
        self._blocking = blocking

    def send(
        self, key: Hashable, stanza: Stanza, takers: Iterable[str], gone: Gone | None = None
    ) -> Deferred[None] | None:
        """Send *stanza*, whose ``from`` is prepared, to *takers* (prepared JIDs), behind all sent for *key* before.

        At once where nothing waits and there are some 500 or fewer. None where the sender may go on; a Deferred, which
        never fails, where it has to wait since much is to be done for *key*: this stanza is taken all the same.
        *gone* is called behind the last copy, if somebody is.
        """
        return self._lanes.run(key, self.steps(stanza, tuple(takers), gone))

    def run(self, key: Hashable, *pieces: Steps) -> Deferred[None] | None:
        """Do *pieces* (of `steps`, `steps_to`) one after the other, as one piece of work for *key*; as `send`."""
        return self._lanes.run(key, pieces[0] if len(pieces) == 1 else chain(*pieces))

    def steps(self, stanza: Stanza, takers: Iterable[str], gone: Gone | None = None) -> Steps:
        """Give the work of `send` for who has more to do in the same piece; ValueError for a ``from`` that is none."""
        fanout, sender = Fanout(stanza), JID.parse(stanza.from_ or "")
        missing: list[str] = []
        cost = 0
        for to in takers:
            session = self._sessions.get(to)
            if session is None:
                cost += self._elsewhere(fanout, to, missing)
            elif self._blocking.is_used and self._is_blocked(session.bare_jid or "", sender):
                cost += EXAMINED
            elif fanout.send(session, to):
                cost += DELIVERED
            else:
                missing.append(to)
                cost += EXAMINED
            if cost >= STEP:
                yield cost
                cost = 0
        if cost:
            yield cost
        if missing and gone is not None:
            gone(missing)

    def steps_to(self, to: str, sender: JID, stanzas: Iterable[ForOne], gone: Gone | None = None) -> Steps:
        """Give the work of sending many *stanzas* to one taker, as far as it is there and does not block *sender*."""
        for item in stanzas:
            each = item if isinstance(item, Fanout | Stanza) else item()
            session = self._sessions.get(to)
            if session is None:
                bare_jid, slash, _ = to.partition("/")
                if slash and self._router.is_here(bare_jid):
                    if gone is not None:
                        gone((to,))
                    return
                self._router.route(each.copy(to) if isinstance(each, Fanout) else each.replace(to=to))
                yield ROUTED
            elif self._blocking.is_used and self._is_blocked(session.bare_jid or "", sender):
                return
            else:
                if isinstance(each, Fanout):
                    each.send(session, to)
                    yield DELIVERED if item is each else SHOWN
                else:
                    session.send(each.replace(to=to))
                    yield SHOWN

    def _elsewhere(self, fanout: Fanout, to: str, missing: list[str]) -> int:
        bare_jid, slash, _ = to.partition("/")
        if slash and self._router.is_here(bare_jid):
            missing.append(to)
            return EXAMINED
        self._router.route(fanout.copy(to))
        return ROUTED

    def _is_blocked(self, owner: str, sender: JID) -> bool:
        """Whether an account with a connected resource blocks the sender; nobody blocks oneself or one's own server."""
        blocked = self._blocking.list_of(owner)
        if not blocked or owner == sender.bare or owner.rpartition("@")[2] == sender.full:
            return False
        return covers(blocked, sender)
