"""Every option of the configuration file with its type, its default and what it is for.

The docstring below a field is its description. ``etc/xmppd.toml`` shows all of them.
"""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from xmppd.config.bytestreams import Bytestreams
from xmppd.config.elsewhere import Elsewhere, HttpAuth, Ldap, OAuth
from xmppd.config.fields import AfterValidator, Field, Mistake, SecretStr
from xmppd.config.http import Http, WebAddress
from xmppd.config.kinds import DomainKind
from xmppd.config.limits import Limits
from xmppd.config.s2s import S2s
from xmppd.config.section import (
    Accounts,
    Address,
    DataPath,
    FilePath,
    Listeners,
    Networks,
    Section,
    ServerWide,
)

STORAGE_SCHEMES = ("sqlite", "memory")
SCHEMES_WITHOUT_PLACE = ("memory",)


def _storage_url(url: str) -> str:
    scheme, colon, location = url.partition(":")
    if not colon or scheme not in STORAGE_SCHEMES:
        why = f"there is no storage of the kind '{scheme}'"
        raise Mistake("config.bad-storage", why, 'write "sqlite:FILE" or "memory:"')
    if bool(location) == (scheme in SCHEMES_WITHOUT_PLACE):
        why = f"{scheme}: takes no file" if location else "the file is missing"
        raise Mistake("config.bad-storage", why, 'write "sqlite:xmppd.sqlite" or "memory:"')
    return url


