"""Two servers in memory with a client of each."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.testing.client import Client
from xmppd.testing.peers import PeerServer, network

CAPULET, MONTAGUE = "capulet.example", "montague.example"


def options(domain: str, more: str = "") -> str:
    """Give the configuration of a server of *domain*."""
    return f'[s2s]\n{more}\n[hosts."{domain}"]\n'


class Two(SynchronousTestCase):
    """Base: two servers, and a client of each."""

    s2s = ""

    def setUp(self) -> None:
        """Start them."""
        self.network = network()
        self.capulet = PeerServer(options(CAPULET, self.s2s), self.network)
        self.montague = PeerServer(options(MONTAGUE, self.s2s), self.network)
        self.juliet = self.capulet.logged_in(f"juliet@{CAPULET}/balcony")
        self.romeo = self.montague.logged_in(f"romeo@{MONTAGUE}/orchard")

    def settle(self, seconds: float = 1.0) -> None:
        """Let happen what is due."""
        self.capulet.pass_time(seconds)

    def came(self, client: Client) -> list[str]:
        """Give what has come to *client*, each as "name type texts"."""
        found = []
        while client.inbox:
            element = client.inbox.popleft()
            name = element.tag.rpartition("}")[2]
            found.append(" ".join(each for each in (name, element.get("type"), *element.itertext()) if each))
        return found

    def say(self, text: str, resource: str = "/orchard") -> None:
        """Let Juliet say something to Romeo."""
        to = f"romeo@{MONTAGUE}{resource}"
        self.juliet.send(f"<message to='{to}' type='chat'><body>{text}</body></message>")
        self.settle()

    def answer(self, text: str) -> None:
        """Let Romeo say something to Juliet."""
        self.romeo.send(f"<message to='juliet@{CAPULET}/balcony' type='chat'><body>{text}</body></message>")
        self.settle()
