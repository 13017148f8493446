"""The clients of an account: what is noted of them, how many there are, and revoking one."""

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.login.client_records import ClientRecord, client_id
from xmppd.services.login.clients import CLIENTS, REVOCATIONS, STORE, Clients, NoSuchClient
from xmppd.services.login.listed_clients import Client
from xmppd.services.push.push import Push
from xmppd.services.push.registrations import Registration
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Change, StorageFailed
from xmppd.testing.sasl2 import BIND, LAPTOP, PHONE, SASL2Login, condition_of, identity_of, request, token_of
from xmppd.testing.server import START, FakeTLS, MemoryServer, now

ROMEO = "romeo@localhost"
DAY_S = 86_400.0


class CertifiedTLS(FakeTLS):
    """TLS without TLS, with romeo's certificate."""

    def client_jids(self, transport: Any, host: str) -> Sequence[str]:
        """Give whose it is."""
        return (ROMEO,)


class NamesTests(SynchronousTestCase):
    """By which people name a client in commands."""

    def test_none_is_taken_for_an_option(self) -> None:
        """There is no hyphen in them."""
        names = {client_id(str(number)) for number in range(1_000)}
        self.assertEqual((len(names), [name for name in names if "-" in name]), (1_000, []))
        self.assertEqual(client_id(""), "")


