"""Shared groups: who sees whom, what clients cannot do, and what happens when accounts come and go."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.services.roster.rosters import ROMEO, RosterWorld, pushes
from xmppd.config.read import parse
from xmppd.core.session import Session
from xmppd.modules.groups import REFRESH_AFTER_S, GroupsOptions
from xmppd.services.roster.roster import Roster, RosterItem
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza

MONTAGUES = """
[modules.groups.groups]
Montague = ["romeo@localhost", "benvolio@localhost"]
Friends = ["romeo@localhost", "benvolio@localhost", "mercutio@localhost"]
"""
BENVOLIO = JID.parse("benvolio@localhost")


class GroupsTests(SynchronousTestCase):
    """Groups with named members."""

    def setUp(self) -> None:
        self.world = RosterWorld(MONTAGUES)
        self.rosters = self.world.rosters

    def refused(self, deferred: Deferred[None]) -> str:
        """Give the condition of a failure."""
        error = self.failureResultOf(deferred, StanzaError).value
        assert isinstance(error, StanzaError)
        return error.condition

    def test_members_are_contacts(self) -> None:
        """Everybody in a group has the other members as contacts, both ways, with the groups they share."""
        self.assertEqual(
            list(self.world.roster().items()),
            [
                RosterItem("benvolio@localhost", "benvolio", "both", groups=("Montague", "Friends")),
                RosterItem("mercutio@localhost", "mercutio", "both", groups=("Friends",)),
            ],
        )
        self.assertEqual(
            self.successResultOf(self.rosters.load("tybalt@localhost")).version, Roster("tybalt").version
        )
        self.assertTrue(self.world.roster().may_see_presence(BENVOLIO.bare))

    def test_clients_cannot_change_them(self) -> None:
        """not-allowed for a set, a removal, an end of the subscription; a request changes nothing."""
        self.assertEqual(self.refused(self.rosters.set(ROMEO, BENVOLIO.bare, "Ben", ())), "not-allowed")
        self.assertEqual(self.refused(self.rosters.remove(ROMEO, BENVOLIO.bare)), "not-allowed")
        for type in ("unsubscribe", "unsubscribed"):
            stanza = Stanza.make("presence", type=type)
            sent = self.world.subscriptions.send(stanza, ROMEO, BENVOLIO)
            self.assertEqual(self.refused(sent), "not-allowed")
        version = self.world.roster().version
        for type in ("subscribe", "subscribed"):
            self.world.send(type, BENVOLIO)
        for type in ("unsubscribe", "unsubscribed", "subscribed"):
            self.world.receive(type, BENVOLIO)
        self.assertEqual(self.world.roster().version, version)
        self.assertEqual(self.successResultOf(self.world.memory.storage.owners("roster")), [])

    def test_without_the_module_they_are_gone(self) -> None:
        """Unloaded while the server runs: pushes, and presence is taken back; loaded again: as before."""
        session = self.world.session()
        server, clock = self.world.server, self.world.memory.clock
        host = server.hosts["localhost"]
        version = self.world.roster().version
        server.loader.unload(host, "groups")
        clock.advance(0)
        self.assertEqual(pushes(session)[1], ["benvolio@localhost remove", "mercutio@localhost remove"])
        self.assertEqual(self.world.told, ["withdrawn benvolio@localhost", "withdrawn mercutio@localhost"])
        server.loader.load(host, "groups")
        clock.advance(0)
        self.assertEqual(pushes(session)[1], ["benvolio@localhost both", "mercutio@localhost both"])
        self.assertEqual(self.world.told[2:], ["granted benvolio@localhost", "granted mercutio@localhost"])
        self.assertEqual(self.world.roster().version, version)

    def test_a_reload_changes_nothing(self) -> None:
        """Read anew with the same groups: nobody hears of it."""
        session: Session = self.world.session()
        self.world.server.loader.reload(self.world.server.hosts["localhost"], "groups")
        self.world.memory.clock.advance(0)
        self.assertEqual((pushes(session), self.world.told), (([], []), []))


class EverybodyTests(SynchronousTestCase):
    """A group of all accounts of the host."""

    def test_accounts_come_and_go(self) -> None:
        """A new account is seen by the others after a moment, a removed one no more."""
        world = RosterWorld('[modules.groups.groups]\nEverybody = "*"\n')
        world.memory.add_account(ROMEO.bare)
        session = world.session()
        self.assertEqual(list(world.roster().items()), [])
        world.memory.add_account(BENVOLIO.bare)
        world.memory.clock.advance(REFRESH_AFTER_S)
        self.assertEqual(pushes(session)[1], ["benvolio@localhost both"])
        self.successResultOf(world.server.accounts.remove(BENVOLIO))
        world.memory.clock.advance(REFRESH_AFTER_S)
        self.assertEqual(pushes(session)[1], ["benvolio@localhost remove"])


class OptionsTests(SynchronousTestCase):
    """What can be written in the configuration."""

    def test_members_are_accounts(self) -> None:
        """Anything but accounts or "*" is told with its place."""
        for wrong in ('"all"', '["romeo"]', '["romeo@localhost/orchard"]', "7"):
            text = f'[modules.groups.groups]\nFriends = {wrong}\n[hosts."localhost"]\n'
            config, _ = parse(text, "test.toml")
            assert config is not None
            options, findings = config.module_options("groups", GroupsOptions, "localhost")
            self.assertIs(options, None, wrong)
            self.assertTrue(findings)
