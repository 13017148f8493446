"""The base of a module that is a service with a domain name of its own: ``[components."NAME"] module = "…"``.

Its IQ handlers are found as any module's: those of "host" for the domain itself, those of "node" for what has a
localpart there, such as a room. Messages, presence, and IQs without a handler come in at its door, `Service.take`. What
it sends in answer leaves by `Router.forward`, in one transaction with what it answers; all else by `Service.way`.
"""

from xmppd.config.kinds import SERVICES_ONLY
from xmppd.core.domains.door import Taken
from xmppd.core.domains.service import ServiceDomain
from xmppd.core.events import Traffic
from xmppd.core.module import Module


class Service(Module):
    """A module that takes what comes for its domain; its `identities` say what that is."""

    for_hosts = SERVICES_ONLY
    way: ServiceDomain
    """The way to the domain and from it."""

    def start(self) -> None:
        """Open the door; who overrides this calls it too."""
        self.way = self.api.router.service(self.api.host.name)
        self.way.open(self)

    def stop(self) -> None:
        """Close it; who overrides this calls it too."""
        self.way.close(self)

    def take(self, traffic: Traffic) -> Taken:
        """Take a stanza for the domain; see `xmppd.core.domains.door.Door`. Here nothing is taken."""
        return False
