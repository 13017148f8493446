"""Invitations: XEP-0401, XEP-0445, XEP-0379; used as often as they say, whatever happens."""

from functools import partial
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.accounts.accounts import AccountExists, AccountReserved, InvalidPassword, NoSuchAccount
from xmppd.services.accounts.removal import Removal
from xmppd.services.invitations.errors import NoSuchInvitation, TooManyInvitations, WrongName
from xmppd.services.invitations.invitation import Invitation, Kind, id_of, new_token
from xmppd.services.invitations.invitations import LATE_S, Invitations, Wanted, account_name
from xmppd.services.invitations.store import INTRODUCTIONS, INVITATIONS
from xmppd.services.invitations.upkeep import InvitationUpkeep
from xmppd.services.roster.roster import Rosters
from xmppd.stanza.jid import JID
from xmppd.storage.interface import StorageFull
from xmppd.testing.server import MemoryServer, now

ROMEO, JULIET = JID.parse("romeo@localhost"), JID.parse("juliet@localhost")
WEEK_S = 604_800.0
ACCOUNT = Wanted(Kind.ACCOUNT, WEEK_S)


class Base(SynchronousTestCase):
    """A server with Romeo, who invites."""

    def setUp(self) -> None:
        """Nobody is invited yet."""
        self.begin(MemoryServer())
        self.memory.add_account("romeo@localhost")

    def begin(self, memory: MemoryServer) -> None:
        """Go on with this server."""
        self.memory = memory
        memory.storage.clock = memory.clock
        self.invitations = memory.server.services[Invitations]

    def invite(self, wanted: Wanted = ACCOUNT, allowed: int | None = None) -> str:
        """Give a token."""
        token, _ = now(self.invitations.create("localhost", wanted, allowed))
        assert isinstance(token, str)
        return token

    def register(self, token: str, name: str = "juliet", **how: bool) -> None:
        """Make an account by a token."""
        now(self.invitations.register(token, JID(name, "localhost", None), "secret", **how))

    def subscription(self, owner: JID, contact: JID) -> str:
        """The subscription of a contact in a roster; "" where it is not there."""
        item = now(self.memory.server.services[Rosters].load(owner.bare)).item(contact.bare)
        return "" if item is None else item.subscription

    def kept(self, store: str = INVITATIONS, owner: str = "localhost") -> int:
        """How many rows there are."""
        return len(now(self.memory.storage.keys(store, owner)))


