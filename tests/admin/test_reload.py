"""Settings are read anew while the server runs."""

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.counting import calls
from tests.net.tls.authority import NOW, Authority
from tests.temporary import temporary_folder
from xmppd.admin.reload import Reload, Reloaded
from xmppd.admin.settings import read_settings
from xmppd.config import Config, ConfigErrors
from xmppd.core.log import LogWriter
from xmppd.core.timers import Timers
from xmppd.core.turns import SPACE_S, Turns
from xmppd.net.tls.certificates import CertificateStore
from xmppd.net.tls.contexts import TLSContexts
from xmppd.net.tls.options import host_files, tls_settings
from xmppd.net.tls.renewal import Renewal


class ReloadTests(SynchronousTestCase):
    """A host with certificate files of its own, and one with a self-made one."""

    def setUp(self) -> None:
        self.folder = temporary_folder(self)
        self.file = self.folder / "xmppd.toml"
        self.authority = Authority()
        self.files = self.authority.write_host(self.folder, "a.example")
        self.write()
        config = self.read()
        self.tls = TLSContexts(CertificateStore(host_files(config), lambda: NOW), tls_settings(config))
        self.log = LogWriter("info", "line", self.folder / "xmppd.log")
        self.addCleanup(self.log.close)
        self.taken: list[Config] = []
        self.clock = Clock()
        self.make_reload(config, self.log)

    def make_reload(self, config: Config, log: LogWriter | None = None) -> None:
        """Begin anew: *config* is in force."""
        turns = Turns(Timers(self.clock))
        self.reading = Reload(
            config,
            self.read,
            Renewal(self.tls, turns),
            turns,
            maybeDeferred,
            self.taken.append,
            log,
            self.folder / "xmppd.log",
            begins=lambda: self.told.append("begins"),
            ends=lambda: self.told.append("ends"),
        )
        self.told: list[str] = []

    def reload(self) -> Reloaded:
        """Read anew, and let time pass until that is done."""
        reading = self.reading()
        while not reading.called:
            self.clock.advance(SPACE_S)
        return self.successResultOf(reading)

    def refused(self) -> str:
        """Read anew what has mistakes; give them."""
        return str(self.failureResultOf(self.reading(), ConfigErrors).value)

    def write(self, *lines: str, more: str = "") -> None:
        """Write the configuration file."""
        text = [f'data_dir = "{self.folder / "data"}"', *lines]
        text += ['[hosts."a.example"]', 'certificate = "a.example.crt"', 'key = "a.example.key"']
        text += ["[hosts.localhost]", more]
        self.file.write_text("\n".join(text))

    def read(self) -> Config:
        """Read it."""
        return read_settings(str(self.file), {})

    def test_everything_in_force(self) -> None:
        """Limits, log level and certificates follow the file."""
        before = self.tls.store.by_host()
        self.authority.write_host(self.folder, "a.example")
        self.write("[limits]", "stanza_bytes = 20000", "[log]", 'level = "debug"')
        lines, mistakes = self.reload()
        self.assertEqual(mistakes, 0)
        after = self.tls.store.by_host()
        self.assertEqual(self.taken[0].limits.stanza_bytes, 20_000)
        self.assertIn("log level: debug", lines)
        self.assertIn(f"certificate of a.example: SHA-256 {after['a.example'].fingerprint}", lines)
        self.assertIsNot(after["a.example"], before["a.example"])
        self.assertIs(after["localhost"], before["localhost"])

    def test_one_after_the_other(self) -> None:
        """Who asks while another reload is under way gets the file as it is then; each begins and ends."""
        for number in range(20):
            self.authority.write_host(self.folder, f"h{number}.example")
        self.write(
            "[tls]", 'certificates = "."', more="\n".join(f'[hosts."h{n}.example"]' for n in range(20))
        )
        self.make_reload(self.read())
        self.authority.write_host(self.folder, "a.example")
        first = self.reading()
        self.write("[limits]", "stanza_bytes = 30000")
        second = self.reading()
        self.assertEqual((self.told, self.taken), (["begins"], []))
        while not second.called:
            self.clock.advance(SPACE_S)
        self.successResultOf(first)
        self.assertEqual(self.told, ["begins", "ends"] * 2)
        self.assertEqual([each.limits.stanza_bytes for each in self.taken][-1], 30_000)
        self.assertEqual(len(self.taken), 2)

    def test_mistake_in_the_file(self) -> None:
        """Nothing changes; who asked gets all mistakes, SIGHUP writes them into the log."""
        self.write("[limits]", "stanza_bites = 20000")
        self.assertIn("stanza_bytes", self.refused())
        self.reading.on_signal()
        self.assertEqual(self.taken, [])

    def test_ciphers_that_there_are_not(self) -> None:
        """They are a mistake of the file as any other."""
        self.write("[tls]", 'ciphers = "NONSENSE"')
        self.assertIn(f'{self.file}:3: ciphers = "NONSENSE": ', self.refused())
        self.assertEqual(self.taken, [])

    def test_broken_certificate(self) -> None:
        """The host keeps its old one, the rest is in force."""
        before = self.tls.store.find("a.example")
        self.files.key.write_text("no key")
        lines, mistakes = self.reload()
        self.assertEqual(mistakes, 1)
        self.assertIn("the certificate of a.example stays as it was", lines[0])
        self.assertIs(self.tls.store.find("a.example"), before)
        self.assertEqual(len(self.taken), 1)

    def test_folder_of_certificates_that_has_gone(self) -> None:
        """A moved folder, or a host's files in it: the good certificate stays, none is made, and it is told why."""
        folder = self.folder / "certificates"
        folder.mkdir()
        self.authority.write_host(folder, "a.example")
        self.authority.write_host(folder, "b.example")
        self.file.write_text(
            f'data_dir = "{self.folder / "data"}"\n[tls]\ncertificates = "certificates"\n'
            '[hosts."a.example"]\n[hosts."b.example"]\n'
        )
        config = self.read()
        self.tls = TLSContexts(CertificateStore(host_files(config), lambda: NOW), tls_settings(config))
        self.make_reload(config)
        before = self.tls.store.by_host()
        self.assertEqual(self.reload().mistakes, 0)
        (folder / "b.example.crt").unlink()
        lines, mistakes = self.reload()
        self.assertEqual(mistakes, 1)
        self.assertIn("the certificate of b.example stays as it was", lines[0])
        folder.rename(self.folder / "moved")
        lines, mistakes = self.reload()
        self.assertEqual(mistakes, 2)
        self.assertIn(f"there is no {folder}", lines[0])
        self.assertEqual(self.tls.store.by_host(), before)
        self.assertEqual(list(self.folder.glob("data/certificates/*.example*")), [])

    def test_certificate_that_is_no_good(self) -> None:
        """One that can be read is taken, and it is told what is wrong with it: its dates, its names."""
        self.authority.write_host(self.folder, "a.example", days=-1)
        lines, mistakes = self.reload()
        self.assertEqual(mistakes, 1)
        self.assertIn("the certificate of a.example: it was valid until ", lines[0])
        self.authority.write_host(self.folder, "a.example", "other.example")
        lines, mistakes = self.reload()
        self.assertEqual(mistakes, 1)
        self.assertIn("it is for other.example and not for a.example", lines[0])

    def test_log_that_cannot_be_opened(self) -> None:
        """It stays where it is, and the place in the file is named."""
        self.write("[log]", 'file = "none/xmppd.log"')
        lines, mistakes = self.reload()
        self.assertEqual(mistakes, 1)
        self.assertIn("xmppd.log cannot be opened: there is no ", lines[0])
        self.assertIn(f"{self.file}:3: ", lines[0])

    def test_what_needs_a_restart_is_named(self) -> None:
        """Ports, hosts and the storage do not change under a running server; a new host has no certificate yet."""
        self.write("[c2s]", 'listen = ["127.0.0.1:5299"]', "[storage]", 'url = "memory:"', more="[hosts.new]")
        lines = self.reload().lines
        self.assertEqual(lines[-1], "changed, and in force after a restart: storage, c2s.listen, hosts")
        self.assertEqual(list(self.tls.store.by_host()), ["a.example", "localhost"])

    def test_components(self) -> None:
        """Limits and secrets of components follow the file, what they are and where they connect does not."""
        component = '[components."irc.example"]\nsecret = "x"\n'
        self.write(more=component)
        self.make_reload(self.read())
        self.write(more=component + 'limits.stanza_depth = 9\nadmins = ["a@a.example"]')
        self.assertEqual(self.reload().lines[-1], "limits: as the file says")
        self.assertEqual(self.taken[-1].components["irc.example"].limits.stanza_depth, 9)
        self.write(more=component.replace('"x"', '"y"') + "queue = true")
        self.assertEqual(self.reload().lines[-1], "limits: as the file says")
        taken = self.taken[-1].components["irc.example"]
        self.assertEqual((taken.queue, taken.secret and taken.secret.get_secret_value()), (True, "y"))
        gateway = '[components."gateway.example"]\nsecret = "x"\n'
        other = '[components."irc.example"]\nconnection_of = "gateway.example"\n'
        self.write(more=gateway + other + '[components]\nlisten = ["127.0.0.1:5348"]')
        restart = "changed, and in force after a restart: components, components.listen"
        self.assertEqual(self.reload().lines[-1], restart)
        self.assertIs(self.taken[-1].components["irc.example"].queue, False)

    def test_administrators(self) -> None:
        """Who may administer the server follows the file at once, and nothing says otherwise."""
        self.file.write_text(f'admins = ["a@a.example"]\n{self.file.read_text()}')
        self.assertEqual(self.reload().lines[-1], "limits: as the file says")
        self.assertEqual(self.taken[-1].admins, ("a@a.example",))

    def test_modules_of_a_host(self) -> None:
        """What a domain says of modules waits for a restart as well."""
        self.write(more="modules.ping.enabled = false")
        self.assertEqual(self.reload().lines[-1], "changed, and in force after a restart: modules")

    def test_pending_settings_are_not_in_force(self) -> None:
        """A data folder of tomorrow gets no certificate today; nor does anything else of the file's hold before."""
        text = self.file.read_text().replace(str(self.folder / "data"), str(self.folder / "later"))
        more = '[net]\ntransport = "twisted"\n[storage]\nurl = "memory:"\n[limits]\nstanza_bytes = 20000\n'
        self.file.write_text(
            text
            + more
            + '[hosts."new.example"]\n[components."x.example"]\nsecret = "a secret that is long enough, 40 of them"\n'
        )
        before = self.tls.store.by_host()["localhost"]
        lines, mistakes = self.reload()
        self.assertEqual(mistakes, 0)
        self.assertFalse((self.folder / "later").exists())
        self.assertIs(self.tls.store.by_host()["localhost"], before)
        self.assertIn(f"certificate of localhost: SHA-256 {before.fingerprint}", lines)
        waiting = "data_dir, storage, net, hosts, components"
        self.assertEqual(lines[-1], f"changed, and in force after a restart: {waiting}")
        (taken,) = self.taken
        self.assertEqual((taken.data_dir, taken.net.transport), (self.folder / "data", "xmppd"))
        self.assertEqual(taken.storage_file, self.folder / "data" / "xmppd.sqlite")
        self.assertEqual((list(taken.hosts), list(taken.components)), (["a.example", "localhost"], []))
        self.assertEqual(taken.limits.stanza_bytes, 20_000)

    def test_host_that_the_file_has_no_more(self) -> None:
        """It is served until the restart, with what it had."""
        self.file.write_text(f'data_dir = "{self.folder / "data"}"')
        self.assertIn("hosts", self.reload().lines[-1])
        self.assertEqual(self.tls.store.find("a.example").host, "a.example")
        self.assertEqual(list(self.taken[0].hosts), ["a.example", "localhost"])


