"""Control commands about the server."""

import json
import os

from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from tests.admin.control.bench import ControlBench
from xmppd.admin.control.answers import LIBRARIES
from xmppd.config.findings import ConfigErrors, Finding
from xmppd.testing.sessions import bound_session


class ServerTests(SynchronousTestCase):
    """`status`, `reload`, `stop`."""

    def setUp(self) -> None:
        """A server that has been up for a while."""
        self.bench = ControlBench()
        self.bench.memory.clock.advance(3_600)

    def test_status(self) -> None:
        """Uptime, sessions by host, memory, versions."""
        bound_session(self.bench.server.registry, "a@localhost/x", priority=0)
        bound_session(self.bench.server.registry, "a@localhost/y")
        status = self.bench.do("status")
        self.assertEqual(status["uptime_s"], 3_600)
        self.assertEqual(status["sessions"], 2)
        localhost, example = status["hosts"]
        self.assertEqual(
            (localhost["name"], localhost["sessions"], localhost["available"]), ("localhost", 2, 1)
        )
        self.assertEqual((example["name"], example["sessions"]), ("example.org", 0))
        self.assertGreater(example["modules"], 0)
        self.assertEqual((status["version"], status["pid"]), ("1.2", os.getpid()))
        self.assertGreater(status["memory_bytes"], 1_000_000)
        self.assertEqual(status["versions"].keys(), LIBRARIES.keys())
        used = SSL.SSLeay_version(SSL.SSLEAY_VERSION).decode().split()[1]
        self.assertEqual(
            status["versions"]["openssl"], used, "TLS goes through pyOpenSSL's, not through that of ssl"
        )
        self.assertEqual(status["listening"], ["127.0.0.1:5222 (STARTTLS)"])
        json.dumps(status)

    def test_reload(self) -> None:
        """What is in force now is told, and how much of the file is not."""
        self.bench.reloaded = (["a", "b"], 1)
        self.assertEqual(self.bench.do("reload"), {"lines": ["a", "b"], "mistakes": 1})

    def test_reload_of_a_broken_file(self) -> None:
        """All mistakes come back, with their places."""
        mistake = Finding("config.x", "error", "f.toml:3", "what", "why", "remedy")
        self.bench.reloaded = ConfigErrors([mistake, mistake])
        id, message = self.bench.refusal("reload")
        self.assertEqual(id, "config-errors")
        self.assertEqual(message.splitlines(), ["f.toml:3: what: why; remedy"] * 2)

    def test_stop(self) -> None:
        """Stopping is begun once; how many sessions it ends is told."""
        bound_session(self.bench.server.registry, "a@localhost/x")
        self.assertEqual(self.bench.do("stop"), {"sessions": 1, "pid": os.getpid()})
        self.assertEqual(self.bench.stops, 1)
