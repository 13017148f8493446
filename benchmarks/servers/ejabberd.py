"""Debian's ejabberd: run by ``erl`` directly, without distribution; accounts and rosters seeded into Mnesia."""

import base64
from collections.abc import Sequence
from pathlib import Path

from benchmarks.load.login import PASSWORD
from benchmarks.load.scram import keys_for
from benchmarks.servers.base import Profile, Server, Unsupported, debian_version, installed
from benchmarks.servers.ejabberd_archive import fill_archive, has_archive

LIBRARIES = Path("/usr/lib")
CONFIGURATION = """\
hosts: [localhost]
loglevel: warning
certfiles: ["{certificate}"]
listen:
  - port: {port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    max_stanza_size: 262144
    backlog: 1024
    starttls: true
    access: all
{web}auth_method: [internal]
auth_password_format: scram
disable_sasl_mechanisms: ["digest-md5", "x-oauth2"]
max_fsm_queue: 200000
{database}
shaper_rules:
  max_user_sessions: 10
  max_user_offline_messages: 1000
modules:
  mod_roster: {{versioning: true}}
  mod_disco: {{}}
  mod_private: {{}}
  mod_vcard: {{search: false}}
  mod_privacy: {{}}
  mod_blocking: {{}}
  mod_offline: {{}}
  mod_ping: {{}}
  mod_version: {{}}
{modules}
"""
WEB = """\
  - port: {port}
    ip: "127.0.0.1"
    module: ejabberd_http
    request_handlers:
      /xmpp-websocket: ejabberd_http_ws
      /http-bind: mod_bosh
      /upload: mod_http_upload
"""
WEB_MODULES = """\
  mod_bosh: {{}}
  mod_http_upload:
    host: upload.localhost
    put_url: "http://localhost:{port}/upload"
    docroot: "{folder}/upload"
    max_size: 1000000000
    access: all
"""
SQL = 'sql_type: sqlite\nsql_database: "{folder}/archive.sqlite"\n'
PEP = "  mod_caps: {}\n  mod_pubsub: {plugins: [flat, pep]}\n"
ROOMS = "  mod_muc:\n    host: rooms.localhost\n    max_users: 20000\n    max_users_presence: 20000\n"
ROOM_OPTIONS = "    default_room_options: {mam: %s, max_users: 20000}\n"
DEVICES = (
    "  mod_carboncopy: {}\n  mod_client_state: {}\n  mod_stream_mgmt: {resend_on_timeout: if_offline}\n"
    "  mod_mam: {default: always, request_activates_archiving: false, db_type: %s}\n"
)
SHIPPED = PEP + (
    "  mod_adhoc: {}\n  mod_admin_extra: {}\n  mod_announce: {}\n  mod_avatar: {}\n  mod_configure: {}\n"
    "  mod_http_api: {}\n  mod_last: {}\n  mod_muc: {default_room_options: {mam: true}}\n  mod_muc_admin: {}\n"
    "  mod_push: {}\n  mod_push_keepalive: {}\n  mod_s2s_dialback: {}\n  mod_shared_roster: {}\n  mod_sic: {}\n"
    "  mod_vcard_xupdate: {}\n"
)
SEED = """\
Keys = {{scram, <<"{stored}">>, <<"{server}">>, <<"{salt}">>, sha, {iterations}}},
Name = fun(N) -> <<"u", (integer_to_binary(N))/binary>> end,
Item = fun(U, C) ->
    Jid = {{C, <<"localhost">>, <<>>}},
    mnesia:dirty_write({{roster, {{U, <<"localhost">>, Jid}}, {{U, <<"localhost">>}}, Jid, <<>>, both, none,
                        [], <<>>, []}}) end,
lists:foreach(fun(N) -> mnesia:dirty_write({{passwd, {{Name(N), <<"localhost">>}}, Keys}}) end,
              lists:seq(0, {accounts} - 1)),
lists:foreach(fun(N) -> Item(Name(0), Name(N)), Item(Name(N), Name(0)) end, lists:seq(1, {contacts})),
{touch}ok = file:write_file("{marker}", <<"done">>).
"""
TOUCH = 'ejabberd_sql:sql_query(<<"localhost">>, <<"SELECT 1">>),\n'
"""The first query makes the tables."""