class AccountTests(Base):
    """Invitations to make an account."""

    def test_used_once(self) -> None:
        """XEP-0445 4: an account is made by it, and no other."""
        token = self.invite()
        self.register(token)
        self.assertTrue(self.memory.server.accounts.exists("juliet@localhost"))
        with self.assertRaises(NoSuchInvitation):
            self.register(token, "ben")
        self.assertFalse(self.memory.server.accounts.exists("ben@localhost"))
        self.assertEqual(self.kept(), 0)

    def test_counted(self) -> None:
        """One for three makes three accounts."""
        token = self.invite(ACCOUNT._replace(uses=3))
        for name in ("ann", "ben", "cat"):
            self.register(token, name)
        with self.assertRaises(NoSuchInvitation):
            self.register(token, "dan")

    def test_what_fails_uses_nothing(self) -> None:
        """XEP-0445 4: it is not used before the account is made."""
        token = self.invite()
        with self.assertRaises(AccountExists):
            self.register(token, "romeo")
        with self.assertRaises(InvalidPassword):
            now(self.invitations.register(token, JULIET, ""))
        self.memory.storage.failing = StorageFull("full")
        with self.assertRaises(StorageFull):
            self.register(token)
        self.memory.storage.failing = None
        self.register(token)

    def test_two_at_once(self) -> None:
        """Of two who use the same at the same time one makes an account."""
        token = self.invite()
        self.memory.storage.commit_delay_s = 0.1
        outcomes: dict[str, object] = {}
        for name in ("ann", "ben"):
            made = self.invitations.register(token, JID(name, "localhost", None), "secret")
            made.addBoth(partial(outcomes.__setitem__, name))
        self.memory.pass_time(2)
        self.assertIsNone(outcomes["ann"])
        self.assertIsInstance(getattr(outcomes["ben"], "value", None), NoSuchInvitation)

    def test_expired(self) -> None:
        """It ends; who had shown it in time may go on (XEP-0445 4), for a day."""
        token = self.invite()
        self.memory.clock.advance(WEEK_S)
        with self.assertRaises(NoSuchInvitation):
            now(self.invitations.find("localhost", token))
        with self.assertRaises(NoSuchInvitation):
            self.register(token)
        self.register(token, was_shown=True)
        late = self.invite()
        self.memory.clock.advance(WEEK_S + LATE_S)
        with self.assertRaises(NoSuchInvitation):
            self.register(late, "ben", was_shown=True)

    def test_unknown(self) -> None:
        """What is no token opens nothing, nor does one of another host."""
        self.invite()
        for token in ("", "x" * 10_000, "\0", "\ud800"):
            with self.assertRaises(NoSuchInvitation):
                self.register(token)
        with self.assertRaises(NoSuchInvitation):
            now(self.invitations.find("other.example", self.invite()))

    def test_name(self) -> None:
        """XEP-0401 4.2: a name that somebody is invited with is kept for them, and no other is made by it."""
        token = self.invite(ACCOUNT._replace(username="juliet"))
        with self.assertRaises(AccountReserved):
            now(self.memory.server.accounts.create(JULIET, "x"))
        with self.assertRaises(AccountReserved):
            self.invite(ACCOUNT._replace(username="juliet"))
        with self.assertRaises(WrongName):
            self.register(token, "ben")
        self.register(token)

    def test_name_is_free_again(self) -> None:
        """When the invitation is over, or taken back; the next for the same name is not touched by the first."""
        first = self.invite(ACCOUNT._replace(username="juliet"))
        now(self.invitations.revoke(now(self.invitations.find("localhost", first))))
        self.invite(ACCOUNT._replace(username="juliet"))
        self.memory.clock.advance(WEEK_S)
        second = self.invite(ACCOUNT._replace(username="juliet", lasts_s=3 * WEEK_S))
        self.assertEqual(self.kept(), 1)
        self.memory.clock.advance(WEEK_S)
        now(self.memory.server.services[InvitationUpkeep].sweep())
        with self.assertRaises(AccountReserved):
            now(self.memory.server.accounts.create(JULIET, "x"))
        self.register(second)

    def test_contacts(self) -> None:
        """XEP-0401 3.6: who has invited and the new account are contacts, and so are those given with it."""
        self.memory.add_account("nurse@localhost")
        romeo = self.memory.logged_in("romeo@localhost/orchard")
        romeo.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><presence/>")
        romeo.inbox.clear()
        wanted = ACCOUNT._replace(inviter="romeo", contacts=("nurse@localhost",), groups=("Verona",))
        self.register(self.invite(wanted))
        push = romeo.inbox.popleft()[0][0]
        self.assertEqual((push.get("jid"), push.get("subscription")), ("juliet@localhost", "both"))
        for one, other in ((ROMEO, JULIET), (JULIET, ROMEO), (JULIET, JID.parse("nurse@localhost"))):
            self.assertEqual(self.subscription(one, other), "both")
        roster = now(self.memory.server.services[Rosters].load("juliet@localhost"))
        self.assertEqual({item.groups for item in roster.items()}, {("Verona",)})
        self.assertEqual(self.kept(INTRODUCTIONS, "juliet@localhost"), 0)

    def test_contact_elsewhere(self) -> None:
        """One of another server is approved in advance (RFC 6121 3.4) and asked."""
        self.register(self.invite(ACCOUNT._replace(contacts=("tybalt@capulet.example",))))
        item = now(self.memory.server.services[Rosters].load("juliet@localhost")).item(
            "tybalt@capulet.example"
        )
        self.assertTrue(item.approved and item.ask)


class KilledTests(Base):
    """SIGKILL; promises#changes."""

    def test_between_account_and_roster(self) -> None:
        """The account and the use are one transaction; what is left is done at the next start."""
        token = self.invite(ACCOUNT._replace(inviter="romeo"))
        self.memory.storage.commit_delay_s = 0.1
        self.invitations.register(token, JULIET, "secret")
        self.memory.pass_time(0.1)
        self.begin(MemoryServer(storage=self.memory.storage.killed(), first_id=100))
        self.assertTrue(self.memory.server.accounts.exists("juliet@localhost"))
        self.assertEqual((self.kept(), self.kept(INTRODUCTIONS, "juliet@localhost")), (0, 1))
        self.assertEqual(self.subscription(ROMEO, JULIET), "")
        self.memory.server.services[InvitationUpkeep].start()
        self.memory.settle()
        self.assertEqual(self.subscription(ROMEO, JULIET), "both")
        self.assertEqual(self.kept(INTRODUCTIONS, "juliet@localhost"), 0)
        with self.assertRaises(NoSuchInvitation):
            self.register(token, "ben")

    def test_before_the_commit(self) -> None:
        """Neither account nor use is there, and the invitation is good."""
        token = self.invite()
        self.memory.storage.commit_delay_s = 0.1
        self.invitations.register(token, JULIET, "secret")
        self.begin(MemoryServer(storage=self.memory.storage.killed(), first_id=100))
        self.assertFalse(self.memory.server.accounts.exists("juliet@localhost"))
        self.register(token)


