"""Messages of strangers."""

from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from xmppd.modules import strangers as module
from xmppd.modules.strangers import Strangers
from xmppd.stanza.element import Element
from xmppd.stanza.stanza import Stanza
from xmppd.testing.client import Client
from xmppd.testing.server import MemoryServer

ROSTER = "<iq type='set' id='r'><query xmlns='jabber:iq:roster'><item jid='{}'/></query></iq>"
NAMES = ("juliet", "nurse", "tybalt")


class Uncounted:
    """A stream that acknowledges nothing."""

    ledger = None


class StrangersTests(SynchronousTestCase):
    """An account that writes to others."""

    def begin(self, options: str) -> None:
        """Make a server with *options* of the module."""
        self.memory = MemoryServer(
            f"[modules.register]\nallow_registration = true\n[modules.strangers]\n{options}"
        )
        self.romeo = self.memory.logged_in("romeo@localhost/x")
        self.others = {name: self.memory.logged_in(f"{name}@localhost/x") for name in NAMES}

    def reached(self, *names: str, type: str = "chat", by: Client | None = None) -> Sequence[str]:
        """Write to each, and give whom that reached; all others were answered with policy-violation."""
        found = []
        for name in names:
            (by or self.romeo).send(
                f"<message to='{name}@localhost' type='{type}' id='m'><body>hi</body></message>"
            )
            self.memory.settle()
            inbox = self.others[name].inbox
            if inbox:
                found.append(name)
                inbox.clear()
            else:
                answer = self.romeo.inbox.pop()
                self.assertEqual((answer.get("type"), answer.get("id")), ("error", "m"))
                self.assertIsNotNone(answer.find(".//{*}policy-violation"))
        return found

    @property
    def refused(self) -> int:
        """How many messages were refused."""
        loaded = self.memory.server.hosts["localhost"].modules["strangers"]
        assert isinstance(loaded, Strangers)
        return loaded.refused

    def test_limit(self) -> None:
        """So many accounts are reached within an hour, as often as one likes; then there are more."""
        for client in self.available("recipients_per_hour = 2"):
            client.inbox.clear()
        self.assertEqual(self.reached(*NAMES, "juliet"), ["juliet", "nurse", "juliet"])
        self.assertEqual(self.refused, 1)
        self.memory.pass_time(module.HOUR_S)
        self.assertEqual(self.reached("tybalt"), ["tybalt"])

    def available(self, options: str) -> list[Client]:
        """The same with all of them available."""
        self.begin(options)
        for client in self.others.values():
            client.send("<presence/>")
        self.memory.settle()
        return list(self.others.values())

    def test_contacts(self) -> None:
        """Those who have one as a contact are reached in any case, also where they are offline."""
        for client in self.available('policy = "refuse"'):
            client.inbox.clear()
        self.assertEqual(self.reached(*NAMES), [])
        self.others["nurse"].send(ROSTER.format("romeo@localhost"))
        self.memory.settle()
        self.others["nurse"].inbox.clear()
        self.assertEqual(self.reached(*NAMES), ["nurse"])
        self.assertEqual(self.refused, 5)

    def test_who_is_no_stranger(self) -> None:
        """Somebody to whom the recipient has sent presence, and one's own clients."""
        for client in self.available('policy = "refuse"'):
            client.send("<presence to='romeo@localhost/x'/>")
            self.memory.settle()
            client.inbox.clear()
        self.romeo.inbox.clear()
        self.assertEqual(self.reached(*NAMES), list(NAMES))
        second = self.memory.logged_in("juliet@localhost/y")
        self.assertEqual(self.reached("juliet", by=second), ["juliet"])

    def test_accept(self) -> None:
        """Everybody is reached by anybody."""
        for client in self.available('policy = "accept"\nrecipients_per_hour = 1'):
            client.inbox.clear()
        self.assertEqual(self.reached(*NAMES), list(NAMES))

    def test_where_nobody_makes_accounts(self) -> None:
        """Those who have one are known: they write to whom they like, and nothing looks at what they say."""
        self.memory = MemoryServer("[modules.strangers]\nrecipients_per_hour = 1")
        self.romeo = self.memory.logged_in("romeo@localhost/x")
        self.others = {name: self.memory.logged_in(f"{name}@localhost/x") for name in NAMES}
        for client in self.others.values():
            client.send("<presence/>")
        self.memory.settle()
        for client in self.others.values():
            client.inbox.clear()
        self.assertEqual(self.reached(*NAMES), list(NAMES))

    def test_from_another_server(self) -> None:
        """Of one address there so many accounts here are reached; another address is not touched."""
        self.memory = MemoryServer("[modules.strangers]\nrecipients_per_hour = 1")
        self.others = {name: self.memory.logged_in(f"{name}@localhost/x") for name in NAMES}
        for client in self.others.values():
            client.send("<presence/>")
        self.memory.settle()
        inlet = Uncounted()
        for sender, name in (("a", "juliet"), ("a", "nurse"), ("b", "nurse"), ("a", "juliet")):
            stanza = Stanza.make(
                "message",
                Element("body", "jabber:client", children=[sender]),
                from_=f"{sender}@there.example/x",
                to=f"{name}@localhost",
                type="chat",
            )
            self.memory.server.router.from_server(inlet, stanza, {"there.example": {"localhost"}})
            self.memory.settle()
        heard = {
            name: [each.findtext("{*}body") for each in client.inbox if each.tag.endswith("message")]
            for name, client in self.others.items()
        }
        self.assertEqual(heard, {"juliet": ["a", "a"], "nurse": ["b"], "tybalt": []})
        self.assertEqual(self.refused, 1)

    def test_rooms(self) -> None:
        """A word between occupants of a room here comes from the room."""
        self.memory = MemoryServer(
            '[hosts.localhost]\n[components."rooms.localhost"]\nmodule = "muc"\n'
            '[modules.strangers]\npolicy = "refuse"\n'
        )
        clients = [self.memory.logged_in(f"{name}@localhost/x") for name in ("romeo", "juliet")]
        for nick, client in enumerate(clients):
            client.send(
                f"<presence to='r@rooms.localhost/n{nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>"
            )
            clients[0].send(
                "<iq type='set' id='0' to='r@rooms.localhost'><query xmlns='http://jabber.org/protocol/muc#owner'>"
                "<x xmlns='jabber:x:data' type='submit'/></query></iq>"
            )
            self.memory.settle()
        clients[1].inbox.clear()
        clients[0].send("<message to='r@rooms.localhost/n1' type='chat'><body>psst</body></message>")
        self.memory.settle()
        self.assertEqual(clients[1].inbox.pop().get("from"), "r@rooms.localhost/n0")

    def test_bound(self) -> None:
        """Who writes from many addresses makes nothing grow without end."""
        self.patch(module, "SENDERS", 1)
        for client in self.available("recipients_per_hour = 1"):
            client.inbox.clear()
        self.assertEqual(self.reached("nurse"), ["nurse"])
        self.others["tybalt"].send("<message to='juliet@localhost' type='chat'><body>hi</body></message>")
        self.assertEqual(self.reached("nurse"), ["nurse"])