class ClientsTests(SynchronousTestCase):
    """The service, behind a server."""

    def setUp(self) -> None:
        """A server."""
        self.server = MemoryServer()
        self.clients = self.server.server.services[Clients]

    def test_remembered(self) -> None:
        """The records of so many accounts are kept in memory, and of nobody who has no account."""
        self.clients._known.limit = 3
        for number in range(5):
            self.server.add_account(f"u{number}@localhost")
            now(self.clients.of(f"u{number}@localhost"))
            now(self.clients.of(f"nobody-{number}@localhost"))
        self.assertEqual(len(self.clients._known), 3)

    def listed(self) -> list[Client]:
        """Give romeo's clients."""
        found: list[Client] = now(self.clients.listed(ROMEO))
        return found

    def records(self) -> dict[str, Any]:
        """Give what is stored of them."""
        stored: dict[str, bytes] = now(self.server.storage.get_all(STORE, ROMEO))
        return {id: ClientRecord.from_json(data) for id, data in stored.items()}

    def test_what_is_told(self) -> None:
        """Program, tag, resource, address, times, and how it logs in."""
        SASL2Login(self.server).by_password(BIND + request())
        (client,) = self.listed()
        self.assertEqual((client.id, client.software, client.tag), (client_id(PHONE), "Awesome", "Phone"))
        self.assertEqual((client.first_seen, client.address), (START, "127.0.0.1"))
        self.assertTrue(client.resource.startswith("Phone/"))
        self.assertTrue(client.knows_password and client.token_expires_at)
        self.assertEqual([session.full_jid for session in client.sessions], [f"{ROMEO}/{client.resource}"])
        self.assertEqual(self.records()[client.id].resource, client.resource)

    def test_names_are_bounded_and_plain(self) -> None:
        """What a client calls itself is kept in one short line, without what could move a cursor or turn the text."""
        software = f"<software> Evil\n\x9b2J\u202eApp {'x' * 500}</software>"
        SASL2Login(self.server).send(
            "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'>"
            "<initial-response>AHJvbWVvAG9wZW4gc2VzYW1l</initial-response>"
            f"<user-agent id='{PHONE}'>{software}<device>{'ж' * 500}</device></user-agent></authenticate>"
        )
        (known,) = self.records().values()
        self.assertEqual(known.software, f"Evil 2JApp {'x' * 500}"[:200])
        self.assertEqual(known.device, "ж" * 200)

    def test_who_says_nothing(self) -> None:
        """A client of the old kind has its session, and no more."""
        self.server.logged_in("romeo@localhost/old")
        SASL2Login(self.server).by_password(BIND, agent="")
        self.assertEqual(len({client.id for client in self.listed()}), 2)
        self.assertEqual(self.records(), {})

    def test_last_seen(self) -> None:
        """Connected ones come first, then those that were here last; the time of an end is kept."""
        phone = SASL2Login(self.server)
        phone.by_password(BIND)
        self.server.clock.advance(DAY_S)
        phone.send("</stream:stream>")
        self.server.clock.advance(DAY_S)
        SASL2Login(self.server).by_password(BIND, LAPTOP)
        laptop, phone_listed = self.listed()
        self.assertEqual((laptop.id, phone_listed.id), (client_id(LAPTOP), client_id(PHONE)))
        self.assertEqual(phone_listed.last_seen, START + DAY_S)
        self.assertEqual(self.records()[client_id(PHONE)].last_seen, START + DAY_S)

    def test_seldom_written(self) -> None:
        """A login of a known client is written when an hour has passed since the last that was."""
        SASL2Login(self.server).by_password()
        first = self.records()[client_id(PHONE)].last_seen
        self.server.clock.advance(100)
        SASL2Login(self.server).by_password()
        self.assertEqual(self.records()[client_id(PHONE)].last_seen, first)
        self.server.clock.advance(3_601)
        SASL2Login(self.server).by_password()
        self.assertEqual(self.records()[client_id(PHONE)].last_seen, START + 3_701)

    def test_at_most_so_many(self) -> None:
        """The one that was away longest makes room."""
        for number in range(CLIENTS + 5):
            agent = f"{number:08}-4d72-4749-b3d3-740edbf87770"
            SASL2Login(self.server).by_password(request(), agent)
            self.server.clock.advance(1)
        self.assertEqual(len(self.records()), CLIENTS)
        self.assertNotIn(client_id("00000000-4d72-4749-b3d3-740edbf87770"), self.records())

    def test_forgotten(self) -> None:
        """Who has not been here for long is forgotten (XEP-0494, privacy considerations)."""
        SASL2Login(self.server).by_password()
        self.server.clock.advance(91 * DAY_S)
        SASL2Login(self.server).by_password(agent=LAPTOP)
        self.assertEqual([*self.records()], [client_id(LAPTOP)])

    def test_addresses_may_not_be_kept(self) -> None:
        """Where a host wants it so."""
        server = MemoryServer("[modules.clients]\nkeep_addresses = false\n")
        SASL2Login(server).by_password()
        (client,) = now(server.server.services[Clients].listed(ROMEO))
        self.assertEqual(client.address, "")

    def test_revoked(self) -> None:
        """One client loses its token and its session, and nobody else does."""
        phone, laptop = SASL2Login(self.server), SASL2Login(self.server)
        token = token_of(phone.by_password(BIND + request()))
        other = token_of(laptop.by_password(BIND + request(), LAPTOP))
        revoked = now(self.clients.revoke(ROMEO, client_id(PHONE), "Revoked"))
        self.assertTrue(revoked.had_token and revoked.knows_password)
        self.assertEqual(len(revoked.ended), 1)
        self.assertFalse(phone.client.is_connected)
        self.assertTrue(laptop.client.is_connected)
        self.assertEqual(condition_of(SASL2Login(self.server).by_token(token)), "not-authorized")
        self.assertEqual(identity_of(SASL2Login(self.server).by_token(other, agent=LAPTOP)), ROMEO)
        self.assertEqual([*self.records()], [client_id(LAPTOP)])

    def test_revoked_for_good(self) -> None:
        """What is left of a session that has been revoked brings its record back in no way."""
        SASL2Login(self.server).by_password(BIND + request())
        self.server.clock.advance(2 * DAY_S)
        now(self.clients.revoke(ROMEO, client_id(PHONE), "Revoked"))
        self.assertEqual(self.records(), {})

    def test_revoke_that_fails(self) -> None:
        """Where the storage fails nothing has changed."""
        phone = SASL2Login(self.server)
        token = token_of(phone.by_password(BIND + request()))
        self.server.storage.failing = StorageFailed("no disk")
        self.failureResultOf(self.clients.revoke(ROMEO, client_id(PHONE), "Revoked"), StorageFailed)
        self.server.storage.failing = None
        self.assertTrue(phone.client.is_connected)
        self.assertEqual(identity_of(SASL2Login(self.server).by_token(token)), ROMEO)

    def test_revoke_nobody(self) -> None:
        """Who is not there cannot be revoked."""
        self.failureResultOf(self.clients.revoke(ROMEO, "nobody", "Revoked"), NoSuchClient)

    def test_revoke_who_says_nothing(self) -> None:
        """The session of a client of the old kind is ended by its name in the list."""
        old = self.server.logged_in("romeo@localhost/old")
        (client,) = self.listed()
        revoked = now(self.clients.revoke(ROMEO, client.id, "Revoked"))
        self.assertEqual(revoked.ended, ("romeo@localhost/old",))
        self.assertFalse(old.is_connected)

    def test_nothing_is_left_of_an_account(self) -> None:
        """Neither in the storage nor in memory, also of anonymous users."""
        SASL2Login(self.server).by_password(request())
        now(self.server.server.accounts.remove(JID.parse(ROMEO)))
        self.assertEqual((self.records(), now(self.clients.of(ROMEO))), ({}, {}))

    def test_nothing_else(self) -> None:
        """A client with the same id in another account stays, and the user's other clients."""
        self.server.add_account("juliet@localhost")
        SASL2Login(self.server).by_password(BIND + request())
        laptop = SASL2Login(self.server)
        laptop.by_password(BIND + request(), LAPTOP)
        hers = SASL2Login(self.server, "juliet@localhost/x")
        token = token_of(hers.by_password(BIND + request()))
        now(self.clients.revoke(ROMEO, client_id(PHONE), "Revoked"))
        self.assertTrue(laptop.client.is_connected and hers.client.is_connected)
        again = SASL2Login(self.server, "juliet@localhost/x")
        self.assertEqual(identity_of(again.by_token(token)), "juliet@localhost")

    def test_revoked_before_the_binding(self) -> None:
        """Who was let in, and has not bound a resource yet when it is revoked, does not get one."""
        phone = SASL2Login(self.server)
        phone.by_password()
        now(self.clients.revoke(ROMEO, client_id(PHONE), "Revoked"))
        (answer,) = phone.send("<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
        self.assertEqual(answer.get("type"), "error")
        self.assertEqual(self.listed(), [])

    def delayed(self) -> SASL2Login:
        """Give a phone whose login by a token takes a second from its proof on, since its address has failed before."""
        self.server = MemoryServer("[limits]\nauth_failures_per_address = 1\n")
        self.clients = self.server.server.services[Clients]
        token = token_of(SASL2Login(self.server).by_password(request()))
        SASL2Login(self.server).by_token("wrong")
        phone = SASL2Login(self.server)
        self.assertEqual(phone.by_token(token, BIND + request()), [])
        return phone

    def test_revoked_within_a_login(self) -> None:
        """A login by a token that was revoked before its end gives neither a session nor another token."""
        phone = self.delayed()
        now(self.clients.revoke(ROMEO, client_id(PHONE), "Revoked"))
        self.server.clock.advance(1)
        self.assertEqual([each.tag.partition("}")[2] for each in phone.inbox()], ["error", "end"])
        self.assertEqual((self.listed(), self.records()), ([], {}))

    def test_password_changed_within_a_login(self) -> None:
        """Nor does one that was begun before the password was changed."""
        phone = self.delayed()
        now(self.server.server.accounts.set_password(JID.parse(ROMEO), "another"))
        self.server.clock.advance(1)
        (failure,) = phone.inbox()
        self.assertEqual(failure.tag.partition("}")[2], "failure")
        self.assertEqual(self.server.server.registry.resources(ROMEO), ())
        self.assertEqual(self.records()[client_id(PHONE)].tokens, [])

    def test_tokens_end_in_the_same_transaction(self) -> None:
        """A server that dies as soon as a password is set, or a disk that is full then, leaves no token of before."""
        token = token_of(SASL2Login(self.server).by_password(request()))
        storage, done = self.server.storage, list[Change]()
        commit = storage.commit

        def only_once(*changes: Change) -> Deferred[None]:
            if done:
                storage.failing = StorageFailed("no disk")
            done.extend(changes)
            return commit(*changes)

        patched = self.patch(storage, "commit", only_once)
        now(self.server.server.accounts.set_password(JID.parse(ROMEO), "another"))
        self.flushLoggedErrors(StorageFailed)
        patched.restore()
        storage.failing = None
        again = SASL2Login(MemoryServer(storage=storage))
        self.assertEqual(condition_of(again.by_token(token)), "not-authorized")

    def test_revocations_are_bounded(self) -> None:
        """So many are remembered, for logins that are under way."""
        for number in range(REVOCATIONS + 5):
            self.clients._note_revocation(ROMEO, str(number))
        self.assertEqual(len(self.clients._revoked), REVOCATIONS)

    def test_who_knows_the_password(self) -> None:
        """After a change only who has made it: any other can be revoked for good (XEP-0494 3.2)."""
        phone, laptop = SASL2Login(self.server), SASL2Login(self.server)
        phone.by_password(BIND)
        laptop.by_password(BIND, LAPTOP)
        laptop.send(
            "<iq type='set' id='1' to='localhost'><query xmlns='jabber:iq:register'>"
            "<username>romeo</username><password>another</password></query></iq>"
        )
        known = {client.id: client.knows_password for client in self.listed()}
        self.assertEqual(known, {client_id(LAPTOP): True, client_id(PHONE): False})
        self.assertFalse(now(self.clients.revoke(ROMEO, client_id(PHONE), "Revoked")).knows_password)

    def test_by_certificate(self) -> None:
        """Who shows a certificate has shown no password."""
        self.server.factory.tls = CertifiedTLS()
        client = SASL2Login(self.server)
        self.assertEqual(identity_of(client.authenticate("EXTERNAL", b"", request())), ROMEO)
        (known,) = self.records().values()
        self.assertFalse(known.knows_password)
        self.assertEqual(len(known.tokens), 1)

    def test_push(self) -> None:
        """No push service is told any more for a client that was revoked; the registrations of others stay."""
        owner, push = JID.parse(ROMEO), self.server.server.services[Push]
        for agent in (PHONE, LAPTOP):
            SASL2Login(self.server).by_password(BIND, agent)
        for client in self.listed():
            now(push.enable(owner, Registration("push.example.net", client.id, client.resource)))
        now(self.clients.revoke(ROMEO, client_id(PHONE), "Revoked"))
        self.assertEqual([each.node for each in now(push.registrations(owner))], [client_id(LAPTOP)])
