"""Taking pieces in: whole or not at all, once however often it is begun."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.moving.stores import Given, KilledError, MemoryStore, exported, take
from tests.temporary import temporary_folder
from xmppd.moving import model
from xmppd.moving.importing import BATCH_CHANGES
from xmppd.moving.model import Account, NotCarried, Piece
from xmppd.moving.pie.reading import PieSource
from xmppd.services.pubsub.bookmarks import NODE as BOOKMARKS
from xmppd.services.pubsub.bookmarks import NS_OLD as OLD_BOOKMARKS
from xmppd.services.pubsub.defaults import personal_defaults
from xmppd.services.pubsub.node import Affiliation, Subscription, SubscriptionState
from xmppd.services.pubsub.options import AccessModel, NodeOptions
from xmppd.services.rooms.roles import Affiliation as RoomAffiliation
from xmppd.services.rooms.room import Affiliated
from xmppd.services.rooms.settings import RoomSettings
from xmppd.services.roster.items import RosterItem
from xmppd.stanza.element import Element, parse_element
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.stream.sasl.credentials import Credentials, derive

HOST, SERVICE = "a.example", "rooms.a.example"
KEYS = derive("secret", iterations=1)
CARD = b"<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn><text>Juliet</text></fn></vcard>"
METADATA = b"<metadata xmlns='urn:xmpp:avatar:metadata'><info type='image/gif' id='1'/></metadata>"


def account(name: str, **more: Any) -> Account:
    """Give an account of `HOST`."""
    return Account(JID.parse(f"{name}@{HOST}"), **{"credentials": KEYS, **more})


def message(text: str, **more: str) -> Stanza:
    """Give a message."""
    words = {"from_": "r@b.example/o", "to": f"u0@{HOST}", "type": "chat", **more}
    return Stanza.make("message", f"<body>{text}</body>".encode(), **words)


def archived(number: int) -> model.Archived:
    """Give a message of an archive."""
    return model.Archived(f"id{number}", 1_000.0 + number, "r@b.example", "o", message(f"line {number}"))


class ImportTests(SynchronousTestCase):
    """An import."""

    def setUp(self) -> None:
        """Into an empty store."""
        self.store = MemoryStore()

    def names(self) -> list[str]:
        """Give the accounts that are there."""
        return sorted(self.store.get_all("accounts", HOST))

    def test_twice(self) -> None:
        """Who is there is passed over, and stays as it is."""
        pieces: list[Piece] = [account("u0"), model.VCard(b"<vCard xmlns='vcard-temp'/>"), account("u1")]
        first = take(Given(pieces), self.store, HOST)
        before = exported(self.store)
        second = take(
            Given(
                [account("u0"), model.VCard(b"<vCard xmlns='vcard-temp'><FN>x</FN></vCard>"), account("u1")]
            ),
            self.store,
            HOST,
        )
        self.assertEqual((first.carried[Account], second.carried[Account]), (2, 0))
        self.assertEqual(second.present, {HOST: 2})
        self.assertEqual(exported(self.store), before)

    def test_killed_at_any_commit(self) -> None:
        """promises#moving-in: accounts are whole or not there, and the second run brings all, each thing once."""
        pieces: list[Piece] = []
        for number in range(3):
            pieces.append(account(f"u{number}"))
            pieces += (archived(index) for index in range(BATCH_CHANGES + 5))
        whole = MemoryStore()
        take(Given(pieces), whole, HOST)
        for kill_after in range(whole.commits):
            store = MemoryStore()
            store.kill_after = kill_after
            self.assertRaises(KilledError, take, Given(pieces), store, HOST)
            for name in store.get_all("accounts", HOST):
                entries = store.page("archive", f"{name}@{HOST}", 0, 1_000)
                self.assertEqual(len(entries), 1_000, kill_after)
            store.kill_after = None
            take(Given(pieces), store, HOST)
            self.assertEqual(exported(store), exported(whole), kill_after)

    def test_dry(self) -> None:
        """The report is that of an import; nothing is stored."""
        pieces: list[Piece] = [account("u0"), archived(1), NotCarried("things", "one")]
        dry = take(Given(pieces), self.store, HOST, is_dry=True)
        self.assertEqual((self.store.commits, self.names()), (0, []))
        take(
            Given([account("u1", credentials=None, password="x")]),
            self.store,
            HOST,
            is_dry=True,
            hash_names=("none",),
        )
        done = take(Given(pieces), self.store, HOST)
        self.assertEqual({**dry.to_dict(), "seconds": 0}, {**done.to_dict(), "seconds": 0})

    def test_domains_that_are_not_served(self) -> None:
        """Accounts and rooms of domains that the configuration does not have are left, and counted."""
        other = Account(JID.parse("x@other.example"), KEYS)
        room = model.Room(JID.parse("r@other.example"), RoomSettings())
        report = take(Given([other, archived(1), room, archived(2), account("u0")]), self.store, HOST)
        self.assertEqual((report.not_served, self.names()), ({"other.example": 2}, ["u0"]))
        self.assertEqual(self.store.owners("archive"), [])

    def test_another_name(self) -> None:
        """``--host old=new``: everything that names the domain names the new one."""
        old = "old.example"
        node = model.Node(BOOKMARKS, personal_defaults(BOOKMARKS))
        listed = f"<storage xmlns='{OLD_BOOKMARKS}'><conference jid='play@rooms.{old}'/></storage>".encode()
        pieces: list[Piece] = [
            Account(JID.parse(f"u0@{old}"), KEYS),
            model.Contact(RosterItem(f"u1@{old}")),
            model.Contact(RosterItem("far@b.example")),
            model.Blocked(JID.parse(f"spam@{old}")),
            node,
            model.Item(BOOKMARKS, f"play@rooms.{old}", b"<conference xmlns='urn:xmpp:bookmarks:1'/>", 1.0),
            model.Node(OLD_BOOKMARKS, personal_defaults(OLD_BOOKMARKS)),
            model.Item(OLD_BOOKMARKS, "current", listed, 1.0),
            model.Private("storage", OLD_BOOKMARKS, listed),
            model.Archived("1", 1.0, f"u1@{old}", "r", message("x", from_=f"u1@{old}/r", to=f"u0@{old}")),
            model.Room(JID.parse(f"play@rooms.{old}"), RoomSettings(), f"u0@{old}"),
        ]
        names = {old: HOST, f"rooms.{old}": SERVICE}
        take(Given(pieces), self.store, HOST, services=(SERVICE,), new_names=names)
        owner = f"u0@{HOST}"
        self.assertEqual(list(self.store.get_all("roster", owner)), ["far@b.example", f"u1@{HOST}"])
        self.assertEqual(list(self.store.get_all("blocking", owner)), [f"spam@{HOST}"])
        (item,) = self.store.page("pubsub_items", f"{owner}\n{BOOKMARKS}", 0, 10)
        self.assertEqual((item.id, item.with_jid), (f"play@{SERVICE}", owner))
        (entry,) = self.store.page("archive", owner, 0, 10)
        self.assertEqual(entry.with_jid, f"u1@{HOST}")
        self.assertIn(f"from='u1@{HOST}/r'".encode(), entry.stanza)
        self.assertEqual(list(self.store.get_all("rooms", SERVICE)), ["play"])
        self.assertNotIn(old.encode(), exported(self.store))

    def test_passwords(self) -> None:
        """Without keys they are derived; where nothing is known nobody gets in, and it is counted."""
        report = take(
            Given([account("u0", credentials=None, password="x"), account("u1", credentials=None)]),
            self.store,
            HOST,
        )
        self.assertEqual((report.without_password, self.names()), (1, ["u0", "u1"]))
        for name in self.names():
            stored = self.store.get("credentials", f"{name}@{HOST}", "")
            assert stored is not None
            self.assertEqual(set(Credentials.from_json(stored)), {"SHA-1"})
        self.assertEqual(sorted(self.store.get_all("lacking", HOST)), ["u0", "u1"])

    def test_a_password_that_cannot_be(self) -> None:
        """What SASLprep refuses is no reason to lose the account."""
        report = take(Given([account("u0", credentials=None, password="\u0007")]), self.store, HOST)
        self.assertEqual((report.without_password, self.names()), (1, ["u0"]))

    def test_names_that_cannot_be(self) -> None:
        """RFC 7622: an account whose name this server would not give is told, and what belongs to it is left."""
        strange = Account(JID("ǆ", HOST, None), KEYS)
        report = take(Given([strange, archived(1), account("u0")]), self.store, HOST)
        self.assertEqual(self.names(), ["u0"])
        self.assertEqual(list(report.left), ["accounts whose names cannot be had here"])

    def test_older_than_what_is_kept(self) -> None:
        """What a sweep will take away is taken in all the same, and counted, so that it can be prevented."""
        pieces: list[Piece] = [account("u0"), archived(1), archived(5)]
        report = take(Given(pieces), self.store, HOST, kept_since={HOST: 1_003.0})
        self.assertEqual((report.too_old, report.carried[model.Archived]), (1, 2))

    def test_disabled(self) -> None:
        """Who could not log in there cannot here."""
        take(Given([account("u0", is_disabled=True)]), self.store, HOST)
        self.assertEqual(list(self.store.get_all("disabled", HOST)), ["u0"])

    def test_odd_ids(self) -> None:
        """An id that could break out of an attribute is replaced; others stay, so that clients find what they know."""
        good, bad = archived(1), model.Archived("' x='<", 2.0, "", "", message("x"))
        take(Given([account("u0"), good, bad]), self.store, HOST)
        first, second = self.store.page("archive", f"u0@{HOST}", 0, 10)
        self.assertEqual((first.id, second.id.startswith("random-")), ("id1", True))

    def test_old_bookmarks(self) -> None:
        """Those in private XML are items of XEP-0402 for who has none of that name; what is no room stays."""
        storage = (
            b"<storage xmlns='storage:bookmarks'><conference jid='a@r.example' name='A'><nick>n</nick></conference>"
            b"<conference jid='b@r.example'/><url url='http://x.example/'/></storage>"
        )
        new = b"<conference xmlns='urn:xmpp:bookmarks:1' name='new'/>"
        report = take(
            Given(
                [
                    account("u0"),
                    model.Private("storage", "storage:bookmarks", storage),
                    model.Item(BOOKMARKS, "b@r.example", new),
                ]
            ),
            self.store,
            HOST,
        )
        items = {
            each.id: each.stanza for each in self.store.page("pubsub_items", f"u0@{HOST}\n{BOOKMARKS}", 0, 9)
        }
        self.assertEqual((sorted(items), items["b@r.example"]), (["a@r.example", "b@r.example"], new))
        self.assertIn(b"<nick>n</nick>", items["a@r.example"])
        (left,) = self.store.get_all("private", f"u0@{HOST}").values()
        self.assertNotIn(b"conference", left)
        self.assertEqual(report.left, {})

    def vcard(self, *pieces: Piece) -> Element | None:
        """Give the vCard of the old kind of who comes with these."""
        take(Given([account("u0"), *pieces]), self.store, HOST)
        stored = self.store.get("vcard", f"u0@{HOST}", "")
        return None if stored is None else parse_element(stored)

    def test_vcard4(self) -> None:
        """Where that is all there is, a vcard-temp is made of it, with the avatar where that is for all, too."""
        open_ = NodeOptions(access_model=AccessModel.OPEN)
        vcard = self.vcard(
            model.Item("urn:xmpp:vcard4", "current", CARD),
            model.Node("urn:xmpp:avatar:data", open_),
            model.Item("urn:xmpp:avatar:data", "1", b"<data xmlns='urn:xmpp:avatar:data'>AAAA</data>"),
            model.Node("urn:xmpp:avatar:metadata", open_),
            model.Item("urn:xmpp:avatar:metadata", "1", METADATA),
        )
        assert vcard is not None
        self.assertEqual(vcard.child_text("FN"), "Juliet")
        photo = vcard.child("PHOTO")
        assert photo is not None
        self.assertEqual((photo.child_text("TYPE"), photo.child_text("BINVAL")), ("image/gif", "AAAA"))

    def test_what_not_all_may_see(self) -> None:
        """A vCard4 for contacts does not get into the vCard that everybody may read; nor does such an avatar."""
        some = NodeOptions(access_model=AccessModel.PRESENCE)
        node = model.Node("urn:xmpp:vcard4", some)
        self.assertIsNone(self.vcard(node, model.Item("urn:xmpp:vcard4", "current", CARD)))
        self.store = MemoryStore()
        vcard = self.vcard(
            model.Item("urn:xmpp:vcard4", "current", CARD),
            model.Item("urn:xmpp:avatar:data", "1", b"<data xmlns='urn:xmpp:avatar:data'>AAAA</data>"),
            model.Item("urn:xmpp:avatar:metadata", "1", METADATA),
        )
        assert vcard is not None
        self.assertIsNone(vcard.child("PHOTO"))

    def test_vcard_of_the_old_kind(self) -> None:
        """New clients find a vCard4 made of it; where there is one already, that stays."""
        old = model.VCard(b"<vCard xmlns='vcard-temp'><FN>Romeo</FN></vCard>")
        self.vcard(old)
        (item,) = self.store.page("pubsub_items", f"u0@{HOST}\nurn:xmpp:vcard4", 0, 9)
        self.assertIn(b"Romeo", item.stanza)
        self.store = MemoryStore()
        self.vcard(old, model.Item("urn:xmpp:vcard4", "current", CARD))
        (item,) = self.store.page("pubsub_items", f"u0@{HOST}\nurn:xmpp:vcard4", 0, 9)
        self.assertEqual(item.stanza, CARD)

    def test_what_cannot_be_stored(self) -> None:
        """One piece beyond all bounds is told; the account is there without it."""
        huge = model.VCard(
            b"<vCard xmlns='vcard-temp'>%b</vCard>" % bytes(17 * 1024 * 1024).replace(b"\0", b"x")
        )
        report = take(Given([account("u0"), huge]), self.store, HOST)
        self.assertEqual((self.names(), list(report.left)), (["u0"], ["vCards that cannot be stored"]))


TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=12
)
NAMES = st.text("abcdefgxyz0123456789", min_size=1, max_size=8)
JIDS = NAMES.map(lambda name: JID.parse(f"{name}@b.example"))
TIMES = st.integers(0, 2_000_000_000_000).map(lambda ms: ms / 1_000)


def _body(text: str) -> bytes:
    return Element("body", "jabber:client", None, [text]).to_bytes("jabber:client")


def _chat(text: str) -> Stanza:
    return Stanza.make("message", _body(text), from_="r@b.example/o", to=f"u0@{HOST}", type="chat")


def _item(node: str, id: str, text: str, at: float) -> model.Item:
    return model.Item(node, id, b"<x xmlns='urn:x'>%b</x>" % _body(text), at)


def _said(id: str, at: float, text: str) -> model.Archived:
    stanza = Stanza.make("message", _body(text), from_=f"r@{SERVICE}/n", type="groupchat")
    return model.Archived(id, at, f"u0@{HOST}", "r", stanza)


BODIES = TEXTS.map(_chat)
PARTS = st.one_of(
    st.builds(
        lambda jid, name, subscription, ask, groups: model.Contact(
            RosterItem(jid.bare, name or None, subscription, ask, False, tuple(sorted(groups)))
        ),
        JIDS,
        TEXTS,
        st.sampled_from(("none", "to", "from", "both")),
        st.booleans(),
        st.sets(TEXTS.filter(bool), max_size=2),
    ),
    JIDS.map(model.Blocked),
    st.builds(lambda text: model.VCard(b"<vCard xmlns='vcard-temp'>%b</vCard>" % _body(text)), TEXTS),
    st.builds(model.LastSeen, TIMES, TEXTS),
    st.builds(model.Offline, TIMES, BODIES),
    st.builds(
        lambda always, never: model.ArchiveRules("roster", frozenset(always), frozenset(never)),
        st.sets(JIDS.map(str), max_size=2),
        st.sets(JIDS.map(str), max_size=2),
    ),
    st.builds(
        lambda name, who: model.Node(
            name,
            personal_defaults(name),
            1.0,
            {each.bare: Affiliation.MEMBER for each in who},
            {each.bare: Subscription(SubscriptionState.SUBSCRIBED, "s") for each in who},
        ),
        NAMES,
        st.lists(JIDS, max_size=2),
    ),
    st.builds(_item, NAMES, NAMES, TEXTS, TIMES),
    st.builds(lambda id, at, body: model.Archived(id, at, "r@b.example", "o", body), NAMES, TIMES, BODIES),
)
ROOM_PARTS = st.builds(_said, NAMES, TIMES, TEXTS)


