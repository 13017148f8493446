"""Push notifications (XEP-0357) where a dialogue does not reach: failures, bounds, restarts, several clients."""

from xml.etree.ElementTree import Element as Tree

from twisted.internet.defer import Deferred, fail

from tests.services.push.pushing import COUNT, ENABLE_SM, ROMEO, SERVICE, PushCase, enable, lose
from xmppd.services.accounts.accounts import Accounts
from xmppd.services.push.publication import BODY_CHARS
from xmppd.services.push.push import LONGEST_PAUSE_S, STORE, Push
from xmppd.services.push.registrations import Registration
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Change, Put, StorageFull
from xmppd.testing.server import MemoryServer, now

FAILURES = 16
ENABLE_CARBONS = "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>"


class FailureTests(PushCase):
    """XEP-0357 7.1: what removes a registration."""

    def test_a_jid_that_is_no_service(self) -> None:
        """Somebody who is not there answers by an error: the registration is gone, from the store too."""
        enable(self.phone, "nobody@localhost/x")
        enable(self.phone, "juliet@localhost/gone", "n2")
        self.assertEqual(self.stored, 2)
        lose(self.phone)
        self.write()
        self.assertEqual((self.enabled, self.stored), ((), 0))

    def test_a_server_that_is_not_found_now(self) -> None:
        """remote-server-not-found may pass: tried again until there were too many failures in a row."""
        enable(self.phone, "push.example.net")
        lose(self.phone)
        self.write()
        for failure in range(1, FAILURES):
            self.assertEqual((failure, len(self.enabled)), (failure, 1))
            self.memory.clock.advance(min(LONGEST_PAUSE_S, 2.0**failure))
        self.assertEqual((self.enabled, self.stored), ((), 0))

    def test_silence_may_pass(self) -> None:
        """A service that does not answer in time is asked again, and a single answer makes up for all failures."""
        enable(self.phone)
        lose(self.phone)
        self.write()
        for _ in range(FAILURES - 1):
            self.service.inbox.clear()
            self.memory.clock.advance(60)
            self.memory.clock.advance(LONGEST_PAUSE_S)
        self.assertEqual(len(self.told()), 1)
        self.write()
        self.assertEqual(len(self.told()), 0)
        self.memory.clock.advance(1)
        self.assertEqual([self._count(request) for request in self.told()], ["2"])
        self.assertEqual(len(self.enabled), 1)

    def _count(self, request: Tree) -> str | None:
        found = request.find(COUNT)
        return None if found is None else found.text

    def test_what_was_delivered_is_not_tried_again(self) -> None:
        """When the client has come, a failed notification is of no use any more."""
        enable(self.phone)
        lose(self.phone)
        self.write()
        phone = self.memory.logged_in("romeo@localhost/phone")
        phone.send("<presence/>")
        self.service.inbox.clear()
        self.memory.clock.advance(60)
        self.memory.clock.advance(LONGEST_PAUSE_S)
        self.assertEqual(self.told(), [])

    def test_being_busy_is_no_failure(self) -> None:
        """resource-constraint, of the service or of ourselves, says nothing about a registration."""
        enable(self.phone)
        lose(self.phone)
        self.write()
        for _ in range(2 * FAILURES):
            (request,) = self.service.inbox
            self.service.inbox.clear()
            self.service.send(
                f"<iq type='error' to='localhost' id='{request.get('id')}'><error type='wait'>"
                "<resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
            )
            self.memory.clock.advance(1)
        self.assertEqual(len(self.enabled), 1)

    def test_an_answer_after_disabling(self) -> None:
        """What comes for a registration that is gone changes nothing, also not for one that took its place."""
        enable(self.phone)
        self.write()
        (request,) = self.service.inbox
        enable(self.phone)
        self.service.send(
            f"<iq type='error' to='localhost' id='{request.get('id')}'><error type='cancel'>"
            "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
        )
        self.assertEqual((len(self.enabled), self.stored), (1, 1))


