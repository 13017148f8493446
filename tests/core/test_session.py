"""The seed, row by row: each property and predicate of a session, and what a test must observe of it."""

from base64 import b64encode

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import fail

from tests.core.connected import AUTH, BIND, HEADER, STARTTLS, SessionCase
from xmppd.storage.interface import StorageFailed
from xmppd.testing.server import MemoryServer
from xmppd.testing.sessions import FakeConnection, new_session

ROSTER_GET = "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>"

STEPS = ["<presence/>", "<presence type='unavailable'/>", ROSTER_GET, "close"]


class PropertyTests(SessionCase):
    """4a: properties."""

    def test_conn_is_the_transport_until_the_end(self) -> None:
        """conn: the transport from accept on, None after the connection is lost; `send` does not raise then."""
        self.bind()
        self.assertIs(self.session.conn, next(iter(self.memory.factory.connections)).transport)
        assert self.client.carrier is not None
        self.client.carrier.lose()
        self.assertIsNone(self.session.conn)
        self.assertFalse(self.session.send(b"<x/>"))

    def test_conn_is_none_after_destruction(self) -> None:
        """conn: None after `destroy` too."""
        self.bind()
        self.memory.server.registry.destroy(self.session)
        self.assertIsNone(self.session.conn)

    def test_conn_of_a_resumed_session(self) -> None:
        """conn: on resumption the same session gets the new connection, and the old connection is closed."""
        self.bind()
        self.client.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
        sm_id, session, first = self.client.inbox.popleft().get("id"), self.session, self.client
        self.client = self.memory.client("alice@localhost/desk")
        self.authenticate()
        self.client.send(f"<resume xmlns='urn:xmpp:sm:3' previd='{sm_id}' h='0'/>")
        self.assertIs(self.session_of(self.client), session)
        self.assertIs(session.conn, next(reversed(self.memory.factory.connections)).transport)
        self.assertFalse(first.is_connected)

    def test_notopen_until_each_header(self) -> None:
        """notopen: true from accept to the first header, and again at each restart until the new header."""
        seen = [self.session.notopen]
        for text in (HEADER.format("localhost"), STARTTLS, HEADER.format("localhost"), AUTH):
            if text.startswith("<stream"):
                self.client.expect_header()
            self.say(text)
            seen.append(self.session.notopen)
        self.client.expect_header()
        self.say(HEADER.format("localhost"))
        seen.append(self.session.notopen)
        self.assertEqual(seen, [True, False, True, False, True, False])

    def test_notopen_close_sends_a_header_first(self) -> None:
        """notopen: `close` while true sends header, error, end tag."""
        session = new_session(self.memory.server.registry)
        connection = session.conn
        assert isinstance(connection, FakeConnection)
        session.close("host-unknown")
        data = connection.data
        places = [data.index(part) for part in (b"<stream:stream", b"<host-unknown", b"</stream:stream>")]
        self.assertEqual(places, sorted(places))

    def test_notopen_unknown_host_ends_with_header_and_error(self) -> None:
        """notopen: a header that names an unknown host is answered with header, host-unknown, end."""
        self.client.send(HEADER.format("nowhere.example"))
        error, end = self.client.inbox
        self.assertTrue(error.tag.endswith("}error"), error.tag)
        self.assertTrue(error[0].tag.endswith("}host-unknown"), error[0].tag)
        self.assertTrue(end.tag.endswith("}end"), end.tag)

    def test_type_at_the_four_points(self) -> None:
        """type: c2s_unauthed at accept, header and TLS, c2s from SASL success on."""
        seen = [self.session.type]
        self.say(HEADER.format("localhost"))
        seen.append(self.session.type)
        self.say(STARTTLS)
        self.client.expect_header()
        self.say(HEADER.format("localhost"))
        seen.append(self.session.type)
        self.say(AUTH)
        seen.append(self.session.type)
        self.assertEqual(seen, ["c2s_unauthed", "c2s_unauthed", "c2s_unauthed", "c2s"])

    def test_type_only_connected_sessions_route(self) -> None:
        """type: c2s without a resource may not route stanzas."""
        self.authenticate()
        self.client.send("<message to='bob@localhost'><body>hi</body></message>")
        self.assertTrue(self.client.inbox[0][0].tag.endswith("}not-authorized"))
        self.assertFalse(self.client.is_connected)

    def test_username_prepared_after_sasl(self) -> None:
        """username: None before SASL success, then the prepared localpart (Alice becomes alice)."""
        self.assertIsNone(self.session.username)
        self.authenticate()
        self.assertEqual(self.session.username, "alice")

    def test_username_that_cannot_be_prepared(self) -> None:
        """username: an empty one, or one that is no localpart, does not authenticate."""
        self.say(HEADER.format("localhost"), STARTTLS)
        self.client.expect_header()
        self.say(HEADER.format("localhost"))
        for name in ("", "a b", "\u265a", "alice/x", "alice@localhost"):
            message = b64encode(f"\0{name}\0open sesame".encode()).decode()
            self.client.send(AUTH.replace("AEFsaWNlAG9wZW4gc2VzYW1l", message))
            self.assertTrue(self.client.inbox.popleft().tag.endswith("}failure"), name)
            self.assertIsNone(self.session.username)

    def test_host_from_the_header(self) -> None:
        """host: None before the header, then its prepared ``to``."""
        self.assertIsNone(self.session.host)
        self.say(HEADER.format("LocalHost"))
        self.assertEqual(self.session.host, "localhost")

    def test_host_missing(self) -> None:
        """host: a header without ``to`` ends with improper-addressing."""
        self.client.send(HEADER.format("").replace("to='' ", ""))
        self.assertTrue(self.client.inbox[0][0].tag.endswith("}improper-addressing"))

    def test_host_never_changes(self) -> None:
        """host: another ``to`` after a restart ends with not-authorized."""
        memory = self.memory = MemoryServer('[hosts."localhost"]\n[hosts."other.example"]\n')
        self.client = memory.client("alice@localhost/desk")
        self.say(HEADER.format("localhost"), STARTTLS)
        self.client.expect_header()
        self.client.send(HEADER.format("other.example"))
        self.assertTrue(self.client.inbox[0][0].tag.endswith("}not-authorized"))

    def test_resource_of_the_client(self) -> None:
        """resource: None before bind, then what the client asked for."""
        self.authenticate()
        self.assertIsNone(self.session.resource)
        self.say(BIND.format("<resource>desk</resource>"))
        self.assertEqual(self.session.resource, "desk")

    def test_resource_made_by_the_server(self) -> None:
        """resource: an empty wish gets a name that the server makes, another each time."""
        names = set()
        for _ in range(2):
            self.client = self.memory.client("alice@localhost/desk")
            session = self.session_of(self.client)
            self.authenticate()
            self.say(BIND.format(""))
            names.add(session.resource)
        self.assertEqual(len(names - {None}), 2)

    def test_resource_that_cannot_be_prepared(self) -> None:
        """resource: too long or invalid is bad-request, and the session stays unbound."""
        self.authenticate()
        for wish in ("x" * 1024, "a&#x9;b"):
            self.client.send(BIND.format(f"<resource>{wish}</resource>"))
            answer = self.client.inbox.popleft()
            self.assertTrue(answer[0][0].tag.endswith("}bad-request"), wish)
            self.assertIsNone(self.session.full_jid)

    def test_full_jid(self) -> None:
        """full_jid: None before bind, then the jid of the answer, under which the registry finds the session."""
        self.authenticate()
        self.assertIsNone(self.session.full_jid)
        self.client.send(BIND.format("<resource>desk</resource>"))
        told = self.client.inbox.popleft()[0][0].text
        self.assertEqual((self.session.full_jid, told), ("alice@localhost/desk", "alice@localhost/desk"))
        self.assertIs(self.memory.server.registry.get("alice@localhost/desk"), self.session)
        self.memory.server.registry.destroy(self.session)
        self.assertIsNone(self.memory.server.registry.get("alice@localhost/desk"))

    def test_priority(self) -> None:
        """priority: 0 at first, then the presence's, clamped to a byte, and 0 again on unavailable."""
        self.bind()
        seen = [self.session.priority]
        for text in ("5", "-7", "999", "-999"):
            self.say(f"<presence><priority>{text}</priority></presence>")
            seen.append(self.session.priority)
        self.say("<presence type='unavailable'/>")
        self.assertEqual([*seen, self.session.priority], [0, 5, -7, 127, -128, 0])

    def test_priority_that_is_no_number(self) -> None:
        """priority: text that is no integer is bad-request, and nothing changes."""
        self.bind()
        self.client.send("<presence id='p'><priority>abc</priority></presence>")
        answer = self.client.inbox.popleft()
        self.assertEqual((answer.get("type"), answer.get("id")), ("error", "p"))
        self.assertTrue(answer[0][0].tag.endswith("}bad-request"))
        self.assertIsNone(self.session.presence)

    def test_presence(self) -> None:
        """presence: the last undirected one without a type; directed ones and probes do not change it."""
        self.bind()
        self.assertIsNone(self.session.presence)
        self.say("<presence><show>away</show></presence>")
        first = self.session.presence
        assert first is not None
        self.say("<presence to='bob@localhost'><show>dnd</show></presence>")
        self.say(
            "<presence type='probe' to='bob@localhost'/>", "<presence type='subscribe' to='bob@localhost'/>"
        )
        self.assertIs(self.session.presence, first)
        self.say("<presence type='unavailable'/>")
        self.assertIsNone(self.session.presence)

    def test_interested(self) -> None:
        """interested: false at bind, true after a roster get, and it stays so after unavailable presence."""
        self.bind()
        self.assertFalse(self.session.interested)
        self.say(
            "<iq type='set' id='s'><query xmlns='jabber:iq:roster'><item jid='bob@localhost'/></query></iq>"
        )
        self.assertFalse(self.session.interested)
        self.say(ROSTER_GET, "<presence/>", "<presence type='unavailable'/>")
        self.assertTrue(self.session.interested)

    def test_interested_by_a_version_that_is_current(self) -> None:
        """interested: an empty answer to a versioned get makes it true as well."""
        self.bind()
        self.client.send(ROSTER_GET.replace("roster'", "roster' ver=''"))
        version = self.client.inbox.popleft()[0].get("ver")
        self.client = self.memory.client("alice@localhost/phone")
        self.session = self.session_of(self.client)
        self.bind("phone")
        self.client.send(f"<iq type='get' id='r'><query xmlns='jabber:iq:roster' ver='{version}'/></iq>")
        self.assertEqual(len(self.client.inbox.popleft()), 0)
        self.assertTrue(self.session.interested)

    def test_roster_loaded_at_bind_and_shared(self) -> None:
        """roster: None before bind, then the same object for all resources of the account."""
        self.authenticate()
        self.assertIsNone(self.session.roster)
        self.say(BIND.format("<resource>desk</resource>"))
        first = self.session
        self.client = self.memory.client("alice@localhost/phone")
        second = self.session_of(self.client)
        self.bind("phone")
        self.assertIsNotNone(first.roster)
        self.assertIs(second.roster, first.roster)

    def test_roster_that_cannot_be_loaded(self) -> None:
        """roster: where it cannot be loaded, bind is internal-server-error and the session is not connected."""
        self.authenticate()
        self.patch(self.memory.server.rosters, "load", lambda bare_jid: fail(StorageFailed("no disk")))
        self.client.send(BIND.format("<resource>desk</resource>"))
        self.assertTrue(self.client.inbox[0][0][0].tag.endswith("}internal-server-error"))
        self.assertFalse(self.session.is_connected)


