"""Where the accounts of a host are known, if not here: ``[hosts."NAME".auth_ldap]``, ``auth_http``, ``auth_oauth``."""

from typing import Annotated

from xmppd.config.fields import AfterValidator, Field, Mistake, SecretStr
from xmppd.config.section import FilePath, Section

Timeout = Annotated[float, Field(gt=0, le=60)]
CacheTime = Annotated[float, Field(ge=0, le=86_400)]


def _web_address(url: str | None) -> str | None:
    if url is not None and not url.startswith(
        ("https://", "http://127.0.0.1", "http://[::1]", "http://localhost")
    ):
        why = "what is asked there is secret, and only https keeps it so"
        raise Mistake("config.bad-value", why, "write https://…; http is for this machine alone")
    return url


def _ldap_address(url: str) -> str:
    if not url.startswith(("ldap://", "ldaps://")):
        raise Mistake(
            "config.bad-value", "this is no address of LDAP", "write ldaps://HOST or ldap://HOST:PORT"
        )
    return url


WebAddress = Annotated[str, AfterValidator(_web_address)]
OptionalWebAddress = Annotated[str | None, AfterValidator(_web_address)]


class Elsewhere(Section):
    """What every way to ask elsewhere has."""

    timeout_s: Timeout = 5.0
    """How long an answer may take."""
    cache_s: CacheTime = 60.0
    """How long it is remembered that a password or token was right; 0: not at all."""
    at_a_time: Annotated[int, Field(ge=1, le=64)] = 4
    """How many are asked about at the same time; others wait."""


class Ldap(Elsewhere):
    """``[hosts."NAME".auth_ldap]``: a directory is searched for the user, then bound to as what was found."""

    url: Annotated[str, AfterValidator(_ldap_address), Field(examples=["ldaps://directory.example.org"])]
    """``ldaps://HOST`` or ``ldap://HOST``, each with a port behind a colon where that is another."""
    start_tls: bool = True
    """Whether TLS is turned on where the address begins with ``ldap:``."""
    ca: Annotated[FilePath | None, Field(examples=["directory-ca.pem"])] = None
    """Who certifies the directory (PEM); without it the authorities that this system believes."""
    base: Annotated[str, Field(examples=["ou=people,dc=example,dc=org"])]
    """Where users are searched, such as ``ou=people,dc=example,dc=org``."""
    filter: str = "(uid={user})"
    """What finds one; ``{user}`` and ``{host}`` stand for the parts of the address."""
    bind_dn: Annotated[str | None, Field(examples=["cn=xmppd,dc=example,dc=org"])] = None
    """As whom is searched; without it anonymously."""
    password: SecretStr | None = None
    """The password for that."""
    password_file: Annotated[FilePath | None, Field(examples=["directory.secret"])] = None
    """A file with it instead, in its first line."""
    group: Annotated[str | None, Field(examples=["cn=chat,ou=groups,dc=example,dc=org"])] = None
    """The name (DN) of a group that users must be members of (``member`` or ``uniqueMember``)."""


class HttpAuth(Elsewhere):
    """``[hosts."NAME".auth_http]``: a program is asked by HTTP whether a password is right."""

    url: Annotated[WebAddress, Field(examples=["https://login.example.org/xmpp"])]
    """Where: it gets a POST with a JSON object ``{"user", "host", "password"}``, and answers with status 200 where that
    is right, 401 or 403 where it is not. Any other status means that it cannot say now."""
    token: SecretStr | None = None
    """Sent along as ``Authorization: Bearer TOKEN``, for the program to know who asks."""
    token_file: Annotated[FilePath | None, Field(examples=["login.secret"])] = None
    """A file with it instead, in its first line."""


class OAuth(Elsewhere):
    """``[hosts."NAME".auth_oauth]``: clients show a token (RFC 7628) that an authorization server has given."""

    introspection_url: Annotated[
        OptionalWebAddress, Field(examples=["https://id.example.org/introspect"])
    ] = None
    """Where the server is asked about a token (RFC 7662),"""
    client_id: str = "xmppd"
    """as whom,"""
    client_secret: SecretStr | None = None
    """and with which secret;"""
    client_secret_file: Annotated[FilePath | None, Field(examples=["oauth.secret"])] = None
    """or a file with it in its first line."""
    jwks_url: OptionalWebAddress = None
    """Or where its keys are (RFC 7517): then a token is a JWT (RFC 7519), and is looked at here."""
    issuer: Annotated[str | None, Field(examples=["https://id.example.org"])] = None
    """Who must have issued a token (``iss``); needed with jwks_url."""
    audience: Annotated[str | None, Field(examples=["xmppd"])] = None
    """For whom it must be (``aud``); needed with jwks_url."""
    username_claim: str = "preferred_username"
    """What of a token is the user's name: alone, or with the host behind an "@"."""
    scope: Annotated[str | None, Field(examples=["xmpp"])] = None
    """A scope that it must have."""
    token_bytes: Annotated[int, Field(ge=1_000, le=65_536)] = 16_384
    """The longest token that is read. So much of a message is taken before anybody has authenticated at the host."""
    discovery_url: Annotated[
        OptionalWebAddress, Field(examples=["https://id.example.org/.well-known/openid-configuration"])
    ] = None
    """What clients are told that have shown no good token (``openid-configuration``)."""