class ContactTests(Base):
    """Invitations to become a contact."""

    def setUp(self) -> None:
        """Juliet has an account, too."""
        super().setUp()
        self.memory.add_account("juliet@localhost")
        self.token = self.invite(Wanted(Kind.CONTACT, WEEK_S, inviter="romeo"))

    def test_accepted_once(self) -> None:
        """XEP-0379 3.5: both see each other, and nobody else by the same token."""
        self.assertTrue(now(self.invitations.accept(self.token, ROMEO, JULIET)))
        self.assertEqual(
            (self.subscription(ROMEO, JULIET), self.subscription(JULIET, ROMEO)), ("both", "both")
        )
        self.assertFalse(now(self.invitations.accept(self.token, ROMEO, JID.parse("ben@localhost"))))

    def test_of_another(self) -> None:
        """It is good for who has made it, and stays so when others try."""
        self.assertFalse(now(self.invitations.accept(self.token, JULIET, ROMEO)))
        self.assertTrue(now(self.invitations.accept(self.token, ROMEO, JULIET)))

    def test_makes_no_account(self) -> None:
        """Unless that is said."""
        with self.assertRaises(NoSuchInvitation):
            self.register(self.token, "ben")
        token = self.invite(Wanted(Kind.CONTACT, WEEK_S, inviter="romeo", may_register=True))
        self.register(token, "ben")
        self.assertEqual(self.subscription(ROMEO, JID.parse("ben@localhost")), "both")

    def test_goes_with_the_account(self) -> None:
        """When who has invited is gone it is good for nothing, also when another gets the name."""
        token = self.invite(ACCOUNT._replace(inviter="romeo"))
        now(self.memory.server.services[Removal].remove(ROMEO))
        self.memory.add_account("romeo@localhost")
        with self.assertRaises(NoSuchInvitation):
            self.register(token, "ben")
        self.assertFalse(now(self.invitations.accept(self.token, ROMEO, JULIET)))
        self.assertEqual(now(self.invitations.of_host("localhost")), [])

    def test_name_is_free_with_the_account(self) -> None:
        """A name that who is gone has kept is free, and stays another's when the first invitation is swept away."""
        self.invite(ACCOUNT._replace(inviter="romeo", username="ben"))
        now(self.memory.server.services[Removal].remove(ROMEO))
        token = self.invite(ACCOUNT._replace(username="ben"))
        now(self.memory.server.services[InvitationUpkeep].sweep())
        with self.assertRaises(AccountReserved):
            now(self.memory.server.accounts.create(JID("ben", "localhost", None), "x"))
        self.register(token, "ben")

    def test_disabled(self) -> None:
        """Who is let in no more invites nobody."""
        now(self.memory.server.accounts.disable(ROMEO))
        with self.assertRaises(NoSuchInvitation):
            now(self.invitations.find("localhost", self.token))

    def test_so_many(self) -> None:
        """An account has so many open ones; those that are over count no more."""
        wanted = Wanted(Kind.CONTACT, WEEK_S, inviter="romeo")
        self.invite(wanted, 2)
        with self.assertRaises(TooManyInvitations):
            self.invite(wanted, 2)
        self.memory.clock.advance(WEEK_S)
        self.invite(wanted, 2)
        self.assertEqual(self.kept(), 1)