class PredicateTests(SessionCase):
    """4c: connected, available, interested."""

    def truth(self) -> str:
        """Give the three predicates as letters."""
        session = self.session
        return "".join("FT"[p] for p in (session.is_connected, session.is_available, session.is_interested))

    def test_truth_table(self) -> None:
        """The table of the seed, driven in order on one session."""
        seen = [self.truth()]
        self.say(HEADER.format("localhost"), STARTTLS)
        seen.append(self.truth())
        self.client.expect_header()
        self.say(HEADER.format("localhost"), AUTH)
        seen.append(self.truth())
        self.client.expect_header()
        self.say(HEADER.format("localhost"), BIND.format("<resource>desk</resource>"))
        seen.append(self.truth())
        for text in (ROSTER_GET, "<presence/>", "<presence type='unavailable'/>", "</stream:stream>"):
            self.say(text)
            seen.append(self.truth())
        self.assertEqual(seen, ["FFF", "FFF", "FFF", "TFF", "TFT", "TTT", "TFT", "FFF"])

    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(
            st.sampled_from(["<presence/>", "<presence type='unavailable'/>", ROSTER_GET, "close"]),
            max_size=8,
        )
    )
    def test_invariants(self, steps: list[str]) -> None:
        """Available and interested imply connected; connected means that the registry has the full JID."""
        self.setUp()
        self.bind()
        for step in steps:
            if step == "close":
                self.memory.server.registry.destroy(self.session)
            elif self.client.is_connected and not self.session.is_ended:
                self.say(step)
            session = self.session
            self.assertTrue(session.is_connected or not (session.is_available or session.is_interested))
            known = self.memory.server.registry.get("alice@localhost/desk")
            self.assertEqual(session.is_connected, known is session)

    def test_connected_but_not_available(self) -> None:
        """A connected resource gets full-JID messages before it is available; bare-JID chat does not reach it."""
        self.bind()
        bob = self.memory.logged_in("bob@localhost/b")
        bob.send("<message type='chat' to='alice@localhost/desk'><body>full</body></message>")
        bob.send("<message type='chat' to='alice@localhost'><body>bare</body></message>")
        bodies = [element.findtext("{jabber:client}body") for element in self.client.inbox]
        self.assertEqual(bodies, ["full"])