class Ejabberd(Server):
    """ejabberd as Debian packs it, without shapers; Erlang flags as its ``ejabberdctl`` gives them."""

    name = "ejabberd"
    durability = "SQLite's own default (rollback journal, synchronous = FULL, one transaction a message)"

    @classmethod
    def missing(cls) -> str:
        """Say why ejabberd cannot be run here."""
        return installed("erl") or ("" if _library_folder() else "ejabberd is not installed")

    @classmethod
    def version(cls) -> str:
        """Ask the package system."""
        return debian_version("ejabberd")

    def command(self) -> Sequence[str]:
        """Run the virtual machine in the foreground, seeding after the start."""
        return [
            *("erl", "-noinput", "+K", "true", "+P", "250000", "-env", "ERL_CRASH_DUMP_BYTES", "0"),
            *("-mnesia", "dir", f'"{self.folder}/spool"', "-s", "ejabberd"),
            *("-eval", f'ok = file:eval("{self.folder}/seed.erl").'),
        ]

    def environment(self) -> dict[str, str]:
        """Tell where the configuration is and where logs go."""
        return {
            "EJABBERD_CONFIG_PATH": f"{self.folder}/ejabberd.yml",
            "EJABBERD_LOG_PATH": f"{self.folder}/ejabberd.log",
            "ERL_LIBS": str(_library_folder()),
            "ERL_MAX_PORTS": "32000",
            "HOME": str(self.folder),
        }

    def prepare(self) -> None:
        """Write the configuration and the seeding expressions."""
        profile = self.needs.profile
        if profile is Profile.DURABLE and not _has_sqlite_driver():
            raise Unsupported("erlang-p1-sqlite3 is not installed")
        if profile is Profile.DURABLE_FILES:
            raise Unsupported("its own files (Mnesia) are not durable at each message")
        (self.folder / "spool").mkdir()
        text = CONFIGURATION.format(
            certificate=self.certificate.both,
            port=self.port,
            web=WEB.format(port=self.http_port) if self.needs.web else "",
            database=SQL.format(folder=self.folder) if profile is Profile.DURABLE else "",
            modules=self._modules(),
        )
        (self.folder / "ejabberd.yml").write_text(text)
        (self.folder / "seed.erl").write_text(self._seed())

    def is_seeded(self) -> bool:
        """Whether the seeding has come to its end."""
        is_ready = self.needs.profile is not Profile.DURABLE or has_archive(self._archive())
        return is_ready and self._marker().exists()

    def after_start(self) -> None:
        """Fill the archive, whose tables the server has made by now."""
        if self.needs.archived:
            fill_archive(self._archive(), self.needs.archived)

    def _archive(self) -> Path:
        return self.folder / "archive.sqlite"

    def _marker(self) -> Path:
        return self.folder / "seeded"

    def _modules(self) -> str:
        profile = self.needs.profile
        modules = (
            DEVICES % ("sql" if profile is Profile.DURABLE else "mnesia")
            if profile is not Profile.LEAN
            else ""
        )
        if self.needs.web:
            modules += WEB_MODULES.format(port=self.http_port, folder=self.folder)
        if profile is Profile.SHIPPED:
            return modules + SHIPPED
        is_archived = "false" if profile is Profile.LEAN else "true"
        rooms = ROOMS + ROOM_OPTIONS % is_archived if self.needs.rooms else ""
        return modules + (PEP if self.needs.pep else "") + rooms

    def _seed(self) -> str:
        keys = keys_for(PASSWORD)
        return SEED.format(
            stored=_base64(keys.stored_key),
            server=_base64(keys.server_key),
            salt=_base64(keys.salt),
            iterations=keys.iterations,
            accounts=self.needs.accounts,
            contacts=self.needs.contacts,
            touch=TOUCH if self.needs.profile is Profile.DURABLE else "",
            marker=self._marker(),
        )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _library_folder() -> Path | None:
    return next((path.parents[1] for path in LIBRARIES.glob("*/ejabberd-*/ebin")), None)


def _has_sqlite_driver() -> bool:
    folders = (Path("/usr/lib/erlang/lib"), *LIBRARIES.glob("*-linux-gnu"))
    return any(any(folder.glob("*sqlite3-*/ebin/sqlite3.beam")) for folder in folders)
