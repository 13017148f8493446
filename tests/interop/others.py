"""Debian's Prosody and ejabberd as servers of one domain, with their configuration in a folder of the test."""

import shutil
import signal
import socket
import subprocess
from pathlib import Path

from tests.foreign import START_S, started
from tests.sockets.client import PlainClient
from tests.sockets.peers import PASSWORD, Domains, free_port

PROSODY = """\
run_as_root = true
daemonize = false
data_path = "{folder}/data"
pidfile = "{folder}/prosody.pid"
log = {{ {{ levels = {{ min = "{level}" }}, to = "file", filename = "{folder}/prosody.log" }} }}
modules_enabled = {{ "roster"; "saslauth"; "tls"; "disco"; "dialback"; "ping"; "vcard"; "version"; "s2s"; {more} }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {c2s} }}
s2s_ports = {{ {s2s} }}
s2s_direct_tls_ports = {{ {direct} }}
http_ports = {{ }}
https_ports = {{ }}
use_ipv6 = false
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
s2s_require_encryption = true
s2s_secure_auth = {secure}
authentication = "internal_plain"
storage = "internal"
unbound = {{ resolvconf = false; hoststxt = false; forward = {{ "127.0.0.1@{dns}" }};
  options = {{ ["do-not-query-localhost:"] = "no"; ["module-config:"] = "iterator" }} }}
ssl = {{ certificate = "{certificate}"; key = "{key}"; cafile = "{ca}"; capath = "{folder}/none" }}
VirtualHost "{domain}"
"""
EJABBERD = """\
hosts: ["{domain}"]
loglevel: {level}
certfiles: ["{both}"]
ca_file: "{ca}"
s2s_use_starttls: {starttls}
outgoing_s2s_timeout: 10
outgoing_s2s_families: [ipv4]
listen:
  - {{port: {c2s}, ip: "127.0.0.1", module: ejabberd_c2s, max_stanza_size: 262144, starttls: true, access: all}}
  - {{port: {s2s}, ip: "127.0.0.1", module: ejabberd_s2s_in, max_stanza_size: 524288}}
  - {{port: {direct}, ip: "127.0.0.1", module: ejabberd_s2s_in, max_stanza_size: 524288, tls: true}}
auth_method: [internal]
modules:
  mod_roster: {{}}
  mod_disco: {{}}
  mod_vcard: {{search: false}}
  mod_offline: {{}}
  mod_ping: {{}}
  mod_version: {{}}
{more}
"""


def missing(kind: "type[Other]") -> str | None:
    """Say what is not on this machine that a server needs here; None where all is."""
    if shutil.which(kind.program) is None:
        return kind.program
    return next((each for each in kind.libraries if not list(Path("/usr/lib").glob(each))), None)


