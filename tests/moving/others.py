"""Debian's Prosody and ejabberd, each with its data in a folder of the test, made to be left."""

import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from tests.foreign import START_S, started
from tests.moving.people import Town, name_of, password_of
from tests.net.tls.authority import Authority
from tests.sockets.peers import free_port

DOMAIN: Final = "town.example"
ROOMS: Final = "rooms.town.example"
PROSODY: Final = """\
run_as_root = true
daemonize = false
data_path = "{folder}/data"
pidfile = "{folder}/prosody.pid"
log = {{ {{ levels = {{ min = "info" }}, to = "file", filename = "{folder}/prosody.log" }} }}
modules_enabled = {{ "roster"; "saslauth"; "disco"; "ping"; "vcard_legacy"; "private"; "blocklist"; "pep"; "mam";
  "bookmarks"; "register"; "smacks"; "carbons" }}
modules_disabled = {{ "s2s" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
s2s_ports = {{ }}
http_ports = {{ }}
https_ports = {{ }}
use_ipv6 = false
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "{authentication}"
{more}
archive_expires_after = "never"
storage = "{storage}"
sql = {{ driver = "SQLite3", database = "{folder}/data/prosody.sqlite" }}
VirtualHost "{domain}"
Component "{rooms}" "muc"
modules_enabled = {{ "muc_mam" }}
muc_room_locking = false
muc_log_expires_after = "never"
"""
EJABBERD: Final = """\
hosts: ["{domain}"]
loglevel: warning
certfiles: ["{both}"]
listen:
  - {{port: {port}, ip: "127.0.0.1", module: ejabberd_c2s, starttls: true, access: all}}
auth_method: [internal]
auth_password_format: {format}
disable_sasl_mechanisms: ["digest-md5", "x-oauth2"]
modules:
  mod_roster: {{versioning: true}}
  mod_disco: {{}}
  mod_private: {{}}
  mod_vcard: {{}}
  mod_privacy: {{}}
  mod_blocking: {{}}
  mod_offline: {{access_max_user_messages: max_user_offline_messages}}
  mod_ping: {{}}
  mod_last: {{}}
  mod_caps: {{}}
  mod_pubsub: {{plugins: [flat, pep], force_node_config: {{"storage:bookmarks": {{access_model: whitelist}}}}}}
  mod_mam: {{default: always, request_activates_archiving: false}}
  mod_muc: {{host: "{rooms}", default_room_options: {{mam: true}}}}
  mod_stream_mgmt: {{}}
"""
LISTENER: Final = (
    'F = fun(G) -> case filelib:is_file("{ask}") of true -> R = (catch file:eval("{ask}")), '
    'file:write_file("{ask}.said", io_lib:format("~p", [R])), file:delete("{ask}"); false -> ok end, '
    "timer:sleep(50), G(G) end, spawn(fun() -> F(F) end)."
)
"""Has a running ejabberd do what stands in a file, as ejabberdctl would: that needs a distribution, and ports."""


class Other:
    """A server with its folder."""

    def __init__(self, folder: Path, people: int, most: str = ""):
        self.folder = folder
        self.port = free_port()
        self.town = Town(("127.0.0.1", self.port), DOMAIN, ROOMS, people, most)
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> tuple[Sequence[str], dict[str, str]]:
        """Give the command, and what is added to the environment."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it, and wait until a client can log in."""
        command, more = self.command()

        def probe() -> None:
            self.town.client(self.town.people - 1, "probe").close()

        self._process = started(command, more, self.folder, probe)

    def stop(self) -> None:
        """End it politely, so that all is in its files. Harmless the second time."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Prosody(Other):
    """Debian's Prosody, with its own files or with SQLite."""

    def __init__(
        self,
        folder: Path,
        people: int,
        storage: str = "internal",
        authentication: str = "internal_hashed",
        more: str = "",
    ):
        super().__init__(folder, people, "255")
        text = PROSODY.format(
            folder=folder,
            port=self.port,
            storage=storage,
            authentication=authentication,
            domain=DOMAIN,
            rooms=ROOMS,
            more=more,
        )
        (folder / "prosody.cfg.lua").write_text(text)
        (folder / "data").mkdir()
        for number in range(people):
            words = ["register", name_of(number), DOMAIN, password_of(number)]
            subprocess.run(
                ["prosodyctl", "--config", f"{folder}/prosody.cfg.lua", *words],
                check=True,
                capture_output=True,
            )

    @staticmethod
    def is_here() -> bool:
        """Whether it is installed."""
        return shutil.which("prosody") is not None

    @property
    def data(self) -> Path:
        """Its data folder."""
        return self.folder / "data"

    def command(self) -> tuple[Sequence[str], dict[str, str]]:
        """Run in the foreground."""
        return ["prosody", "-F", "--config", f"{self.folder}/prosody.cfg.lua"], {}


