"""People on the server that they have moved to: they log in by SCRAM with old passwords, and find what they had."""

from typing import Final
from xml.etree.ElementTree import Element

from tests.moving.people import NS_BOOKMARKS, NS_PUBSUB, Town, enter, name_of, password_of
from tests.sockets.client import PlainClient, run

CLIENT: Final = "{jabber:client}"
RESULT: Final = "{urn:xmpp:mam:2}result"
ROSTER: Final = "{jabber:iq:roster}"


class ScramClient(PlainClient):
    """A client that logs in by SCRAM-SHA-1, the only kind of keys that those of Prosody and ejabberd had."""

    def log_in(self, username: str, password: str, resource: str) -> None:
        """Header, SCRAM, header, binding."""
        self.features = self.open()
        run(self._client.authenticate(username, password))
        self.open()
        run(self._client.bind_only(resource))


class Arrived:
    """The town after the move; *port* is where its new server listens."""

    def __init__(self, town: Town, port: int, *, has_all: bool):
        """Without *has_all* archives, nodes and rooms were left behind."""
        self.town = town
        self.port = port
        self.has_all = has_all

    def client(self, number: int) -> ScramClient:
        """Log somebody in."""
        return ScramClient(("127.0.0.1", self.port), f"{self.town.jid(number)}/new", password_of(number))

    def look(self, number: int) -> None:
        """See that somebody has all that they had; AssertionError where something is missing."""
        with self.client(number) as client:
            assert b"SCRAM-SHA-1<" in client.features, client.features
            assert b"SHA-512" not in client.features, "a mechanism that must fail"
            self._roster(number, client)
            self._profile(number, client)
            if self.has_all:
                self._history(number, client)
                self._nodes(number, client)
            self._presence(number, client)
            if self.has_all and number < 2:
                self._room(number, client)

    def _roster(self, number: int, client: PlainClient) -> None:
        roster = client.ask(client.bare, "<query xmlns='jabber:iq:roster'/>")
        found = {item.get("jid"): item for item in roster.iter(f"{ROSTER}item")}
        last = self.town.people - 1
        for neighbour in (number - 1, number + 1):
            if 0 <= neighbour <= last:
                item = found[self.town.jid(neighbour)]
                assert item.get("subscription") == "both", item.attrib
                if neighbour > number:
                    groups = sorted(each.text or "" for each in item)
                    assert (item.get("name"), groups) == ("A <friend>", ["Friends", "Work"])
        if number == 0:
            assert found[self.town.jid(last)].get("ask") == "subscribe"
            assert found["far@elsewhere.example"].get("subscription") == "none"
        else:
            assert len(found) == (1 if number == last else 2), sorted(map(str, found))

    def _profile(self, number: int, client: PlainClient) -> None:
        vcard = client.ask(client.bare, "<vCard xmlns='vcard-temp'/>")
        assert vcard.findtext("{vcard-temp}vCard/{vcard-temp}FN") == f"Person {number} & Co"
        query = "<query xmlns='jabber:iq:private'><exodus xmlns='exodus:prefs'/></query>"
        assert client.ask(client.bare, query).find(".//{exodus:prefs}defaultnick").text == f"n{number}"  # type: ignore[union-attr]
        blocked = client.ask(client.bare, "<blocklist xmlns='urn:xmpp:blocking'/>")
        assert [item.get("jid") for item in blocked.iter("{urn:xmpp:blocking}item")] == [
            "spam@elsewhere.example"
        ]

    def _history(self, number: int, client: PlainClient) -> None:
        bodies = archive(client, client.bare)
        assert f'Héllo {name_of((number + 1) % self.town.people)}, it\'s ✓\n"now"' in bodies, bodies
        assert f'Héllo {client.user}, it\'s ✓\n"now"' in bodies, bodies
        assert number == 0 or "while you were out" in bodies, bodies

    def _nodes(self, number: int, client: PlainClient) -> None:
        marks = items(client, NS_BOOKMARKS)
        assert [each.get("id") for each in marks] == [f"play@{self.town.rooms}"]
        assert marks[0][0].get("name") == "The Play", marks[0][0].attrib
        nick = items(client, "http://jabber.org/protocol/nick")
        assert nick[0][0].text == f"Nick {number}"
        old = "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>"
        shown = client.ask(client.bare, old).find(".//{storage:bookmarks}conference")
        assert shown is not None and shown.get("jid") == f"play@{self.town.rooms}"

    def _presence(self, number: int, client: PlainClient) -> None:
        """Available: what waited comes, and so does a request that nobody has answered."""
        client.send("<presence/>")
        if number:
            waited = client.receive(lambda each: each.tag == f"{CLIENT}message" and each.get("id") == "off")
            assert waited.findtext(f"{CLIENT}body") == "while you were out"
            assert waited.find("{urn:xmpp:delay}delay") is not None
        if number == self.town.people - 1:
            with self.client(number) as other:
                other.send("<presence/>")
                asked = other.presence("subscribe")
            assert asked.get("from") == self.town.jid(0)
            assert asked.findtext(f"{CLIENT}status") == "please"

    def _room(self, number: int, client: PlainClient) -> None:
        room = f"play@{self.town.rooms}"
        enter(client, room, f"n{number}")
        lines: list[str | None] = []
        while len(lines) < 3:
            said = client.receive(
                lambda each: each.get("type") == "groupchat" and each.find(f"{CLIENT}body") is not None
            )
            assert said.get("from") == f"{room}/boss"
            lines.append(said.findtext(f"{CLIENT}body"))
        assert lines == [f"line {each}" for each in range(3)], lines
        subject = client.receive(lambda each: each.find(f"{CLIENT}subject") is not None)
        assert subject.findtext(f"{CLIENT}subject") == "Act <I>"
        info = client.ask(room, "<query xmlns='http://jabber.org/protocol/disco#info'/>")
        features = {each.get("var") for each in info.iter("{http://jabber.org/protocol/disco#info}feature")}
        assert {"muc_membersonly", "muc_nonanonymous", "muc_persistent", "muc_unmoderated"} <= features, (
            features
        )
        name = info.find(".//{http://jabber.org/protocol/disco#info}identity")
        assert name is not None and name.get("name") == "The Play & more"
        assert [each for each in archive(client, room) if each] == lines
        if number == 0:
            query = "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='{}'/></query>"
            outcast = "bad@elsewhere.example"
            wanted = {"owner": self.town.jid(0), "member": self.town.jid(1), "outcast": outcast}
            for affiliation, jid in wanted.items():
                listed = client.ask(room, query.format(affiliation))
                jids = [each.get("jid") for each in listed.iter("{http://jabber.org/protocol/muc#admin}item")]
                assert jids == [jid], (affiliation, jids)


def _is_line(each: Element) -> bool:
    return each.get("type") == "groupchat" and each.find(f"{CLIENT}body") is not None


def archive(client: PlainClient, owner: str) -> list[str | None]:
    """Give the texts of an archive."""
    client.send(f"<iq to='{owner}' id='mam' type='set'><query xmlns='urn:xmpp:mam:2'/></iq>")
    bodies: list[str | None] = []
    while True:
        each = client.receive()
        result = each.find(RESULT)
        if result is not None:
            bodies.append(result.findtext(f".//{CLIENT}body"))
        elif each.get("id") == "mam":
            assert each.get("type") == "result"
            return bodies


def items(client: PlainClient, node: str) -> list[Element]:
    """Give the items of a node of one's own."""
    found = client.ask(client.bare, f"<pubsub xmlns='{NS_PUBSUB}'><items node='{node}'/></pubsub>")
    return list(found.iter(f"{{{NS_PUBSUB}}}item"))
