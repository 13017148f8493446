"""A server in a process of its own, started by twistd as an operator would, with accounts made by xmppctl."""

import atexit
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

import xmppd
from tests import IN_FOLDER
from tests.environment import NET
from tests.forked import xmppctl

PATIENCE_S = 30.0
"""For a start or an end; the machine may be busy with other tests."""
_USER_TICKS = 11
"""Its place in /proc/PID/stat behind the name, the kernel's next to it (proc(5), utime and stime)."""
_ROOT = Path(xmppd.__file__).parent.parent
_TWISTD = "from twisted.scripts.twistd import run; run()"
_READY = re.compile(r" Ready$", re.MULTILINE)
_PORT = re.compile(r"127\.0\.0\.1:(\d+) \(([^)]+)\)")


class ServerProcess:
    """One running server on ports that the system has chosen, with its data in *folder*."""

    def __init__(self, folder: Path, options: str = "", accounts: tuple[tuple[str, str], ...] = ()) -> None:
        """*options* is TOML behind the tables of the ports; *accounts* are addresses with passwords."""
        self.folder = folder
        self.config = folder / "xmppd.toml"
        net = "" if "[net]" in options else NET
        web = "" if "[http]" in options else "[http]\nlisten = []\n"
        self.config.write_text(
            f'data_dir = "{folder / "data"}"\n{net}{web}[c2s]\nlisten = ["127.0.0.1:0"]\n'
            f'direct_tls_listen = ["127.0.0.1:0"]\n{options}\n'
        )
        if accounts:
            shutil.copytree(_data_with(accounts), folder / "data")
        self.output = _lasting_folder() / "output"
        """A file, since a pipe that nobody reads would stop the server when it is full; not in *folder*, which may be
        the disk that a test fills."""
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _TWISTD, "-n", "--pidfile=", "xmppd", "--config", str(self.config)],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=environment(),
            )
        self.ports: dict[str, int] = {}
        self._read_banner()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def certificate(self) -> Path:
        """The self-made certificate of localhost."""
        return self.folder / "data" / "certificates" / "localhost.crt"

    def resident_bytes(self) -> int:
        """Give what the process holds in memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize()

    def cpu_s(self) -> float:
        """Give the seconds of CPU that the process has used, in user mode and in the kernel."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[_USER_TICKS : _USER_TICKS + 2])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self) -> int:
        """Give how many file descriptors the process has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it as a crash does (SIGKILL). Harmless the second time."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """End it politely; gives its status. Harmless the second time."""
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.returncode

    def _read_banner(self) -> None:
        """Wait for the line that says that it is ready."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self._process.poll() is None:
            said = self.output.read_text()
            if _READY.search(said):
                self.ports = {kind: int(port) for port, kind in _PORT.findall(said)}
                return
            time.sleep(0.02)
        self.kill()
        raise AssertionError(f"no server: {self.output.read_text()}")


@cache
def _data_with(accounts: tuple[tuple[str, str], ...]) -> Path:
    """Give a data folder with *accounts*, to be copied."""
    folder = _lasting_folder()
    listed = folder / "accounts"
    listed.write_text("".join(f"{address}\t{password}\n" for address, password in accounts))
    made = xmppctl("user", "import", listed, folder=folder, environment={"XMPPD_DATA": str(folder / "data")})
    made.check_returncode()
    return folder / "data"


def _lasting_folder() -> Path:
    """Make a folder that goes with this process."""
    folder = Path(tempfile.mkdtemp(prefix="xmppd-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def shared_server(options: str = "", accounts: tuple[tuple[str, str], ...] = ()) -> ServerProcess:
    """Give one server to all tests that ask for the same; it ends with this process (trial has no ``setUpClass``)."""
    server = ServerProcess(_lasting_folder(), options, accounts)
    atexit.register(server.stop)
    return server


def environment() -> dict[str, str]:
    """Give what a program of ours is started with."""
    return {**os.environ, "PYTHONPATH": str(_ROOT), IN_FOLDER: "1"}
