"""The session registry: the only writer of its indexes, and the one end of every session."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.registry import SessionRegistry
from xmppd.core.session import Session
from xmppd.stanza.jid import JID
from xmppd.testing.sessions import bound_session, new_session, written


class RegistryTests(SynchronousTestCase):
    """`SessionRegistry`."""

    def setUp(self) -> None:
        """Give each test a registry that notes who left."""
        self.left: list[tuple[str | None, str | None]] = []
        self.registry = SessionRegistry(self.note)

    def note(self, session: Session, status: str | None) -> None:
        """Keep who left, with which status."""
        self.left.append((session.full_jid, status))

    def test_bound_sessions_are_found(self) -> None:
        """A bound session is found by its full JID and among its account's resources, oldest first."""
        desk = bound_session(self.registry, "bob@localhost/desk")
        phone = bound_session(self.registry, "bob@localhost/phone")
        self.assertIs(self.registry.get("bob@localhost/desk"), desk)
        self.assertEqual(self.registry.resources("bob@localhost"), (desk, phone))
        self.assertEqual(list(self.registry.accounts()), ["bob@localhost"])
        self.assertEqual((len(self.registry), list(self.registry)), (2, [desk, phone]))

    def test_at_rest_all_are_still_found(self) -> None:
        """Its indexes become smaller; they are the same objects, which others hold too."""
        by_full = self.registry.by_full
        desk = bound_session(self.registry, "bob@localhost/desk")
        self.registry.release_memory()
        self.assertIs(self.registry.by_full, by_full)
        self.assertIs(by_full["bob@localhost/desk"], desk)
        self.assertEqual(self.registry.resources("bob@localhost"), (desk,))

    def test_the_most_since_it_was_asked(self) -> None:
        """Sessions that came and went meanwhile count; the next time only those that have come since then."""
        desk = bound_session(self.registry, "bob@localhost/desk")
        phone = bound_session(self.registry, "bob@localhost/phone")
        self.registry.destroy(phone)
        self.assertEqual(self.registry.now_and_at_most(), (1, 2))
        self.assertEqual(self.registry.now_and_at_most(), (1, 1))
        self.registry.destroy(desk)
        self.assertEqual(self.registry.now_and_at_most(), (0, 1))
        self.assertEqual(self.registry.now_and_at_most(), (0, 0))

    def test_a_name_in_use_cannot_be_bound(self) -> None:
        """RFC 6120 7.7.2.2: a full JID names one session; the policy has to free it first."""
        bound_session(self.registry, "bob@localhost/desk")
        other = new_session(self.registry)
        self.assertRaises(ValueError, self.registry.bind, other, JID.parse("bob@localhost/desk"))
        self.assertRaises(ValueError, self.registry.bind, other, JID.parse("bob@localhost"))
        self.assertIsNone(other.full_jid)

    def test_destroy_empties_the_indexes_and_tells_once(self) -> None:
        """After `destroy` nothing is left of a session, the last one takes its account along."""
        desk = bound_session(self.registry, "bob@localhost/desk")
        phone = bound_session(self.registry, "bob@localhost/phone")
        self.registry.destroy(desk, "gone home")
        self.registry.destroy(desk)
        self.assertEqual(self.registry.resources("bob@localhost"), (phone,))
        self.registry.destroy(phone)
        self.assertEqual(self.registry.resources("bob@localhost"), ())
        self.assertEqual((self.registry.by_full, list(self.registry.accounts())), ({}, []))
        self.assertEqual(self.left, [("bob@localhost/desk", "gone home"), ("bob@localhost/phone", None)])

    def test_destroying_an_unbound_session_tells_nobody(self) -> None:
        """A session that was never bound has left nothing."""
        self.registry.destroy(new_session(self.registry))
        self.assertEqual(self.left, [])

    def test_destroy_from_within_what_is_told_is_harmless(self) -> None:
        """Whoever hears of the end may end it again."""
        self.registry.on_unbound = lambda session, status: self.registry.destroy(session)
        self.registry.destroy(bound_session(self.registry, "bob@localhost/desk"))
        self.assertEqual(len(self.registry), 0)

    def test_the_name_of_a_replaced_session_stays_with_the_new_one(self) -> None:
        """Destroying an old session does not take away the name that another holds now."""
        old = bound_session(self.registry, "bob@localhost/desk")
        self.registry.unbind(old)
        new = bound_session(self.registry, "bob@localhost/desk")
        self.registry.destroy(old)
        self.assertIs(self.registry.get("bob@localhost/desk"), new)

    def test_send_to_available_resources_touches_exactly_those(self) -> None:
        """The seed, methods: the count is given, and nobody else gets anything."""
        desk = bound_session(self.registry, "bob@localhost/desk", 0)
        bot = bound_session(self.registry, "bob@localhost/bot", -1)
        mute = bound_session(self.registry, "bob@localhost/mute")
        other = bound_session(self.registry, "eve@localhost/desk", 0)
        self.assertEqual(self.registry.send_to_available_resources("bob@localhost", b"<x/>"), 2)
        self.assertEqual([written(s) for s in (desk, bot, mute, other)], [b"<x/>", b"<x/>", b"", b""])

    def test_send_to_interested_resources_touches_exactly_those(self) -> None:
        """The seed, methods: interested is who asked for the roster, available or not."""
        desk = bound_session(self.registry, "bob@localhost/desk", 0)
        mute = bound_session(self.registry, "bob@localhost/mute")
        mute.interested = True
        self.assertEqual(self.registry.send_to_interested_resources("bob@localhost", b"<x/>"), 1)
        self.assertEqual([written(s) for s in (desk, mute)], [b"", b"<x/>"])
