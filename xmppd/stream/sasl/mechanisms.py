"""Which mechanisms a client is offered and how each is made, as one table (RFC 6120 6.3.3)."""

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from xmppd.stream.sasl.anonymous import Anonymous
from xmppd.stream.sasl.credentials import HASHES, ITERATIONS
from xmppd.stream.sasl.external import External, ours
from xmppd.stream.sasl.oauthbearer import NAME as OAUTHBEARER
from xmppd.stream.sasl.oauthbearer import OAuthBearer
from xmppd.stream.sasl.plain import Plain
from xmppd.stream.sasl.realm import Realm
from xmppd.stream.sasl.scram import ChannelBinding, Decoys, Scram
from xmppd.stream.sasl.steps import Mechanism, SaslError

_NONCE_BYTES: Final = 24


def new_nonce() -> str:
    """192 random bits in characters that SCRAM allows."""
    return secrets.token_urlsafe(_NONCE_BYTES)


@dataclass(frozen=True, slots=True)
class SaslContext:
    """What offering and making mechanisms depends on, for one stream of one host."""

    host: str
    prepare: Callable[[str], str]
    """JID text → its prepared text, resourcepart included; ValueError if it is none."""
    decoy_secret: bytes = field(repr=False)
    """The same as long as the accounts of the host are."""
    is_tls: bool = False
    allow_plain_without_tls: bool = False
    is_anonymous: bool = False
    """Whether the host takes anonymous users, and no others."""
    takes_tokens: bool = False
    """Whether clients show tokens of OAuth, and no passwords."""
    token_bytes: int = 0
    """How long their tokens may be."""
    token_hints: Mapping[str, str] = field(default_factory=dict)
    """What is told to who has shown no good token (RFC 7628 3.2.2)."""
    hashes: Collection[str] = HASHES
    """For which hashes the accounts of the host have keys."""
    channel_bindings: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Type → data of this connection (RFC 9266 tls-exporter, RFC 5929 tls-server-end-point)."""
    certified: Collection[str] = ()
    """The prepared bare JIDs in the client's certificate, once that was verified."""
    decoy_iterations: int = ITERATIONS
    downgrade: str | None = None
    """`downgrade_text` of what was announced, if XEP-0474's hash is to be sent."""
    nonce: Callable[[], str] = new_nonce

    @property
    def realm(self) -> Realm:
        """The accounts of the host."""
        return Realm(self.host, self.prepare)


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    is_fit: Callable[[SaslContext], bool]
    make: Callable[[SaslContext], Mechanism]


def offer(context: SaslContext) -> list[str]:
    """The names of the mechanisms to announce, the strongest first."""
    return [row.name for row in MECHANISMS if row.is_fit(context)]


def make(name: str, context: SaslContext) -> Mechanism:
    """A new exchange by the mechanism *name*.

    SaslError if it is not offered: encryption-required for one that would be under TLS, else invalid-mechanism
    (RFC 6120 6.5.4, 6.5.7).
    """
    for row in MECHANISMS:
        if row.name == name and row.is_fit(context):
            return row.make(context)
    if any(row.name == name and row.is_fit(replace(context, is_tls=True)) for row in MECHANISMS):
        raise SaslError("encryption-required")
    raise SaslError("invalid-mechanism")


def _is_certified(context: SaslContext) -> bool:
    return context.is_tls and not context.is_anonymous and bool(ours(context.realm, context.certified))


def _has_keys(hash_name: str, context: SaslContext) -> bool:
    return hash_name in context.hashes and not context.is_anonymous


def _may_bind(hash_name: str, context: SaslContext) -> bool:
    return bool(context.channel_bindings) and _has_keys(hash_name, context)


def _may_send_password(context: SaslContext) -> bool:
    may_send = context.is_tls or context.allow_plain_without_tls
    return may_send and not context.is_anonymous and not context.takes_tokens


def _may_send_token(context: SaslContext) -> bool:
    """RFC 7628 5, RFC 6750 5.3: under TLS, in any case."""
    return context.is_tls and context.takes_tokens


def _scram(hash_name: str, is_plus: bool, context: SaslContext) -> Mechanism:
    bindings = context.channel_bindings
    return Scram(
        hash_name,
        context.realm,
        Decoys(context.decoy_secret, context.decoy_iterations),
        nonce=context.nonce,
        binding=ChannelBinding(bindings, is_used=is_plus, is_offered=bool(bindings)),
        downgrade=context.downgrade,
    )


def _bearer(context: SaslContext) -> Mechanism:
    return OAuthBearer(context.realm, context.token_hints, context.token_bytes)


MECHANISMS: Final = (
    _Row("EXTERNAL", _is_certified, lambda context: External(context.realm, context.certified)),
    *(_Row(f"SCRAM-{name}-PLUS", partial(_may_bind, name), partial(_scram, name, True)) for name in HASHES),
    *(_Row(f"SCRAM-{name}", partial(_has_keys, name), partial(_scram, name, False)) for name in HASHES),
    _Row(OAUTHBEARER, _may_send_token, _bearer),
    _Row("PLAIN", _may_send_password, lambda context: Plain(context.realm)),
    _Row("ANONYMOUS", lambda context: context.is_anonymous, lambda context: Anonymous()),
)
"""The strongest first."""
