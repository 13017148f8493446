"""Two and more servers that find each other: certificates of one authority, routes, ports that are free."""

import random
import socket
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from tests.forked import xmppctl
from tests.net.tls.authority import Authority
from tests.sockets.client import PlainClient
from tests.sockets.process import ServerProcess
from xmppd.net.tls.self_signed import to_ascii

PASSWORD = "open sesame"
_random = random.SystemRandom()


def free_port(host: str = "127.0.0.1") -> int:
    """Give a port that nobody listens on now, below those that the system gives to connections."""
    while True:
        port = _random.randint(10_000, 32_000)
        try:
            socket.create_server((host, port)).close()
        except OSError:
            continue
        return port


class Domains:
    """Domains with certificates, and the ports where their servers are."""

    def __init__(self, folder: Path, *names: str):
        self.folder = folder
        self.authority = Authority("the authority of these tests")
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(self.authority.certificate.public_bytes(Encoding.PEM))
        self.certificates = {
            name: self.authority.write_host(folder, name, to_ascii(name), is_both=True) for name in names
        }
        self.ports = {name: free_port() for name in names}
        self.direct_ports = {name: free_port() for name in names}

    def certify(self, name: str, authority: Authority, *names: str, days: int = 90) -> None:
        """Give a domain another certificate, which lasts so many days."""
        self.certificates[name] = authority.write_host(self.folder, name, *names, is_both=True, days=days)


class XmppdPeer:
    """xmppd as the server of one domain."""

    def __init__(
        self,
        domains: Domains,
        domain: str,
        user: str,
        options: str = "",
        direct: tuple[str, ...] = (),
        *,
        is_routed: bool = True,
        others: tuple[str, ...] = (),
    ):
        """*options* go into ``[s2s]``; *direct* are the domains that are reached with direct TLS.

        Without routes DNS is asked. *others* have accounts, too.
        """
        self._others = others
        self._is_routed = is_routed
        self.domains = domains
        self.domain = domain
        self.jid = f"{user}@{domain}"
        self._options = options
        self._direct = direct
        self.folder = domains.folder / f"xmppd-{domain}"
        self.folder.mkdir(exist_ok=True)
        self._process: ServerProcess | None = None
        self.start()

    def start(self) -> None:
        """Start it, or start it again with its data."""
        if not (self.folder / "data").exists():
            self._add_account()
        self._process = ServerProcess(self.folder, self._text())

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    @property
    def client_port(self) -> int:
        """Where clients connect."""
        assert self._process is not None
        return self._process.ports["STARTTLS"]

    def client(self, resource: str = "r") -> PlainClient:
        """Give a connected client."""
        return PlainClient(("127.0.0.1", self.client_port), f"{self.jid}/{resource}", PASSWORD)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()

    @property
    def log(self) -> str:
        """What it has written."""
        assert self._process is not None
        return self._process.output.read_text()

    def _add_account(self) -> None:
        config, listed = self.folder / "accounts.toml", self.folder / "accounts"
        config.write_text(f'data_dir = "{self.folder / "data"}"\n[hosts."{self.domain}"]\n')
        jids = [self.jid, *(f"{other}@{self.domain}" for other in self._others)]
        listed.write_text("".join(f"{jid}\t{PASSWORD}\n" for jid in jids))
        xmppctl("--config", config, "user", "import", listed, folder=self.folder).check_returncode()

    def _route(self, name: str) -> str:
        is_direct = name in self._direct
        port = self.domains.direct_ports[name] if is_direct else self.domains.ports[name]
        return f'[s2s.domains."{name}"]\nroute = "127.0.0.1:{port}"\ndirect_tls = {str(is_direct).lower()}\n'

    def _text(self) -> str:
        domains, files = self.domains, self.domains.certificates[self.domain]
        routes = "".join(
            self._route(name) for name in domains.ports if self._is_routed and name != self.domain
        )
        return (
            "require_tls = false\nallow_plain_without_tls = true\n"
            f'[s2s]\nlisten = ["127.0.0.1:{domains.ports[self.domain]}"]\n'
            f'direct_tls_listen = ["127.0.0.1:{domains.direct_ports[self.domain]}"]\n'
            f'ca = "{domains.ca}"\nretry_min_s = 0.5\nretry_max_s = 1.0\n{self._options}\n{routes}'
            f'[hosts."{self.domain}"]\ncertificate = "{files.certificate}"\nkey = "{files.key}"\n'
        )
