"""Sockets that systemd hands over: sd_listen_fds(3). In a process of its own, whose descriptors they become."""

import os
import socket
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from tests.checkout import ROOT

PROGRAM = """
import os, sys
descriptors = [int(word) for word in sys.argv[2].split(",") if word]
kept = [os.dup(each) for each in descriptors]
for number, each in enumerate(kept):
    os.dup2(each, 3 + number)
os.environ.update(LISTEN_PID=sys.argv[3] or str(os.getpid()), LISTEN_FDS=str(len(kept)), LISTEN_FDNAMES=sys.argv[1])
from xmppd.net.transport.inherited import inherited_sockets
from xmppd.net.transport.listen import ListenError
try:
    found = inherited_sockets(os.environ)
    told = {name: [(each.getsockname()[1], each.getblocking()) for each in sockets] for name, sockets in found.items()}
except ListenError as error:
    told = str(error)
print(told, [name for name in os.environ if name.startswith("LISTEN_")])
"""


def has_ipv6() -> bool:
    """Whether this machine has ::1."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


class InheritedTests(SynchronousTestCase):
    """What comes by number and name."""

    def taken(self, names: str, *sockets: socket.socket, pid: str = "") -> str:
        """Give what a process makes of *sockets*, handed over from number 3 on."""
        numbers = [sock.fileno() for sock in sockets]
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, names, ",".join(map(str, numbers)), pid],
            pass_fds=numbers,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def listening(self, host: str = "127.0.0.1") -> tuple[socket.socket, int]:
        """Give a socket that listens, and its port."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.create_server((host, 0), family=family)
        self.addCleanup(sock.close)
        return sock, sock.getsockname()[1]

    def test_by_name(self) -> None:
        """Several may have one name; they do not block, and the variables are gone."""
        (one, first), (two, second) = self.listening(), self.listening()
        three, third = self.listening("::1") if has_ipv6() else self.listening()
        self.assertEqual(
            self.taken("c2s.listen:s2s.listen:c2s.listen", one, two, three),
            f"{{'c2s.listen': [({first}, False), ({third}, False)], 's2s.listen': [({second}, False)]}} []",
        )

    def test_of_another_process(self) -> None:
        """They are not for us."""
        sock, _ = self.listening()
        self.assertEqual(self.taken("c2s.listen", sock, pid="1"), "{} []")

    def test_what_is_none(self) -> None:
        """A socket that does not listen is refused, with its number and name."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wrong:
            self.assertIn(
                "descriptor 3 (c2s.listen) is no TCP socket that listens", self.taken("c2s.listen", wrong)
            )