class ManyTests(SynchronousTestCase):
    """Many certificates renewed at once."""

    def longest_turn(self, hosts: int) -> int:
        """Renew the certificates of so many hosts; give the number of calls of the longest turn."""
        folder, authority, clock = temporary_folder(self), Authority(), Clock()
        names = [f"h{number}.example" for number in range(hosts)]
        for name in names:
            authority.write_host(folder, name)
        file = folder / "xmppd.toml"
        tables = "".join(f'[hosts."{name}"]\n' for name in names)
        file.write_text(f'data_dir = "{folder / "data"}"\n[tls]\ncertificates = "."\n{tables}')
        config = read_settings(str(file), {})
        tls = TLSContexts(CertificateStore(host_files(config), lambda: NOW), tls_settings(config))
        self.assertIsNotNone((tls.s2s_in, tls.http))
        turns = Turns(Timers(clock))
        in_thread = lambda read: succeed(config)  # noqa: E731 - what a thread does is in no turn
        reload = Reload(config, lambda: config, Renewal(tls, turns), turns, in_thread, lambda config: None)
        before = tls.store.by_host()
        for name in names:
            authority.write_host(folder, name)
        running: list[Deferred[Reloaded]] = []
        lengths = [calls(lambda: running.append(reload()))]
        while not running[0].called:
            lengths.append(calls(clock.advance, SPACE_S))
            in_force = [tls.store.by_host()[name] is not before[name] for name in names]
            self.assertIn(sum(in_force), (0, hosts))
        self.assertEqual(self.successResultOf(running[0]).mistakes, 0)
        self.assertTrue(all(in_force))
        return max(lengths)

    def test_no_turn_is_longer_for_more(self) -> None:
        """They are read a few in a turn, and are in force all at once."""
        self.assertLess(self.longest_turn(60), 1.5 * self.longest_turn(15))