class StoreTests(PushCase):
    """What is kept, and for how long."""

    def test_registrations_outlive_the_server(self) -> None:
        """Another server on the same storage tells the same push services."""
        enable(self.phone)
        lose(self.phone)
        self.push._accounts.clear()
        self.write()
        self.assertEqual(self.nodes(), ["n1"])

    def test_an_unreadable_one_is_passed_over(self) -> None:
        """What cannot be read is no reason to tell nobody."""
        enable(self.phone)
        for key, value in (("broken", b"{"), ("odd", b'{"a": 1}')):
            now(self.memory.storage.commit(Put(STORE, ROMEO.bare, key, value)))
        self.push._accounts.clear()
        self.write()
        self.assertEqual(self.nodes(), ["n1"])
        self.assertEqual(len(self.enabled), 1)

    def test_gone_with_the_account(self) -> None:
        """Who is removed is not told of any more, and nothing of it is left."""
        enable(self.phone)
        now(self.memory.server.services[Accounts].remove(ROMEO))
        self.assertEqual((self.stored, self.push._accounts), (0, {}))

    def test_a_storage_that_is_full(self) -> None:
        """The client gets an error, and nothing has changed."""
        enable(self.phone)

        def commit(*changes: Change) -> Deferred[None]:
            return fail(StorageFull())

        self.patch(self.memory.storage, "commit", commit)
        self.assertEqual(enable(self.phone, node="n2"), "error")
        self.phone.send(f"<iq type='set' id='d'><disable xmlns='urn:xmpp:push:0' jid='{SERVICE}'/></iq>")
        self.assertEqual(self.phone.inbox.pop().get("type"), "error")
        self.assertEqual([registration.node for registration in self.enabled], ["n1"])

    def test_a_storage_that_cannot_be_read(self) -> None:
        """Nobody waits for ever; the message is kept all the same."""
        enable(self.phone)
        self.push._accounts.clear()
        self.patch(self.memory.storage, "get_all", lambda store, owner: fail(StorageFull()))
        self.assertEqual(enable(self.phone), "error")
        self.write()
        self.assertEqual(len(self.flushLoggedErrors(StorageFull)), 1)
        self.assertEqual(self.push._loading, {})

    def test_what_is_in_memory_is_bounded(self) -> None:
        """The registrations of so many accounts are remembered; those at work are not forgotten."""
        self.push._accounts.limit = 2
        enable(self.phone)
        self.write()
        for number in range(5):
            self.memory.add_account(f"user{number}@localhost")
            user = JID.parse(f"user{number}@localhost")
            now(self.push.enable(user, Registration("push.example.net", "", "")))
        self.assertEqual(len(self.push._accounts), 2)
        self.assertIn("romeo@localhost", self.push._accounts)

    def test_who_has_none_costs_no_read(self) -> None:
        """Who has registrations is read at the start; until that is done, and of nobody else, each is asked for."""
        memory = MemoryServer(storage=self.memory.storage)
        push: Push = memory.server.services[Push]
        self.assertFalse(push.may_have(ROMEO.bare))
        enable(self.phone)
        again: Push = MemoryServer(storage=self.memory.storage).server.services[Push]
        self.assertTrue(again.may_have(ROMEO.bare))
        now(push.enable(ROMEO, Registration("push.example.net", "", "")))
        push.let_go(ROMEO)
        self.assertFalse(push.may_have(ROMEO.bare))

    def test_without_the_module(self) -> None:
        """XEP-0357 6: nothing is published once it is not wanted any more."""
        enable(self.phone)
        self.memory.server.loader.unload(self.memory.server.hosts["localhost"], "push")
        self.write()
        self.assertEqual(self.told(), [])


class ClientTests(PushCase):
    """Several clients of an account, some without a connection (XEP-0198)."""

    def setUp(self) -> None:
        """Romeo's phone has a node of its own, and so has his tablet."""
        super().setUp()
        self.tablet = self.memory.logged_in("romeo@localhost/tablet")
        enable(self.tablet, node="tablet")
        enable(self.phone, node="phone")
        for client in (self.phone, self.tablet):
            client.send(ENABLE_SM)
            client.send("<presence/>")

    def test_the_client_without_a_connection_is_woken(self) -> None:
        """Both get the message; the tablet at once, the phone is told by its own node alone."""
        lose(self.phone)
        self.write()
        self.assertEqual(self.nodes(), ["phone"])

    def test_everybody_is_told_of_what_is_stored(self) -> None:
        """What goes into the offline store waits for each client; it is told to all."""
        for client in (self.phone, self.tablet):
            client.send("</stream:stream>")
        self.write()
        self.assertEqual(sorted(self.nodes()), ["phone", "tablet"])

    def test_a_client_that_never_enabled_anything(self) -> None:
        """A message in the queue of such a session is told to those whose client is not connected."""
        desk = self.memory.logged_in("romeo@localhost/desk")
        desk.send(ENABLE_SM)
        lose(desk)
        self.write("romeo@localhost/desk")
        self.assertEqual(self.nodes(), [])
        lose(self.tablet)
        self.write("romeo@localhost/desk")
        self.assertEqual(self.nodes(), ["tablet"])

    def test_a_carbon_in_the_queue(self) -> None:
        """What another client has received is worth waking for; what it has sent is not."""
        self.phone.send(ENABLE_CARBONS)
        lose(self.phone)
        self.told()
        self.tablet.send(
            "<message to='juliet@localhost/balcony' type='chat' id='m'><body>hi</body></message>"
        )
        self.assertEqual(self.nodes(), [])
        self.write("romeo@localhost/tablet")
        self.assertEqual(self.nodes(), ["phone"])

    def test_a_carbon_names_who_wrote(self) -> None:
        """Where the host wants the sender told, that of a carbon is who has written, and long bodies are cut."""
        settings = self.push.settings["localhost"]
        self.push.settings["localhost"] = settings._replace(shows_sender=True, shows_body=True)
        self.phone.send(ENABLE_CARBONS)
        lose(self.phone)
        self.juliet.send(
            f"<message to='romeo@localhost/tablet' type='chat' id='m'><body>{'x' * 5_000}</body></message>"
        )
        (request,) = self.told()
        values = [value.text or "" for value in request.iter("{jabber:x:data}value")]
        self.assertEqual(values[1:3], ["1", "juliet@localhost/balcony"])
        self.assertEqual(len(values[3]), BODY_CHARS)

    def test_an_inactive_client_without_a_connection(self) -> None:
        """XEP-0352: what is held back wakes nobody, what is important does."""
        self.phone.send("<inactive xmlns='urn:xmpp:csi:0'/>")
        lose(self.phone)
        self.tablet.send("<presence><show>away</show></presence>")
        self.assertEqual(self.nodes(), [])
        self.write()
        self.assertEqual(self.nodes(), ["phone"])

    def test_a_session_whose_time_is_over(self) -> None:
        """What its client never got goes into the offline store, and everybody is told."""
        self.tablet.send("</stream:stream>")
        lose(self.phone)
        self.write()
        self.assertEqual(self.nodes(), ["phone"])
        self.memory.clock.advance(1_000)
        self.assertEqual(sorted(self.nodes()), ["phone", "tablet"])
