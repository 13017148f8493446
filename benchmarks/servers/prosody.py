"""Debian's Prosody: configuration, seeds in its own file format, archive rows for the paging scenario."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from benchmarks.load.login import PASSWORD, user_name
from benchmarks.load.scram import keys_for
from benchmarks.servers.base import Profile, Server, Unsupported, debian_version, installed
from benchmarks.servers.prosody_archive import fill_archive

DRIVER = "lua-dbi-sqlite3 is not installed"
CORE = ("roster", "saslauth", "tls", "disco", "private", "blocklist", "ping", "posix")
VCARD = ("vcard",)
WEB = ("http", "bosh", "websocket")
VCARD_BY_PEP = ("pep", "vcard_legacy")
DEVICES = ("mam", "carbons", "smacks", "csi", "csi_simple")
SHIPPED = (
    *("disco", "roster", "saslauth", "tls", "blocklist", "bookmarks", "carbons", "pep", "private", "smacks"),
    *("vcard4", "vcard_legacy", "csi_simple", "invites", "invites_adhoc", "invites_register", "ping"),
    *("register", "time", "uptime", "version", "admin_adhoc", "posix", "mam"),
)
CONFIGURATION = """\
run_as_root = true
daemonize = false
network_backend = "epoll"
data_path = "{folder}/data"
pidfile = "{folder}/prosody.pid"
log = {{ {{ levels = {{ min = "warn" }}, to = "file", filename = "{folder}/prosody.log" }} }}
modules_enabled = {{ {modules} }}
modules_disabled = {{ "s2s" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
s2s_ports = {{ }}
http_ports = {{ {http} }}
http_interfaces = {{ "127.0.0.1" }}
https_ports = {{ }}
http_host = "localhost"
consider_websocket_secure = true
consider_bosh_secure = true
c2s_require_encryption = false
authentication = "internal_hashed"
storage = {storage}
sql = {{ driver = "SQLite3", database = "{folder}/data/prosody.sqlite" }}
archive_expires_after = "never"
max_archive_query_results = 50
ssl = {{ certificate = "{chain}", key = "{key}" }}
VirtualHost "localhost"
"""
ROOM_ARCHIVE = 'modules_enabled = { "muc_mam" }\nstorage = { muc_log = "sql" }\n'
ROOMS = 'Component "rooms.localhost" "muc"\nmuc_room_locking = false\n'
FILES = """\
Component "upload.localhost" "http_file_share"
http_host = "localhost"
http_external_url = "http://localhost:{port}/"
http_file_share_size_limit = 1000000000
http_file_share_daily_quota = 1000000000000
"""
NODES = 'Component "pubsub.localhost" "pubsub"\nadmins = { "u0@localhost" }\n'


class Prosody(Server):
    """Prosody as Debian packs it, rate limits off (its module ``limits`` is not loaded)."""

    name = "prosody"
    durability = "SQLite's own default (rollback journal, synchronous = FULL, one transaction a message)"
    stores: ClassVar[dict[Profile, str]] = {
        Profile.LEAN: '"internal"',
        Profile.DURABLE: '{ archive = "sql" }',
        Profile.DURABLE_FILES: '"internal"',
        Profile.SHIPPED: '"internal"',
    }

    @classmethod
    def missing(cls) -> str:
        """Say why Prosody cannot be run here."""
        return installed("prosody")

    @classmethod
    def version(cls) -> str:
        """Ask the package system; the program itself has no such option."""
        return debian_version("prosody")

    def command(self) -> Sequence[str]:
        """Run in the foreground."""
        return ["prosody", "-F", "--config", f"{self.folder}/prosody.cfg.lua"]

    def prepare(self) -> None:
        """Write the configuration, the accounts and the rosters."""
        if self.needs.profile is Profile.DURABLE and not _has_sqlite_driver():
            raise Unsupported(DRIVER)
        data = self.folder / "data"
        data.mkdir()
        (self.folder / "certs").mkdir()
        text = CONFIGURATION.format(
            folder=self.folder,
            modules="; ".join(f'"{name}"' for name in self._modules()),
            port=self.port,
            http=self.http_port if self.needs.web else "",
            storage=self.stores[self.needs.profile],
            chain=self.certificate.chain,
            key=self.certificate.key,
        )
        (self.folder / "prosody.cfg.lua").write_text(text + self._components())
        self._write_accounts(data / "localhost" / "accounts")
        if self.needs.contacts:
            self._write_rosters(data / "localhost" / "roster")
        if self.needs.archived:
            fill_archive(data / "prosody.sqlite", self.needs.archived)

    def _components(self) -> str:
        rooms = ROOMS if self.needs.rooms else ""
        if rooms and self.needs.profile is not Profile.LEAN:
            rooms += ROOM_ARCHIVE
        nodes = NODES if self.needs.nodes else ""
        return rooms + nodes + (FILES.format(port=self.http_port) if self.needs.web else "")

    def _modules(self) -> Sequence[str]:
        if self.needs.profile is Profile.SHIPPED:
            return SHIPPED
        devices = () if self.needs.profile is Profile.LEAN else DEVICES
        web = WEB if self.needs.web else ()
        return (*CORE, *web, *(VCARD_BY_PEP if self.needs.pep else VCARD), *devices)

    def _write_accounts(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        keys = keys_for(PASSWORD)
        text = (
            "return {\n"
            f'\t["iteration_count"] = {keys.iterations};\n\t["salt"] = "{keys.salt.decode()}";\n'
            f'\t["stored_key"] = "{keys.stored_key.hex()}";\n\t["server_key"] = "{keys.server_key.hex()}";\n'
            "};\n"
        )
        for number in range(self.needs.accounts):
            (folder / f"{user_name(number)}.dat").write_text(text)

    def _write_rosters(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        contacts = [user_name(number) for number in range(1, self.needs.contacts + 1)]
        (folder / f"{user_name(0)}.dat").write_text(_roster(contacts))
        for user in contacts:
            (folder / f"{user}.dat").write_text(_roster([user_name(0)]))


def _roster(users: Sequence[str]) -> str:
    items = "".join(
        f'\t["{user}@localhost"] = {{ ["subscription"] = "both"; ["groups"] = {{}}; }};\n' for user in users
    )
    return f'return {{\n\t[false] = {{ ["version"] = 1; ["pending"] = {{}}; }};\n{items}}};\n'


def _has_sqlite_driver() -> bool:
    return any(Path("/usr/lib").glob("*/lua/5.*/dbd/sqlite3.so"))
