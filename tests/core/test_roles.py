"""Roles at a domain."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.operations.declaring import Argument, Kind, Operation
from xmppd.core.operations.role import Role
from xmppd.core.roles import Roles
from xmppd.stanza.jid import JID
from xmppd.testing.server import MemoryServer

OPTIONS = """
admins = ["root@a.example"]
members = ["nurse@a.example"]
[rights]
"room.*" = "member"
[hosts."a.example"]
admins = ["romeo@a.example"]
[hosts."b.example"]
members = ["juliet@b.example"]
[hosts."b.example".rights]
"user.list" = "guest"
[hosts."guests.example"]
auth = "anonymous"
[components."rooms.a.example"]
module = "muc"
admins = ["romeo@a.example"]
"""


class RolesTests(SynchronousTestCase):
    """`Roles`."""

    def setUp(self) -> None:
        self.server = MemoryServer(OPTIONS).server
        self.roles = self.server.services[Roles]

    def test_roles(self) -> None:
        """By the lists of the domain, else of the server; accounts of another domain are guests."""
        for host, who, role in (
            ("a.example", "root@a.example/x", Role.OPERATOR),
            ("b.example", "root@a.example", Role.OPERATOR),
            ("a.example", "romeo@a.example", Role.ADMIN),
            ("b.example", "romeo@a.example", Role.GUEST),
            ("a.example", "nurse@a.example", Role.MEMBER),
            ("b.example", "nurse@a.example", Role.GUEST),
            ("b.example", "juliet@b.example", Role.MEMBER),
            ("a.example", "anybody@a.example", Role.REGISTERED),
            ("guests.example", "anybody@guests.example", Role.GUEST),
            ("a.example", "x@elsewhere.example", Role.GUEST),
            ("rooms.a.example", "romeo@a.example", Role.ADMIN),
            ("rooms.a.example", "anybody@b.example", Role.REGISTERED),
            ("rooms.a.example", "anybody@guests.example", Role.GUEST),
            ("rooms.a.example", "x@elsewhere.example", Role.GUEST),
        ):
            found = self.roles.role_at(self.server.hosts[host], JID.parse(who))
            self.assertEqual(found, role, (host, who))

    def test_what_is_needed(self) -> None:
        """What the configuration says, of the domain before the server's; else the operation's own."""
        local = (Argument("jid", kind=Kind.ACCOUNT),)
        for host, operation, role in (
            ("a.example", Operation("user.list", ".", local), Role.ADMIN),
            ("b.example", Operation("user.list", ".", local), Role.GUEST),
            ("b.example", Operation("room.list", ".", local), Role.MEMBER),
            ("a.example", Operation("other.list", "."), Role.OPERATOR),
            ("a.example", Operation("other.list", ".", local, role=Role.OPERATOR), Role.OPERATOR),
        ):
            found = self.roles.needed(self.server.hosts[host], operation)
            self.assertEqual(found, role, (host, operation.name))

    def test_who_may_make(self) -> None:
        """The option ``create`` of services."""
        host = self.server.hosts["rooms.a.example"]
        for create, who, may in (
            ("anybody", "x@elsewhere.example", True),
            ("local", "x@elsewhere.example", False),
            ("local", "x@b.example", True),
            ("members", "x@b.example", False),
            ("members", "nurse@a.example", True),
            ("admins", "nurse@a.example", False),
            ("admins", "root@a.example", True),
        ):
            self.assertEqual(self.roles.may_make(host, JID.parse(who), create), may, (create, who))
