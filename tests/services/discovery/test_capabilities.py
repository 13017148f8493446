"""Entity capabilities of clients: the examples of XEP-0115, answers that are wrong, and bounds."""

from xml.etree.ElementTree import Element as Tree

from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.host import Identity
from xmppd.core.session import Session
from xmppd.modules.caps import ServerCaps
from xmppd.services.discovery import capabilities
from xmppd.services.discovery.capabilities import (
    CAPABILITIES_KNOWN,
    Capabilities,
    ClientInfo,
    read_info,
    verification_string,
)
from xmppd.stanza.element import parse_element
from xmppd.testing.client import Client
from xmppd.testing.server import MemoryServer

EXODUS = ("client", "pc", "Exodus 0.9.1")
FEATURES = (
    "http://jabber.org/protocol/caps",
    "http://jabber.org/protocol/muc",
    "http://jabber.org/protocol/disco#info",
    "http://jabber.org/protocol/disco#items",
)
SIMPLE = "QgayPKawpkPSDYmwT/WM94uAlu0="
COMPLEX = """<query xmlns='http://jabber.org/protocol/disco#info'>
<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>
<identity xml:lang='el' category='client' name='\u03a8 0.11' type='pc'/>
<feature var='http://jabber.org/protocol/caps'/><feature var='http://jabber.org/protocol/disco#info'/>
<feature var='http://jabber.org/protocol/disco#items'/><feature var='http://jabber.org/protocol/muc'/>
<x xmlns='jabber:x:data' type='result'>
<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>
<field var='ip_version' type='text-multi'><value>ipv6</value><value>ipv4</value></field>
<field var='os'><value>Mac</value></field><field var='os_version'><value>10.5.1</value></field>
<field var='software'><value>Psi</value></field><field var='software_version'><value>0.11</value></field>
</x></query>"""


def info_of(content: str) -> ClientInfo:
    """Read an answer to disco#info."""
    return read_info(
        parse_element(f"<query xmlns='http://jabber.org/protocol/disco#info'>{content}</query>".encode())
    )


class VerificationTests(SynchronousTestCase):
    """XEP-0115 5."""

    def test_simple_example(self) -> None:
        """XEP-0115 5.2."""
        self.assertEqual(verification_string(ClientInfo((Identity(*EXODUS),), FEATURES, ())), SIMPLE)

    def test_complex_example(self) -> None:
        """XEP-0115 5.3."""
        info = read_info(parse_element(COMPLEX.encode()))
        self.assertEqual(verification_string(info), "q07IKJEyjvHSyhy//CH0CxmKi8w=")

    def test_ill_formed(self) -> None:
        """XEP-0115 5.4, 3.3 to 3.5: whatever is said twice."""
        form = "<x xmlns='jabber:x:data'><field var='FORM_TYPE' type='hidden'>{}</field></x>"
        for content in (
            "<identity category='c' type='t'/><identity category='c' type='t' name=''/>",
            "<feature var='a'/><feature var='a'/>",
            form.format("<value>a</value>") * 2,
            form.format("<value>a</value><value>b</value>"),
        ):
            self.assertRaises(ValueError, info_of, content)

    def test_forms_that_are_ignored(self) -> None:
        """XEP-0115 5.4, 3.6: a form without a hidden FORM_TYPE."""
        for field in (
            "",
            "<field var='FORM_TYPE'><value>a</value></field>",
            "<field var='a' type='hidden'/>",
        ):
            self.assertEqual(info_of(f"<x xmlns='jabber:x:data'>{field}</x>").forms, ())


