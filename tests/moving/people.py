"""What people do on the server that they will leave: contacts, rooms, bookmarks, messages kept and archived.

It is done by clients on sockets, so that the data folder is what that server itself makes of it.
"""

from contextlib import suppress
from typing import Final
from xml.etree.ElementTree import Element, tostring

from benchmarks.soak.client import Lost
from tests.sockets.client import PlainClient

NS_BOOKMARKS: Final = "urn:xmpp:bookmarks:1"
NS_PUBSUB: Final = "http://jabber.org/protocol/pubsub"
PICTURE: Final = "iVBORw0KGgo="
PUBLIC: Final = "open"


def password_of(number: int) -> str:
    """Give somebody's password; one of three is no ASCII."""
    return f"pässwort-{number}" if number % 3 == 0 else f"secret {number}"


def name_of(number: int) -> str:
    """Give somebody's name; some have letters that file names and dumps must escape."""
    return {1: "jos\u00e9", 2: "o\\27brien", 3: "semi-colon;x"}.get(number, f"user{number}")


class Town:
    """So many people on one server; *address* is where it listens."""

    def __init__(self, address: tuple[str, int], domain: str, rooms: str, people: int, most: str = ""):
        """*most* is how many bookmarks a node may have, where the server lets that be said."""
        self.most = most
        self.address = address
        self.domain = domain
        self.rooms = rooms
        self.people = people

    def client(self, number: int, resource: str = "phone") -> PlainClient:
        """Log somebody in."""
        return PlainClient(self.address, f"{self.jid(number)}/{resource}", password_of(number))

    def jid(self, number: int) -> str:
        """Give somebody's bare JID."""
        return f"{name_of(number % self.people)}@{self.domain}"

    def live(self) -> None:
        """Have them do all of it; afterwards nobody is connected."""
        clients = [self.client(number) for number in range(self.people)]
        for number, client in enumerate(clients):
            self._settle(number, client)
        for number in range(self.people - 1):
            self._befriend(clients[number], clients[number + 1])
        self._ask_in_vain(clients[0], self.jid(self.people - 1))
        for number in range(self.people):
            self._chat(clients[number], clients[(number + 1) % self.people])
        self._meet(clients)
        for client in clients[1:]:
            leave(client)
        self._leave_messages(clients[0])
        leave(clients[0])

    def _settle(self, number: int, client: PlainClient) -> None:
        client.send("<iq id='roster' type='get'><query xmlns='jabber:iq:roster'/></iq><presence/>")
        client.receive(lambda each: each.get("id") == "roster")
        change(client, f"<vCard xmlns='vcard-temp'><FN>Person {number} &amp; Co</FN></vCard>")
        change(
            client,
            "<query xmlns='jabber:iq:private'><exodus xmlns='exodus:prefs'>"
            f"<defaultnick>n{number}</defaultnick></exodus></query>",
        )
        publish(client, "http://jabber.org/protocol/nick", "current", nick(f"Nick {number}"), "presence", "")
        conference = (
            f"<conference xmlns='{NS_BOOKMARKS}' name='The Play' autojoin='true'><nick>me</nick></conference>"
        )
        publish(client, NS_BOOKMARKS, f"play@{self.rooms}", conference, "whitelist", self.most)
        change(client, "<block xmlns='urn:xmpp:blocking'><item jid='spam@elsewhere.example'/></block>")

    def _befriend(self, one: PlainClient, other: PlainClient) -> None:
        query = (
            "<query xmlns='jabber:iq:roster'><item jid='{}' name='A &lt;friend&gt;'>"
            "<group>Friends</group><group>Work</group></item></query>"
        )
        change(one, query.format(other.bare))
        one.send(f"<presence type='subscribe' to='{other.bare}'/>")
        other.receive(_is_presence("subscribe"))
        other.send(f"<presence type='subscribed' to='{one.bare}'/>")
        one.receive(_is_push("to"))
        other.send(f"<presence type='subscribe' to='{one.bare}'/>")
        one.receive(_is_presence("subscribe"))
        one.send(f"<presence type='subscribed' to='{other.bare}'/>")
        other.receive(_is_push("both"))

    def _ask_in_vain(self, client: PlainClient, contact: str) -> None:
        client.send(f"<presence type='subscribe' to='{contact}'><status>please</status></presence>")
        change(client, "<query xmlns='jabber:iq:roster'><item jid='far@elsewhere.example'/></query>")

    def _chat(self, one: PlainClient, other: PlainClient) -> None:
        one.send(
            f"<message to='{other.bare}' type='chat' id='c1'>"
            f'<body>Héllo {other.user}, it\'s \u2713\n"now"</body></message>'
        )
        other.receive(lambda each: each.tag == "{jabber:client}message" and each.get("id") == "c1")

    def _meet(self, clients: list[PlainClient]) -> None:
        room, owner, guest = f"play@{self.rooms}", clients[0], clients[1]
        enter(owner, room, "boss")
        owner.send(
            f"<iq type='set' id='conf' to='{room}'><query xmlns='http://jabber.org/protocol/muc#owner'>"
            "<x xmlns='jabber:x:data' type='submit'>"
            "<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>"
            "<field var='muc#roomconfig_roomname'><value>The Play &amp; more</value></field>"
            "<field var='muc#roomconfig_persistentroom'><value>1</value></field>"
            "<field var='muc#roomconfig_membersonly'><value>1</value></field>"
            "<field var='muc#roomconfig_whois'><value>anyone</value></field>"
            "<field var='muc#roomconfig_passwordprotectedroom'><value>0</value></field>"
            "</x></query></iq>"
        )
        _result(owner, "conf")
        for jid, affiliation in ((guest.bare, "member"), ("bad@elsewhere.example", "outcast")):
            owner.send(
                f"<iq type='set' id='aff' to='{room}'><query xmlns='http://jabber.org/protocol/muc#admin'>"
                f"<item affiliation='{affiliation}' jid='{jid}'/></query></iq>"
            )
            _result(owner, "aff")
        enter(guest, room, "guest")
        owner.send(f"<message type='groupchat' to='{room}' id='s'><subject>Act &lt;I&gt;</subject></message>")
        owner.receive(lambda each: each.find("{jabber:client}subject") is not None)
        for number in range(3):
            owner.send(
                f"<message type='groupchat' to='{room}' id='m{number}'><body>line {number}</body></message>"
            )
            owner.receive(lambda each, number=number: each.get("id") == f"m{number}")

    def _leave_messages(self, client: PlainClient) -> None:
        for number in range(1, self.people):
            client.send(
                f"<message to='{self.jid(number)}' type='chat' id='off'><body>while you were out</body></message>"
            )
        change(client, "<vCard xmlns='vcard-temp'><FN>Person 0 &amp; Co</FN></vCard>")


