"""HAProxy passes connections on, with both versions of its PROXY protocol; where it is installed."""

import shutil
import socket
import subprocess

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SkipTest, TestCase

from tests.dialogues.socket_stage import SocketStage
from tests.sockets.client import SocketClient
from tests.temporary import temporary_folder
from xmppd.net.streams.c2s import C2SFactory
from xmppd.testing.client import PASSWORD

BALANCER = "127.9.9.9"
CLIENT = "127.0.0.1"
CONFIG = """
defaults
  mode tcp
  timeout connect 3s
  timeout client 30s
  timeout server 30s
listen all
  bind fd@{descriptor}
  server xmppd 127.0.0.1:{port} {option} source {balancer} check inter 100
"""


class HAProxyTests(TestCase):
    """A server in this process behind it."""

    timeout = 60

    def setUp(self) -> None:
        if shutil.which("haproxy") is None:
            raise SkipTest("there is no HAProxy")

    def balance(self, port: int, option: str) -> int:
        """Start it in front of *port*; gives its own."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)
        file = temporary_folder(self) / "haproxy.cfg"
        descriptor = listening.fileno()
        file.write_text(CONFIG.format(descriptor=descriptor, port=port, option=option, balancer=BALANCER))
        running = subprocess.Popen(
            ["haproxy", "-db", "-f", str(file)],
            pass_fds=[descriptor],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(running.wait)
        self.addCleanup(running.kill)
        found: int = listening.getsockname()[1]
        return found

    def log_in(self, stage: SocketStage, port: int, is_direct: bool) -> None:
        """Log in; the address that the server sees is the client's own."""
        with SocketClient(port, is_tls=is_direct) as client:
            if not is_direct:
                client.start_tls()
            client.log_in("romeo", PASSWORD, "orchard")
            factory = stage.factories[is_direct]
            assert isinstance(factory, C2SFactory)
            bound = [each.peer for each in factory.connections if each.session.resource]
            self.assertEqual(bound, [CLIENT])

    def test_both_versions(self) -> Deferred[None]:
        """By STARTTLS and by direct TLS; it also looks whether the server is well."""

        async def script() -> None:
            for is_direct, option in ((False, "send-proxy"), (True, "send-proxy-v2"), (True, "send-proxy")):
                options = f'[c2s]\nproxy_protocol_from = ["{BALANCER}"]\n'
                stage = SocketStage(self, options, is_direct_tls=is_direct)
                try:
                    await stage.add_account("romeo@localhost")
                    port = self.balance(stage.port, option)
                    await deferToThread(self.log_in, stage, port, is_direct)
                finally:
                    await stage.stop()

        return Deferred.fromCoroutine(script())