def _secret(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None and not secret.get_secret_value():
        raise Mistake(
            "config.bad-value", "with an empty secret anybody is the service", "write a long random text"
        )
    return secret


RoleName = Literal["guest", "registered", "member", "admin", "operator"]


class Tls(Section):
    """``[tls]``: certificates and what is negotiated with them."""

    certificates: Annotated[FilePath | None, ServerWide, Field(examples=["certificates"])] = None
    """A folder that is searched for each domain's certificate and key by its name."""
    min_version: Literal["1.2", "1.3"] = "1.2"
    """The oldest version of TLS that is spoken."""
    ciphers: str = "ECDHE+AESGCM:ECDHE+CHACHA20"
    """What TLS 1.2 may use, in the words of OpenSSL; TLS 1.3 has good ones only."""
    tell_admins: bool = True
    """Whether the admins of a domain are told by message, too, that its certificate ends."""


class C2s(Section):
    """``[c2s]``: connections from clients."""

    listen: Annotated[Listeners, ServerWide] = (Address("127.0.0.1", 5222), Address("::1", 5222))
    """Addresses for clients that begin without TLS and turn it on (STARTTLS)."""
    direct_tls_listen: Annotated[Listeners, ServerWide] = (Address("127.0.0.1", 5223), Address("::1", 5223))
    """Addresses for clients that begin with TLS (XEP-0368)."""
    proxy_protocol_from: Annotated[Networks, ServerWide] = ()
    """Load balancers whose connections begin with a PROXY protocol header: addresses and networks of them."""
    require_tls: bool = True
    """Whether a client must turn on TLS before it may authenticate."""
    allow_plain_without_tls: bool = False
    """Whether passwords may cross the wire in the clear (SASL PLAIN without TLS)."""
    resource_conflict: Literal["replace", "refuse", "rename"] = "replace"
    """What a client gets that asks for a resource in use: the older session is closed, it is refused,
    or it gets another name."""


class Storage(Section):
    """``[storage]``: where the data are kept, and how safely."""

    url: Annotated[str, AfterValidator(_storage_url)] = "sqlite:xmppd.sqlite"
    """``sqlite:FILE``, a relative one in the data folder, or ``memory:``, which forgets all at the end."""
    durability: Literal["power", "process"] = "power"
    """What acknowledged data survive: a power cut (each commit waits for the disk), or the end of the
    process only."""


class Log(Section):
    """``[log]``: what is told, how, and where."""

    level: Literal["debug", "info", "warn", "error"] = "info"
    """The least important kind of line that is written."""
    format: Literal["line", "json", "journald"] = "line"
    """Lines for people, a JSON object a line, or fields for systemd's journal."""
    file: Annotated[FilePath | None, Field(examples=["/var/log/xmppd/xmppd.log"])] = None
    """The file that is written to; without it the terminal or what twistd was told."""


class Metrics(Section):
    """``[metrics]``: where monitoring systems look; it needs the library prometheus-client."""

    listen: Listeners = ()
    """Addresses of a small site with ``/metrics`` for Prometheus, ``/health/live`` and ``/health/ready``; it has no TLS
    and asks nobody who they are. Nothing is listened on without any."""


class Net(Section):
    """``[net]``: which code moves the bytes. The defaults are the fast ones, Twisted's own are the fallback."""

    transport: Literal["xmppd", "twisted"] = "xmppd"
    """The transport of connections."""
    reactor: Literal["xmppd", "default"] = "xmppd"
    """The event loop."""


class ModuleTable(Section, is_open=True):
    """``[modules.NAME]``: whether a module runs; its own options are checked by the module's model."""

    enabled: bool | None = None
    """Whether the module runs; without it the module's own default holds."""


class ServerOptions(Section):
    """The top of the file: everything but the tables of hosts and components."""

    data_dir: Annotated[DataPath, Field(examples=["xmppd-data"])]
    """The folder of the data; by default ``$XMPPD_DATA``, else ``xmppd-data`` in the working folder."""
    admins: Annotated[Accounts, Field(examples=[("admin@example.org",)])] = ()
    """Accounts that may administer the server over XMPP, and every domain: its operators."""
    members: Annotated[Accounts, Field(examples=[("friend@example.org",)])] = ()
    """Accounts that are trusted with more than others, where a domain does not name its own."""
    rights: Annotated[dict[str, RoleName], Field(examples=[{"user.add": "member"}])] = {}
    """Which role an operation needs over XMPP, such as "user.add" = "member" or "room.*" = "operator"."""
    tls: Tls = Tls()
    """Certificates and TLS."""
    c2s: C2s = C2s()
    """Connections from clients."""
    s2s: S2s = S2s()
    """Connections to and from other servers."""
    http: Http = Http()
    """Web clients, and what others fetch by HTTP."""
    storage: Storage = Storage()
    """Where the data are kept."""
    log: Log = Log()
    """What is told, how, and where."""
    bytestreams: Bytestreams = Bytestreams()
    """Where file transfers are relayed."""
    metrics: Metrics = Metrics()
    """Where monitoring systems look."""
    net: Net = Net()
    """Which code moves the bytes."""
    limits: Limits = Limits()
    """What a peer may cost."""
    modules: dict[str, ModuleTable] = {}
    """The modules that are turned on or off, or have options."""


class DomainOptions(Section):
    """What the tables of hosts and of components have in common."""

    enabled: bool = True
    """Whether the domain is served; its data stay where it is not."""
    certificate: Annotated[FilePath | None, Field(examples=["certificates/example.org/fullchain.pem"])] = None
    """The certificate with its chain (PEM); without it ``tls.certificates`` is searched."""
    key: Annotated[FilePath | None, Field(examples=["certificates/example.org/privkey.pem"])] = None
    """The private key (PEM); without it the certificate's file holds it."""
    admins: Annotated[Accounts, Field(examples=[("admin@example.org",)])] = ()
    """Accounts that may administer this domain over XMPP, besides the operators of the server."""
    members: Annotated[Accounts, Field(examples=[("friend@example.org",)])] = ()
    """Accounts that are trusted with more than others here."""
    rights: dict[str, RoleName] = {}
    """Which role an operation needs here over XMPP, such as "user.add" = "member" or "room.*" = "operator"."""
    external_url: Annotated[WebAddress | None, Field(examples=["https://chat.example.org"])] = None
    """Where the web side of this domain is reached from outside, instead of ``http.external_url``."""
    tls: Tls = Tls()
    """Certificates and TLS."""
    limits: Limits = Limits()
    """What a peer may cost."""
    modules: dict[str, ModuleTable] = {}
    """The modules that are turned on or off, or have options."""

    @property
    def certificate_files(self) -> tuple[Path, Path] | None:
        """The files (certificate, key) that the domain's table names; None where it names none."""
        if self.certificate is None:
            return None
        return self.certificate, self.key or self.certificate


class HostOptions(DomainOptions):
    """``[hosts."NAME"]``: one domain with accounts. Any section but storage, log and net may be overridden in it."""

    auth: Literal["internal", "anonymous", "ldap", "http", "oauth"] = "internal"
    """Who comes in: accounts of this server, anybody without an account (SASL ANONYMOUS), or who is known to a
    directory, to a program, or to an authorization server; the table auth_ldap, auth_http or auth_oauth says where
    that is."""
    auth_ldap: Ldap | None = None
    """The directory."""
    auth_http: HttpAuth | None = None
    """The program that is asked by HTTP."""
    auth_oauth: OAuth | None = None
    """The authorization server."""
    client_certificates: bool = False
    """Whether clients are asked for certificates to authenticate with (SASL EXTERNAL)."""
    client_ca: Annotated[FilePath | None, Field(examples=["certificates/client-issuers.pem"])] = None
    """The issuers of such certificates (PEM); one signed by any other lets nobody in."""
    c2s: C2s = C2s()
    """Connections from clients."""

    @property
    def is_of_guests(self) -> bool:
        """Whether nobody has an account."""
        return self.auth == "anonymous"

    @property
    def asked_elsewhere(self) -> Elsewhere | None:
        """What holds of who is asked elsewhere; None where nobody is."""
        return {"ldap": self.auth_ldap, "http": self.auth_http, "oauth": self.auth_oauth}.get(self.auth)

    @property
    def token_bytes(self) -> int:
        """How long a client's token may be; 0 where none is shown."""
        return self.auth_oauth.token_bytes if self.auth == "oauth" and self.auth_oauth is not None else 0


class ComponentOptions(DomainOptions):
    """``[components."NAME"]``: a service with a domain name of its own, inside this server or outside."""

    module: Annotated[str | None, Field(examples=["muc"])] = None
    """The module of this server that is the service."""
    secret: Annotated[SecretStr | None, AfterValidator(_secret), Field(examples=["a long random text"])] = (
        None
    )
    """What a program from outside shows when it connects as the service (XEP-0114)."""
    secret_file: Annotated[FilePath | None, Field(examples=["news.secret"])] = None
    """A file with the secret instead, in its first line."""
    connection_of: Annotated[str | None, Field(examples=["gateway.example.org"])] = None
    """Another component, of whose program this is one name more: it has no connection of its own."""
    conflict: Literal["replace", "refuse"] = "replace"
    """What becomes of a second connection as the same service: it replaces the first, or is refused."""
    queue: bool = False
    """Whether messages are kept until the program has read them, in place of an error where it is away."""
    host: Annotated[str | None, Field(examples=["example.org"])] = None
    """The host that shows the service among its own; without it the one whose name is the end of the service's."""


class HostSettings(ComponentOptions, HostOptions):
    """What holds for one domain of any kind: the server's options overlaid with those of its own table.

    What only the tables of the other kinds have is at its default.
    """

    name: str
    """The domain, prepared."""
    kind: DomainKind = DomainKind.ACCOUNTS
    """What stands behind the name."""


class Components(Section, is_open=True):
    """``[components]``: where programs connect that are a service, and below it a table for each service."""

    others: ClassVar = dict[str, ComponentOptions]
    """What the keys are that are no options."""

    listen: Listeners = (Address("127.0.0.1", 5347),)
    """Addresses for such programs (XEP-0114)."""


class Document(ServerOptions):
    """The file as a whole, as it is written: for looking up which keys there are."""

    hosts: dict[str, HostOptions] = {}
    """The served domains by name."""
    components: Components = Components()
    """The services with a domain name of their own."""
