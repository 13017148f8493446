"""Names by DNS, from a small server of names on loopback."""

from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred, fail
from twisted.names import dns
from twisted.names.authority import FileAuthority
from twisted.names.common import ResolverBase
from twisted.names.server import DNSServerFactory
from twisted.trial.unittest import TestCase

from tests.temporary import temporary_folder
from xmppd.core.outgoing import CannotResolve, Pin, Service
from xmppd.core.waiting import deferred
from xmppd.net.dns import DNS, TLSA

reactor: Any = global_reactor
ZONE: dict[bytes, list[Any]] = {
    b"_xmpp-server._tcp.b.example": [
        dns.Record_SRV(5, 10, 5269, b"xmpp.b.example", 60),
        dns.Record_SRV(6, 0, 5270, b"other.b.example", 60),
    ],
    b"_xmpps-server._tcp.b.example": [dns.Record_SRV(0, 0, 0, b"", 60)],
    b"xmpp.b.example": [dns.Record_A("192.0.2.1", 60), dns.Record_AAAA("2001:db8::1", 60)],
    b"_xmpp-server._tcp.xn--bcher-kva.b.example": [dns.Record_SRV(0, 0, 5271, b"xmpp.b.example", 60)],
    b"slow.b.example": [dns.Record_A("192.0.2.3", 60), dns.Record_AAAA("2001:db8::3", 60)],
    b"xn--bcher-kva.b.example": [dns.Record_A("192.0.2.2", 60)],
    b"b.example": [dns.Record_SOA(b"ns.b.example", b"root.b.example", 1, 60, 60, 60, 60)],
}


class MemoryAuthority(FileAuthority):
    """Knows the records that it is given."""

    def __init__(self, soa: tuple[bytes, Any], records: dict[bytes, list[Any]]) -> None:
        ResolverBase.__init__(self)
        self.asked: list[bytes] = []
        self.slow = 0
        """The type of record for which ``slow.b.example`` has an answer when one of `waiting` fires."""
        self.waiting: list[Deferred[Any]] = []
        self.soa, self.records = soa, records  # type: ignore[assignment]  # Twisted says None

    def query(self, query: dns.Query, timeout: object = None) -> Any:
        """One name breaks it."""
        self.asked.append(query.name.name)
        if (query.name.name, query.type) == (b"slow.b.example", self.slow):
            self.waiting.append(Deferred())
            return self.waiting[-1]
        if query.name.name == b"broken.b.example":
            return fail(ValueError())
        return super().query(query, timeout)  # type: ignore[no-untyped-call]  # Twisted's


