"""Whether others find a server: its SRV records, addresses and ports."""

from collections.abc import Callable, Mapping, Sequence

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.check.machine import check_text
from tests.interop.names import NameServer, serving
from tests.temporary import temporary_folder
from xmppd.admin.check.lookup import addresses, services, vouches
from xmppd.config.section import Address
from xmppd.core.outgoing import CannotResolve, Service

NONE: Mapping[str, Service] = {}
TEXT = '[hosts."example.org"]\n'


class DNSTests(SynchronousTestCase):
    """``check_dns``."""

    def found(
        self, text: str = TEXT, records: Mapping[str, Service] = NONE, *, has_address: bool = True
    ) -> list[tuple[str, str]]:
        """Give identifiers and reasons; *records* by kind, as ``xmpp-server``."""

        def of(name: str, servers: Sequence[Address]) -> Sequence[Service]:
            kind = name.partition(".")[0].removeprefix("_")
            return (records[kind],) if kind in records else ()

        return self.told(text, of, lambda name: ("192.0.2.1",) if has_address or name == "a" else ())

    def told(
        self,
        text: str,
        services: Callable[[str, Sequence[Address]], Sequence[Service]],
        addresses: Callable[[str], Sequence[str]],
    ) -> list[tuple[str, str]]:
        """Give identifiers and reasons, where DNS has these *services* and *addresses* by name."""
        findings = check_text(
            temporary_folder(self),
            text,
            None,
            "dns",
            services=services,
            addresses=lambda name, servers: addresses(name),
        )
        return [(finding.id, finding.why) for finding in findings]

    def test_right(self) -> None:
        """An address and the usual port, or records that lead to where is listened."""
        self.assertEqual(self.found(), [])
        records = {"xmpp-server": Service(0, 0, 5269, "a"), "xmpp-client": Service(0, 0, 5222, "a")}
        self.assertEqual(self.found(TEXT, records, has_address=False), [])

    def test_nobody_finds_it(self) -> None:
        """Neither records nor an address."""
        ((id, why),) = self.found(has_address=False)
        self.assertEqual(id, "dns.not-found")
        self.assertIn("nobody finds it", why)

    def test_ports_that_nobody_serves(self) -> None:
        """Of all four kinds."""
        for kind in ("xmpp-client", "xmpps-client", "xmpp-server", "xmpps-server"):
            ((id, why),) = self.found(TEXT, {kind: Service(0, 0, 1, "a")})
            self.assertEqual(id, "dns.wrong-service")
            self.assertIn("port 1", why)
        ((_, why),) = self.found('[s2s]\nlisten = ["127.0.0.1:7"]\n' + TEXT)
        self.assertIn("others try port 5269", why)

    def test_no_such_service(self) -> None:
        """ "." where somebody is listened for."""
        ((_, why),) = self.found(TEXT, {"xmpp-server": Service(0, 0, 0, "")})
        self.assertIn("no such service", why)

    def of_rooms(
        self, more: str = "", address: str = "192.0.2.1", **records: Service
    ) -> list[tuple[str, str]]:
        """Give what is told of a service of a host with an address; *records* are the service's, by kind."""

        def of(name: str, servers: Sequence[Address]) -> Sequence[Service]:
            kind, _, domain = name.partition("._tcp.")
            found = (
                records.get(kind.removeprefix("_").replace("-", "_"))
                if domain == "rooms.example.org"
                else None
            )
            return () if found is None else (found,)

        text = f'{more}{TEXT}[components."rooms.example.org"]\nmodule = "muc"\n'
        own = {"example.org": ("192.0.2.1",), "gone": ()}
        return self.told(text, of, lambda name: own.get(name, (address,)))

    def test_services(self) -> None:
        """Records of a service of both kinds lead to ports that are listened on, and to this machine."""
        self.assertEqual(self.of_rooms(), [])
        self.assertEqual(self.of_rooms(xmpp_server=Service(0, 0, 5269, "a")), [])
        direct = '[s2s]\ndirect_tls_listen = ["127.0.0.1:5270"]\n'
        self.assertEqual(self.of_rooms(direct, xmpps_server=Service(0, 0, 5270, "a")), [])
        for kind in ("xmpp_server", "xmpps_server"):
            wrong = {kind: Service(0, 0, 1, "a")}
            ((id, why),) = self.of_rooms(**wrong)  # type: ignore[arg-type]  # one of the records
            self.assertEqual(id, "dns.wrong-service")
            self.assertIn("port 1", why)
        ((_, why),) = self.of_rooms(xmpp_server=Service(0, 0, 0, ""))
        self.assertIn("no such service", why)
        ((id, _),) = self.of_rooms(xmpp_server=Service(0, 0, 5269, "gone"))
        self.assertEqual(id, "dns.no-address")
        ((id, why),) = self.of_rooms(address="127.0.0.1")
        self.assertEqual((id, "rooms.example.org" in why), ("dns.loopback", True))

    def test_services_by_their_address(self) -> None:
        """Without records the usual port is tried, of a service as of a host."""
        found = self.of_rooms('[s2s]\nlisten = ["127.0.0.1:7"]\n')
        self.assertEqual([id for id, _ in found], ["dns.wrong-service"] * 2)

    def test_versions_of_ip(self) -> None:
        """Other servers come where s2s listens, and by what their records say."""
        listening = '[c2s]\nlisten = ["127.0.0.1:5222", "[::1]:5222"]\n[s2s]\nlisten = ["[::1]:5269"]\n'
        found = self.found(listening + TEXT, {"xmpp-server": Service(0, 0, 5269, "a")})
        self.assertEqual([id for id, _ in found], ["dns.ip-version"])
        self.assertIn("for other servers", found[0][1])

    def test_not_where_nobody_is_to_find_it(self) -> None:
        """localhost, and a server that talks to no others."""
        self.assertEqual(self.found('[hosts."localhost"]\n', has_address=False), [])
        self.assertEqual(self.found("[s2s]\nenabled = false\n" + TEXT, has_address=False), [])

    def test_dane(self) -> None:
        """Where nobody here checks DNSSEC, or no name server answers, that is told with its place; not without DANE."""
        text = "[s2s]\ndane = true\n" + TEXT

        def silent(servers: Sequence[Address]) -> bool:
            raise CannotResolve("no name server answers")

        for says, expected in (
            (lambda servers: True, []),
            (lambda servers: False, ["dns.no-dnssec"]),
            (silent, ["dns.no-answer"]),
        ):
            found = check_text(temporary_folder(self), text, None, "dns", vouches=says)
            self.assertEqual([each.id for each in found], expected)
            self.assertTrue(all(each.place.endswith("xmppd.toml:2") for each in found))
        self.assertEqual(self.found(), [])

    def test_whether_dnssec_is_checked(self) -> None:
        """A name server on loopback says so, or not; one far away is not asked."""
        for is_authentic in (True, False):
            server = NameServer({"": []}, is_authentic=is_authentic)
            self.addCleanup(server.stop)
            self.assertEqual(vouches([Address("127.0.0.1", server.port)]), is_authentic)
        self.assertFalse(vouches([Address("192.0.2.1", 53)]))

    def test_asking(self) -> None:
        """A name server on loopback; one that is not there."""
        server = NameServer(serving("example.org", 5_333))
        self.addCleanup(server.stop)
        there = [Address("127.0.0.1", server.port)]
        self.assertEqual(
            services("_xmpp-server._tcp.example.org", there), (Service(5, 0, 5_333, "example.org"),)
        )
        self.assertEqual(services("_xmpps-server._tcp.example.org", there), ())
        self.assertEqual(addresses("example.org", there), ("127.0.0.1",))
        self.assertRaises(CannotResolve, services, "example.org", [Address("127.0.0.1", 1)])
