"""Who got a copy of a volatile message is recorded, too: no equal gets it twice, and no sender waits for nothing."""

from xml.etree.ElementTree import Element

from twisted.trial.unittest import SynchronousTestCase

from tests.services.stream_management.conversation import JULIET, NS, ROMEO, Conversation, bodies
from xmppd.services.inbox.store import PAGE
from xmppd.testing.client import Client
from xmppd.testing.sasl2 import BIND, SASL2Login

NO_STORE = "<no-store xmlns='urn:xmpp:hints'/>"
INACTIVE = "<inactive xmlns='urn:xmpp:csi:0'/>"
ITEMS = (
    "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='n'><item id='1'/></items></event>"
)
MAX_S = 30
INLINE = BIND.replace(
    "</bind>",
    f"<enable xmlns='{NS}' resume='true'/><enable xmlns='urn:xmpp:carbons:2'/>"
    "<query xmlns='urn:xmpp:mam:2'/></bind>",
)


class VolatileTests(SynchronousTestCase):
    """Romeo writes to Juliet, whose clients come and go."""

    def setUp(self) -> None:
        """Romeo is there, Juliet has an account."""
        self.play = Conversation()
        self.memory = self.play.memory
        self.romeo = self.memory.logged_in(f"{ROMEO}/orchard")
        self.memory.add_account(JULIET)

    def say(self, id: str, to: str = JULIET) -> None:
        """Romeo sends what is not to be stored."""
        self.romeo.send(f"<message to='{to}' type='chat' id='{id}'><body>{id}</body>{NO_STORE}</message>")

    def client(self, resource: str, text: str = "<presence/>") -> Client:
        """Give a client that can resume."""
        client = self.memory.logged_in(f"{JULIET}/{resource}")
        client.send(f"<enable xmlns='{NS}' resume='true' max='{MAX_S}'/>{text}")
        return client

    def lose(self, client: Client) -> None:
        """A connection is lost, and its session times out."""
        assert client.carrier is not None
        client.carrier.lose()
        self.play.pass_time(MAX_S + 1)

    def waiting(self) -> None:
        """More waits than is handed over in a turn."""
        for number in range(PAGE + 1):
            self.play.say(self.romeo, f"stored {number}")

    def errors(self) -> list[tuple[str | None, str]]:
        """Give which messages came back to Romeo, and why."""
        found = [
            (each.get("id"), _condition(each)) for each in self.romeo.inbox if each.get("type") == "error"
        ]
        self.romeo.inbox.clear()
        return found

    def test_behind_stored_messages(self) -> None:
        """It is sent behind stored ones to one of two; the session of that ends: the other has it already."""
        self.waiting()
        first = self.client("first")
        second = self.client("second")
        self.say("volatile")
        self.play.pass_time(1)
        self.assertEqual([bodies(first)[-1], bodies(second)], ["volatile", ["volatile"]])
        self.lose(first)
        self.assertNotIn("volatile", bodies(second))

    def test_it_was_only_due(self) -> None:
        """Who was to be sent it behind stored messages has left before: the sender hears as of an absent resource."""
        for resumable in (True, False):
            self.waiting()
            first = self.client("first") if resumable else self.memory.logged_in(f"{JULIET}/first")
            first.send("<presence/>" if not resumable else "")
            self.say("volatile")
            first.send("</stream:stream>")
            self.play.pass_time(1)
            self.assertNotIn("volatile", bodies(first))
            self.assertEqual(self.errors(), [("volatile", "service-unavailable")])
            self.client("last").send("</stream:stream>")

    def test_it_was_only_due_and_another_has_come(self) -> None:
        """The same where somebody else takes messages by then: it goes there, with the time at which it came."""
        self.waiting()
        first = self.client("first")
        self.say("volatile")
        second = self.client("second")
        first.send("</stream:stream>")
        self.play.pass_time(1)
        volatile = [each for each in second.inbox if each.get("id") == "volatile"]
        self.assertEqual([len(each.findall("{urn:xmpp:delay}delay")) for each in volatile], [1])
        self.assertEqual(self.errors(), [])

    def test_two_are_gone(self) -> None:
        """Both that had it end: the one that ends last tells the sender."""
        first, second = self.client("first"), self.client("second")
        self.say("volatile")
        self.lose(first)
        self.assertEqual(self.errors(), [])
        self.lose(second)
        self.assertEqual(self.errors(), [("volatile", "service-unavailable")])

    def test_held_back_from_an_inactive_client(self) -> None:
        """What XEP-0352 holds back and sends later is a copy of the message as any other."""
        first, second = self.client("first", INACTIVE + "<presence/>"), self.client("second")
        self.romeo.send(f"<message to='{JULIET}' type='headline' id='headline'>{ITEMS}</message>")
        self.say("important")
        self.assertEqual([bodies(first)[-2:], bodies(second)], [["headline", "important"]] * 2)
        self.lose(first)
        self.assertEqual(bodies(second), [])

    def logging_in(self) -> SASL2Login:
        """A login by SASL2 that is bound, and waits for the disk before its client is told."""
        storage = self.memory.storage
        login = SASL2Login(self.memory, f"{JULIET}/x")
        storage.clock, storage.read_delay_s = self.memory.clock, 0.2
        login.by_password(INLINE)
        for _ in range(20):
            if self.memory.server.registry.resources(JULIET):
                break
            self.memory.pass_time(0.1)
        self.assertEqual(login.inbox(), [])
        return login

    def test_sent_to_who_is_not_told_yet_of_its_login(self) -> None:
        """XEP-0388 2.4: what comes for a session that is bound already waits, and comes once."""
        login = self.logging_in()
        [session] = self.memory.server.registry.resources(JULIET)
        self.play.say(self.romeo, "one", "two", to=session.full_jid or "")
        self.memory.pass_time(1)
        self.memory.storage.read_delay_s = 0.0
        login.client.send("<presence/>")
        self.memory.pass_time(1)
        self.assertEqual(bodies(login.client), ["one", "two"])
        login.client.send(f"<a xmlns='{NS}' h='2'/>")
        self.memory.pass_time(1)
        self.assertEqual(self.play.waiting(), 0)

    def test_who_is_not_told_of_its_login_is_lost(self) -> None:
        """What waited for it waits for the next."""
        login = self.logging_in()
        [session] = self.memory.server.registry.resources(JULIET)
        self.play.say(self.romeo, "one", "two", to=session.full_jid or "")
        assert login.client.carrier is not None
        login.client.carrier.lose()
        self.play.pass_time(MAX_S + 1)
        self.memory.storage.read_delay_s = 0.0
        self.play.pass_time(601)
        self.assertEqual(bodies(self.client("last")), ["one", "two"])

    def test_a_carbon_for_who_is_not_told_of_its_login(self) -> None:
        """It counts as one that was sent: who has it is not given the message when another's session ends."""
        first = self.client("first")
        login = self.logging_in()
        self.play.say(self.romeo, "one")
        self.memory.pass_time(1)
        self.memory.storage.read_delay_s = 0.0
        login.client.send("<presence/>")
        self.memory.pass_time(1)
        self.assertEqual(len(bodies(login.client)), 1)
        self.lose(first)
        self.assertEqual(bodies(login.client), [])


def _condition(message: Element) -> str:
    error = message.find("{jabber:client}error")
    assert error is not None
    return error[0].tag.partition("}")[2]
