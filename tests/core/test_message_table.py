"""RFC 6121 8.5 through the whole server: type × form of address × resources → who gets it, what the sender hears.

`tests.core.test_delivery` looks at the table of rules alone; here a client sends, and what all connections, the
inbox and the sender get is compared with the RFC's own words, written down once more below.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.session import Session
from xmppd.services.inbox.inbox import Inbox
from xmppd.stanza.element import parse_element
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import DeleteAll
from xmppd.testing.server import MemoryServer, now
from xmppd.testing.sessions import bound_session, written

STORE = "inbox"
BOB = "bob@localhost"
TYPES = (None, "normal", "chat", "headline", "groupchat", "error", "poem")
RESOURCES: dict[str, dict[str, int | None]] = {
    "none": {},
    "one not available": {"mute": None},
    "one negative": {"bot": -1},
    "one": {"desk": 0},
    "one and one not available": {"desk": 0, "mute": None},
    "one and a negative": {"desk": 0, "bot": -5},
    "two priorities": {"desk": 5, "phone": 1},
    "two equal": {"desk": 1, "phone": 1},
    "three": {"desk": 5, "phone": 5, "bot": -1},
}
"""Resources of the account with their priority, None for those that are connected and not available."""
ABSENT = "absent"
KEPT, REFUSED, DROPPED = "kept", "service-unavailable", "dropped"


class Expected:
    """What the RFC says of one cell, computed from the resources in the plainest way."""

    def __init__(self, kind: str | None, resource: str | None, resources: dict[str, int | None]):
        known = kind if kind in ("chat", "headline", "groupchat", "error") else "normal"  # 5.2.2
        takers = {
            name: priority for name, priority in resources.items() if priority is not None and priority >= 0
        }
        top = [name for name, priority in takers.items() if priority == max(takers.values())]
        self.receivers: list[str] = []
        self.outcome = DROPPED
        if resource in resources:  # 8.5.3.1: whatever its type, and whether it is available or not
            self.receivers = [resource or ""]
        elif resource is not None and known in ("normal", "groupchat"):  # 8.5.3.2.1
            self.outcome = REFUSED
        elif known in ("normal", "chat"):  # 8.5.2.1.1, 8.5.2.2.1, and for chat 8.5.3.2.1
            self.receivers, self.outcome = top, KEPT
        elif known == "headline" and resource is None:  # 8.5.2.1.1
            self.receivers = list(takers)
        elif known == "groupchat":  # 8.5.2.1.1
            self.outcome = REFUSED
        if self.receivers:
            self.outcome = DROPPED


def cells() -> Iterator[tuple[str | None, str | None, str]]:
    """Give every cell: type, resource addressed (None for the bare JID), name of the set of resources."""
    for kind in TYPES:
        for name, resources in RESOURCES.items():
            for resource in (None, ABSENT, *resources):
                yield kind, resource, name


@cache
def shared_server() -> MemoryServer:
    """Give the one server of all these tests: there are too many to make one for each."""
    memory = MemoryServer()
    memory.add_account(BOB)
    return memory


class MessageTableTests(SynchronousTestCase):
    """One test for each cell is added below; these are the rest. They share a server, and leave it empty."""

    def setUp(self) -> None:
        """Alice is online, Bob has an account."""
        self.memory = shared_server()
        self.alice = self.session("alice@localhost/x", 0)
        self.addCleanup(self.empty)

    def empty(self) -> None:
        """End all sessions, and forget what was kept."""
        for session in self.memory.server.registry:
            self.memory.server.registry.destroy(session)
        now(self.memory.storage.commit(DeleteAll(STORE, BOB)))
        self.memory.server.services[Inbox].let_go(JID.parse(BOB))

    def session(self, full_jid: str, priority: int | None) -> Session:
        """Give a connected resource, available where it has a priority."""
        return bound_session(self.memory.server.registry, full_jid, priority)

    def send(self, kind: str | None, to: str | None) -> None:
        """Let Alice send a message."""
        message = Stanza.make("message", b"<body>Hello</body>", to=to, id="m1", type=kind)
        self.memory.server.router.from_client(self.alice, message)

    def kept(self) -> int:
        """Give how many messages wait for Bob."""
        return len(now(self.memory.storage.read(STORE, BOB)))

    def answers(self) -> list[str]:
        """Give the conditions of the errors that Alice got, each with the id of her message, from whom she wrote to."""
        wrapped = parse_element(b"<x xmlns='jabber:client'>" + written(self.alice) + b"</x>")
        return [
            f"{stanza.get('type')} {stanza.get('id')} {next(error.elements()).name} from {stanza.get('from')}"
            for stanza in wrapped.elements()
            for error in stanza.elements()
            if error.name == "error"
        ]

    def test_unknown_accounts(self) -> None:
        """RFC 6121 8.5.1: as for one that is there and takes nothing; nothing is stored for it."""
        for kind in TYPES:
            for to in ("nobody@localhost", "nobody@localhost/x"):
                self.send(kind, to)
                is_refused = kind not in ("headline", "error")
                expected = [f"error m1 service-unavailable from {to}"] if is_refused else []
                self.assertEqual(self.answers(), expected, (kind, to))
        self.assertEqual(now(self.memory.storage.owners(STORE)), [])

    def test_without_to(self) -> None:
        """RFC 6120 10.3.1: it is for the sender's own account, as if it were addressed to it."""
        desk = self.session("alice@localhost/desk", 5)
        self.send("chat", None)
        self.assertIn(b"Hello", written(desk))
        self.assertEqual(written(self.alice), b"")

    def test_bare_stays_bare(self) -> None:
        """RFC 6121 8.5.2.1.1: what is addressed to the account says so when it is delivered."""
        desk = self.session(f"{BOB}/desk", 0)
        self.send("chat", BOB)
        self.assertIn(b"to='bob@localhost'", written(desk))

    def test_remote_and_host(self) -> None:
        """RFC 6120 10.4, 10.5.1: a domain that is not served, and the server itself."""
        self.send("chat", "x@example.net")
        self.send("chat", "localhost")
        self.assertEqual(
            self.answers(),
            [
                "error m1 remote-server-not-found from x@example.net",
                "error m1 service-unavailable from localhost",
            ],
        )


def _cell_test(kind: str | None, resource: str | None, name: str) -> Any:
    def test(self: MessageTableTests) -> None:
        resources = RESOURCES[name]
        sessions = {each: self.session(f"{BOB}/{each}", priority) for each, priority in resources.items()}
        to = BOB if resource is None else f"{BOB}/{resource}"
        self.send(kind, to)
        expected = Expected(kind, resource, resources)
        got = [each for each, session in sessions.items() if b"<body>Hello</body>" in written(session)]
        self.assertEqual(got, expected.receivers)
        self.assertEqual(self.kept(), 1 if expected.outcome == KEPT else 0)
        refusals = [f"error m1 {REFUSED} from {to}"] if expected.outcome == REFUSED else []
        self.assertEqual(self.answers(), refusals)

    test.__doc__ = f"RFC 6121 8.5: {kind} to {resource or 'the account'}, resources: {name}."
    return test


for _kind, _resource, _name in cells():
    _title = f"{_kind or 'no_type'}_to_{_resource or 'bare'}_with_{_name.replace(' ', '_')}"
    setattr(MessageTableTests, f"test_{_title}", _cell_test(_kind, _resource, _name))
