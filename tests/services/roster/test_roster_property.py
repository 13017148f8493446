"""Two users do whatever they like, lose connections and commits: both rosters and all that clients see stay right."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.session import Session
from xmppd.services.roster.items import NS
from xmppd.services.roster.roster import Roster, Rosters
from xmppd.stanza.element import Element, parse_element
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Change, StorageFailed
from xmppd.testing.server import MemoryServer, now
from xmppd.testing.sessions import FakeConnection, bound_session, written

USERS = ("romeo@localhost", "juliet@localhost")
COMMIT_S = 1.0
SETTLED_S = 10
ACTIONS = ("subscribe", "subscribed", "set", "unsubscribe", "unsubscribed", "remove", "connect")
LOOKS = ("phone", "desk", "quiet")
"""The resources of each user; the quiet one never asks for the roster."""

Item = tuple[str | None, str, bool, bool, tuple[str, ...]]


class View:
    """What one client knows: its roster, from answers and pushes, and the requests it was shown."""

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        self.version = ""
        self.session: Session | None = None
        self.requests: set[str] = set()

    def read(self) -> None:
        """Take what has come."""
        if self.session is None or not isinstance(self.session.conn, FakeConnection):
            return
        wrapped = parse_element(b"<x xmlns='jabber:client'>" + written(self.session) + b"</x>")
        for element in wrapped.elements():
            query = element.child("query", NS)
            if element.get("type") == "subscribe":
                self.requests.add(element.get("from") or "")
            if query is None:
                continue
            if element.get("type") == "result":
                self.items.clear()
            self.version = query.get("ver") or ""
            for item in query.elements():
                self._take(item)

    def _take(self, item: Element) -> None:
        jid, subscription = item.get("jid") or "", item.get("subscription") or "none"
        if subscription == "remove":
            del self.items[jid]
            return
        groups = tuple(group.text for group in item.elements())
        ask, approved = item.get("ask") is not None, item.get("approved") is not None
        self.items[jid] = (item.get("name"), subscription, ask, approved, groups)


class Play:
    """A server, its two users, and their clients."""

    def __init__(self) -> None:
        self.memory = MemoryServer()
        self.storage = self.memory.storage
        self.server = self.memory.server
        self.server.accounts._known.update(USERS)  # to make accounts with passwords takes long
        self.views = {f"{user}/{look}": View() for user in USERS for look in LOOKS}
        self._commit = self.storage.commit
        self.storage.commit = self._slow_commit  # type: ignore[method-assign]  # commits take time here
        for full_jid in self.views:
            self.connect(full_jid)

    def _slow_commit(self, *changes: Change) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        self.memory.clock.callLater(COMMIT_S, lambda: self._commit(*changes).chainDeferred(done))
        return done

    def settle(self) -> None:
        """Let everything be done that has begun."""
        self.memory.clock.pump([COMMIT_S] * SETTLED_S)
        for view in self.views.values():
            view.read()

    def connect(self, full_jid: str) -> None:
        """Bind, ask for the roster with the version that is known, and become available; or lose the connection."""
        view = self.views[full_jid]
        if view.session is not None:
            view.read()
            self.server.registry.destroy(view.session)
            view.session = None
            return
        view.session = session = bound_session(self.server.registry, full_jid)
        session.roster = now(self.server.rosters.load(session.bare_jid or ""))
        view.requests.clear()
        if not full_jid.endswith("quiet"):
            query = Element("query", NS, {"ver": view.version})
            self.client(full_jid, Stanza.make("iq", query, type="get", id="get"))
        self.client(full_jid, Stanza.make("presence"))

    def client(self, full_jid: str, stanza: Stanza) -> None:
        """Let a client send *stanza*, if it is connected."""
        session = self.views[full_jid].session
        if session is not None:
            self.server.router.from_client(session, stanza)

    def do(self, action: str, user: int, look: str, is_failing: bool, is_lost: bool) -> None:
        """Do one thing, perhaps with a failing disk, perhaps with a connection that is lost meanwhile."""
        full_jid, contact = f"{USERS[user]}/{look}", USERS[1 - user]
        self.storage.failing = StorageFailed("broken") if is_failing else None
        if action == "connect" or self.views[full_jid].session is None:
            self.connect(full_jid)
        if action in ("set", "remove"):
            attrs = {"jid": contact, "name": look}
            if action == "remove":
                attrs["subscription"] = "remove"
            item = Element("item", NS, attrs, [Element("group", NS, None, [look])])
            self.client(full_jid, Stanza.make("iq", Element("query", NS, None, [item]), type="set", id="set"))
        elif action != "connect":
            self.client(full_jid, Stanza.make("presence", to=contact, type=action))
        if is_lost and self.views[full_jid].session is not None:
            self.connect(full_jid)
        self.settle()
        self.storage.failing = None

    def stored(self, user: str) -> Roster:
        """Give a user's roster as it is stored."""
        server = self.server
        reader = Rosters(self.storage, server.hosts, server.registry, server.router, server.timers)
        roster: Roster = now(reader.load(user))
        return roster


class RosterPropertyTests(SynchronousTestCase):
    """RFC 6121 2 and 3 as a whole."""

    @settings(max_examples=100)
    @given(
        st.sets(st.integers(0, 1)),
        st.lists(
            st.tuples(
                st.sampled_from(ACTIONS),
                st.integers(0, 1),
                st.sampled_from(LOOKS),
                st.integers(0, 9).map(lambda n: n == 9),
                st.integers(0, 9).map(lambda n: n == 9),
            ),
            min_size=4,
            max_size=16,
        ),
    )
    def test_rosters_stay_consistent(
        self, granted: set[int], steps: list[tuple[str, int, str, bool, bool]]
    ) -> None:
        """After each step: the two stored rosters say the same of each other, and what all see is what is stored.

        *granted* says who of the two may see the other from the start.
        """
        play = Play()
        play.settle()
        for user in granted:
            play.do("subscribe", user, "phone", False, False)
            play.do("subscribed", 1 - user, "phone", False, False)
        for step in steps:
            play.do(*step)
            self.check(play)
        self.flushLoggedErrors(StorageFailed)  # when somebody was last there could not be stored either

    def check(self, play: Play) -> None:
        """Compare storage, memory, and what clients have seen."""
        rosters = [play.stored(user) for user in USERS]
        for user in (0, 1):
            mine, theirs = rosters[user], rosters[1 - user]
            state, other = mine.state(USERS[1 - user]), theirs.state(USERS[user])
            self.assertEqual(state.subscription in ("to", "both"), other.subscription in ("from", "both"))
            self.assertEqual(state.ask, other.asked)
            self.assertFalse(state.ask and state.subscription in ("to", "both"))
            self.check_views(play, USERS[user], mine)

    def check_views(self, play: Play, user: str, stored: Roster) -> None:
        """Memory and interested clients know what is stored; a client that never asked was told nothing."""
        loaded = play.server.rosters.loaded(user)
        expected: dict[str, Item] = {item.jid: item[1:] for item in stored.items()}
        if loaded is not None:
            self.assertEqual(sorted(loaded.items()), sorted(stored.items()))
            self.assertEqual(dict(loaded.pending), dict(stored.pending))
        for full_jid, view in play.views.items():
            if JID.parse(full_jid).bare != user or view.session is None:
                continue
            self.assertEqual(view.items, {} if full_jid.endswith("quiet") else expected, full_jid)
            if not full_jid.endswith("quiet"):
                self.assertEqual(view.version, stored.version)
            self.assertGreaterEqual(view.requests, set(stored.pending))
