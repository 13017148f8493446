"""Personal eventing between two servers: XEP-0163 4.2, 4.3."""

from xml.etree.ElementTree import Element

from tests.net.streams.s2s.two import CAPULET, MONTAGUE, Two
from xmppd.testing.client import Client

TUNE = "http://jabber.org/protocol/tune"
CAPS = "<presence><c xmlns='http://jabber.org/protocol/caps' node='a' ver='1'/></presence>"


class TwoServersTests(Two):
    """A contact elsewhere."""

    def setUp(self) -> None:
        """Romeo may see Juliet's presence."""
        super().setUp()
        self.juliet.send(f"<presence to='romeo@{MONTAGUE}' type='subscribe'/>")
        self.settle()
        self.romeo.send(f"<presence to='juliet@{CAPULET}' type='subscribed'/>")
        self.romeo.send(f"<presence to='juliet@{CAPULET}' type='subscribe'/>")
        self.settle()
        self.juliet.send(f"<presence to='romeo@{MONTAGUE}' type='subscribed'/>")
        self.settle()

    def publish(self, title: str) -> None:
        """Let Juliet publish what she listens to."""
        tune = f"<tune xmlns='{TUNE}'><title>{title}</title></tune>"
        publish = f"<publish node='{TUNE}'><item id='current'>{tune}</item></publish>"
        self.juliet.send(
            f"<iq type='set' id='p'><pubsub xmlns='http://jabber.org/protocol/pubsub'>{publish}</pubsub></iq>"
        )
        self.settle()

    def comes(self) -> None:
        """Let Romeo come online with a client that wants tunes, asked or not."""
        self.romeo.send(CAPS)
        for _ in range(3):
            self.settle()
            for asked in self.asked(self.romeo):
                self.romeo.send(
                    f"<iq type='result' id='{asked.get('id')}' to='{asked.get('from')}'><query xmlns="
                    f"'http://jabber.org/protocol/disco#info'><feature var='{TUNE}+notify'/></query></iq>"
                )
        self.settle()

    def asked(self, client: Client) -> list[Element]:
        """Take the requests out of what has come."""
        found = [each for each in client.inbox if each.get("type") == "get"]
        for each in found:
            client.inbox.remove(each)
        return found

    def events(self) -> list[str]:
        """Give the titles that have come to Romeo."""
        return [
            each.split(" ", 2)[2] for each in self.came(self.romeo) if each.startswith("message headline")
        ]

    def test_a_contact_elsewhere(self) -> None:
        """The last item comes with the first presence, then each that is published, until the client leaves."""
        self.juliet.send("<presence/>")
        self.publish("Overture")
        self.comes()
        self.assertEqual(self.events(), ["Overture"])
        self.publish("Finale")
        self.assertEqual(self.events(), ["Finale"])
        self.romeo.send(CAPS.replace("<presence>", "<presence><show>away</show>"))
        self.settle()
        self.assertEqual(self.events(), [])
        self.romeo.send("<presence type='unavailable'/>")
        self.settle()
        self.publish("Encore")
        self.assertEqual(self.events(), [])

    def test_who_is_blocked(self) -> None:
        """XEP-0163 4.3.3: nothing is sent to whom the account blocks."""
        self.juliet.send("<presence/>")
        self.comes()
        self.events()
        self.juliet.send(
            f"<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'><item jid='romeo@{MONTAGUE}'/></block></iq>"
        )
        self.settle()
        self.publish("Overture")
        self.assertEqual(self.events(), [])

    def test_items_are_got(self) -> None:
        """XEP-0060 6.5 from another server."""
        self.publish("Overture")
        self.came(self.romeo)
        items = f"<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='{TUNE}'/></pubsub>"
        self.romeo.send(f"<iq type='get' id='i' to='juliet@{CAPULET}'>{items}</iq>")
        self.settle()
        self.assertEqual(self.came(self.romeo), ["iq result Overture"])
