"""External services (XEP-0215): credentials that coturn takes, and what is wrong in their configuration."""

from base64 import b64decode

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.config.read import parse
from xmppd.modules.external_services import ExternalServices, ExternalServicesOptions, credentials
from xmppd.testing.server import MemoryServer

RELAY = '[modules.external_services.services.relay]\ntype = "turn"\nhost = "turn.example.org"\n'


class CredentialsTests(SynchronousTestCase):
    """`credentials`."""

    def test_known_answer(self) -> None:
        """The name is the end and the user, the password the HMAC-SHA1 of it (TURN REST API 2.2)."""
        username, password = credentials(b"secret", 1_433_065_916, "ninefingers")
        self.assertEqual(username, "1433065916:ninefingers")
        # openssl dgst -sha1 -hmac secret
        self.assertEqual(b64decode(password).hex(), "7533d7403865adf67a06ff6265944513f01f954a")


class ConfigurationTests(SynchronousTestCase):
    """``[modules.external_services]``."""

    def problems(self, text: str) -> list[str]:
        """Give the identifiers of what is wrong."""
        config, findings = parse(RELAY + text, "test.toml")
        assert config is not None, findings
        return [each.id for each in config.module_options("external_services", ExternalServicesOptions)[1]]

    def test_right(self) -> None:
        """With a secret, with a name, with neither."""
        for text in ("", 'secret = "x"\n', 'username = "u"\npassword = "p"\n', "port = 443\n"):
            self.assertEqual(self.problems(text), [])

    def test_wrong(self) -> None:
        """What does not go together, and what is none."""
        for text, id in (
            ('secret = "x"\nsecret_file = "y"\n', "config.conflicting-keys"),
            ('secret = "x"\nusername = "u"\npassword = "p"\n', "config.conflicting-keys"),
            ('username = "u"\n', "config.missing-key"),
            ("port = 0\n", "config.bad-value"),
            ('transport = "sctp"\n', "config.bad-value"),
        ):
            self.assertEqual(len(self.problems(text)), 1, text)
            self.assertEqual(self.problems(text)[0][:7], id[:7])

    def test_secret_file(self) -> None:
        """Its first line is the secret; a service whose file is not there is not told of, and the others are."""
        folder = temporary_folder(self)
        (folder / "secret").write_text("from a file\n# comment\n")
        finder = '[modules.external_services.services.finder]\ntype = "stun"\nhost = "x"\n'
        for name, known in (("secret", 2), ("missing", 1)):
            memory = MemoryServer(RELAY + f'secret_file = "{folder / name}"\n' + finder)
            romeo = memory.logged_in("romeo@localhost/x")
            romeo.send("<iq type='get' id='1' to='localhost'><services xmlns='urn:xmpp:extdisco:2'/></iq>")
            services = romeo.inbox.popleft()[0]
            self.assertEqual(len(services), known)
            if known > 1:
                made = credentials(b"from a file", 1_780_086_400, "romeo")
                self.assertEqual((services[0].get("username"), services[0].get("password")), made)
        self.assertEqual(len(self.flushLoggedErrors()), 0)


class PushTests(SynchronousTestCase):
    """XEP-0215 3.2: who has asked hears what a reload changes."""

    def test_a_reload(self) -> None:
        """What has come, what is other than before, and what is gone; to who has asked for it, and is available."""
        before = RELAY + 'secret = "one"\n' + RELAY.replace("relay", "old").replace("turn.", "old.")
        memory = MemoryServer(before)
        module = next(iter(memory.server.hosts)).modules["external_services"]
        assert isinstance(module, ExternalServices)
        clients = {}
        for name, asks, presence in (
            ("all", "<services xmlns='urn:xmpp:extdisco:2'/>", "<presence/>"),
            ("stun", "<services xmlns='urn:xmpp:extdisco:2' type='stun'/>", "<presence/>"),
            ("away", "<services xmlns='urn:xmpp:extdisco:2'/>", "<presence type='unavailable'/>"),
            ("mute", "", "<presence/>"),
        ):
            clients[name] = client = memory.logged_in(f"romeo@localhost/{name}")
            if asks:
                client.send(f"<iq type='get' id='1' to='localhost'>{asks}</iq>")
            client.send(presence)
        for client in clients.values():
            client.inbox.clear()
        for secret, expected in (("one", []), ("two", ["modify", "add", "delete"])):
            after = RELAY + f'secret = "{secret}"\n'
            if expected:
                after += RELAY.replace("relay", "new").replace("turn.", "new.")
            else:
                after = before
            config, _ = parse(after, "test.toml")
            assert config is not None
            options, _ = config.module_options("external_services", ExternalServicesOptions)
            assert options is not None
            module.opt = options
            module.start()
            memory.settle()
            found = [each.get("action") for push in clients["all"].inbox for each in push[0]]
            self.assertEqual(found, expected)
            self.assertEqual([len(clients[name].inbox) for name in ("stun", "away", "mute")], [0, 0, 0])
        self.assertEqual([push.get("type") for push in clients["all"].inbox], ["set"])
