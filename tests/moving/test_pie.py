"""XEP-0227: what is read of files of others, and what is refused."""

from base64 import b64encode
from collections import Counter
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.moving.stores import Given, MemoryStore, exported, take
from tests.temporary import temporary_folder
from xmppd.moving import model
from xmppd.moving.model import Account, NotCarried, Piece
from xmppd.moving.pie.events import MAX_CHARS
from xmppd.moving.pie.reading import PieSource
from xmppd.moving.source import SourceError
from xmppd.services.pubsub.node import Affiliation, SubscriptionState
from xmppd.stanza.jid import JID
from xmppd.stream.sasl.credentials import Credentials, derive, verify

HEAD = "<?xml version='1.0' encoding='UTF-8'?><server-data xmlns='urn:xmpp:pie:0'>"
KEYS = derive("secret", iterations=10, hash_names=("SHA-1",))


def scram(times: int = 1) -> str:
    """Write the keys; ejabberd before 23.10 has encoded them twice."""
    keys = KEYS["SHA-1"]

    def text(data: bytes) -> str:
        for _ in range(times):
            data = b64encode(data)
        return data.decode()

    return (
        "<scram-credentials xmlns='urn:xmpp:pie:0#scram' mechanism='SCRAM-SHA-1'><iter-count>10</iter-count>"
        f"<salt>{text(keys.salt)}</salt><server-key>{text(keys.server_key)}</server-key>"
        f"<stored-key>{text(keys.stored_key)}</stored-key></scram-credentials>"
    )


