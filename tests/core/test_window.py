"""Stored messages, many or big ones, for connections that are slow and clients that acknowledge late or never."""

from collections.abc import Sequence
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.services.stream_management.conversation import JULIET, NS, ROMEO, Conversation, bodies, tags
from xmppd.core.window import PATIENCE_S, UNSENT_BYTES, Window
from xmppd.services.archive.pages import PAGE_BYTES
from xmppd.services.inbox.delivery import OVERHEAD_BYTES, VOLATILE_BYTES
from xmppd.testing.client import Client
from xmppd.testing.server import now

BALCONY, CHAMBER = f"{JULIET}/balcony", f"{JULIET}/chamber"
BIG = "x" * 100_000
OPTIONS = "[modules.sm]\nqueue_bytes = 1000000\nqueue_stanzas = 400\n"


class RoomTests(SynchronousTestCase):
    """What fits."""

    def test_fitting(self) -> None:
        """As many as there is room for, by number and by size, but at least one."""
        self.assertEqual(Window(3, 10).fitting([4, 4, 4, 4]), 2)
        self.assertEqual(Window(3, 100).fitting([4, 4, 4, 4]), 3)
        self.assertEqual(Window(3, 10).fitting([11, 1]), 1)
        self.assertEqual(Window(3, 10).fitting([]), 0)


