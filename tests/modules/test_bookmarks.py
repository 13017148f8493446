"""Bookmarks that were there before the nodes are (XEP-0411 4), and nodes that they must not get into (XEP-0411 5)."""

from xml.etree.ElementTree import Element

from twisted.trial.unittest import SynchronousTestCase

from xmppd.modules.bookmarks import KEY
from xmppd.storage.interface import Put, StorageFailed
from xmppd.testing.server import MemoryServer, now

PUBSUB = "http://jabber.org/protocol/pubsub"
NEW, OLD = "urn:xmpp:bookmarks:1", "storage:bookmarks"
PLAY, INN = "play@rooms.example", "inn@rooms.example"
ROOM = f"<conference jid='{PLAY}' name='The Play'><nick>JC</nick></conference>"
PAGE = "<url url='https://verona.example/'/>"
NOWHERE = "<conference jid='@' name='nowhere'/>"


def listed(*children: str) -> str:
    """Write a list of the old kind."""
    return f"<storage xmlns='{OLD}'>{''.join(children)}</storage>"


class BookmarksTests(SynchronousTestCase):
    """One account with a client."""

    def start(self, *private: str) -> None:
        """Start a server where private XML has a list of the old kind, if any."""
        self.server = MemoryServer('[hosts."localhost"]\n')
        self.server.add_account("juliet@localhost")
        if private:
            now(
                self.server.storage.commit(Put("private", "juliet@localhost", KEY, listed(*private).encode()))
            )
        self.juliet = self.server.logged_in("juliet@localhost/x")

    def ask(self, type: str, payload: str) -> Element:
        """Send a request and give the answer."""
        self.juliet.send(f"<iq type='{type}' id='q'>{payload}</iq>")
        self.server.settle()
        (answer,) = [each for each in self.juliet.inbox if each.tag.endswith("}iq")]
        self.juliet.inbox.clear()
        return answer

    def items(self, node: str) -> list[Element]:
        """Give the items of a node."""
        answer = self.ask("get", f"<pubsub xmlns='{PUBSUB}'><items node='{node}'/></pubsub>")
        return list(answer.iter(f"{{{PUBSUB}}}item"))

    def rooms(self, node: str) -> list[str]:
        """Give the rooms that a node has."""
        if node == NEW:
            return sorted(each.get("id") or "" for each in self.items(NEW))
        lists = [room for each in self.items(OLD) for room in each.iter(f"{{{OLD}}}conference")]
        return sorted(each.get("jid") or "" for each in lists)

    def private(self) -> list[str]:
        """Give what is shown of private XML, by address."""
        answer = self.ask("get", f"<query xmlns='jabber:iq:private'><storage xmlns='{OLD}'/></query>")
        (storage,) = answer.iter(f"{{{OLD}}}storage")
        return sorted(each.get("jid") or each.get("url") or "" for each in storage)

    def publish(self, node: str, item: str, **options: str) -> str:
        """Publish, and give the type of the answer."""
        fields = "".join(f"<field var='pubsub#{k}'><value>{v}</value></field>" for k, v in options.items())
        form = f"<publish-options><x xmlns='jabber:x:data' type='submit'>{fields}</x></publish-options>"
        publish = f"<publish node='{node}'>{item}</publish>{form if options else ''}"
        return self.ask("set", f"<pubsub xmlns='{PUBSUB}'>{publish}</pubsub>").get("type") or ""

    def publish_room(self, jid: str, **options: str) -> str:
        """Publish a bookmark of the new kind."""
        return self.publish(NEW, f"<item id='{jid}'><conference xmlns='{NEW}'/></item>", **options)

    def test_whatever_is_looked_for_first(self) -> None:
        """XEP-0411 4: reading either node, or publishing, finds what private XML had."""
        for first in (NEW, OLD):
            self.start(ROOM, PAGE, NOWHERE)
            self.assertEqual(self.rooms(first), [PLAY] if first == NEW else ["@", PLAY])
            self.assertEqual(self.rooms(NEW), [PLAY])
            self.assertEqual(self.private(), ["@", "https://verona.example/", PLAY])
        self.start(ROOM, PAGE)
        self.assertEqual(self.publish_room(INN), "result")
        self.assertEqual(self.rooms(NEW), [INN, PLAY])
        self.assertEqual(self.rooms(OLD), [INN, PLAY])
        self.assertEqual(self.private(), ["https://verona.example/", INN, PLAY])

    def test_publishing_the_old_node_first(self) -> None:
        """What a client puts there is the whole list, as it is in private XML."""
        self.start(ROOM, PAGE)
        item = f"<item id='current'>{listed(ROOM.replace(PLAY, INN))}</item>"
        self.assertEqual(self.publish(OLD, item), "result")
        self.assertEqual((self.rooms(NEW), self.rooms(OLD), self.private()), ([INN], [INN], [INN]))

    def test_at_login(self) -> None:
        """XEP-0411 4: a client that names the node is sent what private XML had, without asking."""
        self.start(ROOM)
        self.juliet.send("<presence><c xmlns='http://jabber.org/protocol/caps' node='a' ver='1'/></presence>")
        self.server.settle()
        asked = next(each for each in self.juliet.inbox if each.get("type") == "get")
        self.juliet.inbox.clear()
        self.juliet.send(
            f"<iq type='result' id='{asked.get('id')}' to='localhost'><query xmlns='http://jabber.org/protocol/"
            f"disco#info'><feature var='{OLD}+notify'/></query></iq>"
        )
        self.server.settle()
        told = [each for message in self.juliet.inbox for each in message.iter(f"{{{OLD}}}conference")]
        self.assertEqual([each.get("jid") for each in told], [PLAY, PLAY][: len(told)])
        self.assertTrue(told)

    def test_no_bookmarks(self) -> None:
        """Where there are none, no node is made by looking."""
        self.start()
        self.assertEqual((self.items(NEW), self.items(OLD)), ([], []))
        answer = self.ask("get", f"<pubsub xmlns='{PUBSUB}'><items node='{NEW}'/></pubsub>")
        self.assertEqual(answer.get("type"), "error")

    def test_nodes_of_others(self) -> None:
        """XEP-0411 5: what is private does not get into a node that others may read."""
        self.start()
        self.publish_room(INN, access_model="open")
        query = f"<query xmlns='jabber:iq:private'>{listed(ROOM)}</query>"
        self.assertEqual(self.ask("set", query).get("type"), "result")
        self.assertEqual(self.rooms(NEW), [INN])
        self.assertEqual(self.private(), [PLAY])
        self.start()
        self.publish(OLD, f"<item id='current'>{listed()}</item>", access_model="open")
        self.publish_room(PLAY)
        self.assertEqual(self.rooms(OLD), [])

    def test_a_list_that_is_too_long(self) -> None:
        """Where the list is longer than an item may be, the old node has none rather than one that is out of date."""
        self.start()
        self.publish_room(PLAY)
        for number in range(20):
            item = f"<item id='{number}@r'><conference xmlns='{NEW}' name='{'x' * 10_000}'/></item>"
            self.assertEqual(self.publish(NEW, item), "result")
        self.assertEqual(self.items(OLD), [])
        self.assertEqual(len(self.private()), 21)

    def test_deleting_the_node(self) -> None:
        """Who deletes the new node has no bookmarks; pages stay."""
        self.start(ROOM, PAGE)
        self.assertEqual(self.rooms(NEW), [PLAY])
        owner = f"<pubsub xmlns='{PUBSUB}#owner'><delete node='{NEW}'/></pubsub>"
        self.assertEqual(self.ask("set", owner).get("type"), "result")
        self.assertEqual((self.rooms(OLD), self.rooms(NEW)), ([], []))
        self.assertEqual(self.private(), ["https://verona.example/"])

    def test_a_failing_store(self) -> None:
        """promises#changes: either all forms have changed or none."""
        self.start(ROOM, PAGE)
        self.assertEqual((self.rooms(NEW), self.rooms(OLD)), ([PLAY], [PLAY]))
        self.server.storage.failing = StorageFailed("the disk is gone")
        self.assertEqual(self.publish_room(INN), "error")
        item = f"<item id='current'>{listed()}</item>"
        self.assertEqual(self.publish(OLD, item), "error")
        query = f"<query xmlns='jabber:iq:private'>{listed()}</query>"
        self.assertEqual(self.ask("set", query).get("type"), "error")
        self.server.storage.failing = None
        self.assertEqual((self.rooms(NEW), self.rooms(OLD)), ([PLAY], [PLAY]))
        self.assertEqual(self.private(), ["https://verona.example/", PLAY])