class PieTests(SynchronousTestCase):
    """A file, and what is read of it."""

    def setUp(self) -> None:
        """Where it is."""
        self.folder = temporary_folder(self)

    def write(self, text: str, name: str = "all.xml") -> Path:
        """Write a file."""
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        return file

    def read(self, inner: str) -> list[Piece]:
        """Give the pieces of a user."""
        file = self.write(
            f"{HEAD}<host jid='a.example'><user name='juliet'>{inner}</user></host></server-data>"
        )
        return list(PieSource(file).pieces())

    def test_credentials(self) -> None:
        """3.3; those of ejabberd that are encoded twice are understood."""
        for times in (1, 2):
            (account,) = self.read(scram(times))
            assert isinstance(account, Account)
            self.assertEqual((account.jid.bare, account.credentials), ("juliet@a.example", KEYS))

    def test_credentials_behind_other_data(self) -> None:
        """The account comes first all the same."""
        account, vcard = self.read("<vCard xmlns='vcard-temp'/>" + scram())
        assert isinstance(account, Account)
        self.assertEqual(account.credentials, KEYS)
        self.assertIsInstance(vcard, model.VCard)

    def test_password(self) -> None:
        """A password in the clear becomes keys."""
        file = self.write(
            f"{HEAD}<host jid='a.example'><user name='x' password='open &amp; sesame'/></host></server-data>"
        )
        store = MemoryStore()
        take(PieSource(file), store, "a.example")
        stored = store.get("credentials", "x@a.example", "")
        assert stored is not None
        self.assertTrue(verify(Credentials.from_json(stored), "open & sesame"))

    def test_roster_and_requests(self) -> None:
        """3.4, 3.9."""
        _, contact, request = self.read(
            scram()
            + "<query xmlns='jabber:iq:roster'><item jid='romeo@b.example' name='R' subscription='to' "
            "ask='subscribe'><group>A</group><group>A</group><group>B</group></item></query>"
            "<presence xmlns='jabber:client' type='subscribe' from='nurse@b.example/x'><nick "
            "xmlns='http://jabber.org/protocol/nick'>N</nick></presence>"
        )
        assert isinstance(contact, model.Contact)
        self.assertEqual(contact.item, ("romeo@b.example", "R", "to", True, False, ("A", "B")))
        assert isinstance(request, model.Request)
        self.assertEqual((request.sender.full, request.stanza.from_), ("nurse@b.example", "nurse@b.example"))
        self.assertTrue(request.stanza.has("nick", "http://jabber.org/protocol/nick"))

    def test_offline(self) -> None:
        """3.5: the time of the host's delay, which is not kept twice; one of somebody else stays."""
        _, offline = self.read(
            scram() + "<offline-messages><message xmlns='jabber:client' from='r@b.example'><body>x</body>"
            "<delay xmlns='urn:xmpp:delay' from='b.example' stamp='2001-01-01T00:00:00Z'/>"
            "<delay xmlns='urn:xmpp:delay' from='a.example' stamp='2002-01-01T00:00:00Z'/></message></offline-messages>"
        )
        assert isinstance(offline, model.Offline)
        self.assertEqual(offline.at, 1_009_843_200.0)
        self.assertEqual(offline.stanza.to_bytes().count(b"<delay"), 1)

    def test_privacy_lists(self) -> None:
        """3.8: whom the default list denies altogether is blocked, the rest is told."""
        pieces = self.read(
            scram() + "<query xmlns='jabber:iq:privacy'><default name='d'/><list name='d'>"
            "<item type='jid' value='spam@b.example' action='deny' order='1'/>"
            "<item type='jid' value='eve@b.example' action='deny' order='2'><message/></item>"
            "<item action='allow' order='9'/></list><list name='other'/></query>"
        )
        self.assertEqual(pieces[1], model.Blocked(JID.parse("spam@b.example")))
        left = [each.kind for each in pieces if isinstance(each, NotCarried)]
        self.assertEqual(left, ["rules of privacy lists", "privacy lists that are not the default"])

    def test_nodes(self) -> None:
        """3.10: configuration, affiliations, subscriptions, items; an option that is not known here is told."""
        pieces = self.read(
            scram() + "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><configure node='n'>"
            "<x xmlns='jabber:x:data'><field var='pubsub#access_model'><value>whitelist</value></field>"
            "<field var='pubsub#magic'><value>1</value></field></x></configure>"
            "<affiliations node='n'><affiliation jid='m@b.example' affiliation='member'/></affiliations>"
            "<subscriptions node='n'><subscription jid='m@b.example' subscription='subscribed' subid='1'/>"
            "</subscriptions></pubsub><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='n'>"
            "<item id='1'><x xmlns='urn:x'>1</x></item><item id='2'/></items></pubsub>"
        )
        node = next(each for each in pieces if isinstance(each, model.Node))
        self.assertEqual((node.name, node.options.access_model), ("n", "whitelist"))
        self.assertEqual(node.affiliations, {"m@b.example": Affiliation.MEMBER})
        self.assertEqual(node.subscriptions["m@b.example"].state, SubscriptionState.SUBSCRIBED)
        items = [(each.id, each.payload) for each in pieces if isinstance(each, model.Item)]
        self.assertEqual(items, [("1", b"<x xmlns='urn:x'>1</x>"), ("2", b"")])
        self.assertIn(NotCarried("options of nodes", "magic = 1 of n, juliet@a.example"), pieces)

    def test_archive(self) -> None:
        """3.11: id, time, and the other side, be it who sent or who got it."""
        result = (
            "<result xmlns='urn:xmpp:mam:2' id='{}'><forwarded xmlns='urn:xmpp:forward:0'><delay "
            "xmlns='urn:xmpp:delay' stamp='2010-07-10T23:08:25Z'/><message xmlns='jabber:client' from='{}' to='{}'>"
            "<body>x</body></message></forwarded></result>"
        )
        mine, theirs = "juliet@a.example/b", "romeo@b.example/o"
        _, got, sent = self.read(
            scram() + "<archive xmlns='urn:xmpp:pie:0#mam'>" + result.format("1", theirs, mine)
            + result.format("2", mine, theirs) + "</archive>"
        )  # fmt: skip
        for piece, id in ((got, "1"), (sent, "2")):
            assert isinstance(piece, model.Archived)
            found = (piece.id, piece.at, piece.with_jid, piece.with_resource)
            self.assertEqual(found, (id, 1_278_803_305.0, "romeo@b.example", "o"))

    def test_what_is_not_known(self) -> None:
        """3: it is told, and the rest is read."""
        pieces = self.read(scram() + "<magic xmlns='urn:magic'><x/></magic><vCard xmlns='vcard-temp'/>")
        kinds = [type(each) for each in pieces]
        self.assertEqual(kinds, [Account, NotCarried, model.VCard])

    def test_broken_elements(self) -> None:
        """One that cannot be read is told, with whose it was, and the rest is read."""
        pieces = self.read(
            scram() + "<offline-messages><message xmlns='jabber:client'/></offline-messages>"
            "<query xmlns='jabber:iq:roster'><item jid='@'/></query><vCard xmlns='vcard-temp'/>"
        )
        self.assertEqual(Counter(map(type, pieces)), {Account: 1, NotCarried: 2, model.VCard: 1})

    # -- several files ------------------------------------------------------------------------------------------------

    def test_includes(self) -> None:
        """4: hosts and users in files of their own; what is deeper in a user is the user's own."""
        xi = "xmlns:xi='http://www.w3.org/2001/XInclude'"
        pie = "xmlns='urn:xmpp:pie:0'"
        self.write(
            f"<user {pie} name='juliet'>{scram()}<query xmlns='jabber:iq:private'><x xmlns='urn:x' {xi}>"
            "<xi:include href='secret'/></x></query></user>",
            "a.example/juliet.xml",
        )
        self.write(
            f"<host {pie} {xi} jid='a.example'><xi:include href='a.example/juliet.xml'/></host>", "host.xml"
        )
        main = self.write(f"<server-data {pie} {xi}><xi:include href='host.xml'/></server-data>")
        account, private = PieSource(main).pieces()
        assert isinstance(account, Account)
        assert isinstance(private, model.Private)
        self.assertEqual(account.jid.bare, "juliet@a.example")
        self.assertIn(b"include", private.xml)

    def test_includes_stay_in_the_folder(self) -> None:
        """No file elsewhere is read, no address fetched, and none includes itself for ever."""
        (self.folder.parent / "outside.xml").unlink(missing_ok=True)
        for href in ("/etc/passwd", "../outside.xml", "http://x.example/y.xml", ""):
            self.assertRaises(SourceError, list, PieSource(self.including(href)).pieces())
        itself = PieSource(self.including("all.xml")).pieces()
        self.assertEqual([type(each) for each in itself], [NotCarried])

    def including(self, href: str) -> Path:
        """Give a file that includes another."""
        return self.write(
            "<server-data xmlns='urn:xmpp:pie:0' xmlns:xi='http://www.w3.org/2001/XInclude'>"
            f"<xi:include href='{href}'/></server-data>"
        )

    # -- what is refused ----------------------------------------------------------------------------------------------

    def test_entities(self) -> None:
        """A DTD is refused whatever is in it, before anything is expanded."""
        for dtd in (
            "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>",
            "<!DOCTYPE x SYSTEM 'file:///etc/passwd'>",
        ):
            file = self.write(f"{dtd}<server-data xmlns='urn:xmpp:pie:0'/>")
            error = self.assertRaises(SourceError, list, PieSource(file).pieces())
            self.assertIn("DTD", str(error))

    def test_no_such_file(self) -> None:
        """Other XML, no XML, a file cut short, no file: one line says what it is."""
        for text in ("<html/>", "no XML", f"{HEAD}<host jid='a.example'>"):
            file = self.write(text)
            error = self.assertRaises(SourceError, list, PieSource(file).pieces())
            self.assertNotIn("\n", str(error))
        self.assertRaises(SourceError, list, PieSource(self.folder / "nowhere.xml").pieces())

    def test_too_large(self) -> None:
        """An element without end is not put together; what comes behind it is read."""
        pieces = self.read(
            scram() + f"<vCard xmlns='vcard-temp'><FN>{'x' * (MAX_CHARS + 1)}</FN><x><y/></x></vCard>"
            "<query xmlns='jabber:iq:roster'><item jid='r@b.example'/></query>"
        )
        self.assertEqual(Counter(map(type, pieces)), {Account: 1, NotCarried: 1, model.Contact: 1})

    # -- writing ------------------------------------------------------------------------------------------------------

    def test_nothing(self) -> None:
        """An empty server is an empty document that can be read."""
        file = self.write(exported(MemoryStore()).decode())
        self.assertEqual(list(PieSource(file).pieces()), [])

    def test_a_namespace_twice(self) -> None:
        """What Prosody and ejabberd understand stands in the namespaces of XEP-0227; ours is beside it."""
        store = MemoryStore()
        account = Account(JID.parse("juliet@a.example"), KEYS, None, 1_000.0)
        take(Given([account, model.Blocked(JID.parse("x@b.example"))]), store, "a.example")
        text = exported(store).decode()
        self.assertIn(
            "<host jid='a.example'>\n<user name='juliet'><scram-credentials xmlns='urn:xmpp:pie:0#scram'",
            text,
        )
        self.assertIn("<query xmlns='jabber:iq:privacy'><default name='blocked'/><list name='blocked'>", text)
        self.assertIn("<account xmlns='urn:xmppd:pie:0' created='1970-01-01T00:16:40Z'/>", text)
