"""What ``xmppctl check relays`` says of STUN and TURN servers that users are told of (XEP-0215)."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.check.machine import check_text
from tests.temporary import temporary_folder
from xmppd.admin.check.stun import Refused, Server

RELAY = '[modules.external_services.services.relay]\ntype = "turn"\nhost = "turn.example.org"\n'
SECRET = 'secret = "0123456789abcdef"\n'


class RelayTests(SynchronousTestCase):
    """Servers that answer as a test says."""

    def found(self, text: str, **answers: Any) -> list[tuple[str, str, str]]:
        """Check; give identifiers, severities and reasons."""
        found = check_text(temporary_folder(self), text, None, "relays", **answers)
        self.assertTrue(all(each.place.endswith(":3") for each in found))
        return [(each.id, each.severity, each.why) for each in found]

    def test_right(self) -> None:
        """Nobody without credentials is let in, and users' are good: those of a secret, or those that all have."""
        self.assertEqual(self.found(RELAY + SECRET), [])
        asked: list[Any] = []

        def relayed(server: Server, credentials: tuple[str, str] | None) -> str:
            asked.append((server, credentials))
            if credentials is None:
                raise Refused(401, "Unauthorized")
            return "198.51.100.7"

        self.assertEqual(self.found(RELAY + 'username = "all"\npassword = "x"\n', relayed=relayed), [])
        server = Server("turn.example.org", 3478)
        self.assertEqual(asked, [(server, None), (server, ("all", "x"))])

    def test_places(self) -> None:
        """By which port and transport it is asked; of STUN nothing but an answer is wanted, and of others nothing."""
        table = (
            ("turns", "", Server("turn.example.org", 5349, is_stream=True, is_tls=True)),
            ("turn", 'transport = "tcp"\nport = 443\n', Server("turn.example.org", 443, is_stream=True)),
            ("stun", "", Server("turn.example.org", 3478)),
        )
        for type, more, server in table:
            asked: list[Server] = []

            def seen(server: Server, *credentials: object, asked: list[Server] = asked) -> str:
                asked.append(server)
                return "198.51.100.7"

            self.found(RELAY.replace('"turn"', f'"{type}"') + more, mapped=seen, relayed=seen)
            self.assertEqual(asked, [server])
        self.assertEqual(self.found(RELAY.replace('"turn"', '"xmpp"')), [])

    def test_wrong(self) -> None:
        """What callers would find out, each with its reason."""

        def gone(*asked: object) -> str:
            raise OSError("it does not answer")

        def refusing(*asked: object) -> str:
            raise Refused(401, "Unauthorized")

        def inside(server: Server, credentials: object) -> str:
            return "10.0.0.7" if credentials else refusing()

        own = {"addresses": lambda name, servers: ("9.9.9.9",)}
        table: tuple[tuple[str, dict[str, Any], str, str, str], ...] = (
            (SECRET, {"relayed": gone}, "relay.no-answer", "warning", "it does not answer"),
            (
                SECRET,
                {"relayed": refusing},
                "relay.refused",
                "error",
                "refuses the credentials that users get",
            ),
            ("", {"relayed": refusing}, "relay.no-credentials", "warning", "without credentials"),
            (SECRET, {"relayed": lambda *asked: "9.9.9.9"}, "relay.open", "warning", "for anybody"),
            (SECRET, {"relayed": inside, **own}, "relay.private-address", "warning", "it relays at 10.0.0.7"),
        )
        for more, answers, identifier, severity, why in table:
            ((found, how_bad, told),) = self.found(RELAY + more, **answers)
            self.assertEqual((found, how_bad), (identifier, severity))
            self.assertIn(why, told)
        stun = RELAY.replace('"turn"', '"stun"')
        self.assertEqual([each[0] for each in self.found(stun, mapped=gone)], ["relay.no-answer"])
