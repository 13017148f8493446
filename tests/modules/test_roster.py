"""What a roster set may ask for: RFC 6121 2.1.2, 2.1.5, 2.3.3, one test a row."""

from types import SimpleNamespace
from typing import Any, cast

from twisted.trial.unittest import SynchronousTestCase

from tests.services.roster.rosters import JULIET, ROMEO, RosterWorld
from xmppd.config.limits import Limits
from xmppd.core.session import SessionStream
from xmppd.services.roster.subscription_states import NONE, NONE_OUT
from xmppd.services.roster.wanted import Wanted, read_set
from xmppd.stanza.element import parse_element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stream.features import StreamKind, StreamState, offered
from xmppd.testing.server import MemoryServer

OWNER = JID.parse("romeo@localhost")
LIMITS = Limits(roster_groups=2, roster_name_bytes=8)
J = "jid='juliet@example.net'"

REFUSED = {
    # what: (items, condition, section)
    "no_item": ("", "bad-request", "2.1.5"),
    "two_items": (f"<item {J}/><item jid='nurse@example.net'/>", "bad-request", "2.1.5"),
    "item_of_another_namespace": (f"<item xmlns='other' {J}/>", "bad-request", "2.1.5"),
    "no_jid": ("<item/>", "bad-request", "2.1.2.3"),
    "empty_jid": ("<item jid=''/>", "bad-request", "2.1.2.3"),
    "malformed_jid": ("<item jid='@@'/>", "jid-malformed", "2.1.2.3"),
    "full_jid": ("<item jid='juliet@example.net/balcony'/>", "bad-request", "2.1.2.3"),
    "oneself": ("<item jid='Romeo@localhost'/>", "not-allowed", "2.3.3"),
    "remove_oneself": ("<item jid='romeo@localhost' subscription='remove'/>", "not-allowed", "2.3.3"),
    "remove_full_jid": ("<item jid='a@b/c' subscription='remove'/>", "bad-request", "2.5.3"),
    "long_name": (f"<item {J} name='123456789'/>", "not-acceptable", "2.3.3"),
    "long_name_in_bytes": (f"<item {J} name='äääää'/>", "not-acceptable", "2.3.3"),
    "group_twice": (f"<item {J}><group>A</group><group>A</group></item>", "bad-request", "2.3.3"),
    "empty_group": (f"<item {J}><group/></item>", "not-acceptable", "2.3.3"),
    "long_group": (f"<item {J}><group>123456789</group></item>", "not-acceptable", "2.3.3"),
    "many_groups": (
        f"<item {J}><group>A</group><group>B</group><group>C</group></item>",
        "not-acceptable",
        "2.3.3",
    ),
}
TAKEN = {
    # what: (items, wanted, section)
    "plain": (f"<item {J}/>", Wanted("juliet@example.net", None, (), False), "2.3.1"),
    "name_and_groups": (
        f"<item {J} name='12345678'><group>A</group><group>B</group></item>",
        Wanted("juliet@example.net", "12345678", ("A", "B"), False),
        "2.3.1",
    ),
    "empty_name": (f"<item {J} name=''/>", Wanted("juliet@example.net", None, (), False), "2.1.2.4"),
    "jid_is_prepared": (
        "<item jid='JULIET@Example.NET'/>",
        Wanted("juliet@example.net", None, (), False),
        "2.1.2.3",
    ),
    "domain": ("<item jid='gateway.localhost'/>", Wanted("gateway.localhost", None, (), False), "2.1.2.3"),
    "forged_state": (
        f"<item {J} subscription='both' ask='subscribe' approved='true'/>",
        Wanted("juliet@example.net", None, (), False),
        "2.1.2.5",
    ),
    "groups_of_another_namespace": (
        f"<item {J}><group xmlns='other'/></item>",
        Wanted("juliet@example.net", None, (), False),
        "2.1.2.6",
    ),
    "removal": (
        f"<item {J} name='123456789' subscription='remove'/>",
        Wanted("juliet@example.net", None, (), True),
        "2.5.1",
    ),
}


def read(items: str) -> Wanted:
    """Read a roster set with these items."""
    return read_set(parse_element(f"<query xmlns='jabber:iq:roster'>{items}</query>".encode()), OWNER, LIMITS)


class RosterSetTests(SynchronousTestCase):
    """One test for each row of the tables above."""


def _refused(items: str, condition: str) -> Any:
    def test(self: RosterSetTests) -> None:
        error = self.assertRaises(StanzaError, read, items)
        self.assertEqual(error.condition, condition)

    return test


def _taken(items: str, wanted: Wanted) -> Any:
    def test(self: RosterSetTests) -> None:
        self.assertEqual(read(items), wanted)

    return test


def _add(name: str, section: str, test: Any, doc: str) -> None:
    test.__doc__ = f"RFC 6121 {section}: {name.replace('_', ' ')}: {doc}."
    setattr(RosterSetTests, f"test_{name}", test)


for _name, (_items, _condition, _section) in REFUSED.items():
    _add(_name, _section, _refused(_items, _condition), _condition)
for _name, (_items, _wanted, _section) in TAKEN.items():
    _add(_name, _section, _taken(_items, _wanted), "taken")


class FeatureTests(SynchronousTestCase):
    """What a stream offers."""

    def test_versions_and_approval_in_advance_are_offered(self) -> None:
        """RFC 6121 2.6.1, 3.4.1: after authentication."""
        features = MemoryServer().server.hosts["localhost"].stream_features

        def offers(state: int) -> set[tuple[str, str]]:
            stream = cast(SessionStream, SimpleNamespace(state=state, session=SimpleNamespace(ledger=None)))
            return {(e.name, e.ns) for e in offered(features, StreamKind.C2S, state, stream)}

        wanted = {("ver", "urn:xmpp:features:rosterver"), ("sub", "urn:xmpp:features:pre-approval")}
        self.assertLessEqual(wanted, offers(StreamState.AUTHENTICATED))
        self.assertFalse(wanted & offers(StreamState.SECURE))


class AnonymousTests(SynchronousTestCase):
    """Users without accounts."""

    def test_nothing_is_left_of_an_anonymous_user(self) -> None:
        """The roster goes with the last resource, and the contacts are told."""
        world = RosterWorld('[hosts."localhost"]\nauth = "anonymous"\n')
        sessions = [world.session(f"{ROMEO}/{resource}") for resource in "ab"]
        world.send("subscribe")
        world.server.registry.destroy(sessions[0])
        self.assertEqual(world.stored().state(JULIET.bare), NONE_OUT)
        world.server.registry.destroy(sessions[1])
        self.assertEqual(world.stored().state(JULIET.bare), NONE)
        self.assertEqual(world.told, [f"subscribe {JULIET}", f"unsubscribe {JULIET}"])
