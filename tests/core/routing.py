"""A router without modules, for its tests and those of its domains."""

from collections.abc import Callable
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.config.kinds import DomainKind
from xmppd.config.read import parse
from xmppd.core.events import IQRequest
from xmppd.core.host import Host, Hosts
from xmppd.core.registry import SessionRegistry
from xmppd.core.requests import PendingRequests
from xmppd.core.router import Router
from xmppd.core.session import Session
from xmppd.core.timers import Timers
from xmppd.stanza.element import Element, parse_element
from xmppd.stanza.stanza import Stanza
from xmppd.storage.memory import MemoryStorage
from xmppd.testing.sessions import bound_session, written

ALICE, BOB = "alice@a.example/desk", "bob@a.example/phone"
ACCOUNTS = ("alice@a.example", "bob@a.example", "carol@b.example")
REQUEST = Element("query", "urn:x")


class Directory:
    """The accounts there are."""

    def exists(self, bare_jid: str) -> bool:
        """Whether it is one of `ACCOUNTS`."""
        return bare_jid in ACCOUNTS


class RouterTestCase(SynchronousTestCase):
    """Two domains with accounts, a service and a component; alice and bob are connected to the first domain."""

    def setUp(self) -> None:
        """Put a router together, without modules."""
        config, _ = parse('[hosts."a.example"]\n[hosts."b.example"]\n', "test.toml")
        assert config is not None
        hosts = Hosts()
        settings = config.for_host("a.example")
        self.a, self.b = (Host(name, settings) for name in ("a.example", "b.example"))
        self.rooms = Host("rooms.example", settings, DomainKind.SERVICE)
        self.gateway = Host("gateway.example", settings, DomainKind.COMPONENT)
        for host in (self.a, self.b, self.rooms, self.gateway):
            hosts.add(host)
        self.clock = Clock()
        self.storage = MemoryStorage()
        self.registry = SessionRegistry()
        requests = PendingRequests(Timers(self.clock))
        self.router = Router(hosts, self.registry, Directory(), requests, self.storage)
        self.alice = bound_session(self.registry, ALICE, priority=0)
        self.bob = bound_session(self.registry, BOB, priority=0)

    def send(self, name: str, *payload: Element, session: Session | None = None, **attrs: Any) -> Any:
        """Route a stanza of alice's, or of another session."""
        return self.router.from_client(session or self.alice, Stanza.make(name, *payload, **attrs))

    def received(self, session: Session) -> list[Element]:
        """Give what *session* has got since the last call."""
        return list(parse_element(b"<x xmlns='jabber:client'>" + written(session) + b"</x>").elements())

    def condition(self, session: Session | None = None) -> str:
        """Give the condition of the one error that *session*, alice's, has got, or "" where it has got nothing."""
        got = self.received(session or self.alice)
        if not got:
            return ""
        (stanza,) = got
        self.assertEqual(stanza.get("type"), "error")
        error = stanza.child("error")
        assert error is not None
        return next(error.elements()).name

    def answering(self, host: Host, kind: str, answer: Callable[[IQRequest], Any]) -> None:
        """Have *answer* handle ``get urn:x query`` at *host*."""
        host.iq_handlers["get", "urn:x", "query", kind] = answer
