"""External Service Discovery: XEP-0215 1.0.0: relays for calls above all (STUN, TURN), for the users of a host.

A relay that shares a secret with this server, as coturn with ``use-auth-secret`` and ``static-auth-secret``, lets in
whoever shows credentials that are made of it and end after a while (TURN REST API 2.2)::

    [modules.external_services.services.relay]
    type = "turn"
    host = "turn.example.org"
    secret_file = "turn.secret"

Who has asked is told of what a reload changes (3.2), as long as it is there, and available.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha1, sha256
from hmac import new as new_hmac
from itertools import count
from pathlib import Path
from typing import Annotated, Final, Literal

from twisted.logger import Logger

from xmppd.config.fields import Field, Mistake, SecretStr
from xmppd.config.section import FilePath
from xmppd.core.attachment import Attachment
from xmppd.core.events import IQRequest
from xmppd.core.module import XEP, Module, Options, iq, on
from xmppd.core.session import Session
from xmppd.services.discovery.commands import is_user
from xmppd.services.discovery.disco import HOST_INFO, Info
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.stamps import stamp_of
from xmppd.stanza.stanza import Stanza

NS: Final = "urn:xmpp:extdisco:2"
HOUR_S: Final = 3_600
PORTS: Final[Mapping[str, int]] = {"stun": 3478, "turn": 3478, "stuns": 5349, "turns": 5349}
OVER_TLS: Final = ("stuns", "turns")


class ExternalService(Options):
    """``[modules.external_services.services.NAME]``."""

    type: Annotated[str, Field(min_length=1, max_length=64)]
    """What it is: "stun", "turn", "stuns", "turns", or another kind that clients know."""
    host: Annotated[str, Field(min_length=1, max_length=255)]
    """Its name, or its IP address."""
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    """Its port; without it the one that is usual for its type."""
    transport: Literal["udp", "tcp"] | None = None
    """What it is reached by; without it UDP, and TCP under TLS."""
    secret: SecretStr | None = None
    """What this server and the service share; credentials are made of it."""
    secret_file: FilePath | None = None
    """A file with the secret instead, in its first line."""
    hours: Annotated[float, Field(gt=0, le=8_760)] = 24.0
    """Such credentials end after so many hours."""
    username: str | None = None
    """A name that all users have there, instead of a secret."""
    password: SecretStr | None = None
    """The password that belongs to it."""

    def check_whole(self) -> None:
        """One secret, or one name with its password."""
        if self.secret is not None and self.secret_file is not None:
            raise Mistake(
                "config.conflicting-keys", "secret and secret_file are two secrets", "remove one of the two"
            )
        if self.username is not None and (self.secret is not None or self.secret_file is not None):
            why = "a secret makes names of its own, and username is one that all have"
            raise Mistake("config.conflicting-keys", why, "remove one of the two")
        if (self.username is None) != (self.password is None):
            raise Mistake("config.missing-key", "username and password belong together", "add the other one")

    @property
    def secret_bytes(self) -> bytes | None:
        """The secret; None without one. Raises OSError for a file that cannot be read."""
        if self.secret_file is not None:
            return Path(self.secret_file).read_bytes().partition(b"\n")[0].strip()
        return None if self.secret is None else self.secret.get_secret_value().encode()


_EXAMPLE: Final = {
    "type": "turn",
    "host": "turn.example.org",
    "port": 3_478,
    "transport": "udp",
    "secret_file": "turn.secret",
}


class ExternalServicesOptions(Options):
    """``[modules.external_services]``."""

    services: Annotated[dict[str, ExternalService], Field(examples=[{"relay": _EXAMPLE}])] = {}
    """The services, each under a name for people."""


Known = tuple[str, ExternalService, bytes | None]
Place = tuple[str, str, int | None]
"""Host, type and port: what tells one service from another."""
TOLD: Final[Attachment[tuple[str | None, dict[Place, bytes]]]] = Attachment("external services")
"""What a client has asked for, and has been told."""


class ExternalServices(Module):
    """Tells users of relays and the like, with credentials."""

    name = "external_services"
    summary = "External Service Discovery"
    xep = XEP(215, "1.0.0")
    options = ExternalServicesOptions
    opt: ExternalServicesOptions
    _log = Logger()

    def start(self) -> None:
        """Read the secrets; a service whose secret cannot be read is not told of."""
        self._ids = count(1)
        self._known: list[Known] = []
        for name, service in self.opt.services.items():
            try:
                self._known.append((name, service, service.secret_bytes))
            except OSError as error:
                words = "The secret of the external service {name} cannot be read: {error}"
                self._log.error(words, name=name, error=str(error))
        for session in self.api.registry:
            if session.host == self.api.host.name and session.presence is not None:
                self._push(session)

    @on(HOST_INFO)
    def on_host_info(self, info: Info) -> None:
        """XEP-0215 5: where there is nothing to tell, it is as if nobody knew how to ask."""
        if self._known:
            info.features.add(NS)

    @iq("get", NS, "services")
    def on_services(self, request: IQRequest) -> Element:
        """All services, or those of a type (3.1, 3.2)."""
        self._check(request)
        wanted = request.payload.get("type")
        known = self._of_type(wanted)
        if request.origin is not None:
            request.origin.attach(TOLD, (wanted, _marks(known)))
        found = [self._shown(each, request.sender) for each in known]
        return _services(wanted, found)

    def _of_type(self, wanted: str | None) -> list[Known]:
        return [each for each in self._known if wanted in (None, each[1].type)]

    def _push(self, session: Session) -> None:
        """Tell who has asked what is other than it was then (3.2)."""
        told, jid = session.attached(TOLD), session.jid
        if told is None or jid is None:
            return
        wanted, before = told
        known = self._of_type(wanted)
        now = _marks(known)
        changed = [
            (each, "modify" if _place(each) in before else "add")
            for each in known
            if before.get(_place(each)) != now[_place(each)]
        ]
        found = [self._shown(each, jid, action) for each, action in changed]
        found += [_removed(place) for place in before if place not in now]
        session.attach(TOLD, (wanted, now))
        if found:
            payload, host = _services(wanted, found), self.api.host.name
            id = f"extdisco-{next(self._ids)}"
            session.send(Stanza.make("iq", payload, to=jid.full, from_=host, id=id, type="set"))

    @iq("get", NS, "credentials")
    def on_credentials(self, request: IQRequest) -> Element:
        """Credentials for services that the client knows of (3.3)."""
        self._check(request)
        asked = request.payload.child("service")
        host, type = (asked.get("host"), asked.get("type")) if asked is not None else (None, None)
        if asked is None or not host or not type:
            raise StanzaError("bad-request", "Host and type of a service are needed")
        port = asked.get("port")
        found = [
            self._shown(each, request.sender)
            for each in self._known
            if (each[1].host, each[1].type) == (host, type)
            and port in (None, str(_port(each[1])))
            and (each[2] is not None or each[1].username is not None)
        ]
        if not found:
            raise StanzaError("item-not-found", "There are no credentials for such a service")
        return Element("credentials", NS, None, [*found])

    def _check(self, request: IQRequest) -> None:
        """Users of this host alone have a call to make by its relays."""
        if not self._known:
            raise StanzaError("service-unavailable")
        if not is_user(self.api.host, request.sender):
            raise StanzaError("forbidden", type="auth")

    def _shown(self, known: Known, user: JID, action: str | None = None) -> Element:
        name, service, secret = known
        transport = service.transport or ("tcp" if service.type in OVER_TLS else "udp")
        attrs = {"host": service.host, "type": service.type, "transport": transport, "name": name}
        port = _port(service)
        if port is not None:
            attrs["port"] = str(port)
        if secret is not None:
            ends_at = int(self.api.now() + service.hours * HOUR_S)
            username, password = credentials(secret, ends_at, user.localpart or "")
            attrs |= {"username": username, "password": password, "expires": stamp_of(ends_at)}
            attrs["restricted"] = "true"
        elif service.username is not None and service.password is not None:
            attrs |= {"username": service.username, "password": service.password.get_secret_value()}
            attrs["restricted"] = "true"
        return Element("service", NS, attrs if action is None else {"action": action, **attrs})


def credentials(secret: bytes, ends_at: int, user: str) -> tuple[str, str]:
    """Give name and password that *user* has at a TURN server until *ends_at* (TURN REST API 2.2; coturn)."""
    username = f"{ends_at}:{user}"
    return username, b64encode(new_hmac(secret, username.encode(), sha1).digest()).decode()


def _services(wanted: str | None, found: Sequence[Element]) -> Element:
    return Element("services", NS, None if wanted is None else {"type": wanted}, [*found])


def _place(known: Known) -> Place:
    _, service, _ = known
    return service.host, service.type, _port(service)


def _marks(known: Sequence[Known]) -> dict[Place, bytes]:
    """Give what is told of services, in a form that shows no secret."""
    return {_place(each): _mark(*each) for each in known}


def _mark(name: str, service: ExternalService, secret: bytes | None) -> bytes:
    password = "" if service.password is None else service.password.get_secret_value()
    told = (name, service.transport, service.username, password, secret)
    return sha256(repr(told).encode()).digest()


def _removed(place: Place) -> Element:
    host, type, port = place  # the table in 3.1 says "remove"; the schema and the example say "delete"
    attrs = {"action": "delete", "host": host, "type": type}
    return Element("service", NS, attrs if port is None else {**attrs, "port": str(port)})


def _port(service: ExternalService) -> int | None:
    return service.port if service.port is not None else PORTS.get(service.type)