class Ejabberd(Other):
    """Debian's ejabberd, by ``erl`` directly, with Mnesia."""

    def __init__(self, folder: Path, people: int, password_format: str = "scram"):
        super().__init__(folder, people)
        authority = Authority("the authority of these tests")
        files = authority.write_host(folder, DOMAIN, is_both=True)
        both = folder / "both.pem"
        both.write_bytes(files.certificate.read_bytes() + files.key.read_bytes())
        (folder / "ca.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
        (folder / "spool").mkdir()
        text = EJABBERD.format(port=self.port, domain=DOMAIN, rooms=ROOMS, both=both, format=password_format)
        (folder / "ejabberd.yml").write_text(text)
        register = 'ejabberd_auth:try_register(<<{}>>, <<"{}">>, <<{}>>).\n'
        lines = [
            register.format(_bytes(name_of(number)), DOMAIN, _bytes(password_of(number)))
            for number in range(people)
        ]
        (folder / "seed.erl").write_text("".join(lines))

    @staticmethod
    def is_here() -> bool:
        """Whether it is installed."""
        return shutil.which("erl") is not None and _library() is not None

    def command(self) -> tuple[Sequence[str], dict[str, str]]:
        """Run the virtual machine in the foreground, and make the accounts after the start."""
        listener = LISTENER.format(ask=self.folder / "ask.erl")
        command = [
            *("erl", "-noinput", "+K", "true", "-env", "ERL_CRASH_DUMP_BYTES", "0"),
            *("-mnesia", "dir", f'"{self.folder}/spool"', "-s", "ejabberd"),
            *("-eval", f'file:eval("{self.folder}/seed.erl"). {listener}'.replace("). F", "), F")),
        ]
        return command, {
            "EJABBERD_CONFIG_PATH": f"{self.folder}/ejabberd.yml",
            "EJABBERD_LOG_PATH": f"{self.folder}/ejabberd.log",
            "ERL_LIBS": str(_library()),
            "HOME": str(self.folder),
        }

    def dump(self) -> Path:
        """Have it write what ``ejabberdctl dump`` does."""
        file = self.folder / "dump.txt"
        self._do(f'ejabberd_admin:dump_mnesia("{file}").')
        return file

    def export(self) -> Path:
        """Have it write what ``ejabberdctl export_piefxis`` does; gives the main file."""
        folder = self.folder / "piefxis"
        folder.mkdir(exist_ok=True)
        self._do(f'ejabberd_piefxis:export_server(<<"{folder}">>).')
        return min(folder.glob("*.xml"), key=lambda path: len(path.name))

    def _do(self, expression: str) -> None:
        said = self.folder / "ask.erl.said"
        said.unlink(missing_ok=True)
        partial = self.folder / "ask.part"
        partial.write_text(expression + "\n")
        partial.rename(self.folder / "ask.erl")
        deadline = time.monotonic() + START_S
        while not said.exists() or (self.folder / "ask.erl").exists():
            assert time.monotonic() < deadline, "ejabberd does not answer"
            time.sleep(0.05)
        assert said.read_text() == "ok", said.read_text()


def _bytes(text: str) -> str:
    return ",".join(map(str, text.encode()))


def _library() -> Path | None:
    return next((path.parents[1] for path in Path("/usr/lib").glob("*/ejabberd-*/ebin")), None)


def has_lua_sqlite() -> bool:
    """Whether Prosody can keep its data in SQLite here."""
    return any(Path("/usr/lib").glob("*/lua/5.*/dbd/sqlite3.so"))
