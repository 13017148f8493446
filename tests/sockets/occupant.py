"""A client in a room (XEP-0045), for tests that wait."""

from collections.abc import Callable
from typing import Final
from xml.etree.ElementTree import Element

from tests.sockets.client import PlainClient

PATIENCE_S: Final = 30.0
NS_USER: Final = "{http://jabber.org/protocol/muc#user}"
NS_ADMIN: Final = "http://jabber.org/protocol/muc#admin"
JOIN: Final = "<x xmlns='http://jabber.org/protocol/muc'/>"
SELF, SHUT_DOWN, LOST = "110", "332", "333"


class Occupant:
    """A client with one nick in one room."""

    def __init__(self, client: PlainClient, room: str, nick: str):
        self.client = client
        self.room = room
        self.nick = nick

    def enter(self, *there: str) -> None:
        """Enter, and hear of those who are *there*."""
        self.client.send(f"<presence to='{self.room}/{self.nick}'>{JOIN}</presence>")
        for nick in there:
            self.sees(nick)
        self.sees(self.nick, statuses={SELF})
        self.client.receive(lambda each: each.find("{jabber:client}subject") is not None, PATIENCE_S)

    def sees(
        self,
        nick: str,
        type_: str | None = None,
        role: str = "",
        statuses: frozenset[str] | set[str] = frozenset(),
    ) -> Element:
        """Wait for presence of an occupant, and give the item in it."""

        def is_it(stanza: Element) -> bool:
            item = stanza.find(f"{NS_USER}x/{NS_USER}item")
            return (
                stanza.tag == "{jabber:client}presence"
                and stanza.get("from") == f"{self.room}/{nick}"
                and stanza.get("type") == type_
                and (not role or (item is not None and item.get("role") == role))
                and statuses <= {each.get("code") for each in stanza.iter(f"{NS_USER}status")}
            )

        found = self._get(is_it).find(f"{NS_USER}x/{NS_USER}item")
        assert found is not None
        return found

    def says(self, text: str) -> None:
        """Say something to all."""
        self.client.send(
            f"<message to='{self.room}' type='groupchat' id='{text}'><body>{text}</body></message>"
        )

    def hears(self, nick: str, text: str) -> Element:
        """Wait for what somebody says."""
        return self._get(
            lambda each: (
                each.get("from") == f"{self.room}/{nick}" and each.findtext("{jabber:client}body") == text
            )
        )

    def ask(self, type_: str, payload: str) -> Element:
        """Ask the room for something, and give the answer."""
        self.client.send(f"<iq type='{type_}' id='ask' to='{self.room}'>{payload}</iq>")
        return self._get(lambda each: each.get("id") == "ask")

    def affiliates(self, item: str) -> str | None:
        """Ask for a change of a role or an affiliation, and give the type of the answer."""
        return self.ask("set", f"<query xmlns='{NS_ADMIN}'><item {item}/></query>").get("type")

    def archived(self, *wanted: str) -> list[str]:
        """Give those of the *wanted* texts that the room's archive has, in its order."""
        self.client.send(
            f"<iq type='set' id='mam' to='{self.room}'><query xmlns='urn:xmpp:mam:2' queryid='q'/></iq>"
        )
        found: list[str] = []
        while True:
            stanza = self._get(lambda each: True)
            if stanza.get("id") == "mam":
                assert stanza.get("type") == "result", stanza.get("type")
                return found
            bodies = (
                stanza.iter("{jabber:client}body")
                if stanza.find("{urn:xmpp:mam:2}result") is not None
                else ()
            )
            found += [each.text or "" for each in bodies if each.text in wanted]

    def _get(self, is_wanted: Callable[[Element], bool]) -> Element:
        return self.client.receive(is_wanted, PATIENCE_S)
