"""Privileges of components (XEP-0356): their options, one transaction, and a gateway from the first message on."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.config.read import parse
from xmppd.modules.delegation.module import DelegationOptions
from xmppd.modules.privilege.options import PrivilegeOptions
from xmppd.testing.server import MemoryServer, now

GATEWAY = '[components."gateway.localhost"]\nsecret = "open sesame"\n'
RIGHTS = '[modules.privilege.components."gateway.localhost"]\n'


class OptionsTests(SynchronousTestCase):
    """``[modules.privilege.components."NAME"]``."""

    def problems(self, text: str) -> list[tuple[str, str]]:
        """Give identifiers and lines of what is wrong with rights."""
        config, findings = parse(GATEWAY + RIGHTS + text, "test.toml")
        assert config is not None, findings
        _, found = config.module_options("privilege", PrivilegeOptions)
        return [(each.id, each.place.rpartition(":")[2]) for each in found]

    def test_right(self) -> None:
        """All that there is."""
        text = 'roster = "both"\nmessage = "outgoing"\npresence = "roster"\niq = {"a:b" = "get"}\n'
        self.assertEqual(self.problems(text), [])

    def test_wrong(self) -> None:
        """A right that there is not is told, and presence of contacts without the right to read rosters (7.4)."""
        self.assertEqual(len(self.problems('roster = "all"\n')), 1)
        self.assertEqual(len(self.problems('rooster = "get"\n')), 1)
        self.assertEqual(
            [id for id, _ in self.problems('presence = "roster"\n')], ["config.conflicting-keys"]
        )


class TransactionTests(SynchronousTestCase):
    """What is sent on behalf of an account shares the transaction of what brought it (`Router.forward`)."""

    def test_one_commit(self) -> None:
        """The archive entries of who it is from and of who gets it, and the message that waits, are one transaction."""
        world = MemoryServer(GATEWAY + RIGHTS + 'message = "outgoing"\n')
        world.add_account("romeo@localhost")
        world.add_account("juliet@localhost")
        gateway = world.component("gateway.localhost")
        submitted: list[int] = []
        submit = world.storage.submit

        def noted(changes, decided):  # type: ignore[no-untyped-def]  # as it is
            submitted.append(len(changes))
            submit(changes, decided)

        world.storage.submit = noted  # type: ignore[method-assign]  # to see what is one transaction
        gateway.send(
            "<message from='gateway.localhost' to='localhost'><privilege xmlns='urn:xmpp:privilege:2'>"
            "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='romeo@localhost'"
            " to='juliet@localhost' type='chat'><body>hello</body></message></forwarded></privilege></message>"
        )
        self.assertEqual(len(submitted), 1)
        self.assertGreaterEqual(submitted[0], 3)
        archives = [now(world.storage.count("archive", f"{name}@localhost")) for name in ("romeo", "juliet")]
        self.assertEqual(archives, [1, 1])


class UnloadingTests(SynchronousTestCase):
    """The modules at run time."""

    def test_unloading_takes_rights_away(self) -> None:
        """And a load tells them again to who is connected."""
        world = MemoryServer(GATEWAY + RIGHTS + 'roster = "get"\n')
        world.add_account("romeo@localhost")
        gateway = world.component("gateway.localhost")
        self.assertEqual(len(gateway.inbox), 1)
        host = world.server.hosts["localhost"]
        world.server.loader.unload(host, "privilege")
        gateway.inbox.clear()
        gateway.send(
            "<iq from='gateway.localhost' to='romeo@localhost' type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>"
        )
        self.assertEqual([each.get("type") for each in gateway.inbox], ["error"])
        gateway.inbox.clear()
        world.server.loader.load(host, "privilege")
        self.assertEqual([each.tag.partition("}")[2] for each in gateway.inbox], ["message"])

    def test_unloading_ends_delegation(self) -> None:
        """Requests are the server's again."""
        namespace = '[modules.delegation.namespaces."jabber:iq:private"]\nto = "gateway.localhost"\n'
        world = MemoryServer(GATEWAY + namespace)
        romeo = world.logged_in("romeo@localhost/orchard")
        request = "<iq type='get' id='1'><query xmlns='jabber:iq:private'><of xmlns='of:ours'/></query></iq>"
        romeo.send(request)
        self.assertEqual([each.get("type") for each in romeo.inbox], ["error"])
        romeo.inbox.clear()
        world.server.loader.unload(world.server.hosts["localhost"], "delegation")
        romeo.send(request)
        self.assertEqual([each.get("type") for each in romeo.inbox], ["result"])

    def test_delegating_the_protocol_itself(self) -> None:
        """XEP-0355 8: that cannot be."""
        config, _ = parse(
            '[modules.delegation.namespaces."urn:xmpp:delegation:2"]\nto = "a.example"\n', "test.toml"
        )
        assert config is not None
        _, found = config.module_options("delegation", DelegationOptions)
        self.assertEqual([each.id for each in found], ["config.bad-value"])
