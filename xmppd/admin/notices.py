"""What those who administer a domain are told by message, wherever they are; it waits for who is not there."""

from xmppd.core.host import Hosts
from xmppd.core.router import Router
from xmppd.core.waiting import spawn
from xmppd.stanza import ns
from xmppd.stanza.element import Element
from xmppd.stanza.stanza import Stanza


class Notices:
    """Sends messages in the name of a domain to its admins."""

    def __init__(self, hosts: Hosts, router: Router) -> None:
        self._hosts = hosts
        self._router = router

    def certificate(self, domain: str, line: str) -> None:
        """Tell the admins of *domain* what is wrong with its certificate, unless they do not want to hear of it."""
        host = self._hosts.get(domain)
        if host is not None and host.settings.tls.tell_admins:
            self.tell(domain, f"Certificate of {domain}", line)

    def tell(self, domain: str, subject: str, text: str) -> None:
        """Send a message to each admin of *domain*, a domain of ours."""
        payload = [
            Element(name, ns.CLIENT, children=[what]) for name, what in (("subject", subject), ("body", text))
        ]
        for admin in self._hosts[domain].settings.admins:
            waiting = self._router.route(Stanza.make("message", *payload, to=admin, from_=domain))
            if waiting is not None:
                spawn("a message to an admin", waiting)