class PaceTests(SynchronousTestCase):
    """Romeo has written to Juliet while she was away."""

    def setUp(self) -> None:
        """More than her queue can hold."""
        self.talk = Conversation(OPTIONS)
        self.romeo = self.talk.memory.logged_in(f"{ROMEO}/orchard")
        self.talk.memory.add_account(JULIET)
        self.h = 0

    def say_big(self, count: int, to: str = JULIET) -> list[str]:
        """Send big messages; give their ids."""
        ids = [str(number) for number in range(count)]
        for id in ids:
            self.romeo.send(f"<message to='{to}' type='chat' id='{id}'><body>{BIG}</body></message>")
        self.assertEqual(tags(self.romeo), [])
        return ids

    def client(self, address: str = BALCONY) -> tuple[Client, str]:
        """Give a client that is available, with stream management."""
        client = self.talk.memory.logged_in(address)
        client.send(f"<enable xmlns='{NS}' resume='true'/>")
        id = client.inbox.popleft().get("id") or ""
        client.send("<presence/>")
        self.h = 0
        return client, id

    def slow_client(self) -> tuple[Client, Any]:
        """Give a client without stream management whose connection has much to send when it can be handed messages."""
        client = self.talk.memory.logged_in(BALCONY)
        client.send("<presence><priority>-1</priority></presence>")
        transport: Any = self.talk.session(BALCONY).conn
        transport.unsent_bytes = UNSENT_BYTES + 1
        client.send("<presence/>")
        client.inbox.clear()
        return client, transport

    def take(self, client: Client) -> list[str]:
        """Let a client acknowledge all that has come; give what that was."""
        self.talk.pass_time(0.3)
        self.assertNotIn("{http://etherx.jabber.org/streams}error", [each.tag for each in client.inbox])
        self.h += sum(each.tag.startswith("{jabber:client}") for each in client.inbox)
        client.send(f"<a xmlns='{NS}' h='{self.h}'/>")
        return bodies(client)

    def test_big_ones(self) -> None:
        """No message blocks an offline queue: big ones come as fast as the client acknowledges them.

        promises#offline-in-order.
        """
        ids = self.say_big(30)
        client, _ = self.client()
        got = self.take(client)
        self.assertLess(len(got), 12)
        for _ in range(20):
            got += self.take(client)
        self.assertEqual(got, ids)

    def test_many(self) -> None:
        """The same for more than the queue has places for."""
        ids = [str(number) for number in range(1_000)]
        self.talk.say(self.romeo, *ids)
        client, _ = self.client()
        got = self.take(client)
        self.assertLessEqual(len(got), 200)
        for _ in range(20):
            got += self.take(client)
        self.assertEqual(got, ids)

    def test_live_ones_behind(self) -> None:
        """What comes meanwhile waits behind them."""
        ids = self.say_big(10)
        client, _ = self.client()
        self.talk.say(self.romeo, "live")
        got: list[str] = []
        for _ in range(10):
            got += self.take(client)
        self.assertEqual(got, [*ids, "live"])

    def test_who_never_acknowledges(self) -> None:
        """It is not waited for without end: what bounds its queue ends it, and nothing is lost."""
        ids = self.say_big(30)
        client, _ = self.client()
        self.talk.pass_time(PATIENCE_S * 10)
        self.assertEqual(tags(client)[-2:], ["error", "end"])
        client, _ = self.client(CHAMBER)
        got: list[str] = []
        for _ in range(30):
            got += self.take(client)
        self.assertEqual(sorted(got, key=int), ids)

    def test_without_a_connection(self) -> None:
        """A session without a connection gets half of what its queue can hold, the rest when it is resumed."""
        ids = self.say_big(30)
        client, id = self.client()
        got = self.take(client)
        assert client.carrier is not None
        client.carrier.lose()
        self.talk.pass_time(100)
        client = self.talk.connected(BALCONY)
        client.send(f"<resume xmlns='{NS}' previd='{id}' h='{self.h}'/>")
        self.assertEqual(client.inbox.popleft().tag, f"{{{NS}}}resumed")
        for _ in range(30):
            got += self.take(client)
        self.assertEqual(got, ids)

    def test_another_takes_the_rest(self) -> None:
        """What a session without a connection cannot be given another resource gets."""
        ids = self.say_big(30)
        client, _ = self.client()
        got = self.take(client)
        assert client.carrier is not None
        client.carrier.lose()
        self.talk.pass_time(10)
        other, _ = self.client(CHAMBER)
        for _ in range(30):
            got += self.take(other)
        self.talk.pass_time(700)
        for _ in range(30):
            got += self.take(other)
        self.assertEqual(sorted(got, key=int), ids)

    def test_left_by_a_session_of_before(self) -> None:
        """What sessions have left that a kill has ended comes at the same pace."""
        for resource in ("a", "b", "c"):
            address = f"{JULIET}/{resource}"
            client, _ = self.talk.client(address)
            self.say_big(8, address)
            assert client.carrier is not None
        self.talk.memory.clock.advance(0)
        self.talk.kill()
        client, _ = self.client(f"{JULIET}/elsewhere")
        got: list[str] = []
        for _ in range(30):
            got += self.take(client)
        self.assertEqual(got, [str(number) for number in range(8)] * 3)

    def test_a_slow_connection(self) -> None:
        """A connection with much to send is given time."""
        ids = self.say_big(30)
        client, transport = self.slow_client()
        self.talk.pass_time(10)
        self.assertEqual(bodies(client), [])
        transport.unsent_bytes = 0
        self.talk.pass_time(10)
        self.assertEqual(bodies(client), ids)

    def test_too_much_behind(self) -> None:
        """What waits in memory alone is bounded: the session ends, none is left out of what it gets."""
        self.talk = Conversation()
        self.setUp_again()
        self.talk.say(self.romeo, "old")
        client, _ = self.slow_client()
        for count, expected in ((VOLATILE_BYTES // len(BIG), []), (1, ["error", "end"])):
            for _ in range(count):
                self.romeo.send(f"<message to='{BALCONY}' type='headline'><body>{BIG}</body></message>")
            self.talk.pass_time(0.1)
            self.assertEqual(tags(client)[:2], expected)

    def test_too_many_behind(self) -> None:
        """The same where there is no content: each takes room, and its attributes do."""
        for id, count in (
            ("", VOLATILE_BYTES // OVERHEAD_BYTES),
            ("x" * 50_000, VOLATILE_BYTES // 50_000 + 1),
        ):
            self.talk = Conversation()
            self.setUp_again()
            self.talk.say(self.romeo, "old")
            client, _ = self.slow_client()
            for _ in range(count):
                self.romeo.send(f"<message to='{BALCONY}' type='headline' id='{id}'/>")
            self.talk.pass_time(0.1)
            self.assertEqual(tags(client)[:2], ["error", "end"])

    def test_copies_behind(self) -> None:
        """Copies of which another client has one are no more in memory than others: they are read, in order."""
        self.talk = Conversation()
        self.setUp_again()
        other = self.talk.memory.logged_in(CHAMBER)
        self.talk.say(self.romeo, "old")
        client, transport = self.slow_client()
        other.send("<presence/>")
        client.inbox.clear()
        ids = self.say_big(VOLATILE_BYTES // len(BIG) + 1)
        self.talk.pass_time(0.1)
        self.assertEqual(tags(client), [])
        self.assertEqual(bodies(other)[-len(ids) :], ids)
        transport.unsent_bytes = 0
        self.talk.pass_time(10)
        self.assertEqual(bodies(client), ["old", *ids])
        self.talk.pass_time(1)
        self.assertEqual(now(self.talk.memory.storage.read("inbox", JULIET)), [])

    def setUp_again(self) -> None:
        """Log in at another server."""
        self.romeo = self.talk.memory.logged_in(f"{ROMEO}/orchard")
        self.talk.memory.add_account(JULIET)

    def test_too_much_that_is_stored(self) -> None:
        """Live messages that are stored as well do not pile up in memory: they are read from there, in order."""
        self.talk = Conversation()
        self.setUp_again()
        self.talk.say(self.romeo, "old")
        client, transport = self.slow_client()
        client.inbox.clear()
        ids = self.say_big(2 * VOLATILE_BYTES // len(BIG))
        transport.unsent_bytes = 0
        self.talk.pass_time(10)
        self.assertEqual(bodies(client), ["old", *ids])
        self.assertEqual(now(self.talk.memory.storage.read("inbox", JULIET)), [])

    def ask(self, client: Client, id: str, after: str = "", ids: Sequence[str] = ()) -> None:
        """Ask for a page of the archive."""
        values = "".join(f"<value>{each}</value>" for each in ids)
        form = (
            "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>"
            f"<field var='ids'>{values}</field></x>"
        )
        page = f"<set xmlns='http://jabber.org/protocol/rsm'><after>{after}</after></set>" if after else ""
        query = f"<query xmlns='urn:xmpp:mam:2' queryid='{id}'>{form if ids else ''}{page}</query>"
        client.send(f"<iq type='set' id='{id}'>{query}</iq>")

    def pages(self, client: Client) -> dict[str, list[str]]:
        """Give the ids in the archive that came, by query, with "complete" behind the last ones."""
        found: dict[str, list[str]] = {}
        for each in client.inbox:
            if each.tag.endswith("}message"):
                found.setdefault(each[0].get("queryid") or "", []).append(each[0].get("id") or "")
            elif each.tag.endswith("}iq") and each[0].get("complete"):
                found.setdefault(each.get("id") or "", []).append("complete")
        return found

    def test_pages_of_an_archive(self) -> None:
        """XEP-0313 4.3.1: pages are no larger than what may be unacknowledged, though they are asked for at once."""
        self.say_big(30)
        client = self.talk.memory.logged_in(BALCONY)
        client.send(f"<enable xmlns='{NS}' resume='true'/>")
        client.inbox.clear()
        for id in ("a", "b", "c"):
            self.ask(client, id)
        found = self.pages(client)
        self.assertEqual([len(found[id]) for id in ("a", "b", "c")], [4, 1, 1])
        got = found["a"]
        for number in range(20):
            self.take(client)
            self.ask(client, f"{number}", got[-1])
            got += self.pages(client).get(f"{number}", [])
            if got[-1] == "complete":
                break
        self.assertEqual(len(got), 31)

    def test_named_ones(self) -> None:
        """XEP-0313 4.1.3: so is what is asked for by its ids; the client asks for the rest."""
        self.say_big(60)
        client = self.talk.memory.logged_in(BALCONY)
        ids = [entry.id for entry in now(self.talk.memory.storage.read("archive", JULIET))]
        self.ask(client, "a", ids=ids)
        first = self.pages(client)["a"]
        self.assertEqual(first, ids[: PAGE_BYTES // len(BIG)])
        client.inbox.clear()
        self.ask(client, "b", first[-1], ids)
        self.assertEqual([*first, *self.pages(client)["b"]], [*ids, "complete"])

    def test_pages_for_a_slow_connection(self) -> None:
        """A connection that has much to send is given time before a page."""
        self.talk.say(self.romeo, "one")
        client = self.talk.memory.logged_in(BALCONY)
        transport: Any = self.talk.session(BALCONY).conn
        transport.unsent_bytes = UNSENT_BYTES + 1
        self.ask(client, "a")
        self.talk.pass_time(1)
        self.assertEqual(tags(client), [])
        transport.unsent_bytes = 0
        self.talk.pass_time(1)
        self.assertEqual(tags(client), ["message", "iq"])

    def test_a_page_without_a_connection(self) -> None:
        """A query goes on when the connection is lost, and its page waits for the resumption."""
        self.talk.say(self.romeo, "one")
        client = self.talk.memory.logged_in(BALCONY)
        self.talk.slow_commits()
        self.talk.say(self.romeo, "two")
        client.send(f"<enable xmlns='{NS}' resume='true'/>")
        id = client.inbox.popleft().get("id")
        client.send("<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>")
        self.assertNotIn("iq", tags(client))
        assert client.carrier is not None
        client.carrier.lose()
        self.talk.pass_time(1)
        client = self.talk.connected(BALCONY)
        client.send(f"<resume xmlns='{NS}' previd='{id}' h='0'/>")
        self.talk.pass_time(1)
        self.assertEqual(tags(client), ["resumed", "message", "message", "iq", "r"])
