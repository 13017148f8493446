"""A server in memory with accounts and a service, whose nodes a test reaches by the services themselves."""

from collections.abc import Awaitable
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from tests.storage.in_step import InStep
from xmppd.core.roles import Roles
from xmppd.services.pubsub.domain import DomainRealm
from xmppd.services.pubsub.items import NewItem
from xmppd.services.pubsub.owning import Owning
from xmppd.services.pubsub.personal import Personal
from xmppd.services.pubsub.publishing import Publishing
from xmppd.services.pubsub.reading import Reading
from xmppd.services.pubsub.realm import Realm
from xmppd.services.pubsub.subscribing import Subscribing
from xmppd.stanza.jid import JID
from xmppd.storage.memory import MemoryStorage
from xmppd.testing.server import MemoryServer

OPTIONS = """
[modules.groups.groups]
Family = ["juliet@localhost", "romeo@localhost"]
[hosts."localhost"]
[components."pubsub.localhost"]
module = "pubsub"
{more}
"""
JULIET, ROMEO, IAGO = (JID.parse(f"{name}@localhost/x") for name in ("juliet", "romeo", "iago"))
PAYLOAD = b"<a xmlns='b'/>"


class World:
    """The server, its services, and two realms: an account and a domain."""

    def __init__(self, storage: MemoryStorage | InStep | None = None, more: str = ""):
        """*more* is TOML of the server, its limits say."""
        self.server = MemoryServer(OPTIONS.format(more=more), cast(MemoryStorage | None, storage))
        for jid in (JULIET, ROMEO, IAGO):
            self.server.add_account(jid.bare)
        services = self.server.server.services
        self.publishing, self.reading = services[Publishing], services[Reading]
        self.owning, self.subscribing = services[Owning], services[Subscribing]
        self.personal = services[Personal].realm(JID.parse("juliet@localhost"))
        host = self.server.server.hosts["pubsub.localhost"]
        self.domain = DomainRealm(
            host, self.server.server.registry, services[Roles], "anybody", self.server.clock.seconds
        )

    def realm(self, kind: str) -> Realm:
        """Give one of the two: "personal" or "domain"."""
        return self.personal if kind == "personal" else self.domain

    def now(self, waiting: "Deferred[Any] | Awaitable[Any]") -> Any:
        """Give what has come already; raises what it has failed with."""
        deferred = waiting if isinstance(waiting, Deferred) else Deferred.fromCoroutine(waiting)  # type: ignore[arg-type]  # a coroutine
        results: list[Any] = []
        deferred.addBoth(results.append)
        self.server.settle()
        assert results, "it has not come"
        if isinstance(results[0], Failure):
            results[0].raiseException()
        return results[0]


def item(id: str = "1", payload: bytes = PAYLOAD) -> NewItem:
    """Give an item."""
    return NewItem(id, payload, "b")