class DNSTests(TestCase):
    """`DNS`."""

    timeout = 20

    def setUp(self) -> None:
        self.authority = authority = MemoryAuthority(soa=(b"b.example", ZONE[b"b.example"][0]), records=ZONE)
        protocol = dns.DNSDatagramProtocol(DNSServerFactory(authorities=[authority]))
        port = reactor.listenUDP(0, protocol, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        hosts = temporary_folder(self) / "hosts"
        hosts.write_text("127.0.0.1 localhost\n::1 localhost\n192.0.2.9 here.b.example\n")
        self.port, self.hosts = port.getHost().port, str(hosts)
        self.dns = self.another()

    def another(self) -> DNS:
        """Give one that has asked nothing yet."""
        made = DNS(reactor, [("127.0.0.1", self.port)], hosts=self.hosts, timeouts_s=(1, 1))
        self.addCleanup(made.stop)
        return made

    @deferred
    async def test_services(self) -> None:
        """RFC 2782: all records, as they are."""
        found = await self.dns.services("_xmpp-server._tcp.B.example.")
        self.assertEqual(
            set(found), {Service(5, 10, 5269, "xmpp.b.example"), Service(6, 0, 5270, "other.b.example")}
        )

    @deferred
    async def test_services_of_an_international_name(self) -> None:
        """RFC 7622 3.2: its labels are asked for as A-labels, beside those of the service, which begin with "_"."""
        for name in ("bücher.b.example", "B\u00dcCHER\u3002b.example"):
            (found,) = await self.dns.services(f"_xmpp-server._tcp.{name}")
            self.assertEqual(found.port, 5271)

    @deferred
    async def test_kept(self) -> None:
        """An answer is asked for once while it holds, and so is that there is none."""
        for _ in range(2):
            self.assertEqual(len(await self.dns.services("_xmpp-server._tcp.b.example")), 2)
            self.assertEqual(await self.dns.addresses("nobody.b.example"), ())
        self.assertEqual(
            sorted(self.authority.asked),
            [b"_xmpp-server._tcp.b.example", b"nobody.b.example", b"nobody.b.example"],  # AAAA and A
        )

    @deferred
    async def test_a_service_that_is_denied(self) -> None:
        """RFC 2782: a target of "." says that there is none; that is not the same as no record."""
        self.assertEqual(await self.dns.services("_xmpps-server._tcp.b.example"), (Service(0, 0, 0, ""),))

    @deferred
    async def test_no_such_record(self) -> None:
        """Nothing, and no error: RFC 6120 3.2.2 falls back to the name itself."""
        self.assertEqual(await self.dns.services("_xmpp-server._tcp.c.b.example"), ())
        self.assertEqual(await self.dns.addresses("nobody.b.example"), ())

    @deferred
    async def test_addresses(self) -> None:
        """Version 6 first; A-labels are asked for; an address is itself; the file of hosts goes before."""
        self.assertEqual(await self.dns.addresses("xmpp.b.example"), ("2001:db8::1", "192.0.2.1"))
        self.assertEqual(await self.dns.addresses("bücher.b.example"), ("192.0.2.2",))
        self.assertEqual(await self.dns.addresses("2001:db8::7"), ("2001:db8::7",))
        self.assertEqual(await self.dns.addresses("here.b.example"), ("192.0.2.9",))
        self.assertEqual(set(await self.dns.addresses("localhost")), {"127.0.0.1", "::1"})

    @deferred
    async def test_one_family_takes_its_time(self) -> None:
        """RFC 8305 3: the other one is not kept waiting by it, whichever it is; nor for longer by one that has none."""
        for slow, found in ((dns.AAAA, ("192.0.2.3",)), (dns.A, ("2001:db8::3",))):
            self.authority.slow = slow
            resolver = self.another()
            self.assertEqual(await resolver.addresses("slow.b.example"), found)
        for waiting in self.authority.waiting:
            waiting.callback(([], [], []))

    @deferred
    async def test_what_is_no_name(self) -> None:
        """It is not asked for."""
        for name in ("a..b", "", "x" * 64 + ".example", ".".join(["x" * 60] * 5)):
            with self.assertRaises(CannotResolve):
                await self.dns.addresses(name)

    @deferred
    async def test_a_server_of_names_that_cannot_say(self) -> None:
        """One line; it may be asked again."""
        with self.assertRaises(CannotResolve):
            await self.dns.services("broken.b.example")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    @deferred
    async def test_no_server_of_names_answers(self) -> None:
        """It is waited for as long as it was said."""
        silent = reactor.listenUDP(0, dns.DNSDatagramProtocol(_Silent()), interface="127.0.0.1")
        self.addCleanup(silent.stopListening)
        asked = DNS(reactor, [("127.0.0.1", silent.getHost().port)], timeouts_s=(0,))
        self.addCleanup(asked.stop)
        with self.assertRaises(CannotResolve) as caught:
            await asked.services("_xmpp-server._tcp.b.example")
        self.assertIn("no name server answers", str(caught.exception))

    @deferred
    async def test_servers_of_a_file(self) -> None:
        """resolv.conf is read when the first name is asked for, and no more after `stop`."""
        conf = temporary_folder(self) / "resolv.conf"
        conf.write_text("nameserver 127.0.0.1\n")
        asked = DNS(reactor, resolv_conf=str(conf))
        self.assertEqual(await asked.addresses("127.0.0.1"), ("127.0.0.1",))
        self.assertEqual(asked._asked().dynServers, [("127.0.0.1", dns.PORT)])
        asked.stop()


class Validating:
    """What a name server that checks DNSSEC says, to who asks for that, by UDP: what is authentic, what is forged."""

    def __init__(self) -> None:
        self.is_silent = False
        self.is_authentic: set[bytes] = set()
        self.is_forged: set[bytes] = set()
        self.records: dict[tuple[bytes, int], list[Any]] = {}

    def messageReceived(self, message: dns.Message, protocol: Any, address: object = None) -> None:
        """Answer."""
        (query,) = message.queries
        name = query.name.name
        message.answer = 1
        message.authenticData = message.authenticData and name in self.is_authentic
        if name in self.is_forged:
            message.rCode = dns.ESERVER
        message.answers = [
            dns.RRHeader(name, query.type, ttl=60, payload=each)
            for each in self.records.get((name, query.type), ())
        ]
        if not message.answers and not message.rCode:
            message.rCode = dns.ENAME
        protocol.writeMessage(message, address)


class DNSSECTests(TestCase):
    """What DNSSEC vouches for (RFC 4035 4.9.3), and TLSA records (RFC 6698)."""

    timeout = 20

    def setUp(self) -> None:
        self.server = server = Validating()
        server.records = {
            (b"_xmpp-server._tcp.b.example", dns.SRV): [dns.Record_SRV(5, 10, 5269, b"xmpp.b.example")],
            (b"_5269._tcp.xmpp.b.example", TLSA): [
                dns.UnknownRecord(b"\3\1\1" + bytes(32)),
                dns.UnknownRecord(b"\2\0\2" + bytes(64)),
                dns.UnknownRecord(b"\3\1\1"),
            ],
        }
        server.is_authentic = {name for name, _ in server.records}
        port = reactor.listenUDP(0, dns.DNSDatagramProtocol(server), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.port = port.getHost().port

    def asking(self, has_dnssec: bool = True) -> DNS:
        """Give who asks that server."""
        asking = DNS(reactor, [("127.0.0.1", self.port)], timeouts_s=(1, 1), has_dnssec=has_dnssec)
        self.addCleanup(asking.stop)
        return asking

    @deferred
    async def test_authentic(self) -> None:
        """What the name server vouches for is said to be so; a TLSA record without data is none."""
        asking = self.asking()
        for _ in range(2):  # as well as it is kept
            (service,) = await asking.services("_xmpp-server._tcp.b.example")
            self.assertTrue(service.is_vouched)
            self.assertEqual(
                await asking.pins("xmpp.b.example", 5269),
                (Pin(3, 1, 1, bytes(32)), Pin(2, 0, 2, bytes(64))),
            )

    @deferred
    async def test_not_authentic(self) -> None:
        """SRV records are given and not vouched for, TLSA records are not given (RFC 6698 4.1)."""
        self.server.is_authentic.clear()
        asking = self.asking()
        (service,) = await asking.services("_xmpp-server._tcp.b.example")
        self.assertFalse(service.is_vouched)
        self.assertEqual(await asking.pins("xmpp.b.example", 5269), ())

    @deferred
    async def test_not_wanted(self) -> None:
        """Without the configuration's word that the name servers check it, nothing is believed."""
        asking = self.asking(has_dnssec=False)
        (service,) = await asking.services("_xmpp-server._tcp.b.example")
        self.assertFalse(service.is_vouched)
        self.assertEqual(await asking.pins("xmpp.b.example", 5269), ())

    @deferred
    async def test_forged(self) -> None:
        """There is no answer, which is not the same as none of these records."""
        self.server.is_forged = {b"_5269._tcp.xmpp.b.example"}
        with self.assertRaises(CannotResolve):
            await self.asking().pins("xmpp.b.example", 5269)
        self.assertEqual(await self.asking().pins("other.b.example", 5269), ())

    @deferred
    async def test_a_server_far_away(self) -> None:
        """resolv.conf may name one to which others stand between: it is not believed."""
        conf = temporary_folder(self) / "resolv.conf"
        conf.write_text("nameserver 192.0.2.1\n")
        asking = DNS(reactor, resolv_conf=str(conf), has_dnssec=True)
        self.addCleanup(asking.stop)
        self.assertFalse(asking._are_believed(asking._asked()))
        conf.write_text("nameserver 127.0.0.53\n")
        asking = DNS(reactor, resolv_conf=str(conf), has_dnssec=True)
        self.addCleanup(asking.stop)
        self.assertTrue(asking._are_believed(asking._asked()))
        await asking.addresses("127.0.0.1")


class _Silent:
    """A server of names that hears and does not answer."""

    def messageReceived(self, message: object, protocol: object, address: object = None) -> None:
        """Nothing."""