class CapabilitiesTests(SynchronousTestCase):
    """The service behind a whole server."""

    def setUp(self) -> None:
        """A server that remembers two descriptions, and tells when one is known."""
        self.memory = MemoryServer("[limits]\ncapabilities = 2\n")
        self.service = self.memory.server.services[Capabilities]
        self.told: list[str | None] = []
        hooks = self.memory.server.hosts["localhost"].hooks
        hooks.add(CAPABILITIES_KNOWN, lambda session: self.told.append(session.full_jid))

    def announced(self, name: str, ver: str, algorithm: str = "hash='sha-1'") -> Client:
        """Give a client that has announced *ver*."""
        client = self.memory.logged_in(f"{name}@localhost/x")
        self.announce(client, ver, algorithm)
        return client

    def announce(self, client: Client, ver: str, algorithm: str = "hash='sha-1'") -> None:
        """Let a client announce *ver*."""
        client.send(
            f"<presence><c xmlns='http://jabber.org/protocol/caps' {algorithm} node='n' ver='{ver}'/></presence>"
        )

    def asked(self, client: Client) -> Tree | None:
        """Give what the server asked of a client."""
        return next((each for each in client.inbox if each.get("type") == "get"), None)

    def answer(self, client: Client, *features: str, category: str = "client") -> None:
        """Let a client answer the server."""
        asked = self.asked(client)
        assert asked is not None
        said = "".join(f"<feature var='{feature}'/>" for feature in features)
        client.send(
            f"<iq type='result' id='{asked.get('id')}' to='localhost'>"
            "<query xmlns='http://jabber.org/protocol/disco#info'>"
            f"<identity category='{category}' type='pc' name='Exodus 0.9.1'/>{said}</query></iq>"
        )
        client.inbox.clear()

    def session(self, name: str) -> Session:
        """Give the session of a client."""
        session = self.memory.server.registry.get(f"{name}@localhost/x")
        assert session is not None
        return session

    def features(self, name: str) -> frozenset[str] | None:
        """Give what is known of a client."""
        return self.service.features_of(self.session(name))

    def test_shared(self) -> None:
        """What was verified holds for those who wait and for those who come later."""
        romeo = self.announced("romeo", SIMPLE)
        self.announced("juliet", SIMPLE)
        self.assertIsNone(self.features("romeo"))
        self.answer(romeo, *FEATURES)
        self.announced("nurse", SIMPLE)
        for name in ("romeo", "juliet", "nurse"):
            self.assertEqual(self.features(name), frozenset(FEATURES))
        self.assertEqual(self.told, ["romeo@localhost/x", "juliet@localhost/x", "nurse@localhost/x"])

    def test_wrong_hash(self) -> None:
        """An answer with another hash holds for its sender alone, and the next is asked."""
        romeo = self.announced("romeo", SIMPLE)
        juliet = self.announced("juliet", SIMPLE)
        self.answer(romeo, "evil")
        self.assertEqual(self.features("romeo"), frozenset(("evil",)))
        self.assertIsNone(self.features("juliet"))
        self.answer(juliet, *FEATURES)
        self.assertEqual(self.features("juliet"), frozenset(FEATURES))
        self.assertEqual(len(self.service), 1)

    def test_no_answer(self) -> None:
        """A client that does not answer, or is gone, makes room for the next."""
        romeo = self.announced("romeo", SIMPLE)
        juliet = self.announced("juliet", SIMPLE)
        nurse = self.announced("nurse", SIMPLE)
        juliet.send("</stream:stream>")
        self.memory.clock.advance(61)
        self.assertIsNotNone(self.asked(romeo))
        self.answer(nurse, *FEATURES)
        self.assertEqual(self.features("nurse"), frozenset(FEATURES))
        self.assertIsNone(self.features("romeo"))

    def test_unknown_hash_and_legacy_format(self) -> None:
        """XEP-0115 5.4, 1 and 2: such a description is asked of each, and kept for each alone."""
        for algorithm in ("", "hash='gost'"):
            for name in ("romeo", "juliet"):
                client = self.announced(name, f"v{algorithm[:4]}", algorithm)
                self.answer(client, name)
                self.assertEqual(self.features(name), frozenset((name,)))
                client.send("</stream:stream>")
        self.assertEqual(len(self.service), 0)

    def test_changed_meanwhile(self) -> None:
        """An answer about what a client does not announce any more is not taken for it."""
        romeo = self.announced("romeo", SIMPLE)
        romeo.send(
            "<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='other'/></presence>"
        )
        self.answer(romeo, *FEATURES)
        self.assertIsNone(self.features("romeo"))

    def test_bound(self) -> None:
        """So many descriptions are remembered; the one used longest ago is forgotten first."""
        for name, feature in (("a", "1"), ("b", "2"), ("c", "3")):
            info = ClientInfo((Identity(*EXODUS),), (feature,), ())
            self.answer(self.announced(name, verification_string(info)), feature)
        self.assertEqual(len(self.service), 2)

    def test_one_question_at_a_time(self) -> None:
        """A client that announces ever something else is asked once, and then about what it has announced last."""
        client = self.announced("romeo", SIMPLE)
        for number in range(100):
            for ver in (f"odd-{number}", SIMPLE):
                for algorithm in ("hash='sha-1'", "hash='none'"):
                    self.announce(client, ver, algorithm)
        self.assertEqual(len([each for each in client.inbox if each.get("type") == "get"]), 1)
        self.assertLessEqual(sum(map(len, self.service._waiting.values())), 1)
        self.announce(client, "last")
        question = self.asked(client)
        assert question is not None
        client.send(f"<iq type='error' id='{question.get('id')}' to='localhost'/>")
        asked = [each[0].get("node") for each in client.inbox if each.get("type") == "get"]
        self.assertEqual(asked, [f"n#{SIMPLE}", "n#last"])
        self.memory.clock.advance(3_600)
        self.assertEqual((len(self.service._waiting), len(self.memory.server.router._requests)), (0, 0))

    def test_size_bound(self) -> None:
        """A huge description is not kept; all together have a size."""
        long = "x" * (capabilities.DESCRIPTION_CHARS + 1)
        info = ClientInfo((Identity(*EXODUS),), (long,), ())
        self.answer(self.announced("a", verification_string(info)), long)
        self.assertIsNone(self.features("a"))
        self.service._known.limit = 10
        for name, feature in (("b", "2" * 6), ("c", "3" * 6)):
            info = ClientInfo((Identity(*EXODUS),), (feature,), ())
            self.answer(self.announced(name, verification_string(info)), feature)
        self.assertEqual(len(self.service), 1)

    def test_presence_without(self) -> None:
        """Presence without an announcement changes nothing."""
        romeo = self.announced("romeo", SIMPLE)
        self.answer(romeo, *FEATURES)
        romeo.send("<presence><show>away</show></presence>")
        self.assertEqual(self.features("romeo"), frozenset(FEATURES))


class ServerCapsTests(SynchronousTestCase):
    """The module `caps`: what the server says of itself."""

    def test_made_anew(self) -> None:
        """The server's own string changes when a module comes or goes, and is what its disco#info gives."""
        memory = MemoryServer()
        host = memory.server.hosts["localhost"]
        caps = host.modules["caps"]
        assert isinstance(caps, ServerCaps)
        first = caps._current()
        self.assertIs(caps._current(), first)
        memory.server.loader.unload(host, "ping")
        second = caps._current()
        self.assertNotEqual(first.get("ver"), second.get("ver"))
        romeo = memory.logged_in("romeo@localhost/x")
        romeo.send(
            "<iq type='get' id='d' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info' "
            f"node='{second.get('node')}#{second.get('ver')}'/></iq>"
        )
        self.assertEqual(romeo.inbox.popleft().get("type"), "result")