class ResetTests(Base):
    """Invitations to set another password."""

    RESET = Wanted(Kind.RESET, WEEK_S, username="romeo")

    def test_reset(self) -> None:
        """The password is another, and all such invitations are over."""
        token, other = self.invite(self.RESET), self.invite(self.RESET)
        kept = self.invite(ACCOUNT._replace(inviter="romeo"))
        self.assertEqual(now(self.invitations.reset("localhost", token, "new secret")), ROMEO)
        self.assertTrue(now(self.memory.server.accounts.check(ROMEO, "new secret")))
        for used in (token, other):
            with self.assertRaises(NoSuchInvitation):
                now(self.invitations.reset("localhost", used, "x"))
        self.register(kept)

    def test_password_that_cannot_be(self) -> None:
        """It is refused, and the invitation is good still."""
        token = self.invite(self.RESET)
        with self.assertRaises(InvalidPassword):
            now(self.invitations.reset("localhost", token, ""))
        now(self.invitations.reset("localhost", token, "new secret"))

    def test_changed_otherwise(self) -> None:
        """A password that was changed ends it."""
        token = self.invite(self.RESET)
        now(self.memory.server.accounts.set_password(ROMEO, "another"))
        with self.assertRaises(NoSuchInvitation):
            now(self.invitations.reset("localhost", token, "x"))

    def test_for_what_it_is(self) -> None:
        """No account is made by it, and no password is set by others; and there has to be an account."""
        with self.assertRaises(NoSuchInvitation):
            self.register(self.invite(self.RESET))
        with self.assertRaises(NoSuchInvitation):
            now(self.invitations.reset("localhost", self.invite(), "x"))
        with self.assertRaises(NoSuchAccount):
            self.invite(self.RESET._replace(username="nobody"))


class UpkeepTests(Base):
    """What is done every hour."""

    def test_sweep(self) -> None:
        """What is long expired goes; whether an account can be made is known after a start."""
        self.invite()
        self.invite(ACCOUNT._replace(lasts_s=3 * WEEK_S))
        self.memory.clock.advance(WEEK_S + LATE_S)
        self.begin(MemoryServer(storage=self.memory.storage.killed(), first_id=100))
        self.assertFalse(self.invitations.may_register("localhost"))
        self.memory.clock.advance(WEEK_S + LATE_S)
        self.memory.server.services[InvitationUpkeep].start()
        self.memory.settle()
        self.assertEqual(self.kept(), 1)
        self.assertTrue(self.invitations.may_register("localhost"))
        self.memory.clock.advance(2 * WEEK_S)
        self.assertFalse(self.invitations.may_register("localhost"))

    def test_revoked(self) -> None:
        """What is taken back is not offered any more."""
        found = now(self.invitations.find("localhost", self.invite()))
        self.assertTrue(self.invitations.may_register("localhost"))
        now(self.invitations.revoke(found))
        self.assertFalse(self.invitations.may_register("localhost"))
        with self.assertRaises(NoSuchInvitation):
            now(self.invitations.revoke(found))


class FormatTests(SynchronousTestCase):
    """Tokens, URIs and what is stored."""

    def invitation(self, kind: Kind, **values: Any) -> Invitation:
        """One with these values."""
        return Invitation("montague.example", "id", kind, 1.0, 2.0, **values)

    def test_uris(self) -> None:
        """XEP-0401 3.2 and 3.5, XEP-0445 2."""
        for kind, values, uri in (
            (Kind.CONTACT, {"inviter": "romeo"}, "xmpp:romeo@montague.example?roster;preauth=t"),
            (
                Kind.CONTACT,
                {"inviter": "romeo", "may_register": True},
                "xmpp:romeo@montague.example?roster;preauth=t;ibr=y",
            ),
            (
                Kind.ACCOUNT,
                {"username": "jül iet?"},
                "xmpp:j%C3%BCl%20iet%3F@montague.example?register;preauth=t",
            ),
            (Kind.ACCOUNT, {}, "xmpp:montague.example?register;preauth=t"),
            (Kind.RESET, {"username": "romeo"}, ""),
        ):
            self.assertEqual(self.invitation(kind, **values).uri("t"), uri)

    def test_stored(self) -> None:
        """What is stored is read back; what is not one says so."""
        whole = self.invitation(Kind.ACCOUNT, username="a", uses=2, groups=("x",), contacts=("b@c",))
        self.assertEqual(Invitation.from_json("montague.example", "id", whole.to_json()), whole)
        for data in (b"[]", b"{}", b'{"kind":"x"}', b"\xff"):
            with self.assertRaises(ValueError):
                Invitation.from_json("montague.example", "id", data)

    def test_token(self) -> None:
        """It is letters and digits, long enough, and not to be found from what is stored."""
        token = new_token("random")
        self.assertRegex(token, "^[a-z2-7]{26}$")
        self.assertNotIn(token, id_of(token))
        self.assertNotEqual(new_token("random2"), token)

    def test_account_name(self) -> None:
        """It is prepared as any."""
        self.assertEqual(account_name("localhost", "Juliet"), JULIET)
