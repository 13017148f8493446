"""The server of a soak, and what is looked at: descriptors, memory, sessions, the log."""

import json
import os
import re
import subprocess
import sys
from itertools import dropwhile
from pathlib import Path

from benchmarks.measure import resident_kib
from benchmarks.servers.certificate import make_certificate
from benchmarks.servers.process import ServerProcess, free_port
from benchmarks.servers.xmppd import ROOT
from benchmarks.servers.xmppd_seed import seed

CONFIGURATION = """\
data_dir = "{folder}/data"
[hosts."localhost"]
certificate = "{chain}"
key = "{key}"
[c2s]
listen = ["127.0.0.1:{port}"]
direct_tls_listen = ["127.0.0.1:{tls_port}"]
require_tls = false
allow_plain_without_tls = true
[http]
listen = ["127.0.0.1:{http_port}"]
access_log = false
bosh_inactivity_s = 5
bosh_polling_s = 0
[log]
level = "warn"
[limits]
connections_per_address = 100_000
unauthenticated_timeout_s = 4
auth_failures_per_address = 1_000_000
close_timeout_s = 2
[modules.sm]
max_s = 3
"""
SETTLED_S = 25.0
"""After that long nothing is left of any client: what waits longest is a session that may be resumed."""
A_LINE = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z (\w+) ")
EXPECTED = ("The server runs as root",)
"""What may stand in the log at the level "warn", as regular expressions: who runs the soak, and nothing else."""


class Stage:
    """One xmppd with its modules as shipped, in a process and a folder of its own."""

    def __init__(self, folder: Path, accounts: int, options: str = "") -> None:
        self._folder = folder
        self._config = folder / "xmppd.toml"
        self.port, self.tls_port, self.http_port = free_port(), free_port(), free_port()
        certificate = make_certificate(folder)
        text = CONFIGURATION.format(
            folder=folder,
            chain=certificate.chain,
            key=certificate.key,
            port=self.port,
            tls_port=self.tls_port,
            http_port=self.http_port,
        )
        self._config.write_text(text + options)
        (folder / "data").mkdir(mode=0o700)
        seed(folder / "data" / "xmppd.sqlite", accounts, accounts - 1, 0)
        self._environment = {"PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}
        command = [sys.executable, "-m", "xmppd.admin.launch", "--config", str(self._config)]
        self._process = ServerProcess(command, folder, self._environment)
        self._process.wait_for_port(self.port)

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def resident_mb(self) -> float:
        """Give the resident memory."""
        return resident_kib([self._process.pid]) * 1024 / 1e6

    def descriptors(self) -> int:
        """Give the number of open file descriptors."""
        return len(os.listdir(f"/proc/{self._process.pid}/fd"))

    def sessions(self) -> list[str]:
        """Give the full JIDs of the sessions that the server knows of."""
        asked = subprocess.run(
            [
                sys.executable,
                "-m",
                "xmppd.admin.xmppctl",
                "--config",
                self._config,
                "--json",
                "session",
                "list",
            ],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, **self._environment},
        )
        found = json.loads(asked.stdout)
        return [row["jid"] for row in (found["sessions"] if isinstance(found, dict) else found)]

    def complaints(self) -> list[str]:
        """Give the lines of the log that are not expected."""
        lines = (self._folder / "output.log").read_text(errors="replace").splitlines()
        behind_banner = dropwhile(lambda line: not A_LINE.match(line), lines)
        logged = [line for line in behind_banner if A_LINE.match(line) or line.startswith("    ")]
        return [line for line in logged if not any(re.search(text, line) for text in EXPECTED)]

    def end(self) -> int:
        """Ask the server to end (SIGTERM), and give its status."""
        return self._process.end()

    def stop(self) -> None:
        """End the server."""
        self._process.stop()