class Other:
    """Another server as a process."""

    program = ""
    libraries: tuple[str, ...] = ()
    """Files below /usr/lib that it needs besides."""
    modules: tuple[str, ...] = ()
    """Modules of its own that are turned on besides the usual ones."""
    more = ""
    """What is added to its configuration, at the end."""

    def __init__(
        self,
        domains: Domains,
        domain: str,
        user: str,
        dns: int,
        *,
        is_strict: bool = True,
        others: tuple[str, ...] = (),
        level: str = "debug",
    ):
        """*dns* is the port of a name server; *is_strict*: others need certificates; *others* have accounts, too.

        *level* is that of its log.
        """
        self.users = (user, *others)
        self.level = level
        self.domains = domains
        self.domain = domain
        self.user = user
        self.jid = f"{user}@{domain}"
        self.dns = dns
        self.is_strict = is_strict
        self.client_port = free_port()
        self.folder = domains.folder / f"other-{domain}"
        self.folder.mkdir()
        self._process: subprocess.Popen[bytes] | None = None
        self.prepare()
        self.start()

    def prepare(self) -> None:
        """Write the configuration."""
        raise NotImplementedError

    def command(self) -> tuple[list[str], dict[str, str]]:
        """Give the command, and what is added to the environment."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it, and wait until a client can log in."""
        command, more = self.command()

        def probe() -> None:
            self.client("probe").close()

        self._process = started(command, more, self.folder, probe)

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def client(self, resource: str = "r") -> PlainClient:
        """Give a connected client."""
        return PlainClient(("127.0.0.1", self.client_port), f"{self.jid}/{resource}", PASSWORD)

    def signal(self, number: int) -> None:
        """Send a signal: to stop, to go on, to die."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            if number == signal.SIGKILL:
                self._process.wait()

    def wait(self) -> None:
        """Wait until it has ended by itself."""
        if self._process is not None:
            self._process.wait(START_S)

    def stop(self) -> None:
        """End it."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Prosody(Other):
    """Debian's Prosody."""

    program = "prosody"
    libraries = ("*/lua/*/lunbound.so",)  # it asks our name server by that alone

    def prepare(self) -> None:
        """Write the configuration and the account."""
        files = self.domains.certificates[self.domain]
        accounts = self.folder / "data" / self.domain.replace(".", "%2e") / "accounts"
        accounts.mkdir(parents=True)
        for user in self.users:
            (accounts / f"{user}.dat").write_text(f'return {{ ["password"] = "{PASSWORD}"; }};\n')
        text = PROSODY.format(
            folder=self.folder,
            level=self.level,
            c2s=self.client_port,
            s2s=self.domains.ports[self.domain],
            direct=self.domains.direct_ports[self.domain],
            dns=self.dns,
            secure=str(self.is_strict).lower(),
            certificate=files.certificate,
            key=files.key,
            ca=self.domains.ca,
            domain=self.domain,
            more="; ".join(f'"{each}"' for each in ("smacks", *self.modules)),
        )
        (self.folder / "prosody.cfg.lua").write_text(text + self.more)

    def command(self) -> tuple[list[str], dict[str, str]]:
        """Run in the foreground."""
        return ["prosody", "-F", "--config", f"{self.folder}/prosody.cfg.lua"], {}


class ProsodyBidi(Prosody):
    """With XEP-0288."""

    modules = ("s2s_bidi",)


class Ejabberd(Other):
    """Debian's ejabberd, by ``erl`` directly."""

    program = "ejabberdctl"

    def prepare(self) -> None:
        """Write the configuration."""
        files = self.domains.certificates[self.domain]
        both = self.folder / "both.pem"
        both.write_bytes(files.certificate.read_bytes() + files.key.read_bytes())
        (self.folder / "spool").mkdir()
        text = EJABBERD.format(
            domain=self.domain,
            both=both,
            ca=self.domains.ca,
            c2s=self.client_port,
            level={"warn": "warning"}.get(self.level, self.level),
            s2s=self.domains.ports[self.domain],
            direct=self.domains.direct_ports[self.domain],
            starttls="required",
            more="" if self.is_strict else "  mod_s2s_dialback: {access: all}",
        )
        (self.folder / "ejabberd.yml").write_text(text + self.more)
        (self.folder / "inetrc").write_text(
            f'{{resolv_conf, ""}}.\n{{hosts_file, ""}}.\n{{lookup, [dns]}}.\n'
            f"{{nameserver, {{127,0,0,1}}, {self.dns}}}.\n"
        )
        (self.folder / "seed.erl").write_text(
            "".join(
                f'ejabberd_auth:try_register(<<"{user}">>, <<"{self.domain}">>, <<"{PASSWORD}">>).\n'
                for user in self.users
            )
        )

    def command(self) -> tuple[list[str], dict[str, str]]:
        """Run the virtual machine in the foreground, and make the account after the start."""
        library = next(path.parents[1] for path in Path("/usr/lib").glob("*/ejabberd-*/ebin"))
        command = [
            *("erl", "-noinput", "+K", "true", "-env", "ERL_CRASH_DUMP_BYTES", "0"),
            *("-mnesia", "dir", f'"{self.folder}/spool"', "-s", "ejabberd"),
            *("-eval", f'file:eval("{self.folder}/seed.erl").'),
        ]
        return command, {
            "EJABBERD_CONFIG_PATH": f"{self.folder}/ejabberd.yml",
            "EJABBERD_LOG_PATH": f"{self.folder}/ejabberd.log",
            "ERL_INETRC": f"{self.folder}/inetrc",
            "ERL_LIBS": str(library),
            "HOME": str(self.folder),
        }


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