@st.composite
def servers(draw: Any) -> list[Piece]:
    """Give accounts and rooms with all sorts of things."""
    pieces: list[Piece] = []
    for name in sorted(draw(st.sets(NAMES, max_size=3))):
        pieces.append(account(name, created_at=draw(TIMES), is_disabled=draw(st.booleans())))
        pieces += draw(st.lists(PARTS, max_size=8))
    for name in sorted(draw(st.sets(NAMES, max_size=2))):
        settings_ = RoomSettings(
            name=draw(TEXTS), is_persistent=True, history=draw(st.integers(0, 100)), allow_pm="none"
        )
        owner = {f"u0@{HOST}": Affiliated(RoomAffiliation.OWNER, draw(TEXTS), draw(TEXTS))}
        pieces.append(model.Room(JID.parse(f"{name}@{SERVICE}"), settings_, f"u0@{HOST}", draw(TIMES), owner))
        pieces += draw(st.lists(ROOM_PARTS, max_size=4))
    return pieces


class RoundTests(SynchronousTestCase):
    """Out and in again."""

    @settings(max_examples=60, deadline=None)
    @given(servers())
    def test_export_import_export(self, pieces: list[Piece]) -> None:
        """promises#moving-out: what is exported, imported elsewhere and exported there is the same."""
        first, second = MemoryStore(), MemoryStore()
        take(Given(pieces), first, HOST, services=(SERVICE,))
        file = temporary_folder(self) / "all.xml"
        file.write_bytes(exported(first))
        report = take(PieSource(file), second, HOST, services=(SERVICE,))
        self.assertEqual(report.left, {})
        self.assertEqual(exported(second), file.read_bytes())