def nick(text: str) -> str:
    """Write a nickname (XEP-0172)."""
    return f"<nick xmlns='http://jabber.org/protocol/nick'>{text}</nick>"


def publish(client: PlainClient, node: str, item: str, payload: str, access: str, most: str) -> None:
    """Publish an item to a node of one's own, with options (XEP-0060 7.1.5)."""
    many = f"<field var='pubsub#max_items'><value>{most}</value></field>" if most else ""
    change(
        client,
        f"<pubsub xmlns='{NS_PUBSUB}'><publish node='{node}'><item id='{item}'>{payload}</item></publish>"
        "<publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>"
        f"<value>{NS_PUBSUB}#publish-options</value></field><field var='pubsub#access_model'>"
        f"<value>{access}</value></field><field var='pubsub#persist_items'><value>true</value></field>"
        f"{many}</x></publish-options></pubsub>",
    )


def change(client: PlainClient, payload: str) -> None:
    """Set something of one's own, and see that it is done."""
    client.send(f"<iq id='set' type='set'>{payload}</iq>")
    _result(client, "set")


def enter(client: PlainClient, room: str, nickname: str) -> None:
    """Enter a room, and see that one is there."""
    client.send(f"<presence to='{room}/{nickname}'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
    client.receive(lambda each: each.get("from") == f"{room}/{nickname}" and each.get("type") != "error")


def leave(client: PlainClient) -> None:
    """Close the stream, and see that the server has done so, too."""
    client.send("</stream:stream>")
    with suppress(Lost):
        while True:
            client.receive()
    client.close()


def _result(client: PlainClient, id: str) -> None:
    answer = client.receive(
        lambda each: each.tag == "{jabber:client}iq" and each.get("id") == id and each.get("type") != "set"
    )
    assert answer.get("type") == "result", tostring(answer)


def _is_presence(type_: str) -> object:
    def is_it(each: Element) -> bool:
        return each.tag == "{jabber:client}presence" and each.get("type") == type_

    return is_it


def _is_push(subscription: str) -> object:
    def is_it(each: Element) -> bool:
        item = each.find("{jabber:iq:roster}query/{jabber:iq:roster}item")
        return each.get("type") == "set" and item is not None and item.get("subscription") == subscription

    return is_it
