"""Contacts at other servers: whose presence was heard, and what becomes of it when their server is gone or comes back.

RFC 6121 4.3 and 4.5 leave to a server what it does about another one that vanishes without a word. Here:

=======================  ==============================================================================================
what happens             what is done
=======================  ==============================================================================================
a stream of theirs       after a while their contacts that are known as available are probed; who is not heard of by
breaks off               then is told to be unavailable
a search for them comes  all of them are told to be unavailable; if that were any, it is tried again for some time
to nothing
a stream comes about     all of their contacts are probed, for each account that is available
after that
=======================  ==============================================================================================

A component that disconnects is a server whose stream has broken off.

Only presence that an account is subscribed to counts: what a room or a stranger has sent is theirs to take back.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Final

from twisted.internet.defer import Deferred

from xmppd.core.bounded import Bounded
from xmppd.core.registry import SessionRegistry
from xmppd.core.router import Router
from xmppd.core.timers import Timers
from xmppd.core.turns import EXAMINED, Steps, Turns
from xmppd.core.waiting import spawn
from xmppd.services.roster.roster import Roster
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza

ASK_AFTER_S: Final = 15.0
"""How long after a stream has broken off the other server is asked: it may just be starting anew."""
ANSWER_S: Final = 60.0
"""How long answers are waited for."""
MISSED_S: Final = 3_600.0
"""How long a server is tried again for the sake of contacts that were there."""
KEPT: Final = 100_000
"""Resources of contacts elsewhere that are known; of further ones nobody is told that their server is gone."""
KEPT_OF_ONE: Final = 10_000
"""The same of one pair of domains."""
SERVERS: Final = 10_000
Key = tuple[str, str]
"""Our domain, and theirs."""


class RemoteContacts:
    """Who is there at other servers, as far as accounts here are subscribed to it."""

    def __init__(
        self,
        registry: SessionRegistry,
        router: Router,
        timers: Timers,
        turns: Turns,
        now: Callable[[], float],
        passes: Callable[[str, str], bool],
    ):
        """*now* is in seconds; *passes* says whether no block list keeps presence of one (a JID) from another."""
        self._registry = registry
        self._router = router
        self._timers = timers
        self._turns = turns
        self._now = now
        self._passes = passes
        self._known: dict[Key, dict[str, None]] = {}
        self._count = 0
        self._doubtful: dict[Key, set[str]] = {}
        """Of those that are being asked: the resources that nothing was heard of since."""
        self._missed: Bounded[Key, float] = Bounded(SERVERS)
        """Servers that were not reached, with the time until which they are tried again for their contacts' sake."""

    # -- what is heard ------------------------------------------------------------------------------------------------

    def heard(self, target: JID, sender: JID, *, is_available: bool) -> None:
        """Presence from elsewhere reaches an account."""
        key, full = (target.domainpart, sender.domainpart), sender.full
        if not is_available:
            self._forget(key, full)
            return
        if sender.resourcepart is None or not self._is_subscribed(target.bare, sender.bare):
            return
        known = self._known.setdefault(key, {})
        self._doubtful.get(key, set()).discard(full)
        if full not in known and self._count < KEPT and len(known) < KEPT_OF_ONE:
            known[full] = None
            self._count += 1

    def ask(self, ours: str) -> None:
        """Have those that are known as available tell it once more, to accounts of one of our hosts."""
        known = {
            full.partition("/")[0]
            for (host, _), found in self._known.items()
            if host == ours
            for full in found
        }
        self._run(self._probe(ours, known.__contains__))

    def is_missed(self, ours: str, theirs: str) -> bool:
        """Whether a server is to be tried again though nothing waits for it."""
        return self._missed.get((ours, theirs), 0.0) > self._now()

    def _is_subscribed(self, account: str, contact: str) -> bool:
        sessions = self._registry.resources(account)
        roster = sessions[0].roster if sessions else None
        return isinstance(roster, Roster) and roster.sees_presence_of(contact)

    def _forget(self, key: Key, full: str) -> None:
        known = self._known.get(key)
        if known is not None and full in known:
            del known[full]
            self._count -= 1
            if not known:
                del self._known[key]

    # -- what becomes of streams --------------------------------------------------------------------------------------

    def broke_off(self, ours: str, theirs: str) -> None:
        """A stream of theirs has ended without a word: whether its contacts are still there is asked soon."""
        key = (ours, theirs)
        if key in self._known and key not in self._doubtful:
            self._doubtful[key] = set()
            self._timers.add(ASK_AFTER_S, self._ask, key)

    def unreachable(self, ours: str, theirs: str) -> None:
        """A search for a server has come to nothing: nobody there is."""
        key = (ours, theirs)
        gone = tuple(self._known.get(key, ()))
        if gone or key not in self._missed:
            self._missed.keep(key, self._now() + MISSED_S if gone else 0.0)
        self._doubtful.pop(key, None)
        self._run(self._tell(key, gone))

    def reached(self, ours: str, theirs: str) -> None:
        """There is a stream: of contacts that were given up it is asked who is there."""
        if self._missed.pop((ours, theirs), None) is not None:
            self._run(self._probe(ours, lambda contact: contact.rpartition("@")[2] == theirs))

    def _ask(self, now: float, timer: object, key: Key) -> None:
        known = self._known.get(key)
        if known is None or key not in self._doubtful:
            self._doubtful.pop(key, None)
            return
        self._doubtful[key] = set(known)
        contacts = {full.partition("/")[0] for full in known}
        self._run(self._probe(key[0], contacts.__contains__))
        self._timers.add(ANSWER_S, self._unanswered, key)

    def _unanswered(self, now: float, timer: object, key: Key) -> None:
        doubtful, known = self._doubtful.pop(key, set()), self._known.get(key, {})
        gone = [full for full in known if full in doubtful]
        if gone:
            self._missed.keep(key, self._missed.get(key, 0.0))
            self._run(self._tell(key, gone))

    # -- steps --------------------------------------------------------------------------------------------------------

    def _run(self, steps: Steps) -> None:
        waiting: Deferred[None] | None = self._turns.run(steps)
        if waiting is not None:
            spawn("presence of another server's contacts", waiting)

    def _available(self, ours: str) -> Iterable[tuple[str, Roster]]:
        """Give the accounts of a host with a resource that is available, and their rosters, as they are by then."""
        for account in self._registry.accounts():
            if account.rpartition("@")[2] != ours:
                continue
            sessions = [each for each in self._registry.resources(account) if each.presence is not None]
            if sessions and isinstance(sessions[0].roster, Roster):
                yield account, sessions[0].roster

    def _tell(self, key: Key, gone: Collection[str]) -> Steps:
        """RFC 6121 4.5: resources that are gone have become unavailable, to each account that is subscribed."""
        resources: dict[str, list[str]] = {}
        for full in gone:
            resources.setdefault(full.partition("/")[0], []).append(full)
            self._forget(key, full)
            yield EXAMINED
        for account, roster in self._available(key[0]) if resources else ():
            for contact in roster.subscriptions:
                for full in resources.get(contact, ()):
                    self._router.route(Stanza.make("presence", from_=full, to=account, type="unavailable"))
                    yield None
                yield EXAMINED

    def _probe(self, ours: str, is_wanted: Callable[[str], bool]) -> Steps:
        """RFC 6121 4.3.1: in the name of the account; what is answered is for all its available resources."""
        for account, roster in self._available(ours):
            for contact in roster.subscriptions:
                if is_wanted(contact) and self._passes(contact, account):
                    self._router.route(Stanza.make("presence", from_=account, to=contact, type="probe"))
                    yield None
                yield EXAMINED
