"""What ``xmppctl check`` says of external services (XEP-0215)."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.check.machine import check_text
from tests.temporary import temporary_folder

RELAY = '[modules.external_services.services.relay]\ntype = "turn"\nhost = "turn.example.org"\n'


class ExternalServiceTests(SynchronousTestCase):
    """``[modules.external_services.services.NAME]``."""

    def found(self, text: str, *only: str, **answers: Any) -> list[tuple[str, str]]:
        """Check *text*; give identifiers and lines of what is about secrets and DNS."""
        found = check_text(temporary_folder(self), text, None, *only, **answers)
        return [
            (f.id, f.place.rpartition(":")[2]) for f in found if "secret" in f.id or f.id.startswith("dns.")
        ]

    def test_secrets(self) -> None:
        """One that can be found by trying is told, and a file that is not there; once, where hosts share it."""
        hosts = '[hosts."a.localhost"]\n[hosts."b.localhost"]\n'
        self.assertIn(("config.weak-secret", "4"), self.found(RELAY + 'secret = "x"\n' + hosts, "config"))
        self.assertEqual(
            self.found(RELAY + 'secret_file = "missing"\n' + hosts, "config"),
            [("config.secret-unreadable", "4")],
        )
        self.assertEqual(self.found(RELAY, "config"), [])

    def test_of_a_host(self) -> None:
        """Those that a host has for itself are looked at, too."""
        table = '[hosts."a.localhost".modules.external_services.services.relay]\n'
        text = table + 'type = "turn"\nhost = "x"\nsecret_file = "missing"\n'
        self.assertEqual(self.found(text, "config"), [("config.secret-unreadable", "4")])

    def test_names(self) -> None:
        """A name without an address is told, an address and a name for this machine are not looked up."""
        asked: list[str] = []

        def addresses(name: str, servers: object) -> tuple[str, ...]:
            asked.append(name)
            return ()

        self.assertEqual(self.found(RELAY, "dns", addresses=addresses), [("dns.not-found", "3")])
        for host in ("192.0.2.1", "2001:db8::1", "[2001:db8::1]", "relay.localhost"):
            self.assertEqual(
                self.found(RELAY.replace("turn.example.org", host), "dns", addresses=addresses), []
            )
        self.assertEqual(asked, ["turn.example.org"])
